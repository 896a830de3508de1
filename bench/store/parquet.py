"""Arrow tables of an explicit schema, to and from single Parquet files."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from bench.store.schema import PRECISION


class UnreadableError(Exception):
    """A file that is not a whole Parquet file of the expected schema; the text says why."""


def from_rows(schema: pa.Schema, rows: Sequence[Mapping[str, object]]) -> pa.Table:
    """A table with one row a mapping; a nullable column may be missing.

    Raises ValueError for an unknown column and for a required one without a value.
    """
    for row in rows:
        _check_names(schema, row)
    table = pa.Table.from_pylist([dict(row) for row in rows], schema=schema)
    for field in schema:
        if not field.nullable and table[field.name].null_count:
            raise ValueError(f"column {field.name!r} must have a value in every row")
    return table


def from_arrays(schema: pa.Schema, run: str, arrays: Mapping[str, np.ndarray]) -> pa.Table:
    """The rows of one run from arrays [row]; a nullable column may be missing and is then null.

    Numbers are cast to the schema's type; NaN and infinities stay what they are. Raises ValueError
    for unknown, missing or unequally long columns and for integers that do not fit.
    """
    length = max((len(array) for array in arrays.values()), default=0)
    columns: dict[str, object] = {**arrays, "run": np.full(length, run, dtype=object)}
    _check_names(schema, columns)
    return pa.Table.from_arrays(
        [
            pa.array(columns[field.name], type=field.type)
            if field.name in columns
            else pa.nulls(length, field.type)
            for field in schema
        ],
        schema=schema,
    )


def _check_names(schema: pa.Schema, given: Collection[str]) -> None:
    unknown = [name for name in given if name not in schema.names]
    missing = [field.name for field in schema if not field.nullable and field.name not in given]
    if unknown or missing:
        raise ValueError(f"columns of the table: unknown {unknown}, missing {missing}")


def write(table: pa.Table, path: Path) -> None:
    """Write one file and return when it is on the disk. Equal tables give equal bytes."""
    encodings = {
        field.name: encoding
        for field in table.schema
        if (encoding := _encoding(field.type)) is not None
    }
    with path.open("wb") as file:
        pq.write_table(
            table,
            file,
            compression="zstd",
            compression_level=9,
            column_encoding=encodings,
            use_dictionary=[name for name in table.column_names if name not in encodings],
            write_page_checksum=True,
        )
        file.flush()
        os.fsync(file.fileno())


def shortened(table: pa.Table) -> pa.Table:
    """The table with the columns for which the schema says so rounded to their bits."""
    for place, field in enumerate(table.schema):
        bits = (field.metadata or {}).get(PRECISION.encode())
        if bits is not None:
            table = table.set_column(place, field, rounded(table[field.name], int(bits)))
    return table


def rounded(column: pa.ChunkedArray, bits: int) -> pa.Array:
    """Numbers to the nearest of so many significant bits: a relative error of 2⁻ᵇⁱᵗˢ at most.

    What isn't finite, or would round to infinity, stays what it is, and a null a null.
    """
    values = column.fill_null(0.0).to_numpy()
    with np.errstate(over="ignore", invalid="ignore"):
        mantissa, exponent = np.frexp(values)
        short = np.ldexp(np.rint(np.ldexp(mantissa, bits)), exponent - bits)
    kept = np.where(np.isfinite(short), short, values).astype(values.dtype)
    return pa.array(kept, column.type, mask=column.is_null().to_numpy())


def _encoding(kind: pa.DataType) -> str | None:
    if pa.types.is_integer(kind):
        return "DELTA_BINARY_PACKED"
    return "BYTE_STREAM_SPLIT" if pa.types.is_floating(kind) else None


def verify(path: Path, schema: pa.Schema) -> bool:
    """True for a whole file of this schema, judged by its footer; raises as `read` does."""
    with _opened(path, schema):
        return True


def read(
    path: Path,
    schema: pa.Schema,
    *,
    columns: Sequence[str] | None = None,
    runs: Sequence[str] | None = None,
) -> pa.Table:
    """The rows of a file, optionally only some columns, and of some runs.

    Raises UnreadableError for a torn or foreign file, OSError where the file system fails.
    """
    with _opened(path, schema) as file:
        present = set(file.schema_arrow.names)
        wanted = schema if columns is None else pa.schema([schema.field(name) for name in columns])
        try:
            table = file.read(columns=[name for name in wanted.names if name in present])
        except (pa.ArrowException, OSError) as error:
            raise _judged(error) from error
    # An older file may lack columns, and carry other texts about those it has.
    if not table.schema.equals(wanted, check_metadata=True):
        table = pa.Table.from_arrays(
            [
                table[field.name] if field.name in present else pa.nulls(len(table), field.type)
                for field in wanted
            ],
            schema=wanted,
        )
    if runs is not None:
        table = table.filter(pc.is_in(table["run"], pa.array(runs, pa.string())))
    return table


def _opened(path: Path, schema: pa.Schema) -> pq.ParquetFile:
    if path.suffix != ".parquet" or path.is_dir():
        raise UnreadableError("is not a Parquet file")
    try:
        file = pq.ParquetFile(path, page_checksum_verification=True)
    except (pa.ArrowException, OSError) as error:
        raise _judged(error) from error
    found = file.schema_arrow
    if found != schema and (differing := _differing(found, schema)):
        file.close()
        raise UnreadableError(f"is foreign, its columns differ: {', '.join(differing)}")
    return file


def _differing(found: pa.Schema, schema: pa.Schema) -> list[str]:
    """Columns that are unknown, of another type, there twice, or required and missing."""
    strange = [
        field.name
        for field in found
        if found.names.count(field.name) > 1
        or field.name not in schema.names
        or field != schema.field(field.name)
    ]
    missing = [
        field.name for field in schema if not field.nullable and field.name not in found.names
    ]
    return strange + missing


def _judged(error: Exception) -> Exception:
    # Arrow raises OSError for corrupt data too; only the file system's own has a number.
    if isinstance(error, OSError) and error.errno:
        return error
    line = str(error).partition("\n")[0]
    return UnreadableError(f"is torn or not Parquet ({line})")


def to_frame(table: pa.Table) -> pd.DataFrame:
    """A pandas frame; nullable integers and booleans become pandas' nullable types."""
    frame = table.to_pandas()
    nullable = {
        field.name: "Int64" if pa.types.is_integer(field.type) else "boolean"
        for field in table.schema
        if field.nullable and (pa.types.is_integer(field.type) or pa.types.is_boolean(field.type))
    }
    return frame.astype(nullable)
