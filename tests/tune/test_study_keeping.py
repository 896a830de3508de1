"""A study outlives whoever runs it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import optuna
import pytest
import tiny_study

from bench.errors import InputError
from bench.evidence.measures.normalised import Scale
from bench.tune.study import (
    ALIVE,
    GIVEN_UP,
    OWNER,
    PRUNERS,
    SAMPLERS,
    SILENCE,
    best_trial,
    ended_trials,
    give_up_orphans,
    owner,
    scales_of,
    trials_in_flight,
)


def ask(study: optuna.Study, **attributes: object) -> optuna.Trial:
    space = {
        dimension.parameter: dimension.distribution() for dimension in tiny_study.request().space
    }
    trial = study.ask(space)
    for name, value in attributes.items():
        trial.set_user_attr(name, value)
    return trial


def test_the_defaults_are_its_first_trial(tmp_path: Path) -> None:
    study = tiny_study.opened(tiny_study.request(), tmp_path)
    assert ask(study).params == {"learning_rate": 3e-4}
    reopened = tiny_study.opened(tiny_study.request(), tmp_path)
    assert ask(reopened).params != {"learning_rate": 3e-4}
    assert len(reopened.trials) == 2


def test_it_keeps_the_scales_that_it_began_with(tmp_path: Path) -> None:
    request = tiny_study.request()
    tiny_study.opened(request, tmp_path)
    one = {"CartPole-v1": Scale(zero=0.0, one=100.0)}
    for scales in ({}, one, tiny_study.scales()):
        study = tiny_study.opened(request, tmp_path, scales=scales)
        assert scales_of(study) == tiny_study.scales()
    with pytest.raises(InputError, match="has other scales: .* by --scale CartPole-v1=0.0:100.0"):
        tiny_study.opened(request, tmp_path, scales={"CartPole-v1": Scale(zero=0.0, one=50.0)})


def test_the_defaults_are_queued_until_a_trial_has_them(tmp_path: Path) -> None:
    """Whatever became of the one that was queued first, as with a torn journal or a kill."""
    request = tiny_study.request()
    study = tiny_study.opened(request, tmp_path)
    for number in range(2):
        assert ask(study).params == request.default_values()
        study.set_user_attr(f"{GIVEN_UP} {number}", True)
        study.tell(number, state=optuna.trial.TrialState.FAIL)
        study = tiny_study.opened(request, tmp_path)
    assert len(study.trials) == 3
    assert len(tiny_study.opened(request, tmp_path).trials) == 3


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("pruner", PRUNERS)
def test_every_sampler_goes_with_every_pruner(sampler: str, pruner: str, tmp_path: Path) -> None:
    study = tiny_study.opened(tiny_study.request(), tmp_path, sampler=sampler, pruner=pruner)
    for number in range(14):
        trial = ask(study)
        for point in range(1, 11):
            trial.report(number + point / 10, point)
            trial.should_prune()
        study.tell(trial, float(number))
    assert len(ended_trials(study)) == 14


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sampler": "tp"}, "unknown sampler 'tp'. Did you mean 'tpe'?"),
        ({"pruner": "medium"}, "unknown pruner 'medium'. Did you mean 'median'?"),
        ({"storage": "study.db"}, "storage 'study.db' is no URL"),
        ({"storage": "sqlite:////nowhere/at/all.db"}, "can't be opened: "),
        ({"storage": "postgresql://host/tuning"}, "needs the package psycopg"),
        ({"storage": "speech://host"}, "can't be opened: NoSuchModuleError"),
    ],
)
def test_what_can_not_be_opened_is_told_in_one_line(
    options: dict[str, str], message: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError) as caught:
        tiny_study.opened(tiny_study.request(), tmp_path, **options)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_study_of_this_name_about_something_else_is_left_alone(tmp_path: Path) -> None:
    request = tiny_study.request()
    study = tiny_study.opened(request, tmp_path)
    study.set_user_attr("request", "{}")
    with pytest.raises(InputError, match="is of another request"):
        tiny_study.opened(request, tmp_path)


def test_what_an_ended_process_was_about_is_tried_again(tmp_path: Path) -> None:
    study = tiny_study.opened(tiny_study.request(), tmp_path)
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    mine = ask(study, **{OWNER: owner()})
    orphaned = ask(study, **{OWNER: {**owner(), "process": gone.pid, "began": "1"}})
    # Another process has got the number of the one that began the trial.
    reused = ask(study, **{OWNER: {**owner(), "process": os.getpid(), "began": "1"}})
    assert give_up_orphans(study) == 2
    assert [trial.number for trial in trials_in_flight(study)] == [mine.number]
    assert ended_trials(study) == []
    assert [ask(study).params, ask(study).params] == [orphaned.params, reused.params]


def test_another_machine_is_given_time(tmp_path: Path) -> None:
    study = tiny_study.opened(tiny_study.request(), tmp_path)
    elsewhere = {"host": "01234567", "process": 1, "began": "1"}
    living = ask(study, **{OWNER: elsewhere, ALIVE: time.time()})
    ask(study, **{OWNER: elsewhere, ALIVE: time.time() - SILENCE - 1})
    begun = ask(study, **{OWNER: elsewhere})
    assert give_up_orphans(study) == 1
    assert [trial.number for trial in trials_in_flight(study)] == [living.number, begun.number]


def test_the_best_is_the_earliest_of_equals_among_complete_ones(tmp_path: Path) -> None:
    study = tiny_study.opened(tiny_study.request(), tmp_path)
    assert best_trial(study) is None
    for value in (-2.0, -1.0, -1.0):
        study.tell(ask(study), value)
    study.tell(ask(study), state=optuna.trial.TrialState.PRUNED)
    winner = best_trial(study)
    assert winner is not None
    assert winner.number == 1
