"""Table 1 of the PPO paper: the average normalised score of eleven surrogate objectives.

Source: Schulman et al. 2017, Proximal Policy Optimization Algorithms, arXiv 1707.06347, Table 1:
7 environments, 3 seeds each, 1M steps; exact. A run's score is the mean return of its last 100
episodes, shifted and scaled in each environment so that a random policy is 0 and the best result
is 1, averaged over the 21 runs. The paper states neither whether "random" is the untrained policy
or uniformly random actions, nor whether "best" is a run or a setting.
"""

from __future__ import annotations

import functools
from typing import Final

from bench.evidence.published.rows import table

SOURCE: Final = "Schulman et al. 2017, arXiv 1707.06347, Table 1"

# Setting of the table -> what the variants of the ablation `surrogates` are called before the
# value of their parameter.
_PREFIXES: Final = {"clipping": "clip", "adaptive KL": "adaptive_kl", "fixed KL": "fixed_kl"}


@functools.cache
def average_scores() -> dict[str, float]:
    """Variant of the ablation `surrogates` -> its average normalised score in the paper."""
    rows = table("table_1.csv").itertuples()
    return {
        f"{_PREFIXES[row.setting]}_{row.value}" if row.setting in _PREFIXES else "no_clip": float(
            row.average_normalised_score
        )
        for row in rows
    }
