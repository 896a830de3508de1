"""The reference has learned its language, the same every time."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import letters
import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

from bench.errors import InputError
from bench.train.answers import reviews
from bench.train.answers.reference import (
    cross_entropy,
    in_time,
    pretrained,
    reference_of,
    write_reference,
)
from bench.train.answers.tasks import TASKS, Pretraining, SequenceTask, find_task

LETTERS = TASKS["Letters-v0"]


def loss(task: SequenceTask, parameters: np.ndarray, texts: np.ndarray) -> float:
    """−log p of a token of the answers under the network [nats]."""
    with torch.no_grad():
        outputs = task.network(torch.tensor(parameters)[None], in_time(texts[:, :-1]))
        return cross_entropy(task, outputs, texts).item()


def test_it_knows_how_letters_follow() -> None:
    texts = letters.texts(np.random.default_rng(7), 2_000)
    entropy = -np.log(letters.FOLLOWS[texts[:, :-1], texts[:, 1:]]).mean()
    untrained = LETTERS.network.initial(np.random.default_rng(0))
    assert loss(LETTERS, untrained, texts) > entropy + 0.2
    assert loss(LETTERS, reference_of(LETTERS), texts) < entropy + 0.02


def test_the_loss_is_that_of_the_answers_tokens() -> None:
    task = replace(LETTERS, prompt=2, answer=4)
    texts = letters.texts(np.random.default_rng(7), 3)
    parameters = reference_of(LETTERS)
    with torch.no_grad():
        outputs = LETTERS.network(torch.tensor(parameters)[None], in_time(texts[:, :-1]))
    logs = torch.log_softmax(outputs[0].view(5, 3, 3), dim=2)
    by_hand = [logs[t, m, texts[m, t + 1]].item() for t in range(1, 5) for m in range(3)]
    assert loss(task, parameters, texts) == pytest.approx(-np.mean(by_hand), rel=1e-5)


def test_it_follows_from_its_seed() -> None:
    short = replace(LETTERS, pretraining=Pretraining(steps=5))
    first = pretrained(short)
    assert pretrained(short).tobytes() == first.tobytes()
    other = replace(short, pretraining=Pretraining(steps=5, seed=1))
    assert pretrained(other).tobytes() != first.tobytes()


@pytest.mark.parametrize("name", ["Letters-v0", "Reviews-v0"])
def test_a_reference_cannot_be_changed_for_the_next_one(name: str) -> None:
    with pytest.raises(ValueError, match="read-only"):
        reference_of(TASKS[name])[0] = 0


def test_a_written_reference_is_where_training_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = replace(LETTERS, pretraining=Pretraining(steps=5))
    monkeypatch.setitem(TASKS, "Short-v0", short)
    file = write_reference("Short-v0", tmp_path)
    kept = replace(short, reference=file, pretraining=Pretraining(seed=1))
    monkeypatch.setitem(TASKS, "Kept-v0", kept)
    task = find_task("Kept-v0")
    assert task is not None
    assert reference_of(task).tobytes() == pretrained(short).tobytes()


def named_after_its_content(folder: Path, values: np.ndarray, key: str = "parameters") -> Path:
    save_file({key: values}, folder / "file")
    content = (folder / "file").read_bytes()
    checksum = hashlib.blake2b(content, digest_size=8).hexdigest()
    return (folder / "file").rename(folder / f"weights.{checksum}.safetensors")


def other_name(folder: Path) -> Path:
    file = named_after_its_content(folder, np.zeros(LETTERS.network.size, np.float32))
    return file.rename(folder / "weights.0123456789abcdef.safetensors")


def torn(folder: Path) -> Path:
    file = named_after_its_content(folder, np.zeros(LETTERS.network.size, np.float32))
    file.write_bytes(file.read_bytes()[:-1])
    return file


SIZE = LETTERS.network.size


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda folder: folder / "none.safetensors", "No such file"),
        (torn, "holds no weights"),
        (other_name, "other weights than its name says"),
        (lambda folder: named_after_its_content(folder, np.zeros(3, np.float32)), r"\(3,\)"),
        (lambda folder: named_after_its_content(folder, np.zeros(SIZE)), "float64"),
        (lambda folder: named_after_its_content(folder, np.full(SIZE, np.nan, "f4")), "finite"),
        (lambda folder: named_after_its_content(folder, np.zeros(SIZE, "f4"), "w"), "no weights"),
    ],
)
def test_a_file_that_holds_no_weights_of_the_network_is_refused(
    make: Callable[[Path], Path], reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(TASKS, "Kept-v0", replace(LETTERS, reference=make(tmp_path)))
    with pytest.raises(InputError, match=f"'Kept-v0': reference: .*{reason}"):
        find_task("Kept-v0")


def log_likelihood(sequence: np.ndarray) -> float:
    """log p(answer | prompt) of the language of reviews, word by word."""
    words = [reviews.VOCABULARY[token] for token in sequence]
    chance = reviews.RATINGS[words[1]]
    _, kinds, _ = reviews.TOPICS[words[0]]
    total, first, state = 0.0, True, "."
    for word in words[2:]:
        adjective = word not in ("the", "was", "very", "and", ".") and state != "the"
        if state == "the":
            total += np.log(1 / 3)
            word = "noun"  # noqa: PLW2901
        elif state in ("was", "and"):
            total += np.log(reviews.VERY if word == "very" else 1 - reviews.VERY)
        elif state == "first":
            total += np.log(reviews.SECOND if word == "and" else 1 - reviews.SECOND)
        if adjective:
            is_kind = word in (*kinds, "good")
            if state in ("and", "very after and"):
                same = is_kind == first
                total += np.log((reviews.SAME if same else 1 - reviews.SAME) / 3)
                word = "second"  # noqa: PLW2901
            else:
                first = is_kind
                total += np.log((chance if is_kind else 1 - chance) / 3)
                word = "first"  # noqa: PLW2901
        if word == "very" and state == "and":
            word = "very after and"  # noqa: PLW2901
        state = word
    return float(total)


def test_the_reviews_reference_is_nearly_its_language() -> None:
    """Its loss is within 0.02 nats a token of the language's own entropy; measured: 0.008."""
    task = TASKS["Reviews-v0"]
    texts = task.texts(np.random.default_rng(99), 500)
    entropy = -np.mean([log_likelihood(text) for text in texts]) / task.answer
    assert entropy == pytest.approx(0.757, abs=0.01)
    assert 0 < loss(task, reference_of(task), texts) - entropy < 0.02


@pytest.mark.slow
def test_trained_anew_the_reviews_reference_has_learned_as_much() -> None:
    task = TASKS["Reviews-v0"]
    texts = task.texts(np.random.default_rng(99), 500)
    anew = loss(task, pretrained(task), texts)
    assert loss(task, reference_of(task), texts) == pytest.approx(anew, abs=0.005)
