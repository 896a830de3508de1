"""The options by which a user says how files are to be read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Which numbers of a file to read; None or empty: the usual ones in its kind of file.

    Attributes:
        tag: scalar in TensorBoard's event files.
        step_column, return_column: columns of a table.
        where: column of a table -> the only value whose rows are read.
        kind: kind of returns, one of `bench.kinds`, if the file doesn't say.
        environment: id; of a table with several environments, only its rows are read.
    """

    tag: str | None = None
    step_column: str | None = None
    return_column: str | None = None
    where: Mapping[str, str] = field(default_factory=dict)
    kind: str | None = None
    environment: str | None = None

    @property
    def of_table(self) -> bool:
        """Whether the choice names columns."""
        return bool(self.step_column or self.return_column or self.where)
