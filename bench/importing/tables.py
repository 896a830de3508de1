"""Tables as text: comma-, semicolon- or tab-separated, or one object of JSON per line."""

from __future__ import annotations

import csv
import io
import json
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import pandas as pd

from bench.errors import InputError
from bench.importing.curve import Floats
from bench.importing.producers import plain
from bench.importing.quoting import listed, quoted

SEPARATORS: Final = (",", ";", "\t")

TORN: Final = "its last line is cut off and left out"

_NUMBER: Final = re.compile(r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*|\s*nan\s*", re.I)


@dataclass(frozen=True, kw_only=True)
class Table:
    """The columns of a file.

    Attributes:
        name: the file's name in messages.
        columns: the columns' names, as in the file.
        rows: values as in the file, under the positions of their columns; "" or NaN if missing.
        remarks: what is odd about the file.
        environment: id, if the file names one beside its rows.
    """

    name: str
    columns: tuple[str, ...]
    rows: pd.DataFrame
    remarks: tuple[str, ...] = ()
    environment: str | None = None

    def find(self, column: str) -> int | None:
        """Return the position of a column, whatever the case of its name; None without one.

        Raises:
            InputError: several columns have this name.
        """
        positions = [i for i, name in enumerate(self.columns) if plain(name) == plain(column)]
        if len(positions) > 1:
            raise InputError(f"{self.name}: {len(positions)} columns are called {quoted(column)}")
        return positions[0] if positions else None

    def place(self, column: str) -> int:
        """Return the position of a column that a user names.

        Raises:
            InputError: no column has this name.
        """
        place = self.find(column)
        if place is None:
            raise InputError(
                f"{self.name}: it has no column {quoted(column)}; its columns are "
                f"{listed(self.columns)}"
            )
        return place

    def texts(self, place: int) -> pd.Series:
        """Return the values of a column as text, "" for missing ones."""
        values: pd.Series = self.rows[place].astype(object).fillna("").astype(str).str.strip()
        return values

    def numbers(self, place: int) -> Floats:
        """Return the values of a column as numbers, NaN for missing ones.

        Raises:
            InputError: a value is no number.
        """
        texts = self.texts(place).replace("", "nan").to_numpy(dtype=object)
        try:
            numbers: Floats = texts.astype(np.float64)
            return numbers
        except ValueError:
            for row, text in enumerate(texts):
                if not _is_number(text):
                    raise InputError(
                        f"{self.name}, row {row + 1}: {quoted(self.columns[place])} is "
                        f"{quoted(text)}, not a number"
                    ) from None
            raise

    def where(self, mask: pd.Series) -> Table:
        """Return the table with the chosen rows only."""
        return replace(self, rows=self.rows[mask.to_numpy()].reset_index(drop=True))


def text_of(content: bytes, name: str) -> str:
    """Return a file's content as text.

    Raises:
        InputError: it is no text.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{name}: it is no text in UTF-8: {error.reason}") from error
    if "\0" in text:
        raise InputError(f"{name}: it is no text: it has a zero byte")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def header(text: str, separator: str) -> tuple[str, ...]:
    """Return the names in the first line."""
    return _fields(text.partition("\n")[0], separator)


def read_separated(text: str, separator: str, name: str) -> Table:
    """Read a table with its columns' names in the first line.

    Raises:
        InputError: the text can't be read as a table.
    """
    columns = header(text, separator)
    lines = text.rstrip("\n").split("\n")
    remarks: tuple[str, ...] = ()
    if len(lines) > 1 and _is_torn(lines, columns, separator, ended=text.endswith("\n")):
        lines, remarks = lines[:-1], (TORN,)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            rows = pd.read_csv(
                io.StringIO("\n".join(lines)),
                sep=separator,
                header=None,
                names=range(len(columns)),
                skiprows=1,
                index_col=False,
                dtype=object,
                keep_default_na=False,
            )
    except pd.errors.ParserWarning as error:
        raise InputError(f"{name}: its rows have more values than its columns' names") from error
    except (pd.errors.ParserError, pd.errors.EmptyDataError, ValueError) as error:
        reason = str(error).strip().removeprefix("Error tokenizing data. C error: ")
        raise InputError(f"{name}: it can't be read as a table: {reason}") from error
    return Table(name=name, columns=columns, rows=rows, remarks=remarks)


def read_lines_of_json(text: str, name: str) -> Table:
    """Read a table of objects, one per line; a nested value's column is called OUTER/INNER.

    Raises:
        InputError: a line is no object of JSON.
    """
    lines = [line for line in text.split("\n") if line.strip()]
    objects: list[dict[str, Any]] = []
    remarks: tuple[str, ...] = ()
    environment = None
    for number, line in enumerate(lines):
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            if number and number == len(lines) - 1:
                remarks = (TORN,)
                break
            raise InputError(
                f"{name}, line {number + 1}: {quoted(line)} is no object of JSON"
            ) from error
        if not isinstance(record, dict):
            raise InputError(f"{name}, line {number + 1}: {quoted(line)} is no object of JSON")
        config = record.pop("config", None)  # all of RLlib's settings, on every line
        if isinstance(config, dict) and isinstance(config.get("env"), str):
            environment = config["env"]
        objects.append(record)
    rows = pd.json_normalize(objects, sep="/", max_level=3)
    columns = tuple(map(str, rows.columns))
    rows.columns = pd.RangeIndex(len(columns))
    return Table(name=name, columns=columns, rows=rows, remarks=remarks, environment=environment)


def _fields(line: str, separator: str) -> tuple[str, ...]:
    try:
        return tuple(next(csv.reader([line], delimiter=separator), []))
    except csv.Error:  # a field of more than 128 KiB
        return ()


def _is_torn(lines: Sequence[str], columns: Sequence[str], separator: str, *, ended: bool) -> bool:
    """Whether the last line ends before its last column, or in the middle of a number."""
    last, before = _fields(lines[-1], separator), _fields(lines[-2], separator)
    if len(last) < len(columns):
        return True
    return not ended and any(
        _is_number(above) and not _is_number(value)
        for above, value in zip(before, last, strict=False)
        if value
    )


def _is_number(text: str) -> bool:
    return bool(_NUMBER.fullmatch(text))
