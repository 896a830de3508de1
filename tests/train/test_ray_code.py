"""What trains travels, and nothing that merely lies beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.plan.identity import Description
from bench.train.executors.ray_code import gather

ROOT = Path(__file__).parents[2]


def described(algorithm: str, environment: str = "CartPole-v1") -> Description:
    return Description(
        algorithm=algorithm,
        hyperparameters={},
        environment=environment,
        steps=10,
        back_end="envpool",
    )


def test_the_suite_travels_whole_and_alone(tmp_path: Path) -> None:
    gather(tmp_path, [described("baseline")])
    assert {path.name for path in tmp_path.iterdir()} == {"ablations", "algorithms", "bench"}
    for package in ("ablations", "algorithms", "bench"):
        sources = {path.relative_to(ROOT) for path in (ROOT / package).rglob("*.py")}
        assert {
            path.relative_to(tmp_path) for path in (tmp_path / package).rglob("*.py")
        } == sources
    assert not [*tmp_path.rglob("*.pyc")]


def test_a_user_s_package_travels_with_its_data_and_what_it_imports(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, destination = tmp_path / "user", tmp_path / "there"
    destination.mkdir()
    files = {
        "travelling_rival/__init__.py": "",
        "travelling_rival/rival.py": "import travelling_helper",
        "travelling_rival/data/body.xml": "<mujoco/>",
        "travelling_rival/.git/config": "",
        "travelling_helper.py": "",
        "travelling_world.py": "",
        "letters.py": "",
        "results/run.parquet": "",
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    monkeypatch.syspath_prepend(folder)
    gather(
        destination, [described("travelling_rival.rival:ALGORITHM", "travelling_world:World-v0")]
    )
    travelled = {
        str(path.relative_to(destination)) for path in destination.rglob("*") if path.is_file()
    }
    assert travelled & set(files) == {
        "travelling_rival/__init__.py",
        "travelling_rival/rival.py",
        "travelling_rival/data/body.xml",
        "travelling_helper.py",
        "travelling_world.py",
    }
