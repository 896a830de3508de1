"""Trials are trained, scored, pruned and failed; what stops them costs what is in flight."""

from __future__ import annotations

import errno
import itertools
import json
import os
from collections.abc import Callable
from pathlib import Path

import optuna
import pandas as pd
import pytest
import tiny_study
from inline_executor import Inline
from optuna.storages.journal import JournalFileBackend

from bench.errors import InputError
from bench.plan import digest
from bench.plan.digest import code_digest
from bench.store import Store
from bench.store.claims import Claims
from bench.train.standing import Standing, standings
from bench.tune import tuner
from bench.tune.request import Request
from bench.tune.scoring import mean_score
from bench.tune.study import best_trial, ended_trials, give_up, trials_in_flight
from bench.tune.summary import rows, table
from bench.tune.tuner import Event, Opened, Retrained, TrialEnded, TrialMoved, Tuner


def tuned(
    request: Request,
    folder: Path,
    trials: int,
    executor: Inline | None = None,
    pruner: optuna.pruners.BasePruner | None = None,
) -> tuple[optuna.Study, list[Event], Inline]:
    study = tiny_study.opened(request, folder, pruner="none", sampler="random")
    study.sampler = optuna.samplers.RandomSampler(seed=len(study.trials))
    if pruner is not None:
        study.pruner = pruner
    executor, events = executor or Inline(), list[Event]()
    Tuner(request, study, Store(folder), executor, events.append).run(trials)
    assert executor.ended
    return study, events, executor


def test_a_trial_is_runs_of_the_store(tmp_path: Path) -> None:
    request = tiny_study.request()
    study, events, executor = tuned(request, tmp_path, 2)
    store = Store(tmp_path)
    assert len(executor.groups) == 4
    assert len(store.finished()) == 8
    assert events[0] == Opened(ended=0, of_other_code=0, elsewhere=0, resumed=0)
    assert [event.ended for event in events if isinstance(event, TrialEnded)] == [1, 2]
    moved = [event for event in events if isinstance(event, TrialMoved)]
    assert {move.environment for move in moved} == set(tiny_study.ENVIRONMENTS)
    assert moved[-1].share == 1.0
    for trial in ended_trials(study):
        runs = trial.user_attrs["runs"]
        returns = [mean_score(store, runs[name]) for name in tiny_study.ENVIRONMENTS]
        assert trial.value == pytest.approx(sum(returns) / 2 / 100)
        stored = store.runs().set_index("run").loc[runs["CartPole-v1"][0]]
        settings = json.loads(stored["hyperparameters"])
        assert settings["learning_rate"] == pytest.approx(trial.params["learning_rate"], rel=5e-3)
        assert settings["batch_steps"] == tiny_study.SMALL["batch_steps"]


def test_a_study_has_as_many_trials_as_are_asked_for(tmp_path: Path) -> None:
    request = tiny_study.request()
    tuned(request, tmp_path, 1)
    _, events, executor = tuned(request, tmp_path, 1)
    assert events == [Opened(ended=1, of_other_code=0, elsewhere=0, resumed=0)]
    assert executor.groups == []
    study, events, _ = tuned(request, tmp_path, 2)
    assert events[0] == Opened(ended=1, of_other_code=0, elsewhere=0, resumed=0)
    assert len(ended_trials(study)) == 2


def test_settings_that_have_results_are_not_trained_again(tmp_path: Path) -> None:
    request = tiny_study.request(search=["epochs=1|2"])
    study, _, executor = tuned(request, tmp_path, 6)
    assert len(ended_trials(study)) == 6
    assert len(executor.groups) == 4
    values = {trial.params["epochs"]: trial.value for trial in ended_trials(study)}
    assert all(trial.value == values[trial.params["epochs"]] for trial in ended_trials(study))


