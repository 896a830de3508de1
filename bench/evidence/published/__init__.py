"""What others have published: facts as CSV files, each with a module that reads and explains it.

    figure_3     the six curves of Figure 3 of the PPO paper at their end, digitised
    table_1      the eleven surrogate objectives of its Table 1, exact
    returns_1m   returns at 1M steps from public benchmarks

Whoever prints one of these numbers prints its source, its environment version and its metric too:
they differ from one source to the next, and from this suite's own.
"""
