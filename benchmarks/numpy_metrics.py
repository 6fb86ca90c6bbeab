"""Fifteen metrics of ready lists in plain vectorised NumPy: what one would write by hand.

Five metrics at three cut-offs, one pass over the hits. The formulas are those of
docs/metrics.md: precision, recall, ndcg, map_full, mrr.
"""

import numpy as np

CUTS = (5, 10, 20)


def metrics(lists, starts, items):
    """Means over users.

    Parameters
    ----------
    lists : int (users, 20)
        Recommended items, best first.
    starts, items : int (users + 1,), int (n,)
        Held-out items, ragged; every user has one or more.
    """
    users = len(lists)
    width = 1 + max(lists.max(), items.max())
    relevant = np.diff(starts)
    held = np.sort(np.repeat(np.arange(users), relevant) * width + items)
    asked = np.arange(users)[:, None] * width + lists
    places = np.minimum(np.searchsorted(held, asked), len(held) - 1)
    hits = held[places] == asked
    ranks = np.arange(1, lists.shape[1] + 1)
    discount = 1 / np.log2(ranks + 1)
    found = hits.cumsum(axis=1)
    gained = (hits * discount).cumsum(axis=1)
    precisions = (hits * found / ranks).cumsum(axis=1)
    best = discount.cumsum()
    reciprocal = np.maximum.accumulate(hits / ranks, axis=1)
    means = {}
    for k in CUTS:
        means[f"precision@{k}"] = found[:, k - 1].mean() / k
        means[f"recall@{k}"] = (found[:, k - 1] / relevant).mean()
        means[f"ndcg@{k}"] = (gained[:, k - 1] / best[np.minimum(relevant, k) - 1]).mean()
        means[f"map_full@{k}"] = (precisions[:, k - 1] / relevant).mean()
        means[f"mrr@{k}"] = reciprocal[:, k - 1].mean()
    return {name: float(value) for name, value in means.items()}
