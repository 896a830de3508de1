"""Provenance tells of this checkout and this machine, and of no other."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from llvmlite import binding

from bench.train.provenance import ROOT, cores, on_device, provenance


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    git(tmp_path, "init")
    (tmp_path / "code.py").write_text("1")
    (tmp_path / ".gitignore").write_text("ignored.txt")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "first")
    return tmp_path


def test_a_clean_checkout(repository: Path) -> None:
    (repository / "ignored.txt").touch()
    origin = provenance(repository)
    assert origin.commit is not None
    assert len(origin.commit) == 40
    assert origin.dirty is False


@pytest.mark.parametrize("file", ["code.py", "new.py"])
def test_a_changed_or_new_file_makes_it_dirty(repository: Path, file: str) -> None:
    (repository / file).write_text("2")
    assert provenance(repository).dirty is True


def test_outside_of_a_repository_and_inside_of_somebody_else_s(
    repository: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    inside = repository / "installed"
    inside.mkdir()
    for folder in (inside, tmp_path_factory.mktemp("outside")):
        origin = provenance(folder)
        assert (origin.commit, origin.dirty) == (None, None)


def test_versions_and_machine_can_be_stored() -> None:
    origin = provenance()
    assert set(origin.versions) >= {"python", "torch", "numpy", "gymnasium", "mujoco", "envpool"}
    assert set(origin.versions) >= {"scipy", "numba", "llvmlite"}
    assert None not in origin.versions.values()
    assert json.loads(json.dumps(origin.machine))["cores"] == cores() >= 1


@pytest.mark.parametrize(
    ("model", "flags", "description"),
    [
        (1, "avx avx2", "family 25, model 1, avx2"),
        (17, "avx avx2 avx512f", "family 25, model 17, avx512f"),
        (1, "avx", "family 25, model 1, avx"),
    ],
)
def test_a_processor_is_told_from_others_of_its_name(
    model: int, flags: str, description: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cores = [
        f"processor\t: {core}\ncpu family\t: 25\nmodel\t\t: {model}\nmodel name\t: A\n"
        f"flags\t\t: fpu {flags}\npower management:\n\n"
        for core in range(2)
    ]
    (tmp_path / "cpuinfo").write_text("".join(cores))
    monkeypatch.setattr("bench.train.provenance.CPUINFO", tmp_path / "cpuinfo")
    machine = provenance().machine
    assert (machine["processor"], machine["model"]) == ("A", description)


def test_what_chooses_instructions_is_told() -> None:
    machine = provenance().machine
    assert machine["llvm"] == binding.get_host_cpu_name()
    name, kernel = str(machine["blas"]).split(", ")
    other = "Haswell" if kernel != "Haswell" else "Sandybridge"
    script = "from bench.train.provenance import provenance; print(provenance().machine['blas'])"
    output = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "OPENBLAS_CORETYPE": other},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    assert output == f"{name}, {other}"


def test_only_what_depends_on_warp_carries_its_versions() -> None:
    origin = provenance()
    assert on_device(origin, "envpool", "cpu") == origin
    versions = on_device(origin, "warp", "cpu").versions
    assert versions["warp-lang"]
    assert versions["mujoco-warp"]
    assert {name: versions[name] for name in origin.versions} == origin.versions
