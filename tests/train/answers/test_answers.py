"""What a policy writes can be read."""

from __future__ import annotations

from dataclasses import replace

import letters
import numpy as np
import pytest

from bench.errors import InputError
from bench.policies.written_answers import as_words, score_answers, write_answers
from bench.train.answers.reference import reference_of
from bench.train.answers.tasks import TASKS


def answers(environment: str, policy: np.ndarray | None = None, count: int = 5) -> list[str]:
    return as_words(environment, write_answers(environment, policy, count))


def test_answers_are_words_after_their_prompts() -> None:
    lines = answers("Letters-v0", count=4)
    assert len(lines) == 4
    for line in lines:
        words = line.split()
        assert len(words) == 2 + letters.ANSWER
        assert words[0] in ("a", "b") and words[1] == "|"
        assert set(words[2:]) <= set(letters.LETTERS)
    assert answers("Letters-v0", count=4) == lines
    tokens = write_answers("Letters-v0", count=4)
    assert as_words("Letters-v0", tokens) == lines
    assert (write_answers("Letters-v0", count=4, seed=1) != tokens).any()
    np.testing.assert_array_equal(
        score_answers("Letters-v0", tokens).returns, letters.reward(tokens)
    )
    assert (score_answers("Letters-v0", tokens).lengths == letters.ANSWER).all()


def test_they_are_those_of_the_policy_that_is_given() -> None:
    reference = reference_of(TASKS["Letters-v0"])
    assert answers("Letters-v0", reference) == answers("Letters-v0")
    head = np.zeros((8, 3), np.float32)
    policy = np.concatenate([reference[: -head.size], head.ravel()])
    other = " ".join(answers("Letters-v0", policy, count=200)).split()
    # With a head of zeros every letter is as likely as another; the reference writes 0.18 `c`.
    assert 0.25 < other.count("c") / (200 * letters.ANSWER) < 0.42


def test_the_mode_is_the_likeliest_token_each_time() -> None:
    """Of the reference: the letter before, since each is followed by itself as a rule."""
    tokens = write_answers("Letters-v0", count=50, sampled=False)
    assert (tokens == tokens[:, :1]).all()
    assert not (write_answers("Letters-v0", count=50) == tokens).all()


def test_a_policy_of_another_network_is_bad_input() -> None:
    with pytest.raises(InputError, match="no network for Letters-v0"):
        answers("Letters-v0", np.zeros(3, np.float32))
    integers = reference_of(TASKS["Letters-v0"]).astype(np.int64)
    with pytest.raises(InputError, match="'policy' is int64"):
        answers("Letters-v0", integers)


@pytest.mark.parametrize("value", [np.nan, np.inf, 3e38])
@pytest.mark.parametrize("sampled", [True, False])
def test_a_policy_that_diverged_writes_nothing(value: float, sampled: bool) -> None:
    """Nor one whose finite numbers have products that are not: `a` would be told of both."""
    policy = reference_of(TASKS["Letters-v0"]).copy()
    policy[-24:] = value
    with pytest.raises(InputError, match="not finite, as where training diverges"):
        write_answers("Letters-v0", policy, sampled=sampled)


def test_a_reward_that_is_no_number_is_not_told_as_a_return() -> None:
    task = TASKS["Letters-v0"]
    tokens = write_answers("Letters-v0", count=3)
    # Of the texts on which a task is tried out, none is all `c`.
    tokens[1, 1:] = 2
    TASKS["Letters-v0"] = replace(
        task, reward=lambda s: np.where((s[:, 1:] == 2).all(1), np.inf, 0.0)
    )
    try:
        with pytest.raises(InputError, match=r"the reward of Letters-v0 \(.*\) is not finite"):
            score_answers("Letters-v0", tokens)
    finally:
        TASKS["Letters-v0"] = task


def test_an_unknown_environment_is_bad_input() -> None:
    with pytest.raises(InputError, match="Did you mean 'Reviews-v0'"):
        answers("Review-v0")
