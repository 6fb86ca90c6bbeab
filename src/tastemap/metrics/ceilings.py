"""The most that a metric can be: what a perfect list would score.

A user with 40 held-out items has a recall of at most .25 at k = 10, and one with 2 of them a
precision of at most .2. A number means little without this bound, which depends on the data
alone. A perfect list holds the user's held-out items first, heaviest first.
"""

import numpy as np

from tastemap.metrics.ranking import TOPK, parse
from tastemap.recommend import Ranking
from tastemap.shapes import Float64

BY_WEIGHT = ("ndcg_graded",)
"""Metrics whose best value depends on the weights of the held-out items, not on their number."""


def perfect(ranking: Ranking) -> Ranking:
    """The hits and gains of perfect lists for the same held-out items; the items are not named.

    >>> from tastemap.metrics.ranking import EXAMPLE
    >>> perfect(EXAMPLE).hits                                              # 2 were held out
    array([[ True,  True, False]])
    """
    hits = np.arange(ranking.k) < ranking.relevant[:, None]
    return Ranking(
        items=np.full(hits.shape, -1, dtype=np.int32),
        hits=hits,
        relevant=ranking.relevant,
        gains=ranking.ideal,
        ideal=ranking.ideal,
    )


def ceiling(ranking: Ranking, metric: str) -> Float64[np.ndarray, " users"] | None:
    """What a perfect list of each user would score in a metric such as "recall@5".

    Returns
    -------
    Shape (users,), NaN where the metric is undefined; None for a metric that knows no perfect
    list (coverage, novelty and the like).

    >>> from tastemap.metrics.ranking import EXAMPLE
    >>> ceiling(EXAMPLE, "precision@3"), ceiling(EXAMPLE, "recall@1")      # 2 / 3, 1 / 2
    (array([0.66666667]), array([0.5]))
    """
    name = metric.partition("[")[0]  # "ndcg@10[99 uniform]" has the ceiling of "ndcg@10"
    word = name.partition("@")[0]
    if word not in TOPK:
        return None
    _, k = parse(name)
    assert k is not None  # every metric of `TOPK` takes a k
    if word in BY_WEIGHT:
        return TOPK[word](perfect(ranking), k)
    # Only how many items were held out counts: one perfect list for each number serves all users.
    numbers = np.flatnonzero(np.bincount(ranking.relevant))
    places = (len(numbers), ranking.k)
    nothing = np.zeros(places, dtype=np.float32)
    of_numbers = Ranking(
        items=np.full(places, -1, dtype=np.int32),
        hits=np.zeros(places, dtype=bool),
        relevant=numbers.astype(np.int64),
        gains=nothing,
        ideal=nothing,
    )
    best = TOPK[word](perfect(of_numbers), k)
    return best[np.searchsorted(numbers, ranking.relevant)]
