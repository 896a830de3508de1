"""Tables as LaTeX, with the rules of the package booktabs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bench.evidence.tables import ALIGNMENT, HEADER, Table
from bench.visible import visible

_COLUMNS: Final = {"left": "l", "right": "r", "center": "c"}
_GREEK: Final = """
α alpha β beta γ gamma δ delta ε varepsilon ζ zeta η eta θ theta ι iota κ kappa λ lambda μ mu ν nu
ξ xi π pi ρ rho σ sigma τ tau υ upsilon φ varphi χ chi ψ psi ω omega
Γ Gamma Δ Delta Θ Theta Λ Lambda Ξ Xi Π Pi Σ Sigma Φ Phi Ψ Psi Ω Omega
"""
_LETTERS: Final = _GREEK.split()
_WRITTEN: Final = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        **{each: f"\\{each}" for each in "&%$#_{}"},
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "<": "$<$",
        ">": "$>$",
        "−": "$-$",
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
    """A text that LaTeX prints as it is."""
    return visible(text).translate(_WRITTEN)


def booktabs(title: str, tables: Sequence[Table]) -> str:
    """One floating table an environment, to be put into a document that loads booktabs.

    Args:
        title: of the ablation, for the captions.
        tables: of `table.make_tables`.
    """
    columns = "".join(_COLUMNS[each] for each in ALIGNMENT)
    parts = ["% Needs \\usepackage{booktabs}."]
    for table in tables:
        notes = " ".join(escaped(note) for note in table.notes)
        parts.append(
            "\n".join(
                [
                    r"\begin{table}",
                    r"  \centering",
                    rf"  \caption{{{escaped(f'{title}, {table.environment}.')} {notes}}}",
                    rf"  \begin{{tabular}}{{{columns}}}",
                    r"    \toprule",
                    _row(HEADER),
                    r"    \midrule",
                    *map(_row, table.cells),
                    r"    \bottomrule",
                    r"  \end{tabular}",
                    r"\end{table}",
                ]
            )
        )
    return "\n\n".join(parts) + "\n"


def _row(cells: Sequence[str]) -> str:
    return f"    {' & '.join(map(escaped, cells))} \\\\"
