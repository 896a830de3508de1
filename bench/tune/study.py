"""Create or continue a study that Optuna keeps, from one process or several.

Its trials outlive the processes that run them. A trial whose process has ended is given up and its
settings are tried again, so that a kill costs only the runs in flight; those that had finished are
in the store and are not trained again.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.errors import InputError, unknown
from bench.evidence.measures.normalised import Scale
from bench.files import locked
from bench.store.claims import birth, machine
from bench.tune.request import Request
from bench.tune.scoring import trial_scales
from bench.tune.trial_training import POINTS

if TYPE_CHECKING:
    from optuna import Study
    from optuna.pruners import BasePruner
    from optuna.samplers import BaseSampler
    from optuna.storages import BaseStorage
    from optuna.trial import FrozenTrial

JOURNAL = "journal.log"
STARTUP_TRIALS = 10
"""Random trials before a sampler's model is used, and unpruned ones before a pruner's."""
UNPRUNED_POINTS = 2
"""The first point of its curve at which a trial may be pruned."""
SILENCE = 300.0
"""Seconds without a sign of life after which another machine's trial counts as given up."""

OWNER, ALIVE = "owner", "alive"
"""Attributes of a trial: the process that trains it, and its last sign of life [s since 1970]."""
REQUEST, SCALES, GIVEN_UP = "request", "scales", "given up"
"""Attributes of a study; the last one is followed by a trial's number."""


# Optuna is imported when a study is opened, not before: its modules are arguments.
SAMPLERS: dict[str, Callable[[Any], BaseSampler]] = {
    "tpe": lambda samplers: samplers.TPESampler(multivariate=True, n_startup_trials=STARTUP_TRIALS),
    "cmaes": lambda samplers: samplers.CmaEsSampler(
        n_startup_trials=STARTUP_TRIALS, warn_independent_sampling=False
    ),
    "random": lambda samplers: samplers.RandomSampler(),
}
PRUNERS: dict[str, Callable[[Any], BasePruner]] = {
    "median": lambda pruners: pruners.MedianPruner(
        n_startup_trials=STARTUP_TRIALS // 2, n_warmup_steps=UNPRUNED_POINTS
    ),
    "hyperband": lambda pruners: pruners.HyperbandPruner(
        min_resource=UNPRUNED_POINTS, max_resource=POINTS
    ),
    "halving": lambda pruners: pruners.SuccessiveHalvingPruner(min_resource=UNPRUNED_POINTS),
    "none": lambda pruners: pruners.NopPruner(),
}


def open_study(
    request: Request,
    folder: Path,
    scales: Mapping[str, Scale],
    *,
    storage: str | None = None,
    sampler: str = "tpe",
    pruner: str = "median",
    report: Callable[[str], None] = print,
) -> Study:
    """Open the study of a request, or create it, with the defaults as its first trial.

    Args:
        request: what the study tunes, and its name.
        folder: folder of its journal, unless there is a `storage`.
        scales: environment -> scale, where the user gives one. A new study keeps these and
            `trial_scales` of the other environments.
        storage: Optuna's URL of a database.
        sampler, pruner: names of SAMPLERS and PRUNERS; they may change from one call to the next.
        report: called with a line on torn lines that were left out of the journal.

    Raises:
        InputError: an unknown sampler or pruner; a storage that can't be opened; an environment
            that needs a scale; a study of this name with another request or other scales.
    """
    if sampler not in SAMPLERS:
        raise unknown("sampler", sampler, SAMPLERS)
    if pruner not in PRUNERS:
        raise unknown("pruner", pruner, PRUNERS)
    import optuna

    from bench.tune.journal import mend

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    # Two processes that create it at the same moment would both queue the defaults.
    with locked(folder / "opening.lock"):
        with _refused(storage or str(folder)):
            if storage is None and (remark := mend(folder / JOURNAL)):
                report(remark)
            study = optuna.create_study(
                study_name=request.name,
                storage=_storage(folder, storage),
                sampler=SAMPLERS[sampler](optuna.samplers),
                pruner=PRUNERS[pruner](optuna.pruners),
                direction="maximize",
                load_if_exists=True,
            )
            stated = json.dumps(request.stated(), sort_keys=True)
            stored = study.user_attrs.get(REQUEST)
        if stored is None or SCALES not in study.user_attrs:
            bounds = {
                name: [scale.zero, scale.one]
                for name, scale in trial_scales(request.environments, scales).items()
            }
            study.set_user_attr(SCALES, bounds)
            study.set_user_attr(REQUEST, stated)
        elif stored != stated:
            raise InputError(f"study {request.name} in {storage or folder} is of another request")
        for environment, kept in scales_of(study).items():
            if scales.get(environment, kept) != kept:
                raise InputError(
                    f"study {request.name} in {storage or folder} has other scales: its trials are "
                    f"scored by --scale {environment}={kept.zero!r}:{kept.one!r}"
                )
        _give_up_torn(study, request)
        _queue_defaults(study, request)
    return study


