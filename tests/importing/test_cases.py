"""Files that went wrong once: each is read right, or refused in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.errors import InputError
from bench.importing import Choice, Curve, read_curves
from bench.kinds import EPISODES, EVALUATIONS, MEANS, UNSAID

CASES = Path(__file__).parent / "cases"
PLAIN = list(range(100, 2001, 100)), [10.0 * place for place in range(1, 21)]


def read(*names: str, **choice: str) -> list[Curve]:
    return read_curves([str(CASES / name) for name in names], choice=Choice(**choice))  # type: ignore[arg-type]


def refusal(*names: str, **choice: str) -> str:
    with pytest.raises(InputError) as caught:
        read(*names, **choice)
    message = str(caught.value)
    assert "\n" not in message and len(message) < 600
    return message


def points(curve: Curve) -> tuple[list[int], list[float]]:
    return curve.step.tolist(), curve.returns.tolist()


@pytest.mark.parametrize(
    ("names", "remarks", "kind", "environment"),
    [
        (("a_space_header", "a_space_header/monitor.csv"), (), EPISODES, "Hopper-v2"),
        (("d_train_eval", "d_train_eval/monitor.csv"), (), EPISODES, "Hopper-v4"),
        (
            ("f_torn", "f_torn/monitor.csv", "f_torn_comma", "f_torn_comma/monitor.csv"),
            ("its last line is cut off and left out",),
            EPISODES,
            "Hopper-v4",
        ),
        (
            ("g_empty_one", "g_empty_one/*"),
            ("1.monitor.csv: it holds no episode",),
            EPISODES,
            "Hopper-v4",
        ),
        (("i_json", "i_json/0.monitor.json"), (), EPISODES, "Hopper-v1"),
    ],
)
def test_monitor_files_alike_as_files_and_as_folders(
    names: tuple[str, ...], remarks: tuple[str, ...], kind: str, environment: str
) -> None:
    for name in names:
        (curve,) = read(name)
        assert points(curve) == PLAIN
        assert curve.remarks == remarks
        assert (curve.kind, curve.environments) == (kind, (environment,))


@pytest.mark.parametrize("name", ["c_digit", "c_digit/*.monitor.csv", "c_digit/*"])
def test_environments_are_no_seeds(name: str) -> None:
    (curve,) = read(name)
    assert curve.step.tolist() == list(range(100, 8001, 100))
    assert curve.returns[:5].tolist() == [10, 11, 12, 13, 20]
    assert not curve.remarks


def test_one_environment_of_several_is_no_run() -> None:
    names = [f"c_digit/{number}.monitor.csv" for number in range(4)]
    for chosen in (names[:1], names[1:]):
        assert "holds the 4 environments of one run, 0.monitor.csv, 1.mon" in refusal(*chosen)
    assert read(*names)[0].content == read("c_digit")[0].content


def test_evaluations_beside_training_are_named_and_not_joined() -> None:
    (curve,) = read("d_train_eval")
    assert curve.beside == ("eval.monitor.csv",)
    (evaluations,) = read("d_train_eval/eval.monitor.csv")
    assert evaluations.kind == EVALUATIONS
    assert "several files of one run: eval.monitor.csv, monitor.csv" in refusal("d_train_eval/*")
    message = refusal("a_space_header", "d_train_eval/eval.monitor.csv")
    assert "a variant has one kind of returns, these files have training episodes (" in message


@pytest.mark.parametrize(("name", "final"), [("e_appended_vec", 385), ("resumed_monitors", 1000)])
def test_appended_sessions_follow_one_another(name: str, final: float) -> None:
    for pattern in (name, f"{name}/*"):
        (curve,) = read(pattern)
        assert curve.remarks == ("its clock restarts: read as 2 sessions in order",)
        late = curve.step > 0.9 * curve.last
        assert curve.returns[late].mean() == final
        assert (curve.seconds[1:] >= curve.seconds[:-1]).all()


def test_evaluations_of_ten_seeds() -> None:
    curves = read("evals/*.npz")
    assert [curve.seed for curve in curves] == list(range(10))
    for curve in curves:
        assert curve.kind == EVALUATIONS and len(curve.step) == 100
        assert set(curve.step[-5:]) == {100_000} and set(curve.length) == {500}
    assert "several files that could be the run: evaluations_0.npz, ev" in refusal("evals")
    assert "evaluations (" in refusal("evals/evaluations_0.npz", "a_space_header")


@pytest.mark.parametrize(
    ("name", "step", "returns", "remarks", "kind"),
    [
        ("caps", [1000, 2000], [1, 2], (), UNSAID),
        ("index", [1000, 2000], [1, 2], (), UNSAID),
        ("semi", [1000, 2000], [1, 2], (), UNSAID),
        ("spaces", [1000, 2000], [1, 2], (), UNSAID),
        (
            "nan",
            [2000],
            [20],
            ("left out: 1 row whose return is NaN, up to step 1,000",),
            UNSAID,
        ),
        ("step0", [1000, 2000], [20, 30], ("left out: 1 row at step 0",), UNSAID),
        ("tbcsv", [1000, 2000], [10, 20], (), UNSAID),
        ("wandb", [1000, 2000], [10, 20], (), EPISODES),
    ],
)
def test_tables(
    name: str, step: list[int], returns: list[float], remarks: tuple[str, ...], kind: str
) -> None:
    (curve,) = read(f"h_csv/{name}.csv")
    assert points(curve) == (step, returns)
    assert (curve.remarks, curve.kind) == (remarks, kind)


def test_columns_may_be_named() -> None:
    for name, columns in (
        ("caps", ("Step", "Return")),
        ("semi", ("step", "return")),
        ("tbcsv", ("step", "value")),
        ("wandb", ("Step", "ppo_0 - charts/episodic_return")),
        ("wandb", ("Step", "charts/episodic_return")),
    ):
        (curve,) = read(f"h_csv/{name}.csv", step_column=columns[0], return_column=columns[1])
        assert curve.step.tolist() == [1000, 2000]
    message = refusal("h_csv/caps.csv", step_column="Step", return_column="Reward")
    assert "caps.csv is of no known format; its columns are Step, Return. Known" in message


def test_a_long_table_holds_a_curve_a_seed() -> None:
    assert [(curve.seed, *points(curve)) for curve in read("h_csv/long.csv")] == [
        (0, [1000, 2000], [1, 3]),
        (1, [1000, 2000], [2, 4]),
    ]
    for name in ("control", "better"):
        curves = read(f"offset/{name}.csv")
        assert [curve.seed for curve in curves] == list(range(10))
        assert {curve.last for curve in curves} == {400}
    for folder in ("h_csv", "offset"):
        assert "several files that could be the run" in refusal(folder)


def test_progress_of_stable_baselines_and_of_spinning_up() -> None:
    (curve,) = read("j_progress")
    assert points(curve) == ([1000, 2000], [10, 20]) and curve.kind == MEANS
    assert curve.beside == ("progress.txt",)
    assert points(read("j_progress/progress.csv")[0]) == points(curve)
    (other,) = read("j_progress/progress.txt")
    assert points(other) == ([4000, 8000], [10, 20]) and other.kind == MEANS
    # Two logs of one folder are never two seeds.
    assert "holds several files of one run: progress.csv, progress.txt" in refusal("j_progress/*")


@pytest.mark.parametrize(
    ("name", "step", "returns", "remarks", "kind"),
    [
        (
            "l_tb_nan",
            [2000, 3000],
            [20, 30],
            ("left out: 1 row whose return is NaN, up to step 1,000",),
            MEANS,
        ),
        ("l_tb_step0", [1000, 2000], [20, 30], ("left out: 1 row at step 0",), MEANS),
        (
            "l_tb_two",
            [1000, 2000, 3000, 4000],
            [10, 20, 30, 40],
            ("2 event files: read as sessions in the order of time",),
            MEANS,
        ),
        ("l_tb_cleanrl", [22, 45, 45, 100], [22, 23, 11, 50], (), EPISODES),
    ],
)
def test_event_files(
    name: str, step: list[int], returns: list[float], remarks: tuple[str, ...], kind: str
) -> None:
    for pattern in (name, f"{name}/*"):
        (curve,) = read(pattern)
        assert points(curve) == (step, returns)
        assert (curve.remarks, curve.kind) == (remarks, kind)


def test_event_files_without_returns_tell_their_tags() -> None:
    assert refusal("l_tb_loss").endswith(
        "it has no scalar known to hold returns; name one with --tag: train/loss"
    )
    (curve,) = read("l_tb_loss", tag="train/loss")
    assert curve.returns.tolist() == [10, 20] and curve.kind == UNSAID


def test_every_case_is_tested_here() -> None:
    text = Path(__file__).read_text()
    for folder in CASES.iterdir():
        assert f'"{folder.name}' in text
