"""Read the curves in the files, folders and wildcards that a user names."""

from __future__ import annotations

import glob
import os
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from bench.errors import InputError
from bench.files import refused_as
from bench.formatting import count
from bench.importing.choice import Choice
from bench.importing.column_tables import read_column_table
from bench.importing.curve import Curve
from bench.importing.evaluations import read_evaluations
from bench.importing.event_files import read_event_files
from bench.importing.monitor import read_monitors
from bench.importing.quoting import listed
from bench.importing.recognition import (
    Format,
    find_format,
    is_usual,
    sort_key,
    unknown_format_text,
)
from bench.kinds import UNSAID

FORMATS: Final = (
    "monitor files, evaluations.npz, progress.csv and its like, TensorBoard's event files, and "
    "tables whose columns are known or named by --step-column and --return-column"
)
"""The readable formats, in words."""

_ONE_A_FOLDER: Final = {Format.ENVIRONMENT, Format.LOG, Format.EVENTS}
"""Formats that programs write once per run; files of other formats in one folder may be seeds."""

_MOST_FILES: Final = 200
"""Number of files of a folder that are looked at, besides those of usual names."""


@dataclass(frozen=True, kw_only=True)
class _Run:
    """Files that are read together; `beside` are others in its folder, if that was named."""

    name: str
    paths: tuple[Path, ...]
    format: Format
    beside: tuple[str, ...] = ()


def read_curves(
    names: Sequence[str], *, choice: Choice | None = None, seeds: Sequence[int] | None = None
) -> list[Curve]:
    """Return the curves of all files, each with its seed, all of one kind of returns.

    A folder stands for one run, and so do monitor files of environments and event files that lie
    in one folder. Wildcards are expanded in numeric order: run_2 comes before run_10.

    Args:
        names: files, folders, and wildcards that the shell has left.
        choice: which numbers of the files to read.
        seeds: seeds of the curves, in order; None: those in a file's column, else 0 to n − 1.

    Raises:
        InputError: a file can't be read or used (one line, which begins with its name); the curves
            are of several kinds; or there is not one seed per curve.
    """
    choice = choice or Choice()
    runs = _together([_run_named(name, choice) for name in _expanded(names)])
    curves = [_of_kind(curve, choice) for run in runs for curve in _read(run, choice)]
    kinds = {curve.kind: curve for curve in reversed(curves)}
    if len(kinds) > 1:
        described = " and ".join(
            f"{kind} ({curve.name})" for kind, curve in reversed(kinds.items())
        )
        hint = "; say by --kind what those are" if UNSAID in kinds else ""
        raise InputError(f"a variant has one kind of returns, these files have {described}{hint}")
    return _with_seeds(curves, seeds)


def _expanded(names: Iterable[str]) -> list[str]:
    expanded: list[str] = []
    for name in names:
        if glob.has_magic(name) and not os.path.exists(name):
            matches = sorted(glob.glob(name, recursive=True), key=_numeric_key)
            if not matches:
                raise InputError(f"no file is called {name!r}")
            expanded += matches
        else:
            expanded.append(name)
    for name, number in Counter(str(Path(path).resolve()) for path in expanded).items():
        if number > 1:
            raise InputError(f"{name} is named {number} times; a file is one seed")
    return expanded


def _numeric_key(name: str) -> list[tuple[int, str]]:
    """Return a key that sorts numbers in names as numbers."""
    return [
        (int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name)
    ]


def _run_named(name: str, choice: Choice) -> _Run:
    """Return the run that a name stands for: a file, or the files in a folder that are its run."""
    path = Path(name)
    with refused_as(f"{name} can't be read"):
        if path.is_dir():
            return _run_of(path, choice)
        if path.exists() and not path.is_file():
            raise InputError(f"{name} is no file")
        format_ = find_format(path, choice)
        if format_ is None:
            problem = f"{unknown_format_text(path)}. Known are {FORMATS}"
            raise InputError(f"{name} {problem}{_beside([path], choice)}")
    return _Run(name=name, paths=(path,), format=format_)


def _readable(folder: Path, choice: Choice) -> tuple[dict[Path, Format], tuple[str, ...]]:
    """Return the files of a folder that can be read, those of usual names first, else by name.

    Returns:
        The files and their formats; and words on how many weren't looked at, none if all were.
    """
    formats = {}
    files = [path for path in folder.iterdir() if path.is_file()]
    files.sort(key=lambda path: (not is_usual(path.name), _numeric_key(path.name)))
    most = _MOST_FILES + sum(is_usual(path.name) for path in files)
    left_out = len(files) - most
    words = (f"{count(left_out, 'file')} not looked at",) if left_out > 0 else ()
    for path in files[:most]:
        try:
            format_ = find_format(path, choice)
        except OSError:
            continue
        if format_ is not None:
            formats[path] = format_
    return formats, words


def _run_of(folder: Path, choice: Choice) -> _Run:
    """Return the files of a folder that are its run.

    Raises:
        InputError: there are none, or several could be the run.
    """
    readable, left_out = _readable(folder, choice)
    candidates = {
        path: format_
        for path, format_ in readable.items()
        if (choice.tag is None or format_ is Format.EVENTS)
        and (not choice.of_table or format_ in (Format.TABLE, Format.LOG))
    } or readable
    if not candidates:
        folder_names = [path.name for path in folder.iterdir() if path.is_dir()]
        nested = (
            f"; its folders are {listed(sorted(folder_names, key=_numeric_key))}"
            if folder_names
            else ""
        )
        nested += "".join(f"; {words}" for words in left_out)
        raise InputError(f"{folder} holds nothing that can be read{nested}. Known are {FORMATS}")
    best = min(sort_key(path, format_) for path, format_ in candidates.items())
    paths = tuple(path for path, format_ in candidates.items() if sort_key(path, format_) == best)
    format_ = candidates[paths[0]]
    exact = [path for path in paths if path.name in ("monitor.csv", "monitor.json")]
    if len(exact) == 1:
        paths = tuple(exact)
    if len(paths) > 1 and format_ not in (Format.ENVIRONMENT, Format.EVENTS):
        raise InputError(
            f"{folder} holds several files that could be the run: "
            f"{listed([path.name for path in paths])}; name one, or a wildcard if each is a seed"
        )
    name = str(folder if len(paths) > 1 else paths[0])
    beside = (*(path.name for path in readable if path not in paths), *left_out)
    return _Run(name=name, paths=paths, format=format_, beside=beside)


