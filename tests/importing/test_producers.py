"""Tables as other programs write them, of curves that are known."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.errors import InputError
from bench.importing import Choice, Curve, read_curves
from bench.kinds import EPISODES, EVALUATIONS, MEANS, UNSAID
from tests.importing.files_of_others import event_file

ENDS = ("", "__MIN", "__MAX")


def read(folder: Path, name: str, text: str, choice: Choice | None = None) -> list[Curve]:
    path = folder / name
    path.write_text(text)
    return read_curves([str(path)], choice=choice)


def values(curve: Curve) -> tuple[list[int], list[float]]:
    return curve.step.tolist(), curve.returns.tolist()


@pytest.mark.parametrize(
    ("name", "text", "step", "returns", "kind", "seconds"),
    [
        (  # a row of an evaluation has no training returns, and the other way round
            "progress.csv",
            "eval/mean_reward,rollout/ep_rew_mean,time/time_elapsed,time/total_timesteps\n"
            ",1.5,3,2048\n9.0,,,4096\n,2.5,7,4096\n",
            [2048, 4096],
            [1.5, 2.5],
            MEANS,
            [3, 7],
        ),
        (
            "progress.csv",
            "eval/mean_reward,time/total_timesteps\n9.0,4096\n",
            [4096],
            [9],
            EVALUATIONS,
            None,
        ),
        (
            "progress.json",
            '{"rollout/ep_rew_mean": 1.5, "time/total_timesteps": 2048}\n'
            '{"train/loss": 3, "time/total_timesteps": 3000}\n'
            '{"rollout/ep_rew_mean": 2.5, "time/total_timesteps": 4096}\n{"rollout',
            [2048, 4096],
            [1.5, 2.5],
            MEANS,
            None,
        ),
        (
            "progress.csv",
            "eplenmean,eprewmean,misc/time_elapsed,misc/total_timesteps\n9,nan,1,2048\n9,2,2,4096\n",
            [4096],
            [2],
            MEANS,
            [2],
        ),
        (
            "progress.csv",
            "EpRewMean,EpThisIter,TimestepsSoFar\n-5,9,1000\n-4,9,2000\n",
            [1000, 2000],
            [-5, -4],
            MEANS,
            None,
        ),
        (
            "progress.txt",
            "Epoch\tAverageEpRet\tAverageTestEpRet\tTotalEnvInteracts\tTime\n0\t1\t8\t4000\t6\n",
            [4000],
            [1],
            MEANS,
            [6],
        ),
        (
            "progress.csv",
            "episode_reward_mean,timesteps_total,time_total_s,evaluation/episode_reward_mean\n"
            "20,4000,5,30\n",
            [4000],
            [20],
            MEANS,
            [5],
        ),
        (
            "result.json",
            json.dumps(
                {
                    "env_runners": {"episode_return_mean": 20.5},
                    "num_env_steps_sampled_lifetime": 4000,
                    "config": {"env": "Hopper-v5", "lr": [1, 2]},
                }
            ),
            [4000],
            [20.5],
            MEANS,
            None,
        ),
        (
            "run-PPO_1-tag-rollout_ep_rew_mean.csv",
            "Wall time,Step,Value\n1700000000.5,10,1\n1700000002.5,20,2\n",
            [10, 20],
            [1, 2],
            MEANS,
            [0, 2],
        ),
        (
            "run-PPO_1-tag-eval_mean_reward.csv",
            "Wall time,Step,Value\n1700000000.5,10,1\n",
            [10],
            [1],
            EVALUATIONS,
            [0],
        ),
    ],
)
def test_the_columns_of_programs_are_known(
    tmp_path: Path,
    name: str,
    text: str,
    step: list[int],
    returns: list[float],
    kind: str,
    seconds: list[float] | None,
) -> None:
    (curve,) = read(tmp_path, name, text)
    assert values(curve) == (step, returns)
    assert curve.kind == kind
    if seconds is not None:
        assert curve.seconds.tolist() == seconds
    (folder,) = read_curves([str(tmp_path)])
    assert folder.content == curve.content


def test_rllib_s_settings_name_the_environment(tmp_path: Path) -> None:
    line = {"episode_reward_mean": 1, "timesteps_total": 5, "config": {"env": "Hopper-v5"}}
    (curve,) = read(tmp_path, "result.json", json.dumps(line))
    assert curve.environments == ("Hopper-v5",)


def test_weights_and_biases_has_a_column_a_run(tmp_path: Path) -> None:
    columns = [
        f"{run} - {metric}{bound}"
        for run in ("ppo_0", "ppo - 1")
        for metric in ("charts/episodic_return", "losses/value_loss")
        for bound in ENDS
    ]
    rows = ["10,1,1,1,9,9,9,,,,,,", "20,,,,,,,3,3,3,9,8,9"]
    text = "\n".join(['"Step",' + ",".join(f'"{column}"' for column in columns), *rows]) + "\n"
    first, second = read(tmp_path, "wandb.csv", text)
    assert values(first) == ([10], [1]) and values(second) == ([20], [3])
    assert (first.seed, second.seed) == (0, 1) and second.name.endswith("wandb.csv, ppo - 1")
    assert first.kind == EPISODES and not first.remarks
    assert second.kind == EPISODES and not second.remarks


def test_points_of_several_are_means(tmp_path: Path) -> None:
    columns = ",".join(f"{run} - episodic_return{end}" for run in "ab" for end in ENDS)
    text = f"Step,{columns}\n10,2,1,3,4,4,4\n20,5,5,5,6,6,6\n"
    curves = read(tmp_path, "w.csv", text.replace("episodic", "charts/episodic"))
    assert [(values(curve), curve.kind) for curve in curves] == [
        (([10, 20], [2, 5]), MEANS),
        (([10, 20], [4, 6]), MEANS),
    ]
    for curve in curves:
        assert curve.remarks == ("its points are means: minimum and maximum differ",)
    (semicolons, _) = read(tmp_path, "w.csv", text.replace(",", ";"))
    assert values(semicolons) == ([10, 20], [2, 5])
    # A metric that is the only one needs not be known.
    assert {curve.kind for curve in read(tmp_path, "w.csv", text)} == {UNSAID}


def test_an_unknown_column_is_named_with_or_without_its_steps(tmp_path: Path) -> None:
    text = "global_step;my reward;test reward\n10;1;5\n20;2;6\n"
    choice = Choice(return_column="my reward")
    (curve,) = read(tmp_path, "mine.csv", text, choice)
    assert values(curve) == ([10, 20], [1, 2]) and curve.kind == UNSAID
    (curve,) = read(tmp_path, "mine.csv", text, Choice(return_column="test reward"))
    assert curve.kind == EVALUATIONS
    (curve,) = read(tmp_path, "mine.csv", text, Choice(return_column="my reward", kind=EPISODES))
    assert curve.kind == EPISODES
    with pytest.raises(InputError, match="name the column of its steps by --step-column; its col"):
        read(tmp_path, "mine.csv", text.replace("global_step", "t"), choice)
    with pytest.raises(InputError, match="its returns are evaluations, not training episodes"):
        read(tmp_path, "mine.csv", text, Choice(return_column="test reward", kind=EPISODES))


def test_rows_of_several_things_are_chosen_or_refused(tmp_path: Path) -> None:
    rows = ("Hopper-v5,a,0,10,1", "Hopper-v5,b,0,10,2", "Swimmer-v5,a,0,10,3")
    text = "\n".join(["env_id,algo,seed,step,return", *rows]) + "\n"
    choice = Choice(environment="Hopper-v5", where={"algo": "b"})
    (curve,) = read(tmp_path, "long.csv", text, choice)
    assert values(curve) == ([10], [2]) and curve.environments == ("Hopper-v5",)
    for selection, message in (
        (
            Choice(),
            "its column 'env_id' holds Hopper-v5, Swimmer-v5; choose one by --where",
        ),
        (Choice(environment="Hopper-v5"), "its column 'algo' holds a, b; choose one by --where"),
        (Choice(where={"algo": "c"}), "its column 'algo' never is 'c'; it holds a, b"),
        (Choice(where={"alg": "c"}), "it has no column 'alg'; its columns are env_id, algo, seed"),
    ):
        with pytest.raises(InputError) as caught:
            read(tmp_path, "long.csv", text, selection)
        assert message in str(caught.value)


def test_many_columns_are_quoted_in_a_line(tmp_path: Path) -> None:
    columns = ",".join(f"info/learner/default_policy/number_{place}" for place in range(400))
    with pytest.raises(InputError, match="default_policy/number_7, and 392 more. Known") as caught:
        read(tmp_path, "progress.csv", f"{columns}\n")
    assert len(str(caught.value)) < 700


def test_steps_that_begin_again_go_on(tmp_path: Path) -> None:
    rows = [*range(1000, 6000, 1000), *range(1000, 4000, 1000)]
    text = "\n".join(["step,return", *(f"{step},{place}" for place, step in enumerate(rows))])
    (curve,) = read(tmp_path, "a.csv", text + "\n")
    assert values(curve) == (list(range(1000, 9000, 1000)), list(range(8)))
    assert curve.remarks == ("steps go back 1 time: read as 2 sessions in order",)


def test_a_session_from_a_checkpoint_replaces_what_came_after_it(tmp_path: Path) -> None:
    rows = [*range(1000, 6000, 1000), *range(4000, 8000, 1000)]
    text = "\n".join(["step,return", *(f"{step},{place}" for place, step in enumerate(rows))])
    (curve,) = read(tmp_path, "a.csv", text + "\n")
    assert values(curve) == (list(range(1000, 8000, 1000)), [0, 1, 2, 5, 6, 7, 8])
    assert curve.remarks == (
        "steps go back 1 time: read as 2 sessions in order, without 2 rows that a later one "
        "replaces",
    )


def test_an_event_file_of_a_second_session_counts_on(tmp_path: Path) -> None:
    for number in range(2):
        points = [(step, float(number)) for step in (1000, 2000, 3000)]
        event_file(tmp_path / f"events.out.tfevents.{number}", {"rollout/ep_rew_mean": points})
    (curve,) = read_curves([str(tmp_path)])
    assert values(curve) == (list(range(1000, 7000, 1000)), [0, 0, 0, 1, 1, 1])
    assert len(curve.remarks) == 2


def test_what_tensorboard_s_files_of_known_programs_hold(tmp_path: Path) -> None:
    for tag, kind in (
        ("ray/tune/episode_reward_mean", MEANS),
        ("train/returns_stat/mean", MEANS),
        ("eval/mean_reward", EVALUATIONS),
        ("episode/return", EPISODES),
    ):
        path = event_file(tmp_path / f"tfevents.{kind}", {tag: [(5, 1.0)], "loss": [(5, 2.0)]})
        (curve,) = read_curves([str(path)])
        assert values(curve) == ([5], [1]) and curve.kind == kind
