"""The ladder on whole answers: a causal network emits tokens, a reward scores the whole answer."""
