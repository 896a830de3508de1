"""One network forward and backward: the kernels of `algorithms.numerics.networks`.

Parameters are W₁, b₁, W₂, b₂, …, each W row-major [in, out]. Activations are flat, one layer's
[rows, width] behind the other, inputs first and outputs last; so are their slopes ∂L/∂h.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from algorithms.numerics.compilation import allocating, compiled
from algorithms.numerics.kernels.constants import ONE, ZERO
from algorithms.numerics.kernels.products import multiply

TANH: Final = 0
RELU: Final = 1

# tanh as a quotient of polynomials (the coefficients are those of Eigen, MathFunctionsImpl.h),
# which LLVM can vectorise: off by less than 5 units in the last place.
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


class Network(NamedTuple):
    """Sizes int64 (inputs, *hidden, outputs), and the activation of the hidden layers."""

    sizes: np.ndarray
    activation: int


class Room(NamedTuple):
    """Working memory of a network: activations, slopes, a transposed matrix, constants."""

    values: np.ndarray
    slopes: np.ndarray
    turned: np.ndarray
    zeros: np.ndarray
    ones: np.ndarray


@compiled
def network_size(network: Network) -> int:
    """Number of parameters of a network."""
    sizes = network.sizes
    total = 0
    for layer in range(len(sizes) - 1):
        total += (sizes[layer] + 1) * sizes[layer + 1]
    return total


@compiled
def outputs_place(network: Network, rows: int) -> int:
    """Index at which the outputs begin among the activations."""
    sizes = network.sizes
    total = 0
    for layer in range(len(sizes) - 1):
        total += rows * sizes[layer]
    return total


@allocating
def room_for(network: Network, rows: int) -> Room:
    """Allocate the arrays for a batch of `rows`."""
    sizes = network.sizes
    size = outputs_place(network, rows) + rows * sizes[-1]
    largest = 0
    for layer in range(len(sizes) - 1):
        largest = max(largest, sizes[layer] * sizes[layer + 1])
    values, slopes = np.zeros(size, np.float32), np.zeros(size, np.float32)
    zeros, ones = np.zeros(sizes.max(), np.float32), np.ones(rows, np.float32)
    return Room(values, slopes, np.zeros(largest, np.float32), zeros, ones)


@compiled
def activate(values: np.ndarray, activation: int) -> None:
    """tanh or max(0, ·) in place; NaN stays NaN."""
    if activation == RELU:
        for i in range(values.size):
            values[i] = ZERO if values[i] < ZERO else values[i]
        return
    for i in range(values.size):
        x = values[i]
        # A comparison with NaN is false, so that NaN goes through.
        x = BOUND if x > BOUND else x
        x = -BOUND if x < -BOUND else x
        y = x * x
        above = (((((P13 * y + P11) * y + P9) * y + P7) * y + P5) * y + P3) * y + P1
        below = ((Q6 * y + Q4) * y + Q2) * y + Q0
        values[i] = above * x / below


@compiled
def deactivate(slopes: np.ndarray, values: np.ndarray, activation: int) -> None:
    """Turn ∂L/∂h into ∂L/∂z in place, h = tanh(z) or max(0, z)."""
    if activation == RELU:
        for i in range(slopes.size):
            slopes[i] *= ONE if values[i] > ZERO else ZERO
        return
    for i in range(slopes.size):
        slopes[i] *= ONE - values[i] * values[i]


@compiled
def turn(matrix: np.ndarray, turned: np.ndarray, rows: int, columns: int) -> None:
    """Write the transpose of a row-major matrix [rows, columns]."""
    body_end = rows - rows % 4
    for i in range(0, body_end, 4):
        chunk = matrix[i * columns : (i + 4) * columns]
        for j in range(columns):
            # Four numbers side by side are one store.
            out = turned[j * rows + i : j * rows + i + 4]
            out[0], out[1] = chunk[j], chunk[columns + j]
            out[2], out[3] = chunk[2 * columns + j], chunk[3 * columns + j]
    for i in range(body_end, rows):
        for j in range(columns):
            turned[j * rows + i] = matrix[i * columns + j]


@compiled
def forward(parameters: np.ndarray, network: Network, room: Room, rows: int) -> None:
    """Compute all activations; the inputs are already in `room.values`."""
    sizes, values = network.sizes, room.values
    source, weight = 0, 0
    layers = len(sizes) - 1
    for layer in range(layers):
        inputs, outputs = sizes[layer], sizes[layer + 1]
        target, bias = source + rows * inputs, weight + inputs * outputs
        multiply(
            values[target:], parameters[bias:], 0, values[source:], (inputs, 1),
            parameters[weight:], (rows, outputs, inputs),
        )  # fmt: skip
        if layer < layers - 1:
            activate(values[target : target + rows * outputs], network.activation)
        source, weight = target, bias + outputs


@compiled
def backward(
    parameters: np.ndarray, network: Network, room: Room, rows: int, gradient: np.ndarray
) -> None:
    """Write the gradient of the parameters, given the outputs' slopes and `forward`'s activations.

    The other slopes are overwritten.
    """
    sizes, values, slopes = network.sizes, room.values, room.slopes
    end, above = network_size(network), outputs_place(network, rows)
    for layer in range(len(sizes) - 2, -1, -1):
        inputs, outputs = sizes[layer], sizes[layer + 1]
        below = above - rows * inputs
        bias, weight = end - outputs, end - outputs - inputs * outputs
        left, right, steps, shape = values, slopes, (1, inputs), (inputs, outputs, rows)
        left_place, right_place = below, above
        if outputs == 1:
            # The same sums as a row, which fills a processor's vector registers.
            left, right, steps, shape = slopes, values, (0, 1), (1, inputs, rows)
            left_place, right_place = above, below
        multiply(
            gradient[weight:], room.zeros, 0, left[left_place:], steps, right[right_place:], shape
        )
        multiply(
            gradient[bias:], room.zeros, 0, room.ones, (0, 1), slopes[above:], (1, outputs, rows)
        )
        if layer:
            turn(parameters[weight:], room.turned, inputs, outputs)
            multiply(
                slopes[below:], room.zeros, 0, slopes[above:], (outputs, 1), room.turned,
                (rows, inputs, outputs),
            )  # fmt: skip
            deactivate(slopes[below:above], values[below:above], network.activation)
        above, end = below, weight
