"""What is tuned: an algorithm in environments at a budget, and the name that follows from it."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from bench.plan.identity import Description, plain
from bench.plan.lookup import load_algorithm, values_as_before
from bench.tune.space import Dimension, defaults, suggested


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a study tunes. Equal requests are one study.

    Attributes:
        algorithm: canonical name or address.
        back_ends: environment -> name of its back end, for every environment.
        steps: budget of a trial's run [environment steps].
        seeds: seeds of every trial, in every environment.
        space: the searched hyperparameters and their ranges.
        fixed: hyperparameters that have this value in every trial.
        device: "cpu" or "cuda".
        time_limit: steps after which an episode is cut off; None: the environments' own.
        gold: the environments that are scored by their gold reward.
    """

    algorithm: str
    back_ends: Mapping[str, str] = field(hash=False)
    steps: int
    seeds: tuple[int, ...]
    space: tuple[Dimension, ...]
    fixed: Mapping[str, object] = field(default_factory=dict, hash=False)
    device: str = "cpu"
    time_limit: int | None = None
    gold: tuple[str, ...] = ()

    @property
    def environments(self) -> tuple[str, ...]:
        """All environments, in the order of the request."""
        return tuple(self.back_ends)

    def stated(self) -> dict[str, object]:
        """Return the request as plain JSON, whatever the order of its environments."""
        return {
            "algorithm": self.algorithm,
            "environments": dict(sorted(self.back_ends.items())),
            "steps": self.steps,
            "seeds": list(self.seeds),
            "space": {dimension.field: dimension.stated() for dimension in self.space},
            "fixed": {name: plain(value) for name, value in sorted(self.fixed.items())},
            "device": self.device,
            # Left out if None, so that studies from before time limits existed keep their names.
            **({} if self.time_limit is None else {"time_limit": self.time_limit}),
            **({"gold": sorted(self.gold)} if self.gold else {}),
        }

    @property
    def name(self) -> str:
        """The study's name: readable, with six digits hashed from the whole request."""
        names = (self.algorithm, *sorted(self.back_ends))
        words = [re.sub(r"[^A-Za-z0-9_.-]+", "_", name.rpartition(":")[2]) for name in names]
        text = json.dumps(self.stated(), sort_keys=True)
        digits = hashlib.sha256(text.encode()).hexdigest()[:6]
        return "-".join([*words, str(self.steps), digits])

    def hyperparameters(self, values: Mapping[str, object]) -> dict[str, object]:
        """Return all hyperparameters of a trial.

        Args:
            values: parameter of the space -> Optuna's value.
        """
        return {**self._unsearched, **suggested(self.space, values)}

    @property
    def _unsearched(self) -> dict[str, object]:
        return {**defaults(self.algorithm), **self.fixed}

    @property
    def without_default(self) -> tuple[str, ...]:
        """The hyperparameters whose range doesn't contain their default."""
        return tuple(
            dimension.field
            for dimension in self.space
            if not dimension.holds(self._unsearched[dimension.field])
        )

    def default_values(self) -> dict[str, object] | None:
        """Return Optuna's values for the defaults; None if the space doesn't contain them."""
        if self.without_default:
            return None
        return {
            dimension.parameter: dimension.suggestion(self._unsearched[dimension.field])
            for dimension in self.space
        }

    def description(self, environment: str, hyperparameters: Mapping[str, object]) -> Description:
        """Return the description of a trial's runs in an environment."""
        return Description(
            algorithm=self.algorithm,
            hyperparameters=hyperparameters,
            environment=environment,
            steps=self.steps,
            back_end=self.back_ends[environment],
            device=self.device,
            time_limit=self.time_limit,
            as_before=values_as_before(load_algorithm(self.algorithm)),
        )
