"""One table of an ablation as LaTeX, with the rules of booktabs, and the methods behind it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from bench.evidence.caveats import run_caveats
from bench.evidence.export.citations import OF_PACKAGES, bibliography
from bench.evidence.letters import Letters
from bench.evidence.measures.cells import Cell, budgets, range_text
from bench.evidence.results import Results
from bench.evidence.statistics.claimable import ALPHA, FEWEST_PAIRS
from bench.evidence.statistics.coverage import coverages_text
from bench.evidence.statistics.estimates import REPETITIONS, interval_of_seeds
from bench.evidence.statistics.significance import ENUMERATION_LIMIT
from bench.evidence.verdicts import return_text
from bench.file_names import file_name
from bench.kinds import not_training
from bench.store.load import versions
from bench.visible import visible

_NARROW: Final = 3
"""The most environments that fit into one column."""
_MARKS: Final[dict[str, str]] = {"better": r"$^{\uparrow}$", "worse": r"$^{\downarrow}$"}
_LABEL: Final = re.compile(r"[^A-Za-z0-9.-]+")
_GREEK: Final = """
α alpha β beta γ gamma δ delta ε varepsilon ζ zeta η eta θ theta ι iota κ kappa λ lambda μ mu ν nu
ξ xi π pi ρ rho σ sigma τ tau υ upsilon φ varphi χ chi ψ psi ω omega
Γ Gamma Δ Delta Θ Theta Λ Lambda Ξ Xi Π Pi Σ Sigma Φ Phi Ψ Psi Ω Omega
"""
_LETTERS: Final = _GREEK.split()
_WRITTEN: Final = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        **{character: f"\\{character}" for character in "&%$#_{}"},
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "<": "$<$",
        ">": "$>$",
        "−": "$-$",
        "“": "``",
        "”": "''",
        "–": "--",
        "±": r"$\pm$",
        "×": r"$\times$",
        "≤": r"$\leq$",
        "≥": r"$\geq$",
        "∞": r"$\infty$",
        **{
            letter: f"$\\{name}$"
            for letter, name in zip(_LETTERS[::2], _LETTERS[1::2], strict=True)
        },
    }
)


def escaped(text: str) -> str:
    """Return a text escaped, so that LaTeX prints it unchanged."""
    return visible(text).translate(_WRITTEN)


@dataclass(frozen=True, kw_only=True)
class Latex:
    """Files that are put into a paper."""

    table: str  # for a document that loads booktabs
    methods: str  # a paragraph that says what the table's numbers are
    bibliography: str  # BibTeX of what the paragraph cites


def latex(results: Results) -> Latex:
    """One floating table, variants by environments, the methods behind it, and what they cite.

    A cell has the mean over seeds above its interval; an arrow marks a claim.

    Args:
        results: of an ablation.
    """
    cited: list[str] = []
    methods = _methods(results, cited)
    return Latex(table=_table(results), methods=methods, bibliography=bibliography(cited))


def _table(results: Results) -> str:
    environments = list(dict.fromkeys(results.scores["environment"]))
    wide = "*" if len(environments) > _NARROW else ""
    outcomes = {(row.environment, row.variant): row.outcome for row in results.verdicts}
    letters = results.findings.letters
    letters_by_variant = {row.variant: text for row, text in letters.rows} if letters else {}
    rows = []
    for variant, title in results.titles.items():
        name = title + (" (control)" if variant == results.control else "")
        cells = [_cell(results, outcomes, (environment, variant)) for environment in environments]
        letter_cells = [letters_by_variant.get(variant, "")] * bool(letters_by_variant)
        rows.append(_row([escaped(name), *(mean for mean, _ in cells), *letter_cells]))
        if any(interval for _, interval in cells):
            rows.append(_row(["", *(interval for _, interval in cells)]))
    label = file_name(results.name)
    return "\n".join(
        [
            r"% Needs \usepackage{booktabs}.",
            rf"\begin{{table{wide}}}",
            r"  \centering",
            rf"  \caption{{{' '.join(_caption(results))}}}",
            rf"  \label{{tab:{_LABEL.sub('-', label)}}}",
            rf"  \begin{{tabular}}{{l{'r' * len(environments)}{'l' * bool(letters_by_variant)}}}",
            r"    \toprule",
            _row(["", *map(escaped, environments), *["letters"] * bool(letters_by_variant)]),
            r"    \midrule",
            *rows,
            r"    \bottomrule",
            r"  \end{tabular}",
            rf"\end{{table{wide}}}",
            "",
        ]
    )


def _cell(results: Results, outcomes: Mapping[Cell, str], cell: Cell) -> tuple[str, str]:
    """The mean with its mark, and the interval; empty where there is none."""
    seed_scores = results.values.get(cell)
    if seed_scores is None:
        return "--", ""
    low, high = interval_of_seeds(seed_scores, "mean")
    mark = _MARKS.get(outcomes.get(cell, ""), "")
    interval = rf"\scriptsize [{_number(low)}, {_number(high)}]" if np.isfinite(low) else ""
    return _number(float(seed_scores.mean())) + mark, interval


def _caption(results: Results) -> list[str]:
    """Sentences on what the table shows, and on what the reader must know of all cells."""
    tested = [verdict for verdict in results.verdicts if verdict.outcome in ("none", *_MARKS)]
    claimed = {verdict.outcome for verdict in results.verdicts} & set(_MARKS)
    numbers = [len(seed_scores) for seed_scores in results.values.values()]
    sentences = [
        f"{results.plan['title'].iloc[0]}: mean score over "
        f"{range_text(numbers)} seeds [return], below it "
        "the 95% interval of the mean.",
    ]
    references = {verdict.reference for verdict in tested}
    if len(references) > 1:
        cells = {(verdict.environment, verdict.variant) for verdict in tested}
        sentences.append(f"Compared: {results.compared_text(cells)}.")
    caption = [escaped(sentence) for sentence in sentences]
    family = results.findings.tested
    if tested:
        (reference, *others) = references
        reference_text = (
            "what it is compared with" if others else escaped(results.titles[reference])
        )
        among = escaped(results.findings.family_text)
        where = " on a single environment" * bool(tested[0].further)
        caption.append(
            (
                rf"{_MARKS['better']}: better than {reference_text}, {_MARKS['worse']}: worse "
                if claimed
                else f"No variant can be claimed to differ from {reference_text}{where} "
            )
            + rf"($p \leq {ALPHA}$, adjusted over {among})."
        )
    if not family:
        caption.append(f"No difference is claimed below {FEWEST_PAIRS} pairs of common seeds.")
    caption += [escaped(sentence) for sentence in _claimed_besides(results)]
    if (letters := results.findings.letters) and letters.comparisons:
        caption.append(
            f"Variants that share a letter can't be told apart over {_environments_text(letters)} "
            rf"($p > {ALPHA}$, adjusted over {letters.comparisons} comparisons of all with all)."
        )
        if letters.untested:
            caption.append(f"Pairs of variants that could not be tested: {letters.untested}.")
    caveats = dict.fromkeys((*run_caveats(results.scores), *results.findings.notes))
    return caption + [escaped(sentence) for sentence in (*caveats, *_kinds(results))]


def _claimed_besides(results: Results) -> list[str]:
    """Sentences on what is claimed beyond the table's cells: over all environments, on gold."""
    claims: dict[str, list[str]] = {}
    for row in results.findings.over_all:
        if row.verdict.outcome in _MARKS:
            where = f"Over {len(row.environments)} environments"
            claims.setdefault(where, []).append(f"against “{row.rival_title}” {row.claim}")
    for verdict in results.findings.golden:
        if verdict.outcome in _MARKS:
            claim = f"“{results.titles[verdict.variant]}” {verdict.sentence}"
            claims.setdefault(f"On the gold reward of {verdict.environment}", []).append(claim)
    return [f"{where}: {'; '.join(texts)}." for where, texts in claims.items()]


