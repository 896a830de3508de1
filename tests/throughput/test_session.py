"""Who is measured, and in which order; processes that fail."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from bench.errors import InputError
from bench.peers.timing import PeerUnavailable
from bench.throughput import session
from bench.throughput.measuring import Measured
from bench.throughput.session import SWEEP, Failed, Rival, Team, all_rivals, measure


def test_beside_every_training_stands_a_bare_loop_of_as_many_environments() -> None:
    algorithms = ("vanilla_policy_gradient", "clipped_ppo")
    rivals = all_rivals(algorithms, ("Hopper-v5", "Walker2d-v5"), 10, peers=False, sweep=True)
    trained = [rival for rival in rivals if rival.kind == "training"]
    bare = {(r.environment, r.environments) for r in rivals if r.kind == "bare"}
    assert len(rivals) == len(set(rivals))
    assert {(r.environment, r.environments) for r in trained} == bare
    slots = {"vanilla_policy_gradient": 16, "clipped_ppo": 8}
    assert all(r.environments == r.seeds * slots[r.name] for r in trained)
    swept = [r.seeds for r in trained if (r.name, r.environment) == ("clipped_ppo", "Hopper-v5")]
    assert sorted(swept) == sorted({*SWEEP, 10})
    assert [r.seeds for r in trained if r.environment == "Walker2d-v5"] == [10, 10]


def test_peers_come_with_one_and_with_eight_environments() -> None:
    worlds = ("Hopper-v5", "Walker2d-v5")
    rivals = all_rivals(("clipped_ppo",), worlds, 10, peers=True, sweep=False)
    peers = [(r.name, r.environment, r.environments) for r in rivals if r.kind == "peer"]
    assert peers == [(name, worlds[0], count) for name in session.PEERS for count in (1, 8)]


RIVALS = [
    Rival(kind="bare", name="bare", environment="A", seeds=0, environments=8),
    Rival(kind="training", name="clipped_ppo", environment="A", seeds=1, environments=8),
    Rival(kind="peer", name="lost", environment="A", seeds=0, environments=1),
]


class NoTeam:
    connections = (None, None)

    def end(self) -> None:
        pass


def measured_with(
    monkeypatch: pytest.MonkeyPatch, answer: Callable[[Rival], list[Measured]], rounds: int
) -> tuple[list[Any], list[tuple[int, str]]]:
    announced: list[tuple[int, str]] = []
    monkeypatch.setattr(session, "Team", NoTeam)
    monkeypatch.setattr(session, "_measure", lambda team, rival, seconds: answer(rival))
    rows = measure(
        RIVALS,
        rounds=rounds,
        seconds=1,
        on_event=lambda n, rival: announced.append((n, rival.kind)),
    )
    return list(rows), announced


def both_cores(rival: Rival) -> list[Measured]:
    return [Measured(steps=9, seconds=1.0, cpu_share=1.0, memory=1.0)] * 2


def test_rounds_go_to_and_fro(monkeypatch: pytest.MonkeyPatch) -> None:
    answers, announced = measured_with(monkeypatch, both_cores, 3)
    rows = [row for answer in answers for row in answer]
    forward = ["bare", "training", "peer"]
    assert announced == [
        (n, kind) for n in range(3) for kind in (forward if n != 1 else forward[::-1])
    ]
    assert [row["core"] for row in rows] == [0, 1] * 9
    assert {row["cores"] for row in rows} == {2}
    assert len({row["session"] for row in rows}) == 1


def test_who_cannot_be_had_is_named_once_and_the_rest_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def answer(rival: Rival) -> list[Measured]:
        if rival.kind == "peer":
            raise PeerUnavailable("lost can't be installed: no such thing")
        return both_cores(rival)

    answers, announced = measured_with(monkeypatch, answer, 3)
    failed = [outcome for outcome in answers if isinstance(outcome, Failed)]
    assert [outcome.reason for outcome in failed] == ["lost can't be installed: no such thing"]
    assert [kind for _, kind in announced].count("peer") == 1
    measured = [outcome for outcome in answers if not isinstance(outcome, Failed)]
    assert [len(rows) for rows in measured] == [2] * (3 * 2)


def test_a_process_a_core_measures_for_real_and_says_what_is_wrong() -> None:
    team = Team()
    try:
        arguments = {"environment": "CartPole-v1", "environments": 2, "seconds": 0.05}
        answers: Sequence[Measured] = team.measure("bare", arguments)
        assert len(answers) == len(team.connections) >= 1
        assert all(answer.steps > 0 for answer in answers)
        with pytest.raises(InputError, match="Nonsense"):
            team.measure("bare", {**arguments, "environment": "Nonsense-v0"})
        # A failure costs one answer, not the process.
        assert team.measure("bare", arguments)[0].steps > 0
        # Nor does a death cost more.
        for child in team._children:
            os.kill(child._process.pid, signal.SIGKILL)
        with pytest.raises(InputError, match="died"):
            team.measure("bare", arguments)
        assert team.measure("bare", arguments)[0].steps > 0
    finally:
        team.end()
