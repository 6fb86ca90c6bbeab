"""Half an iteration of ALS: with one side fixed, solve a small linear system for each row.

For row u with events (i, w_i) the vector x minimises a quadratic whose normal equations are

    A x = b,   A = G + sum_i alpha w_i y_i y_i' + reg_u I,   b = sum_i (alpha w_i + base) y_i

G is the Gram matrix of all fixed vectors times the weight of unobserved pairs; `base` is what an
observed pair weighs when w_i is 0. Both objectives (Hu, Koren & Volinsky 2008; Rendle et al. 2021)
differ only in base, reg_u and the weight in G.

The systems are solved exactly in `als_cholesky.py` and nearly so here, by conjugate gradient in
the principal axes of G. Rows do not depend on each other, so the result is the same for any number
of threads.
"""

from typing import NamedTuple

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from tastemap.kernels.four import PLACES, add_four, four_dots
from tastemap.kernels.jit import serial
from tastemap.kernels.workers import deal, one_blas_thread, shares
from tastemap.shapes import Float32, Int32, Int64

PARTS = 32
"""Rows are dealt out to so many parts, whatever the number of threads."""

STRIP, ROOM = 32_768, 1 << 21
"""Events of a row whose vectors are gathered at once, as long as they are no more numbers than this
(8 MB). Longer rows are walked through in strips, which are gathered anew in each step. Of 100
million events among 20,000 items, two thirds lie in rows above 4,096: with strips of that length
half an iteration took 1.6 times as long; strips of 65,536 gain nothing more."""

AHEAD = 16
"""A vector is asked for so many events before it is copied."""


class Side(NamedTuple):
    """The systems of one side. CSR rows of events; no weights where every event weighs 1."""

    starts: Int64[np.ndarray, " rows+1"]
    items: Int32[np.ndarray, " n"]
    weights: Float32[np.ndarray, " n"] | Float32[np.ndarray, " 0"]
    order: Int64[np.ndarray, " rows"]
    reg: Float32[np.ndarray, " rows"]


