"""Training what a plan lacks: the part that the command line and Python's `bench.run` share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from bench.formatting import count, duration

if TYPE_CHECKING:
    from bench.plan.plan import Plan
    from bench.store import Store
    from bench.train.events import Event, Summary
    from bench.train.executors.protocol import Executor


@dataclass(frozen=True, kw_only=True)
class Trained:
    """What became of a plan.

    Attributes:
        summary: the runner's.
        hidden: whether the plan hides results that an earlier one of its ablation showed.
    """

    summary: Summary
    hidden: bool


def train(
    plan: Plan,
    store: Store,
    *,
    executor: Executor,
    asked: datetime,
    before: datetime | None,
    observers: Iterable[Callable[[Event], None]],
    verbose: bool = False,
) -> Trained:
    """Store a plan, with what was imported into its ablation, and train the runs it lacks.

    Args:
        plan: what is asked for.
        store: that can be written.
        executor: who trains; it has ended when this returns.
        asked: when.
        before: results that started before this moment are trained again.
        observers: each told the runner's events.
        verbose: show on standard error what is logged in the store's folder `logs`.

    Raises:
        InputError: the plan can't be stored.
        KeyboardInterrupt: the executor has ended by then, and what had finished is stored.
    """
    from bench.cli.estimate import Estimate
    from bench.importing import imported_rows
    from bench.train import runner
    from bench.train.event_log import EventLog, logged
    from bench.train.standing import Notice

    rows = plan.rows(asked)
    with store.planning(plan.ablation.name):
        rows += imported_rows(store, rows)
        hidden = _planned(store, plan.ablation.name) - {row["description"] for row in rows}
        store.write_plan(rows)
    told: list[Callable[[Event], None]] = [Notice(plan, store.claims), EventLog(plan), *observers]

    def tell(event: Event) -> None:
        for observe in told:
            observe(event)

    with logged(store.path / "logs", verbose=verbose):
        summary = runner.run(
            plan,
            store,
            executor=executor,
            fresh_before=before,
            checkpoints=store.path / "checkpoints",
            seconds_per_step=Estimate.of(store).seconds_per_step,
            on_event=tell,
        )
    return Trained(summary=summary, hidden=bool(hidden))


def _planned(store: Store, ablation: str) -> set[object]:
    """The descriptions that the ablation's stored plan asks for, none where there is no plan."""
    rows = store.plans().select(["ablation", "description"]).to_pylist()
    return {row["description"] for row in rows if row["ablation"] == ablation}


def account(summary: Summary, store: Store) -> Iterator[str]:
    """What became of the runs, each reason once."""
    kept = f"; {count(summary.kept, 'run')} kept from before" if summary.kept else ""
    yield f"Trained {count(summary.finished, 'run')} in {duration(summary.seconds)}{kept}."
    if summary.stale:
        come = "comes" if summary.stale == 1 else "come"
        them = "it" if summary.stale == 1 else "them"
        yield (
            f"{count(summary.stale, 'run')} kept {come} from other code; "
            f"--fresh trains {them} again."
        )
    if summary.elsewhere:
        yield f"{count(summary.elsewhere, 'run')} finished meanwhile by another process."
    for what, runs in (
        ("finished", summary.odd),
        ("diverged", summary.diverged),
        ("FAILED", summary.failures),
    ):
        for (description, reason), number in runs.items():
            place = f"{description.algorithm} in {description.environment}"
            yield f"{count(number, 'run')} of {place} {what}: {reason}"
    yield from store.problems
