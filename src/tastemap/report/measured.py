"""Means and paired differences as the report writes them, in six significant digits."""

from dataclasses import dataclass

import numpy as np

from tastemap.metrics.compare import paired_difference
from tastemap.metrics.result import Estimate, Evaluation
from tastemap.report.figures import rounded

TWO_SIDED_95 = 1.96
"""So many standard errors reach to either end of a 95 % interval."""


@dataclass(frozen=True)
class Measured:
    """A mean over users, its standard error and the number of users."""

    mean: float | None
    stderr: float | None
    n: int


@dataclass(frozen=True)
class Gap:
    """A paired difference to another model and its 95 % interval; relative ones in percent."""

    mean: float | None
    low: float | None
    high: float | None
    relative: float | None
    relative_low: float | None
    relative_high: float | None
    n: int


def measured(one: Estimate) -> Measured:
    """An estimate, rounded; None where it is undefined."""
    return Measured(rounded(one.mean), rounded(one.stderr), one.n)


def gap_of(a: Evaluation, b: Evaluation, metric: str) -> Gap:
    """How much better a is than b, by a paired bootstrap over the users."""
    found = paired_difference(a, b, metric)
    return Gap(
        mean=rounded(found.mean),
        low=rounded(found.low),
        high=rounded(found.high),
        relative=rounded(found.relative),
        relative_low=rounded(found.relative_low),
        relative_high=rounded(found.relative_high),
        n=found.n,
    )


def reach(one: Measured) -> tuple[float, float, float]:
    """Mean, and both ends of the 95 % interval that the standard error gives.

    >>> reach(Measured(0.5, 0.1, 9))
    (0.5, 0.304, 0.696)
    """
    mean = one.mean or 0.0
    wide = TWO_SIDED_95 * (one.stderr or 0.0)
    return mean, mean - wide, mean + wide


def thinned(n: int, most: int) -> list[int]:
    """1 to n, or about `most` of these, evenly spread, both ends kept.

    >>> thinned(5, 3)
    [1, 3, 5]
    """
    return np.unique(np.round(np.linspace(1, n, min(n, most))).astype(int)).tolist()
