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
from bench.evidence.measures.diagnostics import first_values, mechanism_of
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
    plan, scores, findings = results.plan, results.scores, results.findings
    several = len(results.titles) > 1
    compared = any(verdict.outcome != "control" and verdict.pairs for verdict in results.verdicts)
    figure_3 = results.page == "figure_3"  # its table of rivals has improvements already
    mechanism = mechanism_of(plan)
    first = {
        column: first_values(results.view.updates, column)
        for column in ("gradient_variance", "gradient_signal_to_noise")
        if "gradient_variance" in mechanism
    }
    sections: dict[str, Any] = {
        "scores": tables.scores(results),
        "details": details(results),
        "differences": compared and tables.differences(results),
        "improvement": compared and not figure_3 and tables.improvement(results),
        "rivals": findings.rivals
        and of_section(
            rivals.section(
                findings.rivals, titles(plan)[results.control], int(scores["budget"].max())
            )
        ),
        "letters": findings.letters and of_section(letters.section(findings.letters)),
        "aggregates": several
        and len(results.common_environments) > 1
        and tables.aggregates(results),
        "scale": scale(results),
        "thresholds": several and tables.thresholds(results),
        "mechanism": tables.mechanism(results, mechanism),
        "first": any(first.values()) and tables.first_gradients(results, *first.values()),
        "provenance": provenance(results),
        "runs": run_ids(results),
    }
    if figure_3:
        paper = beside_figure_3.beside_figure_3(plan, scores, results.anchors.untrained_means)
        beside = beside_sources.sections(plan, scores, beside_sources.beside_sources(plan, scores))
        sections["sources"] = [
            of_section(section) for section in (beside_figure_3.section(paper), *beside)
        ]
    return {key: facts for key, facts in sections.items() if facts}


def details(results: Results) -> Facts:
    """Every hyperparameter of every variant: a row per name; differing values name variants."""
    meanings: dict[str, dict[str, str]] = {}
    for row in results.plan.drop_duplicates("variant").itertuples():
        for name, description in json.loads(str(row.metadata)).get("hyperparameters", {}).items():
            unit = f" [{description['unit']}]" if description.get("unit") else ""
            meanings.setdefault(name, {})[str(row.variant)] = f"{description['meaning']}{unit}"
    of_variant = hyperparameters(results)

    def told_apart(texts: Mapping[str, str], *, by_all: bool) -> str:
        by_text: dict[str, list[str]] = {}
        for variant, text in texts.items():
            by_text.setdefault(text, []).append(results.titles[variant])
        if len(by_text) <= 1 and by_all:
            return "".join(by_text)
        return "; ".join(f"{text} ({', '.join(names)})" for text, names in by_text.items())

    rows = []
    for name in dict.fromkeys(name for parameters in of_variant.values() for name in parameters):
        values = {
            key: parameters[name] for key, parameters in of_variant.items() if name in parameters
        }
        variant_meanings = {
            key: text for key, text in meanings.get(name, {}).items() if key in values
        }
        shared = len(values) == len(of_variant)
        rows.append(
            (name, told_apart(values, by_all=shared), told_apart(variant_meanings, by_all=True))
        )
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
        ends = results.scale_by_environment[environment]
        runs = results.anchors.runs.get(environment, {})
        one_runs = runs.get(PPO, NONE) if environment in results.anchors.ppo_means else _OF_CONTROL
        zero = (return_text(ends.zero), runs.get(UNTRAINED, NONE))
        rows.append((environment, *zero, return_text(ends.one), one_runs))
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
    days = sorted(start.date().isoformat() for start in runs["started"].dropna())
    pairs = [
        ("Results", results.source),
        ("Runs", ", ".join(f"{number} {name}" for name, number in status.items())),
        ("Imported", "; ".join(f"{file['file']} (SHA-256 {file['sha256']})" for file in files)),
        ("Trained", " to ".join(dict.fromkeys(days[:1] + days[-1:]))),
        ("Commits", ", ".join(sorted({str(commit)[:10] for commit in runs["commit"].dropna()}))),
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
