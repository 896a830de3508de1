"""Numerics of the algorithms: networks, optimisers, running statistics, random streams."""