def gram(vectors: Float32[np.ndarray, "rows d"]) -> Float32[np.ndarray, "d d"]:
    """Sum of y y' over all rows y, in an order that only the shape decides."""
    n, d = vectors.shape
    parts = deal(lambda rows: vectors[rows].T @ vectors[rows], shares(n, n * d * d // 16, most=8))
    return sum(parts, np.zeros((d, d), dtype=np.float32))


def turn(vectors: Float32[np.ndarray, "rows d"], axes: Float32[np.ndarray, "d d"]) -> None:
    """Write each row in other axes, in place."""

    def one(rows: slice) -> None:
        vectors[rows] = vectors[rows] @ axes

    deal(one, shares(len(vectors), vectors.size * len(axes) // 8))


def solve_cg(
    side: Side,
    weights: tuple[float, float, float],
    fixed: Float32[np.ndarray, "columns d"],
    rows: Float32[np.ndarray, "rows d"],
    steps: int,
) -> None:
    """Improve `rows` in place by `steps` of preconditioned conjugate gradient.

    Both sides are first turned, in place, into the principal axes of G. There G is diagonal: it
    costs d instead of d^2 a step (256 factors, MovieLens-1M, three steps: 217 -> 163 ms an
    iteration), and M = G + reg_u I can be inverted. As A lies between M and
    (1 + alpha w / unobserved) M, few steps do: with alpha 3, unobserved 1 and 64 factors the loss
    of the first three iterations is within .1 % of the exact solver's after two steps, and 1 to
    5 % above it after three steps without M. Scores do not depend on the axes.

    `weights` are alpha, base and the weight of unobserved pairs.
    """
    alpha, base, unobserved = weights
    with one_blas_thread():
        spectrum, axes = np.linalg.eigh(np.float32(unobserved) * gram(fixed))
    turn(fixed, axes)
    turn(rows, axes)
    g = np.maximum(spectrum, 0)  # what lies below is rounding
    scalars = (np.float32(alpha), np.float32(base), g)
    deal(lambda part: _cg_part(part, *side, *scalars, fixed, rows, steps), range(PARTS))


@intrinsic
def _ask_for(typing, table, row, column):  # type: ignore[no-untyped-def]
    """Have table[row, column] fetched into the cache, without waiting for it.

    A processor sees 64-byte lines that follow each other coming, not rows of a table in any order:
    17 million events of 139,000 users, 64 factors: 855 -> 740 ms an iteration.
    """
    whole = types.intp

    def build(context, builder, signature, args):  # type: ignore[no-untyped-def]
        array = context.make_array(signature.args[0])(context, builder, args[0])
        width = builder.extract_value(array.shape, 1)
        at = builder.gep(array.data, [builder.add(builder.mul(args[1], width), args[2])])
        byte, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
        fetch = builder.module.declare_intrinsic("llvm.prefetch", [byte], kind)
        read, keep, data = number(0), number(3), number(1)
        builder.call(fetch, [builder.bitcast(at, byte), read, keep, data])
        return context.get_dummy_value()

    return types.void(table, whole, whole), build


@serial
def gather(fixed, items, used):  # type: ignore[no-untyped-def]
    """Copy the vectors of `items` side by side into `used`."""
    n, d = len(items), fixed.shape[1]
    for e in range(n):
        if e + AHEAD < n:
            for f in range(0, d, 16):
                _ask_for(fixed, items[e + AHEAD], f)
        i = np.uint32(items[e])  # unsigned: a sign test in the loop would keep it from vectorising
        for f in range(d):
            used[e, f] = fixed[i, f]


@serial
def _add_events(used, extra, base, shift, p, out):  # type: ignore[no-untyped-def]
    """out += sum over events e of (extra_e (y_e . p) - shift (extra_e + base)) y_e.

    Four events at a time, and both uses of a vector in one go: it is still in the nearest cache
    when it is added (64 factors, MovieLens-1M: 46 ms an iteration against 52 in two passes).
    """
    for e in range(0, len(used), 4):
        a, b, c, h = four_dots(used, e, p)
        a = a * extra[e] - shift * (extra[e] + base)
        b = b * extra[e + 1] - shift * (extra[e + 1] + base)
        c = c * extra[e + 2] - shift * (extra[e + 2] + base)
        h = h * extra[e + 3] - shift * (extra[e + 3] + base)
        add_four(used, e, (a, b, c, h), out)


@serial
def _times(events, alpha, base, shift, fixed, diagonal, p, out, room):  # type: ignore[no-untyped-def]
    """out = A p - shift b without ever building A: with shift 1, at first, the negative residual.

    A row's vectors are gathered then, once, into a block that stays in the cache for all steps;
    but those of a row of several strips each time, into the same block. Rows of zeros make their
    number a multiple of four.
    """
    items, weights = events
    block, extra = room
    for f in range(len(diagonal)):
        out[f] = diagonal[f] * p[f]
    for first in range(0, len(items), len(block)):
        n = min(len(block), len(items) - first)
        whole = n + (-n) % 4
        if shift > 0 or len(items) > len(block):
            gather(fixed, items[first : first + n], block[:n])
            for e in range(n, whole):
                block[e, :] = 0
        if len(weights) > 0:
            own = weights[first : first + n]  # counted from 0: see repulsion._push
            for e in range(n):
                extra[e] = alpha * own[e]
        _add_events(block[:whole], extra, base, shift, p, out)


@serial
def strip(width):  # type: ignore[no-untyped-def]
    """How many events are gathered at once, a multiple of four."""
    return min(STRIP, ROOM // width // 4 * 4)


@serial
def _aligned(n, width):  # type: ignore[no-untyped-def]
    """Zeros that begin where a line of the cache does: no register's load touches two of them."""
    free = np.zeros(n * width + PLACES, dtype=np.float32)
    start = -(free.ctypes.data // 4) % PLACES
    return free[start : start + n * width].reshape(n, width)


@serial
def _cg_part(part, starts, items, weights, order, reg, alpha, base, g, fixed, rows, steps):  # type: ignore[no-untyped-def]
    """Every PARTS-th row of `order`, from `part` on; rows are listed longest first."""
    d = fixed.shape[1]
    longest = starts[order[part] + 1] - starts[order[part]] if part < len(order) else 0
    width = d + (-d) % PLACES  # what lies beyond d stays zero
    most = min(longest + 3, strip(width))
    room = (_aligned(most, width), np.full(most, alpha, dtype=np.float32))
    scratch = _aligned(3, width)
    diagonal = np.empty(d, dtype=np.float32)
    for place in range(part, len(order), PARTS):
        u = order[place]
        first, last = starts[u], starts[u + 1]
        if first == last:
            rows[u, :] = 0
            continue
        events = (items[first:last], weights[first:last] if len(weights) > 0 else weights)
        for f in range(d):
            diagonal[f] = g[f] + reg[u]
        _improve(events, alpha, base, fixed, diagonal, rows[u], steps, room, scratch)


@serial
def _improve(events, alpha, base, fixed, diagonal, x, steps, room, scratch):  # type: ignore[no-untyped-def]
    """Move x, a guess at the solution of A x = b, by conjugate gradient; M is `diagonal`."""
    d = len(x)
    product, residual, direction = scratch[0], scratch[1], scratch[2]
    for f in range(d):
        direction[f] = x[f]
    _times(events, alpha, base, np.float32(1), fixed, diagonal, direction, product, room)
    before = np.float32(0)
    for f in range(d):
        residual[f] = -product[f]
        direction[f] = residual[f] / diagonal[f]
        before += residual[f] * direction[f]
    for _ in range(steps):
        if before < 1e-20:
            break
        _times(events, alpha, base, np.float32(0), fixed, diagonal, direction, product, room)
        curvature = np.float32(0)
        for f in range(d):
            curvature += direction[f] * product[f]
        step = before / curvature
        now = np.float32(0)
        for f in range(d):
            x[f] += step * direction[f]
            residual[f] -= step * product[f]
            now += residual[f] * residual[f] / diagonal[f]
        for f in range(d):
            direction[f] = residual[f] / diagonal[f] + now / before * direction[f]
        before = now
