"""Claims of the literature, by name, and what would support or contradict them. No results."""

from __future__ import annotations

from ablations.claims import answers, clip, code_level, rivals
from ablations.claims.claim import Claim

CLAIMS: dict[str, Claim] = {
    claim.name: claim for topic in (rivals, clip, code_level, answers) for claim in topic.CLAIMS
}
