"""`bench.run` and `bench.compare`: from a notebook what the command line does and says."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import bench
from ablations.spec import Ablation, Variant
from bench.cli.app import main
from bench.store import Store
from tests.experiment_results import SyntheticRuns, untrained_score, write
from tests.importing.files_of_others import rising

ROOT = Path(__file__).parents[2]
SMALL = Ablation(
    name="pole",
    title="Pole",
    question="Does it balance?",
    environments=("CartPole-v1",),
    variants=(
        Variant(name="whole", algorithm="vanilla_policy_gradient"),
        Variant(name="to_go", algorithm="reward_to_go"),
    ),
    control="whole",
    steps=300,
    seeds=(0, 1),
)


def example() -> str:
    """The block of the guide."""
    (code,) = re.findall(
        r"```python\n(.*?)```", (ROOT / "docs" / "extending.md").read_text(), re.DOTALL
    )
    return str(code)


@pytest.mark.documents
@pytest.mark.parametrize("source", ["standard input", "a file"])
def test_the_guide_s_example_runs_as_it_stands_and_once(source: str, tmp_path: Path) -> None:
    code = f"print('begun')\n{example()}"
    path = tmp_path / "unguarded.py"
    path.write_text(code)
    stdin = {"input": code} if source == "standard input" else {}
    answer = subprocess.run(
        [sys.executable, "-" if stdin else str(path)],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        **stdin,
    )
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.count("begun") == 1
    assert "Trained 6 runs" in answer.stdout
    assert "no claim: n = 3 < 10" in answer.stdout or "reward_to_go  3" in answer.stdout
    runs = Store(tmp_path / "my_results").runs()
    assert runs["status"].tolist() == ["finished"] * 6
    assert "No difference is claimed below 10 pairs" in answer.stdout


def test_what_is_missing_is_trained_and_the_rest_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main_module = sys.modules["__main__"]
    first = bench.run(SMALL, seeds=[1], results=tmp_path, workers=1, progress=False)
    assert capsys.readouterr().out == ""
    assert first.runs["seed"].tolist() == [1, 1]
    view = bench.run(SMALL, results=str(tmp_path), workers=1)
    assert "Trained 2 runs" in (output := capsys.readouterr().out) and "2 runs kept" in output
    assert view.runs["seed"].tolist() == [0, 1, 0, 1]
    started = view.runs[view.runs["seed"] == 1]["started"]
    assert started.tolist() == first.runs["started"].tolist()
    assert sys.modules["__main__"] is main_module
    # The command line finds them done: a run is the same run.
    settings = {"learning_rate": 3e-3, "hidden_sizes": (64, 64)}
    repeated = bench.run(SMALL, settings=settings, results=tmp_path, steps="300", progress=False)
    assert repeated.runs["started"].tolist() == view.runs["started"].tolist()


BESIDE_OTHER_THREADS = """
import multiprocessing, os, pickle, sys, threading
import bench
from bench.train.executors.worker import WORKER_ENVIRONMENT

class Mine: pass

def variables():
    return [os.environ.get(name) for name in WORKER_ENVIRONMENT]

def train(results):
    found.append(len(bench.run(
        algorithms=["reward_to_go"], environments=["CartPole-v1"], seeds=[0], steps=200,
        results=results, workers=1, progress=False,
    ).runs))

if __name__ == "__main__":
    found, before = [], variables()
    threads = [threading.Thread(target=train, args=(results,)) for results in "ab"]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        assert type(pickle.loads(pickle.dumps(Mine()))) is Mine
        assert variables() == before
        process = multiprocessing.get_context("spawn").Process(target=Mine)
        process.start()
        process.join()
        assert process.exitcode == 0
        threads[0].join(0.5)
    print(found)
