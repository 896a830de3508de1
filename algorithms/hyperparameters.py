"""How a hyperparameter is declared: once, with its meaning, unit, range and source.

Every algorithm has one frozen keyword-only dataclass whose fields are made by
`hyperparameter`. The command line, the Parquet metadata, search ranges and the report's
table all derive from these declarations. The classes here hold what several algorithms
share; they hold declarations only, never behaviour of an algorithm.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

ANDRYCHOWICZ = "Andrychowicz et al. 2021, arXiv 2006.05990"
BASELINES = "openai/baselines ppo2, MuJoCo defaults"
ADAM_EPSILON = BASELINES + ": the number; in torch's formula, as in Stable-Baselines3"
PAPER = "Schulman et al. 2017, arXiv 1707.06347, Table 3"
PAPER_TEXT = "Schulman et al. 2017, arXiv 1707.06347, section 6.1"
DAPO = "Yu et al. 2025, arXiv 2503.14476"


def hyperparameter(
    default: Any,
    meaning: str,
    *,
    unit: str = "",
    low: float | None = None,
    high: float | None = None,
    choices: Sequence[object] | None = None,
    part_of: str = "",
    source: str = "",
    before: Any = dataclasses.MISSING,
) -> Any:
    """A dataclass field that carries its own documentation.

    Args:
        default: the value where the user names none.
        meaning: one line that says what it does.
        unit: the value's unit; empty for a pure number.
        low, high: the allowed range, both ends included; `None` for no bound.
        choices: the allowed values, where there are few.
        part_of: the attribute that the value can't exceed, as a minibatch can't its batch.
        source: where the default comes from.
        before: for a hyperparameter declared after runs were stored, the value that acts as if it
            did not exist. Runs with this value keep their identity.
    """
    return dataclasses.field(
        default=default,
        metadata={
            "meaning": meaning,
            "unit": unit,
            "low": low,
            "high": high,
            "choices": tuple(choices) if choices is not None else None,
            "source": source,
            **({} if before is dataclasses.MISSING else {"before": before}),
            **({"part_of": part_of} if part_of else {}),
        },
    )


def redeclared(base: type, name: str, default: Any, **changes: Any) -> Any:
    """A field like another class's, with a default of its own.

    Args:
        base, name: that class and its hyperparameter.
        changes: further arguments of `hyperparameter` that differ.
    """
    metadata = {**base.__dataclass_fields__[name].metadata, **changes}  # type: ignore[attr-defined]
    return dataclasses.field(default=default, metadata=metadata)


@dataclass(frozen=True, kw_only=True)
class OptimizerHyperparameters:
    """Hyperparameters of the optimiser, shared by both ladders."""

    learning_rate: float = hyperparameter(3e-4, "Adam's step size", low=0.0, source=PAPER)
    learning_rate_decay_steps: float = hyperparameter(
        math.inf,
        "the step size falls linearly to 0 over this many steps, whatever the budget; "
        "inf keeps it constant",
        unit="steps",
        low=1.0,
        source=PAPER + ": constant",
    )
    adam_epsilon: float = hyperparameter(1e-5, "Adam's epsilon", low=0.0, source=ADAM_EPSILON)
    gradient_norm_clip: float = hyperparameter(
        0.5,
        "bound on the L2 norm of a seed's gradient; inf for none",
        low=0.0,
        source=BASELINES,
    )


@dataclass(frozen=True, kw_only=True)
class Hyperparameters(OptimizerHyperparameters):
    """Hyperparameters of all algorithms that act in steps: network, optimiser, normalisation."""

    slots: int = hyperparameter(
        8,
        "environments that one seed steps side by side",
        unit="environments",
        low=1,
        source="this project: 8 x 256 steps make the paper's 2,048",
    )
    hidden_sizes: tuple[int, ...] = hyperparameter(
        (64, 64),
        "widths of the hidden layers, actor and critic apart",
        unit="units",
        low=1,
        source=PAPER_TEXT,
    )
    initialization: str = hyperparameter(
        "orthogonal",
        "initial weights: orthogonal (gain sqrt 2, policy head 0.01, value head 1) "
        "or uniform in 1/sqrt(inputs)",
        choices=("orthogonal", "uniform"),
        source=BASELINES,
    )
    initial_log_std: float = hyperparameter(
        0.0, "log standard deviation of a continuous policy at the start", source=BASELINES
    )
    action_clipping: bool = hyperparameter(
        True,
        "the environment gets a copy of the action clipped to its bounds; "
        "log p stays that of the unclipped sample",
        source=BASELINES,
    )
    observation_normalization: bool = hyperparameter(
        True, "observations are standardised by their running mean and variance", source=BASELINES
    )
    observation_clip: float = hyperparameter(
        10.0,
        "bound on a standardised observation",
        unit="standard deviations",
        low=0.0,
        source=BASELINES,
    )
    activation: str = hyperparameter(
        "tanh",
        "activation function of the hidden layers",
        choices=("tanh", "relu"),
        source=PAPER_TEXT,
        before="tanh",
    )
    policy_head_gain: float = hyperparameter(
        0.01,
        "gain of the policy's last layer with orthogonal initial weights",
        low=0.0,
        source=BASELINES,
        before=0.01,
    )
    staggered_start: bool = hyperparameter(
        False,
        "the first episodes of a seed's slots are cut so that their ends are spread evenly over "
        "the time limit; they are not recorded",
        source="this project: without it slots of a fixed length end together",
        before=False,
    )


@dataclass(frozen=True, kw_only=True)
class TrajectoryHyperparameters(Hyperparameters):
    """Estimators over complete trajectories: every slot plays one episode per batch, then idles."""

    slots: int = hyperparameter(
        16,
        "N, the trajectories of one batch: each slot plays one episode, then idles",
        unit="trajectories",
        low=2,
        source="this project",
    )
    learning_rate: float = hyperparameter(
        3e-3,
        "Adam's step size; larger than PPO's because a batch makes one step only",
        low=0.0,
        source="this project: docs/hyperparameters.md",
    )
    gradient_norm_clip: float = hyperparameter(
        math.inf,
        "bound on the L2 norm of a seed's gradient; inf for none",
        low=0.0,
        source="the lecture has none",
    )


@dataclass(frozen=True, kw_only=True)
class CriticHyperparameters(Hyperparameters):
    """A critic and the generalised advantage estimate."""

    batch_steps: int = hyperparameter(
        2048,
        "steps a seed collects for one update, over all its slots",
        unit="environment steps",
        low=1,
        source=PAPER,
    )
    discount: float = hyperparameter(0.99, "γ", low=0.0, high=1.0, source=PAPER)
    gae_lambda: float = hyperparameter(
        0.95, "λ of the generalised advantage estimate", low=0.0, high=1.0, source=PAPER
    )
    reward_normalization: bool = hyperparameter(
        True,
        "rewards are divided by the running standard deviation of the discounted return",
        source=BASELINES + ", whose scale moves at every step; here one scale a batch",
    )
    reward_clip: float = hyperparameter(
        10.0, "bound on a normalised reward", low=0.0, source=BASELINES
    )
    raw_reward_clip: float = hyperparameter(
        math.inf,
        "bound on a raw reward, before it is normalised; inf for none",
        unit="reward",
        low=0.0,
        source="Mnih et al. 2013, arXiv 1312.5602: 1 on Atari; MuJoCo: none",
        before=math.inf,
    )
    value_normalization: bool = hyperparameter(
        False,
        "the critic learns returns standardised by their running mean and deviation",
        source=ANDRYCHOWICZ + ", value function normalization",
        before=False,
    )
    advantage_normalization: str = hyperparameter(
        "minibatch",
        "advantages are standardised over this set of samples",
        choices=("none", "batch", "minibatch"),
        source=BASELINES,
    )


@dataclass(frozen=True, kw_only=True)
class CriticRegression:
    """A critic that is fitted apart from the policy, after the policy's step."""

    critic_learning_rate: float = hyperparameter(
        1e-3,
        "Adam's step size for the critic",
        low=0.0,
        source="openai/spinningup vpg, which makes 80 steps on the whole batch",
    )
    critic_epochs: int = hyperparameter(
        10, "passes of the critic over a batch", unit="epochs", low=1, source="as PPO's epochs"
    )
    critic_minibatch: int = hyperparameter(
        256,
        "samples of one step of the critic",
        unit="samples",
        low=1,
        part_of="batch_steps",
        source="this project: fewer, larger steps than PPO's 64, for speed",
    )


