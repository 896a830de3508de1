"""Measures of runs: scores, learning curves, times, KL, and their common scale."""
