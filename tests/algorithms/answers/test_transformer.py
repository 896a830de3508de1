"""The transformer against a slow one in float64, its gradient, causality, and its decoder."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from answers import NETWORK, VOCABULARY, drawn
from torch import Tensor

from algorithms.answers.transformer import Decoder, Transformer
from algorithms.numerics.products import product


def normed(state: Tensor) -> Tensor:
    centred = state - state.mean()
    return centred / (centred.square().mean() + 1e-5).sqrt()


def slow_logits(network: Transformer, parameters: Tensor, tokens: list[int]) -> Tensor:
    """Logits [T, V] of one network on one sequence, tick by tick and head by head."""
    matrices, at = [], 0
    for rows, columns in network.shapes:
        matrices.append(parameters[at : at + rows * columns].view(rows, columns))
        at += rows * columns
    assert at == len(parameters)
    embedding, positions, *blocks, head = matrices
    states = [embedding[token] + positions[t] for t, token in enumerate(tokens)]
    size = network.width // network.heads
    for block in range(network.layers):
        qkv, out, up, down = blocks[4 * block : 4 * block + 4]
        projections = [normed(state) @ qkv for state in states]
        queries, keys, values = (
            [
                projection[part * network.width : (part + 1) * network.width]
                for projection in projections
            ]
            for part in range(3)
        )
        for t in range(len(tokens)):
            mixed = []
            for h in range(network.heads):
                head_slice = slice(h * size, (h + 1) * size)
                scores = [
                    queries[t][head_slice] @ keys[u][head_slice] / math.sqrt(size)
                    for u in range(t + 1)
                ]
                shares = torch.softmax(torch.stack(scores), dim=0)
                mixed.append(sum(shares[u] * values[u][head_slice] for u in range(t + 1)))
            states[t] = states[t] + torch.cat(mixed) @ out  # type: ignore[arg-type]
        states = [state + (normed(state) @ up).relu() @ down for state in states]
    return torch.stack([normed(state) @ head for state in states])


def in_time(sequences: Tensor) -> Tensor:
    """[R, M, T] -> [R, T·M, 1]."""
    return sequences.transpose(1, 2).flatten(1).unsqueeze(2)


def some(networks: int, sequences: int, network: Transformer = NETWORK) -> tuple[Tensor, Tensor]:
    parameters = torch.from_numpy(np.stack([drawn(seed, network) for seed in range(networks)]))
    generator = torch.Generator().manual_seed(3)
    shape = (networks, sequences, network.ticks)
    return parameters, torch.randint(network.vocabulary, shape, generator=generator)


def test_logits_and_gradient_are_those_of_a_slow_transformer() -> None:
    parameters, tokens = some(networks=3, sequences=4)
    single_leaf = parameters.clone().requires_grad_()
    outputs = NETWORK(single_leaf, in_time(tokens))
    weight = torch.randn(outputs.shape)
    (gradient,) = torch.autograd.grad((outputs * weight).sum(), single_leaf)
    leaf = parameters.double().requires_grad_()
    slow = torch.stack(
        [
            torch.stack([slow_logits(NETWORK, leaf[r], row.tolist()) for row in tokens[r]])
            for r in range(3)
        ]
    )
    expected = slow.transpose(1, 2).flatten(1, 2)
    torch.testing.assert_close(outputs.double(), expected, rtol=1e-4, atol=1e-4)
    (slow_gradient,) = torch.autograd.grad((expected * weight.double()).sum(), leaf)
    torch.testing.assert_close(gradient.double(), slow_gradient, rtol=1e-3, atol=1e-3)


def test_a_tick_knows_nothing_of_later_ones_and_something_of_all_before() -> None:
    parameters, tokens = some(networks=1, sequences=1)
    before = NETWORK(parameters, in_time(tokens))[0]
    for changed in range(NETWORK.ticks):
        other = tokens.clone()
        other[0, 0, changed] = (other[0, 0, changed] + 1) % VOCABULARY
        after = NETWORK(parameters, in_time(other))[0]
        torch.testing.assert_close(after[:changed], before[:changed], rtol=0, atol=0)
        assert (after[changed:] != before[changed:]).any(1).all()


def test_a_decoder_says_what_the_whole_pass_says() -> None:
    parameters, tokens = some(networks=2, sequences=5)
    decoder = Decoder(NETWORK, parameters, sequences=5)
    by_ticks = torch.stack([decoder.read(tokens[:, :, t]) for t in range(NETWORK.ticks)], dim=1)
    full_pass = NETWORK(parameters, in_time(tokens)).unflatten(1, (NETWORK.ticks, 5))
    torch.testing.assert_close(by_ticks, full_pass, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("width", [6, 32, 33])
@pytest.mark.parametrize("sequences", [1, 5, 32])
def test_a_network_has_the_same_bits_alone_and_among_others(width: int, sequences: int) -> None:
    heads = 3 if width == 33 else 2
    network = Transformer(vocabulary=7, ticks=9, width=width, layers=2, heads=heads)
    parameters, tokens = some(10, sequences, network)
    weight = torch.randn(10, network.ticks * sequences, 7)

    def passed(group: list[int]) -> tuple[Tensor, Tensor]:
        leaf = parameters[group].requires_grad_()
        outputs = network(leaf, in_time(tokens[group]))
        (gradient,) = torch.autograd.grad((outputs * weight[group]).sum(), leaf)
        return outputs, gradient

    all_outputs, gradient = passed(list(range(10)))
    decoded = Decoder(network, parameters, sequences).read(tokens[:, :, 0])
    for group in ([4], [7, 2], [6, 5, 4, 3, 2, 1, 0]):
        outputs, group_gradient = passed(group)
        assert torch.equal(outputs, all_outputs[group])
        assert torch.equal(group_gradient, gradient[group])
        decoded_alone = Decoder(network, parameters[group], sequences).read(tokens[group][:, :, 0])
        assert torch.equal(decoded_alone, decoded[group])


def test_products_and_their_gradients_are_torch_s() -> None:
    left, right = torch.randn(3, 4, 5, requires_grad=True), torch.randn(3, 5, 2, requires_grad=True)
    ours, theirs = product(left, right), torch.bmm(left, right)
    torch.testing.assert_close(ours, theirs)
    weight = torch.randn(3, 4, 2)
    for a, b in zip(
        torch.autograd.grad(ours, (left, right), weight),
        torch.autograd.grad(theirs, (left, right), weight),
        strict=True,
    ):
        torch.testing.assert_close(a, b)


def test_nothing_is_kept_for_a_gradient_that_nobody_wants() -> None:
    parameters, tokens = some(networks=1, sequences=2)
    with torch.no_grad():
        assert not NETWORK(parameters, in_time(tokens)).requires_grad


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"width": 5}, "width 5 is no multiple of 2 heads"),
        ({"ticks": 65}, "1 to 64, not 65"),
        ({"ticks": 0}, "1 to 64, not 0"),
    ],
)
def test_a_layout_that_cannot_be_is_refused(changes: dict[str, int], message: str) -> None:
    layout = {"vocabulary": 4, "ticks": 4, "width": 4, "layers": 1, "heads": 2, **changes}
    with pytest.raises(ValueError, match=message):
        Transformer(**layout)
