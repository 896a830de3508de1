"""How much of a rung's gain is due to its idea? Two rungs, climbed one change at a time.

From reward-to-go to the advantage, and from there to importance sampling, the ladder changes
several things at once, because each rung is what people use. Here each variant changes one, from
the rung below to the rung above. What belongs together changes together: whole episodes of 16 slots
become 2,048 steps of 8, since V continues them; the critic's targets are standardised until rewards
are scaled instead; once the critic is in the same step, the step size is that of both.
"""

from __future__ import annotations

import math

from ablations.ladder_1m import ABLATION as LADDER
from ablations.spec import Ablation, Variant

SAMPLED = {"discount": 0.99}
BOOTSTRAPPED = {
    "gae_lambda": 1.0,
    "value_normalization": True,  # as a learned baseline's targets are
    "reward_normalization": False,
    "advantage_normalization": "none",
    "gradient_norm_clip": math.inf,
    "learning_rate": 3e-3,
}
WITH_LAMBDA = {**BOOTSTRAPPED, "gae_lambda": 0.95}
WITH_SCALE = {**WITH_LAMBDA, "value_normalization": False, "reward_normalization": True}
STANDARDISED = {**WITH_SCALE, "advantage_normalization": "batch"}
BOUNDED = {**STANDARDISED, "gradient_norm_clip": 0.5}
JOINT = {"epochs": 1, "minibatch": 2048, "learning_rate": 1e-2}
SMALL_STEP = {**JOINT, "learning_rate": 3e-4}
MINIBATCHES = {**SMALL_STEP, "minibatch": 64}

ABLATION = Ablation(
    name="ladder_between",
    title="Between the rungs",
    question="Which of the changes between reward-to-go, advantage and importance sampling makes "
    "the difference?",
    environments=LADDER.environments,
    variants=(
        Variant(
            name="discount",
            title="reward-to-go, γ = 0.99",
            algorithm="reward_to_go",
            hyperparameters=SAMPLED,
        ),
        Variant(
            name="learned",
            compared_with="discount",
            title="+ learned V(s)",
            algorithm="reward_to_go",
            hyperparameters={**SAMPLED, "baseline": "learned"},
        ),
        Variant(
            name="bootstrapped",
            compared_with="learned",
            title="+ 2,048 steps, continued by V",
            algorithm="advantage",
            hyperparameters=BOOTSTRAPPED,
        ),
        Variant(
            name="with_lambda",
            compared_with="bootstrapped",
            title="+ λ = 0.95",
            algorithm="advantage",
            hyperparameters=WITH_LAMBDA,
        ),
        Variant(
            name="with_scale",
            compared_with="with_lambda",
            title="+ rewards scaled, not V's targets",
            algorithm="advantage",
            hyperparameters=WITH_SCALE,
        ),
        Variant(
            name="standardised",
            compared_with="with_scale",
            title="+ advantages standardised",
            algorithm="advantage",
            hyperparameters=STANDARDISED,
        ),
        Variant(
            name="bounded",
            compared_with="standardised",
            title="+ gradient's norm bounded",
            algorithm="advantage",
            hyperparameters=BOUNDED,
        ),
        Variant(
            name="advantage",
            compared_with="bounded",
            title="+ step size 0.01 = advantage",
            algorithm="advantage",
        ),
        Variant(
            name="joint",
            compared_with="advantage",
            title="+ critic in the same step",
            algorithm="importance_sampling",
            hyperparameters=JOINT,
        ),
        Variant(
            name="small_step",
            compared_with="joint",
            title="+ step size 0.0003 for both",
            algorithm="importance_sampling",
            hyperparameters=SMALL_STEP,
        ),
        Variant(
            name="minibatches",
            compared_with="small_step",
            title="+ minibatches of 64",
            algorithm="importance_sampling",
            hyperparameters=MINIBATCHES,
        ),
        Variant(
            name="importance_sampling",
            compared_with="minibatches",
            title="+ 10 epochs = importance sampling",
            algorithm="importance_sampling",
        ),
    ),
    control="discount",
    steps=1_000_000,
    mechanism=("kl_mean", "explained_variance", "gradient_signal_to_noise"),
)
