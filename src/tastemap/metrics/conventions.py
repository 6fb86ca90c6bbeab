"""The same lists by other libraries' definitions: their numbers, and why they differ from ours.

Two programs that both print "ndcg@10" may mean two things. `measure(ranking, metrics,
conventions="rectools")` computes what RecTools would print for these lists, so that numbers can
be checked and carried over; `CONVENTIONS` says of every one how it is defined where it is not
defined as in tastemap. docs/parity.md shows all of them on one example.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from tastemap.errors import UsageError
from tastemap.metrics import ranking as ours
from tastemap.metrics.inputs import nothing_held_out, require_no_repeats
from tastemap.metrics.ranking import parse
from tastemap.metrics.result import Estimate
from tastemap.recommend import Ranking
from tastemap.shapes import Bool, Float64

Formula = Callable[[Ranking, int], Float64[np.ndarray, " users"] | float]
"""A metric at k of users with held-out items: one value a user (NaN: left out), or one for all."""


class Definition(NamedTuple):
    """How a library defines a metric.

    Parameters
    ----------
    formula
        Lists and k to values.
    ours
        The name, without k, of the metric that is the same in tastemap; "" where there is none.
    why
        How it differs from tastemap's metric of that name; "" where it does not.
    """

    formula: Formula
    ours: str
    why: str = ""


def recall_pooled(ranking: Ranking, k: int) -> float:
    """All hits by the most that k places of every user could hold: Σ hits / Σ min(k, |T|).

    What implicit calls precision: busy users weigh more than others.

    >>> recall_pooled(ours.EXAMPLE, 3)                                          # 1 hit of 2
    0.5
    """
    hits = ranking.hits[:, :k].sum()
    return float(hits / np.minimum(ranking.relevant, k).sum())


def precision_of_list(ranking: Ranking, k: int) -> Float64[np.ndarray, " users"]:
    """Hits by the places that are filled, at most k; NaN, and so left out, for an empty list.

    >>> precision_of_list(ours.EXAMPLE, 2)
    array([0.5])
    """
    filled = (ranking.items[:, :k] >= 0).sum(axis=1)
    undefined = np.full(len(filled), np.nan)
    return np.divide(ranking.hits[:, :k].sum(axis=1), filled, out=undefined, where=filled > 0)


def ndcg_by_k(ranking: Ranking, k: int) -> Float64[np.ndarray, " users"]:
    """DCG by that of k hits, however few items were held out: a perfect list may stay below 1.

    >>> ndcg_by_k(ours.EXAMPLE, 3).round(4)                          # .6309 / (1 + .6309 + .5)
    array([0.2961])
    """
    return ours.dcg(ranking, k) / (1 / np.log2(np.arange(2, k + 2))).sum()


def ndcg_2002(ranking: Ranking, k: int) -> Float64[np.ndarray, " users"]:
    """NDCG with the discount of 2002, 1 / max(1, log2 j): ranks 1 and 2 weigh the same.

    Source: Järvelin and Kekäläinen, Cumulated gain-based evaluation, TOIS 2002.

    >>> ndcg_2002(ours.EXAMPLE, 3)                                              # 1 / (1 + 1)
    array([0.5])
    """
    discount = 1 / np.maximum(1, np.log2(np.arange(1, k + 1)))
    best = np.concatenate([[0], discount.cumsum()])[np.minimum(ranking.relevant, k)]
    return (ranking.hits[:, :k] * discount).sum(axis=1) / best


def map_by_k(ranking: Ranking, k: int) -> Float64[np.ndarray, " users"]:
    """Precision at the hits, by k: Σ_j hit_j · precision@j / k.

    >>> map_by_k(ours.EXAMPLE, 2)                                               # (1 / 2) / 2
    array([0.25])
    """
    return ours.map_full(ranking, k) * ranking.relevant / k


def _with_list(formula: Callable[[Ranking, int], Float64[np.ndarray, " users"]]) -> Formula:
    """The same over users who have a list, be it short."""

    def left_out(ranking: Ranking, k: int) -> Float64[np.ndarray, " users"]:
        return np.where(_has_list(ranking), formula(ranking, k), np.nan)

    return left_out


def _has_list(ranking: Ranking) -> Bool[np.ndarray, " users"]:
    return np.asarray((ranking.items >= 0).any(axis=1))


_CAPPED = "divides by min(k, held out), as tastemap's recall_capped"
_BY_HELD_OUT = (
    "divides by all held-out items, as tastemap's map_full; tastemap's map by min(k, held out)"
)
_NO_LIST = "leaves out users without a list; tastemap counts their misses"

_SAME = {
    "precision": Definition(ours.precision, "precision"),
    "recall": Definition(ours.recall, "recall"),
    "ndcg": Definition(ours.ndcg, "ndcg"),
    "hit_rate": Definition(ours.hit_rate, "hit_rate"),
    "mrr": Definition(ours.mrr, "mrr"),
}
_MAP = {"map": Definition(ours.map, "map")}
_MAP_FULL = {"map": Definition(ours.map_full, "map_full", _BY_HELD_OUT)}

CONVENTIONS: dict[str, dict[str, Definition]] = {
    "tastemap": _SAME | _MAP,
    "trec": _SAME | _MAP_FULL,
    "implicit": {
        "precision": Definition(
            recall_pooled,
            "",
            "pools the users' hits and divides by Σ min(k, held out): a capped recall in which "
            "busy users weigh more; tastemap divides each user's hits by k",
        ),
        "ndcg": _SAME["ndcg"],
        "map": _MAP["map"],
    },
    "rectools": _SAME
    | _MAP_FULL
    | {
        "ndcg": Definition(
            ndcg_by_k,
            "",
            "divides by the DCG of k hits for everybody, so that a perfect list may stay below 1; "
            "tastemap divides by that of min(k, held out) hits, as divide_by_achievable=True does",
        ),
        "ndcg_achievable": Definition(ours.ndcg, "ndcg"),
        "map_by_k": Definition(
            map_by_k, "", "divides by k (divide_by_k=True), however few items were held out"
        ),
    },
    "lenskit": {
        "precision": Definition(
            precision_of_list,
            "",
            "divides by the length of the list and leaves out users without one, so that short "
            "lists gain; tastemap divides by k",
        ),
        "recall": Definition(ours.recall_capped, "recall_capped", _CAPPED),
        "ndcg": Definition(
            ndcg_2002,
            "",
            "does not discount rank 2 (the form of 2002); tastemap discounts by log2(rank + 1)",
        ),
        "hit_rate": _SAME["hit_rate"],
        "mrr": _SAME["mrr"],
    },
    "recbole": _SAME | _MAP,
    "microsoft": {
        "precision": Definition(_with_list(ours.precision), "", _NO_LIST),
        "recall": Definition(_with_list(ours.recall), "", _NO_LIST),
        "ndcg": _SAME["ndcg"],
        "map": Definition(_with_list(ours.map_full), "", f"{_NO_LIST}; and {_BY_HELD_OUT}"),
        "map_at_k": Definition(_with_list(ours.map), "", _NO_LIST),
    },
    "replay": _SAME | _MAP,
}
"""Definitions by library and metric. "trec" is trec_eval's, and ranx's and ir_measures' with it."""


