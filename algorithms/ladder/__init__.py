"""The lecture, one idea per file: the diff between neighbours is the idea."""
