"""Peers: what is in the catalogue, how one is installed, how one is timed."""

from __future__ import annotations

import ast
import json
import math
import os
import subprocess
import sys
import textwrap
import time
from dataclasses import asdict, fields, replace
from pathlib import Path

import pytest
import torch

from bench.errors import InputError
from bench.peers import setup, timing
from bench.peers.catalogue import PEERS, Peer, PeerUnavailable
from bench.peers.setup import interpreter, last_words
from bench.peers.timing import PeerTiming, time_peer
from bench.train.executors.worker import WORKER_ENVIRONMENT

HYPERPARAMETERS = {"hidden_sizes": (64, 64), "learning_rate_decay_steps": math.inf}
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 2


def test_the_catalogue_names_five_peers_whose_files_are_there() -> None:
    assert len(PEERS) == 5
    for name, peer in PEERS.items():
        assert peer.name == name
        assert peer.algorithm in name and peer.library in name
        assert peer.script.is_file() and peer.requirements.is_file()
    assert len({peer.title for peer in PEERS.values()}) == 5


@pytest.mark.parametrize("path", sorted({peer.requirements for peer in PEERS.values()}), ids=str)
def test_every_requirement_has_one_exact_version(path: Path) -> None:
    lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    assert all(line.count("==") == 1 for line in lines)
    root = Path(__file__).parents[2]
    ours = set((root / "constraints.txt").read_text().splitlines())
    theirs = {line.replace("[mujoco]", "") for line in lines}
    # Physics and arithmetic are the same as this project's: loops are compared, nothing else.
    for package in ("torch", "numpy", "gymnasium", "mujoco"):
        assert {line for line in theirs & ours if line.startswith(f"{package}==")}, package


@pytest.mark.parametrize("path", sorted({peer.script for peer in PEERS.values()}), ids=str)
def test_a_script_imports_nothing_of_this_project(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        assert not {name.split(".")[0] for name in names} & {"bench", "ablations", "algorithms"}


@pytest.mark.parametrize("path", sorted({peer.script for peer in PEERS.values()}), ids=str)
def test_the_critic_of_a_peers_ppo_has_the_gradient_of_ours(path: Path) -> None:
    """The script's own expression for `vf_coef`, at a coefficient of 0.8."""
    from bench.plan.lookup import load_algorithm

    (declared,) = (
        field
        for field in fields(load_algorithm("clipped_ppo").hyperparameters)
        if field.name == "value_coefficient"
    )
    assert "(V - target)² / 2" in declared.metadata["meaning"]
    (expression,) = (
        keyword.value
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "PPO"
        for keyword in node.keywords
        if keyword.arg == "vf_coef"
    )
    code = compile(ast.Expression(expression), str(path), "eval")
    vf_coef = eval(code, {"hyperparameters": {"value_coefficient": 0.8}})
    value = torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64, requires_grad=True)
    target = torch.tensor([0.0, 1.0, 4.0], dtype=torch.float64)
    (theirs,) = torch.autograd.grad(vf_coef * torch.nn.functional.mse_loss(value, target), value)
    torch.testing.assert_close(theirs, (0.8 * (value - target) / 3).detach())


@pytest.fixture
def peer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Peer:
    """Needs nothing, trains nothing."""
    monkeypatch.setattr(setup, "FOLDER", tmp_path / "environments")
    (tmp_path / "nothing.txt").write_text("# nothing\n")
    return Peer(
        name="stand_in",
        title="Stand-in",
        library="library",
        algorithm="ppo",
        script=tmp_path / "training.py",
        requirements=tmp_path / "nothing.txt",
    )


def test_an_environment_is_made_once(peer: Peer) -> None:
    python = interpreter(peer)
    assert python.is_file()
    assert python.is_relative_to(setup.FOLDER / "library")
    before = (python.parents[1] / "pyvenv.cfg").stat().st_mtime_ns
    assert interpreter(replace(peer, name="another_of_this_library")) == python
    assert (python.parents[1] / "pyvenv.cfg").stat().st_mtime_ns == before


def test_what_can_not_be_installed_is_named_in_one_line_and_leaves_nothing(peer: Peer) -> None:
    peer.requirements.write_text("--no-index\nnothing-has-this-name==1.2.3\n")
    with pytest.raises(PeerUnavailable) as caught:
        interpreter(peer)
    message = str(caught.value)
    assert message.startswith("stand_in can't be installed: ")
    assert "nothing-has-this-name==1.2.3" in message
    assert "\n" not in message
    assert not (setup.FOLDER / "library").exists()


