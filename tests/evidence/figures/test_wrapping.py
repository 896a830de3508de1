"""Lines that fit, break where one can read on, and lose nothing."""

from __future__ import annotations

import pytest

from bench.evidence.figures.wrapping import text_width, wrapped


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("short", 5, ["short"]),
        ("adaptive KL, d_targ = 0.003", 1.2, ["adaptive KL,", "d_targ = 0.003"]),
        ("Hopper-v5 (n = 5 to 10)", 1.0, ["Hopper-v5", "(n = 5 to 10)"]),
        ("d_targ = 0.003", 0.5, ["d_targ =", "0.003"]),
        ("InvertedDoublePendulum-v5", 1.2, ["InvertedDouble", "Pendulum-v5"]),
        ("a_name_of_many_parts", 0.8, ["a_name_of_", "many_parts"]),
        ("two\nlines", 5, ["two lines"]),
        ("", 1, [""]),
    ],
)
def test_where_lines_break(text: str, width: float, lines: list[str]) -> None:
    assert wrapped(text, width, 8).split("\n") == lines


@pytest.mark.parametrize(
    "text", ["w" * 90, "Longest" * 12, "some words and averyveryverylongone" * 3]
)
@pytest.mark.parametrize("width", [0.4, 1.0, 3.3])
def test_every_line_fits_and_no_letter_is_lost(text: str, width: float) -> None:
    wrapped_text = wrapped(text, width, 7)
    assert "".join(wrapped_text.split()) == "".join(text.split())
    assert all(text_width(line, 7) <= width for line in wrapped_text.split("\n"))


def test_a_glyph_that_the_font_lacks_is_named() -> None:
    assert wrapped("重 = 1", 5, 8) == "U+91CD = 1"
