"""Train the runs that a plan lacks, for the command line and Python's `bench.run` alike."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from bench.formatting import count, duration

if TYPE_CHECKING:
    from bench.plan.identity import Description
    from bench.plan.plan import Plan
    from bench.store import Store
    from bench.train.events import Event, Summary
    from bench.train.executors.protocol import Executor
    from bench.train.standing import Counter


@dataclass(frozen=True, kw_only=True)
class Trained:
    """The outcome of training a plan.

    Attributes:
        summary: the runner's summary.
        hidden: whether the plan hides results that an earlier plan of its ablation showed.
    """

    summary: Summary
    hidden: bool


def train(
    plan: Plan,
    store: Store,
    *,
    standing: Counter,
    executor: Executor,
    requested_at: datetime,
    fresh_before: datetime | None,
    observers: Iterable[Callable[[Event], None]],
    verbose: bool = False,
) -> Trained:
    """Store a plan, with what was imported into its ablation, and train the runs it lacks.

    Args:
        plan: the requested plan.
        store: a writable store.
        standing: counts the events, for the observers that need it.
        executor: runs the training; it has ended when this returns.
        requested_at: time of the request.
        fresh_before: runs whose results started before this moment are trained again.
        observers: each is called with the runner's events.
        verbose: show on standard error what is logged in the store's folder `logs`.

    Raises:
        InputError: the plan can't be stored.
        KeyboardInterrupt: the executor has ended by then, and what had finished is stored.
    """
    from bench.importing import imported_rows
    from bench.importing.place import page_of
    from bench.requests.estimate import Estimate
    from bench.store.imported import is_imported
    from bench.store.united_plan import unite
    from bench.train import runner
    from bench.train.event_log import logged
    from bench.train.standing import Notice, combined_observer

    with store.planning(plan.ablation.name):
        stored_plan = page_of(store, plan.ablation.name)
        earlier = {row["description"]: json.loads(row["metadata"]) for row in stored_plan}
        rows = _with_kept_seeds(plan, plan.rows(requested_at), earlier, store)
        if plan.ablation.held_out:
            # Its seeds are nobody else's, those of parts that were trained before neither.
            trained = [row for row in stored_plan if not is_imported(row)]
            declared = plan.ablation.environments
            rows, _ = unite(trained, rows, replace=True, declared=declared)
        rows += imported_rows(store, rows)
        hidden = set(earlier) - {row["description"] for row in rows}
        store.write_plan(rows)
    notice = Notice(lambda: standing.standing, store.claims)
    with logged(store.path / "logs", standing, verbose=verbose) as log:
        summary = runner.run(
            plan,
            store,
            executor=executor,
            fresh_before=fresh_before,
            checkpoints=store.path / "checkpoints",
            seconds_per_step=Estimate.of(store).seconds_per_step,
            on_event=combined_observer(standing, notice, log, *observers),
        )
    return Trained(summary=summary, hidden=bool(hidden))


def _with_kept_seeds(
    plan: Plan,
    rows: list[dict[str, Any]],
    earlier: Mapping[str, Mapping[str, Any]],
    store: Store,
) -> list[dict[str, Any]]:
    """Return the plan's rows with the seeds that fix n, which stay once results can be judged.

    Once as many seeds of a description's earlier plan have results as a test needs, the seeds of
    that plan stay, whatever more is requested. Until then they grow.

    Args:
        plan: the requested plan.
        rows: its rows, one per cell.
        earlier: description -> its metadata in the stored plan of the ablation.
        store: with results.
    """
    from bench.evidence.statistics.claimable import FEWEST_PAIRS
    from bench.store.schema import RESULTS

    replanned = {cell.description.identifier for cell in plan.cells} & set(earlier)
    stored = {entry.run for entry in store.entries(replanned) if entry.status in RESULTS}
    for row, cell in zip(rows, plan.cells, strict=True):
        if cell.description.identifier not in replanned:
            continue
        seeds = set(earlier[cell.description.identifier].get("seeds", plan.ablation.seeds))
        if len({cell.description.run(seed) for seed in seeds} & stored) < FEWEST_PAIRS:
            seeds |= set(plan.seeds(cell))
        metadata = {**json.loads(str(row["metadata"])), "seeds": sorted(seeds)}
        row["metadata"] = json.dumps(metadata, ensure_ascii=False, allow_nan=False)
    return rows


def summary_lines(summary: Summary, store: Store) -> Iterator[str]:
    """Yield lines on how the runs ended, each reason once."""
    kept_text = f"; {count(summary.kept, 'run')} kept from before" if summary.kept else ""
    yield f"Trained {count(summary.finished, 'run')} in {duration(summary.seconds)}{kept_text}."
    if summary.stale:
        verb = "comes" if summary.stale == 1 else "come"
        pronoun = "it" if summary.stale == 1 else "them"
        yield (
            f"{count(summary.stale, 'run')} kept {verb} from other code; "
            f"--fresh trains {pronoun} again."
        )
    if summary.elsewhere:
        yield f"{count(summary.elsewhere, 'run')} finished meanwhile by another process."
    for outcome, reasons in (
        ("finished", summary.remarks),
        ("diverged", summary.diverged),
        ("FAILED", summary.failures),
    ):
        yield from outcome_lines(outcome, reasons)
    yield from store.problems


def outcome_lines(outcome: str, runs: Mapping[tuple[Description, str], int]) -> Iterator[str]:
    """Yield lines like "2 runs of baseline in Hopper-v5 FAILED: the reason".

    Args:
        outcome: a word for how the runs ended.
        runs: description and reason -> number of runs.
    """
    for (description, reason), number in runs.items():
        place = f"{description.algorithm} in {description.environment}"
        yield f"{count(number, 'run')} of {place} {outcome}: {reason}"
