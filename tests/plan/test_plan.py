"""From an ablation to descriptions."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ablations.spec import Ablation, Variant
from bench.errors import InputError
from bench.plan.plan import Plan, make_plan

PPO = Variant(name="ppo", algorithm="clipped_ppo")
TIGHT = Variant(name="tight", algorithm="clipped_ppo", hyperparameters={"clip_range": 0.1})
VANILLA = Variant(name="vanilla", algorithm="vanilla_policy_gradient")


def ablation(*variants: Variant, **changes: Any) -> Ablation:
    fields: dict[str, Any] = {
        "name": "mine",
        "title": "Mine",
        "question": "Why?",
        "environments": ("Hopper-v5", "CartPole-v1"),
        "variants": variants,
        "control": variants[0].name,
        "steps": {"Hopper-v5": 1000, "CartPole-v1": 500},
        "seeds": (0, 1),
        "mechanism": ("clip_fraction",),
    }
    return Ablation(**{**fields, **changes})


def plan(*variants: Variant, **arguments: Any) -> Plan:
    spec = ablation(*(variants or (PPO, TIGHT)))
    return make_plan(spec, back_end_of=lambda environment: "envpool", **arguments)


def test_cells_in_the_order_of_environments_and_variants() -> None:
    planned = plan()
    assert [(cell.environment, cell.variant.name) for cell in planned.cells] == [
        ("Hopper-v5", "ppo"),
        ("Hopper-v5", "tight"),
        ("CartPole-v1", "ppo"),
        ("CartPole-v1", "tight"),
    ]
    assert [cell.description.steps for cell in planned.cells] == [1000, 1000, 500, 500]
    assert len(planned.runs()) == 8


def test_every_default_is_written_out_in_its_declared_type() -> None:
    values = plan().cells[0].description.hyperparameters
    assert values["clip_range"] == 0.2
    assert values["value_clip"] == math.inf
    assert values["hidden_sizes"] == (64, 64)
    explicit = Variant(name="v", algorithm="clipped_ppo", hyperparameters={"clip_range": 0.2})
    number = Variant(name="w", algorithm="clipped_ppo", hyperparameters={"hidden_sizes": [64, 64]})
    same = {cell.description.identifier for cell in plan(PPO, explicit, number).cells[:3]}
    assert len(same) == 1


def test_a_shared_run_is_there_once() -> None:
    duplicate = Variant(name="again", algorithm="clipped_ppo")
    assert len(plan(PPO, duplicate).runs()) == 4


def test_what_is_asked_for_replaces_the_ablation_s_own() -> None:
    planned = plan(seeds=(5,), steps=77, environments=["Ant-v5"], variants=["tight"], device="cuda")
    (cell,) = planned.cells
    assert (cell.environment, cell.variant.name, cell.seeds) == ("Ant-v5", "tight", (5,))
    assert (cell.description.steps, cell.description.device) == (77, "cuda")
    # The largest of the ablation's budgets in an environment that it does not list.
    assert plan(environments=["Ant-v5"]).cells[0].description.steps == 1000


def test_held_out_seeds_are_the_only_ones_and_the_plan_s_rows_say_so() -> None:
    """All of them, also where some are asked for: the others are nobody else's either."""
    spec = ablation(PPO, TIGHT, seeds=(100, 101), held_out=True)
    planned = make_plan(spec, back_end_of=lambda environment: "envpool", seeds=[101])
    for row in planned.rows(datetime.now(UTC)):
        assert json.loads(str(row["metadata"]))["held_out"] == [100, 101]
    with pytest.raises(InputError, match="is about the seeds 100,101, which nothing else has seen"):
        make_plan(spec, back_end_of=lambda environment: "envpool", seeds=[101, 102])
    assert "held_out" not in str(plan().rows(datetime.now(UTC))[0]["metadata"])


@pytest.mark.parametrize(
    ("seeds", "fixed"), [((0,), [0, 1]), ((0, 1), [0, 1]), ((0, 1, 2), [0, 1, 2]), ((7,), [7])]
)
def test_rows_say_the_seeds_that_fix_n(seeds: tuple[int, ...], fixed: list[int]) -> None:
    """A part of the ablation's seeds doesn't change its n; others are another request."""
    planned = make_plan(
        ablation(PPO, TIGHT, seeds=(0, 1)),
        back_end_of=lambda environment: "envpool",
        seeds=seeds,
    )
    rows = planned.rows(datetime.now(UTC))
    assert [json.loads(str(row["metadata"]))["seeds"] for row in rows] == [fixed] * len(rows)


