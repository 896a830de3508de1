"""Small results of any shape in a store, and what their reports say."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pypdfium2 as pdfium
import pytest

from bench.cli.app import main
from bench.store import Store
from bench.train import provenance

NOON = datetime.datetime(2026, 1, 2, 12, tzinfo=datetime.UTC)
BUDGET = 1_000


def rising(variant: int, seed: int) -> float:
    """A score: later variants earn more, seeds differ a little."""
    return 100.0 * (variant + 1) + 3.0 * ((seed * 7) % 5)


@dataclass(frozen=True, kw_only=True)
class SyntheticAblation:
    """An ablation's results.

    Attributes:
        variants: titles; the first is the control.
        names: of the variants, by their place.
        environments: ids.
        seeds: of every cell.
        score: of the place of a variant and a seed.
        missing: (environment, place of the variant) without runs.
        diverged: (place of the variant, seed) that diverged half way.
        algorithms: of the variants; the last serves those beyond.
        digests: of the code, by seed; the last serves those beyond.
        meanings: of the hyperparameter, by variant; the last serves those beyond.
        page: the kind of its page.
    """

    name: str = "made"
    title: str = "Made up"
    question: str = "Does it help?"
    variants: Sequence[str] = ("without", "with")
    names: Callable[[int], str] = "variant_{}".format
    environments: Sequence[str] = ("Hopper-v5", "Walker2d-v5")
    seeds: int = 10
    score: Callable[[int, int], float] = rising
    missing: Collection[tuple[str, int]] = ()
    diverged: Collection[tuple[int, int]] = ()
    algorithms: Sequence[str] = ("vanilla_policy_gradient", "baseline")
    digests: Sequence[str] = ("0123456789abcdef",)
    meanings: Sequence[str] = ("how wide",)
    page: str = "curves"


def write(folder: Path, ablation: SyntheticAblation) -> Path:
    """Write the plan and the runs into the store in `folder`."""
    store = Store(folder)
    rows = [
        {
            "ablation": ablation.name,
            "title": ablation.title,
            "question": ablation.question,
            "created": NOON,
            "control": ablation.names(0),
            "variant": ablation.names(place),
            "variant_title": title,
            "variant_order": place,
            "environment": environment,
            "environment_order": order,
            "description": f"{ablation.name}-{order}-{place}",
            "budget": BUDGET,
            "algorithm": ablation.algorithms[min(place, len(ablation.algorithms) - 1)],
            "differs": json.dumps({"width": place}),
            "metadata": json.dumps(
                {
                    "title": "An algorithm",
                    "equation": "Σ R ∇log p",
                    "source": "algorithms/some_file.py",
                    "mechanism": ["kl_mean", "gradient_variance"],
                    "page": ablation.page,
                    "hyperparameters": {
                        "width": {
                            "default": 0,
                            "meaning": ablation.meanings[min(place, len(ablation.meanings) - 1)],
                            "unit": "units",
                        }
                    },
                }
            ),
        }
        for order, environment in enumerate(ablation.environments)
        for place, title in enumerate(ablation.variants)
    ]
    store.write_plan(rows)
    for row in rows:
        place = int(str(row["variant_order"]))
        if (row["environment"], place) in ablation.missing:
            continue
        for seed in range(ablation.seeds):
            _write_run(store, row, seed, ablation)
    return folder


def _write_run(
    store: Store, row: dict[str, object], seed: int, ablation: SyntheticAblation
) -> None:
    place = int(str(row["variant_order"]))
    diverged = (place, seed) in ablation.diverged
    episode_ends = np.arange(1, 21) * BUDGET // 20
    returns = ablation.score(place, seed) * np.minimum(1.0, np.arange(1, 21) / 10)
    updates = np.arange(5)
    store.write_run(
        {
            "run": f"{int(str(row['environment_order'])):04x}{place:06x}{seed:06x}",
            "description": row["description"],
            "algorithm": row["algorithm"],
            "environment": row["environment"],
            "seed": seed,
            "budget": BUDGET,
            "hyperparameters": json.dumps({"width": place, "slots": 4, "epochs": 1 + place}),
            "canonical": "{}",
            "back_end": "envpool",
            "device": "cpu",
            "evaluation": "training episodes: sampled actions, raw rewards",
            "status": "diverged" if diverged else "finished",
            "reason": "the numbers are not finite" if diverged else None,
            "diverged_at": BUDGET // 2 if diverged else None,
            "steps": BUDGET,
            "episodes": len(episode_ends),
            "updates": len(updates),
            "seconds": BUDGET / 1000,
            "group_size": ablation.seeds,
            "threads": 1,
            "started": NOON,
            "digest": ablation.digests[min(seed, len(ablation.digests) - 1)],
            "versions": json.dumps({"torch": "2.13.0", "mujoco": "4.0.0"}),
            "machine": "{}",
        },
        {
            "step": episode_ends,
            "return": returns,
            "length": np.diff(episode_ends, prepend=0),
            "seconds": episode_ends / 1000,
        },
        {
            "update": updates,
            "step": (updates + 1) * BUDGET // len(updates),
            "seconds": (updates + 1) / len(updates),
            "kl_mean": 0.01 * (1.0 + updates + seed),
            "gradient_variance": 5.0 / (1.0 + updates + place),
        },
        None,
    )


def report(results: Path, output: Path, *arguments: str, processes: int = 1) -> int:
    """Write the report of the made ablation, or of all of them in so many processes."""
    selection = [] if "--all" in arguments else ["--ablation", "made"]
    options = [argument for argument in arguments if argument != "--all"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(provenance, "cores", lambda: processes)
        return main(
            ["report", *selection, "--results", str(results), "--output", str(output), *options]
        )


def read(path: Path) -> str:
    """The text of a PDF without any space: where lines break does not matter."""
    return squeezed(" ".join(map(text_of, pages(path))))


def read_all(path: Path) -> str:
    """The text of a report and of its supplement, without any space."""
    return read(path) + read(path.with_name(f"{path.stem}-supplement.pdf"))


def pages(path: Path) -> list[pdfium.PdfPage]:
    return list(pdfium.PdfDocument(path.read_bytes()))


def text_of(page: pdfium.PdfPage) -> str:
    return page.get_textpage().get_text_range()


def squeezed(text: str) -> str:
    return "".join(text.replace("\u200b", "").split())
