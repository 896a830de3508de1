"""The events that the runner reports: groups planned, started, in training, ended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from bench.plan.identity import Description
from bench.train.results import Progress


class Row(NamedTuple):
    """One run of a group: a seed of a description."""

    description: Description
    seed: int

    @property
    def run(self) -> str:
        """The run's name in the store."""
        return self.description.run(self.seed)


@dataclass(frozen=True)
class Group:
    """Runs that train together: seeds of one description, or rows of one program on a device."""

    rows: tuple[Row, ...]

    @classmethod
    def of(cls, description: Description, seeds: Iterable[int]) -> Group:
        """Make a group of seeds of one description."""
        return cls(tuple(Row(description, seed) for seed in seeds))

    @property
    def description(self) -> Description:
        """The first row's; the others have its algorithm, environment, budget, back end, device."""
        return self.rows[0].description

    @property
    def descriptions(self) -> list[Description]:
        """The descriptions of all rows, each once."""
        return list({row.description.identifier: row.description for row in self.rows}.values())

    @property
    def seeds(self) -> Sequence[int]:
        """The rows' seeds; a seed that two descriptions share occurs twice."""
        return tuple(row.seed for row in self.rows)

    @property
    def steps(self) -> int:
        """Budget of all its rows [environment steps]."""
        return sum(row.description.steps for row in self.rows)


@dataclass(frozen=True, kw_only=True)
class Planned:
    """The groups to train; `kept` runs have results already, `stale` of them from other code.

    `compiled_first`: whether kernels may have to be compiled for this processor first.
    """

    groups: tuple[Group, ...]
    kept: int
    stale: int
    compiled_first: bool = False


@dataclass(frozen=True, kw_only=True)
class Started:
    """A worker has been given the group."""

    group: Group


@dataclass(frozen=True, kw_only=True)
class Progressed:
    """A group has learned from another batch."""

    group: Group
    progress: Progress


@dataclass(frozen=True, kw_only=True)
class Ended:
    """A group has ended, successfully or not.

    Attributes:
        seconds: seconds since it started; 0 if other processes had finished it before.
        outcomes: row -> "finished", "diverged", "failed", "not stored"; "elsewhere" for a run that
            another process finished meanwhile, "taken over" for one that it trains now.
        reasons: error messages and remarks, each once.
    """

    group: Group
    seconds: float
    outcomes: Mapping[Row, str]
    reasons: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Waited:
    """Nothing happened for a while.

    `elsewhere`: number of runs by other processes that this one waits for; 0 while it trains.
    """

    elsewhere: int = 0


@dataclass(frozen=True, kw_only=True)
class Stopped:
    """No further group begins, for this reason; those in training go on."""

    reason: str


Event = Planned | Started | Progressed | Ended | Waited | Stopped


@dataclass(kw_only=True)
class Summary:
    """The numbers of a plan's runs by their outcome.

    Attributes:
        kept: runs that had a result already; `stale` of them from other code.
        finished: runs trained and stored, including `diverged` ones.
        elsewhere: runs that another process finished meanwhile.
        diverged: description and reason -> number of diverged runs, which are results.
        remarks: description and remark -> number of finished runs with this remark.
        failures: description and reason -> number of runs without a result.
    """

    kept: int = 0
    stale: int = 0
    finished: int = 0
    elsewhere: int = 0
    diverged: Counter[tuple[Description, str]] = field(default_factory=Counter)
    remarks: Counter[tuple[Description, str]] = field(default_factory=Counter)
    failures: Counter[tuple[Description, str]] = field(default_factory=Counter)
    seconds: float = 0.0
