"""The algorithms that the PPO paper compares its own with in Figure 3 (arXiv 1707.06347)."""
