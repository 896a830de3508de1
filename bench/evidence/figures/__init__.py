"""Figures drawn from the evidence, one file a kind; `style` and `output` are shared by all."""