def _together(runs: Sequence[_Run]) -> list[_Run]:
    """Join the files of one run that are named one by one.

    Raises:
        InputError: not all environments of a run are named, or different files of one run.
    """
    groups: dict[object, list[_Run]] = {}
    for run in runs:
        folder = run.paths[0].resolve().parent
        joins = run.format in (Format.ENVIRONMENT, Format.EVENTS)
        groups.setdefault((folder, run.format) if joins else run.paths, []).append(run)
    joined = [_joined(group) for group in groups.values()]
    folders: dict[Path, list[_Run]] = {}
    for run in joined:
        folders.setdefault(run.paths[0].resolve().parent, []).append(run)
    for neighbours in folders.values():
        formats = {run.format for run in neighbours}
        if len(neighbours) > 1 and (len(formats) > 1 or formats & _ONE_A_FOLDER):
            names = [path.name for run in neighbours for path in run.paths]
            raise InputError(
                f"{neighbours[0].paths[0].parent} holds several files of one run: {listed(names)}; "
                "name the folder, or one of them"
            )
    return joined


def _joined(group: Sequence[_Run]) -> _Run:
    run, paths = group[0], tuple(path for run in group for path in run.paths)
    folder = paths[0].parent
    if run.format is Format.ENVIRONMENT:
        names = [path.name for path in folder.iterdir() if _is_environment(path)]
        if len(names) > len(paths):
            raise InputError(
                f"{folder} holds the {len(names)} environments of one run, "
                f"{listed(sorted(names, key=_numeric_key))}: name the folder; a run that is a seed "
                "of its own needs a folder of its own"
            )
    return replace(run, name=str(folder), paths=paths) if len(paths) > 1 else run


def _is_environment(path: Path) -> bool:
    return path.is_file() and find_format(path, Choice()) is Format.ENVIRONMENT


def _read(run: _Run, choice: Choice) -> list[Curve]:
    """Return the curves of a run's files, with the names of the files beside them.

    Raises:
        InputError: they can't be read or used; the message names other files that can be read.
    """
    # A name may hold bytes that are no text.
    name, paths = run.name.encode(errors="backslashreplace").decode(), run.paths
    with refused_as(f"{name} can't be read"):
        try:
            _refuse_options(run, choice)
            if run.format.is_monitor:
                curves = [read_monitors(paths, name)]
            elif run.format is Format.EVENTS:
                curves = [read_event_files(paths, name, choice.tag)]
            elif run.format is Format.EVALUATIONS:
                curves = [read_evaluations(paths[0], name)]
            else:
                curves = read_column_table(paths[0], name, choice)
        except InputError as error:
            raise InputError(f"{error}{_beside(paths, choice)}") from error
    if not curves:
        raise InputError(f"{name}: there is no row of data in it")
    return [replace(curve, beside=run.beside) for curve in curves]


def _beside(paths: Sequence[Path], choice: Choice) -> str:
    """Return the end of an error message: which other files in the folder could be read."""
    readable, _ = _readable(paths[0].parent, choice)
    names = [path.name for path in readable if path not in paths]
    return f". Beside it could be read: {listed(names)}" if names else ""


def _refuse_options(run: _Run, choice: Choice) -> None:
    if choice.tag is not None and run.format is not Format.EVENTS:
        raise InputError(
            f"--tag names a scalar of TensorBoard's event files, and {run.name} is none"
        )
    if choice.of_table and run.format not in (Format.TABLE, Format.LOG):
        raise InputError(
            "--step-column, --return-column and --where are about columns of a table, and "
            f"{run.name} is none"
        )


def _of_kind(curve: Curve, choice: Choice) -> Curve:
    if choice.kind is None or choice.kind == curve.kind:
        return curve
    if curve.kind != UNSAID:
        raise InputError(f"{curve.name}: its returns are {curve.kind}, not {choice.kind}")
    return replace(curve, kind=choice.kind)


def _with_seeds(curves: Sequence[Curve], seeds: Sequence[int] | None) -> list[Curve]:
    file_seeds = [curve.seed for curve in curves if curve.seed is not None]
    if file_seeds and seeds is not None:
        raise InputError("the files name their seeds in a column: leave out --seeds")
    if file_seeds and len(file_seeds) < len(curves):
        raise InputError(
            "some files name their seeds in a column and some don't; import them apart"
        )
    curve_seeds = seeds or file_seeds or range(len(curves))
    if len(curve_seeds) != len(curves):
        relation = "fewer" if len(curves) < len(curve_seeds) else "more"
        raise InputError(
            f"there are {relation} curves, {len(curves)}, than seeds, {len(curve_seeds)}"
        )
    for seed, number in Counter(curve_seeds).items():
        if number > 1:
            raise InputError(
                f"seed {seed} is named {number} times; each curve is a seed of its own"
            )
    return [replace(curve, seed=seed) for curve, seed in zip(curves, curve_seeds, strict=True)]
