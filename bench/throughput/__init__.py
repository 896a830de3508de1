"""How fast training is: beside the bare physics, and beside others on the same machine."""
