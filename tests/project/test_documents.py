"""The documents: every command in them runs, every link leads somewhere."""

from __future__ import annotations

import fcntl
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from ablations import ABLATIONS
from bench.cli.app import VERBS, main
from bench.plan.lookup import load_ablation
from bench.store import load
from bench.tune.request import Request
from bench.tune.space import defaults, search_space
from bench.tune.winner import winner_ablation
from tests import ray_nodes
from tests.importing.files_of_others import rising

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
PREFIX = "python -m bench "


def commands() -> list[str]:
    """Every `python -m bench …` line of a shell block, set-up in front of it left out.

    The lecture's build on one another: tests/walks runs them in their order.
    """
    blocks = [
        block
        for path in DOCUMENTS
        if path.name != "lecture.md"
        for block in re.findall(
            r"^\s*```sh\n(.*?)^\s*```", path.read_text(), re.DOTALL | re.MULTILINE
        )
    ]
    lines = [line.strip() for block in blocks for line in block.splitlines()]
    return list(dict.fromkeys(line[line.index(PREFIX) :] for line in lines if PREFIX in line))


SMALL = ["--seeds", "0-1", "--steps", "300", "--env", "InvertedPendulum-v5"]
# One worker, as each takes longer to start than to train.
ONE_WORKER = ["--workers", "1"]
OF_ABLATION = {
    "experiment": [*SMALL, "--variant", "a2c", "--variant", "clipped_ppo"],
    "surrogates": [*SMALL, "--variant", "no_clip", "--variant", "clip_0.2"],
    "sequence": [
        *("--seeds", "0-1", "--steps", "1k", "--env", "Reviews-v0", "--variant", "clipped_ppo"),
        *("--variant", "policy_gradient", "--variant", "no_penalty"),
    ],
    "tuned": [*SMALL, "--seeds", "100-101"],
}


def small(ablation: str = "") -> list[str]:
    """Options that make a run a matter of seconds; the last of an option counts."""
    return [*OF_ABLATION.get(ablation, SMALL), *ONE_WORKER]


@pytest.fixture(scope="session")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a little of the ablations that the commands draw and publish.

    Trained once, for all of the processes that share the tests.
    """
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    store, done = folder / "documents" / "local", folder / "documents.done"
    with (folder / "documents.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            for ablation in ("baseline", *OF_ABLATION):
                arguments = ["run", "--ablation", ablation, *small(ablation)]
                assert main([*arguments, "--results", str(store)]) == 0
            example = ["--algorithm", "examples.simple_policy_optimization:ALGORITHM"]
            assert main(["run", *example, "--results", str(store), *small()]) == 0
            done.touch()
    return store


TUNE = ["--trials", "1", "--seeds", "1", "--steps", "300", "--jobs", "1"]
TUNE += ["--env", "InvertedPendulum-v5"]


@pytest.fixture(scope="module")
def tuned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `tune` writes at its end."""
    space = search_space("clipped_ppo")
    request = Request(
        algorithm="clipped_ppo",
        back_ends={"InvertedPendulum-v5": "envpool"},
        steps=300,
        seeds=(0,),
        space=space,
    )
    hyperparameters = {**defaults("clipped_ppo"), "learning_rate": 1e-3}
    text = winner_ablation(request, hyperparameters, trial=1, trials=2, value=0.5)
    assert text is not None
    file = tmp_path_factory.mktemp("study") / "tuned.py"
    file.write_text(text)
    return file


def on_a_cluster(command: str) -> bool:
    return "--executor ray" in command


@pytest.fixture(scope="module")
def short() -> Iterator[Path]:
    """A folder for Ray's sockets, whose paths must be short."""
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@pytest.fixture(scope="module")
def head(short: Path) -> Iterator[str]:
    """The address of a cluster of one node."""
    with ray_nodes.head(short) as address:
        yield address


@pytest.mark.ray
@pytest.mark.parametrize("command", [line for line in commands() if on_a_cluster(line)])
def test_the_command_runs_on_a_cluster(
    command: str, tmp_path: Path, short: Path, request: pytest.FixtureRequest
) -> None:
    arguments = shlex.split(command.removeprefix(PREFIX))
    if "--address" in arguments:
        arguments[arguments.index("--address") + 1] = request.getfixturevalue("head")
    arguments = [*without("--env", arguments), *TINY[arguments[0]]]
    arguments += ["--results", str(tmp_path / "results")]
    # In a process of its own, because Ray leaves threads and signal handlers behind.
    subprocess.run(
        [sys.executable, "-m", "bench", *arguments],
        cwd=ROOT,
        env={**os.environ, **ray_nodes.SURROUNDINGS, "RAY_TMPDIR": str(short)},
        check=True,
    )


TINY = {
    "run": small(),
    "tune": [
        *("--env", "InvertedPendulum-v5", "--trials", "1", "--seeds", "1", "--steps", "3k"),
        *("--set", "batch_steps=256"),
    ],
}


def without(option: str, arguments: list[str]) -> list[str]:
    """The arguments without this option and its values."""
    positions = [position for position, argument in enumerate(arguments) if argument == option]
    dropped = {*positions, *(position + 1 for position in positions)}
    return [argument for position, argument in enumerate(arguments) if position not in dropped]


