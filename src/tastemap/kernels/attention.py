"""Causal softmax attention of short histories, and its gradient: all products by `tile`.

Forth and back, one thread of an Intel Xeon with AVX-512, by torch's fused attention: 50 events 1.3
times as fast, with a bias for each distance 2.1; 200 events 1.7, with the bias 3.4 (torch has no
fused way back through a bias). `python benchmarks/attention.py` measures it.

Weights are not kept from forth to back: they are made again. They stand turned in memory,
weights[j, i] being how much place i takes from place j. The softmax of many places is then taken
side by side, and both products with weights find their operands side by side.
"""

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from tastemap.kernels.jit import exact
from tastemap.kernels.tile import (
    COLUMNS,
    LANES,
    ROWS,
    VECTOR,
    load_vector,
    store_vector,
    tile,
)

_LOWEST = np.float32(-1e30)
_LEAST = -87.0
_LOG2E, _LN2_HIGH, _LN2_LOW = 1.4426950408889634, 0.693359375, -2.12194440e-4
_POWERS = (1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 0.5)


@exact
def attended(inputs, shift, starts, bias, heads, out):  # type: ignore[no-untyped-def]
    """What each place takes from itself and those before it.

    out[i] = Σ_j w_ij v_j, w_i = softmax over start <= j <= i of q_i . k_j / √(d/heads) + bias_(i-j)

    Parameters
    ----------
    inputs : float32 (rows, len, 3 d)
        Queries, keys and values side by side, each of them head after head.
    shift : float32 (3 d,)
        Added to each place's inputs first: the bias of the layer that made them.
    starts : int64 (rows,)
        The first place of each row that is no padding; a place of padding takes from itself alone.
    bias : float32 (heads, distances)
        What is added at each distance; (heads, 0) is nothing.
    heads : int
    out : float32 (rows, len, d)
        Written.
    """
    rows, length, wide = inputs.shape
    d, size = wide // 3, wide // 3 // heads
    near, turned, weights, factors = _room(length, wide, size)
    done = _places(length, d)
    for r in range(rows):
        _near(inputs[r], shift, factors, near)
        for h in range(heads):
            first = h * size
            _weigh(near, first, d + first, turned, starts[r], bias[h], length, size, weights)
            _mix(weights, near, 2 * d + first, length, size, done, first)
        for i in range(length):
            row, found = done[i], out[r, i]
            for c in range(d):
                found[c] = row[c]


@exact
def attended_slopes(inputs, shift, starts, bias, heads, slopes, to_inputs, to_shift, to_bias):  # type: ignore[no-untyped-def]
    """The gradient of `attended`; `slopes` (rows, len, d) is that of its output.

    Written: `to_inputs`, and `to_shift` and `to_bias`, which must hold 0.

    With g_ij = slope_i . v_j: v_j gets Σ_i w_ij slope_i, the score of (i, j) gets
    w_ij (g_ij - Σ_j w_ij g_ij), and q and k get what the scores pass on.
    """
    rows, length, wide = inputs.shape
    d, size = wide // 3, wide // 3 // heads
    near, turned, weights, factors = _room(length, wide, size)
    scores, beside = np.zeros_like(weights), _places(length, d)
    to_q, to_k, to_v = _places(length, d), _places(length, d), _places(length, d)
    nothing, all_ones = np.zeros(d, dtype=np.float32), np.ones(d, dtype=np.float32)
    for r in range(rows):
        _near(inputs[r], shift, factors, near)
        _near(slopes[r], nothing, all_ones, beside)
        for h in range(heads):
            first = h * size
            _weigh(near, first, d + first, turned, starts[r], bias[h], length, size, weights)
            _gather(weights, beside, first, length, size, to_v, first)
            _turn(beside, first, length, size, turned)
            _score(near, 2 * d + first, turned, length, size, scores)
            _through_softmax(weights, scores, length)
            _lower(scores, to_bias[h], length)
            _mix(scores, near, d + first, length, size, to_q, first)
            _gather(scores, near, first, length, size, to_k, first)
        for part, found in enumerate((to_q, to_k, to_v)):
            own = slice(part * d, (part + 1) * d)
            factor, total = factors[own], to_shift[own]
            for i in range(length):
                row, given = found[i], to_inputs[r, i, own]
                for c in range(d):
                    given[c] = row[c] * factor[c]
                    total[c] += given[c]


