"""What a policy writes can be read."""

from __future__ import annotations

import letters
import numpy as np
import pytest

from bench.errors import InputError
from bench.train.sequence.answers import answers
from bench.train.sequence.reference import pretrained
from bench.train.sequence.tasks import TASKS


def test_answers_are_words_after_their_prompts() -> None:
    told = answers("Letters-v0", count=4)
    assert len(told) == 4
    for line in told:
        words = line.split()
        assert len(words) == 1 + letters.ANSWER
        assert words[0] in ("a", "b") and set(words) <= set(letters.LETTERS)
    assert answers("Letters-v0", count=4) == told
    assert answers("Letters-v0", count=4, seed=1) != told


def test_they_are_those_of_the_policy_that_is_given() -> None:
    reference = pretrained(TASKS["Letters-v0"])
    assert answers("Letters-v0", reference) == answers("Letters-v0")
    head = np.zeros((8, 3), np.float32)
    policy = np.concatenate([reference[: -head.size], head.ravel()])
    other = " ".join(answers("Letters-v0", policy, count=200)).split()
    # With a head of zeros every letter is as likely as another; the reference writes 0.18 `c`.
    assert 0.25 < other.count("c") / (200 * letters.ANSWER) < 0.42


def test_an_unknown_environment_is_bad_input() -> None:
    with pytest.raises(InputError, match="Did you mean 'Reviews-v0'"):
        answers("Review-v0")
