"""The lecture guide, its notebook and its pictures are what `docs/make_lecture.py` writes now."""

from __future__ import annotations

import io
import re

import matplotlib.image
import numpy as np
import pytest

from bench.evidence.figures.output import draw
from docs.make_lecture import COMMAND, GUIDE, NOTEBOOK, PART, PICTURES, notebook, page, pictures

TEXT = GUIDE.read_text()


@pytest.mark.documents
def test_excerpts_and_published_results_are_those_of_today() -> None:
    assert page(TEXT) == TEXT


def test_the_notebook_is_the_guide() -> None:
    assert notebook(TEXT) == NOTEBOOK.read_text()


@pytest.mark.documents
def test_every_picture_is_the_one_that_is_drawn() -> None:
    referenced = set(re.findall(r"\]\(pictures/(\w+\.png)\)", TEXT))
    figures = pictures()
    assert referenced == {*figures, "policies.png"} == {path.name for path in PICTURES.iterdir()}
    for name, figure in figures.items():
        target = io.BytesIO()
        draw(figure, target, ".png")
        target.seek(0)
        new, old = matplotlib.image.imread(target), matplotlib.image.imread(PICTURES / name)
        assert new.shape == old.shape, name
        assert np.abs(new - old).mean() < 0.002, name  # another processor moves a line's edge


def test_every_step_has_a_run_of_under_a_minute() -> None:
    printed = [part["text"] for part in PART.finditer(TEXT) if part["kind"] == "printed"]
    assert len(printed) == len(COMMAND.findall(TEXT)) - 1  # the last one trains nothing
    for text in printed:
        (seconds,) = re.findall(r"two cores about (\d+) s", text)
        assert int(seconds) < 60
        assert ", n 10, diverged 0\n" in text
