"""The report: what was asked, what was found and what may be claimed, as PDF or as one HTML page.

Python computes facts (plain data) and figures (SVG); the Typst templates beside it hold prose,
mathematics and layout.

chapter      an ablation's results as facts and figures for `chapter.typ`
conclusion   what may be claimed, in one sentence
lecture      the lecture's own pictures, computed
document     one ablation, or all in the lecture's order; PDF or HTML
"""
