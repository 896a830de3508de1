"""An ablation's variants as rows of one group, from the plan to the store."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bench.plan.plan import Plan
from bench.store import Store
from bench.train import runner
from bench.train.events import Ended, Event, Group, Started, Summary
from bench.train.executors.processes import Processes
from bench.train.standing import Counter, group_text
from tests.train.device.row_descriptions import described
from tests.train.device.tensor_trainer import KILLED
from tests.train.plans_to_train import assert_same, planned

pytestmark = pytest.mark.warp

TRAINER = "tests.train.device.tensor_trainer:train"
CLIPS = (0.1, 0.2, 0.3, 0.4, 0.5)


def clipping(*clips: float) -> Plan:
    descriptions = [described("clipped_ppo", clip_range=clip) for clip in clips]
    return planned(descriptions, names=[f"clip_{clip}" for clip in clips])


def train(plan: Plan, path: Path, **arguments: Any) -> tuple[Summary, list[Event]]:
    events: list[Event] = []
    summary = runner.run(
        plan,
        Store(path),
        executor=Processes(1, TRAINER),
        checkpoints=path / "checkpoints",
        on_event=events.append,
        **arguments,
    )
    return summary, events


def started(events: list[Event]) -> list[Group]:
    return [event.group for event in events if isinstance(event, Started)]


def test_each_run_is_stored_as_its_own_and_as_if_trained_alone(tmp_path: Path) -> None:
    together, apart = tmp_path / "together", tmp_path / "apart"
    summary, events = train(clipping(*CLIPS[:3]), together)
    assert (summary.finished, summary.failures) == (6, {})
    (group,) = started(events)
    assert len(group.rows) == 6
    assert group_text(Counter(clipping(*CLIPS[:3])).standing_of(group)) == (
        "clip_0.1 + clip_0.2 + clip_0.3, InvertedPendulum-v5, seeds 0-1 (6 rows)"
    )
    for clip in CLIPS[:3]:
        train(clipping(clip), apart)
    assert_same(Store(apart), Store(together))
    assert set(Store(together).runs()["group_size"]) == {6}
    assert len(set(Store(together).runs()["description"])) == 3
    # What is there already is no row of a group.
    _, events = train(clipping(*CLIPS[2:]), together)
    (group,) = started(events)
    assert [description.hyperparameters["clip_range"] for description in group.descriptions] == [
        0.4,
        0.5,
    ]


def test_many_variants_are_counted() -> None:
    plan = clipping(*CLIPS)
    group = Group(tuple(row for cell in plan.cells for row in Group.of(cell.description, [3]).rows))
    assert group_text(Counter(plan).standing_of(group)) == (
        "clip_0.1 + clip_0.2 + clip_0.3 + 2 more, InvertedPendulum-v5, seeds 3 (5 rows)"
    )


def test_a_killed_group_fails_its_rows_and_goes_on_from_its_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = clipping(*CLIPS[:2])
    monkeypatch.setenv(KILLED, "2")
    summary, events = train(plan, tmp_path)
    assert sum(summary.failures.values()) == 4
    assert {description.hyperparameters["clip_range"] for description, _ in summary.failures} == {
        0.1,
        0.2,
    }
    (ended,) = (event for event in events if isinstance(event, Ended))
    assert set(ended.outcomes.values()) == {"failed"}
    assert ended.outcomes.keys() == set(ended.group.rows)
    (checkpoint,) = (tmp_path / "checkpoints").iterdir()
    monkeypatch.delenv(KILLED)
    # Other rows are no reason to take it.
    train(clipping(0.1, 0.3), tmp_path / "other")
    summary, _ = train(plan, tmp_path)
    assert summary.finished == 4
    assert not checkpoint.exists()
    train(plan, tmp_path / "whole")
    assert_same(Store(tmp_path / "whole"), Store(tmp_path))


def test_training_anew_does_not_go_on_from_an_earlier_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = clipping(0.1)
    with monkeypatch.context() as patch:
        patch.setenv(KILLED, "2")
        train(plan, tmp_path)
    (checkpoint,) = (tmp_path / "checkpoints").iterdir()
    checkpoint.write_bytes(b"whoever goes on from this fails")
    summary, _ = train(plan, tmp_path, fresh_before=datetime.now(UTC))
    assert (summary.finished, summary.failures) == (2, {})