def test_settings_reach_every_variant_that_has_the_field() -> None:
    planned = plan(PPO, VANILLA, settings={"clip_range": "0.3", "slots": "4"})
    ppo, vanilla = (cell.description.hyperparameters for cell in planned.cells[:2])
    assert (ppo["clip_range"], ppo["slots"], vanilla["slots"]) == (0.3, 4, 4)
    assert "clip_range" not in vanilla
    (note,) = planned.notes
    assert note.startswith("clip_range = 0.3 applies to ppo;")
    assert planned.cells[0].differs == {"clip_range": 0.3, "slots": 4}


@pytest.mark.parametrize(
    ("variant", "settings", "note"),
    [
        (
            Variant(name="large", algorithm="trpo", hyperparameters={"learning_rate": 0.5}),
            {},
            "large: learning_rate changes nothing in trpo.",
        ),
        (
            Variant(name="own", algorithm="clipped_ppo"),
            {"critic_learning_rate": "0.1"},
            "own: critic_learning_rate changes nothing in clipped_ppo without "
            "separate_optimizers=True.",
        ),
    ],
)
def test_what_changes_nothing_is_told(
    variant: Variant, settings: dict[str, str], note: str
) -> None:
    assert plan(variant, settings=settings).notes == (note,)
    separate = {**settings, "separate_optimizers": "true"}
    if settings:
        assert plan(variant, settings=separate).notes == ()


def test_a_setting_never_undoes_a_contrast() -> None:
    with pytest.raises(InputError, match=r"variant 'tight' is about clip_range = 0\.1"):
        plan(settings={"clip_range": "0.3"})
    alone = plan(settings={"clip_range": "0.3"}, variants=["ppo"])
    assert alone.cells[0].description.hyperparameters["clip_range"] == 0.3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"variants": ["thight"]}, "unknown variant of mine 'thight'. Did you mean 'tight'?"),
        ({"settings": {"epoch": "3"}}, "unknown field 'epoch'. Did you mean 'epochs'?"),
        ({"settings": {"epochs": "x"}}, "value of epochs 'x'. Allowed: a whole number"),
        ({"settings": {"epochs": "0"}}, "value '0' of epochs is out of range. Allowed: 1 to any"),
        ({"settings": {"hidden_sizes": "0,64"}}, "value '0,64' of hidden_sizes is out of range"),
        ({"settings": {"discount": "1.5"}}, "out of range. Allowed: 0.0 to 1.0"),
        ({"settings": {"initialization": "ortho"}}, "Did you mean 'orthogonal'?"),
        ({"settings": {"learning_rate": "nan"}}, "value of learning_rate 'nan'"),
    ],
)
def test_what_is_not_known_or_allowed(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        plan(**arguments)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("hyperparameters", "message"),
    [
        ({"clip": 1.0}, "unknown hyperparameter of variant 'bad' 'clip'."),
        ({"epochs": 1.5}, "unknown value of epochs 1.5. Allowed: a whole number"),
        ({"epochs": -1}, "value -1 of epochs is out of range"),
        ({"initialization": "x"}, "unknown value of initialization 'x'"),
    ],
)
def test_variants_are_checked_like_settings(hyperparameters: dict[str, Any], message: str) -> None:
    bad = Variant(name="bad", algorithm="clipped_ppo", hyperparameters=hyperparameters)
    with pytest.raises(InputError) as caught:
        plan(bad)
    assert message in str(caught.value)


def test_an_unknown_algorithm() -> None:
    with pytest.raises(InputError, match="unknown algorithm 'ppo2'"):
        plan(Variant(name="x", algorithm="ppo2"))


def test_rows_carry_what_a_report_needs_without_torch() -> None:
    created = datetime.now(UTC)
    rows = plan().rows(created)
    assert [(row["environment_order"], row["variant_order"]) for row in rows] == [
        (0, 0),
        (0, 1),
        (1, 0),
        (1, 1),
    ]
    row = rows[1]
    assert json.loads(str(row["differs"])) == {"clip_range": 0.1}
    metadata = json.loads(str(row["metadata"]))
    assert metadata["mechanism"] == ["clip_fraction"]
    assert Path(metadata["source"]).is_file()
    assert metadata["equation"]
    clip = metadata["hyperparameters"]["clip_range"]
    assert clip["default"] == 0.2
    assert clip["meaning"]
    assert metadata["hyperparameters"]["value_clip"]["default"] == "inf"


def test_rows_name_the_reference_that_is_not_the_control() -> None:
    rung = Variant(name="rung", algorithm="clipped_ppo", compared_with="tight")
    rows = plan(PPO, TIGHT, rung, environments=["Hopper-v5"]).rows(datetime.now(UTC))
    assert [row["compared_with"] for row in rows] == [None, None, "tight"]
    assert {row["control"] for row in rows} == {"ppo"}


def test_the_order_of_a_variant_does_not_depend_on_the_selection() -> None:
    (row, _) = plan(variants=["tight"]).rows(datetime.now(UTC))
    assert row["variant_order"] == 1