READING = ("claims", "compare", "evaluate", "export", "figure", "publish", "report")
READING += ("status", "verify", "watch")
"""Verbs that read results."""


def adapted(command: str, results: Path, tuned: Path, folder: Path) -> list[str]:  # noqa: PLR0912
    """The command's arguments on a small scale, reading `results` and writing into `folder`."""
    arguments = shlex.split(command.removeprefix(PREFIX))
    verb = arguments[0]
    # The package's own policies are published for these two, so nothing has to be trained.
    as_published = verb in ("evaluate", "watch") and "results/published" in arguments
    for option in ("--output",) if as_published else ("--results", "--output", "--to", "--env"):
        while option in arguments:
            position = arguments.index(option)
            value = arguments[position + 1]
            del arguments[position : position + 2]
            if option == "--output":
                arguments += [option, str(folder / Path(value).name)]
                break
            if verb == "export" and option == "--to":  # a format, no folder
                arguments += [option, value]
                break
    if verb == "tune":
        arguments += ["--results", str(folder / "results"), *TUNE]
        if "--storage" in arguments:
            arguments += ["--storage", f"sqlite:///{folder / 'study.db'}"]
    if verb == "run":
        kind = next((key for key in OF_ABLATION if key in command), "")
        arguments = [str(tuned) if "tuned.py" in argument else argument for argument in arguments]
        chosen = small(kind) if "--ablation" in arguments else without("--variant", small(kind))
        arguments += ["--results", str(folder / "results"), *chosen]
    if verb in ("evaluate", "watch"):
        runs = load("baseline", results).runs["run"]
        arguments = [runs.iloc[0] if argument == "RUN" else argument for argument in arguments]
        arguments += ["--episodes", "1"]
    if verb in READING and not as_published:
        arguments += ["--results", str(results)]
        if "--against" in arguments:
            arguments[arguments.index("--against") + 1] = str(results)
    if verb == "import":
        files = [rising(folder / f"{seed}.csv", by=seed + 1.0) for seed in range(2)]
        first = arguments.index("--algorithm")
        arguments = [verb, *map(str, files), *arguments[first:], "--env", "InvertedPendulum-v5"]
        arguments += ["--results", str(folder / "results")]
    if verb == "merge":
        arguments = ["merge", str(results), "--into", str(folder / "merged")]
    if verb == "throughput":
        if "--peers" in arguments:  # installing them takes minutes; tests/peers does it, slowly
            arguments.remove("--peers")
        few = ["--algorithm", "clipped_ppo", "--env", "InvertedPendulum-v5", "--no-sweep"]
        arguments += ["--quick", *few, "--results", str(folder / "results")]
    if verb == "publish":
        arguments += ["--to", str(folder / "published")]
    return arguments


@pytest.mark.documents
@pytest.mark.parametrize("command", [line for line in commands() if not on_a_cluster(line)])
def test_the_command_runs(
    command: str, results: Path, tuned: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = adapted(command, results, tuned, tmp_path)
    monkeypatch.chdir(ROOT)
    # Three: two seeds of a few steps can't tell whether they are no worse than themselves.
    assert main(arguments) == (3 if "--against" in arguments else 0)


def test_the_documents_hold_commands_of_every_verb() -> None:
    verbs = {command.removeprefix(PREFIX).split()[0] for command in commands()}
    assert verbs == set(VERBS)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_to_files(path: Path) -> None:
    text = re.sub(r"^ *```.*?^ *```", "", path.read_text(), flags=re.DOTALL | re.MULTILINE)
    for target in re.findall(r"\]\((?!http)([^)#]+)", text):
        assert (path.parent / target).exists(), target


def test_the_table_of_commands_tells_of_every_ablation() -> None:
    readme = (ROOT / "docs" / "commands.md").read_text()
    for name in ABLATIONS:
        ablation = load_ablation(name)
        row = next(line for line in readme.splitlines() if line.startswith(f"| `{name}` |"))
        assert ablation.question in row
        assert ", ".join(ablation.environments) in row
        steps = ablation.budget(ablation.environments[0])
        assert row.endswith(f"{steps // 1000}k |" if steps < 1e6 else f"{steps // 10**6}M |")


def test_the_readme_s_test_command_is_the_one_that_is_run() -> None:
    script = (ROOT / ".ci" / "run").read_text()
    matches = [
        line for line in (ROOT / "README.md").read_text().splitlines() if "python -m pytest" in line
    ]
    assert len(matches) == 1
    assert "grep -m 1 -F 'python -m pytest' README.md" in script


@pytest.mark.documents
def test_the_example_ablation_of_the_guide_is_valid(tmp_path: Path) -> None:
    guide = (ROOT / "CONTRIBUTING.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", guide, re.DOTALL)
    path = tmp_path / "entropy.py"
    path.write_text("\n".join(line.removeprefix("   ") for line in code.splitlines()))
    assert load_ablation(str(path)).name == "entropy"
    arguments = ["run", "--ablation", str(path), "--results", str(tmp_path / "results")]
    assert main([*arguments, *small(), "--set", "batch_steps=64"]) == 0
