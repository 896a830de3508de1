"""Fill in the guides' numbers that come from results: `python docs/make_numbers.py`.

A number is followed by a comment that says which it is, `299<!--experiment Swimmer-v5 cem-->`:
ablation, environment (or `all`) and variant, and behind them one of `QUANTITIES` if it is not the
mean score. Prose around a number is written by hand: read it when a number has changed.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from bench.evidence.measures.diagnostics import typical_values
from bench.evidence.measures.normalised import number_text
from bench.evidence.pages.figure_3.beside_figure_3 import beside_figure_3
from bench.evidence.report.words import significant
from bench.evidence.results import Results
from bench.evidence.rivals import Improvement
from bench.evidence.statistics.estimates import estimate, interval_of_seeds
from bench.evidence.statistics.significance import sign_flip_test
from bench.evidence.verdicts import Verdict, p_text, return_text
from bench.store import PUBLISHED, Store, load

DOCS: Final = Path(__file__).parent
TAG: Final = re.compile(r"(?P<value>[^\s|(\[>]+)<!--(?P<ablation>\w+) (?P<place>[\w.-]+) "
                        r"(?P<variant>[\w.-]+)(?: (?P<quantity>\w+))?-->")  # fmt: skip


@cache
def results(ablation: str) -> Results:
    """The published results of an ablation."""
    return Results(view=load(ablation, PUBLISHED), source="")


def gain(ablation: str, environment: str, variant: str) -> str:
    """The share of the paper's gain that was reached."""
    published = results(ablation)
    rows = beside_figure_3(published.plan, published.scores, published.anchors.untrained_means)
    (row,) = (row for row in rows if (row.environment, row.variant) == (environment, variant))
    return f"{row.gain:,.0%}" if math.isfinite(row.gain) else "–"


def verdict(ablation: str, environment: str, variant: str, *, gold: bool = False) -> Verdict:
    """The verdict on a variant in an environment; with `all`, on it beside the control over all."""
    if environment == "all":
        return over_all(ablation, variant).verdict
    findings = results(ablation).findings
    verdicts = findings.golden if gold else findings.verdicts
    cells = {(judged.environment, judged.variant): judged for judged in verdicts}
    return cells[environment, variant]


@cache
def over_all(ablation: str, variant: str) -> Improvement:
    """The control against a variant over all environments."""
    rows = results(ablation).findings.over_all
    (rival,) = (row for row in rows if row.verdict.variant == variant)
    return rival


