"""Rewards against the KL to a reference, as a figure and tables of a chapter."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from matplotlib.figure import Figure

from bench.evidence.figures.reference_kl import (
    DIVERGENCE,
    REWARD,
    Ways,
    crowded,
    draw_ways,
    is_golden,
    meaning,
    ways,
)
from bench.evidence.figures.style import Look, drawing
from bench.evidence.pages.reference_kl import section
from bench.evidence.report import tables
from bench.evidence.report.figures import WIDTH, distinct, legend_above, short
from bench.evidence.results import Results


def departure(
    material: Results, look: Mapping[str, Look], add: Callable[[str, Figure], str]
) -> dict[str, Any] | None:
    """Facts of an ablation's runs on token environments; None where it has none."""
    view, reached = material.view, material.findings.with_kl
    if reached is None:
        return None
    found = ways(material.runs, view.episodes, view.updates, material.scores)
    numbers = sorted({len(way.ends) for own in found.values() for way in own})
    return {
        "file": add("departure", _figure(found, material.titles, look)),
        "golden": is_golden(found),
        "caption": meaning(found, numbers, "iqm"),
        "tables": [
            tables.of_section(section(environment, reached, material.findings.golden))
            for environment in dict.fromkeys(environment for environment, _ in found)
        ],
    }


def _figure(found: Ways, names: Mapping[str, str], look: Mapping[str, Look]) -> Figure:
    environments = list(dict.fromkeys(environment for environment, _ in found))
    kinds = list(dict.fromkeys(kind for _, kind in found))
    drawn = [
        name for name in names if any(w.variant == name for own in found.values() for w in own)
    ]
    labels = distinct([names[name] for name in drawn])
    with drawing():
        rows = [
            (each, near) for near in (False, True)[: 1 + crowded(found)] for each in environments
        ]
        figure = Figure(figsize=(WIDTH, 2.2 * len(rows) + 0.8), layout="constrained")
        panels = figure.subplots(len(rows), len(kinds), squeeze=False)
        for row, (environment, near) in zip(panels, rows, strict=True):
            for panel, kind in zip(row, kinds, strict=True):
                draw_ways(panel, found, environment, kind, look, near=near)
                what = f"{kind}, where most end" if near else kind
                panel.set_title(f"{short(environment)}: {what}", loc="left")
        figure.supxlabel(DIVERGENCE, fontsize=8.5)
        figure.supylabel(REWARD, fontsize=8.5)
        legend_above(figure, {name: labels[names[name]] for name in drawn}, drawn, look)
    return figure
