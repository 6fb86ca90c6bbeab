"""What chance does to a mean over users: other users (bootstrap), or other signs (permutation).

Both draw from a named stream, so that equal seeds give equal numbers, and both serve many rows
with one draw: models that are compared are compared on the same resamples.
"""

from typing import NamedTuple

import numpy as np

from tastemap.errors import UsageError
from tastemap.kernels.jit import one_blas_thread
from tastemap.seeding import stream
from tastemap.shapes import Bool, Float64

SAMPLE_BYTES = 32 << 20
"""Resamples are drawn so many at a time that they take about this many bytes."""


class Interval(NamedTuple):
    """From low to high, in the metric's unit."""

    low: float
    high: float


def require_samples(samples: int, confidence: float) -> None:
    """Refuse a number of resamples or a confidence that cannot be."""
    if samples < 1 or not 0 < confidence < 1:
        raise UsageError(
            f"samples={samples}, confidence={confidence}",
            "samples: 1 or more; confidence: between 0 and 1",
            "leave them out to use the defaults",
        )


def bootstrap_interval(
    values: Float64[np.ndarray, " users"],
    samples: int = 2000,
    seed: int = 0,
    confidence: float = 0.95,
) -> Interval:
    """Percentile interval of a mean over users; NaN (undefined) is left out.

    Parameters
    ----------
    values
        Shape (users,): one value a user.
    samples, seed
        Number of bootstrap resamples of the users, and what they are drawn from.
    confidence
        Share of the resampled means that lie within the interval.

    Returns
    -------
    NaN to NaN where the metric is defined for no user.

    Source: Efron and Tibshirani, An introduction to the bootstrap, 1993, chapter 13.

    >>> low, high = bootstrap_interval(np.arange(100) / 100)
    >>> round(low, 2), round(high, 2)                          # 0.495 ± 1.96 · 0.029
    (0.44, 0.55)
    """
    require_samples(samples, confidence)
    defined = values[~np.isnan(values)]
    if len(defined) == 0:
        return Interval(float("nan"), float("nan"))
    means = resampled_means(defined[None], samples, seed)[0]
    low, high = np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(float(low), float(high))


def resampled_means(
    values: Float64[np.ndarray, "rows users"], samples: int, seed: int
) -> Float64[np.ndarray, "rows samples"]:
    """Means of each row over users drawn with replacement; the same draw for all rows."""
    n = values.shape[1]
    rng = stream(seed, "bootstrap")
    means = np.empty((len(values), samples))
    block = max(1, SAMPLE_BYTES // (8 * n))
    with one_blas_thread():
        for start in range(0, samples, block):
            rows = min(block, samples - start)
            drawn = rng.integers(n, size=(rows, n))
            drawn += n * np.arange(rows)[:, None]
            # How often each user was drawn: one product then serves all models.
            times = np.bincount(drawn.reshape(-1), minlength=rows * n).reshape(rows, n)
            means[:, start : start + rows] = values @ times.T.astype(np.float64) / n
    return means


def bootstrap_p(drawn: Float64[np.ndarray, "rows samples"]) -> Float64[np.ndarray, " rows"]:
    """Two-sided p that a mean is 0, from its resampled means: the percentile interval turned round.

    p = 2 · (1 + min(#means ≤ 0, #means ≥ 0)) / (1 + samples), at most 1: the least level whose
    interval does not hold 0. Source: Efron and Tibshirani 1993, section 15.4.

    >>> bootstrap_p(np.linspace(-0.1, 0.9, 1000)[None]).round(2)       # a tenth lies below 0
    array([0.2])
    """
    tail = np.minimum((drawn <= 0).sum(axis=1), (drawn >= 0).sum(axis=1))
    return np.minimum(1.0, 2 * (1 + tail) / (1 + drawn.shape[1]))


def permutation_p(
    gaps: Float64[np.ndarray, "rows users"], samples: int = 10_000, seed: int = 0
) -> Float64[np.ndarray, " rows"]:
    """Two-sided p that a mean difference is 0, by turning the signs of the users' differences.

    If two models were alike, each user's difference would be as likely with the other sign. p is
    the share of sign patterns whose mean is at least as far from 0 as the one seen: all 2**users
    of them where that is no more than `samples`, else of `samples` drawn ones and the one seen.

    Parameters
    ----------
    gaps
        Shape (rows, users): each user's difference; all rows get the same signs.
    samples, seed
        Number of patterns, and what they are drawn from.

    Source: Fisher, The design of experiments, 1935, section 21; Smucker, Allan and Carterette,
    A comparison of statistical significance tests for information retrieval, CIKM 2007.

    >>> permutation_p(np.array([[1.0, 2.0, 3.0], [1.0, -2.0, 1.0]]))   # 2 of 8 patterns; all 8
    array([0.25, 1.  ])
    """
    n = gaps.shape[1]
    exact = n < 63 and 2**n <= samples
    total = gaps.sum(axis=1)
    # Sums of the same numbers in another order: equal ones must count as equal.
    bar = np.abs(total) - 1e-12 * np.abs(gaps).sum(axis=1)
    far = np.zeros(len(gaps), dtype=np.int64)
    number = 2**n if exact else samples
    block = max(1, SAMPLE_BYTES // (9 * n))
    rng = stream(seed, "permutation")
    with one_blas_thread():
        for start in range(0, number, block):
            rows = min(block, number - start)
            if exact:
                kept = (np.arange(start, start + rows)[:, None] >> np.arange(n)) % 2 == 1
            else:
                kept = _coins(rng, rows, n)
            flipped = 2 * (gaps @ kept.T.astype(np.float64)) - total[:, None]
            far += (np.abs(flipped) >= bar[:, None]).sum(axis=1)
    return far / number if exact else (1 + far) / (1 + number)


def _coins(rng: np.random.Generator, rows: int, n: int) -> Bool[np.ndarray, "samples users"]:
    """Fair coins; whole words a row, so that the draw does not depend on the size of the blocks."""
    words = rng.integers(2**64, size=(rows, -(-n // 64)), dtype=np.uint64).astype("<u8")
    return np.unpackbits(words.view(np.uint8), axis=1, count=n, bitorder="little").astype(bool)
