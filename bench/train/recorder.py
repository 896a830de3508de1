"""Write an executor's results into the store."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from errno import EDQUOT, EIO, ENOSPC, EROFS
from typing import Final

from bench.plan.identity import Description, plain_json
from bench.store import NO_EPISODES, NO_UPDATES, Store
from bench.store.marks import Entry
from bench.store.schema import RESULTS
from bench.train.events import Ended, Group, Row, Summary
from bench.train.executors.protocol import Message
from bench.train.executors.worker import THREADS, last_line
from bench.train.results import RunResult

TAKES_NO_MORE: Final = frozenset({ENOSPC, EDQUOT, EROFS, EIO})
"""Errors after which nothing else can be stored either; others cost one run."""


def refusal(store: Store, error: OSError) -> str:
    """Return the line that says why nothing else can be stored."""
    return f"results folder {store.path} takes no more: {error.strerror or last_line(error)}"


class Recorder:
    """Turns an executor's final messages into rows of the store, and counts them.

    Args:
        store: the store that is written to.
        summary: counts of runs, updated in place.
        digests: a description's identifier -> digest of the code that trains it.
    """

    def __init__(self, store: Store, summary: Summary, digests: Mapping[str, str]) -> None:
        self._store = store
        self._summary = summary
        self._digests = digests
        self._stored: set[Row] = set()  # rows of groups that aren't wholly stored yet

    def write(
        self, message: Message, lost: Collection[Row] = (), *, last_try: bool = True
    ) -> Ended:
        """Store a group's results, or its failure.

        A result that doesn't fit the store costs only one run.

        Args:
            message: the executor's last message about the group.
            lost: rows whose results are dropped and not counted, because another process has taken
                them over and trains them.
            last_try: count as "not stored" what a full disk doesn't take.

        Raises:
            OSError: one of `TAKES_NO_MORE`, and this isn't the last try; nothing is counted.
        """
        group, is_done = message.group, message.kind == "done"
        results: Mapping[Row, RunResult] = message.content if is_done else {}
        failure = "the trainer returned no result of this seed" if is_done else str(message.content)
        outcomes: dict[Row, str] = {}
        row_reasons: dict[Row, str] = {}
        for row in group.rows:
            if row in lost:
                outcomes[row] = "taken over"
                continue
            result, reason = results.get(row), failure
            if result is not None:
                reason = result.reason or ""
                stored_row = self.stored_row(message, row, result.status, result.reason, result)
                try:
                    if row not in self._stored:  # by an earlier try
                        self._store.write_run(
                            stored_row, result.episodes, result.updates, result.policy
                        )
                        self._stored.add(row)
                    outcomes[row] = result.status
                except (OSError, ValueError) as error:
                    if isinstance(error, OSError) and error.errno in TAKES_NO_MORE and not last_try:
                        raise
                    unwritten = f"can't be stored: {last_line(error)}"
                    reason = f"{reason}; {unwritten}" if reason else unwritten
            if row not in outcomes:
                outcomes[row] = self._fail(message, row, reason)
            row_reasons[row] = reason
        self._stored -= row_reasons.keys()
        for row, reason in row_reasons.items():
            self._count(row.description, outcomes[row], reason)
        reasons = tuple(dict.fromkeys(filter(None, row_reasons.values())))
        return Ended(group=group, seconds=message.seconds, outcomes=outcomes, reasons=reasons)

    def count_others(self, group: Group, entries: Mapping[str, Entry]) -> Ended:
        """Count runs that other processes have stored, with results or as failed.

        Args:
            group: those runs; `entries` has the entry of each.
        """
        failed = [entry for row in group.rows if (entry := entries[row.run]).status not in RESULTS]
        rows = self._store.read(failed, ("runs",))["runs"].to_pylist()
        failures = {row["run"]: row["reason"] or "in another process" for row in rows}
        outcomes: dict[Row, str] = {}
        for row in group.rows:
            if row.run in failures:
                outcomes[row] = "failed"
                self._count(row.description, "failed", failures[row.run])
            else:
                outcomes[row] = "elsewhere"
                self._summary.elsewhere += 1
        reasons = tuple(dict.fromkeys(failures.values()))
        return Ended(group=group, seconds=0.0, outcomes=outcomes, reasons=reasons)

    def _fail(self, message: Message, row: Row, reason: str) -> str:
        """Store that a run failed; return its outcome."""
        try:
            self.write_without_result(self.stored_row(message, row, "failed", reason))
        except (OSError, ValueError):
            return "not stored"
        return "failed"

    def write_without_result(self, row: Mapping[str, object]) -> None:
        """Store a run that has no result, unless an earlier training or another process gave one.

        Raises:
            OSError, ValueError: as `Store.write_run`.
        """
        run = str(row["run"])
        stamp = self._store.stamp(run)  # taken first, so that a later write is noticed
        if run not in self._store.finished():
            self._store.write_run(row, NO_EPISODES, NO_UPDATES, None, stamp=stamp)

    def _count(self, description: Description, outcome: str, reason: str) -> None:
        key = (description, reason)
        if outcome in ("failed", "not stored"):
            self._summary.failures[key] += 1
        else:
            self._summary.finished += 1
        if outcome == "diverged":
            self._summary.diverged[key] += 1
        elif outcome == "finished" and reason:
            self._summary.remarks[key] += 1

    def stored_row(
        self,
        message: Message,
        row: Row,
        status: str,
        reason: str | None,
        result: RunResult | None = None,
    ) -> dict[str, object]:
        """Return the run's row of table `runs`.

        Args:
            message: the executor's last message about the run's group.
            row, status, reason: the run, its outcome and the reason for it.
            result: the result of its training, if there is one.
        """
        (description, seed), origin = row, message.origin
        return {
            "run": row.run,
            "description": description.identifier,
            "algorithm": description.algorithm,
            "environment": description.environment,
            "seed": seed,
            "budget": description.steps,
            "hyperparameters": plain_json(description.hyperparameters),
            "canonical": description.canonical(),
            "back_end": description.back_end,
            "device": description.device,
            "evaluation": description.evaluation,
            "status": status,
            # An environment's messages may hold lone surrogates, which can't be stored.
            "reason": reason and reason.encode(errors="backslashreplace").decode(),
            "diverged_at": result.diverged_at if result else None,
            "steps": result.steps if result else 0,
            "episodes": len(result.episodes["step"]) if result else 0,
            "updates": _updates(result) if result else 0,
            "seconds": result.seconds if result else message.seconds,
            "group_size": len(message.group.rows),
            "threads": THREADS,
            "started": message.started,
            "digest": self._digests[description.identifier],
            "commit": origin.commit,
            "dirty": origin.dirty,
            "versions": json.dumps(origin.versions),
            "machine": json.dumps(origin.machine),
        }


def _updates(result: RunResult) -> int:
    """Number of updates that were made; not all of them have a row."""
    numbers = result.updates["update"]
    return int(numbers[-1]) + 1 if len(numbers) else 0
