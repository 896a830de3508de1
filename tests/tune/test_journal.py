"""A journal with torn lines is gone on with: what can't be read is told and left out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import optuna
import pytest
import tiny_study
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

from bench.errors import InputError
from bench.tune.journal import mend
from bench.tune.study import JOURNAL, best_trial, ended_trials
from bench.tune.summary import rows

REQUEST = tiny_study.request()
TRIALS = 4
Lines = Sequence[bytes]


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """Of a study with four complete trials, of values 0 to 3."""
    study = tiny_study.opened(REQUEST, tmp_path)
    for number in range(TRIALS):
        trial = ask(study)
        study.tell(trial, float(number))
    return tmp_path / "studies" / REQUEST.name / JOURNAL


def ask(study: optuna.Study) -> optuna.Trial:
    return study.ask({dimension.parameter: dimension.distribution() for dimension in REQUEST.space})


def reopened(journal: Path) -> tuple[optuna.Study, list[str]]:
    """The study as this project opens it, and the messages it gave."""
    messages: list[str] = []
    return tiny_study.opened(REQUEST, journal.parents[2], report=messages.append), messages


def values(study: optuna.Study) -> list[float | None]:
    return [trial.value for trial in ended_trials(study)]


def of_kind(lines: Lines, operation: int) -> list[int]:
    """The places of an operation's lines."""
    return [n for n, line in enumerate(lines) if line.startswith(b'{"op_code":%d,' % operation)]


CREATE_TRIAL, SET_PARAMETER, SET_STATE, SET_ATTRIBUTE = 4, 5, 6, 2


def test_a_whole_one_is_left_alone(journal: Path) -> None:
    before = journal.read_bytes()
    assert mend(journal) is None
    assert journal.read_bytes() == before
    study, messages = reopened(journal)
    assert values(study) == [0.0, 1.0, 2.0, 3.0] and messages == []


@pytest.mark.parametrize("size", [1, 20, 40, -2, -1])
def test_half_a_line_at_the_end(journal: Path, size: int) -> None:
    """As a kill or a full disk leaves it; the trial it was about is tried again."""
    *lines, last = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join([*lines, last[:size]]))
    study, messages = reopened(journal)
    assert messages == [f"{journal} is torn: left out what can't be read of line {len(lines) + 1}"]
    assert values(study) == [0.0, 1.0, 2.0]
    study.tell(study.get_trials()[3].number, 5.0)
    reread, messages = reopened(journal)
    assert values(reread) == [0.0, 1.0, 2.0, 5.0] and messages == []


def test_what_was_appended_to_half_a_line_is_kept(journal: Path) -> None:
    lines = journal.read_bytes().splitlines(keepends=True)
    # A trial whose creation was cut off was never heard of again: the next one has its number.
    half = lines[of_kind(lines, CREATE_TRIAL)[-1]][:50]
    journal.write_bytes(b"".join([*lines[:-1], half, lines[-1]]))
    study, messages = reopened(journal)
    assert values(study) == [0.0, 1.0, 2.0, 3.0]
    assert messages == [f"{journal} is torn: left out what can't be read of line {len(lines)}"]
    # As Optuna itself reads it, too.
    storage = JournalStorage(JournalFileBackend(str(journal)))
    assert len(optuna.load_study(study_name=REQUEST.name, storage=storage).trials) == TRIALS


