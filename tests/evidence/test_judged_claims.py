"""What results say of claims: intervals inside, outside and across what is claimed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from tuned import plan_of, tuned

from ablations.claims.claim import Claim, Comparison, Expected
from bench.evidence import claims
from bench.evidence.claims import Judgement, judge_claims, section
from bench.evidence.measures.anchors import Anchors
from bench.evidence.results import Results
from bench.store import View
from tests.evidence.conftest import make_frames

Effects = Mapping[tuple[str, str], float]
"""(environment, variant) -> how much more than the control's 100 it earns."""

BUDGET = 1_000  # of `make_frames`
KEYS = ("variant", "environment", "seed")
SPREAD = np.linspace(-1.0, 1.0, 10)


def view_of(effects: Effects, seeds: int = 10, missing: tuple[str, ...] = ()) -> View:
    """Differences to the control are the effect ± 1, symmetric about it."""
    environments = dict.fromkeys(environment for environment, _ in effects)
    descriptions = [
        {
            "environment": environment,
            "variant": variant,
            "seed": seed,
            "episodes": [(1000, 100.0 + extra)],
        }
        for environment in environments
        for variant, extras in (
            ("control", np.zeros(10)),
            *(
                (name, effects[effect_environment, name] + SPREAD)
                for effect_environment, name in effects
                if effect_environment == environment
            ),
        )
        for seed, extra in enumerate(extras[:seeds])
    ]
    runs, episodes = make_frames(descriptions)
    plan = plans(runs)
    present = ~runs["variant"].isin(missing)
    return View(
        source=Path("somewhere"),
        plan=plan,
        runs=runs[present],
        episodes=episodes[episodes["run"].isin(runs["run"][present])],
        updates=pd.DataFrame(columns=["run", *KEYS, "update", "step", "seconds", "reference_kl"]),
        problems=(),
    )


def plans(runs: pd.DataFrame) -> pd.DataFrame:
    cells = runs.drop_duplicates(["environment", "variant"])
    columns = ["variant", "variant_title", "variant_order", "environment", "environment_order"]
    return cells[columns].assign(
        control="control", compared_with=None, ablation="made", metadata='{"page": "curves"}'
    )


def anchors(*environments: str) -> Anchors:
    """0 is a return of 0, 1 one of 100: differences are hundredths of returns."""
    return Anchors(
        untrained_means=dict.fromkeys(environments, 0.0),
        ppo_means=dict.fromkeys(environments, 100.0),
        sources={},
        ppo_budgets={},
        runs={},
    )


def claim(*comparisons: Comparison, **fields: object) -> Claim:
    return Claim(
        name="made",
        source="Nobody 2026, arXiv 2600.00001",
        claim="Something.",
        differs="All of it.",
        ablation="made",
        comparisons=comparisons,
        **fields,  # type: ignore[arg-type]
    )


def against(expected: Expected, margin: float = 0.0, **fields: object) -> Comparison:
    arguments = {"variant": "one", "reference": "control", **fields}
    return Comparison(expected=expected, margin=margin, **arguments)  # type: ignore[arg-type]


Judge = Callable[..., Judgement]


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> Judge:
    """Judges one claim about an ablation of these environments."""

    def judge(
        stated: Claim,
        view: View | None,
        *environments: str,
        anchored: Anchors | None = None,
        budget: int = BUDGET,
    ) -> Judgement:
        names = environments or ("Hopper-v5",)
        monkeypatch.setattr(claims, "CLAIMS", {stated.name: stated})
        made = SimpleNamespace(environments=names, budget=lambda environment: budget)
        monkeypatch.setattr(claims, "ablation_of", lambda claim: made)
        claim_anchors = anchored or anchors(*names)
        results = view and Results(view=view, source="", given_anchors=claim_anchors)
        (judgement,) = judge_claims("made", results)
        return judgement

    return judge


