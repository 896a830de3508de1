"""A tile of a matrix product in a processor's registers, written as LLVM's instructions.

numba turns loops into vectors, but keeps sums in memory; a product whose sums stay in registers is
as fast as a BLAS, and here the order of its sums is ours.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from algorithms.numerics.compilation import Generated

ROWS: Final = 4
COLUMNS: Final = 64
"""Size of a tile: 16 vectors of AVX-512, enough sums at once to hide a multiply-add's latency."""
STRIP_ROWS: Final = 8
STRIP_COLUMNS: Final = 8
"""Size of a tile where fewer columns are left."""
_LANES: Final = 16
"""Numbers in a vector of the generated code; a processor with shorter vectors takes several."""


def _intrinsic(rows: int, columns: int) -> Any:
    """Return the numba intrinsic for a tile of `rows` × `columns` elements."""
    from numba import types
    from numba.core import cgutils
    from numba.extending import intrinsic

    # Indices of the four arrays among the arguments; each is followed by its offset.
    arrays, numbers = (0, 2, 5, 9), (4, 7, 8, 11, 12, 13)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointers = [
            builder.gep(
                cgutils.create_struct_proxy(signature.args[index])(
                    context, builder, arguments[index]
                ).data,
                [arguments[index + 1]],
            )
            for index in arrays
        ]
        function = _function(builder.module, rows, columns)
        builder.call(function, [*pointers, *(arguments[index] for index in numbers)])
        return context.get_dummy_value()

    @intrinsic  # type: ignore[misc, untyped-decorator, unused-ignore]
    def tile(
        typing: Any, out: Any, out_begin: Any, base: Any, base_begin: Any, base_step: Any,
        left: Any, left_begin: Any, row_step: Any, inner_step: Any,
        right: Any, right_begin: Any, width: Any, inner: Any, left_over: Any,
    ) -> Any:  # fmt: skip
        n = types.int64
        return types.void(out, n, base, n, n, left, n, n, n, right, n, n, n, n), generate

    return tile


def _function(module: Any, rows: int, columns: int) -> Any:
    """The module's function for a tile, over pointers and numbers; added if it is missing.

    A strip reads and writes only the columns that there are.
    """
    from llvmlite import ir
    from numba.core import cgutils

    number, word = ir.FloatType(), ir.IntType(64)
    masked = columns == STRIP_COLUMNS
    lanes = min(columns, _LANES)
    vectors = columns // lanes
    vector = ir.VectorType(number, lanes)
    name = f"ppo_ladder_tile_{rows}_{columns}"
    if name in module.globals:
        return module.globals[name]
    kinds = [number.as_pointer()] * 4 + [word] * 6
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), kinds), name)
    function.linkage = "linkonce_odr"
    function.attributes.add("noinline")
    # An unrolled loop needs more addresses than a processor has registers for them.
    function.attributes.add("optsize")
    out, base, left, right, base_step, row_step, inner_step, width, inner, left_over = function.args
    build = ir.IRBuilder(function.append_basic_block("entry"))

    def spread(scalar: Any) -> Any:
        kind = ir.VectorType(scalar.type, lanes)
        undefined = ir.Constant(kind, ir.Undefined)
        inserted = build.insert_element(undefined, scalar, ir.Constant(ir.IntType(32), 0))
        zeros = ir.Constant(ir.VectorType(ir.IntType(32), lanes), [0] * lanes)
        return build.shuffle_vector(inserted, undefined, zeros)

    def instruction(operation: str, result: Any, *arguments: Any) -> Any:
        full_name = f"llvm.{operation}"
        kind = ir.FunctionType(result, [argument.type for argument in arguments])
        callee = module.globals.get(full_name) or ir.Function(module, kind, full_name)
        return build.call(callee, arguments)

    def at(start: Any, step: Any, row: int, lane: int) -> Any:
        offset = build.add(build.mul(step, word(row)), word(lane * lanes))
        return build.bitcast(build.gep(start, [offset]), vector.as_pointer())

    mask = build.icmp_signed("<", ir.Constant(ir.VectorType(word, lanes), list(range(lanes))),
                             spread(left_over))  # fmt: skip
    zero, align = ir.Constant(vector, [0.0] * lanes), ir.Constant(ir.IntType(32), 4)

    def load(pointer: Any) -> Any:
        if masked:
            return instruction(f"masked.load.v{lanes}f32.p0", vector, pointer, align, mask, zero)
        return build.load(pointer, align=4)

    def store(value: Any, pointer: Any) -> None:
        if masked:
            operation = f"masked.store.v{lanes}f32.p0"
            instruction(operation, ir.VoidType(), value, pointer, align, mask)
        else:
            build.store(value, pointer, align=4)

    tiles = [(row, lane) for row in range(rows) for lane in range(vectors)]
    # Stack slots, which LLVM turns into registers.
    sums = [build.alloca(vector) for _ in tiles]
    for total, tile in zip(sums, tiles, strict=True):
        build.store(load(at(base, base_step, *tile)), total)
    # An empty instruction. Without it LLVM computes each row's address from the one before: a chain
    # that takes longer than the multiply-adds.
    barrier = ir.InlineAsm(ir.FunctionType(left.type, [left.type]), "", "=r,0")
    lefts = [
        build.call(barrier, [build.gep(left, [build.mul(row_step, word(row))])])
        for row in range(rows)
    ]
    with cgutils.for_range(build, inner) as loop:
        line = build.gep(right, [build.mul(loop.index, width)])
        terms = [load(at(line, width, 0, lane)) for lane in range(vectors)]
        offset = build.mul(loop.index, inner_step)
        factors = [spread(build.load(build.gep(row, [offset]))) for row in lefts]
        for total, (row, lane) in zip(sums, tiles, strict=True):
            operands = vector, factors[row], terms[lane], build.load(total)
            build.store(instruction(f"fma.v{lanes}f32", *operands), total)
    for total, tile in zip(sums, tiles, strict=True):
        store(build.load(total), at(out, width, *tile))
    build.ret_void()
    return function


def _plain(rows: int, columns: int) -> Any:
    """Return the same tile in plain Python."""

    def tile(
        out: np.ndarray, out_begin: int, base: np.ndarray, base_begin: int, base_step: int,
        left: np.ndarray, left_begin: int, row_step: int, inner_step: int,
        right: np.ndarray, right_begin: int, width: int, inner: int, left_over: int,
    ) -> None:  # fmt: skip
        count = min(columns, left_over)
        for row in range(rows):
            out_start, base_start = out_begin + row * width, base_begin + row * base_step
            total = base[base_start : base_start + count].copy()
            for k in range(inner):
                factor = left[left_begin + row * row_step + k * inner_step]
                total += factor * right[right_begin + k * width : right_begin + k * width + count]
            out[out_start : out_start + count] = total

    return tile


def _generated(rows: int, columns: int) -> Generated:
    return Generated(lambda: _intrinsic(rows, columns), _plain(rows, columns))


block, row = _generated(ROWS, COLUMNS), _generated(1, COLUMNS)
strip, row_strip = _generated(STRIP_ROWS, STRIP_COLUMNS), _generated(1, STRIP_COLUMNS)
