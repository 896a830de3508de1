"""Check a request and train the runs it lacks, for the command line and Python alike."""
