"""Adam and the norm clip against torch's own, seed by seed."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from algorithms.numerics.optimizers import RMSPROP_FORMS, Adam, clip_gradient_norm, rmsprop_step
from tests import strategies


class TorchAdam:
    """torch.optim.Adam on each row by itself; a row that is not active does not step."""

    def __init__(self, parameters: Tensor, epsilon: float) -> None:
        self.rows = [row.clone().requires_grad_() for row in parameters]
        self.optimizers = [torch.optim.Adam([row], eps=epsilon) for row in self.rows]

    def step(self, gradient: Tensor, learning_rate: Tensor, active: Tensor) -> None:
        for s, (row, optimizer) in enumerate(zip(self.rows, self.optimizers, strict=True)):
            if active[s]:
                optimizer.param_groups[0]["lr"] = float(learning_rate[s])
                row.grad = gradient[s].clone()
                optimizer.step()


def state(adam: Adam, parameters: Tensor) -> list[Tensor]:
    return [x.clone() for x in (parameters, adam.first_moment, adam.second_moment, adam.counts)]


def step(adam: Adam, gradient: Tensor, rate: Tensor, active: Tensor) -> None:
    """Of all columns, by the first of the two counts."""
    adam.step(slice(None), 0, gradient, rate, active)


@strategies.many
@given(st.data(), strategies.generators, st.sampled_from([1e-8, 1e-5, 0.1]))
def test_every_seed_has_a_torch_adam_of_its_own(
    data: st.DataObject, generator: np.random.Generator, epsilon: float
) -> None:
    seeds, size = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 9))
    double = data.draw(st.booleans())
    parameters = strategies.normals(generator, seeds, size)
    if not double:
        parameters = parameters.float()
    expected = TorchAdam(parameters, epsilon)
    optimizer = Adam(parameters, epsilon)
    for _ in range(data.draw(st.integers(1, 8))):
        scale = data.draw(st.sampled_from([0.0, 1e-6, 1.0, 1e4]))
        gradient = strategies.normals(generator, seeds, size, scale=scale).to(parameters)
        rate = torch.from_numpy(generator.uniform(0, 0.1, seeds))
        active = data.draw(strategies.masks(seeds))
        # What an inactive seed has for a gradient is nobody's business.
        corrupted = gradient.clone()
        corrupted[~active] = data.draw(st.sampled_from([float("nan"), float("inf"), 1.0]))
        before = state(optimizer, parameters)
        step(optimizer, corrupted, rate, active)
        expected.step(gradient, rate, active)
        for old, new in zip(before, state(optimizer, parameters), strict=True):
            assert torch.equal(old[~active], new[~active])
        # In float32, torch multiplies in another order.
        tolerance = {"rtol": 1e-6, "atol": 1e-7} if double else {"rtol": 2e-5, "atol": 2e-6}
        rows = torch.stack([row.detach() for row in expected.rows])
        torch.testing.assert_close(parameters, rows, **tolerance)


def test_a_seed_that_has_never_been_active_stays_finite() -> None:
    parameters = torch.ones(2, 3)
    adam = Adam(parameters, 0.0)
    for _ in range(3):
        step(adam, torch.ones(2, 3), torch.ones(2), torch.tensor([True, False]))
    assert (parameters[1] == 1).all()
    assert adam.counts.tolist() == [[3, 0], [0, 0]]
    assert torch.isfinite(parameters).all()


@pytest.mark.parametrize("size", [1, 3, 64, 4801])
def test_a_step_is_the_same_bits_alone_and_in_any_group(size: int) -> None:
    generator = np.random.default_rng(size)
    start = strategies.normals(generator, 10, size).float()
    gradients = [strategies.normals(generator, 10, size).float() for _ in range(5)]
    rates = torch.from_numpy(generator.uniform(0, 0.1, 10))

    def run(chosen: list[int]) -> Tensor:
        parameters = start[chosen].clone()
        adam = Adam(parameters, 1e-5)
        for index, gradient in enumerate(gradients):
            # In every step somebody else pauses.
            active = torch.tensor([s != index for s in chosen])
            clipped, _ = clip_gradient_norm(gradient[chosen], 0.5)
            step(adam, clipped, rates[chosen], active)
        return parameters

    all_rows = run(list(range(10)))
    for chosen in ([7], [2], [9, 3], [6, 5, 4, 3, 2, 1, 0], [9, 0, 8, 1, 7, 2, 6, 3, 5, 4]):
        assert torch.equal(run(chosen), all_rows[chosen])


def test_the_buffer_is_updated_in_place_through_a_view() -> None:
    buffer = torch.zeros(2, 5)
    adam = Adam(buffer, 1e-8)
    rates, active = torch.tensor([0.1, 0.2]), torch.ones(2, dtype=torch.bool)
    adam.step(slice(2, None), 1, torch.ones(2, 3), rates, active)
    assert adam.counts.tolist() == [[0, 1], [0, 1]]
    assert (buffer[:, :2] == 0).all()
    # The first step of Adam is the step size, whatever the gradient's length.
    torch.testing.assert_close(buffer[:, 2:], torch.tensor([[-0.1], [-0.2]]).expand(2, 3))


@strategies.many
@given(strategies.generators, st.integers(1, 4), st.integers(1, 9), st.data())
def test_the_norm_clip_is_torchs_for_each_seed(
    generator: np.random.Generator, seeds: int, size: int, data: st.DataObject
) -> None:
    scale = data.draw(st.sampled_from([0.0, 1e-3, 0.2, 1e3]))
    bound = data.draw(st.sampled_from([0.0, 0.5, 7.0, float("inf")]))
    gradient = strategies.normals(generator, seeds, size, scale=scale)
    clipped, norms = clip_gradient_norm(gradient.clone(), bound)
    for s in range(seeds):
        row = torch.zeros(size, dtype=torch.float64, requires_grad=True)
        row.grad = gradient[s].clone()
        norm = torch.nn.utils.clip_grad_norm_([row], bound)
        torch.testing.assert_close(norms[s], norm)
        torch.testing.assert_close(clipped[s], row.grad)


def test_one_seeds_norm_does_not_clip_another() -> None:
    gradient = torch.tensor([[0.3, 0.0], [300.0, 400.0], [float("nan"), 0.0]])
    clipped, norms = clip_gradient_norm(gradient.clone(), 0.5)
    assert torch.equal(clipped[0], gradient[0])
    torch.testing.assert_close(clipped[1], torch.tensor([0.3, 0.4]))
    torch.testing.assert_close(norms[:2], torch.tensor([0.3, 500.0]))


@strategies.many
@given(st.data(), strategies.generators, st.sampled_from([1e-8, 1e-5, 0.1]))
def test_every_seed_has_a_torch_rmsprop_of_its_own(
    data: st.DataObject, generator: np.random.Generator, epsilon: float
) -> None:
    seeds, size = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 9))
    parameters = strategies.normals(generator, seeds, size)
    mean_square = torch.zeros_like(parameters)
    rows = [row.clone().requires_grad_() for row in parameters]
    theirs = [torch.optim.RMSprop([row], alpha=0.9, eps=epsilon) for row in rows]
    for _ in range(data.draw(st.integers(1, 8))):
        gradient = strategies.normals(generator, seeds, size)
        rate = torch.from_numpy(generator.uniform(0, 0.1, seeds))
        active = data.draw(strategies.masks(seeds))
        corrupted = gradient.clone()
        corrupted[~active] = data.draw(st.sampled_from([float("nan"), float("inf"), 1.0]))
        before = parameters.clone(), mean_square.clone()
        rmsprop_step(parameters, mean_square, corrupted, rate, active, decay=0.9, epsilon=epsilon)
        for s, (row, optimizer) in enumerate(zip(rows, theirs, strict=True)):
            if active[s]:
                optimizer.param_groups[0]["lr"] = float(rate[s])
                row.grad = gradient[s].clone()
                optimizer.step()
            else:
                assert torch.equal(parameters[s], before[0][s])
                assert torch.equal(mean_square[s], before[1][s])
            torch.testing.assert_close(parameters[s], row.detach())


@strategies.many
@given(st.data(), strategies.generators, st.sampled_from([1e-8, 1e-5, 0.1]))
def test_the_tensorflow_form_is_its_formula(
    data: st.DataObject, generator: np.random.Generator, epsilon: float
) -> None:
    """Number by number in Python's own floats, from a mean square of 1."""
    seeds, size = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 9))
    parameters = strategies.normals(generator, seeds, size)
    mean_square = torch.full_like(parameters, RMSPROP_FORMS["tensorflow"])
    expected = parameters.tolist()
    square = [[1.0] * size for _ in range(seeds)]
    for _ in range(data.draw(st.integers(1, 8))):
        scale = data.draw(st.sampled_from([0.0, 1e-6, 1.0, 1e4]))
        gradient = strategies.normals(generator, seeds, size, scale=scale)
        rate = torch.from_numpy(generator.uniform(0, 0.1, seeds))
        active = data.draw(strategies.masks(seeds))
        rmsprop_step(
            parameters,
            mean_square,
            gradient,
            rate,
            active,
            decay=0.9,
            epsilon=epsilon,
            form="tensorflow",
        )
        for s in np.flatnonzero(active.numpy()):
            for p, slope in enumerate(gradient[s].tolist()):
                square[s][p] = 0.9 * square[s][p] + 0.1 * slope**2
                expected[s][p] -= float(rate[s]) * slope / (square[s][p] + epsilon) ** 0.5
        torch.testing.assert_close(parameters, torch.tensor(expected, dtype=torch.float64))
        torch.testing.assert_close(mean_square, torch.tensor(square, dtype=torch.float64))


def test_the_first_step_of_either_form() -> None:
    """10 η in torch's, whatever the gradient; about η g in TensorFlow's."""
    steps = {}
    for form, first in RMSPROP_FORMS.items():
        parameters = torch.zeros(1, 2, dtype=torch.float64)
        rmsprop_step(
            parameters,
            torch.full_like(parameters, first),
            torch.tensor([[0.01, 0.1]], dtype=torch.float64),
            torch.tensor([7e-4], dtype=torch.float64),
            torch.tensor([True]),
            decay=0.99,
            epsilon=1e-5,
            form=form,
        )
        steps[form] = -parameters[0] / 7e-4
    torch.testing.assert_close(steps["torch"], torch.full((2,), 10.0).double(), rtol=0.02, atol=0)
    small = torch.tensor([0.01, 0.1]).double()
    torch.testing.assert_close(steps["tensorflow"], small, rtol=0.01, atol=0)
