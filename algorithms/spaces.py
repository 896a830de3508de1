"""Action spaces: a vector of bounded real numbers, or one of finitely many choices."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Continuous:
    """Vectors of real numbers.

    Attributes:
        size: number of components of one action.
        low: smallest value of each component, exactly representable in float32; may be -inf.
        high: largest value of each component, exactly representable in float32; may be inf.
    """

    size: int
    low: tuple[float, ...]
    high: tuple[float, ...]

    def __post_init__(self) -> None:
        if self.size < 1:
            raise ValueError(f"an action needs at least one component, not {self.size}")
        if len(self.low) != self.size or len(self.high) != self.size:
            raise ValueError(
                f"{self.size} components need as many bounds, "
                f"not {len(self.low)} low and {len(self.high)} high ones"
            )
        if not all(low <= high for low, high in zip(self.low, self.high, strict=True)):
            raise ValueError(f"low must not exceed high: {self.low} and {self.high}")


@dataclass(frozen=True, kw_only=True)
class Discrete:
    """The choices 0, 1, …, count - 1.

    Attributes:
        count: number of choices.
    """

    count: int

    def __post_init__(self) -> None:
        if self.count < 1:
            raise ValueError(f"an action needs at least one choice, not {self.count}")


ActionSpace = Continuous | Discrete
