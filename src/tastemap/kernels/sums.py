"""Sums that do not depend on the order of what is added."""

from fractions import Fraction
from math import frexp, fsum, isfinite

import numpy as np

from tastemap.kernels.jit import exact
from tastemap.shapes import Float64


def total(values: Float64[np.ndarray, " n"], centre: float | None = None) -> tuple[float, int]:
    """The sum of values, or of the squares of how far they are from `centre`, and their number.

    NaN is left out. Each number is cut into two whole ones, and those are added: as exact as
    math.fsum but for numbers 10^26 times smaller than the largest. math.fsum took nine tenths of
    the time of 15 metrics, the same in NumPy three times as long as here.

    >>> total(np.array([0.1] * 10 + [np.nan])), total(np.array([1.0, 5.0]), 2.0)
    ((1.0, 10), (10.0, 2))
    """
    values = np.require(values, np.float64, ["C", "W"])
    squares, middle = centre is not None, 0.0 if centre is None else centre
    n, largest = _largest(values, middle, squares)
    exponent = frexp(largest)[1] if isfinite(largest) else 0  # values / 2^exponent are at most 1
    if not isfinite(largest) or abs(exponent) > 900:  # a factor of this size is no float
        defined = values[~np.isnan(values)]
        return fsum((defined - middle) ** 2 if squares else defined), n
    bits = 62 - n.bit_length()
    scale, low_scale = 2.0 ** (bits - exponent), 2.0**bits
    high, low = _cut(values, middle, squares, scale, low_scale)
    whole = (high << bits) + low
    return float(Fraction(whole) * Fraction(2) ** (exponent - 2 * bits)), n


@exact
def _term(value, centre, squares):  # type: ignore[no-untyped-def]
    away = value - centre
    return away * away if squares else away


@exact
def _largest(values, centre, squares):  # type: ignore[no-untyped-def]
    """How many are not NaN, and the largest term without its sign."""
    n, largest = 0, 0.0
    for value in values:
        size = abs(_term(value, centre, squares))
        n += size == size
        largest = size if size > largest else largest
    return n, largest


@exact
def _cut(values, centre, squares, scale, low_scale):  # type: ignore[no-untyped-def]
    """Sums of the high and of the low halves of all terms, as whole numbers."""
    high = low = np.int64(0)
    for value in values:
        term = _term(value, centre, squares) * scale
        if term == term:
            whole = np.rint(term)
            high += np.int64(whole)
            low += np.int64(np.rint((term - whole) * low_scale))
    return high, low
