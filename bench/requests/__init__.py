"""What is asked for, checked; what of it is missing, trained: for command line and Python alike."""
