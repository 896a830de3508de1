"""What the PPO paper compares its algorithm with in Figure 3 (arXiv 1707.06347)."""
