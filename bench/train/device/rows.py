"""Hyperparameters that differ from row to row of a group, where an equation expects a float.

A row is one seed of one description. Values that all rows share stay floats; the others become a
`PerRow`, with which the equations of `algorithms` work as they are written.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any, ClassVar, TypeVar

import torch
from torch import Tensor

from algorithms.hyperparameters import OptimizerHyperparameters

H = TypeVar("H", bound=OptimizerHyperparameters)
Number = int | float
# These functions take tensors or numbers as bounds, but not one of each.
_ALL_TENSORS = (torch.clamp, Tensor.clamp, Tensor.clamp_)


class RowsDifferError(TypeError):
    """A condition in Python (`if`, `<`) has different truth values in the rows of a group."""


def _arithmetic(operation: Callable[[Any, Any], Any]) -> tuple[Any, Any]:
    """The method of an operation, and the reflected one, with its operands swapped."""

    def direct(self: PerRow, other: object) -> Any:
        return self._paired(other, operation)

    def reflected(self: PerRow, other: object) -> Any:
        return self._paired(other, lambda value, other_value: operation(other_value, value))

    return direct, reflected


def _comparison(operation: Callable[[Any, Any], bool]) -> Any:
    def compare(self: PerRow, other: object) -> bool:
        result = self._paired(other, operation)
        return result if result is NotImplemented else result._agreed()

    return compare


class PerRow:
    """A number for each of S rows.

    With other numbers it computes in Python's floats, row by row. With a tensor [S, …] it acts as
    a float would, row s by its own value: cast to the tensor's type, along the first axis. A
    condition (`if`, `<`) must agree in all rows, or raises `RowsDifferError`.

    Args:
        values: S numbers.
        device: the device of the tensors that it is combined with.
        tensors: its tensors so far, shared with numbers computed from it. They keep their place in
            memory, so that CUDA graphs may use them.
    """

    def __init__(
        self,
        values: Sequence[float],
        device: torch.device | str,
        tensors: dict[tuple[object, ...], Tensor] | None = None,
    ) -> None:
        self.values = tuple(values)
        self._device = torch.device(device)
        self._tensors = {} if tensors is None else tensors

    def __repr__(self) -> str:
        return f"PerRow({', '.join(map(str, self.values))})"

    __add__, __radd__ = _arithmetic(operator.add)
    __sub__, __rsub__ = _arithmetic(operator.sub)
    __mul__, __rmul__ = _arithmetic(operator.mul)
    __truediv__, __rtruediv__ = _arithmetic(operator.truediv)
    __pow__, __rpow__ = _arithmetic(operator.pow)
    __lt__ = _comparison(operator.lt)
    __le__ = _comparison(operator.le)
    __gt__ = _comparison(operator.gt)
    __ge__ = _comparison(operator.ge)
    __eq__ = _comparison(operator.eq)
    __hash__: ClassVar[Any] = None

    def __neg__(self) -> PerRow:
        return self._like([-value for value in self.values])

    def __bool__(self) -> bool:
        return self._agreed()

    def tensor(self, dtype: torch.dtype, dimensions: int = 1) -> Tensor:
        """Return the values as a tensor [S, 1, …] with this number of dimensions."""
        key = self.values, dtype
        if key not in self._tensors:
            if self._device.type == "cuda" and torch.cuda.is_current_stream_capturing():
                raise RuntimeError("a number of the rows first met a tensor within a CUDA graph")
            self._tensors[key] = torch.tensor(self.values, dtype=dtype, device=self._device)
        return self._tensors[key].view(-1, *[1] * (dimensions - 1))

    @classmethod
    def __torch_function__(
        cls,
        function: Callable[..., Any],
        types: object,
        arguments: tuple[Any, ...] = (),
        keywords: Mapping[str, Any] | None = None,
    ) -> Any:
        keywords = dict(keywords or {})
        per_row = next(
            argument
            for argument in (*arguments, *keywords.values())
            if isinstance(argument, PerRow)
        )
        tensors = [
            argument
            for argument in (*arguments, *keywords.values())
            if isinstance(argument, Tensor)
        ]
        if function is torch.full:
            return (
                per_row.tensor(torch.get_default_dtype(), len(arguments[0])).expand(arguments[0])
                + 0
            )
        if function is torch.full_like:
            return torch.zeros_like(tensors[0]) + per_row
        largest = max(tensors, key=Tensor.dim)
        if not largest.dim() or len(largest) != len(per_row.values):
            raise TypeError(
                f"numbers of {len(per_row.values)} rows and a tensor of shape "
                f"{tuple(largest.shape)}"
            )
        float_types = [tensor.dtype for tensor in tensors if tensor.is_floating_point()]
        dtype = float_types[0] if float_types else torch.get_default_dtype()
        for float_type in float_types[1:]:
            dtype = torch.promote_types(dtype, float_type)

        def converted(value: Any) -> Any:
            if isinstance(value, PerRow):
                return value.tensor(dtype, largest.dim())
            if function in _ALL_TENSORS and isinstance(value, Number):
                return torch.full((), value, dtype=dtype, device=per_row._device)
            return value

        return function(
            *map(converted, arguments),
            **{name: converted(value) for name, value in keywords.items()},
        )

    def _like(self, values: Sequence[Any]) -> PerRow:
        return PerRow(values, self._device, self._tensors)

    def _paired(self, other: object, operation: Callable[[Any, Any], Any]) -> Any:
        if isinstance(other, PerRow):
            other_values: Iterator[Any] | tuple[Any, ...] = other.values
        elif isinstance(other, Number):
            other_values = (other,) * len(self.values)
        else:
            # With a tensor, Python tries the tensor's own method next, as with a float.
            return NotImplemented
        pairs = zip(self.values, other_values, strict=True)
        return self._like([operation(value, other_value) for value, other_value in pairs])

    def _agreed(self) -> bool:
        truths = set(map(bool, self.values))
        if len(truths) > 1:
            raise RowsDifferError(f"rows of one group would go different ways by {self!r}")
        return truths.pop()


def joined(rows: Sequence[H], device: torch.device | str) -> H:
    """Join the hyperparameters of a group's rows into one: a `PerRow` where floats differ.

    Raises:
        ValueError: rows differ in a value that is no float.
    """
    differing: dict[str, PerRow] = {}
    for field in fields(rows[0]):
        values = [getattr(row, field.name) for row in rows]
        if any(value != values[0] for value in values):
            if not all(type(value) is float for value in values):
                raise ValueError(f"rows of one group can't differ in {field.name}: {values}")
            differing[field.name] = PerRow(values, device)
    first_row: Any = rows[0]
    return replace(first_row, **differing) if differing else first_row  # type: ignore[no-any-return]
