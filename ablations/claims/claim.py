"""What a claim of the literature is: who made it, and the comparison that decides it here."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Expected = Literal["better", "worse", "not worse", "no difference"]


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What a claim says of the difference d between two variants of its ablation.

    d is the measure of `variant` less that of `reference`, pair by pair of common seeds. A 95%
    interval of d decides: within `claimed` it supports the claim, outside it contradicts it, and
    with one end inside and one outside, or with fewer than ten pairs, one can't tell.

    Attributes:
        variant, reference: names of variants of the claim's ablation.
        expected: what the claim says of d; `claimed` has the interval that follows from `margin`.
        margin: at least 0, in the unit of d.
        environments: some of the ablation's; empty: all of them.
        together: whether d is one mean over the environments; else the comparison is made in each
            environment, and has to hold in every one.
        measure: "score", normalised as in the report: 0 is the untrained policy, 1 the Experiment's
            PPO or, in environments that the Experiment hasn't, the ablation's control; or a column
            of the store's `updates`, its mean over the last tenth of the steps, d in the column's
            own unit. A larger value is "better", even of a KL.
    """

    variant: str
    reference: str
    expected: Expected
    margin: float = 0.0
    environments: tuple[str, ...] = ()
    together: bool = False
    measure: str = "score"

    @property
    def claimed(self) -> tuple[float, float]:
        """The open interval in which d lies by the claim."""
        return {
            "better": (self.margin, math.inf),
            "worse": (-math.inf, -self.margin),
            "not worse": (-self.margin, math.inf),
            "no difference": (-self.margin, self.margin),
        }[self.expected]


@dataclass(frozen=True, kw_only=True)
class Claim:
    """Something that a paper says, as data: written before the runs that test it.

    Attributes:
        name: unique among all claims.
        source: authors, year, arXiv number, and place in the paper.
        claim: what it says, in our own words.
        numbers: its numbers, as given there; in brackets a 95% interval, after ± a deviation.
        differs: what this suite does otherwise, which may explain another result.
        ablation: the ablation whose runs decide it; empty if a test does.
        comparisons: the comparisons of these runs that decide it.
        needs: the claim is supported if "all" or "any" of the comparisons support it; contradicted
            if any of them, or all, contradict it. Neither: one can't tell.
        decided_by: the test that decides it, FILE::NAME; empty if runs do.
    """

    name: str
    source: str
    claim: str
    numbers: Mapping[str, str] = field(default_factory=dict, hash=False)
    differs: str = ""
    ablation: str = ""
    comparisons: tuple[Comparison, ...] = ()
    needs: Literal["all", "any"] = "all"
    decided_by: str = ""
