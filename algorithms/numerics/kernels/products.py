"""Matrix products of one network: row-major float32, every sum in the order of its terms.

No element of a product depends on where a matrix lies, on its size or on the processor's vectors:
each is a chain of fused multiply-adds over the inner index, from first to last.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from algorithms.numerics.kernels.compilation import Generated, compiled

LANES: Final = 16
"""Numbers of one vector as LLVM is told; a processor with shorter ones takes several."""
ROWS: Final = 4
WIDE: Final = 4
"""Rows and vectors of a tile: 16 sums at once hide the time that a multiply-add takes."""


def _tile(rows: int, vectors: int) -> Any:
    """An intrinsic for `rows` × `vectors`·LANES elements of a product, kept in registers.

    With one vector, only its first `columns` lanes are read and written.
    """
    from llvmlite import ir
    from numba import types
    from numba.core import cgutils
    from numba.extending import intrinsic

    vector = ir.VectorType(ir.FloatType(), LANES)
    mask_type = ir.VectorType(ir.IntType(1), LANES)
    word, short = ir.IntType(64), ir.IntType(32)
    masked = vectors == 1

    def number(value: int) -> Any:
        return ir.Constant(word, value)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        (
            out, place, base, under, base_step, left, start, row_step, inner_step, right, begin,
            width, inner, columns,
        ) = arguments  # fmt: skip

        def pointer(array: Any, position: int, offset: Any) -> Any:
            kind = signature.args[position]
            data = cgutils.create_struct_proxy(kind)(context, builder, array).data
            return builder.gep(data, [offset])

        def function(name: str, result: Any, kinds: list[Any]) -> Any:
            kind = ir.FunctionType(result, kinds)
            return cgutils.get_or_insert_function(builder.module, kind, name)

        def at(base: Any, lane: int) -> Any:
            moved = builder.gep(base, [number(lane * LANES)])
            return builder.bitcast(moved, vector.as_pointer())

        lanes = ir.Constant(ir.VectorType(word, LANES), list(range(LANES)))
        zero = ir.Constant(vector, [0.0] * LANES)

        def spread(scalar: Any, kind: Any) -> Any:
            nothing = ir.Constant(kind, ir.Undefined)
            one = builder.insert_element(nothing, scalar, ir.Constant(short, 0))
            same = ir.Constant(ir.VectorType(short, LANES), [0] * LANES)
            return builder.shuffle_vector(one, nothing, same)

        limit = spread(columns, lanes.type)
        mask = builder.icmp_signed("<", lanes, limit)
        align = ir.Constant(short, 4)
        kinds = [vector.as_pointer(), short, mask_type]
        name = f"v{LANES}f32.p0"

        def load(base: Any, lane: int) -> Any:
            if masked:
                read = function(f"llvm.masked.load.{name}", vector, [*kinds, vector])
                return builder.call(read, [at(base, lane), align, mask, zero])
            value = builder.load(at(base, lane))
            value.align = 4
            return value

        def store(value: Any, base: Any, lane: int) -> None:
            if masked:
                write = function(f"llvm.masked.store.{name}", ir.VoidType(), [vector, *kinds])
                builder.call(write, [value, at(base, lane), align, mask])
                return
            builder.store(value, at(base, lane)).align = 4

        outs = [
            pointer(out, 0, builder.add(place, builder.mul(width, number(row))))
            for row in range(rows)
        ]
        lefts = [
            pointer(left, 5, builder.add(start, builder.mul(row_step, number(row))))
            for row in range(rows)
        ]
        bases = [
            pointer(base, 2, builder.add(under, builder.mul(base_step, number(row))))
            for row in range(rows)
        ]
        first = pointer(right, 9, begin)
        tiles = [(row, lane) for row in range(rows) for lane in range(vectors)]
        initial = [load(bases[row], lane) for row, lane in tiles]
        entry = builder.block
        loop, done = builder.append_basic_block("inner"), builder.append_basic_block("done")
        builder.cbranch(builder.icmp_signed(">", inner, number(0)), loop, done)
        builder.position_at_end(loop)
        k = builder.phi(word)
        k.add_incoming(number(0), entry)
        sums = [builder.phi(vector) for _ in tiles]
        terms = [load(builder.gep(first, [builder.mul(k, width)]), v) for v in range(vectors)]
        step = builder.mul(k, inner_step)
        factors = [spread(builder.load(builder.gep(row, [step])), vector) for row in lefts]
        fused = function(f"llvm.fma.v{LANES}f32", vector, [vector] * 3)
        added = [
            builder.call(fused, [factors[row], terms[lane], total])
            for (row, lane), total in zip(tiles, sums, strict=True)
        ]
        following = builder.add(k, number(1))
        k.add_incoming(following, loop)
        for total, before, after in zip(sums, initial, added, strict=True):
            total.add_incoming(before, entry)
            total.add_incoming(after, loop)
        builder.cbranch(builder.icmp_signed("<", following, inner), loop, done)
        builder.position_at_end(done)
        for (row, lane), before, after in zip(tiles, initial, added, strict=True):
            total = builder.phi(vector)
            total.add_incoming(before, entry)
            total.add_incoming(after, loop)
            initial[row * vectors + lane] = total
        for (row, lane), total in zip(tiles, initial, strict=True):
            store(total, outs[row], lane)
        return context.get_dummy_value()

    @intrinsic  # type: ignore[misc, untyped-decorator, unused-ignore]
    def tile(
        typing: Any,
        out: Any,
        place: Any,
        base: Any,
        under: Any,
        base_step: Any,
        left: Any,
        start: Any,
        row_step: Any,
        inner_step: Any,
        right: Any,
        begin: Any,
        width: Any,
        inner: Any,
        columns: Any,
    ) -> Any:
        n = types.int64
        return types.void(out, n, base, n, n, left, n, n, n, right, n, n, n, n), generate

    return tile


def _plainly(rows: int, vectors: int) -> Any:
    def tile(
        out: np.ndarray,
        place: int,
        base: np.ndarray,
        under: int,
        base_step: int,
        left: np.ndarray,
        start: int,
        row_step: int,
        inner_step: int,
        right: np.ndarray,
        begin: int,
        width: int,
        inner: int,
        columns: int,
    ) -> None:
        count = min(columns, vectors * LANES)
        for row in range(rows):
            here, there = place + row * width, under + row * base_step
            total = base[there : there + count].copy()
            for k in range(inner):
                factor = left[start + row * row_step + k * inner_step]
                total += factor * right[begin + k * width : begin + k * width + count]
            out[here : here + count] = total

    return tile


def _generated(rows: int, vectors: int) -> Generated:
    return Generated(lambda: _tile(rows, vectors), _plainly(rows, vectors))


block, column_strip = _generated(ROWS, WIDE), _generated(ROWS, 1)
row, row_strip = _generated(1, WIDE), _generated(1, 1)


@compiled
def multiply(
    out: np.ndarray,
    place: int,
    base: np.ndarray,
    under: int,
    base_step: int,
    left: np.ndarray,
    start: int,
    row_step: int,
    inner_step: int,
    right: np.ndarray,
    begin: int,
    rows: int,
    columns: int,
    inner: int,
) -> None:
    """out = base + left · right.

    Args:
        out, base, left, right: flat float32 arrays that hold the matrices from `place`, `under`,
            `start` and `begin` on.
        base_step: between the rows of `base`; 0 where all are one.
        row_step, inner_step: between neighbours of a column, and of a row, of `left`; `out` and
            `right` are row-major [rows, columns] and [inner, columns].
    """
    across = 0
    while across < columns:
        left_over = columns - across
        wide = left_over >= WIDE * LANES
        down = 0
        while down < rows:
            tile = (
                out, place + down * columns + across, base, under + down * base_step + across,
                base_step, left, start + down * row_step, row_step, inner_step, right,
                begin + across, columns, inner, left_over,
            )  # fmt: skip
            if down + ROWS <= rows:
                if wide:
                    block(*tile)
                else:
                    column_strip(*tile)
                down += ROWS
            else:
                if wide:
                    row(*tile)
                else:
                    row_strip(*tile)
                down += 1
        across += WIDE * LANES if wide else LANES


@compiled
def multiply_each(left: np.ndarray, right: np.ndarray, out: np.ndarray) -> None:
    """left [R, i, j] · right [R, j, k] into out [R, i, k], each contiguous."""
    networks, rows, inner = left.shape
    columns = right.shape[2]
    zeros = np.zeros(columns, np.float32)
    for r in range(networks):
        multiply(
            out[r].reshape(-1), 0, zeros, 0, 0, left[r].reshape(-1), 0, inner, 1,
            right[r].reshape(-1), 0, rows, columns, inner,
        )  # fmt: skip