@dataclass(frozen=True, kw_only=True)
class SurrogateHyperparameters(CriticHyperparameters):
    """Several epochs of minibatch steps on one batch, actor and critic at once."""

    epochs: int = hyperparameter(10, "passes over a batch", unit="epochs", low=1, source=PAPER)
    minibatch: int = hyperparameter(
        64,
        "samples of one gradient step",
        unit="samples",
        low=2,
        part_of="batch_steps",
        source=PAPER,
    )
    separate_optimizers: bool = hyperparameter(
        False,
        "policy and critic step separately, each with its own step size and bounded gradient norm",
        source="Engstrom et al. 2020, arXiv 2005.12729, appendix: two step sizes",
        before=False,
    )
    critic_learning_rate: float = hyperparameter(
        3e-4,
        "Adam's step size for the critic with separate optimizers",
        low=0.0,
        source="as the policy's",
        before=3e-4,
    )
    value_coefficient: float = hyperparameter(
        0.5,
        "weight of the value loss (V - target)² / 2",
        low=0.0,
        source=BASELINES + ", which halves the square too",
    )
    value_clip: float = hyperparameter(
        math.inf,
        "the value may move this far from its old prediction before the loss stops "
        "rewarding it; inf for no clip",
        low=0.0,
        source=ANDRYCHOWICZ + ": no clip does better; " + BASELINES + ": 0.2",
    )
    entropy_coefficient: float = hyperparameter(
        0.0, "weight of the entropy bonus", low=0.0, source=PAPER_TEXT + ": none"
    )


