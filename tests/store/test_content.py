"""The first difference between two runs' contents."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from stored_example import Example

from bench.store import Store
from bench.store.content import (
    Content,
    Difference,
    by_run,
    first_difference,
    first_difference_of_beginning,
    row_of,
)


def content(folder: Path, run: Example, **arrays: Any) -> Content:
    store = Store(folder)
    episodes, updates = run.episodes, run.updates
    for name, values in arrays.items():
        table = updates if name in ("entropy", "beta") else episodes
        table[name] = np.asarray(values)
    store.write_run(run.row, episodes, updates, None)
    (stored,) = by_run(store.read(store.committed().values())).values()
    return stored


def test_where_and_when_a_run_was_made_is_no_difference(
    tmp_path: Path, example: type[Example]
) -> None:
    first = content(tmp_path / "a", example())
    changes = {"seconds": 9.0, "commit": "c0ffee", "machine": '{"x": 1}', "group_size": 1}
    second = content(tmp_path / "b", example(changes=changes), seconds=[9.0] * 5)
    assert row_of(first) != row_of(second)
    assert first["episodes"] != second["episodes"]
    assert first_difference(first, second) is None


def test_the_first_row_that_differs_is_named_with_its_first_column(
    tmp_path: Path, example: type[Example]
) -> None:
    run = example()
    first = content(tmp_path / "a", run)
    returns, lengths = run.episodes["return"], run.episodes["length"]
    returns[3:], lengths[2:] = 7.0, 8
    second = content(tmp_path / "b", run, **{"return": returns, "length": lengths})
    difference = first_difference(first, second)
    assert difference == Difference(table="episodes", column="length", row=2, values=(20, 8))
    assert difference.sentence("stored", "here") == "episodes, row 2, length: 20 stored, 8 here"
    lengths[2:] = 20
    second = content(tmp_path / "b", run, **{"return": returns, "length": lengths})
    difference = first_difference(first, second)
    assert difference == Difference(table="episodes", column="return", row=3, values=(1.0, 7.0))


def test_one_bit_is_a_difference(tmp_path: Path, example: type[Example]) -> None:
    run = example()
    returns = run.episodes["return"]
    first = content(tmp_path / "a", run)
    returns[4] += 2.0**-13  # the last bit that a store keeps of 1.25
    difference = first_difference(first, content(tmp_path / "b", run, **{"return": returns}))
    assert difference is not None
    assert (difference.column, difference.row) == ("return", 4)


@pytest.mark.parametrize(
    ("values", "other_values", "equal"),
    [
        ([np.nan] * 5, [np.nan] * 5, True),
        ([np.nan] * 5, [-np.nan] * 5, True),
        ([np.nan] * 5, [0.0] * 5, False),
        ([0.0] * 5, [-0.0] * 5, False),
        ([np.inf] * 5, [np.inf] * 5, True),
    ],
)
def test_numbers_that_are_none(
    values: list[float],
    other_values: list[float],
    equal: bool,
    tmp_path: Path,
    example: type[Example],
) -> None:
    first = content(tmp_path / "a", example(), entropy=values)
    second = content(tmp_path / "b", example(), entropy=other_values)
    difference = first_difference(first, second)
    assert (difference is None) == equal
    assert difference is None or (difference.table, difference.column, difference.row) == (
        "updates",
        "entropy",
        0,
    )


def test_null_is_neither_zero_nor_nan(tmp_path: Path, example: type[Example]) -> None:
    first = content(tmp_path / "a", example())
    for value in (0.0, np.nan):
        difference = first_difference(first, content(tmp_path / "b", example(), beta=[value] * 5))
        assert difference is not None
        assert (difference.column, difference.row, difference.values[0]) == ("beta", 0, None)


def test_a_run_that_ends_earlier_differs_in_its_rows(
    tmp_path: Path, example: type[Example]
) -> None:
    first, second = (content(tmp_path / str(n), example(count=n)) for n in (5, 3))
    difference = first_difference(first, second)
    assert difference == Difference(table="episodes", column=None, row=3, values=(5, 3))
    assert difference.sentence("stored", "here") == "episodes has 5 rows stored, 3 here"
    empty = content(tmp_path / "0", example(count=0))
    difference = first_difference(empty, second)
    assert difference is not None
    assert difference.values == (0, 3)


def test_diagnostics_that_one_side_has_left_out_are_no_difference_but_their_values_are(
    tmp_path: Path, example: type[Example]
) -> None:
    full = content(tmp_path / "full", example())
    few = content(tmp_path / "few", example())
    mask = pa.array([True, False, True, False, True])
    updates = few["updates"]
    place = updates.schema.get_field_index("entropy")
    values = pc.if_else(mask, updates["entropy"], pa.scalar(None, pa.float32()))
    few = {**few, "updates": updates.set_column(place, updates.schema.field(place), values)}
    assert first_difference(full, few) is None
    assert first_difference(few, full) is None
    other = content(tmp_path / "other", example(), entropy=[0.125, 9.0, 0.5, 0.5, 0.625])
    difference = first_difference(few, other)
    assert difference == Difference(table="updates", column="entropy", row=2, values=(0.375, 0.5))
    # Where an update ended is no diagnostic.
    steps = pa.array([50, 101, 150, 200, 250])
    moved = updates.set_column(
        updates.schema.get_field_index("step"), updates.schema.field("step"), steps
    )
    difference = first_difference(few, {**full, "updates": moved})
    assert difference == Difference(table="updates", column="step", row=1, values=(100, 101))


def test_an_outcome_is_content_too(tmp_path: Path, example: type[Example]) -> None:
    first = content(tmp_path / "a", example())
    changes = {"status": "diverged", "diverged_at": 60}
    difference = first_difference(first, content(tmp_path / "b", example(changes=changes)))
    assert difference == Difference(
        table="runs", column="status", row=0, values=("finished", "diverged")
    )


def test_tables_are_split_by_run_and_runs_without_rows_are_there(
    store: Store, example: type[Example]
) -> None:
    for run, count in (("cc", 2), ("aa", 0), ("bb", 3)):
        example(run=run, count=count).write(store)
    parts = by_run(store.read(store.committed().values()))
    assert list(parts) == ["aa", "bb", "cc"]
    for run, count in (("aa", 0), ("bb", 3), ("cc", 2)):
        assert row_of(parts[run])["run"] == run
        for table in ("episodes", "updates"):
            assert parts[run][table]["run"].to_pylist() == [run] * count
    # Rows of a run that is being written.
    tables = store.read(store.committed().values())
    tables["runs"] = tables["runs"].filter(pa.array([True, False, True]))
    assert list(by_run(tables)) == ["aa", "cc"]
    assert len(by_run(tables)["cc"]["episodes"]) == 2


def beginning_of(full: Content, last: int, every: int = 1) -> Content:
    """What a run of `last` steps would have given: of the updates, a row of every so many."""
    episodes, updates = (
        table.filter(pc.less_equal(table["step"], last))
        for table in (full["episodes"], full["updates"])
    )
    row = {**row_of(full), "budget": last, "steps": last, "episodes": len(episodes)}
    return {
        "runs": pa.Table.from_pylist([row], schema=full["runs"].schema),
        "episodes": episodes,
        "updates": updates.take(list(range(0, len(updates), every))),
    }


def test_a_beginning_is_compared_as_far_as_it_goes(tmp_path: Path, example: type[Example]) -> None:
    run = example(count=9)
    full = content(tmp_path / "whole", run)
    last = full["updates"]["step"][2].as_py()
    for every in (1, 2):
        beginning = beginning_of(full, last, every)
        assert 0 < len(beginning["episodes"]) < len(full["episodes"])
        assert first_difference_of_beginning(full, beginning) is None
        # Of a longer budget the run may have fewer rows than its replay.
        sparse = {**full, "updates": full["updates"].take([0, 2, 3, 8])}
        assert first_difference_of_beginning(sparse, beginning) is None
    entropy = run.updates["entropy"]
    for place, differs in ((2, True), (3, False)):
        other = entropy.copy()
        other[place] += 1.0
        changed = content(tmp_path / f"{place}", example(count=9), entropy=other)
        difference = first_difference_of_beginning(changed, beginning_of(full, last))
        assert (difference is not None) == differs
        assert difference is None or (difference.table, difference.column) == ("updates", "entropy")
    fewer = {**full, "episodes": full["episodes"].slice(1)}
    difference = first_difference_of_beginning(fewer, beginning_of(full, last))
    assert difference is not None and difference.table == "episodes"


def test_a_beginning_diverges_where_the_run_did(tmp_path: Path, example: type[Example]) -> None:
    def ending(at: int | None) -> Content:
        changes = {"status": "diverged" if at else "finished", "diverged_at": at}
        return content(tmp_path / f"{at}", example(count=9, changes=changes))

    last = ending(None)["updates"]["step"][2].as_py()
    early, late, never = ending(last - 1), ending(last + 1), ending(None)
    assert first_difference_of_beginning(late, beginning_of(never, last)) is None
    assert first_difference_of_beginning(early, beginning_of(early, last)) is None
    for one, other in ((early, never), (never, early), (late, early)):
        difference = first_difference_of_beginning(one, beginning_of(other, last))
        assert difference is not None and (difference.table, difference.column) == (
            "runs",
            "diverged_at",
        )
