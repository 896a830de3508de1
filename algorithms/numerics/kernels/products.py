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
    j = 0
    while j < columns:
        columns_left = columns - j
        is_wide = columns_left >= COLUMNS
        height = ROWS if is_wide else STRIP_ROWS
        i = 0
        while i < rows:
            tile = (
                out, i * columns + j, base, i * base_step + j, base_step,
                left, i * steps[0], steps[0], steps[1], right, j, columns, inner, columns_left,
            )  # fmt: skip
            is_full = i + height <= rows
            if is_wide and is_full:
                block(*tile)
            elif is_wide:
                row(*tile)
            elif is_full:
                strip(*tile)
            else:
                row_strip(*tile)
            i += height if is_full else 1
        j += COLUMNS if is_wide else STRIP_COLUMNS


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
