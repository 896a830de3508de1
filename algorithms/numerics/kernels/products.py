"""Matrix products of one network: row-major float32, every sum in the order of its terms.

No element of a product depends on where a matrix lies, on its size or on the processor's vectors:
each is a chain of fused multiply-adds over the inner index, from first to last.
"""

from __future__ import annotations

import numpy as np

from algorithms.numerics.compilation import allocating, compiled
from algorithms.numerics.kernels import tiles
from algorithms.numerics.kernels.tiles import block, row, row_strip, strip

ROWS, COLUMNS = tiles.ROWS, tiles.COLUMNS
STRIP_ROWS, STRIP_COLUMNS = tiles.STRIP_ROWS, tiles.STRIP_COLUMNS


@compiled
def multiply(
    out: np.ndarray, base: np.ndarray, base_step: int, left: np.ndarray, steps: tuple[int, int],
    right: np.ndarray, shape: tuple[int, int, int],
) -> None:  # fmt: skip
    """out = base + left · right.

    Args:
        out, base, left, right: flat float32 arrays that begin with the matrices.
        base_step: distance between rows of `base`; 0 to use one row for all.
        steps: distances in `left` between neighbours of a column, and of a row; `out` and
            `right` are row-major.
        shape: rows, columns, and the length of the inner index.
    """
    rows, columns, inner = shape
    across = 0
    while across < columns:
        left_over = columns - across
        wide = left_over >= COLUMNS
        high = ROWS if wide else STRIP_ROWS
        down = 0
        while down < rows:
            tile = (
                out, down * columns + across, base, down * base_step + across, base_step,
                left, down * steps[0], steps[0], steps[1], right, across, columns, inner, left_over,
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


@allocating
def multiply_each(left: np.ndarray, right: np.ndarray, out: np.ndarray) -> None:
    """Write left [R, i, j] · right [R, j, k] into out [R, i, k], each contiguous."""
    networks, rows, inner = left.shape
    columns = right.shape[2]
    zeros = np.zeros(columns, np.float32)
    for r in range(networks):
        matrices = out[r].reshape(-1), left[r].reshape(-1), right[r].reshape(-1)
        shape = rows, columns, inner
        multiply(matrices[0], zeros, 0, matrices[1], (inner, 1), matrices[2], shape)
