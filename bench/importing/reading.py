"""From what a user names, files, folders and wildcards, to the curves that are in them."""

from __future__ import annotations

import glob
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from bench.errors import InputError
from bench.importing.curve import Curve
from bench.importing.evaluations import read_evaluations
from bench.importing.event_files import is_event_file, read_event_file
from bench.importing.monitor import MARK, read_monitors
from bench.importing.step_table import NEEDED, columns_of, read_step_table

FORMATS: Final = (
    "Stable-Baselines3's monitor.csv and evaluations.npz, TensorBoard's event files, "
    "and CSV with the columns step and return"
)
"""What can be read, in words."""

_NAMES: Final = ("*monitor.csv", "evaluations.npz", "*tfevents*")
"""What a run's folder is searched for."""


def read_curves(
    names: Sequence[str], *, tag: str | None = None, seeds: Sequence[int] | None = None
) -> list[Curve]:
    """The curves of all files, each with its seed.

    A folder stands for one run: of its environments' monitor files, one curve is made. Wildcards
    are opened up in the order in which people count: run_2 before run_10.

    Args:
        names: files, folders, and wildcards that the shell has left.
        tag: of the scalar in TensorBoard's event files; None: `event_files.TAG`.
        seeds: of the curves, in their order; None: what a file's column says, else 0 to n − 1.

    Raises:
        InputError: one can't be read or used, in one line that begins with its name; or the seeds
            are not one a curve.
    """
    curves = [curve for name in _expanded(names) for curve in _read(name, tag)]
    return _with_seeds(_suspicious(curves), seeds)


def _expanded(names: Iterable[str]) -> list[str]:
    found: list[str] = []
    for name in names:
        if not Path(name).exists() and glob.has_magic(name):
            matches = sorted(glob.glob(name, recursive=True), key=_counted)
            if not matches:
                raise InputError(f"no file is called {name!r}")
            found += matches
        else:
            found.append(name)
    for name, number in Counter(str(Path(each).resolve()) for each in found).items():
        if number > 1:
            raise InputError(f"{name} is named {number} times; a file is one seed")
    return found


def _counted(name: str) -> list[tuple[int, str]]:
    """A key that sorts numbers in names as numbers."""
    return [
        (int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name)
    ]


def _read(name: str, tag: str | None) -> list[Curve]:
    path = Path(name)
    try:
        if path.is_dir():
            return _read_folder(path, tag)
        return _read_file(path, name, tag)
    except OSError as error:
        raise InputError(f"{name} can't be read: {error.strerror or error}") from error


def _read_folder(folder: Path, tag: str | None) -> list[Curve]:
    for pattern in _NAMES:
        files = sorted(folder.glob(pattern), key=lambda path: _counted(path.name))
        if files and pattern == _NAMES[0]:
            for file in files:
                if not file.stat().st_size:
                    raise InputError(f"{file} is empty")
            _refuse_tag(str(folder), tag)
            return [read_monitors(files, str(folder))]
        if len(files) == 1:
            return _read_file(files[0], str(files[0]), tag)
        if files:
            listed = ", ".join(file.name for file in files)
            raise InputError(f"{folder} holds several files of one run: {listed}; name one of them")
    raise InputError(f"{folder} holds nothing that can be read. Known are {FORMATS}")


def _read_file(path: Path, name: str, tag: str | None) -> list[Curve]:
    with path.open("rb") as file:
        beginning = file.read(2**16)
    if not beginning:
        raise InputError(f"{name} is empty")
    if is_event_file(beginning):
        return [read_event_file(path, name, tag)]
    read = _reader(beginning, name)
    _refuse_tag(name, tag)
    return read(path)


def _reader(beginning: bytes, name: str) -> Callable[[Path], list[Curve]]:
    """What reads a file that begins like this, TensorBoard's aside."""
    if beginning.startswith(b"PK\x03\x04"):
        return lambda path: [read_evaluations(path, name)]
    text = beginning.decode("utf-8-sig", errors="replace")
    if text.startswith(MARK):
        return lambda path: [read_monitors([path], name)]
    columns = columns_of(text)
    if all(column in columns for column in NEEDED):
        return lambda path: read_step_table(path, name)
    told = f"its columns are {', '.join(columns)}. " if len(columns) > 1 and "�" not in text else ""
    raise InputError(f"{name} is of an unknown format. {told}Known are {FORMATS}")


def _refuse_tag(name: str, tag: str | None) -> None:
    if tag is not None:
        raise InputError(f"--tag names a scalar of TensorBoard's event files, and {name} is none")


def _suspicious(curves: Sequence[Curve]) -> list[Curve]:
    """Marks monitor files of one folder, which can be the environments of one run."""
    folders = Counter(Path(each.name).parent for each in curves if each.kind == "monitor.csv")

    def marked(curve: Curve) -> Curve:
        folder = Path(curve.name).parent
        shares = curve.kind == "monitor.csv" and folders[folder] > 1
        if not shares or not re.fullmatch(r"\d+\.monitor\.csv", Path(curve.name).name):
            return curve
        told = (
            f"its file lies beside others in {folder}: environments of one run, stepped side by "
            "side, are no seeds; name the folder to join them"
        )
        return replace(curve, remarks=(*curve.remarks, told))

    return [marked(curve) for curve in curves]


def _with_seeds(curves: Sequence[Curve], seeds: Sequence[int] | None) -> list[Curve]:
    named = [curve.seed for curve in curves if curve.seed is not None]
    if named and seeds is not None:
        raise InputError("the files name their seeds in a column: leave out --seeds")
    if named and len(named) < len(curves):
        raise InputError(
            "some files name their seeds in a column and some don't; import them apart"
        )
    chosen = seeds or named or range(len(curves))
    if len(chosen) != len(curves):
        few = "fewer" if len(curves) < len(chosen) else "more"
        raise InputError(f"there are {few} curves, {len(curves)}, than seeds, {len(chosen)}")
    for seed, number in Counter(chosen).items():
        if number > 1:
            raise InputError(
                f"seed {seed} is named {number} times; each curve is a seed of its own"
            )
    return [replace(curve, seed=seed) for curve, seed in zip(curves, chosen, strict=True)]
