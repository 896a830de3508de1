"""The ablations by name, in the lecture's order. Importing this imports nothing heavy."""

from __future__ import annotations

from collections.abc import Iterable

ABLATIONS: dict[str, str] = {
    "baseline": "ablations.baseline:ABLATION",
    "reward_to_go": "ablations.reward_to_go:ABLATION",
    "importance_sampling": "ablations.importance_sampling:ABLATION",
    "kl_penalty": "ablations.kl_penalty:ABLATION",
    "clipping": "ablations.clipping:ABLATION",
    "ladder": "ablations.ladder:ABLATION",
    "ladder_1m": "ablations.ladder_1m:ABLATION",
    "ladder_between": "ablations.ladder_between:ABLATION",
    "no_clip": "ablations.no_clip:ABLATION",
    "slots": "ablations.slots:ABLATION",
    "kl_or_clip": "ablations.kl_or_clip:ABLATION",
    "reference": "ablations.reference:ABLATION",
    "experiment": "ablations.experiment:ABLATION",
    "surrogates": "ablations.surrogates:ABLATION",
    "code_level": "ablations.code_level:ABLATION",
    "trpo_batch": "ablations.trpo_batch:ABLATION",
    "adaptive_batch": "ablations.adaptive_batch:ABLATION",
    "tuned": "ablations.tuned:ABLATION",
    "sequence": "ablations.sequence:ABLATION",
    "answer_baselines": "ablations.answer_baselines:ABLATION",
    "answer_ratios": "ablations.answer_ratios:ABLATION",
    "answer_kl": "ablations.answer_kl:ABLATION",
    "hundred_seeds": "ablations.hundred_seeds:ABLATION",
    "untrained": "ablations.untrained:ABLATION",
}


def in_order(names: Iterable[str]) -> list[str]:
    """Return names of ablations in the lecture's order, a user's own last, each once."""
    order = {name: place for place, name in enumerate(ABLATIONS)}
    return sorted({*names}, key=lambda name: (order.get(name, len(order)), name))
