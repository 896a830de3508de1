"""How fast others train on the same machine: their real loops, in their own environment."""
