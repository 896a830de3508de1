"""The report, for a student who has seen the lecture and for a researcher: PDF or HTML pages.

Python computes facts (plain data) and figures (SVG); the Typst templates beside it hold prose,
mathematics and layout.

steps        the lecture's steps in its order, and what the ladder's rungs say of each
chapter      one ablation as facts and figures
words        what happened and why, in sentences of verdicts and diagnostics
settings     everything in which two variants differ
excerpts     the lines of code that are an idea, from the algorithms' files
lecture      importance sampling far apart, computed; pictures: all of the lecture's pictures
supplement   every statistic (tables), hyperparameters, provenance, run ids
building     from a results folder to the files of a report; document: compiles them
"""