def scales_of(study: Study) -> dict[str, Scale]:
    """Return environment -> scale, as the study has kept them."""
    bounds: dict[str, list[float]] = study.user_attrs[SCALES]
    return {name: Scale(zero=zero, one=one) for name, (zero, one) in bounds.items()}


def ended_trials(study: Study) -> list[FrozenTrial]:
    """Return the trials with an outcome, without those that were given up."""
    attributes = study.user_attrs
    return [
        trial
        for trial in study.get_trials(deepcopy=False)
        if trial.state.is_finished() and not attributes.get(f"{GIVEN_UP} {trial.number}")
    ]


def trials_in_flight(study: Study) -> list[FrozenTrial]:
    """Return the trials that some process is training."""
    from optuna.trial import TrialState

    return study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))


def best_trial(study: Study) -> FrozenTrial | None:
    """Return the complete trial of the largest value, the earliest of equals; None without one."""
    from optuna.trial import TrialState

    complete = [trial for trial in ended_trials(study) if trial.state == TrialState.COMPLETE]
    return max(complete, key=lambda trial: (trial.value or 0.0, -trial.number), default=None)


def owner() -> dict[str, object]:
    """Return what identifies this process, so that others can tell whether it still runs."""
    return {"host": machine(), "process": os.getpid(), "began": birth(os.getpid())}


def give_up_orphans(study: Study) -> int:
    """Queue the settings of trials whose processes have ended; returns how many there were."""
    number = 0
    for trial in trials_in_flight(study):
        if not _may_be_alive(trial):
            number += give_up(study, trial.number, trial.params)
    return number


def give_up(study: Study, number: int, params: Mapping[str, Any]) -> bool:
    """End a trial without an outcome and queue its settings again; False if it had ended."""
    from optuna.trial import TrialState

    mark = f"{GIVEN_UP} {number}"
    if study.user_attrs.get(mark) and study.get_trials(deepcopy=False)[number].state.is_finished():
        return False
    # Marked first: a full disk or a kill in between must not leave a trial that counts as failed.
    study.set_user_attr(mark, True)
    try:
        study.tell(number, state=TrialState.FAIL)
    except (RuntimeError, ValueError):  # another process was faster
        study.set_user_attr(mark, False)
        return False
    study.enqueue_trial(dict(params))
    return True


def _give_up_torn(study: Study, request: Request) -> None:
    """Give up ended trials some of whose settings were in torn lines of the journal."""
    searched = {dimension.parameter for dimension in request.space}
    for trial in ended_trials(study):
        if not searched <= trial.params.keys():
            study.set_user_attr(f"{GIVEN_UP} {trial.number}", True)


def _queue_defaults(study: Study, request: Request) -> None:
    """Queue the defaults, if they can be searched and no trial that counts has them."""
    values = request.default_values()
    # A trial that waits, or has just begun, has its settings in `fixed_params` alone.
    settings = [
        trial.system_attrs.get("fixed_params", trial.params)
        for trial in study.get_trials(deepcopy=False)
        if not study.user_attrs.get(f"{GIVEN_UP} {trial.number}")
    ]
    if values is not None and values not in settings:
        study.enqueue_trial(values)


def _may_be_alive(trial: FrozenTrial) -> bool:
    """Whether a trial's process may still be there."""
    trainer = trial.user_attrs.get(OWNER)
    if trainer is not None and trainer["host"] == machine():
        return bool(birth(trainer["process"]) == trainer["began"])
    started = trial.datetime_start.timestamp() if trial.datetime_start else 0.0
    return time.time() - float(trial.user_attrs.get(ALIVE, started)) < SILENCE


def _storage(folder: Path, url: str | None) -> BaseStorage:
    from optuna.storages import JournalStorage, RDBStorage
    from optuna.storages.journal import JournalFileBackend

    if url is not None:
        if "://" not in url:
            raise InputError(
                f"storage {url!r} is no URL: write it like sqlite:///study.db, or leave it out for "
                "a journal in the results folder"
            )
        return RDBStorage(url)
    folder.mkdir(parents=True, exist_ok=True)
    return JournalStorage(JournalFileBackend(str(folder / JOURNAL)))


@contextmanager
def _refused(storage: str) -> Iterator[None]:
    """Turn whatever a database driver may raise into an InputError of one line."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        cause = error.__cause__ or error
        if isinstance(cause, ModuleNotFoundError):
            raise InputError(
                f"storage {storage!r} needs the package {cause.name}: install it"
            ) from error
        lines = str(error).strip().splitlines() or [""]
        raise InputError(
            f"storage {storage!r} can't be opened: {type(error).__name__}: {lines[0]}"
        ) from error
