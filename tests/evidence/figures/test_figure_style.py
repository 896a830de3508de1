"""How numbers are written and variants look."""

from __future__ import annotations

import pytest

from bench.evidence.figures.style import looks
from bench.formatting import thousands


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.25, "0.25"),
        (-60, "−60"),
        (999, "999"),
        (1000, "1k"),
        (-2500, "−2.5k"),
        (250_000, "250k"),
        (1e6, "1M"),
        (1.25e6, "1.25M"),
        (2e9, "2G"),
        (599_999.9999999999, "600k"),
        (999_999.9999999999, "1M"),
    ],
)
def test_thousands(value: float, text: str) -> None:
    assert thousands(value) == text


def test_no_two_variants_look_alike() -> None:
    names = [f"v{place}" for place in range(60)]
    for control in (None, "v7"):
        assert len(set(looks(names, control).values())) == len(names)


def test_looks_stay_when_later_variants_join() -> None:
    few, many = looks(["a", "b", "c"], "b"), looks(["a", "b", "c", "d"], "b")
    assert {name: many[name] for name in few} == few
    assert [name for name, look in many.items() if not look.dashes] == ["b"]
    assert list(many) == ["a", "b", "c", "d"]


def test_without_a_control_the_first_variant_is_solid() -> None:
    assert [name for name, look in looks(["a", "b", "c"], None).items() if not look.dashes] == ["a"]
