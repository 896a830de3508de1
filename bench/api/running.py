"""`bench.run`: train the runs that a comparison lacks, and load all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ablations import ABLATIONS
from ablations.spec import LONGEST_LIMIT, Ablation
from bench.errors import InputError
from bench.formatting import setting_text
from bench.store.load import View, load

if TYPE_CHECKING:
    from bench.store import Store
    from bench.train.events import Event, Summary
    from bench.train.standing import Counter


class TrainingError(RuntimeError):
    """Runs failed; the message says which and why. What finished is stored."""


def run(
    ablation: str | Path | Ablation | None = None,
    *,
    algorithms: Sequence[str] | None = None,
    control: str | None = None,
    environments: Sequence[str] | None = None,
    variants: Sequence[str] | None = None,
    seeds: Iterable[int] | str | None = None,
    steps: int | str | None = None,
    time_limit: int | None = None,
    settings: Mapping[str, object] | None = None,
    results: str | Path | None = None,
    workers: int | None = None,
    device: str = "auto",
    fresh: bool = False,
    progress: bool = True,
) -> View:
    """Train the runs that have no results yet, as `python -m bench run` does, and load all.

    Worker processes import the modules that they need and nothing of the caller's: a notebook, a
    script or standard input is not run again in them, with or without a guard.

    Args:
        ablation: a name, the path of a `.py` file that defines one, or an `Ablation`.
        algorithms: instead of an ablation, names or addresses "package.module:NAME";
            `environments` has to be given, too.
        control: with `algorithms`, the one that they are compared with.
        environments: ids, in place of the ablation's.
        variants: some of the ablation's, by name.
        seeds: numbers from 0 on, or text like "0-9"; None: the ablation's.
        steps: budget of a run [environment steps], like 200_000 or "200k"; None: the ablation's.
        time_limit: steps after which an episode is cut off; None: the ablation's, else the
            environment's own.
        settings: hyperparameter -> value, for all variants.
        results: a results folder; None: results/local.
        workers: number of processes; None: one per core.
        device: "auto", "cpu" or "cuda".
        fresh: whether runs that have results are trained again.
        progress: whether to print the progress, and how the runs ended.

    Returns:
        The view of the ablation, as `bench.load` gives it.

    Raises:
        InputError: an argument isn't known or allowed; nothing was trained.
        TrainingError: runs failed; the others are stored.
        KeyboardInterrupt: workers have ended by then, and what had finished is stored.
    """
    from bench.requests.plan_request import requested_plan
    from bench.requests.training import summary_lines, train
    from bench.store import Store, results_folder
    from bench.train.executors.processes import processes_for
    from bench.train.standing import Counter

    requested_at = datetime.now(UTC)
    if workers is not None and workers < 1:
        raise InputError(f"workers = {workers} is out of range. Allowed: 1 to any")
    if time_limit is not None and not 1 <= time_limit <= LONGEST_LIMIT:
        raise InputError(
            f"time_limit = {time_limit} is out of range. Allowed: 1 to {LONGEST_LIMIT}"
        )
    plan = requested_plan(
        _checked(ablation),
        algorithms=_listed("algorithms", algorithms),
        control=control,
        seeds=_seeds(seeds),
        steps=None if steps is None else str(steps),
        time_limit=time_limit,
        environments=_listed("environments", environments),
        variants=_listed("variants", variants),
        settings=[f"{name}={setting_text(value)}" for name, value in (settings or {}).items()],
        device=device,
    )
    store = Store(results or results_folder())
    store.check_writable()
    standing = Counter(plan)
    with _observer(standing, progress) as on_event:
        trained = train(
            plan,
            store,
            standing=standing,
            executor=processes_for([cell.description for cell in plan.cells], workers),
            requested_at=requested_at,
            fresh_before=requested_at if fresh else None,
            observers=[on_event],
        )
    if progress:
        print(*plan.notes, *summary_lines(trained.summary, store), sep="\n")
    if trained.summary.failures:
        raise TrainingError(_failure_text(trained.summary, store))
    return load(plan.ablation.name, store.path)


def _checked(ablation: str | Path | Ablation | None) -> str | Ablation | None:
    """Return an ablation as the command line takes it; InputError if its name is the suite's."""
    if not isinstance(ablation, Ablation):
        return None if ablation is None else str(ablation)
    from bench.plan.lookup import load_ablation

    if ablation.name in ABLATIONS and ablation != load_ablation(ablation.name):
        raise InputError(
            f"the ablation takes the name {ablation.name!r}, which is one of the suite; "
            "give yours another"
        )
    return ablation


def _listed(argument: str, names: Sequence[str] | None) -> list[str] | None:
    # A string is a sequence too, of its letters.
    if isinstance(names, str):
        raise InputError(f"{argument} = {names!r} is one text; write [{names!r}]")
    return None if names is None else list(names)


def _seeds(seeds: Iterable[int] | str | None) -> str | None:
    if seeds is None or isinstance(seeds, str):
        return seeds
    if not isinstance(seeds, Iterable):
        raise InputError(f"seeds = {seeds!r} is no sequence of seeds; write range({seeds!r})")
    return ",".join(map(str, seeds))


@contextmanager
def _observer(standing: Counter, progress: bool) -> Iterator[Callable[[Event], None]]:
    """Give the observer that shows the runner's events; it shows nothing without `progress`."""
    if not progress:
        yield lambda event: None
        return
    from bench.terminal.console import wide_console
    from bench.terminal.progress import Display

    with Display(standing, wide_console()) as display:
        yield display


def _failure_text(summary: Summary, store: Store) -> str:
    reasons = [
        f"{number} of {description.algorithm} in {description.environment}: {reason}"
        for (description, reason), number in summary.failures.items()
    ]
    total = sum(summary.failures.values())
    return f"{total} runs failed ({'; '.join(reasons)}); the others are stored in {store.path}"
