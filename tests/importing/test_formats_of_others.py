"""What stands in other programs' files is what is read, to the number."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from bench.errors import InputError
from bench.importing import Curve, read_curves
from tests.importing.files_of_others import STARTED, evaluations, event_file, monitor, table

TAG = "rollout/ep_rew_mean"


def one(path: Path, tag: str | None = None) -> Curve:
    (curve,) = read_curves([str(path)], tag=tag)
    return curve


def test_a_monitor_s_steps_are_the_sum_of_its_lengths(tmp_path: Path) -> None:
    curve = one(monitor(tmp_path / "monitor.csv", [10, 5, 20], [1.5, -2, 3]))
    assert curve.step.tolist() == [10, 15, 35]
    assert curve.returns.tolist() == [1.5, -2.0, 3.0]
    assert curve.length.tolist() == [10, 5, 20]
    assert curve.seconds.tolist() == [0.5, 1.0, 1.5]
    assert curve.started == datetime.fromtimestamp(STARTED, UTC)
    assert curve.environments == ("Hopper-v5",)
    assert curve.seed == 0


def test_a_folder_s_monitors_are_the_environments_of_one_run(tmp_path: Path) -> None:
    monitor(tmp_path / "0.monitor.csv", [10, 10], [1, 3], seconds=[1.0, 3.0])
    monitor(tmp_path / "1.monitor.csv", [4, 4], [2, 4], started=STARTED + 1, seconds=[1.0, 3.5])
    curve = one(tmp_path)
    assert curve.returns.tolist() == [1, 2, 3, 4]  # by the time at which they ended
    assert curve.step.tolist() == [10, 14, 24, 28]
    assert curve.seconds.tolist() == [1.0, 2.0, 3.0, 4.5]
    assert not curve.remarks
    both = read_curves([str(tmp_path / "*.monitor.csv")])
    assert [each.seed for each in both] == [0, 1]
    assert all("are no seeds; name the folder to join them" in each.remarks[0] for each in both)


def test_evaluations_are_n_episodes_a_step(tmp_path: Path) -> None:
    results = np.array([[1.0, 2.0], [3.0, 5.0]])
    lengths = np.array([[7, 8], [9, 10]])
    path = evaluations(
        tmp_path / "evaluations.npz", timesteps=[100, 200], results=results, ep_lengths=lengths
    )
    curve = one(path)
    assert curve.step.tolist() == [100, 100, 200, 200]
    assert curve.returns.tolist() == [1.0, 2.0, 3.0, 5.0]
    assert curve.length.tolist() == [7, 8, 9, 10]
    assert np.isnan(curve.seconds).all()
    assert "between training" in curve.evaluation


@pytest.mark.parametrize("as_tensors", [False, True])
def test_tensorboard_s_scalars_by_tag(tmp_path: Path, as_tensors: bool) -> None:
    points = {TAG: [(10, 1.0), (20, 2.5)], "train/loss": [(10, 9.0)]}
    path = event_file(tmp_path / "events.out.tfevents.1.host", points, as_tensors=as_tensors)
    curve = one(path)
    assert curve.step.tolist() == [10, 20]
    assert curve.returns.tolist() == [1.0, 2.5]
    assert curve.seconds.tolist() == [1.0, 2.0]
    assert curve.length.tolist() == [0, 0]
    assert one(path, tag="train/loss").returns.tolist() == [9.0]
    with pytest.raises(InputError, match=r"no scalar 'reward'; name one with --tag: rollout/ep_re"):
        one(path, tag="reward")


def test_an_event_file_of_a_killed_training_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    path = event_file(tmp_path / "events.out.tfevents.1", {TAG: [(10, 1.0), (20, 2.0)]})
    whole = path.read_bytes()
    for cut in (3, 30):
        path.write_bytes(whole[:-cut])
        curve = one(path)
        assert curve.step.tolist() == [10]
        assert curve.remarks == ("its file ends within a record",)
    path.write_bytes(whole[:-20] + bytes([whole[-20] ^ 1]) + whole[-19:])
    with pytest.raises(InputError, match="it is damaged at byte"):
        one(path)


def test_a_table_with_and_without_seeds(tmp_path: Path) -> None:
    plain = one(table(tmp_path / "a.csv", [(1, 2.0), ("1e3", 3)]))
    assert plain.step.tolist() == [1, 1000] and plain.returns.tolist() == [2.0, 3.0]
    columns = "seed, return, step, length"
    rows = [(7, 1.0, 5, 5), (3, 2.0, 6, 6), (7, 3.0, 9, 4)]
    first, second = read_curves([str(table(tmp_path / "b.csv", rows, columns))])
    assert (first.seed, first.step.tolist(), first.length.tolist()) == (7, [5, 9], [5, 4])
    assert (second.seed, second.returns.tolist()) == (3, [2.0])


def test_wildcards_count_as_people_do(tmp_path: Path) -> None:
    for place in (10, 9, 1):
        monitor(tmp_path / f"run_{place}" / "monitor.csv", [place], [1.0])
    for pattern in ("run_*", "run_*/monitor.csv"):
        curves = read_curves([str(tmp_path / pattern)])
        assert [(curve.seed, curve.last) for curve in curves] == [(0, 1), (1, 9), (2, 10)]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "x.csv is empty"),
        ("step,return\n", "there is no row of data in it"),
        ("step,return\n1,nan\n", "the return at step 1 is nan; returns must be finite"),
        ("step,return\n1,inf\n", "the return at step 1 is inf"),
        ("step,return\n0,1\n", "step 0 in row 1; steps count from 1"),
        ("step,return\n-3,1\n", "line 2: step is -3, below 0"),
        ("step,return\n5,1\n4,1\n", "steps decrease from 5 to 4 in row 2"),
        ("step,return\n1.5,1\n", "line 2: step is '1.5', not a whole number"),
        ("step,return\n1,much\n", "line 2: return is 'much', not a number"),
        ("step,return\n1\n", "line 2: 1 values under 2 columns"),
        ("step,return,reward\n1,1,1\n", "its columns are step, return, reward. Allowed: step and"),
        ("time,value\n1,1\n", "is of an unknown format. its columns are time, value. Known are"),
        ("hello", "is of an unknown format. Known are Stable-Baselines3's monitor.csv"),
        ("\0\1\2", "is of an unknown format"),
        ("#{nothing\nr,l,t\n", "the first line of a monitor.csv is # and JSON"),
        ('#{"t_start": 1}\nr,l\n', "a monitor.csv has columns r, l and t, this one r, l"),
        ('#{"t_start": 1}\nr,l,t\n', "there is no row of data in it"),
        ('#{"t_start": 1}\nr,l,t\n1,0,1\n', "episode 1 has the length 0"),
        ('#{"t_start": 1}\nr,l,t\n1,nan,1\n', "episode 1 has the length nan"),
        ('#{"t_start": 1}\nr,l,t\nnan,2,1\n', "the return at step 2 is nan"),
        ('#{"t_start": 1}\nr,l,t\nx,2,1\n', "line 3: r is 'x', not a number"),
        ("PK\3\4torn", "it is torn or no .npz"),
    ],
)
def test_what_is_no_curve_is_refused_with_its_name(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "x.csv"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        one(path)
    assert told in str(caught.value) and "x.csv" in str(caught.value)


@pytest.mark.parametrize(
    ("arrays", "told"),
    [
        ({"timesteps": [1], "results": np.array([[None]])}, "holds pickled Python objects"),
        ({"timesteps": [1]}, "holds timesteps and results, this one timesteps"),
        ({"timesteps": [1, 2], "results": [[1.0]]}, "timesteps [2] and results [1, 1] don't fit"),
        ({"timesteps": [1], "results": [["a"]]}, "not numbers"),
        ({"timesteps": [1.5], "results": [[1.0]]}, "timesteps must be whole numbers"),
        ({"timesteps": [2, 1], "results": [[1.0], [1.0]]}, "steps decrease from 2 to 1"),
        ({"timesteps": [1], "results": [[math.inf]]}, "the return at step 1 is inf"),
        ({"timesteps": [1], "results": [[1.0]], "ep_lengths": [[1, 2]]}, "ep_lengths [1, 2]"),
        ({"timesteps": [1], "results": [[1.0]], "ep_lengths": [[-1]]}, "can't be -1 steps long"),
        ({"timesteps": [], "results": np.zeros((0, 5))}, "there is no row of data in it"),
    ],
)
def test_evaluations_that_can_not_be_used(
    tmp_path: Path, arrays: dict[str, object], told: str
) -> None:
    path = evaluations(tmp_path / "evaluations.npz", **arrays)
    with pytest.raises(InputError) as caught:
        one(path)
    assert told in str(caught.value)


def test_files_that_are_not_one_a_seed_are_refused(tmp_path: Path) -> None:
    first, second = (table(tmp_path / name, [(1, 1)]) for name in ("a.csv", "b.csv"))
    seeded = table(tmp_path / "c.csv", [(1, 1, 0), (1, 1, 1)], "step,return,seed")
    names = [str(first), str(second)]
    for files, seeds, told in (
        (names, (0, 1, 2), "there are fewer curves, 2, than seeds, 3"),
        (names, (0,), "there are more curves, 2, than seeds, 1"),
        (names, (4, 4), "seed 4 is named 2 times"),
        ([names[0], names[0]], None, "is named 2 times; a file is one seed"),
        ([str(seeded)], (0, 1), "name their seeds in a column: leave out --seeds"),
        ([str(seeded), names[0]], None, "import them apart"),
        ([str(tmp_path / "none.csv")], None, "none.csv can't be read: No such file"),
        ([str(tmp_path / "*.npz")], None, "no file is called"),
    ):
        with pytest.raises(InputError) as caught:
            read_curves(files, seeds=seeds)
        assert told in str(caught.value)
    assert [each.seed for each in read_curves(names, seeds=(5, 2))] == [5, 2]


def test_folders_without_one_curve_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds nothing that can be read"):
        one(tmp_path)
    for name in ("events.out.tfevents.1", "events.out.tfevents.2"):
        event_file(tmp_path / name, {TAG: [(1, 1.0)]})
    with pytest.raises(InputError, match=r"holds several files of one run: .*; name one of them"):
        one(tmp_path)


def test_a_tag_is_of_event_files_only(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", [(1, 1)])
    with pytest.raises(InputError, match="--tag names a scalar of TensorBoard's event files"):
        one(path, tag="return")


def test_holes_are_much_larger_than_the_usual_distance() -> None:
    def curve(steps: list[int]) -> Curve:
        number = len(steps)
        return Curve(
            name="x",
            sha256="",
            kind="",
            evaluation="",
            step=np.array(steps),
            returns=np.zeros(number),
            length=np.zeros(number, dtype=np.int64),
            seconds=np.zeros(number),
        )

    regular = list(range(10, 1001, 10))
    assert list(curve(regular).holes(1000)) == []
    assert list(curve(regular[:30] + regular[60:]).holes(1000)) == [
        "nothing between steps 300 and 610"
    ]
    assert list(curve(regular[40:]).holes(1000)) == ["nothing between steps 0 and 410"]
    assert list(curve(regular).holes(1500)) == ["nothing between steps 1,000 and 1,500"]
    # Episodes that grow are no hole, nor are few points far apart.
    growing = np.cumsum([*[10] * 60, *[200] * 40])
    assert list(curve(growing.tolist()).holes(int(growing[-1]))) == []
    assert list(curve([250, 500, 750]).holes(1000)) == []
