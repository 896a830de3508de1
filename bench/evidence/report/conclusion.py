"""What an ablation shows, in one sentence made of its verdicts: it claims nothing beyond them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bench.evidence.verdicts import FEWEST_PAIRS, Verdict, p_text, return_text


def conclusion(verdicts: Sequence[Verdict], titles: Mapping[str, str]) -> str:
    """The sentence.

    Args:
        verdicts: of the page.
        titles: variant -> what tables call it.
    """
    judged = [verdict for verdict in verdicts if verdict.outcome != "control"]
    if not judged:
        return "There is one variant only: nothing is compared, and nothing is claimed."
    tested = [verdict for verdict in judged if verdict.outcome != "untested"]
    if not tested:
        most = max(verdict.pairs for verdict in judged)
        return (
            f"No difference is claimed: there are at most {most} pairs of common seeds, and a "
            f"claim needs {FEWEST_PAIRS} or more."
        )
    claimed: dict[str, list[str]] = {}
    for verdict in tested:
        if verdict.outcome != "none":
            claimed.setdefault(verdict.environment, []).append(_claim(verdict, titles))
    open_ones = sum(verdict.outcome == "none" for verdict in tested)
    untested = len(judged) - len(tested)
    if claimed:
        text = "; ".join(f"on {where}, {_listed(claims)}" for where, claims in claimed.items())
        rest = f"; in the other {_comparisons(open_ones)} no difference can be claimed"
        text += rest if open_ones else ""
    else:
        text = f"No difference can be claimed in any of the {_comparisons(open_ones)} tested"
    if untested:
        text += f"; {_comparisons(untested)} could not be tested (fewer than {FEWEST_PAIRS} pairs)"
    return f"{text[0].upper()}{text[1:]}."


def _claim(verdict: Verdict, titles: Mapping[str, str]) -> str:
    title = titles.get(verdict.variant, verdict.variant)
    other = verdict.reference_title
    reference = titles.get(verdict.reference, verdict.reference)
    other = f"the control, {reference}," if other == "control" else reference
    size, p_value = return_text(abs(verdict.difference)), p_text(verdict.adjusted)
    return f"{title} is {verdict.outcome} than {other} by {size} ({p_value}, n = {verdict.pairs})"


def _listed(claims: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(claims[:-1]), claims[-1])))


def _comparisons(number: int) -> str:
    return f"{number} comparison{'' if number == 1 else 's'}"
