from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as numpy_strategies
from stored_example import Example

from bench.store import SCHEMAS, parquet

EPISODES = SCHEMAS["episodes"]


@st.composite
def episodes(draw: st.DrawFn) -> dict[str, np.ndarray[Any, Any]]:
    count = draw(st.integers(0, 30))

    def column(dtype: type[np.generic]) -> Any:
        return draw(
            numpy_strategies.arrays(
                dtype, count, elements=numpy_strategies.from_dtype(np.dtype(dtype))
            )
        )

    return {
        "step": column(np.int64),
        "return": column(np.float64),
        "length": column(np.int32),
        "seconds": column(np.float32),
    }


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(arrays=episodes())
def test_arrays_come_back_bit_for_bit(arrays: dict[str, np.ndarray], tmp_path: Path) -> None:
    path = tmp_path / "aa.parquet"
    parquet.write(parquet.from_arrays(EPISODES, "aa", arrays), path)
    frame = parquet.to_frame(parquet.read(path, EPISODES))
    assert list(frame["run"]) == ["aa"] * len(arrays["step"])
    for name, values in arrays.items():
        np.testing.assert_array_equal(frame[name].to_numpy(), values, strict=True)


def test_nan_and_infinity_are_not_null(tmp_path: Path) -> None:
    values = np.array([np.nan, np.inf, -np.inf, -0.0])
    path = tmp_path / "aa.parquet"
    arrays = {"update": np.arange(4), "step": np.arange(4), "seconds": values, "beta": values}
    parquet.write(parquet.from_arrays(SCHEMAS["updates"], "aa", arrays), path)
    table = parquet.read(path, SCHEMAS["updates"])
    assert table["beta"].null_count == 0
    assert table["entropy"].null_count == 4
    assert table["beta"].to_numpy().tobytes() == values.astype(np.float32).tobytes()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"lenght": np.arange(3)}, "lenght"),
        ({"length": np.full(3, 2**40)}, "out of bounds|not in range|overflow"),
        ({"step": np.array([0.5, 1.0, 2.0])}, "truncated"),
        ({"step": np.arange(4)}, "length"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(changes: dict[str, Any], message: str) -> None:
    arrays = {name: np.arange(3) for name in ("step", "return", "length", "seconds")}
    with pytest.raises(ValueError, match=message):
        parquet.from_arrays(EPISODES, "aa", {**arrays, **changes})


def test_a_missing_array_is_refused() -> None:
    with pytest.raises(ValueError, match="length"):
        parquet.from_arrays(EPISODES, "aa", {name: np.arange(1) for name in ("step", "return")})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"colour": 1}, "colour"),
        ({"digest": None}, "digest"),
        ({"seed": 2**63}, "doesn't fit the table's columns"),
        ({"seed": "zero"}, "doesn't fit the table's columns"),
        ({"reason": 1.5}, "doesn't fit the table's columns"),
        ({"reason": "\ud800"}, "doesn't fit the table's columns"),
        ({"started": "noon"}, "doesn't fit the table's columns"),
    ],
)
def test_rows_that_do_not_fit_are_refused(
    example: type[Example], changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        parquet.from_rows(SCHEMAS["runs"], [{**example().row, **changes}])


def test_nullable_columns_may_be_left_out_and_have_nullable_dtypes(example: type[Example]) -> None:
    rows = [example().row, {**example().row, "diverged_at": 2**53 + 1, "dirty": True}]
    frame = parquet.to_frame(parquet.from_rows(SCHEMAS["runs"], rows))
    assert frame["diverged_at"].dtype == "Int64"
    assert frame["diverged_at"].isna().tolist() == [True, False]
    assert frame["dirty"].dtype == "boolean"
    assert frame["started"][0] == datetime.datetime(2026, 1, 2, 12, tzinfo=datetime.UTC)


@pytest.fixture
def table(example: type[Example]) -> pa.Table:
    return parquet.from_arrays(EPISODES, "aa", example(count=1000).episodes)


def test_equal_tables_give_equal_bytes(table: pa.Table, tmp_path: Path) -> None:
    parquet.write(table, tmp_path / "a.parquet")
    parquet.write(pa.concat_tables([table[:400], table[400:]]), tmp_path / "b.parquet")
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()


@pytest.mark.parametrize("metadata", [None, {"meaning": "what it meant once", "unit": "none"}])
def test_a_file_with_other_texts_reads_with_those_of_the_schema(
    metadata: dict[str, str] | None, table: pa.Table, tmp_path: Path
) -> None:
    path = tmp_path / "aa.parquet"
    fields = [field.with_metadata(metadata) for field in EPISODES]
    parquet.write(table.cast(pa.schema(fields, metadata=metadata)), path)
    restored = parquet.read(path, EPISODES)
    assert restored.equals(table)
    assert restored.schema.equals(EPISODES, check_metadata=True)


def test_an_older_file_reads_with_nulls_in_a_new_nullable_column(
    example: type[Example], tmp_path: Path
) -> None:
    path = tmp_path / "aa.parquet"
    updates = parquet.from_arrays(SCHEMAS["updates"], "aa", example().updates)
    parquet.write(updates.drop_columns(["entropy", "beta"]), path)
    table = parquet.read(path, SCHEMAS["updates"])
    assert table.schema.equals(SCHEMAS["updates"])
    assert table["entropy"].null_count == 5
    assert table["step"] == updates["step"]


def foreign(table: pa.Table) -> dict[str, pa.Table]:
    length = table.schema.get_field_index("length")
    return {
        "missing": table.drop_columns(["return"]),
        "type": table.set_column(length, "length", table["length"].cast(pa.int64())),
        "nullable": pa.table({name: table[name] for name in table.column_names}),
        "twice": table.append_column(table.schema.field("length"), table["length"]),
    }


@pytest.mark.parametrize("kind", ["missing", "type", "nullable", "twice"])
def test_a_file_of_another_schema_is_foreign(kind: str, table: pa.Table, tmp_path: Path) -> None:
    path = tmp_path / "aa.parquet"
    pq.write_table(foreign(table)[kind], path)
    with pytest.raises(parquet.UnreadableError, match="foreign"):
        parquet.read(path, EPISODES)


@pytest.mark.parametrize("size", [0, 3, 4, 100, -1])
def test_a_truncated_file_is_torn(size: int, table: pa.Table, tmp_path: Path) -> None:
    path = tmp_path / "aa.parquet"
    parquet.write(table, path)
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(parquet.UnreadableError, match="torn"):
        parquet.read(path, EPISODES)


def test_a_flipped_bit_in_the_data_is_torn(
    example: type[Example], tmp_path: Path, flip_bit: Callable[[Path], None]
) -> None:
    path = tmp_path / "aa.parquet"
    # Of random numbers the compression notices nothing; the checksum of the page does.
    noise = np.random.default_rng(0).normal(size=1000)
    arrays = {**example(count=1000).episodes, "return": noise}
    parquet.write(parquet.from_arrays(EPISODES, "aa", arrays), path)
    flip_bit(path)
    with pytest.raises(parquet.UnreadableError, match="torn"):
        parquet.read(path, EPISODES)


def test_a_file_that_is_not_there_is_an_error_of_the_file_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        parquet.read(tmp_path / "aa.parquet", EPISODES)
