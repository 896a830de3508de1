"""The command line: one file a verb. What a verb needs is imported when it is used."""
