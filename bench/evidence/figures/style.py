"""How variants look and how numbers are written, the same in every figure.

Variants differ in colour, dashes and marker, so that a figure can be read in black and white and
by the colour-blind. The control is dark grey and solid: the line to compare with.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Final

import matplotlib
import seaborn

from bench.formatting import thousands

FONT_SIZE: Final = 8.5
"""Default font size of a figure [points]."""

# seaborn's colour-blind palette, ordered so that neighbours differ in lightness too; its yellow
# comes last because thin yellow lines vanish on paper.
_ORDER: Final = (0, 1, 2, 4, 3, 9, 5, 6, 7, 8)
_CONTROL_COLOUR: Final = (0.25, 0.25, 0.25)
_SOLID: Final[tuple[float, ...]] = ()
_DASHES: Final[tuple[tuple[float, ...], ...]] = (
    (5, 1.6),
    (1.2, 1.4),
    (6, 1.6, 1.2, 1.6),
    (9, 1.2),
    (3.4, 3),
    (3, 1.2, 1.2, 1.2, 1.2, 1.2),
    (2.4, 1.2),
)
_MARKERS: Final = ("s", "^", "D", "v", "P", "X", "p", "*", "h", "<", ">")


@dataclass(frozen=True, kw_only=True)
class Look:
    """How one variant is drawn everywhere in a figure."""

    colour: tuple[float, float, float]
    dashes: tuple[float, ...]  # on and off lengths in line widths; empty is solid
    marker: str


def looks(variants: Sequence[str], control: str | None) -> dict[str, Look]:
    """A look for each variant, by its place in the ablation, so that it is stable over figures.

    Only the control is solid, or the first variant where no control is named. The cycles of
    colours, dashes and markers differ in length: no two of the first 440 variants look alike.
    """
    palette = seaborn.color_palette("colorblind")
    dashes = _DASHES if control in variants else (_SOLID, *_DASHES)
    by_variant: dict[str | None, Look] = {}
    by_variant[control] = Look(colour=_CONTROL_COLOUR, dashes=_SOLID, marker="o")
    others = [variant for variant in variants if variant != control]
    for place, variant in enumerate(others):
        red, green, blue = palette[_ORDER[place % len(_ORDER)]]
        by_variant[variant] = Look(
            colour=(red, green, blue),
            dashes=dashes[place % len(dashes)],
            marker=_MARKERS[place % len(_MARKERS)],
        )
    return {variant: by_variant[variant] for variant in variants}


def power_of_ten(value: float, _position: int | None = None) -> str:
    """A tick label of a logarithmic axis: 0.01 is "0.01", 1e-7 is "1e−7"."""
    if 1e-4 < value < 1e6:
        return thousands(value)
    mantissa, exponent = f"{value:.0e}".split("e")
    return f"{mantissa}e{int(exponent)}".replace("-", "−")


def scale() -> float:
    """The size of lines and marks relative to their size at `FONT_SIZE`."""
    return float(matplotlib.rcParams["font.size"]) / FONT_SIZE


def drawing(font_size: float = FONT_SIZE) -> AbstractContextManager[None]:
    """Apply every figure's matplotlib settings within a `with`, then restore the global ones.

    Text stays text in vector files, with the fonts embedded in PDF (type 42) and named in SVG;
    matplotlib ships the font, so that it is the same on every machine.

    Args:
        font_size: of names and legends [points]; numbers at ticks are a little smaller.
    """
    ratio = font_size / FONT_SIZE
    settings: Any = {
        **seaborn.axes_style("ticks"),
        "font.family": ["sans-serif"],
        "font.sans-serif": ["DejaVu Sans", "Verdana", "Arial", "sans-serif"],
        "font.size": font_size,
        "axes.titlesize": font_size,
        "axes.titleweight": "bold",
        "axes.titlepad": 4.0 * ratio,
        "axes.labelsize": font_size,
        "axes.labelpad": 2.5 * ratio,
        "legend.fontsize": font_size,
        "axes.linewidth": 0.8 * ratio,
        "axes.edgecolor": "0.3",
        "axes.labelcolor": "0.15",
        "text.color": "0.1",
        "axes.grid": True,
        "grid.color": "0.92",
        "grid.linewidth": 0.7 * ratio,
        "axes.axisbelow": True,
        "lines.dash_capstyle": "butt",
        "lines.solid_capstyle": "round",
        "text.parse_math": False,
        "pdf.fonttype": 42,
        "svg.fonttype": "none",
        "svg.hashsalt": "ppo-ladder",
    }
    ticks = {"color": "0.3", "labelcolor": "0.15", "labelsize": 0.94 * font_size}
    ticks |= {"major.width": 0.8 * ratio, "major.size": 3.0 * ratio}
    settings |= {f"{x}tick.{name}": value for x in "xy" for name, value in ticks.items()}
    return matplotlib.rc_context(settings)
