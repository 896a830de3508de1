"""One network, there and back: what `algorithms.numerics.networks` says, over flat arrays.

The parameters are W₁, b₁, W₂, b₂, … from a place in a flat array on, each W row-major [in, out].
Activations lie one layer's [rows, width] behind the other, the inputs first and the outputs last;
so do their gradients.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from algorithms.numerics.kernels.compilation import compiled
from algorithms.numerics.kernels.products import multiply

TANH: Final = 0
RELU: Final = 1

# tanh as a quotient of polynomials (the coefficients are those of Eigen, MathFunctionsImpl.h),
# which LLVM makes vectors of: off by less than 5 units in the last place.
BOUND: Final = np.float32(7.90531110763549805)
P1: Final = np.float32(4.89352455891786e-03)
P3: Final = np.float32(6.37261928875436e-04)
P5: Final = np.float32(1.48572235717979e-05)
P7: Final = np.float32(5.12229709037114e-08)
P9: Final = np.float32(-8.60467152213735e-11)
P11: Final = np.float32(2.00018790482477e-13)
P13: Final = np.float32(-2.76076847742355e-16)
Q0: Final = np.float32(4.89352518554385e-03)
Q2: Final = np.float32(2.26843463243900e-03)
Q4: Final = np.float32(1.18534705686654e-04)
Q6: Final = np.float32(1.19825839466702e-06)
ZERO: Final = np.float32(0)
ONE: Final = np.float32(1)


@compiled
def activations_size(sizes: np.ndarray, rows: int) -> int:
    """Numbers in the activations of all layers."""
    total = 0
    for layer in range(len(sizes)):
        total += rows * sizes[layer]
    return total


@compiled
def outputs_place(sizes: np.ndarray, rows: int) -> int:
    """Where the outputs begin."""
    return activations_size(sizes, rows) - rows * int(sizes[-1])


@compiled
def activate(values: np.ndarray, start: int, stop: int, activation: int) -> None:
    """tanh or max(0, ·) in place; NaN stays NaN."""
    # From 0 on: numba counts negative places from the end, and LLVM must see that there are none.
    part = values[start:stop]
    if activation == RELU:
        for i in range(part.size):
            part[i] = ZERO if part[i] < ZERO else part[i]
        return
    for i in range(part.size):
        x = part[i]
        # A comparison with NaN is false, so that NaN goes through.
        x = BOUND if x > BOUND else x
        x = -BOUND if x < -BOUND else x
        square = x * x
        above = square * P13 + P11
        above = above * square + P9
        above = above * square + P7
        above = above * square + P5
        above = above * square + P3
        above = above * square + P1
        below = square * Q6 + Q4
        below = below * square + Q2
        below = below * square + Q0
        part[i] = above * x / below


@compiled
def forward(
    parameters: np.ndarray,
    start: int,
    sizes: np.ndarray,
    activation: int,
    values: np.ndarray,
    rows: int,
) -> None:
    """Fill `values` behind the inputs, which are there.

    Args:
        parameters: from `start` on.
        sizes: int64 (inputs, *hidden, outputs).
        values: activations of `rows` samples.
    """
    left, weight = 0, start
    layers = len(sizes) - 1
    for layer in range(layers):
        inputs, outputs = sizes[layer], sizes[layer + 1]
        out, bias = left + rows * inputs, weight + inputs * outputs
        multiply(
            values, out, parameters, bias, 0, values, left, inputs, 1,
            parameters, weight, rows, outputs, inputs,
        )  # fmt: skip
        if layer < layers - 1:
            activate(values, out, out + rows * outputs, activation)
        left, weight = out, bias + outputs


@compiled
def backward(
    parameters: np.ndarray,
    start: int,
    sizes: np.ndarray,
    activation: int,
    values: np.ndarray,
    slopes: np.ndarray,
    rows: int,
    turned: np.ndarray,
    zeros: np.ndarray,
    gradient: np.ndarray,
) -> None:
    """Write the gradient of the parameters, given that of the outputs.

    Args:
        values: what `forward` left there.
        slopes: as `values`; holds ∂L/∂outputs, and what else is in it is overwritten.
        turned: room for the largest layer's weights.
        zeros: as many as the widest layer has outputs.
        gradient: as `parameters`.
    """
    layers = len(sizes) - 1
    end = start
    for layer in range(layers):
        end += (sizes[layer] + 1) * sizes[layer + 1]
    above = outputs_place(sizes, rows)
    for layer in range(layers - 1, -1, -1):
        inputs, outputs = sizes[layer], sizes[layer + 1]
        below = above - rows * inputs
        bias, weight = end - outputs, end - outputs - inputs * outputs
        multiply(
            gradient, weight, zeros, 0, 0, values, below, 1, inputs,
            slopes, above, inputs, outputs, rows,
        )  # fmt: skip
        of_bias = gradient[bias:end]
        of_bias[:] = ZERO
        for i in range(rows):
            slope = slopes[above + i * outputs : above + (i + 1) * outputs]
            for j in range(outputs):
                of_bias[j] += slope[j]
        if layer:
            for i in range(inputs):
                column = parameters[weight + i * outputs : weight + (i + 1) * outputs]
                for j in range(outputs):
                    turned[j * inputs + i] = column[j]
            multiply(
                slopes, below, zeros, 0, 0, slopes, above, outputs, 1,
                turned, 0, rows, inputs, outputs,
            )  # fmt: skip
            deactivate(slopes[below:above], values[below:above], activation)
        above, end = below, weight


@compiled
def deactivate(slopes: np.ndarray, values: np.ndarray, activation: int) -> None:
    """∂L/∂z in place of ∂L/∂h, h = tanh(z) or max(0, z)."""
    if activation == RELU:
        for i in range(slopes.size):
            slopes[i] *= ONE if values[i] > ZERO else ZERO
        return
    for i in range(slopes.size):
        slopes[i] *= ONE - values[i] * values[i]
