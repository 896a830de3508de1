"""The lecture, one idea a file: the diff between neighbours is the idea."""
