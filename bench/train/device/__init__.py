"""Training where the environments are tensors too: on a GPU nothing waits for the host."""
