"""Train trials of a study in worker processes until the study has as many as requested.

A trial is one group of seeds per environment; each group is a task of its own, so that no place is
idle as long as there are trials to begin. This process alone writes to the store and talks to
Optuna.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from bench.errors import InputError
from bench.plan.digest import code_digest, is_edited
from bench.plan.identity import Description, plain
from bench.plan.lookup import load_algorithm
from bench.store import Store
from bench.train.events import Ended, Group, Summary
from bench.train.executors.protocol import Executor, Message
from bench.train.recorder import TAKES_NO_MORE, Recorder, refusal
from bench.train.standing import GroupStanding, Notice, Standing
from bench.train.trainer import validate
from bench.tune.interruption import held_back
from bench.tune.request import Request
from bench.tune.scoring import mean_score, trial_score
from bench.tune.study import (
    ALIVE,
    OWNER,
    ended_trials,
    give_up,
    give_up_orphans,
    owner,
    scales_of,
    trials_in_flight,
)
from bench.tune.trial_training import Watched

if TYPE_CHECKING:
    from optuna import Study, Trial
    from optuna.trial import FrozenTrial


TRAIN = "bench.tune.trial_training:train"
HEARTBEAT = 1.0
SIGN_OF_LIFE = 60.0

Outcome = Literal["complete", "pruned", "failed", "taken over"]


@dataclass(frozen=True, kw_only=True)
class Opened:
    """A study was opened.

    Attributes:
        ended: number of trials that had ended, `of_other_code` of them trained by other code.
        elsewhere: number of trials that other processes train.
        resumed: number of trials that are tried again.
    """

    ended: int
    of_other_code: int
    elsewhere: int
    resumed: int


@dataclass(frozen=True, kw_only=True)
class Retrained:
    """A trial trains stored runs again, because they are of other code."""

    number: int
    environment: str
    runs: int


@dataclass(frozen=True, kw_only=True)
class TrialMoved:
    """Progress of a trial in an environment: share of its budget, and speed [steps/s]."""

    number: int
    environment: str
    share: float
    speed: float
    last_return: float | None


@dataclass(frozen=True, kw_only=True)
class TrialEnded:
    """A trial has an outcome, or another process has taken it over.

    Attributes:
        value: its normalised score; the last point of its curve if pruned; None otherwise.
        reason: why it has no score.
        ended: number of the study's trials with an outcome.
    """

    number: int
    outcome: Outcome
    value: float | None
    reason: str
    ended: int


Event = Opened | Retrained | TrialMoved | TrialEnded


@dataclass(kw_only=True, eq=False)
class _Trial:
    """A trial in flight."""

    trial: Trial
    hyperparameters: Mapping[str, object]
    groups: dict[str, Group] = field(default_factory=dict)
    curves: dict[str, tuple[float, ...]] = field(default_factory=dict)
    last_messages: dict[str, Message] = field(default_factory=dict)
    trained: set[str] = field(default_factory=set)
    reported: int = 0

    @property
    def number(self) -> int:
        return self.trial.number


class Tuner:
    """Trains trials of a study.

    Args:
        request: what the study tunes.
        study: from `open_study`.
        store: gets the trials' runs; runs that are there are not trained again.
        executor: runs the training, by `TRAIN`.
        on_event: called with each event, in this process.
    """

    def __init__(
        self,
        request: Request,
        study: Study,
        store: Store,
        executor: Executor,
        on_event: Callable[[Event], None] = lambda event: None,
    ) -> None:
        self._request = request
        self._defaults = request.default_values()
        self._study = study
        self._store = store
        self._executor = executor
        self._on_event = on_event
        self._scales = scales_of(study)
        self._digests: dict[str, str] = {}
        self._code = {  # environment -> digest of the code that trains in it
            name: code_digest(request.description(name, request.fixed))
            for name in request.environments
        }
        self._recorder = Recorder(store, Summary(), self._digests)
        self._owner = owner()
        self._flying: list[_Trial] = []
        # A group's id -> its trial and environment; equal groups may be of several trials.
        self._places: dict[int, tuple[_Trial, str]] = {}
        self._pending: deque[Group] = deque()
        self._alive_at = -math.inf

    def run(self, trials: int) -> None:
        """Continue the study until `trials` of it have an outcome or are being trained elsewhere.

        Args:
            trials: number of trials of the study, whoever trains them.

        Raises:
            InputError: the results folder, with the study's journal, takes no more.
            KeyboardInterrupt: the executor has ended by then, as it has whenever this returns;
                trials in flight are tried again when the study is continued.
        """
        try:
            self._run(trials)
        except OSError as error:
            if error.errno in TAKES_NO_MORE:
                raise InputError(refusal(self._store, error)) from error
            raise

    def _run(self, trials: int) -> None:
        """As `run`, but a full disk is an OSError."""
        resumed = give_up_orphans(self._study)
        ended = ended_trials(self._study)
        self._on_event(
            Opened(
                ended=len(ended),
                of_other_code=self._of_other_code(ended),
                elsewhere=len(trials_in_flight(self._study)),
                resumed=resumed,
            )
        )
        try:
            # For `status` alone: a study shares no plan, so it takes no places of one.
            self._store.claims.take_part(0)
            tell_others = Notice(partial(self._standing, trials), self._store.claims)
            with held_back() as act_on_interruption:
                self._begin(trials)
                tell_others()
                while self._executor.busy:
                    for message in self._executor.messages(HEARTBEAT):
                        self._handle(message)
                        tell_others()
                    self._say_alive()
                    act_on_interruption()
                    self._begin(trials)
        except BaseException:
            for flying in self._flying:
                with suppress(OSError):  # whoever continues the study finds out by itself
                    give_up(self._study, flying.number, flying.trial.params)
            raise
        finally:
            self._executor.end()
            self._store.claims.end()

    def _begin(self, trials: int) -> None:
        """Fill every free place with a group, of a new trial if no other is left."""
        while self._executor.free:
            while not self._pending and self._needs_trial(trials):
                self._ask()
            if not self._pending:
                return
            self._executor.give(self._pending.popleft())

    def _needs_trial(self, trials: int) -> bool:
        return len(ended_trials(self._study)) + len(trials_in_flight(self._study)) < trials

    def _of_other_code(self, trials: Iterable[FrozenTrial]) -> int:
        """Count the trials whose scores are known to be of other code than the present one."""
        finished = self._store.finished()
        return sum(
            any(
                digest not in finished.get(run, (digest,))
                for name, digest in self._code.items()
                for run in trial.user_attrs.get("runs", {}).get(name, ())
            )
            for trial in trials
        )

    def _ask(self) -> None:
        """Begin a trial; if it needs no training, score it at once."""
        space = {dimension.parameter: dimension.distribution() for dimension in self._request.space}
        trial = self._study.ask(space)
        trial.set_user_attr(OWNER, self._owner)
        hyperparameters = self._request.hyperparameters(trial.params)
        trial.set_user_attr(
            "hyperparameters", {name: plain(value) for name, value in hyperparameters.items()}
        )
        flying = _Trial(trial=trial, hyperparameters=hyperparameters)
        self._flying.append(flying)
        with self._unless_taken_over(flying):
            self._start(flying)

    def _start(self, flying: _Trial) -> None:
        """Queue the groups of a trial that have no results yet; score or fail it without any."""
        hyperparameters = flying.hyperparameters
        try:
            values: dict[str, Any] = dict(hyperparameters)
            validate(load_algorithm(self._request.algorithm).hyperparameters(**values))
        except InputError as error:
            self._fail(flying, str(error))
            return
        for environment in self._request.environments:
            group = self._missing_group(flying.number, environment, hyperparameters)
            if group is None:
                flying.trained.add(environment)
            else:
                flying.groups[environment] = group
                self._places[id(group)] = flying, environment
                self._pending.append(group)
        self._score(flying)

    def _missing_group(
        self, number: int, environment: str, hyperparameters: Mapping[str, object]
    ) -> Group | None:
        """Return a group of the seeds without a result of this very code; None if all have one."""
        description = self._request.description(environment, hyperparameters)
        finished = self._store.finished()
        digest = self._digests[description.identifier] = self._digest(description)
        seeds = tuple(
            seed
            for seed in self._request.seeds
            if digest not in finished.get(description.run(seed), ())
        )
        stale = sum(description.run(seed) in finished for seed in seeds)
        if stale:
            self._on_event(Retrained(number=number, environment=environment, runs=stale))
        return Group.of(description, seeds) if seeds else None

    def _digest(self, description: Description) -> str:
        """Return the digest of the code that trains a description.

        Processes keep the code that they imported first, so their runs must not be stored under
        the digest of a later edit.

        Raises:
            InputError: the code has changed since this object was made.
        """
        digest = self._code[description.environment]
        if not self._executor.keeps_code and is_edited(description, digest):
            raise InputError(
                f"the code of {description.algorithm} has changed since the study's processes "
                "began; the same command goes on, with the new code"
            )
        return digest

    def _handle(self, message: Message) -> None:
        """Handle a message about a group."""
        if id(message.group) not in self._places:  # its trial has ended
            return
        flying, environment = self._places[id(message.group)]
        flying.last_messages[environment] = message
        with self._unless_taken_over(flying):
            if message.kind == "progress":
                self._moved(flying, environment, message.content)
            else:
                ended = self._recorder.write(message, last_try=False)
                self._group_ended(flying, environment, ended)

    def _moved(self, flying: _Trial, environment: str, progress: Watched) -> None:
        steps = min(progress.steps)
        flying.curves[environment] = progress.curve
        self._on_event(
            TrialMoved(
                number=flying.number,
                environment=environment,
                share=min(1.0, steps / progress.budget),
                speed=sum(progress.steps) / progress.seconds if progress.seconds else 0.0,
                last_return=progress.last_return,
            )
        )
        self._report(flying)

    def _report(self, flying: _Trial) -> None:
        """Report the curve's mean over environments to Optuna, and prune if it says so."""
        if len(flying.curves) < len(self._request.environments):
            return
        length = min(map(len, flying.curves.values()))
        while flying.reported < length:
            point = {name: curve[flying.reported] for name, curve in flying.curves.items()}
            flying.reported += 1
            value = trial_score(point, self._scales)
            if not math.isfinite(value):
                continue
            flying.trial.report(value, flying.reported)
            # All else is compared with the defaults, whichever trial has them.
            if flying.trial.params != self._defaults and flying.trial.should_prune():
                self._prune(flying, value)
                return

    def _group_ended(self, flying: _Trial, environment: str, event: Ended) -> None:
        unfinished = sorted(set(event.outcomes.values()) - {"finished"})
        if unfinished:
            reason = "; ".join(event.reasons) or "no reason given"
            self._fail(flying, f"{', '.join(unfinished)} in {environment}: {reason}")
            return
        flying.trained.add(environment)
        self._score(flying)

    def _score(self, flying: _Trial) -> None:
        """End a trial if all its runs are there."""
        if len(flying.trained) < len(self._request.environments):
            return
        runs = {
            name: [
                self._request.description(name, flying.hyperparameters).run(seed)
                for seed in self._request.seeds
            ]
            for name in self._request.environments
        }
        flying.trial.set_user_attr("runs", runs)
        committed = self._store.committed()
        statuses = {committed[run].status for ids in runs.values() for run in ids}
        if statuses != {"finished"}:
            self._fail(flying, f"a run of it is {', '.join(sorted(statuses - {'finished'}))}")
            return
        returns = {
            name: mean_score(self._store, ids, gold=name in self._request.gold)
            for name, ids in runs.items()
        }
        value = trial_score(returns, self._scales)
        if not math.isfinite(value):
            self._fail(flying, "no episode ended")
            return
        flying.trial.set_user_attr("returns", returns)
        self._end(flying, "complete", value, "")

    def _prune(self, flying: _Trial, value: float) -> None:
        reason = (
            f"pruned at point {flying.reported} of its curve, at {value:.3f}: "
            f"trial {flying.number} of study {self._request.name}"
        )
        self._stop(flying, reason)
        self._end(flying, "pruned", value, reason)

    def _fail(self, flying: _Trial, reason: str) -> None:
        self._stop(flying, None)
        self._end(flying, "failed", None, reason)

    def _stop(self, flying: _Trial, pruning_reason: str | None) -> None:
        """End the training of a trial; with a reason, runs under way are stored as pruned."""
        self._pending = deque(
            group for group in self._pending if self._places[id(group)][0] is not flying
        )
        for environment, group in flying.groups.items():
            if environment in flying.trained:
                continue
            self._executor.stop(group)
            message = flying.last_messages.get(environment)
            if pruning_reason is not None and message is not None:
                self._store_pruned(message, pruning_reason)

    def _store_pruned(self, message: Message, reason: str) -> None:
        """Store as pruned the runs of a group in training; its last message was of progress."""
        for row, steps in zip(message.group.rows, message.content.steps, strict=True):
            stored_row = self._recorder.stored_row(message, row, "pruned", reason)
            self._recorder.write_without_result(stored_row | {"steps": steps})

    def _end(self, flying: _Trial, outcome: Outcome, value: float | None, reason: str) -> None:
        from optuna.trial import TrialState

        if reason:
            flying.trial.set_user_attr("reason", reason)
        states = {
            "complete": TrialState.COMPLETE,
            "pruned": TrialState.PRUNED,
            "failed": TrialState.FAIL,
        }
        score = value if outcome == "complete" else None
        told = self._study.tell(flying.trial, score, state=states[outcome], skip_if_finished=True)
        if told.state == states[outcome]:
            self._forget(flying, outcome, value, reason)
        else:
            self._forget_taken_over(flying)

    def _forget(self, flying: _Trial, outcome: Outcome, value: float | None, reason: str) -> None:
        """Hold a trial no longer, and report its outcome."""
        self._flying.remove(flying)
        for group in flying.groups.values():
            del self._places[id(group)]
        self._on_event(
            TrialEnded(
                number=flying.number,
                outcome=outcome,
                value=value,
                reason=reason,
                ended=len(ended_trials(self._study)),
            )
        )

    @contextmanager
    def _unless_taken_over(self, flying: _Trial) -> Iterator[None]:
        """Drop a trial that another process has given up meanwhile, as this one was silent."""
        from optuna.exceptions import UpdateFinishedTrialError

        try:
            yield
        except UpdateFinishedTrialError:
            self._stop(flying, None)
            self._forget_taken_over(flying)

    def _forget_taken_over(self, flying: _Trial) -> None:
        self._forget(flying, "taken over", None, "another process tries its settings again")

    def _standing(self, trials: int) -> Standing:
        """How far the study is."""
        pending = set(map(id, self._pending))
        groups = [
            self._standing_of(flying, environment)
            for group, (flying, environment) in self._places.items()
            if environment not in flying.trained and group not in pending
        ]
        # A trial that was pruned or failed counts whole, as nothing of it is left to train.
        environments = len(self._request.environments)
        done = len(ended_trials(self._study)) * environments
        done += sum(len(flying.trained) for flying in self._flying)
        steps = len(self._request.seeds) * self._request.steps
        return Standing(
            ablation=f"study {self._request.name}",
            steps=trials * environments * steps,
            done=done * steps + sum(group.done for group in groups),
            groups=groups,
        )

    def _standing_of(self, flying: _Trial, environment: str) -> GroupStanding:
        standing = GroupStanding.of(flying.groups[environment], [[f"trial {flying.number}"]])
        if (message := flying.last_messages.get(environment)) is not None:
            standing.take(message.content)
        return standing

    def _say_alive(self) -> None:
        """Show others that this process lives, and give up the trials of processes that ended."""
        if time.monotonic() - self._alive_at < SIGN_OF_LIFE:
            return
        self._alive_at = time.monotonic()
        for flying in tuple(self._flying):
            with self._unless_taken_over(flying):
                flying.trial.set_user_attr(ALIVE, time.time())
        give_up_orphans(self._study)
