"""Tuning: a search over an algorithm's hyperparameters, with ordinary stored runs as trials.

`request` says what is searched and how it is named, `space` where, `scoring` what a trial is worth,
`study` keeps it with Optuna, `tuner` trains, `winner` writes the ablation that puts the best
settings to the test, `page` draws Optuna's own plots.
"""
