"""How good a model is on what was held out: the number that training stops by."""

import numpy as np

from tastemap.contracts import Model
from tastemap.data.interactions import Histories
from tastemap.recommend import top_items


def ndcg(model: Model, shown: Histories, truth: Histories, k: int = 10) -> float:
    """Mean NDCG@k over the whole catalogue, seen items removed; the same as `tm.evaluate` says.

    Users without truth are left out.
    """
    asked = np.flatnonzero(truth.lengths > 0)
    if not len(asked):
        return float("nan")
    lists, _ = top_items(model.score, shown.take(asked), len(model.items), k)
    held = truth.take(asked)
    width = len(model.items)
    rows = np.repeat(np.arange(len(held)), held.lengths)
    wanted = np.unique(rows * width + held.items)
    hits = np.isin(np.arange(len(held))[:, None] * width + lists, wanted) & (lists >= 0)
    discounts = 1 / np.log2(np.arange(2, k + 2))
    counts = np.bincount(wanted // width, minlength=len(held))
    ideal = np.cumsum(discounts)[np.minimum(counts, k) - 1]
    return float(((hits * discounts).sum(axis=1) / ideal).mean())
