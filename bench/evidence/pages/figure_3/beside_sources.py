"""PPO, TRPO and A2C beside every public benchmark that reports them at 1M steps.

Sources report different metrics. Returns of the last 100 training episodes are compared with our
last 100 episodes, all others with our score; the notes name the differences that remain.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import groupby
from typing import Final

import pandas as pd

from bench.evidence.markdown import Section
from bench.evidence.measures.cells import cell_values, planned, range_text, titles
from bench.evidence.published import returns_1m
from bench.evidence.published.returns_1m import Source
from bench.evidence.published.rows import family, version
from bench.evidence.verdicts import return_text

_SCORE: Final = "mean of the last 10% of a seed's steps"
_LAST_100: Final = "mean of the last 100 training episodes"

_NOTES: Final = (
    "In brackets: ours over theirs, our mean over seeds in the metric nearest to theirs; "
    "none where a return is not positive.",
    "Metrics differ: the maximum over evaluations is above the last 100 training episodes "
    "of the same agent, a deterministic evaluation leaves out the noise of the actions, "
    "and a source that tunes each environment is no single setting.",
    "Environment versions differ: Walker2d has another foot friction, Reacher another "
    "timing of its reward and InvertedDoublePendulum another observation in v5 than in "
    "v4; only HalfCheetah and Swimmer behave the same in both. Swimmer is limited by the "
    "discount: about 110–130 at γ = 0.99, about 280–365 at γ = 0.9999.",
)


@dataclass(frozen=True, kw_only=True)
class BesideSource:
    """What a source reports on one environment, and ours in the metric nearest to its own."""

    variant: str
    environment: str  # ours, with its version
    source: Source
    theirs: float  # [return]
    ours: float  # mean over seeds [return]; NaN where there are no runs

    @property
    def ratio(self) -> float:
        """Our number over the source's; NaN unless both are positive; ratios of losses mislead."""
        if not (self.ours > 0 and self.theirs > 0):
            return math.nan
        return self.ours / self.theirs

    @property
    def text(self) -> str:
        """The source's number, and in brackets our number as a multiple of it."""
        ratio = f" (×{self.ratio:.2f})" if math.isfinite(self.ratio) else ""
        return f"{return_text(self.theirs)}{ratio}"


def beside_sources(plan: pd.DataFrame, scores: pd.DataFrame) -> tuple[BesideSource, ...]:
    """An entry per source and environment of the plan that it reports on.

    Args:
        plan: the store's plan of the experiment.
        scores: the frame of `scores.score_runs`.
    """
    means = {
        column: {
            cell: float(seed_scores.mean())
            for cell, seed_scores in cell_values(scores, column).items()
        }
        for column in ("score", "last_100")
    }
    return tuple(
        BesideSource(
            variant=variant,
            environment=environment,
            source=source,
            theirs=source.returns[family(environment)],
            ours=means["last_100" if source.of_last_100 else "score"].get(
                (environment, variant), math.nan
            ),
        )
        for source in returns_1m.sources()
        for environment, variant in planned(plan)
        if returns_1m.ALGORITHMS.get(variant) == source.algorithm
        and family(environment) in source.returns
    )


def sections(
    plan: pd.DataFrame, scores: pd.DataFrame, entries: tuple[BesideSource, ...]
) -> tuple[Section, ...]:
    """Notes, then a table per algorithm: sources as rows, environments as columns.

    Args:
        plan: the store's plan of the experiment.
        scores: the frame of `scores.score_runs`.
        entries: of `beside_sources`; without any there is no section.
    """
    if not entries:
        return ()
    names = titles(plan)
    environments = tuple(dict.fromkeys(environment for environment, _ in planned(plan)))
    parts = [Section(heading="### Beside other published returns at 1M steps", notes=_NOTES)]
    for variant in returns_1m.ALGORITHMS:
        cells = _our_rows(variant, environments, scores)
        variant_entries = [entry for entry in entries if entry.variant == variant]
        for _, group in groupby(variant_entries, key=lambda entry: id(entry.source)):
            reported = {entry.environment: entry for entry in group}
            source = next(iter(reported.values())).source
            texts = (reported[name].text if name in reported else "–" for name in environments)
            description = (source.source, source.environment_version, source.seeds, source.metric)
            cells.append((*description, *texts))
        if variant_entries:
            parts.append(
                Section(
                    heading=f"#### {names[variant]}",
                    header=(
                        *("source", "environment version", "seeds", "metric"),
                        *map(family, environments),
                    ),
                    alignment=("left", "left", "right", "left", *["right"] * len(environments)),
                    cells=cells,
                )
            )
    return tuple(parts)


def _our_rows(
    variant: str, environments: tuple[str, ...], scores: pd.DataFrame
) -> list[tuple[str, ...]]:
    """Our two rows above the sources, one per metric."""
    versions = ", ".join(sorted({version(environment) for environment in environments}))
    rows = []
    for column, metric in (("score", _SCORE), ("last_100", _LAST_100)):
        values = cell_values(scores, column)
        cell_scores = [values.get((environment, variant)) for environment in environments]
        numbers = [len(seed_scores) for seed_scores in cell_scores if seed_scores is not None]
        returns = (
            return_text(math.nan if seed_scores is None else float(seed_scores.mean()))
            for seed_scores in cell_scores
        )
        rows.append(("**this suite**", versions, range_text(numbers), metric, *returns))
    return rows