def test_results_of_other_code_are_no_trial_s(tmp_path: Path) -> None:
    request = tiny_study.request(search=["epochs=1|2"])
    tuned(request, tmp_path, 6)
    store = Store(tmp_path)
    stored = store.runs().to_dict("records")[0]
    episodes, updates = store.episodes(), store.updates()
    store.write_run(
        {name: value for name, value in stored.items() if not pd.isna(value)}
        | {"digest": "0" * 16},
        {name: episodes[episodes["run"] == stored["run"]][name].to_numpy() for name in EPISODES},
        {name: updates[updates["run"] == stored["run"]][name].to_numpy() for name in UPDATES},
        None,
    )
    _, events, executor = tuned(request, tmp_path, 12)
    assert [group.description.run(group.seeds[0]) for group in executor.groups] == [stored["run"]]
    (retrained,) = (event for event in events if isinstance(event, Retrained))
    assert (retrained.environment, retrained.runs) == (stored["environment"], 1)


def test_a_study_that_goes_on_by_other_code_counts_the_trials_of_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = tiny_study.request()
    tuned(request, tmp_path, 2)
    for module in (tuner, digest):
        monkeypatch.setattr(module, "code_digest", lambda description: "later")
    _, events, _ = tuned(request, tmp_path, 3)
    assert events[0] == Opened(ended=2, of_other_code=2, elsewhere=0, resumed=0)
    _, events, _ = tuned(request, tmp_path, 3)
    assert events[0] == Opened(ended=3, of_other_code=2, elsewhere=0, resumed=0)


