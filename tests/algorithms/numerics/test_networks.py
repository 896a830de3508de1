"""Networks of all seeds at once against one torch.nn network a seed."""

from __future__ import annotations

import math
from dataclasses import replace

import kernel_calls
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from algorithms.numerics.networks import Perceptron
from tests import reference, strategies


def expected_of(
    network: Perceptron, columns: torch.Tensor, inputs: torch.Tensor, weights: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """What torch.nn makes of one seed: outputs, and the gradient [P] of Σ weights · outputs."""
    module = reference.module_of(columns, network.sizes, network.activation)
    outputs = module(inputs)
    layers = torch.autograd.grad((weights * outputs).sum(), list(module.parameters()))
    return outputs.detach(), reference.columns_of(layers)


@strategies.many
@given(
    strategies.perceptrons(),
    strategies.generators,
    st.integers(1, 4),
    st.integers(1, 5),
    st.sampled_from(["tanh", "relu"]),
)
def test_outputs_and_gradients_are_those_of_one_network_a_seed(
    network: Perceptron, generator: np.random.Generator, seeds: int, samples: int, activation: str
) -> None:
    network = replace(network, activation=activation)
    parameters = strategies.normals(generator, seeds, network.size).requires_grad_()
    inputs = strategies.normals(generator, seeds, samples, network.sizes[0])
    weights = strategies.normals(generator, seeds, samples, network.sizes[-1])
    outputs = network(parameters, inputs)
    (gradient,) = torch.autograd.grad((weights * outputs).sum(), parameters)
    for s in range(seeds):
        expected = expected_of(network, parameters[s].detach(), inputs[s], weights[s])
        torch.testing.assert_close(outputs[s], expected[0])
        torch.testing.assert_close(gradient[s], expected[1])


@pytest.mark.parametrize("activation", ["tanh", "relu"])
@pytest.mark.parametrize("samples", [1, 3, 64, 67])
@pytest.mark.parametrize(
    "sizes", [(17, 64, 64, 6), (5, 65, 63, 9), (3, 7, 129, 70, 2), (1, 1, 1), (4, 1), (9, 80)]
)
def test_kernels_pass_there_and_back_as_torch_does_in_float64(
    sizes: tuple[int, ...], samples: int, activation: str
) -> None:
    network = Perceptron(sizes, head_gain=1.0, activation=activation)
    generator = np.random.default_rng(5)
    columns = strategies.normals(generator, network.size, scale=0.3).float()
    inputs = strategies.normals(generator, samples, sizes[0]).float()
    weights = strategies.normals(generator, samples, sizes[-1]).float()
    expected = expected_of(network, columns.double(), inputs.double(), weights.double())
    for actual, desired in zip(
        kernel_calls.passed(network, columns, inputs, weights), expected, strict=True
    ):
        assert float((actual - desired).norm()) < 1e-6 * float(desired.norm())


@strategies.many
@given(strategies.perceptrons(), strategies.generators)
def test_the_reference_reads_columns_as_it_writes_them(
    network: Perceptron, generator: np.random.Generator
) -> None:
    columns = strategies.normals(generator, network.size)
    module = reference.module_of(columns, network.sizes)
    rebuilt = reference.columns_of([p.detach() for p in module.parameters()])
    assert torch.equal(columns, rebuilt)


@pytest.mark.parametrize("sizes", [(5, 64, 64, 2), (100, 64, 3), (4, 1)])
def test_orthogonal_layers_have_orthonormal_rows_or_columns_times_their_gain(
    sizes: tuple[int, ...],
) -> None:
    network = Perceptron(sizes, head_gain=0.01)
    columns = torch.from_numpy(network.initial(np.random.default_rng(0), "orthogonal"))
    assert columns.dtype == torch.float32
    layers = [
        layer for layer in reference.module_of(columns, sizes) if isinstance(layer, torch.nn.Linear)
    ]
    for position, layer in enumerate(layers):
        gain = 0.01 if position == len(layers) - 1 else math.sqrt(2)
        weight = layer.weight.detach().double() / gain
        product = weight @ weight.T if weight.shape[0] <= weight.shape[1] else weight.T @ weight
        torch.testing.assert_close(product, torch.eye(len(product)).double(), rtol=0, atol=1e-5)
        assert (layer.bias == 0).all()


def test_orthogonal_weights_have_no_preferred_sign() -> None:
    """numpy's QR alone returns a diagonal of one sign."""
    network = Perceptron((3, 3), head_gain=1.0)
    first_weights = [
        network.initial(np.random.default_rng(seed), "orthogonal")[0] for seed in range(400)
    ]
    # Uniform on the sphere in three dimensions: mean 0, variance 1/3.
    assert abs(np.mean(first_weights)) < 5 * math.sqrt(1 / 3 / 400)
    assert abs(np.var(first_weights) - 1 / 3) < 0.1


def test_uniform_weights_stay_within_one_over_the_root_of_the_inputs() -> None:
    network = Perceptron((16, 50, 4), head_gain=1.0)
    columns = network.initial(np.random.default_rng(0), "uniform")
    first, last = np.split(columns, [16 * 50 + 50])
    for part, inputs in ((first, 16), (last, 50)):
        bound = 1 / math.sqrt(inputs)
        assert 0.95 * bound < np.abs(part).max() <= np.float32(bound)


def test_each_seed_starts_with_its_own_draw() -> None:
    network = Perceptron((3, 4, 2), head_gain=1.0)
    draws = [network.initial(np.random.default_rng(seed), "orthogonal") for seed in range(3)]
    buffer = torch.from_numpy(np.stack(draws))
    assert buffer.shape == (3, network.size)
    assert len({row.numpy().tobytes() for row in buffer}) == 3


GROUPS = ([3], [7, 2], [6, 5, 4, 3, 2, 1, 0], [9, 0, 8, 1, 7, 2, 6, 3, 5, 4])


def assert_bits_do_not_depend_on_the_group(sizes: tuple[int, ...], samples: int) -> None:
    network = Perceptron(sizes, head_gain=1.0)
    generator = np.random.default_rng(0)
    columns = np.stack([network.initial(generator, "orthogonal") for _ in range(10)])
    observations = strategies.normals(generator, 10, samples, sizes[0]).float()

    def run(chosen: list[int]) -> list[torch.Tensor]:
        leaf = torch.from_numpy(columns[chosen]).requires_grad_()
        outputs = network(leaf, observations[chosen])
        (gradient,) = torch.autograd.grad((outputs.square() / samples).sum(), leaf)
        return [outputs, gradient]

    all_results = run(list(range(10)))
    for chosen in GROUPS:
        for expected, actual in zip(all_results, run(chosen), strict=True):
            assert torch.equal(expected[chosen], actual), (sizes, samples, len(chosen))


@pytest.mark.parametrize("samples", [8, 16, 64, 512])
@pytest.mark.parametrize(
    "sizes", [(17, 64, 64, 6), (11, 64, 64, 1), (4, 32, 2), (8, 17, 3), (3, 128, 128, 1), (1, 1, 1)]
)
def test_a_seeds_bits_do_not_depend_on_its_group(sizes: tuple[int, ...], samples: int) -> None:
    assert_bits_do_not_depend_on_the_group(sizes, samples)


@pytest.mark.parametrize(
    ("sizes", "samples"),
    [((17, 64, 64, 6), 5), ((17, 64, 64, 6), 1), ((23, 64, 64, 7), 10), ((5, 5, 5), 64)],
)
def test_a_seeds_bits_do_not_depend_on_its_group_at_odd_sizes(
    sizes: tuple[int, ...], samples: int
) -> None:
    """Intel's MKL chooses instructions by the alignment of a matrix, that is by its place."""
    assert_bits_do_not_depend_on_the_group(sizes, samples)
