"""Declarations: complete, in range, and errors that name value and range."""

from __future__ import annotations

import dataclasses
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from algorithms import ALGORITHMS
from algorithms.hyperparameters import check
from bench.plan.lookup import load_algorithm

FIELDS = [
    pytest.param(name, field, id=f"{name}-{field.name}")
    for name in ALGORITHMS
    for field in dataclasses.fields(load_algorithm(name).hyperparameters)
]


def hyperparameters_of(name: str, **changes: Any) -> Any:
    return load_algorithm(name).hyperparameters(**changes)


@pytest.mark.parametrize("name", ALGORITHMS)
def test_an_algorithm_is_what_its_name_says(name: str) -> None:
    declared = load_algorithm(name)
    assert declared.name == name
    assert declared.title and declared.equation
    check(declared.hyperparameters())
    module = sys.modules[ALGORITHMS[name].split(":")[0]]
    assert module.__doc__ and "Source:" in module.__doc__


def test_the_list_of_algorithms_costs_no_import_of_torch() -> None:
    code = "import sys; from algorithms import ALGORITHMS; sys.exit('torch' in sys.modules)"
    root = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-c", code], check=True, cwd=root)


@pytest.mark.parametrize(("name", "field"), FIELDS)
def test_every_hyperparameter_says_what_it_is_and_where_it_comes_from(
    name: str, field: dataclasses.Field[Any]
) -> None:
    assert field.kw_only
    assert field.metadata["meaning"]
    assert field.metadata["source"]


def parts_of(name: str, whole: str) -> dict[str, int]:
    """The smallest values of what is taken from a whole, which can't be larger than it."""
    fields = dataclasses.fields(load_algorithm(name).hyperparameters)
    return {f.name: f.metadata["low"] for f in fields if f.metadata.get("part_of") == whole}


@pytest.mark.parametrize(("name", "field"), FIELDS)
def test_values_outside_the_declaration_are_refused_in_one_line(
    name: str, field: dataclasses.Field[Any]
) -> None:
    invalid: list[Any] = []
    for bound, direction in ((field.metadata["low"], -1), (field.metadata["high"], 1)):
        if bound is None or isinstance(field.default, tuple):
            continue
        if isinstance(field.default, int):
            parts = parts_of(name, field.name)
            check(hyperparameters_of(name, **{field.name: max([bound, *parts.values()]), **parts}))
            invalid.append(bound + direction)
        else:
            check(hyperparameters_of(name, **{field.name: float(bound)}))
            invalid.append(math.nextafter(bound, direction * math.inf))
    if field.metadata["choices"] is not None:
        invalid.append("nonsense")
        for choice in field.metadata["choices"]:
            check(hyperparameters_of(name, **{field.name: choice}))
    if isinstance(field.default, float):
        invalid.append(math.nan)
    for value in invalid:
        with pytest.raises(ValueError, match=field.name) as caught:
            check(hyperparameters_of(name, **{field.name: value}))
        message = str(caught.value)
        assert repr(value) in message and "allowed" in message and "\n" not in message


def test_every_number_of_a_tuple_is_checked() -> None:
    check(hyperparameters_of("clipped_ppo", hidden_sizes=(1, 7)))
    with pytest.raises(ValueError, match=r"hidden_sizes = \(64, 0\); allowed: 1 to inf"):
        check(hyperparameters_of("clipped_ppo", hidden_sizes=(64, 0)))


def test_declarations_are_frozen_and_by_keyword_only() -> None:
    h = hyperparameters_of("clipped_ppo")
    with pytest.raises(dataclasses.FrozenInstanceError):
        h.clip_range = 0.3
    with pytest.raises(TypeError):
        load_algorithm("clipped_ppo").hyperparameters(8)  # type: ignore[call-arg]


def test_the_papers_table() -> None:
    """Table 3 of arXiv 1707.06347: MuJoCo, one million steps."""
    h = hyperparameters_of("clipped_ppo")
    assert (h.batch_steps, h.epochs, h.minibatch) == (2048, 10, 64)
    assert (h.learning_rate, h.discount, h.gae_lambda, h.clip_range) == (3e-4, 0.99, 0.95, 0.2)
    assert h.hidden_sizes == (64, 64)
    assert hyperparameters_of("kl_ppo").kl_target == 0.01


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("baseline", {"baseline": "leave_one_out", "slots": 1}),
        ("trajectory_importance_sampling", {"slots": 1}),
    ],
)
def test_leave_one_out_of_one_is_refused(name: str, changes: dict[str, Any]) -> None:
    """1/(N−1) at N = 1: every seed would be NaN after its first update."""
    from bench.errors import InputError
    from bench.train.trainer import validate

    with pytest.raises(InputError, match="slots"):
        validate(hyperparameters_of(name, **changes))
