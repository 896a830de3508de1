"""Training: environments, rollouts, the trainer of one group of seeds, the runner of a plan."""
