"""The page that `figure --table` writes: all tables of an ablation, as Markdown."""

from __future__ import annotations

from bench.evidence import letters
from bench.evidence.findings import findings, page_of
from bench.evidence.measures.anchors import anchors_for
from bench.evidence.pages import hundred_seeds, reference_kl, table_1
from bench.evidence.pages.figure_3.page import experiment_page
from bench.store import View
from bench.store.editions import edition_note
from bench.visible import visible


def tables_as_markdown(view: View) -> str:
    """Return an ablation's tables with those of its page: Figure 3, Table 1, KL, hundred seeds.

    Args:
        view: of the ablation.

    Raises:
        InputError: there are no runs.
    """
    marked = (*edition_note(view.runs), *view.mixed)
    page, anchors = page_of(view.plan), anchors_for(view.source)
    found = findings(view, anchors=anchors)
    if page == "figure_3":
        return experiment_page(view.plan, found, anchors, notes=marked)
    title, question = (visible(view.plan[column].iloc[0]) for column in ("title", "question"))
    parts = [f"## {title}\n\n{question}\n"]
    if page == "table_1":
        rows = table_1.surrogates(view.plan, found.scores, anchors.untrained_scores)
        parts.append(table_1.section(view.plan, found.scores, rows).markdown())
    if page == "hundred_seeds":
        measured = hundred_seeds.sections(view.plan, found.scores, anchors.zeros)
        parts += [section.markdown() for section in measured]
    for table in found.tables:
        parts.append(table.markdown())
        if found.with_kl is not None:
            here = reference_kl.section(table.environment, found.with_kl, found.golden)
            parts.append(here.markdown())
    if found.letters is not None:
        parts.append(letters.section(found.letters).markdown())
    parts += [f"* {visible(note)}\n" for note in (*found.notes, *marked)]
    return "\n".join(parts)
