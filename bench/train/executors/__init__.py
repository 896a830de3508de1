"""Executors, which train groups: processes of this machine, or the nodes of a Ray cluster."""
