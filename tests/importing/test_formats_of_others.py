"""What stands in other programs' files is what is read, to the number."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from bench.errors import InputError
from bench.importing import Choice, Curve, read_curves
from bench.kinds import EPISODES, EVALUATIONS, MEANS, UNSAID
from tests.importing.files_of_others import STARTED, evaluations, event_file, monitor, table

TAG = "rollout/ep_rew_mean"


def read_one(path: Path, tag: str | None = None) -> Curve:
    (curve,) = read_curves([str(path)], choice=Choice(tag=tag))
    return curve


def test_a_monitor_s_steps_are_the_sum_of_its_lengths(tmp_path: Path) -> None:
    curve = read_one(monitor(tmp_path / "monitor.csv", [10, 5, 20], [1.5, -2, 3]))
    assert curve.step.tolist() == [10, 15, 35]
    assert curve.returns.tolist() == [1.5, -2.0, 3.0]
    assert curve.length.tolist() == [10, 5, 20]
    assert curve.seconds.tolist() == [0.5, 1.0, 1.5]
    assert curve.started == datetime.fromtimestamp(STARTED, UTC)
    assert curve.environments == ("Hopper-v5",)
    assert curve.kind == EPISODES
    assert curve.seed == 0


def test_a_folder_s_monitors_are_the_environments_of_one_run(tmp_path: Path) -> None:
    monitor(tmp_path / "0.monitor.csv", [10, 10], [1, 3], seconds=[1.0, 3.0])
    monitor(tmp_path / "1.monitor.csv", [4, 4], [2, 4], started=STARTED + 1, seconds=[1.0, 3.5])
    curve = read_one(tmp_path)
    assert curve.returns.tolist() == [1, 2, 3, 4]  # by the time at which they ended
    assert curve.step.tolist() == [10, 14, 24, 28]
    assert curve.seconds.tolist() == [1.0, 2.0, 3.0, 4.5]
    assert not curve.remarks
    (by_wildcard,) = read_curves([str(tmp_path / "*.monitor.csv")])
    assert (by_wildcard.content, by_wildcard.name) == (curve.content, str(tmp_path))
    with pytest.raises(InputError, match="holds the 2 environments of one run, 0.monitor.csv, 1"):
        read_one(tmp_path / "1.monitor.csv")


def test_evaluations_are_n_episodes_a_step(tmp_path: Path) -> None:
    results = np.array([[1.0, 2.0], [3.0, 5.0]])
    lengths = np.array([[7, 8], [9, 10]])
    path = evaluations(
        tmp_path / "evaluations.npz", timesteps=[100, 200], results=results, ep_lengths=lengths
    )
    curve = read_one(path)
    assert curve.step.tolist() == [100, 100, 200, 200]
    assert curve.returns.tolist() == [1.0, 2.0, 3.0, 5.0]
    assert curve.length.tolist() == [7, 8, 9, 10]
    assert np.isnan(curve.seconds).all()
    assert curve.kind == EVALUATIONS


@pytest.mark.parametrize("as_tensors", [False, True])
def test_tensorboard_s_scalars_by_tag(tmp_path: Path, as_tensors: bool) -> None:
    points = {TAG: [(10, 1.0), (20, 2.5)], "train/loss": [(10, 9.0)]}
    path = event_file(tmp_path / "events.out.tfevents.1.host", points, as_tensors=as_tensors)
    curve = read_one(path)
    assert curve.step.tolist() == [10, 20]
    assert curve.returns.tolist() == [1.0, 2.5]
    assert curve.seconds.tolist() == [1.0, 2.0]
    assert curve.length.tolist() == [0, 0]
    assert read_one(path, tag="train/loss").returns.tolist() == [9.0]
    with pytest.raises(InputError, match=r"no scalar 'reward'; name one with --tag: rollout/ep_re"):
        read_one(path, tag="reward")


def test_an_event_file_of_a_killed_training_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    path = event_file(tmp_path / "events.out.tfevents.1", {TAG: [(10, 1.0), (20, 2.0)]})
    intact = path.read_bytes()
    for cut in (3, 30):
        path.write_bytes(intact[:-cut])
        curve = read_one(path)
        assert curve.step.tolist() == [10]
        assert curve.remarks == ("its file ends within a record",)
        assert curve.kind == MEANS
    path.write_bytes(intact[:-20] + bytes([intact[-20] ^ 1]) + intact[-19:])
    with pytest.raises(InputError, match="it is damaged at byte"):
        read_one(path)


def test_a_table_with_and_without_seeds(tmp_path: Path) -> None:
    plain = read_one(table(tmp_path / "a.csv", [(1, 2.0), ("1e3", 3)]))
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
    ("text", "message"),
    [
        ("", "x.csv is empty"),
        ("step,return\n", "there is no row of data in it"),
        ("step,return\n1,nan\n", "there is no row of data in it"),
        ("step,return\n1,inf\n", "the return at step 1 is inf"),
        ("step,return\n0,1\n", "there is no row of data in it"),
        ("step,return\n-3,1\n", "point 1: step is -3; it must be a whole number from 0"),
        ("step,return\n1e400,1\n", "point 1: step is inf; it must be a whole number"),
        (f"step,return\n{2**63},1\n", "point 1: step is 9.22337203685478e+18; it must"),
        (f"step,return,length\n5,1,{2**31}\n", "point 1: length is 2,147,483,648; it must"),
        ("step,return,seed\n5,1,-1\n", "row 1: seed is '-1'; seeds are whole numbers"),
        ("step,return\n5,1\n4,1\n", "steps decrease from 5 to 4 in row 2"),
        ("step,return\n1.5,1\n", "point 1: step is 1.5; it must be a whole number"),
        ("step,return\n1,much\n", "row 1: 'return' is 'much', not a number"),
        ("step,return\n1\n", "there is no row of data in it"),
        ("step,return\n1,2,3\n", "its rows have more values than its columns' names"),
        ("step,return\n1,2\n1,2,3\n", "Expected 2 fields in line 3, saw 3"),
        ('step,return\n1,"2\n3,4\n', "EOF inside string"),
        ("step,return\n1,\xff\n".encode("latin-1"), "it is no text in UTF-8"),
        ("step,return\n1,2\0\n", "it is no text: it has a zero byte"),
        ("step,return\n1,2\n".encode("utf-16"), "is of no known format. Known are"),
        ("time,value\n1,1\n", "is of no known format; its columns are time, value. Known are"),
        ("x" * 9999 + ",y\n1,1\n", "is of no known format; its columns are " + "x" * 40 + "…, y."),
        ("hello", "is of no known format. Known are monitor files"),
        ("\0\1\2", "is of no known format"),
        ("#{nothing\nr,l,t\n", "the first line of a monitor file is JSON with t_start"),
        ('#{"t_start": 1}\nr,l\n', "a monitor file has r, l and t, this one r, l"),
        ('{"t_start": 1}\nhello\n{}\n', "line 1: 'hello' is no object of JSON"),
        ('#{"t_start": 1}\nr,l,t\n', "there is no row of data in it"),
        ('#{"t_start": 1}\nr,l,t\n1,0,1\n', "episode 1 has the length 0"),
        ('#{"t_start": 1}\nr,l,t\n1,nan,1\n', "episode 1 has the length nan"),
        ('#{"t_start": 1}\nr,l,t\n1,1.5,1\n', "episode 1 has the length 1.5"),
        ('#{"t_start": 1}\nr,l,t\nnan,2,1\n', "there is no row of data in it"),
        ('#{"t_start": 1}\nr,l,t\ninf,2,1\n', "the return at step 2 is inf"),
        ('#{"t_start": 1}\nr,l,t\nx,2,1\n', "row 1: 'r' is 'x', not a number"),
        ("PK\3\4torn", "it is torn or no .npz"),
    ],
)
def test_what_is_no_curve_is_refused_with_its_name(
    tmp_path: Path, text: str | bytes, message: str
) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InputError) as caught:
        read_one(path)
    assert message in str(caught.value) and "x.csv" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"timesteps": [1], "results": np.array([[None]])}, "holds pickled Python objects"),
        ({"timesteps": [1]}, "holds timesteps and results, this one timesteps"),
        ({"timesteps": [1, 2], "results": [[1.0]]}, "timesteps [2] and results [1, 1] don't fit"),
        ({"timesteps": [1], "results": [["a"]]}, "something else than numbers"),
        ({"timesteps": [1.5], "results": [[1.0]]}, "point 1: step is 1.5; it must be a whole"),
        ({"timesteps": [2**63], "results": [[1.0]]}, "point 1: step is 9.22337203685478e+18"),
        ({"timesteps": [2, 1], "results": [[1.0], [1.0]]}, "steps decrease from 2 to 1"),
        ({"timesteps": [1], "results": [[math.inf]]}, "the return at step 1 is inf"),
        ({"timesteps": [1], "results": [[1.0]], "ep_lengths": [[1, 2]]}, "ep_lengths [1, 2]"),
        ({"timesteps": [1], "results": [[1.0]], "ep_lengths": [[-1]]}, "point 1: length is -1"),
        ({"timesteps": [], "results": np.zeros((0, 5))}, "there is no row of data in it"),
    ],
)
def test_evaluations_that_can_not_be_used(
    tmp_path: Path, arrays: dict[str, object], message: str
) -> None:
    path = evaluations(tmp_path / "evaluations.npz", **arrays)
    with pytest.raises(InputError) as caught:
        read_one(path)
    assert message in str(caught.value)


def test_files_that_are_not_one_a_seed_are_refused(tmp_path: Path) -> None:
    first, second = (table(tmp_path / name, [(1, 1)]) for name in ("a.csv", "b.csv"))
    seeded = table(tmp_path / "c.csv", [(1, 1, 0), (1, 1, 1)], "step,return,seed")
    names = [str(first), str(second)]
    for files, seeds, message in (
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
        assert message in str(caught.value)
    assert [curve.seed for curve in read_curves(names, seeds=(5, 2))] == [5, 2]


def test_folders_without_one_curve_are_refused(tmp_path: Path) -> None:
    (tmp_path / "seed_0").mkdir()
    (tmp_path / "monitor.csv").mkdir()
    with pytest.raises(InputError, match=r"nothing that can be read; its folders are monitor.csv,"):
        read_one(tmp_path)
    for name in ("a.csv", "b.csv"):
        table(tmp_path / name, [(1, 1)])
    with pytest.raises(InputError, match=r"several files that could be the run: a.csv, b.csv; "):
        read_one(tmp_path)
    (tmp_path / "policy.pth").write_text("weights")
    with pytest.raises(InputError, match=r"pth is of no known .* could be read: a.csv, b.csv$"):
        read_one(tmp_path / "policy.pth")


def test_among_many_files_those_of_usual_names_are_looked_at_first(tmp_path: Path) -> None:
    for number in range(250):
        (tmp_path / f"checkpoint_{number}.zip").write_text("weights")
    with pytest.raises(InputError, match=r"nothing that can be read; 50 files not looked at\."):
        read_one(tmp_path)
    monitor(tmp_path / "monitor.csv", [10, 10], [1.0, 2.0])
    curve = read_one(tmp_path)
    assert curve.returns.tolist() == [1.0, 2.0]
    assert curve.beside == ("50 files not looked at",)


def test_a_tag_is_of_event_files_only(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", [(1, 1)])
    with pytest.raises(InputError, match="--tag names a scalar of TensorBoard's event files"):
        read_one(path, tag="return")


def test_holes_are_much_larger_than_the_usual_distance() -> None:
    def curve(steps: list[int]) -> Curve:
        number = len(steps)
        return Curve(
            name="x",
            sha256="",
            format="",
            kind=UNSAID,
            detail="",
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