"""


def test_two_at_once_leave_other_threads_their_main_module_and_variables(tmp_path: Path) -> None:
    """They pickle what the script defines, and start processes of it."""
    path = tmp_path / "threads.py"
    path.write_text(BESIDE_OTHER_THREADS)
    answer = subprocess.run(
        [sys.executable, str(path)],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert (answer.returncode, answer.stdout) == (0, "[1, 1]\n"), answer.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "name an ablation"),
        ({"ablation": "baselin"}, "Did you mean 'baseline'?"),
        ({"ablation": "baseline", "seeds": 5}, "seeds = 5 is no sequence of seeds; write range(5)"),
        ({"ablation": "baseline", "seeds": [-1]}, "seeds '-1' not understood"),
        ({"ablation": "baseline", "environments": "Hopper-v5"}, "is one text; write ['Hopper-v5']"),
        ({"ablation": "baseline", "steps": 0}, "steps '0' not understood"),
        ({"ablation": "baseline", "workers": 0}, "workers = 0 is out of range"),
        ({"ablation": "baseline", "settings": {"slotz": 3}}, "unknown field 'slotz'"),
        ({"algorithms": ["trpo"]}, "--algorithm needs an environment"),
        (
            {"algorithms": ["__main__:MINE"], "environments": ["CartPole-v1"]},
            "can't be imported by other processes; put it into a file",
        ),
    ],
)
def test_bad_input_raises_before_anything_is_written(
    arguments: dict[str, object], message: str, tmp_path: Path
) -> None:
    with pytest.raises(bench.InputError) as caught:
        bench.run(**arguments, results=tmp_path / "results")  # type: ignore[arg-type]
    assert message in str(caught.value)
    assert not (tmp_path / "results").exists()


def test_an_ablation_takes_no_name_of_the_suite(tmp_path: Path) -> None:
    mine = Ablation(**{**vars(SMALL), "name": "baseline"})
    with pytest.raises(bench.InputError, match="takes the name 'baseline', which is one of the"):
        bench.run(mine, results=tmp_path / "results")


def test_failed_runs_raise_and_the_others_are_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "breaking.py").write_text(
        "from dataclasses import replace\n"
        "from algorithms.ladder.vanilla_policy_gradient import ALGORITHM as NEIGHBOUR\n"
        "def update(*_, **__):\n    raise RuntimeError('it broke')\n"
        "ALGORITHM = replace(NEIGHBOUR, name='breaking', title='Breaking', update=update)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{ROOT}")
    with pytest.raises(bench.TrainingError, match=r"1 runs failed \(1 of breaking:ALG.*it broke"):
        bench.run(
            algorithms=["breaking:ALGORITHM"],
            control="vanilla_policy_gradient",
            environments=["CartPole-v1"],
            seeds=[0],
            steps=100,
            results=tmp_path / "results",
            progress=False,
        )
    assert sorted(Store(tmp_path / "results").runs()["status"]) == ["failed", "finished"]


@pytest.fixture(scope="module")
def synthetic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """SyntheticRuns-up results of ten seeds with a known difference. Not to be changed."""
    folder = tmp_path_factory.mktemp("made")
    return write(folder, "untrained", SyntheticRuns(score=untrained_score, seeds=10, episodes=20))


def test_the_comparison_says_what_the_tables_say(synthetic: Path, tmp_path: Path) -> None:
    frame = bench.compare("untrained", synthetic)
    arguments = ["export", "--ablation", "untrained", "--results", str(synthetic), "--to", "csv"]
    assert main([*arguments, "--output", str(tmp_path)]) == 0
    exported = pd.read_csv(tmp_path / "statistics.csv")
    pd.testing.assert_frame_equal(frame[exported.columns], exported, check_dtype=False)
    assert len(frame) == 16 and not frame["imported"].any()
    control = frame[frame["outcome"] == "control"]
    assert control["difference_low"].isna().all()
    compared = frame[frame["outcome"] != "control"]
    # The made-up difference is 100 in every pair but for the rounding of what is stored.
    np.testing.assert_allclose(compared["difference"], -100, atol=0.1)
    assert (compared["difference_low"] <= compared["difference"] + 1e-9).all()
    assert (compared["difference_high"] >= compared["difference"] - 1e-9).all()
    assert (compared["outcome"] == "worse").all()
    assert any("Holm-adjusted" in note for note in frame.attrs["notes"])
    pd.testing.assert_frame_equal(bench.compare(bench.load("untrained", synthetic)), frame)


def test_the_interval_of_the_difference_is_the_report_s(synthetic: Path) -> None:
    from bench.evidence.measures.anchors import anchors
    from bench.evidence.report.tables import differences
    from bench.evidence.results import Results
    from bench.evidence.verdicts import return_text

    view = bench.load("untrained", synthetic)
    frame = bench.compare(view)
    material = Results(view=view, source="made", given_anchors=anchors(None, None))
    intervals = [row[5] for row in differences(material)["rows"]]
    compared = frame[frame["outcome"] != "control"]
    limits = zip(compared["difference_low"], compared["difference_high"], strict=True)
    assert intervals == [f"{return_text(low)} to {return_text(high)}" for low, high in limits]


def test_imported_variants_are_marked_in_the_comparison(synthetic: Path, tmp_path: Path) -> None:
    results = Path(shutil.copytree(synthetic, tmp_path / "results"))
    path = str(rising(tmp_path / "mine.csv"))
    options = ["--algorithm", "mine", "--env", "Hopper-v5", "--ablation", "untrained"]
    assert main(["import", path, *options, "--results", str(results)]) == 0
    frame = bench.compare("untrained", results)
    (row,) = frame[frame["imported"]].itertuples()
    assert (row.variant, row.environment, row.n, row.outcome) == (
        "mine",
        "Hopper-v5",
        1,
        "untested",
    )
    assert any("mine (imported) in Hopper-v5 was not" in note for note in frame.attrs["notes"])


def test_import_bench_is_quick() -> None:
    script = (
        "import sys, bench; heavy = {'torch', 'numpy', 'pandas', 'pyarrow', 'typer'}; "
        "print(sorted(heavy & set(sys.modules)), 'run' in dir(bench))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert answer.stdout.strip() == "[] True"
