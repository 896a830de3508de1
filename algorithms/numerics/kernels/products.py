"""Matrix products of one network: row-major float32, every sum in the order of its terms.

No element of a product depends on where a matrix lies, on its size or on the processor's vectors:
each is a chain of fused multiply-adds over the inner index, from first to last.
"""

from __future__ import annotations

import numpy as np

from algorithms.numerics.kernels.compilation import compiled
from algorithms.numerics.kernels.tiles import (
    COLUMNS,
    ROWS,
    STRIP_COLUMNS,
    STRIP_ROWS,
    block,
    row,
    row_strip,
    strip,
)


@compiled
def multiply(
    out: np.ndarray,
    place: int,
    base: np.ndarray,
    under: int,
    base_step: int,
    left: np.ndarray,
    start: int,
    row_step: int,
    inner_step: int,
    right: np.ndarray,
    begin: int,
    rows: int,
    columns: int,
    inner: int,
) -> None:
    """out = base + left · right.

    Args:
        out, base, left, right: flat float32 arrays that hold the matrices from `place`, `under`,
            `start` and `begin` on.
        base_step: between the rows of `base`; 0 where all are one.
        row_step, inner_step: between neighbours of a column, and of a row, of `left`; `out` and
            `right` are row-major [rows, columns] and [inner, columns].
    """
    across = 0
    while across < columns:
        left_over = columns - across
        wide = left_over >= COLUMNS
        high = ROWS if wide else STRIP_ROWS
        down = 0
        while down < rows:
            tile = (
                out, place + down * columns + across, base, under + down * base_step + across,
                base_step, left, start + down * row_step, row_step, inner_step, right,
                begin + across, columns, inner, left_over,
            )  # fmt: skip
            whole = down + high <= rows
            if wide and whole:
                block(*tile)
            elif wide:
                row(*tile)
            elif whole:
                strip(*tile)
            else:
                row_strip(*tile)
            down += high if whole else 1
        across += COLUMNS if wide else STRIP_COLUMNS


@compiled
def multiply_each(left: np.ndarray, right: np.ndarray, out: np.ndarray) -> None:
    """left [R, i, j] · right [R, j, k] into out [R, i, k], each contiguous."""
    networks, rows, inner = left.shape
    columns = right.shape[2]
    zeros = np.zeros(columns, np.float32)
    for r in range(networks):
        multiply(
            out[r].reshape(-1), 0, zeros, 0, 0, left[r].reshape(-1), 0, inner, 1,
            right[r].reshape(-1), 0, rows, columns, inner,
        )  # fmt: skip
