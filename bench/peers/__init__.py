"""Time the training loops of other libraries on this machine, each installed by itself."""
