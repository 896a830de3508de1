"""What an environment of any back end takes and gives.

Sizes: M environments, observations of O numbers, continuous actions of A numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from algorithms.spaces import ActionSpace

BoolArray = npt.NDArray[np.bool_]
Float32Array = npt.NDArray[np.float32]
Float64Array = npt.NDArray[np.float64]
Int64Array = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """What one tick gave. The arrays belong to the receiver: no later tick writes into them.

    Attributes:
        observations: [M, O] what to act on next: the first observation of a new episode where one
            has just finished, the last one where the slot idled.
        last_observations: [M, O] what the step itself led to; bootstrap a truncated episode from
            it. The very same array as `observations` where no slot finished in this tick.
        rewards: [M] raw rewards of this step; 0 where the slot idled, NaN where the action was
            not finite.
        terminated: [M] the episode reached an end of its own.
        truncated: [M] the episode was cut off, by the time limit as a rule. Never together with
            `terminated`: a fall exactly at the limit is a fall.
    """

    observations: Float32Array
    last_observations: Float32Array
    rewards: Float64Array
    terminated: BoolArray
    truncated: BoolArray


@dataclass(frozen=True, kw_only=True)
class Specification:
    """What a policy has to know of an environment.

    Attributes:
        environment: the id.
        back_end: what steps it, one of `bench.plan.back_ends.BACK_ENDS`.
        observation_size: numbers in one observation, flattened where it has parts.
        action_space: what an action is.
        time_limit: steps after which an episode is truncated; None: never, or not known.
    """

    environment: str
    back_end: str
    observation_size: int
    action_space: ActionSpace
    time_limit: int | None


class Environments(Protocol):
    """M environments of one id that step together, each an island of its own.

    The attributes are those of `Specification`.
    """

    back_end: str
    observation_size: int
    action_space: ActionSpace
    time_limit: int | None

    def reset(self, elapsed: Int64Array | None = None) -> Float32Array:
        """Begin a new episode in every slot: [M, O] its first observations.

        Args:
            elapsed: [M] steps of the limit that these first episodes have behind them; None: 0.
        """
        ...

    def step(self, actions: Float32Array | Int64Array, active: BoolArray) -> Step:
        """One step of every active slot; finished slots begin anew within the same tick.

        A slot that is not active is not touched: no physics, no random number drawn, no time
        passed. An action with NaN or an infinity in it never reaches the physics (some engines
        hang on it): the slot steps with zeros instead and its reward is NaN.

        Args:
            actions: [M, A] within the bounds if they are meant to be, or [M] choices. Rows of
                slots that are not active are ignored.
            active: [M] which slots step.
        """
        ...

    def close(self) -> None:
        """Give back threads and memory. The object is of no use afterwards."""
        ...
