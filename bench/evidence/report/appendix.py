"""What was asked for and what was run, as tables: the plan, every detail, every run's id."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

import pandas as pd

from bench.evidence.machine import processor_text
from bench.evidence.measures import anchors
from bench.evidence.measures.anchors import PPO
from bench.evidence.measures.cells import range_text, titles
from bench.evidence.measures.normalised import UNTRAINED
from bench.evidence.report.tables import NONE, Facts, table
from bench.evidence.results import Results
from bench.evidence.verdicts import return_text
from bench.store.imported import trained
from bench.store.schema import IMPORTED

_OF_CONTROL: Final = "those of the control"


def variants(material: Results) -> Facts:
    """What is compared: a row a variant, only what differs."""
    plan = material.plan.drop_duplicates("variant").sort_values("variant_order")
    told: dict[str, set[str]] = {}  # algorithm -> what any of its variants sets
    for row in plan.itertuples():
        told.setdefault(row.algorithm, set()).update(json.loads(row.differs))
    control, named = str(plan["control"].iloc[0]), titles(plan)
    rows = []
    for row in plan.itertuples():
        compared = row.compared_with if isinstance(row.compared_with, str) else control
        differs, known = (
            json.loads(row.differs),
            json.loads(row.metadata).get("hyperparameters", {}),
        )
        # A default is told where another variant of the algorithm leaves it.
        chosen = [f"{name} = {_value(value)}" for name, value in differs.items()] + [
            f"{name} = {_value(known[name]['default'])}"
            for name in sorted(told[row.algorithm] - set(differs))
            if name in known
        ]
        rows.append(
            (
                row.variant_title or row.variant,
                row.algorithm,
                ", ".join(chosen) or NONE,
                "control" if row.variant == control else named.get(compared, compared),
            )
        )
    return table(
        ("variant", "algorithm", "what is set", "compared with"),
        ("left", "left", "left", "left"),
        rows,
    )


def size(material: Results) -> Facts:
    """Environments, budgets and seeds that are there: a sentence where all are alike."""
    rows = []
    for environment, plan in material.plan.groupby("environment", sort=False):
        counts = [
            len(material.values.get((str(environment), variant), ())) for variant in plan["variant"]
        ]
        budgets = " and ".join(f"{budget:,}" for budget in sorted(set(plan["budget"])))
        rows.append((str(environment), budgets, range_text(min(counts), max(counts))))
    kinds = {row[1:] for row in rows}
    if len(kinds) == 1:
        ((budgets, seeds),) = kinds
        where, plural = ", ".join(row[0] for row in rows), "" if seeds == "1" else "s"
        text = f"Environments: {where}; {budgets} steps a run; {seeds} seed{plural} with a score."
        return {"text": text}
    return table(("environment", "steps a run", "seeds"), ("left", "right", "right"), rows)


def details(material: Results) -> Facts:
    """Every hyperparameter of every variant: a row a name; what differs is told apart."""
    meanings: dict[str, dict[str, str]] = {}
    for row in material.plan.drop_duplicates("variant").itertuples():
        for name, known in json.loads(str(row.metadata)).get("hyperparameters", {}).items():
            unit = f" [{known['unit']}]" if known.get("unit") else ""
            meanings.setdefault(name, {})[str(row.variant)] = f"{known['meaning']}{unit}"
    of_variant = {
        str(row.variant): json.loads(str(row.hyperparameters))
        for row in material.runs.drop_duplicates("variant").itertuples()
    }

    def told_apart(texts: Mapping[str, str], *, by_all: bool) -> str:
        having: dict[str, list[str]] = {}
        for variant, text in texts.items():
            having.setdefault(text, []).append(material.titles[variant])
        if len(having) <= 1 and by_all:
            return "".join(having)
        return "; ".join(f"{text} ({', '.join(who)})" for text, who in having.items())

    rows = []
    for name in dict.fromkeys(name for each in of_variant.values() for name in each):
        values = {key: _value(each[name]) for key, each in of_variant.items() if name in each}
        meant = {key: text for key, text in meanings.get(name, {}).items() if key in values}
        everyone = len(values) == len(of_variant)
        rows.append((name, told_apart(values, by_all=everyone), told_apart(meant, by_all=True)))
    return table(("hyperparameter", "value", "meaning"), ("left", "left", "left"), rows)


def run_ids(material: Results) -> Facts:
    """Every run behind the chapter: a row a variant and environment."""
    rows = []
    keys = ["environment", "variant_title", "variant"]
    for (environment, title, variant), cell in material.runs.groupby(keys, sort=False):
        digests = " / ".join(dict.fromkeys(cell["digest"]))
        rows.append((environment, title or variant, digests, anchors.run_ids(cell)))
    return table(
        ("environment", "variant", "code digest", "seed: run"),
        ("left", "left", "left", "left"),
        rows,
    )


def scale(material: Results) -> Facts | None:
    """Where 0 and 1 of the normalised scores come from; None where there is no scale."""
    rows = []
    for environment in material.common_environments:
        found = material.scale_by_environment[environment]
        runs = material.anchors.runs.get(environment, {})
        one = runs.get(PPO, NONE) if environment in material.anchors.ones else _OF_CONTROL
        rows.append(
            (
                *(environment, return_text(found.zero), runs.get(UNTRAINED, NONE)),
                *(return_text(found.one), one),
            )
        )
    if not rows:
        return None
    return table(
        ("environment", "0", "seed: run of it", "1", "seed: run of it"),
        ("left", "right", "left", "right", "left"),
        rows,
        [f"Mean scores of these runs [return]: {material.scale_text}."],
    )


def shared_scale(scales: Iterable[Facts | None]) -> Facts | None:
    """The scales of a document's chapters as one; None where one of them is a chapter's own.

    Args:
        scales: of `scale`, one a chapter.
    """
    found = [each for each in scales if each is not None]
    notes = {tuple(each["notes"]) for each in found}
    if len(notes) != 1:
        return None
    rows = {row[0]: row for each in found for row in each["rows"]}
    return {**found[0], "rows": list(rows.values())}


def provenance(material: Results) -> list[list[str]]:
    """What the runs were made with, as pairs of a name and a text."""
    runs = material.runs.drop_duplicates("run")
    status = runs["status"].value_counts()
    files = [json.loads(text) for text in runs.loc[runs["back_end"] == IMPORTED, "machine"]]
    runs = trained(runs)
    pairs = [
        ("Results", material.source),
        ("Runs", ", ".join(f"{number} {name}" for name, number in status.items())),
        ("Imported", "; ".join(f"{each['file']} (SHA-256 {each['sha256']})" for each in files)),
        ("Trained", _span(runs["started"]) if len(runs) else ""),
        ("Commits", ", ".join(sorted({str(each)[:10] for each in runs["commit"].dropna()}))),
        ("Machines", "; ".join(sorted({_machine(text) for text in runs["machine"]}))),
        ("Devices", ", ".join(sorted(set(runs["device"])))),
        ("Versions", "; ".join(sorted({_versions(text) for text in runs["versions"]}))),
    ]
    return [[name, text] for name, text in pairs if text]


def _value(value: object) -> str:
    if isinstance(value, list):
        return " × ".join(map(str, value))
    return "∞" if value == "inf" else str(value).lower() if isinstance(value, bool) else str(value)


def _span(started: pd.Series) -> str:
    days = [each.date().isoformat() for each in (started.min(), started.max())]
    return " to ".join(dict.fromkeys(days))


def _machine(text: str) -> str:
    known: Mapping[str, Any] = json.loads(text)
    cores = f"{known['cores']} cores" if "cores" in known else ""
    return ", ".join(filter(None, (processor_text(known), cores)))


def _versions(text: str) -> str:
    return ", ".join(f"{name} {version}" for name, version in json.loads(text).items())