@pytest.mark.parametrize(
    ("expected", "margin", "effect", "decision"),
    [
        ("better", 0.0, 5.0, "supported"),
        ("better", 0.0, -5.0, "contradicted"),
        ("better", 0.0, 0.1, "can't tell"),
        ("better", 0.2, 5.0, "contradicted"),
        ("worse", 0.0, -5.0, "supported"),
        ("worse", 0.0, 5.0, "contradicted"),
        ("not worse", 0.2, -5.0, "supported"),
        ("not worse", 0.01, -5.0, "contradicted"),
        ("no difference", 0.2, 5.0, "supported"),
        ("no difference", 0.01, 5.0, "contradicted"),
        ("no difference", 0.002, 0.0, "can't tell"),
    ],
)
def test_the_interval_decides(
    judged: Judge, expected: Expected, margin: float, effect: float, decision: str
) -> None:
    judgement = judged(claim(against(expected, margin)), view_of({("Hopper-v5", "one"): effect}))
    assert judgement.decision == decision
    assert judgement.evidence[0].difference == pytest.approx(effect / 100)


def test_nine_pairs_cannot_tell_and_none_is_not_tested(judged: Judge) -> None:
    stated, effects = claim(against("better")), {("Hopper-v5", "one"): 50.0}
    assert judged(stated, view_of(effects, seeds=9)).decision == "can't tell"
    assert judged(stated, view_of(effects, missing=("one",))).decision == "not tested"
    assert judged(stated, None).decision == "not tested"
    assert "no runs of made" in section([judged(stated, None)]).markdown()


def test_a_claim_over_environments_needs_all_of_them(judged: Judge) -> None:
    stated = claim(against("better", together=True))
    effects = {("Hopper-v5", "one"): 50.0, ("Swimmer-v5", "one"): -10.0}
    judgement = judged(stated, view_of(effects), "Hopper-v5", "Swimmer-v5")
    assert judgement.decision == "supported"
    assert judgement.evidence[0].difference == pytest.approx(0.2)
    assert judged(stated, view_of(effects), "Hopper-v5", "Ant-v5").decision == "not tested"


@pytest.mark.parametrize(
    ("needs", "effects", "decision"),
    [
        ("all", (5.0, 5.0), "supported"),
        ("all", (5.0, -5.0), "contradicted"),
        ("all", (5.0, 0.0), "can't tell"),
        ("any", (5.0, -5.0), "supported"),
        ("any", (-5.0, -5.0), "contradicted"),
        ("any", (-5.0, 0.0), "can't tell"),
    ],
)
def test_what_a_claim_of_several_comparisons_needs(
    judged: Judge, needs: str, effects: tuple[float, float], decision: str
) -> None:
    names = ("Hopper-v5", "Swimmer-v5")
    view = view_of({(name, "one"): effect for name, effect in zip(names, effects, strict=True)})
    judgement = judged(claim(against("better"), needs=needs), view, *names)
    assert judgement.decision == decision
    assert (judgement.lines[-1] == "one that supports it is enough") == (needs == "any")


def test_more_comparisons_widen_the_intervals(judged: Judge) -> None:
    view = view_of({("Hopper-v5", "one"): 5.0})
    single = judged(claim(against("better")), view).evidence[0]
    several = judged(claim(*[against("better")] * 5), view).evidence[0]
    assert several.low < single.low < single.high < several.high


def test_without_a_scale_nothing_is_tested(judged: Judge) -> None:
    view = view_of({("Hopper-v5", "one"): 5.0})
    no_anchors = Anchors(untrained_means={}, ppo_means={}, runs={}, sources={}, ppo_budgets={})
    judgement = judged(claim(against("better")), view, anchored=no_anchors)
    assert judgement.decision == "not tested" and "no scale" in judgement.lines[0]


