"""Claims of the literature, by name, and what would support or contradict them. No results."""

from __future__ import annotations

import importlib

from ablations import ABLATIONS
from ablations.claims import answers, clip, code_level, rivals
from ablations.claims.claim import Claim

CLAIMS: dict[str, Claim] = {
    claim.name: claim for topic in (rivals, clip, code_level, answers) for claim in topic.CLAIMS
}


def environments_of(claim: Claim) -> tuple[str, ...]:
    """Return the environments of the claim's ablation, with or without results."""
    module, name = ABLATIONS[claim.ablation].split(":")
    environments: tuple[str, ...] = getattr(importlib.import_module(module), name).environments
    return environments
