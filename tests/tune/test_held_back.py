"""Signals wait for the end of a round, unless they are repeated."""
# ruff: noqa: PT012 (what is tested is when the block ends)

from __future__ import annotations

import signal
import threading

import pytest

from bench.tune.interruption import held_back


def test_ctrl_c_waits_until_it_is_asked_for() -> None:
    finished = []
    with pytest.raises(KeyboardInterrupt), held_back() as act:
        act()
        signal.raise_signal(signal.SIGINT)
        finished.append("the round")
        act()
        finished.append("another one")
    assert finished == ["the round"]


def test_ctrl_c_waits_to_the_end() -> None:
    finished = []
    with pytest.raises(KeyboardInterrupt), held_back():
        signal.raise_signal(signal.SIGINT)
        finished.append("all of it")
    assert finished == ["all of it"]


def test_a_second_one_does_not_wait() -> None:
    with pytest.raises(KeyboardInterrupt), held_back():
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        pytest.fail("it waited")


def test_an_error_is_not_hidden_by_it() -> None:
    with pytest.raises(ZeroDivisionError), held_back():
        signal.raise_signal(signal.SIGINT)
        1 / 0  # noqa: B018


def test_handlers_are_those_of_before() -> None:
    before = [signal.getsignal(signum) for signum in (signal.SIGINT, signal.SIGTERM)]
    with held_back():
        assert signal.getsignal(signal.SIGTERM) is not before[1]
    assert [signal.getsignal(signum) for signum in (signal.SIGINT, signal.SIGTERM)] == before


def test_in_another_thread_there_is_nothing_to_hold_back() -> None:
    finished = []

    def round_of_work() -> None:
        with held_back() as act:
            act()
            finished.append("the round")

    thread = threading.Thread(target=round_of_work)
    thread.start()
    thread.join()
    assert finished == ["the round"]
