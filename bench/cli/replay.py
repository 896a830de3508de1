"""`verify --adopt`: replay how stored runs begin, and let today's code adopt those that agree.

A digest shows that code differs, not that results do. So for every description with runs of other
code, one seed is trained for its first steps, on the processor that made it, and compared with the
stored run bit for bit. If all bits agree, all its runs of that processor get today's digest beside
their own.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from bench.cli.choosing import description_of
from bench.errors import InputError
from bench.formatting import count
from bench.plan.identity import Description
from bench.requests.other_code import of_code
from bench.requests.training import outcome_lines
from bench.terminal.console import shown

if TYPE_CHECKING:
    import pandas as pd

    from bench.plan.plan import Plan
    from bench.store import Store
    from bench.store.content import Content, Difference
    from bench.train.events import Summary

STEPS = 20_000
"""Steps to replay, or the budget if that is smaller [environment steps]."""

Train = Callable[["Plan", "Store", "Store"], "Summary"]
"""Trains a plan into the first store; times in the second one order the work."""


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """Runs of one description, code and processor.

    Attributes:
        description: the runs' description.
        run, seed: id and seed of the run that is replayed.
        runs: ids of all runs, in the order of seeds.
        digest: digest of today's code.
    """

    description: Description
    run: str
    seed: int
    runs: tuple[str, ...]
    digest: str

    @property
    def beginning(self) -> Description:
        """The description to train: that of the runs, for their first steps."""
        return replace(self.description, steps=min(self.description.steps, STEPS))

    @property
    def place(self) -> str:
        """The candidate in words."""
        description = self.description
        return (
            f"{description.identifier} "
            f"({description.algorithm} in {description.environment}, seed {self.seed})"
        )


def replay(table: pd.DataFrame, store: Store, train: Train, answer: dict[str, Any]) -> bool:
    """Replay, compare and adopt, and print the outcome.

    Args:
        table: runs of the store; those without a result are skipped.
        store: gets the digests of today's code.
        train: trains the replayed runs.
        answer: gets the ids of the adopted runs, and an outcome per replayed run.

    Returns:
        Whether all replayed runs agree.

    Raises:
        InputError: the store can't be written.
        KeyboardInterrupt: what agreed until then is adopted.
    """
    from bench.plan.retraining import retraining_plan
    from bench.store import Store

    answer |= {"runs": {}, "adopted": []}
    candidates, skipped = _candidates(table)
    try:
        if not candidates:
            print(f"Nothing to replay in {shown(store.path)}.")
            return True
        store.adopt_code({})
        print(
            f"Replaying the first {STEPS:,} steps of {count(len(candidates), 'description')} of "
            f"{shown(store.path)}, one seed each."
        )
        plan = retraining_plan([(candidate.beginning, candidate.seed) for candidate in candidates])
        with tempfile.TemporaryDirectory(prefix="bench-verify-") as folder:
            fresh = Store(folder)
            try:
                summary = train(plan, fresh, store)
            finally:
                agree = _adopt(candidates, store, fresh, answer)
        for line in outcome_lines("FAILED", summary.failures):
            print(line)
        return agree and not summary.failures
    finally:
        for reason, number in skipped.items():
            print(f"Left: {count(number, 'run')}, {reason}")
        for problem in store.problems:
            print(problem)


def _candidates(table: pd.DataFrame) -> tuple[list[Candidate], dict[str, int]]:
    """Return the candidates, and reason -> number of runs of other code that can't be replayed."""
    from bench.evidence.machine import processor_text
    from bench.plan.digest import code_digest
    from bench.store.imported import trained
    from bench.store.schema import RESULTS
    from bench.train.provenance import provenance

    machine = provenance().machine
    table = trained(table)
    table = table[table["status"].isin(RESULTS)].sort_values("seed")
    table["processor"] = table["machine"].map(lambda text: processor_text(json.loads(text)))
    candidates: list[Candidate] = []
    skipped: dict[str, int] = {}
    keys = ["description", "digest", "processor", "device"]
    for (_, _, processor, device), runs in table.groupby(keys, sort=False):
        try:
            description = description_of(runs.iloc[0])
            digest = code_digest(description)
            stale = runs[~of_code(runs, digest)]
            reason = _refusal(processor, device, machine)
        except (InputError, FileNotFoundError) as error:
            stale, reason = runs, f"which can't be trained again: {error}"
        if reason is not None and len(stale):
            skipped[reason] = skipped.get(reason, 0) + len(stale)
        elif len(stale):
            candidates.append(
                Candidate(
                    description=description,
                    run=str(stale["run"].iloc[0]),
                    seed=int(stale["seed"].iloc[0]),
                    runs=tuple(stale["run"]),
                    digest=digest,
                )
            )
    return candidates, skipped


def _refusal(processor: str, device: str, machine: Mapping[str, object]) -> str | None:
    """Return why bits needn't agree with those of this processor and device; else None."""
    from bench.evidence.machine import processor_text

    if device != "cpu":
        return f"made on {device}, where bits are not promised"
    # Older runs hold the processor's name without its model.
    if processor not in (machine["processor"], processor_text(machine)):
        return f"made on another processor: {processor}; this one is {processor_text(machine)}"
    return None


def _adopt(candidates: list[Candidate], store: Store, fresh: Store, answer: dict[str, Any]) -> bool:
    """Compare the replayed runs and adopt those that agree; return whether all do."""
    from bench.store.content import by_run

    runs = {candidate.run for candidate in candidates}
    entries = [entry for run, entry in store.committed().items() if run in runs]
    results = fresh.finished()
    replays = [entry for run, entry in fresh.committed().items() if run in results]
    stored, retrained = by_run(store.read(entries)), by_run(fresh.read(replays))
    adopted: dict[str, str] = {}
    lines: list[str] = []
    outcomes: dict[str, str] = {}
    for candidate in candidates:
        beginning = retrained.get(candidate.beginning.run(candidate.seed))
        if candidate.run not in stored or beginning is None:
            continue
        difference = _difference(candidate, stored[candidate.run], beginning)
        outcomes[candidate.run] = "broken" if difference else "equal"
        if difference is None:
            adopted |= dict.fromkeys(candidate.runs, candidate.digest)
            lines.append(
                f"{candidate.place}: bit for bit, {count(len(candidate.runs), 'run')} adopted"
            )
        else:
            sentence = difference.sentence("stored", "replayed")
            stale = count(len(candidate.runs), "run")
            lines.append(f"{candidate.place}: NOT bit for bit, {stale} left stale: {sentence}")
    store.adopt_code(adopted)
    print(*lines, sep="\n")
    answer |= {"runs": outcomes, "adopted": list(adopted)}
    agreeing = sum(outcome == "equal" for outcome in outcomes.values())
    print(
        f"Descriptions that agree: {agreeing} of {len(outcomes)}; "
        f"{count(len(adopted), 'run')} adopted by the code of this tree."
    )
    return agreeing == len(outcomes)


def _difference(candidate: Candidate, stored: Content, retrained: Content) -> Difference | None:
    from bench.store.content import first_difference, first_difference_of_beginning

    complete = candidate.beginning.steps == candidate.description.steps
    compare = first_difference if complete else first_difference_of_beginning
    return compare(stored, retrained)
