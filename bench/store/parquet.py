"""Arrow tables of an explicit schema, to and from single Parquet files."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from bench.store.schema import JSON, SEAL

# Arrow's own allocator gives memory back to the system and asks for it again, a page at a time.
if "ARROW_DEFAULT_MEMORY_POOL" not in os.environ:
    pa.set_memory_pool(pa.system_memory_pool())


class UnreadableError(Exception):
    """A file that is not a whole Parquet file of the expected schema; the text says why.

    `intact` is true of a file that isn't known to be damaged: a version of this suite wrote it, and
    this version can't use what it holds, or it takes more memory than there is.
    """

    def __init__(self, reason: str, *, intact: bool = False) -> None:
        super().__init__(reason)
        self.intact = intact


def from_rows(schema: pa.Schema, rows: Sequence[Mapping[str, object]]) -> pa.Table:
    """Make a table with one row per mapping; a nullable column may be missing.

    Raises ValueError for an unknown column, for a required one without a value, and for a column
    of JSON that holds something else.
    """
    for row in rows:
        _check_names(schema, row)
    try:
        table = pa.Table.from_pylist([dict(row) for row in rows], schema=schema)
    except (pa.ArrowException, OverflowError, UnicodeError) as error:
        raise ValueError(f"a row doesn't fit the table's columns: {error}") from error
    for field in schema:
        if not field.nullable and table[field.name].null_count:
            raise ValueError(f"column {field.name!r} must have a value in every row")
    if (problem := _json_problem(table)) is not None:
        raise ValueError(problem)
    return table


def from_arrays(schema: pa.Schema, run: str, arrays: Mapping[str, np.ndarray]) -> pa.Table:
    """Make the rows of one run from arrays [row]; a missing nullable column becomes null.

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


def _check_names(schema: pa.Schema, names: Collection[str]) -> None:
    unknown = [name for name in names if name not in schema.names]
    missing = [field.name for field in schema if not field.nullable and field.name not in names]
    if unknown or missing:
        raise ValueError(f"columns of the table: unknown {unknown}, missing {missing}")


def with_column(table: pa.Table, name: str, column: pa.Array | pa.ChunkedArray) -> pa.Table:
    """Return the table with other values in a column of its schema."""
    position = table.schema.get_field_index(name)
    return table.set_column(position, table.schema.field(position), column)


def write(table: pa.Table, path: Path) -> str:
    """Write one file and return when it is on the disk. Equal tables give equal bytes.

    A column SEAL of the schema is filled with the checksum of all else that the rows hold.

    Returns:
        The checksum of the file.
    """
    if SEAL in table.schema.names:
        table = with_column(table, SEAL, pa.array([_seal(table)] * len(table), pa.string()))
    encodings = {
        field.name: encoding
        for field in table.schema
        if (encoding := _encoding(field.type)) is not None
    }
    content = pa.BufferOutputStream()
    with pq.ParquetWriter(
        content,
        table.schema,
        compression="zstd",
        compression_level=9,
        column_encoding=encodings,
        use_dictionary=[name for name in table.column_names if name not in encodings],
        write_page_checksum=True,
        # Statistics would be two thirds of a small file.
        write_statistics=False,
        store_schema=False,
    ) as file:
        file.add_key_value_metadata(table.schema.metadata or {})
        file.write_table(table.combine_chunks())
    return write_bytes(content.getvalue(), path)


def write_bytes(content: bytes | pa.Buffer, path: Path) -> str:
    """Write one file and return its checksum when it is on the disk."""
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return checksum(content)


def checksum(content: bytes | pa.Buffer) -> str:
    """Return 16 hexadecimal digits; another content has the same with probability 2⁻⁶⁴."""
    return hashlib.blake2b(content, digest_size=8).hexdigest()


def read_bytes(path: Path, expected: str | None) -> bytes:
    """Return the content of a file, and compare its checksum with the expected one, if given.

    Raises UnreadableError if they differ, OSError if the file system fails.
    """
    content = path.read_bytes()
    if expected is not None and checksum(content) != expected:
        raise UnreadableError("is torn: its checksum is not that of what was written")
    return content


def _seal(table: pa.Table) -> str:
    """Return the checksum of all rows without the seal. A null counts as a missing column."""
    rows = [
        {name: value for name, value in row.items() if value is not None and name != SEAL}
        for row in table.to_pylist()
    ]
    return checksum(json.dumps(rows, sort_keys=True, default=str).encode())


def _encoding(kind: pa.DataType) -> str | None:
    if pa.types.is_integer(kind):
        return "DELTA_BINARY_PACKED"
    return "BYTE_STREAM_SPLIT" if pa.types.is_floating(kind) else None


