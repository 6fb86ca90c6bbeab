"""Sums of y y' over a block of vectors: half a matrix product, as the result is symmetric.

BLAS has ssyrk for that, but it is made for large matrices, and packs its operands first. One
thread of an AMD EPYC, GFLOP/s here and by OpenBLAS's ssyrk: 130 vectors of 64 factors 55 and 23,
600 of them 74 and 26; 130 of 128 factors 81 and 49, 600 of 256 factors 66 and 54.
"""

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from tastemap.kernels.jit import serial
from tastemap.kernels.tile import LANES, VECTOR, load_vector, spread

ROWS, COLUMNS = LANES // 2, 16
"""A tile of 4 × 16 sums, or 8 × 16: eight registers, which is as many as two multiply-adds a cycle
need. One of 6 × 16, as in `product`, is no faster up to 128 factors, and 6 does not divide them."""

NEAR = 6144
"""So many numbers, 24 kB, stay in the nearest cache while all tiles look at them. (128 factors,
600 vectors: 68 GFLOP/s with a third of that, 59 with twice as many.)"""


def whole_panels(factors: int) -> int:
    """The width that `add_products` wants: the next multiple of 16.

    >>> whole_panels(1), whole_panels(64)
    (16, 64)
    """
    return -(-factors // COLUMNS) * COLUMNS


@serial
def add_products(scale, vectors, start, out):  # type: ignore[no-untyped-def]
    """out = start + scale times the sum of y y' over all vectors y; the upper triangle only.

    All have the same number of columns, a multiple of 16. There is at least one vector. Tiles that
    the diagonal crosses are filled whole.
    """
    n, width = vectors.shape
    near = max(1, NEAR // width)
    source = start
    for first in range(0, n, near):
        for column in range(0, width, COLUMNS):
            for row in range(0, column + COLUMNS, ROWS):
                _tile(vectors, first, min(near, n - first), row, column, scale, source, out)
        source = out


@intrinsic
def _tile(typing, vectors, first, n, row, column, scale, start, out):  # type: ignore[no-untyped-def]
    """ROWS × COLUMNS numbers of `add_products`, from (row, column) on, over n vectors.

    In LLVM's own language, as `tile.tile` and for the same reason.
    """
    whole = types.intp
    arguments = (vectors, whole, whole, whole, whole, types.float32, start, out)
    return types.void(*arguments), _build_tile


def _build_tile(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    """The loop over vectors of `_tile`: eight fused multiply-adds a vector, then scale and add."""
    number = args[1].type
    vectors, start, out = (
        context.make_array(signature.args[k])(context, builder, args[k]) for k in (0, 6, 7)
    )
    width = builder.extract_value(vectors.shape, 1)
    _, first, n, row, column, scale, _, _ = args
    fma = cgutils.get_or_insert_function(
        builder.module, ir.FunctionType(VECTOR, [VECTOR] * 3), f"llvm.fma.v{LANES}f32"
    )
    steps = [ir.Constant(number, k) for k in range(COLUMNS)]
    lanes = steps[::LANES]
    block = builder.gep(vectors.data, [builder.mul(first, width)])
    before, body = builder.block, builder.append_basic_block("vector")
    after = builder.append_basic_block("done")
    builder.branch(body)

    builder.position_at_end(body)
    e = builder.phi(number)
    sums = [[builder.phi(VECTOR) for _ in lanes] for _ in range(ROWS)]
    vector = builder.gep(block, [builder.mul(e, width)])
    y = [load_vector(builder, vector, builder.add(column, lane)) for lane in lanes]
    grown = []
    for r in range(ROWS):
        x_r = spread(builder, builder.load(builder.gep(vector, [builder.add(row, steps[r])])))
        grown.append([builder.call(fma, [x_r, y[j], sums[r][j]]) for j in range(len(y))])
    following = builder.add(e, steps[1])
    builder.cbranch(builder.icmp_signed("<", following, n), body, after)
    for phi, begun, later in [
        (e, steps[0], following),
        *((sums[r][j], _NOTHING, grown[r][j]) for r in range(ROWS) for j in range(len(y))),
    ]:
        phi.add_incoming(begun, before)
        phi.add_incoming(later, body)

    builder.position_at_end(after)
    times = spread(builder, scale)
    for r in range(ROWS):
        place = builder.add(builder.mul(builder.add(row, steps[r]), width), column)
        for j, lane in enumerate(lanes):
            at = builder.add(place, lane)
            total = builder.call(fma, [times, grown[r][j], load_vector(builder, start.data, at)])
            to = builder.bitcast(builder.gep(out.data, [at]), VECTOR.as_pointer())
            builder.store(total, to).align = 4
    return context.get_dummy_value()


_NOTHING = ir.Constant(VECTOR, [0.0] * LANES)
