"""An ablation that does not fit together is refused in one line."""

from __future__ import annotations

from typing import Any

import pytest

from ablations.spec import Ablation, Variant

CONTROL = Variant(name="control", algorithm="baseline")
OTHER = Variant(name="other_one", algorithm="baseline", hyperparameters={"slots": 4})


def compared(reference: str) -> Variant:
    return Variant(name="new", algorithm="baseline", compared_with=reference)


def make(**changes: Any) -> Ablation:
    fields: dict[str, Any] = {
        "name": "mine",
        "title": "Mine",
        "question": "Does it matter?",
        "environments": ("Hopper-v5", "Walker2d-v5"),
        "variants": (CONTROL, OTHER),
        "control": "control",
        "steps": 1000,
    }
    return Ablation(**{**fields, **changes})


def test_defaults() -> None:
    ablation = make()
    assert ablation.seeds == tuple(range(10))
    assert ablation.mechanism == ()
    assert OTHER.title == "other one"
    assert Variant(name="a", algorithm="baseline", title="A!").title == "A!"


def test_the_reference_of_a_variant() -> None:
    rung = Variant(name="rung", algorithm="baseline", compared_with="other_one")
    ablation = make(variants=(CONTROL, OTHER, rung))
    assert [ablation.reference(variant) for variant in ablation.variants] == [
        "control",
        "control",
        "other_one",
    ]


def test_budget_of_an_environment() -> None:
    assert make().budget("anything") == 1000
    ablation = make(steps={"Hopper-v5": 10, "Walker2d-v5": 20})
    assert ablation.budget("Hopper-v5") == 10
    assert ablation.budget("not listed") == 20


def test_later_changes_of_a_mapping_do_not_reach_in() -> None:
    values: dict[str, object] = {"slots": 4}
    steps = {"Hopper-v5": 10, "Walker2d-v5": 20}
    variant = Variant(name="v", algorithm="baseline", hyperparameters=values)
    ablation = make(steps=steps)
    values["slots"] = steps["Hopper-v5"] = 5
    assert variant.hyperparameters == {"slots": 4}
    assert ablation.budget("Hopper-v5") == 10


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "my ablation"}, "'my ablation'"),
        ({"name": "../mine"}, "'../mine'"),
        ({"question": " "}, "no question"),
        ({"environments": "Hopper-v5"}, "environments of ablation 'mine' must be a tuple"),
        ({"environments": ()}, "no environments"),
        ({"environments": ("A-v0", "A-v0")}, "'A-v0' twice"),
        ({"variants": (CONTROL, CONTROL)}, "'control' twice"),
        ({"control": "contrl"}, "'contrl' of ablation 'mine' is none of its variants: control, "),
        ({"variants": (CONTROL, compared("othr"))}, "'othr', which is none of its variants: contr"),
        ({"variants": (CONTROL, compared("new"))}, "compared with 'new', which is itself"),
        ({"variants": (compared("other_one"), OTHER), "control": "new"}, "it, the control"),
        ({"seeds": ()}, "no seeds"),
        ({"seeds": (0, 0)}, "0 twice"),
        ({"seeds": (-1,)}, "seed -1"),
        ({"seeds": (1.5,)}, "seed 1.5"),
        (
            {"seeds": (2**63,)},
            "seed 9223372036854775808 of ablation 'mine' is no integer from 0 to 2",
        ),
        ({"steps": 2**63}, "not 9223372036854775808"),
        (
            {"time_limit": 0},
            "time_limit of ablation 'mine' must be an integer from 1 to 1000000000",
        ),
        ({"time_limit": True}, "not True"),
        ({"time_limit": 10**9 + 1}, "not 1000000001"),
        (
            {"time_limit": {"Ant-v5": 9}},
            "names 'Ant-v5', which is none of its environments: Hopper",
        ),
        ({"name": "n" * 201}, "has 201 letters, 200 are allowed"),
        ({"name": None}, "ablation name None"),
        ({"title": 5}, "title of ablation 'mine' must be a text, not of type int"),
        ({"title": "a\x1b[31m"}, "title of ablation 'mine' holds U+001B"),
        ({"question": "a\ud800?"}, "question of ablation 'mine' holds U+D800"),
        ({"question": "a" * 1001}, "has 1001 letters, 1000 are allowed"),
        ({"environments": (5,)}, "each of the environments of ablation 'mine' must be a text"),
        ({"mechanism": ("\ud800",)}, "each of the mechanism of ablation 'mine' holds U+D800"),
        ({"variants": ("control",)}, "variants of ablation 'mine' hold a str, no Variant"),
        ({"variants": (v for v in (CONTROL,))}, "variants of ablation 'mine' must be a tuple"),
        ({"held_out": "no"}, "held_out of ablation 'mine' must be True or False"),
        ({"steps": 10**400}, "must be an integer from 1 on, not 1000"),
        ({"steps": 0}, "not 0"),
        ({"steps": 1e6}, "not 1000000.0"),
        ({"steps": {"Hopper-v5": 10}}, "exactly its environments, Hopper-v5, Walker2d-v5, not"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=r"mine|ablation") as caught:
        make(**changes)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_variant_needs_a_name_for_the_command_line() -> None:
    with pytest.raises(ValueError, match="variant name '-x'"):
        Variant(name="-x", algorithm="baseline")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"algorithm": 5}, "algorithm of variant 'a' must be a text, not of type int"),
        ({"title": "\ud800"}, "title of variant 'a' holds U+D800, which can't be written"),
        ({"compared_with": 5}, "compared_with of variant 'a' must be a text"),
        ({"hyperparameters": 5}, "hyperparameters of variant 'a' must be a mapping"),
        ({"hyperparameters": {5: 1}}, "hyperparameters of variant 'a' must be a mapping"),
    ],
)
def test_what_no_variant_holds(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=r"variant 'a'") as caught:
        Variant(**{"name": "a", "algorithm": "baseline", **changes})
    assert message in str(caught.value)


def test_texts_stand_on_one_line() -> None:
    ablation = make(title=" Two\n  lines ", question="Why\tnot?")
    assert (ablation.title, ablation.question) == ("Two lines", "Why not?")
    assert Variant(name="a", algorithm="baseline", title="β\n重").title == "β 重"


def test_a_time_limit_is_one_for_all_environments_or_one_for_each_that_is_named() -> None:
    assert make().limit("Hopper-v5") is None
    assert make(time_limit=7).limit("Hopper-v5") == 7
    ablation = make(time_limit={"Hopper-v5": 7})
    assert (ablation.limit("Hopper-v5"), ablation.limit("Walker2d-v5")) == (7, None)
