"""Do the details of an implementation buy more than the clip?

Engstrom et al. 2020 (arXiv 2005.12729) find that they do. With the clip: every detail, none, and
each left out by itself; without the clip: every detail, and none. The value clip is in units of
scaled rewards and holds V still where they aren't scaled, so the scaling is left out once more
without it. Step size, slots, epochs and the rest stay the PPO paper's in all variants, unsearched.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from ablations.spec import Ablation, Variant

STEPS = 1_000_000
DETAILS: Mapping[str, tuple[str, Mapping[str, object], Mapping[str, object]]] = {
    "observation_normalization": (
        "observations normalised",
        {"observation_normalization": True},
        {"observation_normalization": False},
    ),
    "reward_scaling": (
        "rewards scaled",
        {"reward_normalization": True},
        {"reward_normalization": False},
    ),
    "value_clip": ("value clip", {"value_clip": 0.2}, {"value_clip": math.inf}),
    "annealing": (
        "annealing",
        {"learning_rate_decay_steps": float(STEPS)},
        {"learning_rate_decay_steps": math.inf},
    ),
    "initialization": (
        "orthogonal weights, small head",
        {"initialization": "orthogonal", "policy_head_gain": 0.01},
        {"initialization": "uniform"},
    ),
    "norm_clip": ("norm clip", {"gradient_norm_clip": 0.5}, {"gradient_norm_clip": math.inf}),
    "advantage_normalization": (
        "advantages standardised",
        {"advantage_normalization": "minibatch"},
        {"advantage_normalization": "none"},
    ),
    "tanh": ("tanh, not ReLU", {"activation": "tanh"}, {"activation": "relu"}),
}
"""Detail -> its title, and the hyperparameters with it and without it."""


def _variant(
    name: str, title: str, details: set[str], *, clip: bool = True, compared_with: str = ""
) -> Variant:
    hyperparameters: dict[str, object] = {"clip_range": 0.2 if clip else math.inf}
    for detail, (_, with_detail, without_detail) in DETAILS.items():
        hyperparameters |= with_detail if detail in details else without_detail
    return Variant(
        name=name,
        title=title,
        algorithm="clipped_ppo",
        hyperparameters=hyperparameters,
        compared_with=compared_with,
    )


_ALL = set(DETAILS)

ABLATION = Ablation(
    name="code_level",
    title="Whether implementation matters",
    question="Do the details of an implementation buy more than the clip?",
    environments=("Hopper-v5", "Walker2d-v5"),
    variants=(
        _variant("everything", "every detail", _ALL),
        *(
            _variant(f"without_{detail}", f"without: {title}", _ALL - {detail})
            for detail, (title, _, _) in DETAILS.items()
        ),
        _variant(
            "without_reward_scaling_and_value_clip",
            "without: rewards scaled, value clip",
            _ALL - {"reward_scaling", "value_clip"},
            compared_with="without_value_clip",
        ),
        _variant("nothing", "no detail", set()),
        _variant("no_clip_everything", "no clip, every detail", _ALL, clip=False),
        _variant(
            "no_clip_nothing", "no clip, no detail", set(), clip=False, compared_with="nothing"
        ),
    ),
    control="everything",
    steps=STEPS,
    mechanism=("kl_mean", "clip_fraction", "gradient_norm", "explained_variance"),
)
