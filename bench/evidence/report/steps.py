"""The steps of Hung-yi Lee's lecture on PPO (National Taiwan University, 2018), in its order.

Slides: speech.ee.ntu.edu.tw/~tlkagk/courses/MLDS_2018/Lecture/PPO (v3).pdf. Each step comes with
the results of the ladder's rungs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from bench.evidence.measures.cells import paired_differences
from bench.evidence.measures.diagnostics import first_values, typical_values
from bench.evidence.report.excerpts import excerpt
from bench.evidence.report.settings import differences, hyperparameters, reference_of
from bench.evidence.report.words import Mechanism, gained, reason
from bench.evidence.results import Results
from bench.evidence.statistics.claimable import ALPHA
from bench.evidence.statistics.significance import sign_flip_test
from bench.evidence.verdicts import return_text

LADDERS: Final = ("ladder", "ladder_1m")
"""The ablations with the lecture's rungs, the longest budget last."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step of the lecture.

    Attributes:
        key: name of its page and of its picture's place in the template.
        rungs: variants of the ladders that take this step.
        code: the idea in code: a file and functions in it.
        mechanisms: the diagnostics that explain the step's effect.
        ablation: name of the ablation that studies this step alone.
        shows_diagnostic: whether that ablation's first diagnostic is drawn, as no other picture
            shows it.
    """

    key: str
    title: str
    rungs: tuple[str, ...]
    code: tuple[tuple[str, ...], ...]
    mechanisms: tuple[Mechanism, ...] = ()
    ablation: str = ""
    shows_diagnostic: bool = False


_NOISE: Final = Mechanism(
    # A variance would grow with the scale of the weights, which is no noise.
    column="gradient_signal_to_noise",
    name="the first batch's ratio of gradient signal to noise, where both have the same policy,",
    more="the same data give a steadier direction",
    less="the same data give a noisier direction",
    first=True,
)
_MOVE: Final = Mechanism(
    column="kl_mean",
    name="the mean KL by which one batch moves the policy",
    more="a batch changes the behaviour more",
    less="a batch changes the behaviour less, and what was sampled stays valid for it",
)
_SHARE: Final = Mechanism(
    column="effective_sample_size",
    name="the effective share of a batch after its last step",
    more="most of the batch still counts",
    less="a few samples with large weights drown the rest",
)

STEPS: Final = (
    Step(
        key="policy-gradient",
        title="Policy gradient",
        rungs=("vanilla",),
        code=(("algorithms/ladder/vanilla_policy_gradient.py", "credit", "update"),),
    ),
    Step(
        key="baseline",
        title="Tip 1: a baseline",
        rungs=("baseline",),
        code=(("algorithms/baselines.py", "batch_mean", "step_with_baseline"),),
        mechanisms=(_NOISE,),
        ablation="baseline",
    ),
    Step(
        key="credit",
        title="Tip 2: suitable credit",
        rungs=("reward_to_go", "discount"),
        code=(
            ("algorithms/ladder/reward_to_go.py", "credit"),
            ("algorithms/returns.py", "reward_to_go"),
        ),
        mechanisms=(_NOISE,),
        ablation="reward_to_go",
    ),
    Step(
        key="advantage",
        title="The advantage, from a critic",
        rungs=("advantage",),
        code=(
            ("algorithms/returns.py", "generalized_advantage"),
            ("algorithms/ladder/advantage.py", "weights"),
        ),
        mechanisms=(_MOVE,),
        ablation="ladder_between",
    ),
    Step(
        key="off-policy",
        title="From on-policy to off-policy: importance sampling",
        rungs=("importance_sampling",),
        code=(("algorithms/ladder/importance_sampling.py", "objective"),),
        mechanisms=(_SHARE,),
        ablation="importance_sampling",
    ),
    Step(
        key="kl-penalty",
        title="Adding a constraint: PPO with a KL penalty",
        rungs=("kl_ppo",),
        code=(("algorithms/ladder/kl_ppo.py", "objective", "adapted"),),
        mechanisms=(_MOVE, _SHARE),
        ablation="kl_penalty",
        shows_diagnostic=True,
    ),
    Step(
        key="clip",
        title="PPO2: the clip",
        rungs=("clipped_ppo",),
        code=(("algorithms/ladder/clipped_ppo.py", "objective", "slope"),),
        mechanisms=(_MOVE, _SHARE),
        ablation="clipping",
        shows_diagnostic=True,
    ),
)


def step_facts(step: Step) -> dict[str, Any]:
    """A step as facts for the template: those that need no results."""
    return {
        "key": step.key,
        "title": step.title,
        "rungs": list(step.rungs),
        "ablation": step.ablation,
        "code": [excerpt(*location) for location in step.code],
    }


def rungs(results: Results) -> dict[str, Any]:
    """A ladder's rungs as facts: rung -> what it is compared with, what it gained and why.

    Args:
        results: of one of `LADDERS`.
    """
    values = hyperparameters(results)
    facts = {}
    for step in STEPS:
        for rung in step.rungs:
            if rung not in results.titles:
                continue
            before = reference_of(results, rung)
            facts[rung] = {
                "title": results.titles[rung],
                "before": "" if rung == before else results.titles[before],
                "gained": _start(results, rung)
                if rung == before
                else gained([verdict for verdict in results.verdicts if verdict.variant == rung]),
                "reasons": [] if rung == before else _reasons(results, step, rung, before),
                **asdict(differences(values[rung], values[before])),
            }
    return facts


def pictures(results: Results, draw: Callable[..., str]) -> dict[str, str]:
    """Curves of each step's rungs and of the one before them: key of the step -> file.

    Args:
        results: of one of `LADDERS`.
        draw: the chapter's `Drawer`.
    """
    files = {}
    for step in STEPS:
        step_rungs = [rung for rung in step.rungs if rung in results.titles]
        before = [reference_of(results, rung) for rung in step_rungs if rung != results.control]
        if before:
            files[step.key] = draw("curves", step.key, variants=(*before, *step_rungs), strip=False)
    return files


def _start(results: Results, rung: str) -> str:
    """What the first rung earns beside the untrained policy, which is no rung and not tested."""
    parts = []
    for (environment, variant), scores in results.values.items():
        if variant == rung:
            zero = results.anchors.untrained_means.get(environment)
            untrained = "" if zero is None else f" (untrained {return_text(zero)})"
            parts.append(f"{return_text(float(scores.mean()))} on {environment}{untrained}")
    return "the start: " + ", ".join(parts)


def _reasons(results: Results, step: Step, rung: str, before: str) -> list[str]:
    """A sentence for each diagnostic of the step that both rungs have."""
    updates, sentences = results.view.updates, []
    for mechanism in step.mechanisms:
        unclear = set()
        if mechanism.first:
            seeds = first_values(updates, mechanism.column)
            medians = {cell: float(np.median([*values.values()])) for cell, values in seeds.items()}
            unclear = {
                environment
                for environment, variant in seeds
                if variant == rung and (environment, before) in seeds
                # Estimates of one batch scatter, and around 0 where there is no signal.
                if not _is_shift(seeds[environment, rung], seeds[environment, before])
            }
        else:
            frame = typical_values(updates, mechanism.column)
            medians = {(row.environment, row.variant): row.value for row in frame.itertuples()}
        values = {
            environment: (medians[environment, before], medians[environment, rung])
            for environment in dict.fromkeys(results.runs["environment"])
            if (environment, before) in medians and (environment, rung) in medians
        }
        names = results.titles[before], results.titles[rung]
        sentence = reason(mechanism, values, *names, unclear=unclear)
        sentences += [sentence] if sentence else []
    return sentences


def _is_shift(after: Mapping[int, float], before: Mapping[int, float]) -> bool:
    """Whether pairs of seeds tell the two apart, by the sign-flip test without adjustment."""
    p_value = sign_flip_test(paired_differences(after, before), np.random.default_rng(0))
    return bool(p_value <= ALPHA)
