"""Claims of the literature, by name, and what would support or contradict them. No results."""

from __future__ import annotations

import importlib

from ablations import ABLATIONS
from ablations.claims import answers, clip, code_level, rivals
from ablations.claims.claim import Claim
from ablations.spec import Ablation

CLAIMS: dict[str, Claim] = {
    claim.name: claim for topic in (rivals, clip, code_level, answers) for claim in topic.CLAIMS
}


def ablation_of(claim: Claim) -> Ablation:
    """Return the ablation that the claim is about, with or without results."""
    module, name = ABLATIONS[claim.ablation].split(":")
    ablation: Ablation = getattr(importlib.import_module(module), name)
    return ablation
