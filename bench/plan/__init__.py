"""Plans: an ablation turned into runs, each identified by a hash of its description."""

from bench.plan.digest import code_digest
from bench.plan.identity import Description
from bench.plan.lookup import load_ablation, load_algorithm
from bench.plan.plan import Cell, Plan, make_plan

__all__ = [
    "Cell",
    "Description",
    "Plan",
    "code_digest",
    "load_ablation",
    "load_algorithm",
    "make_plan",
]