def cut(line: bytes) -> bytes:
    return line[: len(line) // 2] + b"\n"


def rubbish(line: bytes) -> bytes:
    return bytes(byte ^ 0x55 for byte in line[:-1]).replace(b"\n", b"\r") + b"\n"


def no_object(line: bytes) -> bytes:
    return b"[" + b" " * (len(line) - 3) + b"]\n"


def zeros(line: bytes) -> bytes:
    return bytes(len(line))


@pytest.mark.parametrize("tear", [cut, rubbish, no_object, zeros])
@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        # The trials are those that they were: the lost creation is made up for.
        (CREATE_TRIAL, [0.0, 1.0, 2.0, 3.0]),
        # Without its settings or its outcome a trial is none.
        (SET_PARAMETER, [0.0, 1.0, 3.0]),
        (SET_STATE, [0.0, 1.0, 3.0]),
    ],
)
def test_a_torn_line_in_the_middle(
    journal: Path, operation: int, expected: list[float], tear: Callable[[bytes], bytes]
) -> None:
    lines = journal.read_bytes().splitlines(keepends=True)
    place = of_kind(lines, operation)[-2]  # of trial 2
    lines[place] = tear(lines[place])
    journal.write_bytes(b"".join(lines))
    study, messages = reopened(journal)
    assert values(study) == expected
    assert messages == [f"{journal} is torn: left out what can't be read of line {place + 1}"]
    assert len(rows(study, REQUEST)) == len(expected)
    winner = best_trial(study)
    assert winner is not None and (winner.number, winner.value) == (3, 3.0)
    params = [trial.params for trial in ended_trials(study)]
    assert all(settings["learning_rate"] > 0 for settings in params)
    # Others go on from there.
    study.tell(ask(study), 7.0)
    assert reopened(journal)[1] == []
    assert values(reopened(journal)[0])[-1] == 7.0


def test_what_the_study_keeps_of_itself_is_kept_anew(journal: Path) -> None:
    lines = journal.read_bytes().splitlines(keepends=True)
    for place in of_kind(lines, SET_ATTRIBUTE):
        lines[place] = cut(lines[place])
    journal.write_bytes(b"".join(lines))
    study, messages = reopened(journal)
    assert "of lines 2, 3" in messages[0]
    assert {"request", "scales"} <= study.user_attrs.keys()
    assert values(study)[:TRIALS] == [0.0, 1.0, 2.0, 3.0]


def test_another_process_reads_on_where_it_was(journal: Path) -> None:
    other = reopened(journal)[0]
    assert len(other.get_trials()) == TRIALS
    with journal.open("ab") as file:
        file.write(b'{"op_code":4,"worker_id":"x')
    mine, messages = reopened(journal)
    assert len(messages) == 1
    mine.tell(ask(mine), 9.0)
    assert values(other) == [0.0, 1.0, 2.0, 3.0, 9.0]
    other.tell(ask(other), 10.0)
    assert values(mine)[-1] == 10.0


def test_an_empty_one_is_told(journal: Path) -> None:
    journal.write_bytes(b"")
    study, messages = reopened(journal)
    assert messages == [f"{journal} is empty, so the study begins anew"]
    assert [trial.state for trial in study.get_trials()] == [TrialState.WAITING]


def test_one_that_was_cut_off_in_its_first_line_begins_anew(journal: Path) -> None:
    journal.write_bytes(journal.read_bytes()[:30])
    study, messages = reopened(journal)
    assert messages == [f"{journal} is torn: left out what can't be read of line 1"]
    assert len(study.get_trials()) == 1


@pytest.mark.parametrize(
    "content", [b"\x89PNG\r\n\x1a\n\x00\x00", b"a text\nof two lines\n", b"5\n"]
)
def test_what_is_no_journal_is_left_as_it_is(journal: Path, content: bytes) -> None:
    journal.write_bytes(content)
    with pytest.raises(InputError, match="journal.log is no journal of a study: move it away"):
        reopened(journal)
    assert journal.read_bytes() == content


@pytest.mark.parametrize("operation", [0, CREATE_TRIAL])
def test_what_can_not_be_understood_without_a_line_is_refused(
    journal: Path, operation: int
) -> None:
    """The study's own creation; or a trial's, of which too little is left to make up for it."""
    lines = journal.read_bytes().splitlines(keepends=True)
    lines[of_kind(lines, operation)[0]] = b'{"op\n'
    journal.write_bytes(before := b"".join(lines))
    with pytest.raises(InputError, match="can't be understood: move the journal away") as caught:
        reopened(journal)
    assert "\n" not in str(caught.value)
    assert journal.read_bytes() == before


def test_a_folder_in_its_place_is_told_in_one_line(journal: Path) -> None:
    journal.unlink()
    journal.mkdir()
    with pytest.raises(InputError, match="can't be opened: IsADirectoryError"):
        reopened(journal)
