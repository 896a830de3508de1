"""Optuna's own plots of a study, as one page that needs no network."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from bench.tune.request import Request

if TYPE_CHECKING:
    from optuna import Study

LEAST_FOR_IMPORTANCE = 4
"""Number of complete trials from which importances are estimated."""


def plots_page(study: Study, request: Request) -> str:
    """Return history, importances and parallel coordinates as HTML that holds plotly's script.

    Args:
        study: a study with one complete trial or more.
        request: the study's request.
    """
    from optuna import visualization
    from optuna.trial import TrialState

    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    names = [dimension.parameter for dimension in request.space]
    figures = [visualization.plot_optimization_history(study, target_name="normalised score")]
    if len(complete) >= LEAST_FOR_IMPORTANCE:
        figures.append(visualization.plot_param_importances(study, params=names))
    figures.append(
        visualization.plot_parallel_coordinate(study, params=names, target_name="normalised score")
    )
    plots = [
        figure.update_layout(margin={"b": 120}).to_html(
            full_html=False,
            include_plotlyjs=index == 0,
            div_id=f"plot-{index}",
            config={"displaylogo": False},
        )
        for index, figure in enumerate(figures)
    ]
    title = html.escape(f"Study {request.name}")
    return "\n".join(
        [
            "<!DOCTYPE html>",
            f'<html lang="en"><head><meta charset="utf-8"><title>{title}</title>',
            "<style>body { font-family: sans-serif; margin: 2em auto; max-width: 90em }</style>",
            f"</head><body><h1>{title}</h1>",
            *plots,
            "</body></html>",
            "",
        ]
    )