@cache
def runs_and_updates(ablation: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """An ablation's runs, each once, and their updates; of `record`, all that are published."""
    if ablation == "record":
        store = Store(PUBLISHED, read_only=True)
        return store.runs().set_index("run"), store.updates()
    view = results(ablation).view
    return view.runs.drop_duplicates("run").set_index("run"), view.updates


def core_seconds(ablation: str) -> float:
    """How long an ablation's runs took on one core: 100 × the median of a hundred pieces of each.

    A pause of the training is in few of the pieces.
    """
    runs, all_updates = runs_and_updates(ablation)
    group_sizes = runs["group_size"]
    seconds = 0.0
    for run, updates in all_updates.groupby("run", observed=True):
        steps = updates["step"].to_numpy(float)
        moments = np.interp(np.linspace(0, steps[-1], 101), steps, updates["seconds"])
        seconds += 100 * float(np.median(np.diff(moments))) / group_sizes[run]
    return seconds


@cache
def early(ablation: str, environment: str, variant: str) -> np.ndarray:
    """The mean return of each seed's episodes from 270,000 to 300,000 steps."""
    episodes = results(ablation).view.episodes.query(
        "environment == @environment and variant == @variant and 270_000 < step <= 300_000"
    )
    return episodes.groupby("seed")["return"].mean().to_numpy()


def early_p(ablation: str, environment: str, variant: str) -> str:
    """The sign-flip test's p of those returns beside the control's, not adjusted."""
    control = early(ablation, environment, results(ablation).control)
    differences = early(ablation, environment, variant) - control
    return p_number(sign_flip_test(differences, np.random.default_rng(0)))


def share(ablation: str, environment: str, variant: str) -> str:
    """The mean difference of paired scores, as a share of the control's mean."""
    judged = verdict(ablation, environment, variant)
    control = results(ablation).values[environment, judged.reference].mean()
    return f"{abs(judged.difference) / control:.0%}"


def typical_kl(ablation: str, environment: str, variant: str) -> str:
    """The median over seeds of the median over updates of the mean KL from an update's policy."""
    frame = typical_values(results(ablation).view.updates, "kl_mean")
    rows = frame[(frame["environment"] == environment) & (frame["variant"] == variant)]
    return significant(float(rows["value"].iloc[0]))


def middle(values: Any) -> float:
    """The mean of the middle half of the seeds."""
    return float(estimate(values, "iqm"))


def late(column: str, statistic: Callable[[Any], float] = middle) -> Callable[..., str]:
    """Return a function from a cell to a number of its column in `Findings.with_kl`."""

    def text(ablation: str, environment: str, variant: str) -> str:
        frame = results(ablation).findings.with_kl
        assert frame is not None
        rows = frame[(frame["environment"] == environment) & (frame["variant"] == variant)]
        return return_text(float(statistic(rows[column].to_numpy(float))))

    return text


def letter(column: str) -> Callable[..., str]:
    """Return a function from a cell to a variant's `column` of the letter display."""

    def text(ablation: str, environment: str, variant: str) -> str:
        display = results(ablation).findings.letters
        assert display is not None
        value = display.frame().set_index("variant").loc[variant, column]
        return value if isinstance(value, str) else number_text(value)

    return text


def p_number(p_value: float) -> str:
    """A p-value for a sentence that says "p = ": 0.043; or "< 0.001"."""
    return p_text(p_value).removeprefix("p").strip(" =")


def of_seeds(function: Callable[[Any], float]) -> Callable[..., str]:
    """Return a function from (ablation, environment, variant) to a number of the scores there."""

    def text(ablation: str, environment: str, variant: str) -> str:
        return return_text(float(function(results(ablation).values[environment, variant])))

    return text


QUANTITIES: Final[dict[str, Callable[..., str]]] = {
    "mean": of_seeds(lambda scores: scores.mean()),
    "low": of_seeds(lambda scores: interval_of_seeds(scores, "mean")[0]),
    "high": of_seeds(lambda scores: interval_of_seeds(scores, "mean")[1]),
    "least": of_seeds(min),
    "most": of_seeds(max),
    "deviation": of_seeds(lambda scores: scores.std(ddof=1)),
    "gain": gain,
    "difference": lambda *cell: return_text(abs(verdict(*cell).difference)),
    "p": lambda *cell: p_number(verdict(*cell).adjusted),
    "gold_difference": lambda *cell: return_text(abs(verdict(*cell, gold=True).difference)),
    "gold_p": lambda *cell: p_number(verdict(*cell, gold=True).adjusted),
    "gold_deviation": late("gold", lambda scores: scores.std(ddof=1)),
    "letters": letter("letters"),
    "normalised_mean": letter("mean"),
    "core_hours": lambda name, *_: f"{core_seconds(name) / 3600:.1f}",
    "runs": lambda name, *_: f"{len(runs_and_updates(name)[0]):,}",
    "million_steps": lambda name, *_: f"{runs_and_updates(name)[0]['steps'].sum() / 1e6:,.0f}",
    "core_minutes": lambda name, *_: f"{core_seconds(name) / 60:.0f}",
    "kl": typical_kl,
    "early": lambda *cell: return_text(early(*cell).mean()),
    "early_p": early_p,
    "share": share,
    "normalised": lambda *cell: f"{abs(verdict(*cell).difference):.2f}",
    "probability": lambda name, _, variant: number_text(over_all(name, variant).probability),
    "probability_low": lambda name, _, variant: number_text(over_all(name, variant).low),
    "probability_high": lambda name, _, variant: number_text(over_all(name, variant).high),
    **{column: late(column) for column in ("score", "gold", "divergence", "penalised")},
}


def filled(text: str) -> str:
    """The text with the numbers of today's published results."""

    def fill(match: re.Match[str]) -> str:
        cell = match["ablation"], match["place"], match["variant"]
        value = QUANTITIES[match["quantity"] or "mean"](*cell).replace("-", "−")
        return value + match[0][len(match["value"]) :]

    return TAG.sub(fill, text)


if __name__ == "__main__":
    for guide in sorted(DOCS.glob("*.md")):
        before = guide.read_text()
        after = filled(before)
        if after != before:
            guide.write_text(after)
            sys.stdout.write(f"{guide.name}\n")
