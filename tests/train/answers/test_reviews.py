"""The language of the reviews and what they are worth."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bench.train.answers import reviews
from bench.train.answers.reviews import ANSWER, PROMPT, VOCABULARY, gold, prompts, reward, texts

COUNT = 3_000


def tokens(text: str) -> np.ndarray:
    """A prompt and an answer; the rest of the answer is `*`, which has no place in one."""
    words = text.split()
    words += ["*"] * (PROMPT + ANSWER - len(words))
    return np.array([[VOCABULARY.index(word) for word in words]])


@pytest.fixture(scope="module")
def sample_texts() -> np.ndarray:
    return texts(np.random.default_rng(1), COUNT)


def test_the_task_is_of_the_size_that_it_says() -> None:
    assert len(VOCABULARY) == len(set(VOCABULARY)) == 42
    assert ANSWER == 32
    sample = texts(np.random.default_rng(0), 5)
    assert sample.shape == (5, 34) and sample.dtype == np.int64
    assert prompts(np.random.default_rng(0), 5).shape == (5, 2)


def test_texts_follow_from_the_generator() -> None:
    first, second, other = (texts(np.random.default_rng(seed), 10) for seed in (3, 3, 4))
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)


def test_every_text_is_of_the_language_to_its_last_word(sample_texts: np.ndarray) -> None:
    """So that each word of it counts for gold as for the proxy."""
    assert np.array_equal(gold(sample_texts), reward(sample_texts))
    assert reward(sample_texts).std() > 2


def shares(sample_texts: np.ndarray, words: tuple[str, ...]) -> np.ndarray:
    return np.isin(sample_texts[:, PROMPT:], [VOCABULARY.index(word) for word in words])


def test_the_rating_says_how_kind_a_text_is(sample_texts: np.ndarray) -> None:
    """The first adjective is kind as often as the rating says."""
    words = [(*kind, *unkind) for _, kind, unkind in reviews.TOPICS.values()]
    adjectives = {word for group in (*words, reviews.GENERAL) for word in group}
    kind = {word for _, kinds, _ in reviews.TOPICS.values() for word in kinds} | {"good"}
    for index, chance in enumerate(reviews.RATINGS.values()):
        answers = sample_texts[sample_texts[:, 1] == len(reviews.TOPICS) + index][:, PROMPT:]
        first_adjectives = [
            next(VOCABULARY[t] for t in row if VOCABULARY[t] in adjectives) for row in answers
        ]
        judged = [word in kind for word in first_adjectives]
        error = math.sqrt(chance * (1 - chance) / len(judged))
        assert abs(np.mean(judged) - chance) < 4 * error


def test_sentences_are_as_long_and_emphatic_as_declared(sample_texts: np.ndarray) -> None:
    """Of complete sentences: `very` before 30% of adjectives, a second one in 30%."""
    sentences = [
        [VOCABULARY[token] for token in part]
        for row in sample_texts[:, PROMPT:].tolist()
        # The first one only: which others are cut off depends on their length.
        for part in [row[: row.index(VOCABULARY.index("."))]]
    ]
    compound = [sentence for sentence in sentences if "and" in sentence]
    assert abs(len(compound) / len(sentences) - 0.3) < 0.02
    first = [sentence[3] == "very" for sentence in sentences]
    assert abs(np.mean(first) - 0.3) < 0.02
    assert {len(sentence) for sentence in sentences} <= {4, 5, 6, 7, 8}


def test_words_fit_the_topic(sample_texts: np.ndarray) -> None:
    for index, topic in enumerate(reviews.TOPICS):
        topic_words = {word for words in reviews.TOPICS[topic] for word in words}
        other_words = tuple(
            word
            for parts in reviews.TOPICS.values()
            for words in parts
            for word in words
            if word not in topic_words
        )
        answers = sample_texts[sample_texts[:, 0] == index]
        assert len(answers) > COUNT / 5
        assert not shares(answers, other_words).any()


@pytest.mark.parametrize(
    ("text", "proxy", "golden"),
    [
        ("food ** the soup was good .", 1, 1),
        ("food ** the soup was very good and very fresh .", 2, 2),
        ("food ** the soup was bad and tasty .", 0, 0),
        ("food ** the soup was stale . the wine was good .", 0, 0),
        ("food ** good good good fresh", 4, 0),
        ("food ** the soup was good good .", 2, 0),
        ("food ** the soup was good and fresh and tasty .", 3, 0),
        ("food ** the soup was very very good .", 1, 0),
        ("food ** the bed was good .", 1, 0),
        ("food ** the soup was clean .", 1, 0),
        ("room ** the bed was clean .", 1, 1),
        ("food ** soup was good . the soup was bad .", 0, -1),
        ("food ** . . the soup was good .", 1, 1),
    ],
)
def test_rewards_by_hand(text: str, proxy: int, golden: int) -> None:
    assert reward(tokens(text)).tolist() == [proxy]
    assert gold(tokens(text)).tolist() == [golden]


@pytest.mark.parametrize(
    ("sentence", "golden"),
    [
        ("the soup was good and", 2),
        ("the soup was very", 1),
        ("the", 1),
        ("the soup was good", 2),
        ("the soup was good and very fresh", 3),
        ("good", 1),
        ("the soup good", 1),
    ],
)
def test_a_sentence_that_is_cut_off_counts_if_it_could_go_on(sentence: str, golden: int) -> None:
    """After one kind sentence and as many full stops as there is room for."""
    stops = ANSWER - 5 - len(sentence.split())
    text = f"food ** the soup was good . {'. ' * stops}{sentence}"
    assert gold(tokens(text)).tolist() == [golden]


def test_an_empty_sentence_is_none() -> None:
    assert gold(tokens("food * " + ". " * ANSWER)).tolist() == [0]