def test_other_requirements_or_what_is_missing_builds_anew(
    peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    built: list[bool] = []

    def install(peer: Peer, folder: Path) -> None:
        built.append(folder.exists())
        (folder / "bin").mkdir(parents=True)
        (folder / "bin" / "python").touch()

    monkeypatch.setattr(setup, "_install", install)
    interpreter(peer)
    interpreter(peer)
    assert len(built) == 1
    peer.requirements.write_text("# other\n")
    interpreter(peer)
    (setup.FOLDER / "library" / setup.MARKER).unlink()
    interpreter(peer)
    interpreter(peer).unlink()
    interpreter(peer)
    assert built == [False] * 4


def test_a_place_that_can_not_be_written_to_is_named(
    peer: Peer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr(setup, "FOLDER", tmp_path / "file" / "environments")
    with pytest.raises(PeerUnavailable, match="stand_in can't be installed: .*file"):
        interpreter(peer)


def test_an_interrupted_installation_leaves_nothing(
    peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def install(peer: Peer, folder: Path) -> None:
        folder.mkdir()
        raise KeyboardInterrupt

    monkeypatch.setattr(setup, "_install", install)
    with pytest.raises(KeyboardInterrupt):
        interpreter(peer)
    assert not (setup.FOLDER / "library").exists()


@pytest.mark.parametrize(
    ("output", "last_line"),
    [
        ("first\n  second \n\n", "second"),
        ("ERROR: no\nWARNING: pip is old\n[notice] update\n", "ERROR: no"),
        ("\n", "nothing"),
    ],
)
def test_last_words(output: str, last_line: str) -> None:
    assert last_words(output) == last_line


def timed(
    peer: Peer, script: str, monkeypatch: pytest.MonkeyPatch, cores: int = CORES
) -> list[PeerTiming]:
    """Time a stand-in that runs `script`, which finds its arguments in `given`."""
    start = "import json, os, sys\ngiven = json.loads(sys.argv[1])\n"
    peer.script.write_text(start + textwrap.dedent(script))
    monkeypatch.setattr(timing, "interpreter", lambda peer: Path(sys.executable))
    return time_peer(peer, "Some-v5", 8, cores, 1.5, HYPERPARAMETERS)


ANSWER = """
print("something before")
print(json.dumps({
    "steps": 600, "seconds": 2.0, "steps_per_second": 300.0, "cpu_seconds": 1.5,
    "version": VERSION, "memory": 64.0,
}))
"""


def test_a_timing_says_what_each_process_measured(
    peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    timings = timed(peer, f"VERSION = '1.2'\n{ANSWER}", monkeypatch, cores=1)
    assert timings == [
        PeerTiming(
            peer="stand_in",
            environment="Some-v5",
            environments=8,
            core=timings[0].core,
            steps=600,
            seconds=2.0,
            steps_per_second=300.0,
            cpu_share=0.75,
            memory=64.0,
            version="1.2",
        )
    ]


def test_a_script_is_told_what_to_train(peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    [measurement] = timed(peer, f"VERSION = json.dumps(given)\n{ANSWER}", monkeypatch, cores=1)
    assert json.loads(measurement.version) == {
        "algorithm": "ppo",
        "environment": "Some-v5",
        "environments": 8,
        "seconds": 1.5,
        "hyperparameters": {"hidden_sizes": [64, 64], "learning_rate_decay_steps": math.inf},
    }


def test_each_process_has_one_thread_and_a_core_of_its_own(
    peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = """
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [None]
    VERSION = json.dumps([cores, dict(os.environ)])
    """
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    pinnable = hasattr(os, "sched_getaffinity")
    before = os.sched_getaffinity(0) if pinnable else set()
    timings = timed(peer, textwrap.dedent(script) + ANSWER, monkeypatch)
    answers = [json.loads(measurement.version) for measurement in timings]
    assert [cores for cores, _ in answers] == [[measurement.core] for measurement in timings]
    assert [measurement.core for measurement in timings] == (
        sorted(before) if pinnable else [None] * CORES
    )
    assert not pinnable or os.sched_getaffinity(0) == before
    for _, surroundings in answers:
        limits = {name: surroundings.get(name) for name in WORKER_ENVIRONMENT}
        assert set(limits.values()) == {"1"}


def test_processes_run_at_the_same_time(peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    script = """
    import time
    begun = time.monotonic()
    time.sleep(0.5)
    VERSION = json.dumps([begun, time.monotonic()])
    """
    timings = timed(peer, textwrap.dedent(script) + ANSWER, monkeypatch)
    spans = [json.loads(measurement.version) for measurement in timings]
    assert max(start for start, _ in spans) < min(ended for _, ended in spans)


def test_what_lies_beside_a_script_is_not_imported(
    peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    peer.script.with_name("colorsys.py").write_text("raise AssertionError\n")
    monkeypatch.setenv("PYTHONPATH", str(peer.script.parent))
    timed(peer, f"import colorsys\nVERSION = ''\n{ANSWER}", monkeypatch, cores=1)


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("raise ValueError('no such environment')", "1: ValueError: no such environment"),
        ("sys.exit(3)", "3: nothing"),
        ("os.kill(os.getpid(), 9)", "-9: nothing"),
        ("print('Hello')", "measured nothing; it said: Hello"),
    ],
)
def test_a_failure_names_the_peer_and_what_it_said_last(
    peer: Peer, monkeypatch: pytest.MonkeyPatch, script: str, message: str
) -> None:
    with pytest.raises(PeerUnavailable) as caught:
        timed(peer, script, monkeypatch)
    assert str(caught.value).startswith("stand_in ")
    assert str(caught.value).endswith(message)


def test_one_failure_does_not_leave_the_others_running(
    peer: Peer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    script = """
    import time
    from pathlib import Path
    first = Path(__file__).with_name("first")
    try:
        first.touch(exist_ok=False)
    except FileExistsError:
        Path(__file__).with_name("pid").write_text(str(os.getpid()))
        time.sleep(60)
    while not Path(__file__).with_name("pid").exists():
        time.sleep(0.01)
    sys.exit("over")
    """
    available = [None, None]
    monkeypatch.setattr(timing, "_core_ids", lambda cores: available[:cores])
    start = time.monotonic()
    with pytest.raises(PeerUnavailable, match="stand_in failed with exit code 1: over"):
        timed(peer, script, monkeypatch, cores=2)
    assert time.monotonic() - start < 30
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_more_cores_than_there_are(peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    if hasattr(os, "sched_getaffinity"):
        with pytest.raises(InputError, match=f"{CORES + 1} cores asked for, {CORES} available"):
            timed(peer, "", monkeypatch, cores=CORES + 1)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "module", "loss"),
    [
        (
            "stable_baselines3_ppo",
            "stable_baselines3.ppo.ppo",
            "value_loss = F.mse_loss(rollout_data.returns, values_pred)",
        ),
        (
            "tianshou_ppo",
            "tianshou.algorithm.modelfree.ppo",
            "vf_loss = (minibatch.returns - value).pow(2).mean()",
        ),
    ],
)
def test_a_peers_value_loss_is_the_mean_squared_error(name: str, module: str, loss: str) -> None:
    program = f"import inspect, {module} as module; print(inspect.getsource(module))"
    command = [str(interpreter(PEERS[name])), "-I", "-W", "ignore", "-c", program]
    source = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert loss in map(str.strip, source.splitlines())


@pytest.mark.slow
@pytest.mark.parametrize("environments", [1, 8])
@pytest.mark.parametrize("name", PEERS)
def test_a_peer_is_installed_and_trains(name: str, environments: int) -> None:
    from bench.plan.lookup import load_algorithm

    hyperparameters = asdict(load_algorithm("clipped_ppo").hyperparameters())
    peer = PEERS[name]
    [measurement] = time_peer(peer, "HalfCheetah-v5", environments, 1, 2.0, hyperparameters)
    assert measurement.seconds >= 2.0
    assert measurement.steps % environments == 0
    assert measurement.steps_per_second == pytest.approx(measurement.steps / measurement.seconds)
    assert 100 < measurement.steps_per_second < 1e6
    assert 0 < measurement.cpu_share < 1.1  # one thread
    assert measurement.memory > 50
    exact = peer.requirements.read_text().replace("-", "_").splitlines()
    assert f"{peer.library}=={measurement.version}" in exact
    if name.endswith("ppo"):
        assert measurement.steps % hyperparameters["batch_steps"] == 0
