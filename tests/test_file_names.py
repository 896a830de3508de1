"""Names as parts of paths: one part, no other name's, and read at a glance where it can be."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.file_names import file_name

HOSTILE = ["../../x", "/abs", "a/b", "", ".", "..", ".hidden", "a.", "CON", "nul.txt", "L" * 300]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Hopper-v5", "Hopper-v5"),
        ("kl_0.01", "kl_0.01"),
        ("ALE/Pong-v5", "ALE%2FPong-v5"),
        ("my.module:Maze-v0", "my.module%3AMaze-v0"),
        ("../../x", "%2E.%2F..%2Fx"),
        ("..", "%2E%2E"),
        ("", "%"),
        ("con.txt", "%63on.txt"),
        ("100%", "100%25"),
    ],
)
def test_what_names_become(name: str, expected: str) -> None:
    assert file_name(name) == expected


@pytest.mark.parametrize("name", [*HOSTILE, "\ud800", "a\x00b", "é" * 200, "a\nb"])
def test_a_name_is_one_part_of_a_path_that_can_be_made(name: str, tmp_path: Path) -> None:
    path = tmp_path / "below" / f"{file_name(name)}.parquet"
    path.parent.mkdir()
    path.touch()
    assert [child.name for child in path.parent.iterdir()] == [path.name]
    assert not path.name.startswith(".")


@given(st.sets(st.text(st.characters(), max_size=300), min_size=2, max_size=2))
def test_two_names_never_share_a_file(names: set[str]) -> None:
    assert len({file_name(name) for name in names}) == 2


def test_long_names_that_begin_alike_are_told_apart() -> None:
    assert file_name("L" * 300) != file_name("L" * 301)
