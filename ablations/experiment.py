"""How does PPO compare with its rivals? Figure 3 of the PPO paper (arXiv 1707.06347)."""

from __future__ import annotations

from ablations.environments import FIGURE_3
from ablations.spec import Ablation, Variant

ABLATION = Ablation(
    name="experiment",
    title="The Experiment",
    question="How does clipped PPO compare with its rivals on the seven MuJoCo tasks of the "
    "PPO paper's Figure 3?",
    environments=FIGURE_3,
    variants=(
        Variant(name="a2c", title="A2C", algorithm="a2c"),
        Variant(name="a2c_trust_region", title="A2C + Trust Region", algorithm="a2c_trust_region"),
        Variant(name="cem", title="CEM", algorithm="cem"),
        Variant(name="clipped_ppo", title="PPO (Clip)", algorithm="clipped_ppo"),
        Variant(
            name="adaptive_policy_gradient",
            title="Vanilla PG, Adaptive",
            algorithm="adaptive_policy_gradient",
        ),
        Variant(name="trpo", title="TRPO", algorithm="trpo"),
    ),
    control="clipped_ppo",
    steps=1_000_000,
    page="figure_3",
    mechanism=("kl_mean", "explained_variance", "entropy"),
)
