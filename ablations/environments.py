"""The environments of the PPO paper, in the order of its Figure 3."""

from __future__ import annotations

FIGURE_3 = (
    "HalfCheetah-v5",
    "Hopper-v5",
    "InvertedDoublePendulum-v5",
    "InvertedPendulum-v5",
    "Reacher-v5",
    "Swimmer-v5",
    "Walker2d-v5",
)
