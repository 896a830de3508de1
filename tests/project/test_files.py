"""What a verb writes is whole, or as it was before."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from bench.cli.output import write_text
from bench.errors import InputError
from bench.evidence.export.tidy import write_csv
from bench.evidence.figures.output import save


@pytest.fixture
def small_files_only() -> Iterator[None]:
    """No file grows beyond 4 KiB, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def text(path: Path) -> None:
    write_text("x" * 10_000, path)


def table(path: Path) -> None:
    write_csv({path.stem: pd.DataFrame({"number": np.arange(10_000)})}, path.parent)


def figure(path: Path) -> None:
    plot = Figure()
    plot.subplots().imshow(np.random.default_rng(0).random((50, 50)))
    save(plot, path)


@pytest.mark.parametrize(("write", "name"), [(text, "a.txt"), (table, "a.csv"), (figure, "a.png")])
def test_what_can_not_be_written_leaves_what_was_there(
    write: object, name: str, tmp_path: Path, small_files_only: None
) -> None:
    assert callable(write)
    (tmp_path / name).write_text("before")
    with pytest.raises(InputError, match="File too large"):
        write(tmp_path / name)
    assert os.listdir(tmp_path) == [name]
    assert (tmp_path / name).read_text() == "before"
    with pytest.raises(InputError, match="File too large"):
        write(tmp_path / "new" / name)
    assert os.listdir(tmp_path / "new") == []


def test_a_pipe_is_written_to_as_it_is(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    write_text("through", tmp_path / "pipe")
    assert os.read(reader, 100) == b"through"
    assert (tmp_path / "pipe").is_fifo()
    os.close(reader)
