"""What follows a product of matrices in a network, in one pass: bias, relu, dropout, a residual.

torch makes each of them by a pass of its own into fresh memory, and a pass costs what its memory
does: .2 ms for 3,200 x 64 numbers in the middle of a step of SASRec, .04 where they lie near. Here
the product itself is changed where it lies, still near.
"""

import numpy as np

from tastemap.kernels.dropout import draw
from tastemap.kernels.jit import serial

_ROWS = 8
"""Rows at a time: as many words of draws as columns, and all still in the first cache."""


@serial
def finished(values, bias, relu, key, level, onto):  # type: ignore[no-untyped-def]
    """In place: onto + dropout(relu(values + bias)).

    Parameters
    ----------
    values : float32 (n, width)
        Read and written.
    bias : float32 (width,)
    relu : bool
        Whether numbers below 0 become 0.
    key, level : uint64, uint8
        See `dropout.dropped`; level 0: nothing is dropped.
    onto : float32 (n, width)
        What is added last; (0, width): nothing.
    """
    n, width = values.shape
    words = np.empty(width, dtype=np.uint64)  # a byte for each number of 8 rows
    draws = words.view(np.uint8)
    zero, scale = np.float32(0), np.float32(256) / np.float32(256 - level)
    for first in range(0, n, _ROWS):
        rows = values[first : first + _ROWS]
        flat = rows.reshape(-1)
        for r in range(len(rows)):
            row = rows[r]
            for c in range(width):
                row[c] += bias[c]
        if relu:
            for i in range(len(flat)):
                flat[i] = zero if flat[i] < zero else flat[i]  # NaN stays
        if level > 0:
            draw(key, first * width, words)
            for i in range(len(flat)):
                flat[i] *= scale if draws[i] >= level else zero
        if len(onto) > 0:
            other = onto[first : first + _ROWS].reshape(-1)
            for i in range(len(flat)):
                flat[i] += other[i]


@serial
def finished_slopes(slopes, kept, key, level, found, bias_slopes):  # type: ignore[no-untyped-def]
    """The gradient of `finished`: found (n, width), that of the values, is written.

    bias_slopes (width,), which must hold 0, is their sum over rows; kept (n, width) is what came
    out where there was a relu, no rows where not. What came out as 0 was below 0, or dropped.
    """
    n, width = slopes.shape
    words = np.empty(width, dtype=np.uint64)  # a byte for each number of 8 rows
    draws = words.view(np.uint8)
    zero, scale = np.float32(0), np.float32(256) / np.float32(256 - level)
    for first in range(0, n, _ROWS):
        given, rows = slopes[first : first + _ROWS].reshape(-1), found[first : first + _ROWS]
        flat = rows.reshape(-1)
        if len(kept) > 0:
            was = kept[first : first + _ROWS].reshape(-1)
            for i in range(len(flat)):
                flat[i] = given[i] * (scale if was[i] > zero else zero)
        else:
            draw(key, first * width, words)
            for i in range(len(flat)):
                flat[i] = given[i] * (scale if draws[i] >= level else zero)
        for r in range(len(rows)):
            row = rows[r]
            for c in range(width):
                bias_slopes[c] += row[c]
