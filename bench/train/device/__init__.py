"""Training with environments that are tensors too: on a GPU nothing waits for the host."""
