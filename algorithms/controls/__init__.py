"""Policies that don't learn: what every score is measured from."""
