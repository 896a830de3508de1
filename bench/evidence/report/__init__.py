"""The report, for a student who has seen the lecture and for a researcher: PDF or HTML pages.

Python computes facts (plain data) and figures (SVG); the Typst templates beside it hold prose,
mathematics and layout.

steps        the lecture's steps in its order, each with the results of the ladder's rungs
chapter      one ablation as facts and figures
words        what happened and why, in sentences of verdicts and diagnostics
settings     all hyperparameters in which two variants differ
excerpts     the lines of code behind an idea, from the algorithms' files
lecture      importance sampling of distant distributions; pictures: all pictures of the lecture
supplement   every statistic (tables), hyperparameters, provenance, run ids
building     from a results folder to the files of a report; document: compiles them
processes    a `map` that several processes share
"""
