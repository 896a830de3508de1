"""Policies that don't learn: the reference points of scores."""
