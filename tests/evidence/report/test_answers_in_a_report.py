"""The report of runs on a token environment: rewards beside what they cost."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

import numpy as np
import pytest
from made_results import read, squeezed
from tuned import ANSWER, BATCHES, BUDGET

from bench.cli.app import main
from bench.store import Store

NOON = datetime.datetime(2026, 1, 2, 12, tzinfo=datetime.UTC)
VARIANTS = {"held": (8.0, 7.0, 9.0), "hacked": (30.0, 0.0, 225.0)}


def write(folder: Path, gold: bool) -> None:
    store = Store(folder)
    store.write_plan(
        [
            {
                "ablation": "made",
                "title": "Made up",
                "question": "Is it worth it?",
                "created": NOON,
                "control": "held",
                "variant": variant,
                "variant_title": f"the {variant} one",
                "variant_order": place,
                "environment": "Reviews-v0",
                "environment_order": 0,
                "description": f"description-{place}",
                "budget": BUDGET,
                "algorithm": "sequence_clipped_ppo",
                "differs": "{}",
                "metadata": json.dumps({"title": "Clipped PPO on answers", "mechanism": []}),
            }
            for place, variant in enumerate(VARIANTS)
        ]
    )
    steps = (np.arange(BATCHES) + 1) * BUDGET // BATCHES
    rise = np.linspace(0, 1, BATCHES)
    for place, (final_reward, final_gold, final_kl) in enumerate(VARIANTS.values()):
        for seed in range(10):
            store.write_run(
                {
                    "run": f"{place:08x}{seed:08x}",
                    "description": f"description-{place}",
                    "algorithm": "sequence_clipped_ppo",
                    "environment": "Reviews-v0",
                    "seed": seed,
                    "budget": BUDGET,
                    "hyperparameters": json.dumps({"reference_penalty": 0.3 * (1 - place)}),
                    "canonical": "{}",
                    "back_end": "sequence",
                    "device": "cpu",
                    "evaluation": "training",
                    "status": "finished",
                    "steps": BUDGET,
                    "episodes": BATCHES,
                    "updates": BATCHES,
                    "seconds": 2.0,
                    "group_size": 10,
                    "threads": 1,
                    "started": NOON,
                    "digest": "0123456789abcdef",
                    "versions": "{}",
                    "machine": "{}",
                },
                {
                    "step": steps,
                    "return": final_reward * rise + seed / 10,
                    "length": np.full(BATCHES, ANSWER),
                    "seconds": steps / 1000,
                },
                {
                    "update": np.arange(BATCHES),
                    "step": steps,
                    "seconds": steps / 1000,
                    "reference_kl": final_kl * rise / ANSWER,
                    **({"gold_reward": final_gold * rise} if gold else {}),
                },
                None,
            )


@pytest.mark.parametrize("gold", [True, False])
def test_rewards_stand_beside_what_they_cost(gold: bool, tmp_path: Path) -> None:
    write(tmp_path, gold)
    path = tmp_path / "report.pdf"
    arguments = ["report", "--ablation", "made", "--results", str(tmp_path)]
    assert main([*arguments, "--output", str(path)]) == 0
    text = read(path)
    assert squeezed("How far from the reference") in text
    assert squeezed("what the reward stands for, and what it cost") in text
    assert squeezed("” beats ") in text or squeezed("” beat ") in text
    assert (squeezed("Gold reward: what it stands for") in text) is gold
    page = tmp_path / "report.html"
    assert main([*arguments, "--format", "html", "--output", str(page)]) == 0
    assert "How far from the reference" in page.read_text()
