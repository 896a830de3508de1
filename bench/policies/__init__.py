"""Trained policies: loading, evaluation, playback, video."""
