"""Play episodes of a trained policy and render them, frame by frame."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import gymnasium
import numpy as np
import numpy.typing as npt

from algorithms.numerics.random_streams import Noise
from bench.errors import InputError
from bench.policies import offscreen_rendering
from bench.policies.evaluation import SEED
from bench.policies.saved_policy import SavedPolicy
from bench.train.environments.catalogue import registered_name
from bench.train.environments.gymnasium_spaces import is_vector, native
from bench.train.environments.slot_seeds import episode_seed

Picture = npt.NDArray[np.uint8]

_USUAL_RATE = 30.0


@dataclass(frozen=True, kw_only=True)
class Moment:
    """One step of an episode.

    Attributes:
        picture: uint8 [height, width, 3]; None if none is due, or a window shows it.
        earned: sum of the episode's raw rewards in its first `steps` steps.
        last: whether the episode ends here, or is cut off.
    """

    picture: Picture | None
    earned: float
    steps: int
    last: bool


class Stage:
    """One environment that is rendered while a policy plays.

    Args:
        environment: its id.
        mode: "rgb_array" for pictures, "human" for a window.
        time_limit: steps after which an episode is cut off; None: the environment's own.

    Raises:
        InputError: the environment can't be made, or not rendered in this mode.
    """

    def __init__(
        self,
        environment: str,
        mode: Literal["rgb_array", "human"],
        time_limit: int | None = None,
    ) -> None:
        self.environment = environment
        self._mode = mode
        self._opengl = offscreen_rendering.prepare() if mode == "rgb_array" else None
        name = registered_name(environment)
        try:
            env: gymnasium.Env[Any, Any] = gymnasium.make(
                name, render_mode=mode, max_episode_steps=time_limit, disable_env_checker=True
            )
        except Exception as error:
            raise self._refused(error) from error
        if not is_vector(env.observation_space):
            env = gymnasium.wrappers.FlattenObservation(env)
        _follow(env)
        self._env = env

    @property
    def rate(self) -> float:
        """Steps per second of real-time playback: the environment's `render_fps`, or else 30."""
        fps: Any = self._env.metadata.get("render_fps")
        usable = isinstance(fps, int | float) and 0 < fps < math.inf
        return float(fps) if usable else _USUAL_RATE

    def play(
        self,
        policy: SavedPolicy,
        *,
        episode: int,
        sampled: bool,
        every: int = 1,
        steps: float = math.inf,
        seed: int = SEED,
    ) -> Iterator[Moment]:
        """Play one episode; yield it step by step, the first moment before the first step.

        Args:
            episode: its number, from 0.
            sampled: whether actions are samples of π_θ; else its modes.
            every: steps between pictures.
            steps: number of steps after which the episode is cut off.
            seed: determines the episode, together with its number.

        Raises:
            InputError: it can't be rendered here, or its numbers stop being finite
                (`SavedPolicy.act`).
        """
        observation, _ = self._call(self._env.reset, seed=episode_seed(seed, 0, episode))
        shape = (1, policy.policy.noise_size)
        noise = iter(Noise((seed,), episode, shape, policy.policy.noise_kind))
        earned, steps_taken, last = 0.0, 0, False
        while True:
            due = steps_taken % every == 0
            yield Moment(
                picture=self._picture() if due else None,
                earned=earned,
                steps=steps_taken,
                last=last,
            )
            if last:
                return
            step_noise = next(noise)[0] if sampled else None
            action = policy.act(np.asarray(observation, np.float32)[None], step_noise)[0]
            observation, reward, terminated, truncated, _ = self._call(
                self._env.step, native(action, self._env.action_space)
            )
            earned += float(reward)
            steps_taken += 1
            last = bool(terminated or truncated) or steps_taken >= steps

    def close(self) -> None:
        """Release the window and memory."""
        self._env.close()

    def _picture(self) -> Picture | None:
        rendered: Any = self._call(self._env.render)
        if self._mode == "human":
            return None
        picture = self._call(np.asarray, rendered)
        if picture.ndim == 2:  # of greys
            picture = picture[:, :, None]
        if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] not in (1, 3, 4):
            received = None if rendered is None else f"{picture.dtype} {picture.shape}"
            raise InputError(
                f"{self.environment} can't be shown here: its render() gave {received}; expected "
                "is uint8 (height, width, 3)"
            )
        # Opacity is left out: there is nothing behind a picture.
        return np.broadcast_to(picture[:, :, :3], (*picture.shape[:2], 3))

    def _call(self, method: Callable[..., Any], *arguments: Any, **keywords: Any) -> Any:
        """Call a method of the environment, which may render; raise its errors as InputError."""
        try:
            return method(*arguments, **keywords)
        except Exception as error:
            raise self._refused(error) from error

    def _refused(self, error: Exception) -> InputError:
        message = " ".join(f"{type(error).__name__}: {error}".split())
        needed = (
            ""
            if offscreen_rendering.has_display() or self._opengl
            else f"; {offscreen_rendering.NEEDED}"
        )
        return InputError(f"{self.environment} can't be shown here: {message}{needed}")


def _follow(env: gymnasium.Env[Any, Any]) -> None:
    """Render MuJoCo with the camera that follows the body, if the model has it ("track")."""
    renderer: Any = getattr(env.unwrapped, "mujoco_renderer", None)
    if renderer is None:
        return
    import mujoco

    camera = mujoco.mj_name2id(renderer.model, mujoco.mjtObj.mjOBJ_CAMERA, "track")
    if camera >= 0:
        renderer.camera_id = camera