@pytest.mark.parametrize(
    ("column", "other", "reason"),
    [("budget", 500_000, "steps, control has"), ("back_end", "warp", "stepped by warp")],
)
def test_only_like_is_compared_with_like(
    judged: Judge, column: str, other: object, reason: str
) -> None:
    view = view_of({("Hopper-v5", "one"): 5.0})
    changed = view.runs["variant"] == "one"
    view = replace(view, runs=view.runs.assign(**{column: view.runs[column].mask(changed, other)}))
    judgement = judged(claim(against("better")), view)
    assert judgement.decision == "not tested" and reason in judgement.lines[0]


def test_runs_of_other_lengths_than_the_claim_s_do_not_decide_it(judged: Judge) -> None:
    view = view_of({("Hopper-v5", "one"): 5.0})
    judgement = judged(claim(against("better")), view, budget=BUDGET * 10)
    assert judgement.decision == "not tested"
    assert f"{BUDGET:,} steps, the claim is about {BUDGET * 10:,}" in judgement.lines[0]


def test_a_small_difference_has_digits_and_the_steps_are_said(judged: Judge) -> None:
    view = view_of({("Hopper-v5", "one"): 0.1})
    (line,) = judged(claim(against("no difference", margin=0.2)), view).lines
    assert "0.001 [" in line and "n = 10 at 1k steps; claimed between −0.2 and 0.2" in line


def test_a_column_of_the_updates_is_compared_in_its_own_unit(judged: Judge) -> None:
    late = np.where(np.arange(20) >= 18, 1.0, 0.0)
    runs, episodes, updates = tuned(
        {
            (variant, seed): {"reward": 1.0, "kl": 1.0, "gold": gold * late + seed * (gold - 1)}
            for variant, gold in (("control", 1.0), ("one", 3.0))
            for seed in range(10)
        }
    )
    plan = plan_of(runs, "control").assign(ablation="made", metadata='{"page": "kl"}')
    view = View(
        source=Path("x"), plan=plan, runs=runs, episodes=episodes, updates=updates, problems=()
    )
    stated = claim(against("better", 2.0, measure="gold_reward"))
    judgement = judged(stated, view, "Reviews-v0", budget=int(runs["budget"].iloc[0]))
    # 3 − 1 in the last tenth of the steps, and twice the seed's number.
    assert judgement.evidence[0].difference == pytest.approx(2 + 2 * 4.5)
    assert judgement.decision == "supported"


def test_a_test_decides_where_it_is_named() -> None:
    judgement = Judgement(
        claim=Claim(name="a", source="b", claim="c.", decided_by="tests/test_x.py::test_y")
    )
    assert judgement.decision == "supported" and judgement.lines == (
        "test tests/test_x.py::test_y",
    )


@pytest.fixture
def run_claims(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    from bench.cli.app import main

    def run(*arguments: str) -> tuple[int, str, str]:
        code = main(["claims", *arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


def test_the_command_prints_and_writes_them(
    run_claims: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    page = tmp_path / "claims.md"
    names = ("reinforce_is_enough", "k3_is_no_loss", "annealing_is_needed")
    code, out, _ = run_claims(*names, "--results", str(tmp_path), "--output", str(page))
    assert code == 0
    assert [line.split(":")[0] for line in out.splitlines() if line.split(": ")[-1] in names] == [
        "not tested",
        "supported",
        "not tested",
    ]
    assert "1 supported, 2 not tested" in out
    text = page.read_text()
    assert text.startswith("# Claims of the literature")
    assert text.count("\n| ") == 2 + len(names)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("reinforce_is_enoug",), "Did you mean 'reinforce_is_enough'?"),
        (("--output", "claims.txt"), "must end in .md"),
        (("--results", "nowhere/at/all"), "does not exist"),
    ],
)
def test_what_the_command_does_not_take(
    run_claims: Callable[..., tuple[int, str, str]], arguments: tuple[str, ...], message: str
) -> None:
    code, _, err = run_claims(*arguments)
    assert code == 2 and message in err and err.count("\n") == 1
