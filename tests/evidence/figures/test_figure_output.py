"""Written figures: the format by the ending, text as text, equal bytes from equal inputs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from bench.errors import InputError
from bench.evidence.figures.kinds import picture
from bench.evidence.figures.output import ENDINGS, check_output, save
from tests.evidence.conftest import Build
from tests.evidence.made_view import results_of

MAGIC = {".png": b"\x89PNG\r\n", ".pdf": b"%PDF-1.4", ".svg": b"<?xml version"}


def draw(learning: Build) -> Figure:
    runs, episodes = learning(["Hopper-v5"], ["control", "new"], seeds=3)
    return picture(results_of(runs, episodes, question="Is β = 1 enough?")).figure


@pytest.mark.parametrize("ending", ENDINGS)
def test_equal_inputs_give_equal_bytes_of_the_asked_format(
    learning: Build, tmp_path: Path, ending: str
) -> None:
    first = save(draw(learning), tmp_path / f"first{ending}")
    figure = draw(learning)
    second = save(figure, tmp_path / "deeper" / f"second{ending.upper()}")
    again = save(figure, tmp_path / f"again{ending}")
    assert first.read_bytes().startswith(MAGIC[ending])
    assert first.read_bytes() == second.read_bytes() == again.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        f"again{ending}",
        "deeper",
        f"first{ending}",
    ]


def test_vector_files_keep_text_as_text_with_fonts_and_without_dates(
    learning: Build, tmp_path: Path
) -> None:
    svg = save(draw(learning), tmp_path / "figure.svg").read_text(encoding="utf-8")
    for text in ("Is β = 1 enough?", "Hopper-v5 (n = 3)", "the new", "environment steps"):
        assert text in svg
    assert "<dc:date>" not in svg
    pdf = save(draw(learning), tmp_path / "figure.pdf").read_bytes()
    assert re.search(rb"/FontFile2 \d+ 0 R", pdf)  # a TrueType font in the file
    assert b"/Type3" not in pdf
    assert b"CreationDate" not in pdf


@pytest.mark.parametrize("name", ["figure.jpg", "figure", "figure.pdf.txt"])
def test_an_unknown_ending_is_refused_before_drawing(name: str) -> None:
    with pytest.raises(InputError, match=rf"{re.escape(name)}.*\.png, \.pdf, \.svg"):
        check_output(name)


def test_a_file_that_cannot_be_written_is_an_input_error(learning: Build, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InputError, match="cannot write the figure .*figure.png"):
        save(draw(learning), tmp_path / "file" / "figure.png")
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(InputError, match=r"cannot write the figure .*folder.png"):
        save(draw(learning), tmp_path / "folder.png")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder.png"]
