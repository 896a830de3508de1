"""How far tuned policies have gone from their reference, and what that was worth.

Of runs on token environments: those whose updates tell a KL to a reference. The reward that is
trained on is a proxy; where the environment tells the gold reward that it stands for, both stand
beside what they cost in KL (Gao et al. 2023, arXiv 2210.10760).
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import pandas as pd

from bench.evidence.alignment import Floats
from bench.evidence.cells import titles
from bench.evidence.markdown import Section
from bench.evidence.scores import WINDOW_PERCENT
from bench.evidence.statistics import bootstrap_interval, estimate
from bench.evidence.verdicts import Verdict, judge_plan, return_text

_GOLD = " (gold)"
"""Set behind an environment's name, it makes the gold reward's comparisons cells of their own."""


def has_reference(updates: pd.DataFrame) -> bool:
    """Whether any run tells its KL to a reference."""
    return bool(updates["reference_kl"].notna().any())


def departures(
    runs: pd.DataFrame, episodes: pd.DataFrame, updates: pd.DataFrame, scores: pd.DataFrame
) -> pd.DataFrame:
    """What each run has reached in the last tenth of its steps, besides its score.

    Args:
        runs, episodes, updates: the store's view of an ablation.
        scores: the frame of `scores.score_runs` for these runs.

    Returns:
        The rows of `scores` whose run tells `reference_kl`, with the further columns divergence:
        KL(policy ‖ reference) of a whole answer [nats]; gold [reward], NaN where none is told; and
        penalised: score − reference_penalty · divergence, what was maximised [reward].
    """
    once = runs.drop_duplicates("run").set_index("run")
    told = per_answer(updates, episodes)
    told = told[told["divergence"].notna()].drop_duplicates(["run", "update"])
    budget = told["run"].map(once["budget"]).astype("int64")
    last = told.groupby("run", observed=True)["step"].transform("max")
    # A seed that diverged before keeps the values it had.
    late = (told["step"] * 100 > budget * (100 - WINDOW_PERCENT)) | (told["step"] == last)
    means = told[late].groupby("run", observed=True)[["divergence", "gold_reward"]].mean()
    found = scores.merge(
        means.rename(columns={"gold_reward": "gold"}), left_on="run", right_index=True
    )
    penalty = [
        float(json.loads(once.loc[run, "hyperparameters"])["reference_penalty"])
        for run in found["run"]
    ]
    found["penalised"] = found["score"] - np.array(penalty) * found["divergence"]
    return found


def per_answer(updates: pd.DataFrame, episodes: pd.DataFrame) -> pd.DataFrame:
    """The updates with the column divergence: KL(policy ‖ reference) of a whole answer [nats]."""
    length = episodes.drop_duplicates("run").set_index("run")["length"]
    lengths = updates["run"].astype(object).map(length.rename(index=str)).astype("float64")
    kl = updates["reference_kl"].astype("float64")
    gold = updates["gold_reward"].astype("float64")
    return updates.assign(
        run=updates["run"].astype(object), divergence=kl * lengths, gold_reward=gold
    )


def judge_with_gold(
    plan: pd.DataFrame, scores: pd.DataFrame, found: pd.DataFrame, *, seed: int = 0
) -> tuple[tuple[Verdict, ...], tuple[Verdict, ...], tuple[str, ...]]:
    """Verdicts on rewards and on gold rewards as one page: Holm's adjustment runs over all.

    Args:
        plan: the store's plan of the ablation.
        scores: the frame of `scores.score_runs`.
        found: of `departures`.
        seed: of the tests' sampling.

    Returns:
        The verdicts on the scores; those on the gold rewards, none where none is told; and the
        lines of `verdicts.judge_plan`.
    """
    told = found[found["gold"].notna()]
    golden = told.assign(score=told["gold"], environment=told["environment"].astype(str) + _GOLD)
    both = pd.concat([scores.assign(environment=scores["environment"].astype(str)), golden])
    verdicts, notes = judge_plan(plan, both, seed=seed)
    return (
        tuple(each for each in verdicts if not each.environment.endswith(_GOLD)),
        tuple(each for each in verdicts if each.environment.endswith(_GOLD)),
        notes,
    )


def section(
    environment: str, found: pd.DataFrame, verdicts: Sequence[Verdict] = (), *, seed: int = 0
) -> Section:
    """Rewards beside what they cost, a row a variant.

    Args:
        environment: whose rows of `found`.
        found: of `departures`.
        verdicts: on gold rewards, of `judge_with_gold`; without any the table makes no claim.
        seed: of the bootstrap.
    """
    here = found[found["environment"] == environment]
    claims = {
        each.variant: each.sentence
        for each in verdicts
        if each.environment.removesuffix(_GOLD) == environment
    }
    golden = bool(here["gold"].notna().any())
    cells = []
    for variant, title in titles(here).items():
        own = here[here["variant"] == variant]
        row = [title, str(len(own)), _centre(own["score"])]
        if golden:
            row += [_centre(own["gold"]), _interval(own["gold"], seed)]
        row += [_centre(own["divergence"]), _interval(own["divergence"], seed)]
        row.append(_centre(own["penalised"]))
        cells.append((*row, claims[variant]) if claims else tuple(row))
    gold_header = ("gold reward", "95% interval") if golden else ()
    header = (
        "variant",
        "n",
        "reward",
        *gold_header,
        "KL [nats]",
        "95% interval",
        "reward − β_ref KL",
    )
    alignment = ("left", "right", "right", *(("right", "center") if golden else ()))
    notes = [
        "Interquartile means over the seeds of what the last 10% of a seed's steps gave. KL: of "
        "policy and reference over a whole answer, summed over its tokens from their whole "
        "distributions. β_ref: the variant's own reference_penalty; reward − β_ref KL is what it "
        "maximised, and compares variants of one β_ref only."
    ]
    if golden:
        notes.append(
            "Gold reward: what the reward stands for, by a programme of the environment that "
            "nothing is trained on."
        )
    if claims:
        notes.append("Claims: on the gold reward, by the same test and the same adjustment.")
    return Section(
        heading=f"### {environment}: what the reward stands for, and what it cost",
        header=(*header, *(("claim",) if claims else ())),
        alignment=(*alignment, "right", "center", "right", *(("left",) if claims else ())),
        cells=cells,
        notes=notes,
    )


def _centre(column: pd.Series) -> str:
    values = _finite(column)
    return return_text(float(estimate(values, "iqm"))) if len(values) else "–"


def _interval(column: pd.Series, seed: int) -> str:
    values = _finite(column)
    low, high = bootstrap_interval(values, np.random.default_rng([seed, len(values)]), "iqm")
    known = np.isfinite(low)
    return f"{return_text(float(low))} to {return_text(float(high))}" if known else "–"


def _finite(column: pd.Series) -> Floats:
    values: Floats = column.to_numpy(dtype=np.float64)
    return values[np.isfinite(values)]
