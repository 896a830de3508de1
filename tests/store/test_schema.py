from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from stored_example import Example, PlanRows

from bench.store import SCHEMAS, Store, publish


@pytest.mark.parametrize("table", SCHEMAS)
def test_every_column_is_documented(table: str) -> None:
    for column in SCHEMAS[table]:
        assert column.metadata[b"meaning"], column.name
        assert b"unit" in column.metadata, column.name


def test_steps_and_seconds_have_a_unit() -> None:
    for schema in SCHEMAS.values():
        for column in schema:
            if column.name in ("step", "steps", "length", "budget", "seconds"):
                assert column.metadata[b"unit"], column.name


@pytest.mark.parametrize("table", SCHEMAS)
def test_every_file_has_the_schema_and_says_what_it_is(
    table: str, store: Store, example: type[Example], plan_rows: PlanRows, tmp_path: Path
) -> None:
    example(run="aa").write(store)
    example(run="bb", count=0, changes={"status": "failed", "reason": "raised"}).write(store)
    example(run="aa").write(store)
    store.write_plan(plan_rows())
    publish(store.path, tmp_path / "published")
    files = [*store.path.glob(f"{table}/*"), *tmp_path.glob(f"published/{table}/*")]
    assert len(files) == (2 if table == "plans" else 3)
    for file in files:
        schema = pq.read_schema(file)
        assert schema.equals(SCHEMAS[table]), file
        assert schema.metadata == SCHEMAS[table].metadata