@exact
def _room(length, wide, size):  # type: ignore[no-untyped-def]
    """What one history needs, in whole tiles; what lies beyond it stays 0, or is never looked at.

    Its inputs, one head's queries or slopes turned (size, places), weights (places, places), and
    what inputs are multiplied by: queries shrink, for all scores to.
    """
    across = (length + COLUMNS - 1) // COLUMNS * COLUMNS
    turned = np.zeros((size, across), dtype=np.float32)
    near = _places(length, wide)
    weights = np.zeros((len(near), across), dtype=np.float32)
    factors = np.ones(wide, dtype=np.float32)
    factors[: wide // 3] = np.float32(1 / np.sqrt(np.float64(size)))
    return near, turned, weights, factors


@exact
def _places(length, wide):  # type: ignore[no-untyped-def]
    """A row a place, in whole tiles; a tile that begins in the last columns may end beyond them."""
    return np.zeros(((length + ROWS - 1) // ROWS * ROWS, wide + COLUMNS), dtype=np.float32)


@exact
def _near(matrix, shift, factors, near):  # type: ignore[no-untyped-def]
    """A history at once, in the order of memory, which processors read ahead in."""
    for i in range(len(matrix)):
        row, copy = matrix[i], near[i]
        for c in range(len(shift)):
            copy[c] = (row[c] + shift[c]) * factors[c]


@exact
def _turn(matrix, first, length, size, turned):  # type: ignore[no-untyped-def]
    """Columns from `first` on, `size` of them, as rows."""
    for i in range(length):
        row = matrix[i, first : first + size]
        for c in range(size):
            turned[c, i] = row[c]


@exact
def _score(left, first, turned, length, size, scores):  # type: ignore[no-untyped-def]
    """scores[j, i] = left_j . right_i for j <= i, from `right` turned; whole tiles are filled.

    Here and below `first` is where the head begins in the columns of a matrix.
    """
    nothing = np.zeros(COLUMNS, dtype=np.float32)
    wide, across = left.shape[1], turned.shape[1]
    for i in range(0, across, COLUMNS):
        for j in range(0, min(i + COLUMNS, length), ROWS):
            tile(
                left, j * wide + first, 1, wide, turned, i, across, size, nothing, 0,
                scores, j * across + i, across,
            )  # fmt: skip


@exact
def _mix(weights, values, first, length, size, mixed, to):  # type: ignore[no-untyped-def]
    """mixed_i = Σ_(j <= i) weights[j, i] values_j; columns from `to` on.

    The last tile may spill over into the next head, whose turn is next, or beyond the last one.
    """
    nothing = np.zeros(COLUMNS, dtype=np.float32)
    wide, deep, across = values.shape[1], mixed.shape[1], weights.shape[1]
    for i in range(0, length, ROWS):
        for c in range(0, size, COLUMNS):
            tile(
                weights, i, across, 1, values, first + c, wide, min(i + ROWS, length), nothing, 0,
                mixed, i * deep + to + c, deep,
            )  # fmt: skip


@exact
def _gather(weights, values, first, length, size, mixed, to):  # type: ignore[no-untyped-def]
    """mixed_j = Σ_(i >= j) weights[j, i] values_i; else as `_mix`."""
    nothing = np.zeros(COLUMNS, dtype=np.float32)
    wide, deep, across = values.shape[1], mixed.shape[1], weights.shape[1]
    for j in range(0, length, ROWS):
        for c in range(0, size, COLUMNS):
            tile(
                weights, j * across + j, 1, across, values, j * wide + first + c, wide, length - j,
                nothing, 0, mixed, j * deep + to + c, deep,
            )  # fmt: skip


@exact
def _weigh(near, queries, keys, turned, start, bias, length, size, weights):  # type: ignore[no-untyped-def]
    """weights[j, i]: the softmax over j of what may be seen, 0 elsewhere."""
    _turn(near, queries, length, size, turned)
    _score(near, keys, turned, length, size, weights)
    _lift(weights, bias, length)
    across = weights.shape[1]
    highest = np.full(across, _LOWEST)
    for j in range(length):
        _hide(weights[j], j, start)
        row, top = weights[j, _first(j) :], highest[_first(j) :]
        for i in range(len(row)):  # slices from 0 on: other loops get no vector registers
            top[i] = row[i] if row[i] > top[i] else top[i]
    total = np.zeros(across, dtype=np.float32)
    for j in range(length):
        for i in range(_first(j), across, COLUMNS):
            _exponential(weights, j * across, highest, total, i)
    for i in range(across):
        total[i] = np.float32(1) / total[i]
    for j in range(length):
        row, whole = weights[j, _first(j) :], total[_first(j) :]
        for i in range(len(row)):
            row[i] *= whole[i]
        _clear(weights[j], _first(j))


@exact
def _lift(scores, bias, length):  # type: ignore[no-untyped-def]
    """Add to each score what belongs to its distance, if anything does."""
    if len(bias) > 0:
        for j in range(length):
            row = scores[j, j:length]
            for i in range(len(row)):
                row[i] += bias[i]


@exact
def _lower(slopes, bias_slopes, length):  # type: ignore[no-untyped-def]
    """The way back through `_lift`."""
    if len(bias_slopes) > 0:
        for j in range(length):
            row = slopes[j, j:length]
            for i in range(len(row)):
                bias_slopes[i] += row[i]


@exact
def _hide(row, j, start):  # type: ignore[no-untyped-def]
    """Hide place j from those before it, and where it is padding from all but itself."""
    for i in range(_first(j), j):
        row[i] = _LOWEST
    if j < start:
        row[j + 1 :] = _LOWEST


@exact
def _first(j):  # type: ignore[no-untyped-def]
    """The first of the 16 places among which j is: earlier ones do not see it."""
    return j // COLUMNS * COLUMNS


@intrinsic
def _exponential(typing, values, at, highest, total, first):  # type: ignore[no-untyped-def]
    """values[at + i] = e^(values[at + i] - highest[i]), added to total[i]; 16 i from `first` on.

    Below e^-87 it is 0.
    e^x = 2^n e^r with n whole and |r| <= ln 2 / 2, the polynomial is that of Cephes (Moshier). In
    LLVM's own language: of the same in Python numba makes no vector registers (weights took four
    times as long), and its own `exp` is a call a number.
    """
    return types.void(values, types.intp, highest, total, types.intp), _build_exponential


def _build_exponential(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    values, highest, total = (
        context.make_array(signature.args[k])(context, builder, args[k]).data for k in (0, 2, 3)
    )
    number = args[1].type
    whole = ir.VectorType(ir.IntType(32), LANES)
    intrinsics = {
        name: cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(VECTOR, [VECTOR] * n), f"llvm.{name}.v{LANES}f32"
        )
        for name, n in (("fma", 3), ("rint", 1))
    }

    def fma(*three: Any) -> Any:
        return builder.call(intrinsics["fma"], three)

    def all_of(value: float) -> Any:
        return ir.Constant(VECTOR, [value] * LANES)

    for lane in range(0, COLUMNS, LANES):
        beside = builder.add(args[4], number(lane))
        place = builder.add(args[1], beside)
        x = builder.fsub(load_vector(builder, values, place), load_vector(builder, highest, beside))
        seen = builder.fcmp_ordered(">", x, all_of(_LEAST))
        n = builder.call(intrinsics["rint"], [builder.fmul(x, all_of(_LOG2E))])
        r = fma(n, all_of(-_LN2_LOW), fma(n, all_of(-_LN2_HIGH), x))
        p = all_of(_POWERS[0])
        for coefficient in _POWERS[1:]:
            p = fma(p, r, all_of(coefficient))
        p = fma(builder.fmul(p, r), r, builder.fadd(r, all_of(1.0)))
        # 2^n by adding n to the exponent's bits
        n = builder.shl(builder.fptosi(n, whole), ir.Constant(whole, [23] * LANES))
        grown = builder.bitcast(builder.add(builder.bitcast(p, whole), n), VECTOR)
        grown = builder.select(seen, grown, all_of(0.0))
        store_vector(builder, grown, values, place)
        store_vector(
            builder, builder.fadd(load_vector(builder, total, beside), grown), total, beside
        )
    return context.get_dummy_value()


@exact
def _clear(row, first):  # type: ignore[no-untyped-def]
    """0 before `first`, where tiles that the diagonal crosses have left something."""
    if first > 0:
        crossed = row[first - COLUMNS : first]
        for i in range(COLUMNS):
            crossed[i] = 0


@exact
def _through_softmax(weights, slopes, length):  # type: ignore[no-untyped-def]
    """Slopes of weights turned into those of scores, in place: w (g - Σ_j w g)."""
    total = np.zeros(weights.shape[1], dtype=np.float32)
    for j in range(length):
        row, slope, sums = weights[j, _first(j) :], slopes[j, _first(j) :], total[_first(j) :]
        for i in range(len(row)):
            sums[i] += row[i] * slope[i]
    for j in range(length):
        row, slope, sums = weights[j, _first(j) :], slopes[j, _first(j) :], total[_first(j) :]
        for i in range(len(row)):
            slope[i] = row[i] * (slope[i] - sums[i])
        _clear(slopes[j], _first(j))