@pytest.mark.parametrize("silent_after", [0, 1, 4, 5])
def test_a_trial_that_another_process_has_taken_over_costs_its_training_alone(
    tmp_path: Path, silent_after: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a sleep longer than others wait: they gave the trial up, and it is tried again."""
    monkeypatch.setattr(tuner, "SIGN_OF_LIFE", 0.0)
    request = tiny_study.request()
    study, events = tiny_study.opened(request, tmp_path), list[Event]()
    numbers = itertools.count()

    def silent(event: Event) -> None:
        events.append(event)
        if isinstance(event, TrialMoved) and next(numbers) == silent_after:
            assert give_up(study, event.number, {})

    Tuner(request, study, Store(tmp_path), Inline(), silent).run(2)
    outcomes = [event.outcome for event in events if isinstance(event, TrialEnded)]
    assert outcomes == ["taken over", "complete", "complete"]
    assert len(ended_trials(study)) == 2
    assert trials_in_flight(study) == []


@pytest.mark.parametrize("journal", [True, False])
def test_a_full_disk_ends_the_study_and_costs_it_no_trial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, journal: bool
) -> None:
    """The journal takes one more line after the disk has filled up, or goes on elsewhere."""
    request = tiny_study.request()

    def refuse(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    study = tiny_study.opened(request, tmp_path)
    append = JournalFileBackend.append_logs

    def append_once(backend: JournalFileBackend, logs: list[dict[str, object]]) -> None:
        patch.setattr(JournalFileBackend, "append_logs", append if journal else refuse)
        append(backend, logs)

    def fill(event: Event) -> None:
        if isinstance(event, TrialMoved):
            patch.setattr(Store, "write_run", refuse)
            patch.setattr(JournalFileBackend, "append_logs", append_once)

    with (
        monkeypatch.context() as patch,
        pytest.raises(InputError, match="takes no more: No space left"),
    ):
        Tuner(request, study, Store(tmp_path), Inline(), fill).run(2)
    study, events, _ = tuned(request, tmp_path, 2)
    assert isinstance(events[0], Opened) and events[0].ended == 0
    # The defaults, which were in training, are tried again.
    assert study.trials[0].params in [trial.params for trial in ended_trials(study)]
    assert {row.outcome for row in rows(study, request)} == {"complete"}


EPISODES = ("step", "return", "length", "seconds")
UPDATES = ("update", "step", "seconds")


def test_a_pruned_trial_is_stored_and_satisfies_no_plan(tmp_path: Path) -> None:
    request = tiny_study.request()
    study, events, executor = tuned(
        request, tmp_path, 2, pruner=optuna.pruners.ThresholdPruner(lower=1e9)
    )
    outcomes = [event.outcome for event in events if isinstance(event, TrialEnded)]
    assert outcomes == ["complete", "pruned"]  # the defaults never are
    store = Store(tmp_path)
    runs = store.runs()
    pruned = runs[runs["status"] == "pruned"]
    assert len(pruned) == 2
    assert set(pruned["environment"]) == {executor.groups[-1].description.environment}
    assert pruned["reason"].str.contains(f"trial 1 of study {request.name}").all()
    assert pruned["steps"].between(1, request.steps).all()
    assert not set(pruned["run"]) & set(store.finished())
    assert [row.outcome for row in rows(study, request)] == ["complete", "pruned"]
    assert "pruned at point" in table(study, request).splitlines()[2]


@pytest.mark.parametrize("interrupted_after", [0, 1])
def test_defaults_that_are_tried_again_are_not_pruned(
    tmp_path: Path, interrupted_after: int
) -> None:
    request = tiny_study.request()
    pruner = optuna.pruners.ThresholdPruner(lower=1e9)
    with pytest.raises(KeyboardInterrupt):
        tuned(request, tmp_path, 2, Inline(interrupted_after), pruner)
    study, _, _ = tuned(request, tmp_path, 2, pruner=pruner)
    outcomes = {trial.number: trial.state.name for trial in ended_trials(study)}
    assert outcomes == {1: "COMPLETE", 2: "PRUNED"}


def test_without_the_defaults_every_trial_may_be_pruned(tmp_path: Path) -> None:
    request = tiny_study.request(search=["learning_rate=1e-3:1e-2"])
    _, events, _ = tuned(request, tmp_path, 1, pruner=optuna.pruners.ThresholdPruner(lower=1e9))
    assert [event.outcome for event in events if isinstance(event, TrialEnded)] == ["pruned"]


def test_other_processes_see_how_far_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.train.standing.WRITTEN_EVERY", 0.0)
    request = tiny_study.request()
    study, seen = tiny_study.opened(request, tmp_path), list[Standing]()
    watching = Claims(tmp_path)
    Tuner(
        request, study, Store(tmp_path), Inline(), lambda event: seen.extend(standings(watching))
    ).run(2)
    assert {standing.ablation for standing in seen} == {f"study {request.name}"}
    assert {standing.steps for standing in seen} == {2 * 2 * 2 * request.steps}
    first = seen[0].groups[0]
    assert (first.variants, first.environment, first.seeds) == (
        [["trial 0"]],
        tiny_study.ENVIRONMENTS[0],
        [0, 1],
    )
    shares = [standing.done / standing.steps for standing in seen]
    # Shown from the start; the first batch is a quarter of a group, and there are four groups.
    assert shares == sorted(shares) and shares[0] == 0.0 and 0.75 < shares[-1] <= 1.0
    assert {0.0625, 0.5} < set(shares)
    assert list(standings(watching)) == []


def test_pruned_runs_are_trained_by_whoever_asks_for_them(tmp_path: Path) -> None:
    request = tiny_study.request(search=["epochs=1|2"])
    tiny_study.opened(request, tmp_path).enqueue_trial({"epochs": "2"})
    tuned(request, tmp_path, 2, pruner=optuna.pruners.ThresholdPruner(lower=1e9))
    store = Store(tmp_path)
    assert sorted(store.runs()["status"]).count("pruned") == 2
    _, _, executor = tuned(request, tmp_path, 12)
    assert "pruned" not in set(store.runs()["status"])
    assert {group.description.hyperparameters["epochs"] for group in executor.groups} == {2}


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_trial_that_diverges_fails_and_the_study_goes_on(tmp_path: Path) -> None:
    request = tiny_study.request(search=["learning_rate=3e-4|1e38"])
    study, events, _ = tuned(request, tmp_path, 10)
    outcomes = {
        (event.outcome, event.reason.split(":")[0])
        for event in events
        if isinstance(event, TrialEnded)
    }
    assert ("complete", "") in outcomes
    assert any(reason.startswith("diverged in") for _, reason in outcomes)
    # The same settings again need no training to be known for what they are.
    assert ("failed", "a run of it is diverged") in outcomes
    assert len(ended_trials(study)) == 10
    winner = best_trial(study)
    assert winner is not None
    assert winner.params["learning_rate"] == "0.0003"
    assert "diverged" in set(Store(tmp_path).runs()["status"])


def test_settings_that_contradict_each_other_fail_with_the_reason(tmp_path: Path) -> None:
    request = tiny_study.request(search=["slots=4|5"])
    _, events, executor = tuned(request, tmp_path, 10)
    failed = [
        event for event in events if isinstance(event, TrialEnded) and event.outcome == "failed"
    ]
    assert failed
    assert failed[0].reason.startswith("batch_steps = 64 is not a multiple of slots = 5")
    assert {group.description.hyperparameters["slots"] for group in executor.groups} == {4}


def test_without_an_episode_there_is_no_score(tmp_path: Path) -> None:
    request = tiny_study.request(back_ends={"HalfCheetah-v5": "envpool"})
    study = tiny_study.opened(
        request, tmp_path, scales={"HalfCheetah-v5": tiny_study.scales()["CartPole-v1"]}
    )
    events: list[Event] = []
    Tuner(request, study, Store(tmp_path), Inline(), events.append).run(1)
    last = events[-1]
    assert isinstance(last, TrialEnded)
    assert (last.outcome, last.reason) == ("failed", "no episode ended")


def test_ctrl_c_costs_what_is_in_flight(tmp_path: Path) -> None:
    request = tiny_study.request()
    executor = Inline(interrupted_after=3)
    study = tiny_study.opened(request, tmp_path)
    with pytest.raises(KeyboardInterrupt):
        Tuner(request, study, Store(tmp_path), executor).run(4)
    assert executor.ended
    assert len(ended_trials(study)) == 1
    assert trials_in_flight(study) == []
    cut_off = executor.groups[-1].description.hyperparameters["learning_rate"]
    assert executor.groups[-1].description.environment == tiny_study.ENVIRONMENTS[1]
    study, _, resumed = tuned(request, tmp_path, 2)
    assert len(ended_trials(study)) == 2
    # Its settings again, and of its two environments only the one that had not finished.
    (group,) = resumed.groups
    assert group.description.hyperparameters["learning_rate"] == cut_off


def test_trials_elsewhere_count(tmp_path: Path, living_elsewhere: Callable[..., None]) -> None:
    request = tiny_study.request()
    living_elsewhere(tiny_study.opened(request, tmp_path))
    study, events, _ = tuned(request, tmp_path, 2)
    assert events[0] == Opened(ended=0, of_other_code=0, elsewhere=1, resumed=0)
    assert (len(ended_trials(study)), len(trials_in_flight(study))) == (1, 1)


@pytest.fixture
def living_elsewhere() -> Callable[..., None]:
    """Lets another machine begin a trial."""

    def begin(study: optuna.Study) -> None:
        space = {
            dimension.parameter: dimension.distribution()
            for dimension in tiny_study.request().space
        }
        trial = study.ask(space)
        trial.set_user_attr("owner", {"host": "another", "process": 1, "began": "1"})

    return begin


def test_an_edit_ends_the_study_as_its_processes_keep_the_old_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digests = itertools.chain(["before"] * len(tiny_study.ENVIRONMENTS), itertools.repeat("after"))
    for module in (tuner, digest):
        monkeypatch.setattr(module, "code_digest", lambda description: next(digests))
    with pytest.raises(InputError, match="the code of .* has changed"):
        tuned(tiny_study.request(), tmp_path, 3)
    assert set().union(*Store(tmp_path).finished().values()) <= {"before"}


def test_the_digest_of_a_trial_s_runs_is_that_of_its_code(tmp_path: Path) -> None:
    request = tiny_study.request()
    tuned(request, tmp_path, 1)
    expected = {code_digest(request.description(name, {})) for name in tiny_study.ENVIRONMENTS}
    assert set().union(*Store(tmp_path).finished().values()) == expected
