"""Scores of factor models: inner products of users and items, each a function of its two vectors.

BLAS adds in another order when it is asked for other rows beside these, or has more threads, so
a user's scores would depend on who else is asked about. Here every product is summed factor by
factor, whoever computes it. It is no slower: items are laid out once a model, not once a call.
On two cores of an AMD EPYC with 64 factors and 26,744 items, GFLOP/s: 175 to 180 for blocks of 24
to 240 users; OpenBLAS 139 (32 users), 156 (128), 123 (512).
"""

from typing import Any

import numpy as np
from llvmlite import ir
from llvmlite.binding import get_host_cpu_features
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from tastemap.kernels.jit import exact
from tastemap.kernels.workers import deal, n_threads
from tastemap.shapes import Float32

WIDE = bool(get_host_cpu_features().get("avx512f"))
"""Whether vector registers hold 16 float32 and there are 32 of them, or 8 and 16. The wide tile
takes .6 of the time of the other (one thread of an Intel Xeon, 64 factors: 36 and 60 µs a user of
26,744 scores) and gives the same bits."""

LANES = 16 if WIDE else 8
ROWS, COLUMNS = (12, 16) if WIDE else (6, 16)
"""A tile: its 12 vectors of sums and the numbers that they grow by fit the registers."""

CHUNK = 48
"""So many panels are used for all rows in turn: at 64 factors they fit the second cache."""

ALONE = 20_000_000
"""A product of fewer multiplications is not worth waking another thread."""


