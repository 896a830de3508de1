"""What a run shows while it runs."""

from __future__ import annotations

import io

from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from ablations.spec import Ablation, Variant
from bench.formatting import count, duration
from bench.plan.plan import Plan, make_plan
from bench.terminal.progress import Display
from bench.train.events import Ended, Event, Group, Planned, Progressed, Started, Waited
from bench.train.results import Progress
from bench.train.standing import Counter, combined_observer

VARIANTS = tuple(Variant(name=name, algorithm="clipped_ppo") for name in ("one", "same"))
PLAN: Plan = make_plan(
    Ablation(
        name="mine",
        title="Mine",
        question="Why?",
        environments=("Hopper-v5",),
        variants=VARIANTS,
        control="one",
        steps=1000,
    ),
    back_end_of=lambda environment: "envpool",
)
FIRST, SECOND = (Group.of(PLAN.cells[0].description, seeds) for seeds in ((0, 1, 2), (3, 5)))
PROGRESS = Progress(steps=(500, 500, 700), budget=1000, last_return=12.34, seconds=2.0)
EVENTS: tuple[Event, ...] = (
    Planned(groups=(FIRST, SECOND), kept=0, stale=0),
    Started(group=FIRST),
    Started(group=SECOND),
    Progressed(group=FIRST, progress=PROGRESS),
    Waited(),
    Ended(
        group=FIRST,
        seconds=65.0,
        outcomes=dict(zip(FIRST.rows, ("finished", "finished", "diverged"), strict=True)),
        reasons=("numbers [stopped] being finite",),
    ),
    Ended(group=SECOND, seconds=0.0, outcomes=dict.fromkeys(SECOND.rows, "elsewhere"), reasons=()),
)


def shown(*, terminal: bool, heartbeat: float = 1000.0) -> str:
    file = io.StringIO()
    console = Console(file=file, force_terminal=terminal, width=140, color_system=None)
    standing = Counter(PLAN)
    with Display(standing, console, heartbeat) as display:
        for event in EVENTS:
            combined_observer(standing, display)(event)
            display._bars.refresh()
    return file.getvalue()


def test_plain_lines_where_there_is_no_terminal() -> None:
    lines = shown(terminal=False).splitlines()
    assert lines == [
        "[ 60%] one = same, Hopper-v5, seeds 0-2: 2 finished, 1 diverged in 1 min 05 s",
        "    numbers [stopped] being finite",
        "[100%] one = same, Hopper-v5, seeds 3,5: 2 elsewhere in 0 s",
    ]


def test_a_heartbeat_tells_of_the_groups_in_flight() -> None:
    output = shown(terminal=False, heartbeat=0.0)
    assert "[ 34%] of 5,000 steps, about " in output
    assert "    one = same, Hopper-v5, seeds 0-2: 57%, 850 steps/s, last return 12.3" in output
    assert "    one = same, Hopper-v5, seeds 3,5: starting" in output
    assert "\x1b" not in output


def test_bars_in_a_terminal() -> None:
    output = shown(terminal=True)
    for part in ("everything", "seeds 0-2", "850 steps/s", "return 12.3", "57%", "34%", "starting"):
        assert part in output


def test_durations() -> None:
    texts = [duration(seconds) for seconds in (0.4, 59.4, 59.6, 185, 3599.7, 7800)]
    assert texts == ["0 s", "59 s", "1 min 00 s", "3 min 05 s", "1 h 00 min", "2 h 10 min"]


@settings(deadline=None)
@given(st.integers(2, 10**6))
def test_counts(number: int) -> None:
    assert count(1, "run") == "1 run"
    assert count(number, "run") == f"{number:,} runs"
