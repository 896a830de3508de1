"""What does a policy earn before it has learned anything? The zero of normalised scores."""

from __future__ import annotations

from ablations.environments import FIGURE_3
from ablations.spec import Ablation, Variant

ABLATION = Ablation(
    name="untrained",
    title="Before learning",
    question="What do the untrained policy and uniformly random actions earn?",
    environments=(*FIGURE_3, "Ant-v5"),
    variants=(
        Variant(name="untrained", title="untrained policy", algorithm="untrained"),
        Variant(name="uniform_random", title="uniformly random", algorithm="uniform_random"),
    ),
    control="untrained",
    steps=50_000,
)
