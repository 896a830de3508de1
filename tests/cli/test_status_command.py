"""What other terminals see of training: `status`, `show`, and TensorBoard's files as it goes on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import IO

import pytest
from refusals import assert_refused
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from bench.cli.app import main
from bench.errors import InputError
from bench.store.claims import Claims
from bench.train.events import Progressed
from bench.train.live_events import LiveEvents
from bench.train.standing import Counter, Notice, Standing, combined_observer, standings
from tests.terminal.test_progress import EVENTS, FIRST, PLAN, PROGRESS

ELSEWHERE = """
import sys, time
from pathlib import Path
from bench.store.claims import Claims
claims = Claims(Path(sys.argv[1]))
claims.take_part(2)
claims.write_notice(sys.argv[2])
print("told", flush=True)
time.sleep(600)
"""


def noticed(claims: Claims, events: int = 4) -> Standing:
    """What others see after so many events."""
    claims.take_part(1)
    count = Counter(PLAN)
    notice = Notice(lambda: count.standing, claims)
    for event in EVENTS[:events]:
        notice._written = 0.0
        count(event)
        notice(event)
    (standing,) = standings(claims)
    return standing


def test_what_is_told_is_what_is_read(tmp_path: Path) -> None:
    claims = Claims(tmp_path)
    standing = noticed(claims)
    assert (standing.ablation, standing.steps, standing.done) == ("mine", 5000, 1700)
    first, second = standing.groups
    assert (first.seeds, first.done, first.speed, first.last_return) == (
        [0, 1, 2],
        1700,
        850,
        12.34,
    )
    assert (second.done, second.speed, second.last_return) == (0, 0.0, None)
    assert first.runs == [FIRST.description.run(seed) for seed in FIRST.seeds]
    claims.end()
    assert list(standings(claims)) == []


@pytest.mark.parametrize("content", ["", "{", "[]", '{"ablation": "x"}', '{"groups": [{}]}'])
def test_what_is_no_standing_is_passed_over(content: str, tmp_path: Path) -> None:
    claims = Claims(tmp_path)
    claims.take_part(1)
    claims.write_notice(content)
    assert list(standings(claims)) == []


def test_status_sees_another_process_until_it_dies(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = json.dumps({"ablation": "mine", "steps": 100, "done": 40, "left": 90.0, "groups": []})
    command = [sys.executable, "-c", ELSEWHERE, str(tmp_path), text]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "told\n"
        assert main(["status", "--results", str(tmp_path)]) == 0
        assert "mine: [ 40%] of 100 steps, about 1 min 30 s left" in capsys.readouterr().out
        assert main(["status", "--json", "--results", str(tmp_path)]) == 0
        assert json.loads(capsys.readouterr().out) == {"training": [json.loads(text)]}
        other.kill()
    assert main(["status", "--watch", "--results", str(tmp_path)]) == 0
    assert "Nothing trains into" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "message"),
    [(["--results", "nowhere"], "does not exist"), (["--watch", "--json"], "choose one")],
)
def test_what_status_does_not_take(
    options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert_refused(["status", *options], message, capsys)


def test_show_says_what_trains(
    tmp_path: Path, ablation_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["show", str(ablation_file), "--results", str(tmp_path)]) == 0
    assert "training" not in capsys.readouterr().out.split("Hyperparameters")[0]
    from bench.requests.plan_request import requested_plan

    plan = requested_plan(str(ablation_file))
    claims = Claims(tmp_path)
    claims.take_part(1)
    cell = plan.cells[0]
    run = cell.description.run(cell.seeds[0])
    group = {"variants": ["a"], "environment": "b", "seeds": [0], "runs": [run], "steps": 1}
    claims.write_notice(json.dumps({"ablation": "small", "groups": [group]}))
    assert main(["show", str(ablation_file), "--results", str(tmp_path), "--json"]) == 0
    captured = capsys.readouterr()
    assert "training" in captured.err
    assert [row["training"] for row in json.loads(captured.out)["cells"]][:2] == [1, 0]


def test_tensorboard_reads_its_files_while_it_trains(tmp_path: Path) -> None:
    count = Counter(PLAN)
    live = combined_observer(count, live_events := LiveEvents(count, tmp_path))
    diagnostics = {"entropy": (1.0, 2.0, float("nan")), "kl": (float("nan"),) * 3}
    for event in EVENTS[:3]:
        live(event)
    # The second seed has ended after 200 steps: what it says of a later update is no mean's part.
    for steps in ((100, 100, 100), (200, 200, 200), (300, 200, 300)):
        progress = replace(PROGRESS, steps=steps, diagnostics=diagnostics)
        live(Progressed(group=FIRST, progress=progress))
    (folder,) = (path.parent for path in tmp_path.rglob("events.out.tfevents.*"))
    assert folder == tmp_path / "Hopper-v5" / "one" / "seeds_0-2"
    events = EventAccumulator(str(folder)).Reload()
    assert sorted(events.Tags()["scalars"]) == [
        "episode/return",
        "speed/steps_per_second",
        "update/entropy",
    ]
    assert [(scalar.step, scalar.value) for scalar in events.Scalars("update/entropy")] == [
        (100, 1.5),
        (200, 1.5),
        (267, 1.0),
    ]
    assert events.Scalars("episode/return")[0].value == pytest.approx(12.34)
    for event in EVENTS[4:]:
        live(event)
    assert not live_events._files


def full_disk(*_: object) -> IO[bytes]:
    return Path("/dev/full").open("wb")


def test_training_goes_on_if_tensorboard_s_files_do_not_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = Counter(PLAN)
    live_events = LiveEvents(count, tmp_path)
    live = combined_observer(count, live_events)
    monkeypatch.setattr(live_events, "_file", full_disk)
    for event in EVENTS:
        live(event)


def test_a_folder_that_takes_no_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot write into"):
        LiveEvents(Counter(PLAN), tmp_path / "file")