def read(
    path: Path,
    schema: pa.Schema,
    *,
    expected: str | None = None,
    on_remark: Callable[[str], None] = lambda text: None,
    runs_encoded: bool = False,
) -> pa.Table:
    """Return the rows of a file.

    A file of a later version may have columns that aren't known here: they are left out. One of an
    earlier version may lack columns that can be null.

    Args:
        path, schema: the file and its schema.
        expected: its checksum, if it is known.
        on_remark: called with a clause on columns left out, to follow the file's path.
        runs_encoded: read the column `run` as a dictionary, so that each name is stored once.

    Raises:
        UnreadableError: the file is torn or foreign, or a column holds what can't be parsed.
        OSError: the file system fails.
    """
    if path.suffix != ".parquet" or path.is_dir():
        raise UnreadableError("is not a Parquet file")
    content = read_bytes(path, expected)
    try:
        metadata = pq.read_metadata(pa.BufferReader(content))
        file_schema = metadata.schema.to_arrow_schema()
        _check_columns(file_schema, schema)
        with pq.ParquetFile(
            pa.BufferReader(content),
            metadata=metadata,
            read_dictionary=["run"] if runs_encoded else [],
            page_checksum_verification=True,
        ) as file:
            table = file.read()
            if SEAL in file_schema.names and table[SEAL].null_count < len(table):
                _check_seal(table)
                # The seal is the file's: without it, equal rows of two files compare as equal.
                table = with_column(table, SEAL, pa.nulls(len(table), pa.string()))
    except MemoryError as error:  # which says nothing of the file
        raise UnreadableError("can't be read for want of memory", intact=True) from error
    except (pa.ArrowException, OSError, ValueError) as error:
        line = str(error).partition("\n")[0]
        raise UnreadableError(f"is torn or not Parquet ({line})") from error
    if unknown := [name for name in file_schema.names if name not in schema.names]:
        on_remark(f"is of a later version: left out are its columns {', '.join(unknown)}")
    if runs_encoded:
        position = schema.get_field_index("run")
        schema = schema.set(position, schema.field(position).with_type(table["run"].type))
    if not table.schema.equals(schema, check_metadata=True):
        table = pa.Table.from_arrays(
            [
                table[field.name]
                if field.name in file_schema.names
                else pa.nulls(len(table), field.type)
                for field in schema
            ],
            schema=schema,
        )
    if (problem := _json_problem(table)) is not None:
        raise UnreadableError(f"can't be used: {problem}", intact=True)
    return table


def _check_columns(file_schema: pa.Schema, schema: pa.Schema) -> None:
    strange = [
        field.name
        for field in file_schema
        if file_schema.names.count(field.name) > 1
        or (field.name in schema.names and not _fits(field, schema.field(field.name)))
    ]
    missing = [
        field.name for field in schema if not field.nullable and field.name not in file_schema.names
    ]
    if strange or missing:
        names = [(compared.metadata or {}).get(b"table") for compared in (file_schema, schema)]
        raise UnreadableError(
            f"is foreign, its columns differ: {', '.join([*strange, *missing])}",
            intact=names[0] == names[1],
        )


def _fits(file_field: pa.Field, field: pa.Field) -> bool:
    return bool(file_field.type == field.type and file_field.nullable <= field.nullable)


def _check_seal(table: pa.Table) -> None:
    if set(table[SEAL].to_pylist()) != {_seal(table)}:
        raise UnreadableError("is torn: its rows are not those that were written")


def _json_problem(table: pa.Table) -> str | None:
    """Return a clause on a column of JSON that holds no JSON object; None if there is none."""
    for field in table.schema:
        if (field.metadata or {}).get(b"unit") == JSON.encode():
            for text in table[field.name].unique().to_pylist():
                try:
                    is_object = text is None or isinstance(json.loads(text), dict)
                except (ValueError, RecursionError):
                    is_object = False
                if not is_object:
                    return f"column {field.name!r} holds no JSON object: {text[:60]!r}"
    return None


def segments(
    table: pa.Table, runs: Collection[str] | None = None
) -> Iterator[tuple[str, pa.Table]]:
    """Yield (run, rows) for each block of consecutive rows of one run; nothing is copied.

    Args:
        table: with the column `run`.
        runs: the runs whose rows are wanted; None: all.
    """
    for run, start, end in extents(table):
        if runs is None or run in runs:
            yield run, table.slice(start, end - start)


def extents(table: pa.Table) -> Iterator[tuple[str, int, int]]:
    """Iterate over (run, start, end) of the blocks of consecutive rows of one run."""
    runs = table["run"].dictionary_encode().unify_dictionaries().combine_chunks()
    encoded = pc.run_end_encode(runs.indices, run_end_type=pa.int64())
    names = runs.dictionary.take(encoded.values).to_pylist()
    ends = encoded.run_ends.to_pylist()
    return zip(names, [0, *ends], ends, strict=False)


def in_order(parts: Iterable[tuple[str, pa.Table]], schema: pa.Schema) -> pa.Table:
    """Join the rows of runs, sorted by run; parts of one run keep their order."""
    ordered = [rows for _, rows in sorted(parts, key=itemgetter(0))]
    decoded = [rows if rows.schema.equals(schema) else rows.cast(schema) for rows in ordered]
    return pa.concat_tables([schema.empty_table(), *decoded])


def to_frame(table: pa.Table) -> pd.DataFrame:
    """Convert to a pandas frame; nullable integers and booleans become pandas' nullable types."""
    frame = table.to_pandas()
    nullable = {
        field.name: "Int64" if pa.types.is_integer(field.type) else "boolean"
        for field in table.schema
        if field.nullable and (pa.types.is_integer(field.type) or pa.types.is_boolean(field.type))
    }
    return frame.astype(nullable)
