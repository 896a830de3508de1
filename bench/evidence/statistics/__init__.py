"""Statistics over seeds, as pure functions of arrays: estimates with intervals, tests, power."""