@dataclass(frozen=True, kw_only=True)
class ClipHyperparameters:
    """How far ρ may leave 1, shared by both ladders."""

    clip_range: float = hyperparameter(
        0.2,
        "ε: how far ρ may leave 1 before it gains nothing; inf for no clip",
        low=0.0,
        source=PAPER_TEXT,
    )
    clip_range_above: float | None = hyperparameter(
        None,
        "how far ρ may rise above 1 before it gains nothing, if not as far as it may fall below; "
        "none for ε",
        low=0.0,
        source=PAPER_TEXT + ": ε; " + DAPO + ", section 3.1: 0.28 beside 0.2",
        before=None,
    )

    @property
    def bounds(self) -> tuple[float, float]:
        """1 − ε and 1 + ε, each with its own ε."""
        above = self.clip_range if self.clip_range_above is None else self.clip_range_above
        return 1 - self.clip_range, 1 + above


@dataclass(frozen=True, kw_only=True)
class PenaltyHyperparameters:
    """The penalty for leaving the old policy, and how it adapts, shared by both ladders."""

    beta: float = hyperparameter(
        1.0,
        "β, the weight of the KL to the old policy (its first value where adaptive)",
        low=0.0,
        source=PAPER_TEXT + ", Table 1: adaptive from 1; fixed 0.3, 1, 3, 10",
    )
    adaptive: bool = hyperparameter(
        True, "β is doubled or halved after an update", source="section 4 of the PPO paper"
    )
    kl_target: float = hyperparameter(
        0.01,
        "d_targ, the KL an update should make",
        unit="nats",
        low=0.0,
        source="Table 1 of the PPO paper: the best of 0.003, 0.01, 0.03",
    )


def check(hyperparameters: object) -> None:
    """Raise ValueError, in one line, for a value outside what its declaration allows."""
    for field in dataclasses.fields(hyperparameters):  # type: ignore[arg-type]
        value = getattr(hyperparameters, field.name)
        low, high, choices = (field.metadata.get(key) for key in ("low", "high", "choices"))
        if choices is not None and value not in choices:
            allowed = ", ".join(map(str, choices))
            raise ValueError(f"{field.name} = {value!r}; allowed: {allowed}")
        for number in value if isinstance(value, tuple) else (value,):
            if not isinstance(number, (int, float)) or isinstance(number, bool):
                continue
            if math.isnan(number):
                raise ValueError(f"{field.name} = nan; allowed: a number")
            if (low is not None and number < low) or (high is not None and number > high):
                bounds = f"{'-inf' if low is None else low} to {'inf' if high is None else high}"
                raise ValueError(f"{field.name} = {value!r}; allowed: {bounds}")
    for field in dataclasses.fields(hyperparameters):  # type: ignore[arg-type]
        value, part_of = getattr(hyperparameters, field.name), field.metadata.get("part_of")
        # A batch of whole trajectories has no declared `batch_steps`: any minibatch fits.
        if part_of and value > getattr(hyperparameters, part_of, math.inf):
            raise ValueError(
                f"{field.name} = {value!r} is more than {part_of} = "
                f"{getattr(hyperparameters, part_of)!r}, which it is taken from"
            )
