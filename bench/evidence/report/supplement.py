"""The supplement, as tables: every statistic and hyperparameter, provenance, every run's id."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from bench.evidence import letters, rivals
from bench.evidence.machine import machine_text
from bench.evidence.measures import anchors
from bench.evidence.measures.anchors import PPO
from bench.evidence.measures.cells import titles
from bench.evidence.measures.diagnostics import first_variances, mechanism_of
from bench.evidence.measures.normalised import UNTRAINED
from bench.evidence.pages.figure_3 import beside_figure_3, beside_sources
from bench.evidence.report import tables
from bench.evidence.report.settings import hyperparameters
from bench.evidence.report.tables import NONE, Facts, of_section, table
from bench.evidence.results import Results
from bench.evidence.verdicts import return_text
from bench.store.imported import trained
from bench.store.schema import IMPORTED

_OF_CONTROL: Final = "those of the control"


def part(results: Results) -> dict[str, Any]:
    """Make an ablation's part of the supplement; a key without content is absent.

    Args:
        results: results with at least one score.
    """
    plan, scores, found = results.plan, results.scores, results.findings
    several = len(results.titles) > 1
    compared = any(each.outcome != "control" and each.pairs for each in results.verdicts)
    figure_3 = results.page == "figure_3"  # its table of rivals has improvements already
    first = first_variances(results.view.updates)
    told: dict[str, Any] = {
        "scores": tables.scores(results),
        "details": details(results),
        "differences": compared and tables.differences(results),
        "improvement": compared and not figure_3 and tables.improvement(results),
        "rivals": found.rivals
        and of_section(rivals.section(found.rivals, titles(plan)[results.control])),
        "letters": found.letters and of_section(letters.section(found.letters)),
        "aggregates": several
        and len(results.common_environments) > 1
        and tables.aggregates(results),
        "scale": scale(results),
        "thresholds": several and tables.thresholds(results),
        "mechanism": tables.mechanism(results, mechanism_of(plan)),
        "first": "gradient_variance" in mechanism_of(plan)
        and first
        and tables.first_variances(results, first),
        "provenance": provenance(results),
        "runs": run_ids(results),
    }
    if figure_3:
        paper = beside_figure_3.beside_figure_3(plan, scores, results.anchors.untrained)
        beside = beside_sources.sections(plan, scores, beside_sources.beside_sources(plan, scores))
        told["sources"] = [of_section(each) for each in (beside_figure_3.section(paper), *beside)]
    return {key: facts for key, facts in told.items() if facts}


def details(results: Results) -> Facts:
    """Every hyperparameter of every variant: a row per name; differing values name variants."""
    meanings: dict[str, dict[str, str]] = {}
    for row in results.plan.drop_duplicates("variant").itertuples():
        for name, known in json.loads(str(row.metadata)).get("hyperparameters", {}).items():
            unit = f" [{known['unit']}]" if known.get("unit") else ""
            meanings.setdefault(name, {})[str(row.variant)] = f"{known['meaning']}{unit}"
    of_variant = hyperparameters(results)

    def told_apart(texts: Mapping[str, str], *, by_all: bool) -> str:
        having: dict[str, list[str]] = {}
        for variant, text in texts.items():
            having.setdefault(text, []).append(results.titles[variant])
        if len(having) <= 1 and by_all:
            return "".join(having)
        return "; ".join(f"{text} ({', '.join(who)})" for text, who in having.items())

    rows = []
    for name in dict.fromkeys(name for each in of_variant.values() for name in each):
        values = {key: each[name] for key, each in of_variant.items() if name in each}
        meant = {key: text for key, text in meanings.get(name, {}).items() if key in values}
        everyone = len(values) == len(of_variant)
        rows.append((name, told_apart(values, by_all=everyone), told_apart(meant, by_all=True)))
    return table(("hyperparameter", "value", "meaning"), ("left", "left", "left"), rows)


def run_ids(results: Results) -> Facts:
    """Every run behind the chapter: a row per variant and environment."""
    rows = []
    keys = ["environment", "variant_title", "variant"]
    for (environment, title, variant), cell in results.runs.groupby(keys, sort=False):
        digests = " / ".join(dict.fromkeys(cell["digest"]))
        rows.append((environment, title or variant, digests, anchors.run_ids(cell)))
    return table(
        ("environment", "variant", "code digest", "seed: run"),
        ("left", "left", "left", "left"),
        rows,
    )


def scale(results: Results) -> Facts | None:
    """Where 0 and 1 of the normalised scores come from; None where there is no scale."""
    rows = []
    for environment in results.common_environments:
        found = results.scale_by_environment[environment]
        runs = results.anchors.runs.get(environment, {})
        one = runs.get(PPO, NONE) if environment in results.anchors.ones else _OF_CONTROL
        zero = (return_text(found.zero), runs.get(UNTRAINED, NONE))
        rows.append((environment, *zero, return_text(found.one), one))
    if not rows:
        return None
    return table(
        ("environment", "0", "seed: run of it", "1", "seed: run of it"),
        ("left", "right", "left", "right", "left"),
        rows,
        [f"Mean scores of these runs [return]: {results.scale_text}."],
    )


def provenance(results: Results) -> list[list[str]]:
    """What the runs were made with, as pairs of a name and a text."""
    runs = results.runs.drop_duplicates("run")
    status = runs["status"].value_counts()
    files = [json.loads(text) for text in runs.loc[runs["back_end"] == IMPORTED, "machine"]]
    runs = trained(runs)
    days = sorted(each.date().isoformat() for each in runs["started"].dropna())
    pairs = [
        ("Results", results.source),
        ("Runs", ", ".join(f"{number} {name}" for name, number in status.items())),
        ("Imported", "; ".join(f"{each['file']} (SHA-256 {each['sha256']})" for each in files)),
        ("Trained", " to ".join(dict.fromkeys(days[:1] + days[-1:]))),
        ("Commits", ", ".join(sorted({str(each)[:10] for each in runs["commit"].dropna()}))),
        (
            "Machines",
            "; ".join(sorted({machine_text(json.loads(text)) for text in runs["machine"]})),
        ),
        ("Devices", ", ".join(sorted(set(runs["device"])))),
        ("Versions", "; ".join(sorted({_versions(text) for text in runs["versions"]}))),
    ]
    return [[name, text] for name, text in pairs if text]


def _versions(text: str) -> str:
    return ", ".join(f"{name} {version}" for name, version in json.loads(text).items())
