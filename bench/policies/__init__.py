"""Trained policies: kept as files, evaluated, watched."""
