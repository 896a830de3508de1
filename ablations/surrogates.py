"""Which surrogate objective is the best? Table 1 of the PPO paper (arXiv 1707.06347)."""

from __future__ import annotations

from ablations.environments import FIGURE_3
from ablations.spec import Ablation, Variant

ABLATION = Ablation(
    name="surrogates",
    title="Surrogate objectives",
    question="Which surrogate objective of the PPO paper's Table 1 earns most?",
    environments=FIGURE_3,
    variants=(
        Variant(
            name="no_clip",
            title="no clipping or penalty",
            algorithm="clipped_ppo",
            hyperparameters={"clip_range": float("inf")},
        ),
        *(
            Variant(
                name=f"clip_{epsilon}",
                title=f"clipping, ε = {epsilon}",
                algorithm="clipped_ppo",
                hyperparameters={"clip_range": epsilon},
            )
            for epsilon in (0.1, 0.2, 0.3)
        ),
        *(
            Variant(
                name=f"adaptive_kl_{target}",
                title=f"adaptive KL, d_targ = {target}",
                algorithm="kl_ppo",
                hyperparameters={"adaptive": True, "kl_target": target},
            )
            for target in (0.003, 0.01, 0.03)
        ),
        *(
            Variant(
                name=f"fixed_kl_{beta:g}",
                title=f"fixed KL, β = {beta:g}",
                algorithm="kl_ppo",
                hyperparameters={"adaptive": False, "beta": beta},
            )
            for beta in (0.3, 1.0, 3.0, 10.0)
        ),
    ),
    control="clip_0.2",
    steps=1_000_000,
    page="table_1",
    mechanism=("kl_mean", "clip_fraction", "effective_sample_size"),
)
