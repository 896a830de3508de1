"""From result frames to honest statistics: scores, curves, tests, tables and figures.

Everything here is a pure function of the frames that the store hands over (see `bench.store`);
nothing trains and nothing imports torch. The order in which the data flows:

    runs, episodes ──> measures ──> verdicts ──> findings ──> pages, export, figures ──> report

`statistics` holds the mathematics and the measured coverage of intervals, `measures` the scores and
curves, `findings` the one way from a view to verdicts and tables.
"""
