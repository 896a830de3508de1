"""From result frames to honest statistics: scores, curves, tests, tables and figures.

Everything here is a pure function of the frames that the store hands over (see `bench.store`);
nothing trains and nothing imports torch. The order in which the data flows:

    runs, episodes ──> scores ──> verdicts ──> tables ──> terminal, Markdown, report
                  └──> curves ──> figures

`statistics` holds the mathematics, `coverage` what the intervals are worth at few seeds.
"""
