"""The interface of environments, the same for every back end.

Sizes: M environments, observations of O numbers, continuous actions of A numbers.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from algorithms.spaces import ActionSpace, Continuous

BoolArray = npt.NDArray[np.bool_]
Float32Array = npt.NDArray[np.float32]
Float64Array = npt.NDArray[np.float64]
Int64Array = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """The results of one tick. The arrays belong to the receiver: no later tick writes into them.

    Attributes:
        observations: [M, O] what to act on next: the first observation of a new episode where one
            has just finished, the last one where the slot idled.
        last_observations: [M, O] what the step itself led to; bootstrap a truncated episode from
            it. It is the same array as `observations` if no slot finished in this tick.
        rewards: [M] raw rewards of this step; 0 where the slot idled, NaN where the action was
            not finite.
        terminated: [M] the episode reached its natural end.
        truncated: [M] the episode was cut off, usually by the time limit. Never together with
            `terminated`: a fall exactly at the limit is a fall.
    """

    observations: Float32Array
    last_observations: Float32Array
    rewards: Float64Array
    terminated: BoolArray
    truncated: BoolArray


@dataclass(frozen=True, kw_only=True)
class Specification:
    """Sizes and time limit of an environment: all that a policy needs to know of it.

    Attributes:
        environment: the id.
        back_end: the back end that steps it, a key of `bench.plan.back_ends.BACK_ENDS`.
        observation_size: numbers in one observation, flattened if it has parts.
        action_space: the kind and bounds of an action.
        time_limit: steps after which an episode is truncated; None: never, or not known.
    """

    environment: str
    back_end: str
    observation_size: int
    action_space: ActionSpace
    time_limit: int | None


def withhold_not_finite(
    actions: Float32Array | Int64Array, space: ActionSpace
) -> tuple[Float32Array | Int64Array, BoolArray | None]:
    """Replace actions with NaN or infinite components by zeros, or the bounds nearest to zero.

    A NaN makes EnvPool's BipedalWalker compute for ever, and MuJoCo write a log file into the
    working directory; one seed that diverges must not take the others with it.

    Returns:
        The actions, and [M] which rows were replaced; the given array and None if none was.
    """
    if not isinstance(space, Continuous) or np.isfinite(actions).all():
        return actions, None
    withheld: BoolArray = np.any(~np.isfinite(actions), axis=1)
    neutral = np.clip(np.zeros(space.size, np.float32), space.low, space.high)
    return np.where(withheld[:, None], neutral, actions).astype(np.float32), withheld


class Environments(ABC):
    """M environments of one id that step together and do not affect one another.

    Args:
        specification: the specification of all of them.
        count: M.
    """

    def __init__(self, specification: Specification, count: int) -> None:
        self.specification = specification
        self.observation_size = specification.observation_size
        self.action_space = specification.action_space
        self.time_limit = specification.time_limit
        self._count = count
        self._observations = np.zeros((count, self.observation_size), np.float32)

    def reset(self, elapsed: Int64Array | None = None) -> Float32Array:
        """Begin a new episode in every slot; return the first observations [M, O].

        Args:
            elapsed: [M] steps of the time limit that count as already taken; None: 0.
        """
        self._begin(np.ones(self._count, np.bool_))
        if elapsed is not None:
            self._let_elapse(elapsed)
        return self._observations.copy()

    def step(self, actions: Float32Array | Int64Array, active: BoolArray) -> Step:
        """Take one step in every active slot; finished slots begin anew within the same tick.

        A slot that is not active is not touched: no physics, no random number drawn, no time
        passed. A slot whose action is replaced (`withhold_not_finite`) gets NaN as its reward.

        Args:
            actions: [M, A], already clipped to the bounds if they should be, or [M] choices. Rows
                of slots that are not active are ignored.
            active: [M] which slots step.

        Raises:
            Exception: whatever an environment raises, with a note that names it.
        """
        actions, withheld = withhold_not_finite(actions, self.action_space)
        rewards, terminated, truncated = self._advance(actions, active)
        if withheld is not None:
            rewards[withheld & active] = np.nan
        last_observations = observations = self._observations.copy()
        finished = terminated | truncated
        if finished.any():
            self._begin(finished)
            observations = self._observations.copy()
        return Step(
            observations=observations,
            last_observations=last_observations,
            rewards=rewards,
            terminated=terminated,
            truncated=truncated,
        )

    @abstractmethod
    def _begin(self, slots: BoolArray) -> None:
        """Begin new episodes in these slots [M]; write first observations to `_observations`."""

    @abstractmethod
    def _let_elapse(self, steps: Int64Array) -> None:
        """Count these steps [M] of the time limit as taken."""

    @abstractmethod
    def _advance(
        self, actions: Float32Array | Int64Array, active: BoolArray
    ) -> tuple[Float64Array, BoolArray, BoolArray]:
        """Step active slots, write `_observations`; return rewards, terminated, truncated [M]."""

    @abstractmethod
    def close(self) -> None:
        """Release threads and memory. The object can't be used afterwards."""
