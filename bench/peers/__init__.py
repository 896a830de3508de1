"""How fast others train on the same machine: their own loops, in environments of their own."""
