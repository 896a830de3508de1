"""A study of seconds: what the tests of tuning share."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from optuna import Study

from bench.evidence.measures.normalised import Scale
from bench.tune.request import Request
from bench.tune.space import search_space
from bench.tune.study import open_study

ENVIRONMENTS = ("CartPole-v1", "InvertedPendulum-v5")
SMALL = {"batch_steps": 64, "slots": 4, "minibatch": 32, "epochs": 1, "hidden_sizes": (8,)}


def request(
    *, search: Sequence[str] = ("learning_rate",), steps: int = 256, **changes: Any
) -> Request:
    """Two seeds of a small clipped PPO in two environments."""
    values: dict[str, Any] = {
        "algorithm": "clipped_ppo",
        "back_ends": dict.fromkeys(ENVIRONMENTS, "envpool"),
        "steps": steps,
        "seeds": (0, 1),
        "space": search_space("clipped_ppo", searched=search),
        "fixed": SMALL,
    }
    return Request(**(values | changes))


def scales() -> dict[str, Scale]:
    """0 to 100, in every environment."""
    return dict.fromkeys(ENVIRONMENTS, Scale(zero=0.0, one=100.0))


def opened(study_request: Request, folder: Path, **options: Any) -> Study:
    """The study of a request, begun or gone on with, in a results folder."""
    return open_study(
        study_request, folder / "studies" / study_request.name, **{"scales": scales(), **options}
    )
