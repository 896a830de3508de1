"""The page that `figure --table` writes: all tables of an ablation, as Markdown."""

from __future__ import annotations

from bench.evidence import letters
from bench.evidence.findings import findings, page_of
from bench.evidence.measures.anchors import anchors_for
from bench.evidence.pages import hundred_seeds, reference_kl, table_1
from bench.evidence.pages.figure_3.page import experiment_page
from bench.store import View
from bench.visible import visible


def tables_as_markdown(view: View) -> str:
    """Return an ablation's tables with those of its page: Figure 3, Table 1, KL, hundred seeds.

    Args:
        view: of the ablation.

    Raises:
        InputError: there are no runs.
    """
    page, anchors = page_of(view.plan), anchors_for(view.source)
    ablation_findings = findings(view, anchors=anchors)
    if page == "figure_3":
        return experiment_page(view.plan, ablation_findings, anchors, notes=view.mixed)
    title, question = (visible(view.plan[column].iloc[0]) for column in ("title", "question"))
    parts = [f"## {title}\n\n{question}\n"]
    if page == "table_1":
        rows = table_1.surrogates(view.plan, ablation_findings.scores, anchors.untrained_scores)
        parts.append(table_1.section(view.plan, ablation_findings.scores, rows).markdown())
    if page == "hundred_seeds":
        sections = hundred_seeds.sections(
            view.plan, ablation_findings.scores, anchors.untrained_means
        )
        parts += [section.markdown() for section in sections]
    for table in ablation_findings.tables:
        parts.append(table.section.markdown())
        if ablation_findings.with_kl is not None:
            kl_section = reference_kl.section(
                table.environment, ablation_findings.with_kl, ablation_findings.golden
            )
            parts.append(kl_section.markdown())
    if ablation_findings.letters is not None:
        parts.append(letters.section(ablation_findings.letters).markdown())
    parts += [f"* {visible(note)}\n" for note in (*ablation_findings.notes, *view.mixed)]
    return "\n".join(parts)
