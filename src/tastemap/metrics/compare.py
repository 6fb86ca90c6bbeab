"""Compare models on the same users: differences, and how far chance could have moved them.

Users differ far more from each other than models do, so each user's difference is taken first
(pairing). Resampling the users with replacement (bootstrap) then shows how much the mean
difference would vary from one set of users to another. With thousands of users nearly everything
is "significant": read the size of the difference and its interval first, p values after that, and
those corrected for the number of comparisons. There is no Wilcoxon test, whose errors grow with
the number of users (Ihemelandu and Ekstrand, Inference at scale, SIGIR 2023).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from typing import Any, Literal

import numpy as np

from tastemap.data.table import Table
from tastemap.errors import InputError, UsageError
from tastemap.metrics.resampling import (
    bootstrap_p,
    permutation_p,
    require_samples,
    resampled_means,
)
from tastemap.metrics.result import Estimate, Evaluation
from tastemap.metrics.significance import detectable, holm
from tastemap.shapes import Float64


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
    stderr
        Standard error of the mean difference (paired); NaN for a single user.
    """

    mean: float
    low: float
    high: float
    relative: float
    relative_low: float
    relative_high: float
    n: int
    stderr: float

    @property
    def detectable(self) -> float:
        """The least true difference that these users would show (two-sided 5 %, power 80 %)."""
        return detectable(self.stderr)

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
    test: Literal["permutation", "bootstrap"] = "permutation",
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
        Number of resamples of the users (and of sign patterns), and what they are drawn from.
    confidence
        Share of the resampled differences that lie within low to high (percentile interval).
    test
        What p comes from, always paired and two-sided: the signs of the users' differences turned
        at random ("permutation"), or the bootstrap interval turned round ("bootstrap").

    Returns
    -------
    Table
        Columns model, mean, stderr (NaN for a single user), difference, low, high, and in percent
        of the baseline's mean relative, relative_low, relative_high (NaN where that mean is 0);
        p of the difference and p_holm, corrected for the number of models compared (both NaN for
        the baseline itself); detectable, the least true difference that a test at 5 % would find
        with a power of 80 %.

    Errors
    ------
    UsageError
        For an unknown metric, baseline or test, no evaluation, samples < 1, confidence outside
        (0, 1).
    InputError
        For evaluations of different users or held-out items.

    Source: Efron and Tibshirani, An introduction to the bootstrap, 1993, chapter 13; Smucker,
    Allan and Carterette, CIKM 2007; Holm, Scandinavian Journal of Statistics 1979.

    >>> from tastemap.data.interactions import Histories
    >>> from tastemap.metrics.evaluate import evaluate_histories
    >>> histories, truth = Histories.of_items([[0], [1]]), Histories.of_items([[1], [3]])
    >>> def found(scores):
    ...     every = lambda asked: np.tile(np.float32(scores), (len(asked), 1))
    ...     return evaluate_histories(every, histories, truth, 4, ["mrr@3"])
    >>> table = compare({"up": found([0, 1, 2, 3]), "down": found([3, 2, 1, 0])}, "mrr@3")
    >>> table["model"].tolist(), table["mean"].round(3).tolist(), table["p"].tolist()
    (['up', 'down'], [0.667, 0.667], [nan, 1.0])
    """
    base = next(iter(evaluations), "") if baseline is None else baseline
    if base not in evaluations:
        raise UsageError(
            f"baseline {base!r}" if evaluations else "no evaluation",
            ", ".join(evaluations) or "at least one evaluation by name",
            "name one of the models compared",
        )
    require_samples(samples, confidence)
    names, matrix = _values(evaluations, base, metric)
    gaps, drawn = _gaps_and_resamples(matrix, names.index(base), samples, seed)
    if test == "permutation":
        p = permutation_p(gaps, samples, seed)
    elif test == "bootstrap":
        p = bootstrap_p(drawn[:-1])
    else:
        raise UsageError(f"test={test!r}", "'permutation' or 'bootstrap'", "leave it out")
    p[names.index(base)] = np.nan
    corrected = holm(p)
    against = matrix[names.index(base)]
    rows = [
        _difference(*both, against, drawn[-1], confidence)
        for both in zip(gaps, drawn, strict=False)
    ]
    means = [evaluations[name][metric].mean for name in names]
    stderrs = [evaluations[name][metric].stderr for name in names]
    order = sorted(range(len(names)), key=lambda row: -means[row])
    columns: dict[str, Any] = {
        "model": names,
        "mean": means,
        "stderr": [np.nan if one is None else one for one in stderrs],
        "difference": [row.mean for row in rows],
        "low": [row.low for row in rows],
        "high": [row.high for row in rows],
        "relative": [row.relative for row in rows],
        "relative_low": [row.relative_low for row in rows],
        "relative_high": [row.relative_high for row in rows],
        "p": p,
        "p_holm": corrected,
        "detectable": [row.detectable for row in rows],
    }
    return Table({name: [column[row] for row in order] for name, column in columns.items()})


def paired_difference(
    a: Evaluation,
    b: Evaluation,
    metric: str = "ndcg@10",
    samples: int = 2000,
    seed: int = 0,
    confidence: float = 0.95,
) -> Difference:
    """Mean of a - b over users with its paired bootstrap interval; arguments as for `compare`."""
    require_samples(samples, confidence)
    _, matrix = _values({"b": b, "a": a}, "b", metric)
    gaps, drawn = _gaps_and_resamples(matrix, 0, samples, seed)
    return _difference(gaps[1], drawn[1], matrix[0], drawn[-1], confidence)


def minimum_detectable_effect(
    a: Evaluation,
    b: Evaluation | None = None,
    metric: str = "ndcg@10",
    *,
    correlation: float = 0.5,
    level: float = 0.05,
    power: float = 0.8,
) -> float:
    """The least true difference in a metric's mean that these test users would show.

    (z(1 - level / 2) + z(power)) · standard error of the paired difference, in the metric's unit.
    With two evaluations that standard error is theirs. With one it is assumed: two models of
    equal spread whose values of a user correlate by `correlation`, so that the difference's
    standard error is stderr · sqrt(2 (1 - correlation)).

    Parameters
    ----------
    a, b
        The evaluation at hand, and the other one where there is one.
    correlation
        The assumption where there is no other one: below 1; higher for models that are alike.
    level, power
        Of the two-sided test: chance of a false alarm, chance to find a difference of this size.

    Returns
    -------
    NaN where a single user has a value.

    >>> from tastemap.data.interactions import Histories
    >>> from tastemap.metrics.evaluate import evaluate_lists
    >>> from tastemap.recommend import Ranking
    >>> lists, truth = np.int32([[0], [1], [0], [1]]), Histories.of_items([[0], [0], [0], [0]])
    >>> found = evaluate_lists(Ranking.of(lists, truth), ["recall@1"])     # .5 ± .2887
    >>> round(minimum_detectable_effect(found, metric="recall@1"), 4)      # 2.8016 · .2887
    0.8087
    """
    if b is not None:
        _, matrix = _values({"b": b, "a": a}, "b", metric)
        return detectable(_stderr(matrix[1] - matrix[0]), level, power)
    if not -1 <= correlation < 1:
        raise UsageError(
            f"correlation={correlation}", "from -1 to below 1", "leave it out to assume 0.5"
        )
    stderr = _stderr(_values({"a": a}, "a", metric)[1][0])
    return detectable(stderr * sqrt(2 * (1 - correlation)), level, power)


def _stderr(values: Float64[np.ndarray, " users"]) -> float:
    stderr = Estimate.of(values).stderr
    return float("nan") if stderr is None else stderr


def _values(
    evaluations: Mapping[str, Evaluation], baseline: str, metric: str
) -> tuple[list[str], Float64[np.ndarray, "models users"]]:
    """The models' names and each one's values, of the users for whom all of them have one."""
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
    return [*values], matrix


def _gaps_and_resamples(
    matrix: Float64[np.ndarray, "models users"], base: int, samples: int, seed: int
) -> tuple[Float64[np.ndarray, "models users"], Float64[np.ndarray, "rows samples"]]:
    """Each user's difference to the baseline; resampled means of these and, last, of the baseline.

    All models are resampled with one draw.
    """
    gaps = matrix - matrix[base]
    return gaps, resampled_means(np.vstack([gaps, matrix[base]]), samples, seed)


def _difference(
    gap: Float64[np.ndarray, " users"],
    drawn: Float64[np.ndarray, " samples"],
    against: Float64[np.ndarray, " users"],
    against_drawn: Float64[np.ndarray, " samples"],
    confidence: float,
) -> Difference:
    ends = [(1 - confidence) / 2, (1 + confidence) / 2]
    low, high = np.quantile(drawn, ends)
    relative, share_low, share_high = np.nan, np.nan, np.nan
    if against.mean() > 0:
        relative = 100 * gap.mean() / against.mean()
    if (against_drawn > 0).all():
        share_low, share_high = np.quantile(100 * drawn / against_drawn, ends)
    return Difference(
        mean=float(gap.mean()),
        low=float(low),
        high=float(high),
        relative=float(relative),
        relative_low=float(share_low),
        relative_high=float(share_high),
        n=len(against),
        stderr=_stderr(gap),
    )


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
