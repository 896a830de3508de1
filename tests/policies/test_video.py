"""A video is whole or not there, whatever pictures it is given and however its encoder ends."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import numpy as np
import pytest

from bench.errors import InputError
from bench.policies.playback import Stage
from bench.policies.saved_policy import saved_policy
from bench.policies.video import Video
from bench.train.environments import describe
from bench.train.trainer import train
from tests.policies.test_saved_policy import described

ROOT = Path(__file__).parents[2]
SHOWN = "small_environments:Shown-v0"


@pytest.fixture
def shown_class(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The class of an environment that can be looked at, to be changed by `monkeypatch`."""
    monkeypatch.syspath_prepend(ROOT / "tests" / "train")
    return importlib.import_module("small_environments").Shown


def decoded(path: Path, height: int, width: int) -> np.ndarray:
    """Pictures [count, height, width, 3] as any player sees them."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(path)]
    command += ["-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    answer = subprocess.run(command, capture_output=True, check=True)
    return np.frombuffer(answer.stdout, np.uint8).reshape(-1, height, width, 3)


def written(path: Path, pictures: list[np.ndarray], rate: float = 20.0) -> Video:
    video = Video(path, rate)
    try:
        for picture in pictures:
            video.add(picture)
        video.save()
    finally:
        video.close()
    return video


@pytest.mark.parametrize(
    ("name", "shape", "size"),
    [
        ("x.mp4", (41, 33, 3), (40, 32)),
        ("x.MP4", (2, 3, 3), (2, 2)),
        ("x.gif", (41, 33, 3), (41, 33)),
        ("x.gif", (1, 1, 3), (1, 1)),
    ],
)
def test_pictures_of_all_sizes_come_back(
    name: str, shape: tuple[int, ...], size: tuple[int, int], tmp_path: Path
) -> None:
    levels = np.array([0, 0, 0, 100, 200, 250])
    video = written(tmp_path / name, [np.full(shape, level, np.uint8) for level in levels])
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert video.seconds == pytest.approx(0.3)
    pictures = decoded(video.path, *size)
    assert len(pictures) == len(levels)
    assert np.abs(pictures.mean((1, 2, 3)) - levels).max() < 3


@pytest.mark.parametrize(
    ("name", "shapes", "message"),
    [
        ("x.mp4", [(40, 40, 3), (42, 40, 3)], "change their size, from 40 × 40 to 42 × 40 pixels"),
        ("x.gif", [(40, 40, 3), (40, 41, 3)], "change their size, from 40 × 40 to 40 × 41 pixels"),
        ("x.mp4", [(41, 40, 3), (40, 40, 3)], "change their size"),
        ("x.mp4", [(1, 40, 3)], "its pictures are 1 × 40 pixels, too small"),
        ("x.gif", [(0, 40, 3)], "its pictures are 0 × 40 pixels, too small"),
    ],
)
def test_sizes_that_make_no_video(
    name: str, shapes: list[tuple[int, ...]], message: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=message):
        written(tmp_path / name, [np.zeros(shape, np.uint8) for shape in shapes])
    assert list(tmp_path.iterdir()) == []


def test_an_encoder_that_fails_leaves_nothing_and_is_told(tmp_path: Path) -> None:
    """Few pictures: it fails when it is closed. Many: while it still takes some."""
    script = f"""
import resource
import numpy as np
from pathlib import Path
from bench.errors import InputError
from bench.policies.video import Video

resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
noise = np.random.default_rng(0).integers(256, size=(400, 64, 64, 3), dtype=np.uint8)
for name, pictures in (("few.mp4", 12), ("many.mp4", 400), ("few.gif", 12)):
    video = Video(Path({str(tmp_path)!r}) / name, 20.0)
    try:
        for picture in noise[:pictures]:
            video.add(picture)
        video.save()
    except InputError as error:
        print(error)
    finally:
        video.close()
"""
    answer = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert answer.returncode == 0 and answer.stderr == ""
    names = ("few.mp4", "many.mp4", "few.gif")
    for line, name in zip(answer.stdout.splitlines(), names, strict=True):
        assert line.startswith(f"cannot write '{tmp_path}/{name}': ")
    assert list(tmp_path.iterdir()) == []


def picture(monkeypatch: pytest.MonkeyPatch, shown_class: Any, rendered: Any) -> np.ndarray | None:
    """The first picture of an environment that renders this."""
    monkeypatch.setattr(shown_class, "render", lambda self: rendered)
    stage = Stage(SHOWN, "rgb_array")
    try:
        stage._env.reset()
        return stage._picture()
    finally:
        stage.close()


def test_greys_and_opacity_are_pictures_too(
    shown_class: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    grey = np.arange(6, dtype=np.uint8).reshape(2, 3)
    colours = np.repeat(grey[:, :, None], 3, axis=2)
    for rendered in (grey, grey[:, :, None], colours, np.dstack([colours, grey])):
        np.testing.assert_array_equal(picture(monkeypatch, shown_class, rendered), colours)


@pytest.mark.parametrize(
    ("rendered", "message"),
    [
        (None, "its render() gave None"),
        (np.full((4, 4, 3), 0.5), "its render() gave float64 (4, 4, 3)"),
        (np.zeros((4, 4, 3), np.int64), "its render() gave int64 (4, 4, 3)"),
        (np.zeros((4, 4, 2), np.uint8), "its render() gave uint8 (4, 4, 2)"),
        (np.zeros(4, np.uint8), "its render() gave uint8 (4,)"),
        ([np.zeros((4, 4, 3), np.uint8)], "its render() gave uint8 (1, 4, 4, 3)"),
        ([[0], [0, 1]], "ValueError"),
        ("a text", "its render() gave <U6 ()"),
    ],
)
def test_what_is_no_picture_is_said_in_one_line(
    rendered: Any, message: str, shown_class: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InputError) as caught:
        picture(monkeypatch, shown_class, rendered)
    assert message in str(caught.value)
    assert str(caught.value).startswith(f"{SHOWN} can't be shown here: ")


@pytest.mark.parametrize("rate", [None, 0, -5, float("nan"), float("inf"), "fast"])
def test_a_rate_that_is_none_is_the_usual_one(
    rate: Any, shown_class: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(shown_class.metadata, "render_fps", rate)
    stage = Stage(SHOWN, "rgb_array")
    assert stage.rate == 30.0
    stage.close()


@pytest.mark.parametrize("method", ["reset", "step"])
def test_an_environment_that_can_not_draw_in_its_window(
    method: str, shown_class: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    description = described(SHOWN, "vanilla_policy_gradient")
    (result,) = train(description, [0])
    policy = saved_policy(description, result.policy, describe(SHOWN))

    def broken(self: Any, *_: Any, **__: Any) -> None:
        raise RuntimeError("no such\nscreen")

    monkeypatch.setattr(shown_class, method, broken)
    stage = Stage(SHOWN, "human")
    with pytest.raises(InputError, match="can't be shown here: RuntimeError: no such screen"):
        list(stage.play(policy, episode=0, sampled=False))
    stage.close()
