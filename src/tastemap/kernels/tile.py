"""A tile of a matrix product, kept in registers: what `product` and `attention` are made of.

`symmetric` has a loop of its own, made of the same vectors.

In LLVM's own language, because the twelve sums must stay in registers over the whole loop and no
way to write it in Python made numba keep them there (it reached half of this).
"""

from typing import Any

from llvmlite import ir
from llvmlite.binding import get_host_cpu_features
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

WIDE = bool(get_host_cpu_features().get("avx512f"))
"""Whether vector registers hold 16 float32 and there are 32 of them, or 8 and 16. The wide tile
takes .6 of the time of the other (one thread of an Intel Xeon, 64 factors: 36 and 60 µs a user of
26,744 scores) and gives the same bits."""

LANES = 16 if WIDE else 8
VECTOR = ir.VectorType(ir.FloatType(), LANES)
ROWS, COLUMNS = (12, 16) if WIDE else (6, 16)
"""A tile: its 12 vectors of sums and the numbers that they grow by fit the registers."""


@intrinsic
def tile(typing, x, x_at, x_step, x_row, y, y_at, y_step, n, start, start_at, out, at, width):  # type: ignore[no-untyped-def]
    """ROWS x COLUMNS sums: out[at + r width + c] = start[start_at + c] + Σ_f x_rf y_fc, f below n.

    x_rf = x[x_at + f x_step + r x_row] and y_fc = y[y_at + f y_step + c]; arrays are float32 and
    contiguous, of any shape. Summed in the order of f, each by a fused multiply-add.
    """
    whole = types.intp
    places = (whole, whole, whole)
    arguments = (x, *places, y, whole, whole, whole, start, whole, out, whole, whole)
    return types.void(*arguments), _build


def _build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    """The loop of `tile`."""
    x_at, y_at, start_at, out_at = (
        builder.gep(
            context.make_array(signature.args[k])(context, builder, args[k]).data, [args[k + 1]]
        )
        for k in (0, 4, 8, 10)
    )
    x_step, x_row, y_step, n, width = (args[k] for k in (2, 3, 6, 7, 12))
    number = n.type
    fma = cgutils.get_or_insert_function(
        builder.module, ir.FunctionType(VECTOR, [VECTOR] * 3), f"llvm.fma.v{LANES}f32"
    )
    lanes = range(0, COLUMNS, LANES)
    zero, one = ir.Constant(number, 0), ir.Constant(number, 1)
    rows = [builder.mul(x_row, ir.Constant(number, r)) for r in range(ROWS)]
    first = [load_vector(builder, start_at, ir.Constant(number, lane)) for lane in lanes]
    before, body = builder.block, builder.append_basic_block("step")
    after = builder.append_basic_block("done")
    builder.cbranch(builder.icmp_signed(">", n, zero), body, after)

    builder.position_at_end(body)
    f = builder.phi(number)
    f.add_incoming(zero, before)
    sums = [[builder.phi(VECTOR) for _ in lanes] for _ in range(ROWS)]
    x_f = builder.gep(x_at, [builder.mul(f, x_step)])
    y_f = builder.gep(y_at, [builder.mul(f, y_step)])
    y = [load_vector(builder, y_f, ir.Constant(number, lane)) for lane in lanes]
    grown = []
    for r in range(ROWS):
        x_r = spread(builder, builder.load(builder.gep(x_f, [rows[r]])))
        grown.append([builder.call(fma, [x_r, y[j], sums[r][j]]) for j in range(len(y))])
    following = builder.add(f, one)
    f.add_incoming(following, body)
    builder.cbranch(builder.icmp_signed("<", following, n), body, after)

    builder.position_at_end(after)
    totals = [[builder.phi(VECTOR) for _ in lanes] for _ in range(ROWS)]
    for r in range(ROWS):
        row = builder.gep(out_at, [builder.mul(width, ir.Constant(number, r))])
        for j, lane in enumerate(lanes):
            for phi in (sums[r][j], totals[r][j]):
                phi.add_incoming(first[j], before)
                phi.add_incoming(grown[r][j], body)
            store_vector(builder, totals[r][j], row, ir.Constant(number, lane))
    return context.get_dummy_value()


def load_vector(builder: Any, start: Any, offset: Any) -> Any:
    """LANES numbers side by side."""
    pointer = builder.bitcast(builder.gep(start, [offset]), VECTOR.as_pointer())
    loaded = builder.load(pointer)
    loaded.align = 4
    return loaded


def store_vector(builder: Any, vector: Any, start: Any, offset: Any) -> None:
    """Where `load_vector` loads from."""
    pointer = builder.bitcast(builder.gep(start, [offset]), VECTOR.as_pointer())
    builder.store(vector, pointer).align = 4


def spread(builder: Any, value: Any) -> Any:
    """One number, LANES times."""
    index = ir.IntType(32)
    single = builder.insert_element(ir.Constant(VECTOR, ir.Undefined), value, ir.Constant(index, 0))
    first = ir.Constant(ir.VectorType(index, LANES), [0] * LANES)
    return builder.shuffle_vector(single, single, first)
