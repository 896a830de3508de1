"""What there is to train and what becomes of it, as the runner tells it."""

from __future__ import annotations

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
        """The run's name."""
        return self.description.run(self.seed)


@dataclass(frozen=True)
class Group:
    """Runs that train together: seeds of one description, or rows of one program on a device."""

    rows: tuple[Row, ...]

    @classmethod
    def of(cls, description: Description, seeds: Iterable[int]) -> Group:
        """Seeds of one description."""
        return cls(tuple(Row(description, seed) for seed in seeds))

    @property
    def description(self) -> Description:
        """The first row's: of the others' algorithm, environment, budget, back end and device."""
        return self.rows[0].description

    @property
    def descriptions(self) -> list[Description]:
        """Each once."""
        return list({row.description.identifier: row.description for row in self.rows}.values())

    @property
    def seeds(self) -> Sequence[int]:
        """The rows' seeds; one seed of two descriptions stands there twice."""
        return tuple(row.seed for row in self.rows)

    @property
    def steps(self) -> int:
        """Budget of all its rows [environment steps]."""
        return sum(row.description.steps for row in self.rows)


@dataclass(frozen=True, kw_only=True)
class Planned:
    """What there is to do: `kept` runs have results already, `stale` of them from other code.

    `compiled_first`: whether kernels may have to be compiled for this processor before.
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
    """How far a group is."""

    group: Group
    progress: Progress


@dataclass(frozen=True, kw_only=True)
class Ended:
    """A group has ended, whatever became of it.

    Attributes:
        seconds: since it started; 0 where other processes had finished it before.
        outcomes: row -> "finished", "diverged", "failed", "not stored", or "elsewhere" for a
            run that another process finished meanwhile.
        reasons: what went wrong, each once.
    """

    group: Group
    seconds: float
    outcomes: Mapping[Row, str]
    reasons: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Waited:
    """Nothing happened for a while.

    `elsewhere`: runs that this process waits for, which others train; 0 while it trains itself.
    """

    elsewhere: int = 0


Event = Planned | Started | Progressed | Ended | Waited


@dataclass(kw_only=True)
class Summary:
    """What became of a plan.

    Attributes:
        kept: runs that had a result already; `stale` of them from other code.
        finished: runs trained and stored, `diverged` ones among them.
        elsewhere: runs that another process finished meanwhile.
        diverged: description and reason -> number of runs; a result.
        odd: description and what is odd about it -> number of finished runs.
        failures: description and reason -> number of runs; no result.
    """

    kept: int = 0
    stale: int = 0
    finished: int = 0
    elsewhere: int = 0
    diverged: dict[tuple[Description, str], int] = field(default_factory=dict)
    odd: dict[tuple[Description, str], int] = field(default_factory=dict)
    failures: dict[tuple[Description, str], int] = field(default_factory=dict)
    seconds: float = 0.0
