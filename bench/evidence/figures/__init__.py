"""Figures drawn from the evidence, one file per kind; `style` and `output` are shared by all."""
