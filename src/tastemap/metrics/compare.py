"""Compare models on the same users: differences, and how far chance could have moved them.

Users differ far more from each other than models do, so each user's difference is taken first
(pairing). Resampling the users with replacement (bootstrap) then shows how much the mean
difference would vary from one set of users to another. There is no p value: with thousands of
users everything is "significant", and the size of the difference is what matters (Ihemelandu and
Ekstrand, Inference at scale, SIGIR 2023).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from tastemap.data.table import Table
from tastemap.errors import InputError, UsageError
from tastemap.kernels.jit import one_blas_thread
from tastemap.metrics.result import Evaluation
from tastemap.seeding import stream

SAMPLE_BYTES = 32 << 20
"""Resamples are drawn so many at a time that they take about this many bytes."""


@dataclass(frozen=True)
class Difference:
    """How much better one model is than another, with an interval.

    Parameters
    ----------
    mean, low, high
        Mean difference over users, in the metric's unit, and its bootstrap interval.
    relative, relative_low, relative_high
        The same in percent of the other model's mean. NaN where that mean is 0; the interval is
        NaN too where it is 0 in some resample.
    n
        Users compared.
    """

    mean: float
    low: float
    high: float
    relative: float
    relative_low: float
    relative_high: float
    n: int

    def __str__(self) -> str:
        relative = f"{self.relative:+.1f} % [{self.relative_low:+.1f}, {self.relative_high:+.1f}]"
        absolute = f"{self.mean:+.4f} [{self.low:+.4f}, {self.high:+.4f}]"
        return f"{absolute}, {relative}, {self.n:,} users"


def compare(
    evaluations: Mapping[str, Evaluation],
    metric: str = "ndcg@10",
    baseline: str | None = None,
    samples: int = 2000,
    seed: int = 0,
    confidence: float = 0.95,
) -> Table:
    """Models in a table, highest mean first, each with its difference to a baseline.

    Parameters
    ----------
    evaluations
        By the models' names; all of the same users and held-out items.
    metric
        A metric that has a value for each user and that all evaluations measured.
    baseline
        The name of the model to compare with; the first one if left out.
    samples, seed
        Number of bootstrap resamples of the users, and what they are drawn from.
    confidence
        Share of the resampled differences that lie within low to high (percentile interval).

    Returns
    -------
    Table
        Columns model, mean, stderr (NaN for a single user), difference, low, high, and in percent
        of the baseline's mean relative, relative_low, relative_high (NaN where that mean is 0).

    Errors
    ------
    UsageError
        For an unknown metric or baseline, no evaluation, samples < 1, confidence outside (0, 1).
    InputError
        For evaluations of different users or held-out items.

    Source: Efron and Tibshirani, An introduction to the bootstrap, 1993, chapter 13.

    >>> from tastemap.data.interactions import Histories
    >>> from tastemap.metrics.evaluate import evaluate_histories
    >>> histories, truth = Histories.of_items([[0], [1]]), Histories.of_items([[1], [3]])
    >>> def found(scores):
    ...     every = lambda asked: np.tile(np.float32(scores), (len(asked), 1))
    ...     return evaluate_histories(every, histories, truth, 4, ["mrr@3"])
    >>> table = compare({"up": found([0, 1, 2, 3]), "down": found([3, 2, 1, 0])}, "mrr@3")
    >>> table["model"].tolist(), table["mean"].round(3).tolist()
    (['up', 'down'], [0.667, 0.667])
    """
    base = next(iter(evaluations), "") if baseline is None else baseline
    if base not in evaluations:
        raise UsageError(
            f"baseline {base!r}" if evaluations else "no evaluation",
            ", ".join(evaluations) or "at least one evaluation by name",
            "name one of the models compared",
        )
    differences = _differences(evaluations, base, metric, samples, seed, confidence)
    means = {name: found[metric].mean for name, found in evaluations.items()}
    order = sorted(means, key=lambda name: -means[name])
    stderrs = [evaluations[name][metric].stderr for name in order]
    rows = [differences[name] for name in order]
    return Table(
        {
            "model": order,
            "mean": [means[name] for name in order],
            "stderr": [np.nan if one is None else one for one in stderrs],
            "difference": [row.mean for row in rows],
            "low": [row.low for row in rows],
            "high": [row.high for row in rows],
            "relative": [row.relative for row in rows],
            "relative_low": [row.relative_low for row in rows],
            "relative_high": [row.relative_high for row in rows],
        }
    )


def paired_difference(
    a: Evaluation,
    b: Evaluation,
    metric: str = "ndcg@10",
    samples: int = 2000,
    seed: int = 0,
    confidence: float = 0.95,
) -> Difference:
    """Mean of a - b over users with its paired bootstrap interval; arguments as for `compare`."""
    return _differences({"b": b, "a": a}, "b", metric, samples, seed, confidence)["a"]


def _differences(
    evaluations: Mapping[str, Evaluation],
    baseline: str,
    metric: str,
    samples: int,
    seed: int,
    confidence: float,
) -> dict[str, Difference]:
    """Every model against the baseline, all on the same resamples."""
    if samples < 1 or not 0 < confidence < 1:
        raise UsageError(
            f"samples={samples}, confidence={confidence}",
            "samples: 1 or more; confidence: between 0 and 1",
            "leave them out to use the defaults",
        )
    values = {name: _per_user(name, found, metric) for name, found in evaluations.items()}
    for name, found in evaluations.items():
        _require_same_users(baseline, evaluations[baseline], name, found)
    matrix = np.stack([*values.values()])
    matrix = matrix[:, ~np.isnan(matrix).any(axis=0)]
    if matrix.shape[1] == 0:
        raise InputError(
            f"metric {metric!r} is defined for none of the users",
            "at least one user for whom all models have a value",
            "choose another metric",
        )
    against = matrix[list(values).index(baseline)]
    gaps = matrix - against
    drawn = _resampled_means(np.vstack([gaps, against]), samples, seed)
    base_mean, base_drawn = against.mean(), drawn[-1]
    ends = [(1 - confidence) / 2, (1 + confidence) / 2]
    found_by_name = {}
    for name, gap, means in zip(values, gaps, drawn, strict=False):
        low, high = np.quantile(means, ends)
        relative, share_low, share_high = np.nan, np.nan, np.nan
        if base_mean > 0:
            relative = 100 * gap.mean() / base_mean
        if (base_drawn > 0).all():
            share_low, share_high = np.quantile(100 * means / base_drawn, ends)
        found_by_name[name] = Difference(
            mean=float(gap.mean()),
            low=float(low),
            high=float(high),
            relative=float(relative),
            relative_low=float(share_low),
            relative_high=float(share_high),
            n=len(against),
        )
    return found_by_name


def _resampled_means(
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


def _per_user(name: str, found: Evaluation, metric: str) -> Float64[np.ndarray, " users"]:
    if metric not in found.per_user:
        why = "has no value a user" if metric in found.estimates else "was not measured"
        raise UsageError(
            f"metric {metric!r} {why} ({name})",
            ", ".join(found.per_user),
            "choose one of these, or evaluate with this metric",
        )
    return found.per_user[metric]


def _require_same_users(a_name: str, a: Evaluation, b_name: str, b: Evaluation) -> None:
    """Refuse evaluations that are not of the same users with the same number of held-out items."""
    if np.array_equal(a.users, b.users) and np.array_equal(a.ranking.relevant, b.ranking.relevant):
        return
    given = f"{a_name} with {len(a.users):,} users, {b_name} with {len(b.users):,}"
    if len(a.users) == len(b.users):
        other = (a.users != b.users) | (a.ranking.relevant != b.ranking.relevant)
        given += f", {int(other.sum()):,} of them not the same or with other held-out items"
    raise InputError(
        given,
        "evaluations of the same users and held-out items, in the same order",
        "evaluate all models on one split, with the same part",
    )
