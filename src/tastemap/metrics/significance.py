"""How sure a difference is, and how small a difference a test set can show at all."""

from statistics import NormalDist

import numpy as np

from tastemap.errors import UsageError
from tastemap.shapes import Float64


def holm(p: Float64[np.ndarray, " n"]) -> Float64[np.ndarray, " n"]:
    """p values corrected for how many comparisons were made; NaN is no comparison and stays.

    The i-th smallest of m values is multiplied by m - i + 1, and none may come out smaller than
    the one before it, nor above 1. The chance of any false alarm then stays below the level,
    however the comparisons depend on each other. Source: Holm, A simple sequentially rejective
    multiple test procedure, Scandinavian Journal of Statistics 1979.

    >>> holm(np.array([0.01, 0.04, 0.03]))                    # 3 · .01, 2 · .03, then no less
    array([0.03, 0.06, 0.06])
    """
    wrong = p[(p < 0) | (p > 1)]
    if len(wrong):
        raise UsageError(f"p value {wrong[0]}", "values from 0 to 1", "pass p values, not scores")
    adjusted = np.full(len(p), np.nan)
    tested = np.flatnonzero(~np.isnan(p))
    order = tested[np.argsort(p[tested], kind="stable")]
    scaled = p[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(scaled))
    return adjusted


def detectable(stderr: float, level: float = 0.05, power: float = 0.8) -> float:
    """The least true difference that a two-sided test finds with this power.

    (z(1 - level / 2) + z(power)) · stderr, with z the quantile of the normal law and stderr that
    of the paired difference: 2.80 standard errors unless told otherwise. Source: Cohen,
    Statistical power analysis for the behavioral sciences, 1988; for rankings: Sakai, Statistical
    reform in information retrieval, SIGIR Forum 2014.

    >>> round(detectable(0.005), 4)
    0.014
    """
    if not (0 < level < 1 and 0 < power < 1):
        raise UsageError(
            f"level={level}, power={power}",
            "both between 0 and 1",
            "leave them out to use level=0.05, power=0.8",
        )
    z = NormalDist().inv_cdf
    return (z(1 - level / 2) + z(power)) * stderr
