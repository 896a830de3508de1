"""A hyperparameter that is declared later leaves the runs that were made before what they are."""

from __future__ import annotations

import importlib
import json
import sys
from dataclasses import fields

import pytest

from ablations.spec import Ablation, Variant
from bench.cli.choosing import description_of
from bench.plan.identity import Description
from bench.plan.lookup import load_algorithm, values_as_before
from bench.plan.plan import make_plan
from bench.store import PUBLISHED, Store
from bench.train.trainer import validate

ALGORITHM = """
from dataclasses import dataclass, replace
from algorithms.hyperparameters import hyperparameter
from algorithms.ladder import clipped_ppo

@dataclass(frozen=True, kw_only=True)
class Hyperparameters(clipped_ppo.ALGORITHM.hyperparameters):
    {later}

ALGORITHM = replace(clipped_ppo.ALGORITHM, name="later", hyperparameters=Hyperparameters)
"""
LATER = 'bias: float = hyperparameter(0.5, "what it adds", before=0)'


def asking(algorithm: str) -> Ablation:
    return Ablation(
        name="mine",
        title="Mine",
        question="Why?",
        environments=("Hopper-v5",),
        variants=(Variant(name="a", algorithm=algorithm),),
        control="a",
        steps=1000,
    )


def planned(**settings: str) -> Description:
    ablation = asking("later.algorithm:ALGORITHM")
    plan = make_plan(ablation, back_end_of=lambda environment: "envpool", settings=settings)
    return plan.cells[0].description


class Row:
    """Of the table `runs`."""

    def __init__(self, description: Description) -> None:
        self.canonical, self.seed, self.run = description.canonical(), 3, description.run(3)
        self.algorithm, self.environment = description.algorithm, description.environment


def test_runs_made_before_keep_their_identity(install) -> None:
    package = install("later", {"algorithm.py": ALGORITHM.format(later="pass")})
    before = planned()
    stored = Row(before)

    (package / "algorithm.py").write_text(ALGORITHM.format(later=LATER))
    del sys.modules["later.algorithm"]
    importlib.invalidate_caches()
    current, as_before = planned(), planned(bias="0")

    assert as_before.hyperparameters["bias"] == 0.0
    assert as_before.canonical() == before.canonical()
    assert as_before.run(3) == before.run(3)
    assert current.identifier != before.identifier
    assert '"bias":"float:0.5"' in current.canonical()

    # What is stored is trained again as it was, not by today's default.
    restored = description_of(stored)
    assert restored == as_before
    assert restored.run(3) == stored.run
    validate(importlib.import_module("later.algorithm").Hyperparameters(**restored.hyperparameters))
    assert description_of(Row(current)).hyperparameters["bias"] == 0.5


def test_a_value_that_is_as_before_is_in_no_text() -> None:
    description = Description(
        algorithm="a", hyperparameters={"x": 1}, environment="e", steps=1, back_end="b"
    )
    completed = description.completed({"y": 0.0, "z": (1, 2)})
    assert completed.hyperparameters == {"x": 1, "y": 0.0, "z": (1, 2)}
    assert completed.canonical() == description.canonical()
    # 0 is another value than 0.0, as everywhere in a description.
    other = Description(
        **{**vars(completed), "hyperparameters": {**completed.hyperparameters, "y": 0}}
    )
    assert '"y":"int:0"' in other.canonical()
    text = completed.canonical().replace('"algorithm"', '"as_before":"none","algorithm"')
    with pytest.raises(ValueError, match="no canonical description"):
        Description.from_canonical(text)


def test_every_published_run_is_named_as_it_was() -> None:
    """And what its algorithm has declared since, it has the value for that is as before."""
    texts = set(Store(PUBLISHED, read_only=True).runs()["canonical"])
    assert len(texts) > 100
    for text in texts:
        stored = Description.from_canonical(text)
        algorithm = load_algorithm(stored.algorithm)
        completed = stored.completed(values_as_before(algorithm))
        assert completed.canonical() == text
        declared = {field.name for field in fields(algorithm.hyperparameters)}
        assert completed.hyperparameters.keys() == declared
        validate(algorithm.hyperparameters(**completed.hyperparameters))


def test_by_default_a_run_is_named_as_it_was() -> None:
    """What an algorithm does unless told otherwise is what it did."""
    declared = load_algorithm("clipped_ppo").hyperparameters
    younger = {field.name for field in fields(declared) if "before" in field.metadata}
    assert younger >= {
        *("raw_reward_clip", "value_normalization", "activation", "policy_head_gain"),
        *("separate_optimizers", "staggered_start"),
    }
    (cell,) = make_plan(asking("clipped_ppo"), back_end_of=lambda environment: "envpool").cells
    named = json.loads(cell.description.canonical())["hyperparameters"]
    assert named.keys() == cell.description.hyperparameters.keys() - younger
    assert cell.description.hyperparameters.keys() >= younger