def panels(
    items: Float32[np.ndarray, "items d"], bias: Float32[np.ndarray, " items"] | None = None
) -> Float32[np.ndarray, "panels d+1 16"]:
    """Item vectors laid out for `product`, 16 items side by side; the first row is their bias."""
    n, d = items.shape
    laid = np.zeros((-(-n // COLUMNS), COLUMNS, d + 1), dtype=np.float32)
    laid.reshape(-1, d + 1)[:n, 1:] = items
    if bias is not None:
        laid.reshape(-1, d + 1)[:n, 0] = bias
    return np.ascontiguousarray(laid.transpose(0, 2, 1))


def product(
    users: Float32[np.ndarray, "rows d"], laid: Float32[np.ndarray, "panels d+1 16"], n_items: int
) -> Float32[np.ndarray, "rows items"]:
    """Score of every item for every user: bias + x · y, summed in the order of the factors.

    >>> users, items = np.float32([[1, 2]]), np.float32([[3, 4], [5, 6], [7, 8]])
    >>> product(users, panels(items, bias=np.float32([0, 0, 100])), 3)
    array([[ 11.,  17., 123.]], dtype=float32)
    """
    users = np.require(users, np.float32, ["C", "W"])
    out = np.empty((len(users), n_items), dtype=np.float32)
    if users.size * n_items < ALONE or n_threads() == 1:
        _fill(users, laid, out, 0, len(laid))
    else:
        parts = range(0, len(laid), CHUNK)
        deal(lambda first: _fill(users, laid, out, first, min(first + CHUNK, len(laid))), parts)
    return out


@exact
def _fill(users, laid, out, first, last):  # type: ignore[no-untyped-def]
    """The columns of `out` (rows, items) that belong to the panels from `first` to `last`."""
    n, n_items = out.shape
    d = users.shape[1]
    groups = (n + ROWS - 1) // ROWS
    x = np.zeros((groups, d, ROWS), dtype=np.float32)  # the users of a tile side by side
    for r in range(n):
        for f in range(d):
            x[r // ROWS, f, r % ROWS] = users[r, f]
    flat = out.reshape(-1)
    rim = np.empty(ROWS * COLUMNS, dtype=np.float32)
    for start in range(first, last, CHUNK):
        for g in range(groups):
            for p in range(start, min(start + CHUNK, last)):
                rows = min(ROWS, n - g * ROWS)
                columns = min(COLUMNS, n_items - p * COLUMNS)
                if rows == ROWS and columns == COLUMNS:
                    _tile(x[g], laid[p], d, flat, g * ROWS * n_items + p * COLUMNS, n_items)
                    continue
                _tile(x[g], laid[p], d, rim, 0, COLUMNS)
                for r in range(rows):
                    for c in range(columns):
                        out[g * ROWS + r, p * COLUMNS + c] = rim[r * COLUMNS + c]


@intrinsic
def _tile(typing, users, laid, d, out, at, width):  # type: ignore[no-untyped-def]
    """ROWS users times 16 items: out[at + r width + c] = laid[0, c] + Σ_f x[f, r] laid[f + 1, c].

    In LLVM's own language, because the twelve sums must stay in registers over all factors and no
    way to write the loop in Python made numba keep them there (it reached half of this).
    """
    whole = types.intp
    return types.void(users, laid, whole, out, whole, whole), _build_tile


VECTOR = ir.VectorType(ir.FloatType(), LANES)


def _build_tile(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    """The loop over factors of `_tile`: bias first, then a fused multiply-add a factor."""
    number = args[2].type
    x_at, y_at, out_at = (
        context.make_array(signature.args[k])(context, builder, args[k]).data for k in (0, 1, 3)
    )
    fma = cgutils.get_or_insert_function(
        builder.module, ir.FunctionType(VECTOR, [VECTOR] * 3), f"llvm.fma.v{LANES}f32"
    )
    lanes = range(0, COLUMNS, LANES)
    zero = ir.Constant(number, 0)
    bias = [load_vector(builder, y_at, ir.Constant(number, lane)) for lane in lanes]
    before, body = builder.block, builder.append_basic_block("factor")
    after = builder.append_basic_block("done")
    builder.cbranch(builder.icmp_signed(">", args[2], zero), body, after)

    builder.position_at_end(body)
    f = builder.phi(number)
    f.add_incoming(zero, before)
    sums = [[builder.phi(VECTOR) for _ in lanes] for _ in range(ROWS)]
    x = builder.gep(x_at, [builder.mul(f, ir.Constant(number, ROWS))])
    following = builder.add(f, ir.Constant(number, 1))
    panel = builder.gep(y_at, [builder.mul(following, ir.Constant(number, COLUMNS))])
    y = [load_vector(builder, panel, ir.Constant(number, lane)) for lane in lanes]
    grown = []
    for r in range(ROWS):
        x_r = spread(builder, builder.load(builder.gep(x, [ir.Constant(number, r)])))
        grown.append([builder.call(fma, [x_r, y[j], sums[r][j]]) for j in range(len(y))])
    f.add_incoming(following, body)
    builder.cbranch(builder.icmp_signed("<", following, args[2]), body, after)

    builder.position_at_end(after)
    totals = [[builder.phi(VECTOR) for _ in lanes] for _ in range(ROWS)]
    for r in range(ROWS):
        row = builder.add(args[4], builder.mul(args[5], ir.Constant(number, r)))
        for j, lane in enumerate(lanes):
            for phi in (sums[r][j], totals[r][j]):
                phi.add_incoming(bias[j], before)
                phi.add_incoming(grown[r][j], body)
            to = builder.gep(out_at, [builder.add(row, ir.Constant(number, lane))])
            builder.store(totals[r][j], builder.bitcast(to, VECTOR.as_pointer())).align = 4
    return context.get_dummy_value()


def load_vector(builder: Any, start: Any, offset: Any) -> Any:
    """LANES numbers side by side."""
    pointer = builder.bitcast(builder.gep(start, [offset]), VECTOR.as_pointer())
    loaded = builder.load(pointer)
    loaded.align = 4
    return loaded


def spread(builder: Any, value: Any) -> Any:
    """One number, LANES times."""
    index = ir.IntType(32)
    single = builder.insert_element(ir.Constant(VECTOR, ir.Undefined), value, ir.Constant(index, 0))
    first = ir.Constant(ir.VectorType(index, LANES), [0] * LANES)
    return builder.shuffle_vector(single, single, first)
