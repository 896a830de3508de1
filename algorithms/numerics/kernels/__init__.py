"""Compiled computations of one seed: plain loops over flat arrays."""
