"""What the command line and `bench.run` show: bars, lines, places."""
