"""Several programs in one process, in turns: each gives what it gives alone."""

from __future__ import annotations

import threading

import pytest

from bench.plan.identity import Description
from bench.train.device.turns import Turns, pass_on
from bench.train.events import Group
from bench.train.executors.processes import Processes, processes_for
from bench.train.executors.protocol import Message
from tests.train.device.assertions import assert_same
from tests.train.device.row_descriptions import described
from tests.train.device.tensor_trainer import KILLED

TRAINER = "tests.train.device.tensor_trainer:train"
DESCRIPTIONS = [described(name) for name in ("clipped_ppo", "baseline", "a2c", "trpo")]
GROUPS = [Group.of(description, (3, 8)) for description in DESCRIPTIONS]


def trained(executor: Processes, groups: list[Group]) -> dict[Group, Message]:
    for group in groups:
        assert executor.free
        executor.give(group)
    ended: dict[Group, Message] = {}
    try:
        while executor.busy:
            for message in executor.messages(5.0):
                if message.kind != "progress":
                    ended[message.group] = message
    finally:
        executor.end()
    return ended


@pytest.mark.warp
def test_programs_that_take_turns_give_what_each_gives_alone() -> None:
    executor = Processes(1, TRAINER, together=4)
    assert executor.places == 4
    together = trained(executor, GROUPS)
    for group in GROUPS:
        assert together[group].kind == "done", together[group].content
        (alone,) = trained(Processes(1, TRAINER), [group]).values()
        for row in group.rows:
            result = together[group].content[row]
            assert_same(result, alone.content[row])
            assert result.reason is None


@pytest.mark.warp
def test_the_end_of_their_process_is_the_end_of_all_of_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(KILLED, "1")
    ended = trained(Processes(1, TRAINER, together=4), GROUPS[:3])
    assert [ended[group].kind for group in GROUPS[:3]] == ["failed"] * 3
    assert all("killed by SIGKILL" in message.content for message in ended.values())


@pytest.mark.warp
def test_one_that_is_stopped_leaves_its_place_to_another() -> None:
    endless = described("clipped_ppo", learning_rate=0.02)
    executor = Processes(1, TRAINER, together=2)
    long = Group.of(Description(**{**vars_of(endless), "steps": 10**9}), (0,))
    executor.give(long)
    executor.give(GROUPS[0])
    assert not executor.free
    messages: list[Message] = []
    while not any(message.group is long for message in messages):
        messages += executor.messages(5.0)
    executor.stop(long)
    assert executor.free
    ended = trained(executor, [GROUPS[1]])
    assert GROUPS[1] in ended and long not in ended
    assert all(message.kind == "done" for message in ended.values())


def vars_of(description: Description) -> dict[str, object]:
    names = ("algorithm", "hyperparameters", "environment", "steps", "back_end")
    return {name: getattr(description, name) for name in names}


def test_on_a_gpu_groups_share_a_process_and_elsewhere_they_do_not() -> None:
    on_gpu = Description(**{**vars_of(DESCRIPTIONS[0]), "device": "cuda"})  # type: ignore[arg-type]
    stepped_on_cpu = Description(
        **{**vars_of(on_gpu), "back_end": "envpool", "device": "cuda"}  # type: ignore[arg-type]
    )
    for descriptions, workers, together in (
        ([on_gpu], 1, 3),
        ([DESCRIPTIONS[0]], 3, 1),
        ([on_gpu, stepped_on_cpu], 3, 1),
    ):
        executor = processes_for(descriptions, 3)
        assert (executor._workers, executor._together) == (workers, together)


def test_turns_go_round_and_one_runs_at_a_time() -> None:
    turns, order, running = Turns(), [], []
    barrier = threading.Barrier(3)

    def run(name: str) -> None:
        barrier.wait()
        with turns.taking_part():
            for _ in range(50):
                running.append(name)
                order.append(name)
                assert running == [name]
                running.remove(name)
                pass_on()

    threads = [threading.Thread(target=run, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(order) == sorted("abc" * 50)
    # From when all have come to when the first has ended.
    sequence = "".join(order)
    first = max(sequence.index(name) for name in "abc")
    last = min(sequence.rindex(name) for name in "abc")
    part = sequence[first:last]
    assert all(part[i] != part[i + 1] for i in range(len(part) - 1))
    pass_on()  # of a thread that takes no turns, nothing


def test_who_fails_lets_the_others_go_on() -> None:
    turns, done = Turns(), []

    def fail() -> None:
        try:
            with turns.taking_part():
                pass_on()
                raise ValueError
        except ValueError:
            done.append("failed")

    def finish() -> None:
        with turns.taking_part():
            for _ in range(5):
                pass_on()
        done.append("finished")

    threads = [threading.Thread(target=target) for target in (fail, finish)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(done) == ["failed", "finished"]
