"""The tables beside the Experiment, Figure 3 of the PPO paper, one idea per file.

beside_figure_3   our scores beside the digitised ones, and the share of their gain reached
beside_sources    PPO, TRPO and A2C beside what public benchmarks report
aggregates        each algorithm over all environments, on a common scale
page              all of them as Markdown
"""
