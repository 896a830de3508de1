"""What a plan says beforehand of what its seeds will show."""

from __future__ import annotations

import pytest

from bench.evidence.statistics.claimable import FEWEST_PAIRS, pairs_needed
from bench.requests.plan_request import requested_plan

ENVIRONMENTS = ["Hopper-v5", "Walker2d-v5"]


@pytest.mark.parametrize(
    ("seeds", "environments", "said"),
    [
        (9, ENVIRONMENTS, False),  # nothing is claimed anyway, as every table says
        (10, ENVIRONMENTS, False),  # 20 comparisons: p can be 20 / 512 = 0.039
        (10, [*ENVIRONMENTS, "Swimmer-v5"], True),
        (11, [*ENVIRONMENTS, "Swimmer-v5"], False),
    ],
)
def test_too_few_seeds_for_so_many_comparisons(
    seeds: int, environments: list[str], said: bool
) -> None:
    plan = requested_plan("surrogates", environments=environments, seeds=f"0-{seeds - 1}")
    comparisons = 10 * len(environments)
    text = f"{seeds} seeds can claim no difference of any size among {comparisons} comparisons"
    assert any(text in note for note in plan.notes) == said
    assert (FEWEST_PAIRS <= seeds < pairs_needed(comparisons)) == said