def measure(
    ranking: Ranking, metrics: Sequence[str], conventions: str = "tastemap"
) -> dict[str, Estimate]:
    """Metrics of lists as another library defines them.

    Parameters
    ----------
    ranking
        Lists and hits, of at least the largest k asked for; rows without held-out items are
        left out, as all these libraries do.
    metrics
        Names such as "precision@5": the metrics that the library has are the keys of
        `CONVENTIONS[conventions]`.
    conventions
        "tastemap", "trec", "implicit", "rectools", "lenskit", "recbole", "microsoft", "replay".

    Returns
    -------
    dict[str, Estimate]
        Mean, standard error and number of users by the name asked for; a pooled number has no
        standard error.

    Errors
    ------
    UsageError
        For unknown conventions, and for a metric that the library has not.
    InputError
        For lists that hold an item twice, and where nothing is held out.

    >>> from tastemap.data.interactions import Histories
    >>> truth, lists = Histories.of_items([[1], [2, 3]]), np.int32([[1, 5], [2, 3]])
    >>> ranking = Ranking.of(lists, truth)
    >>> print(measure(ranking, ["ndcg@2"])["ndcg@2"].mean)
    1.0
    >>> print(measure(ranking, ["ndcg@2"], conventions="rectools")["ndcg@2"])
    0.8066 ± 0.1934
    """
    if conventions not in CONVENTIONS:
        raise UsageError(
            f"conventions={conventions!r}",
            ", ".join(CONVENTIONS),
            "leave it out for tastemap's own",
        )
    definitions: Mapping[str, Definition] = CONVENTIONS[conventions]
    asked = {name: parse(name, definitions) for name in metrics}
    require_no_repeats(ranking)
    kept = ranking.relevant > 0
    if not kept.any():
        raise nothing_held_out(len(kept))
    cut = ranking.take(kept)
    estimates = {}
    for name, (word, k) in asked.items():
        assert k is not None  # `parse` knows no metric without k here
        ours.precision(cut, k)  # refuses a k that the lists do not reach
        value = definitions[word].formula(cut, k)
        if isinstance(value, float):
            estimates[name] = Estimate(value, None, len(cut.items))
        else:
            estimates[name] = Estimate.of(value)
    return estimates
