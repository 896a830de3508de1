"""Measure how fast training is, beside bare physics and other libraries on the same machine."""
