"""Groups train on a cluster as they do here, whatever becomes of its nodes and of the driver."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from held_trainer import VARIABLE
from plans_to_train import assert_same, real_plan

from bench.cli.app import main
from bench.store import Store
from bench.train import runner
from bench.train.executors.processes import Processes
from bench.train.provenance import provenance
from tests import ray_nodes
from tests.processes import alive

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
REAL = "held_trainer:train"
STAND_IN = "stand_in_trainer:train"

pytestmark = pytest.mark.ray


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which the head node's trainers look."""
    return tmp_path_factory.mktemp("gate")


@pytest.fixture(scope="module")
def short() -> Iterator[Path]:
    """A folder for Ray's sockets, whose paths must be short."""
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@pytest.fixture(scope="module")
def address(gate: Path, short: Path) -> Iterator[str]:
    with ray_nodes.head(short, **{VARIABLE: str(gate), "PYTHONPATH": str(HERE)}) as address:
        yield address


@pytest.fixture(scope="module")
def trained_locally(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """The same plan, trained by processes of this machine."""
    store = Store(tmp_path_factory.mktemp("local"))
    runner.run(real_plan(range(2)), store, executor=Processes(1))
    return store


def test_what_a_lost_node_trained_trains_again_elsewhere(
    address: str, gate: Path, trained_locally: Store, tmp_path: Path
) -> None:
    doomed = tmp_path / "doomed"
    doomed.mkdir()
    (doomed / "hold").touch()
    # What remains must not be trained before Ray itself knows of the loss.
    (gate / "hold").touch()
    surroundings = {VARIABLE: str(doomed), "PYTHONPATH": str(HERE)}
    with ray_nodes.node([f"--address={address}"], surroundings) as node:
        driver = start(address, tmp_path / "results", REAL)
        ray_nodes.until((doomed / "process").exists)
        ray_nodes.end(node)
        output = answer(driver, "told The Ray cluster has changed: 1 place on 1 node.")
        (gate / "hold").unlink()
        output += answer(driver)
    assert "told Joined a Ray cluster: 2 places on 2 nodes." in output
    assert "is lost; what it trained begins again: " in output
    assert output.splitlines()[-1] == "finished 4"
    assert_same(Store(tmp_path / "results"), trained_locally)


def test_a_killed_driver_s_training_ends_and_the_same_command_goes_on(
    address: str, gate: Path, trained_locally: Store, tmp_path: Path
) -> None:
    (gate / "hold").touch()
    driver = start(address, tmp_path, REAL)
    ray_nodes.until((gate / "process").exists)
    worker = int((gate / "process").read_text())
    driver.kill()
    driver.communicate()
    ray_nodes.until(lambda: not alive(worker))
    (gate / "hold").unlink()
    assert not len(Store(tmp_path).runs())
    assert answer(start(address, tmp_path, REAL)).splitlines()[-1] == "finished 4"
    assert_same(Store(tmp_path), trained_locally)


def test_a_training_that_is_killed_fails_as_it_does_here(address: str, tmp_path: Path) -> None:
    output = answer(start(address, tmp_path, STAND_IN, "be killed", "raise", "say its threads"))
    assert output.splitlines()[-1] == "finished 2"
    runs = Store(tmp_path).runs()
    behaviours = [json.loads(text)["behaviour"] for text in runs["hyperparameters"]]
    # Without the place of the line that raised.
    reasons = [reason.partition(" (")[0] for reason in runs["reason"].fillna("")]
    outcomes = set(zip(behaviours, runs["status"], reasons, strict=True))
    assert outcomes == {
        ("be killed", "failed", KILLED),
        ("raise", "failed", "RuntimeError: first line; second line"),
        ("say its threads", "finished", ""),
    }
    # One thread, and deaf to Ctrl-C.
    assert set(Store(tmp_path).episodes()["return"]) == {1.0}
    origin = provenance(ROOT)
    assert set(runs["commit"]) == {origin.commit}
    assert [json.loads(machine)["cores"] for machine in runs["machine"]] == [
        origin.machine["cores"]
    ] * 6


KILLED = "the worker process was killed by SIGKILL, which is what happens when memory runs out"


def test_a_node_with_other_libraries_trains_nothing(address: str, tmp_path: Path) -> None:
    # The driver takes its torch for another version than the nodes take theirs.
    fake = tmp_path / "fake" / "torch-9.9.9.dist-info"
    fake.mkdir(parents=True)
    (fake / "METADATA").write_text("Metadata-Version: 2.1\nName: torch\nVersion: 9.9.9\n")
    output = answer(start(address, tmp_path, STAND_IN, "finish", path=fake.parent))
    assert output.splitlines()[-1] == "finished 0"
    (reason,) = set(Store(tmp_path).runs()["reason"])
    assert reason.startswith(f"node {socket.gethostname()} (")
    assert ") has other code or libraries, so its digest is " in reason
    assert reason.endswith(" instead of 9.9.9")


def test_another_version_of_ray_is_told_in_one_line(address: str, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import ray; ray.__version__ = '1.2.3'")
    output = answer(start(address, tmp_path / "results", STAND_IN, "finish", path=tmp_path))
    (line,) = " ".join(output.split()).split("refused ")[1:]
    assert line.startswith("the Ray cluster can't be joined at 127.0.0.1:")
    assert "Version mismatch: " in line
    assert "Ray: 1.2.3" in line


def test_a_cluster_whose_token_is_missing_is_told_in_one_line(address: str, tmp_path: Path) -> None:
    other = {"RAY_AUTH_TOKEN": "0" * 64}
    driver = start(address, tmp_path, STAND_IN, "finish", surroundings=other)
    (line,) = answer(driver).splitlines()
    assert line.startswith("refused the Ray cluster at 127.0.0.1:")
    assert "takes only who has its token" in line


def test_an_address_where_no_cluster_is(
    ablation_arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    (free,) = ray_nodes.free_ports(1)
    with socket.create_server(("127.0.0.1", 0)) as other:
        threading.Thread(target=greet, args=(other,), daemon=True).start()
        taken = other.getsockname()[1]
        for address, message in (
            (f"127.0.0.1:{free}", f"no Ray cluster answers at 127.0.0.1:{free}: Connection refu"),
            (f"127.0.0.1:{taken}", "what answers there is no Ray"),
            ("somewhere", "address 'somewhere' not understood; allowed: auto, HOST:PORT"),
        ):
            assert main([*ablation_arguments, "--executor", "ray", "--address", address]) == 2
            error = capsys.readouterr().err
            assert message in error
            assert error.count("\n") == 1


def greet(server: socket.socket) -> None:
    """Answers as what isn't Ray does."""
    connection, _ = server.accept()
    with connection:
        connection.sendall(b"HTTP/1.0 400 Bad Request\r\n\r\n")


@pytest.fixture
def ablation_arguments(tmp_path: Path) -> list[str]:
    arguments = ["run", "--ablation", "baseline", "--env", "InvertedPendulum-v5", "--seeds", "0"]
    return [*arguments, "--steps", "300", "--results", str(tmp_path / "results")]


def test_without_an_address_ray_starts_here_and_ctrl_c_ends_it(tmp_path: Path, short: Path) -> None:
    # An algorithm that is nowhere but in a folder of the driver's module path.
    source = (ROOT / "examples" / "simple_policy_optimization.py").read_text()
    (tmp_path / "my_own_algorithm.py").write_text(source)
    arguments = ["run", "--algorithm", "my_own_algorithm:ALGORITHM", "--env", "CartPole-v1"]
    arguments += ["--seeds", "0", "--workers", "1", "--executor", "ray"]
    arguments += ["--results", str(tmp_path / "results")]
    surroundings = {**os.environ, **ray_nodes.SURROUNDINGS, "PYTHONPATH": f"{ROOT}:{tmp_path}"}
    surroundings["RAY_TMPDIR"] = str(short)
    driver = subprocess.Popen(
        [sys.executable, "-m", "bench", *arguments, "--steps", "1000M"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=surroundings,
        cwd=ROOT,
        start_new_session=True,
    )
    try:
        assert driver.stdout is not None
        assert any("steps/s" in line for line in driver.stdout)
        os.killpg(driver.pid, signal.SIGINT)
        _, error = driver.communicate(timeout=ray_nodes.PATIENCE)
        assert driver.returncode == 130
        first, last = error.strip().splitlines()
        assert first == "Interrupted. The workers have ended; what had finished is kept."
        assert last.startswith("Continue with: python -m bench run --algorithm my_own")
        ray_nodes.until(lambda: nobody_is_left(driver.pid))
    finally:
        if not nobody_is_left(driver.pid):
            os.killpg(driver.pid, signal.SIGKILL)


def start(
    address: str,
    results: Path,
    train: str,
    *behaviours: str,
    path: Path | None = None,
    surroundings: dict[str, str] | None = None,
) -> subprocess.Popen[str]:
    paths = [path, ROOT, HERE] if path else [ROOT, HERE]
    return subprocess.Popen(
        [sys.executable, HERE / "cluster_driver.py", address, results, train, *behaviours],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, **ray_nodes.SURROUNDINGS, "PYTHONPATH": ":".join(map(str, paths))}
        | (surroundings or {}),
        start_new_session=True,
    )


def answer(driver: subprocess.Popen[str], up_to: str | None = None) -> str:
    """What it prints, up to a line or to its end, either of which comes in patience."""
    patience = threading.Timer(ray_nodes.PATIENCE, driver.kill)
    patience.start()
    output = ""
    assert driver.stdout is not None
    try:
        for line in driver.stdout:
            output += line
            if line.rstrip() == up_to:
                return output
        driver.stdout.close()
        assert driver.wait() != -signal.SIGKILL, f"out of patience after: {output}"
        assert up_to is None, output
        return output
    finally:
        patience.cancel()


def nobody_is_left(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return True
    return False
