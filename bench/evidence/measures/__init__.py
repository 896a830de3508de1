"""What is measured of runs: scores, learning curves, times, KL, and their common scale."""