def _environments_text(letters: Letters) -> str:
    """The environments over which letters are given, as text."""
    return escaped(", ".join(letters.environments))


def _kinds(results: Results) -> list[str]:
    """Sentences on variants whose returns are not those of training episodes."""
    kinds = zip(results.scores["variant_title"], results.scores["kind"], strict=True)
    return not_training(dict.fromkeys(kinds))


def _methods(results: Results, cited: list[str]) -> str:
    """The paragraph on methods; the keys that it cites are appended to `cited`."""

    def cite(key: str) -> str:
        cited.append(key)
        return rf"~\cite{{{key}}}"

    runs = results.runs
    numbers = sorted({len(seed_scores) for seed_scores in results.values.values()})
    tested, letters = results.findings.tested, results.findings.letters
    sentences = [
        "A run's score is the mean return of its training episodes in the last 10\\% of its "
        "environment steps; it is computed from raw rewards under sampled actions.",
        escaped(
            f"Variants were trained for {_budgets(runs)} with {range_text(numbers)} seeds each."
        ),
    ]
    if coverages := coverages_text(numbers, "mean"):
        sentences.append(
            rf"Intervals are nominal 95\% percentile bootstrap intervals"
            f"{cite('efron1993bootstrap')} of the mean over seeds ({REPETITIONS:,} resamples), "
            "whose coverage we measured by " + escaped(f"simulation of normal data: {coverages}.")
        )
    if tested:
        pairs = [verdict.pairs for verdict in tested]
        samples = [len(verdict.differences) for verdict in tested]
        samples += [letters.pairs * len(letters.environments)] if letters else []
        test = "an exact sign-flip test"
        if max(samples) > ENUMERATION_LIMIT:
            test = f"a sign-flip test (exact up to {ENUMERATION_LIMIT} differences, else sampled)"
        sentences.append(
            f"Variants are compared by {test} of the mean paired difference over "
            f"{range_text(pairs)} common seeds{cite('pitman1937significance')}, whose null "
            "hypothesis is that paired scores have one distribution; $p$-values are adjusted by "
            f"Holm's method{cite('holm1979simple')} over all "
            f"{escaped(results.findings.family_text)}, "
            rf"and a difference is claimed at an adjusted $p \leq {ALPHA}$."
        )
    else:
        sentences.append(
            f"No difference is claimed, as no comparison has {FEWEST_PAIRS} pairs of common seeds."
        )
    if letters:
        scale = " on the normalised scale" if len(letters.environments) > 1 else ""
        sentences.append(
            f"Letters are a compact letter display{cite('piepho2004letter')}: every two variants "
            "are compared by the same test of their differences over "
            f"{_environments_text(letters)}{scale}, a family of its own of {letters.comparisons} "
            "comparisons."
        )
    if (letters and len(letters.environments) > 1) or (tested and tested[0].further):
        sentences.append(escaped(f"Normalised scores: {results.scale_text}."))
    packages = versions(runs)
    package_texts = [
        escaped(f"{package} {' / '.join(package_versions)}")
        + (cite(OF_PACKAGES[package]) if package in OF_PACKAGES else "")
        for package, package_versions in packages.items()
    ]
    if package_texts:
        sentences.append(f"Runs were made with {', '.join(package_texts)}.")
    sentences += map(escaped, _kinds(results))
    sentences += [escaped(line.removesuffix(".") + ".") for line in results.view.mixed]
    return "\n".join(sentences) + "\n"


def _budgets(runs: pd.DataFrame) -> str:
    """How many steps seeds have, by environment."""
    by_size: dict[str, list[str]] = {}
    for environment, sizes in budgets(runs).items():
        text = " or ".join(f"{size:,}" for size in sizes)
        by_size.setdefault(text, []).append(environment)
    return " and ".join(
        f"{size} environment steps on {', '.join(names)}" for size, names in by_size.items()
    )


def _number(value: float) -> str:
    return escaped(return_text(value)).replace(",", "{,}")


def _row(cells: Sequence[str]) -> str:
    """A table row; `{}` keeps a leading [ or * from being an option of the line break before."""
    cells = [f"{{}}{cells[0]}" if cells[0][:1] in ("[", "*") else cells[0], *cells[1:]]
    return f"    {' & '.join(cells)} \\\\"
