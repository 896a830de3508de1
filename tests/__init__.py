"""A package, so that `tests.reference` and `tests.strategies` can be imported however pytest runs.

The folders below are none, but for `tests/benchmarks`, whose files have names that others have
too: with pytest's way of importing, a folder `tests/algorithms` on the
module path is harmless, a folder `tests` there would hide the package `algorithms`.
"""
