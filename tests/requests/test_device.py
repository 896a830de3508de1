"""What --device means for the plan, and what is said where the GPU can't do everything."""

from __future__ import annotations

import importlib.util
from typing import Any

import pytest
import torch

from bench.cli.app import main
from bench.requests.plan_request import requested_plan
from bench.train.back_ends import back_end_on, note_on_physics


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine on which torch finds one; nothing is trained on it here."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)


@pytest.mark.usefixtures("gpu")
def test_auto_is_the_gpu_with_warp_where_it_can_and_says_where_it_can_not() -> None:
    plan = requested_plan("baseline", environments=["Hopper-v5", "Humanoid-v5", "CartPole-v1"])
    descriptions = {cell.environment: cell.description for cell in plan.cells}
    assert {description.device for description in descriptions.values()} == {"cuda"}
    assert [description.back_end for description in descriptions.values()] == [
        "warp",
        "envpool",
        "envpool",
    ]
    notes = [note for note in plan.notes if "on the CPU" in note]
    assert [note.partition(" ")[0] for note in notes] == ["Humanoid-v5", "CartPole-v1"]
    on_cpu = requested_plan("baseline", environments=["Hopper-v5"], device="cpu")
    assert on_cpu.cells[0].description.back_end == "envpool"
    ids = {
        description.identifier
        for plan in (plan, on_cpu)
        for description in _descriptions(plan, "Hopper-v5")
    }
    assert len(ids) == 2 * len(on_cpu.cells)


def _descriptions(plan: Any, environment: str) -> list[Any]:
    return [cell.description for cell in plan.cells if cell.environment == environment]


def test_without_a_gpu_auto_is_the_cpu() -> None:
    plan = requested_plan("baseline", environments=["Hopper-v5"])
    assert {cell.description.device for cell in plan.cells} == {"cpu"}
    assert not [note for note in plan.notes if "CPU" in note]


def test_without_mujoco_warp_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert back_end_on("cuda", "Hopper-v5") == "envpool"
    assert "pip install -e '.[warp]'" in str(note_on_physics("cuda", "Hopper-v5"))
    assert note_on_physics("cpu", "Hopper-v5") is None


def test_throughput_on_a_gpu_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["throughput", "--device", "cuda"]) == 2
    assert "finds no GPU" in capsys.readouterr().err
    assert main(["throughput", "--device", "cuda", "--env", "CartPole-v1"]) == 2
    assert "CartPole-v1" in capsys.readouterr().err
