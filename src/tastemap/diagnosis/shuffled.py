"""Whether lists have an order at all: what their items alone tell, without any truth."""

import numpy as np

from tastemap.seeding import stream
from tastemap.shapes import Float64, Int32

MOST_LISTS = 2_000
SHUFFLES = 40


def item_effect(lists: Int32[np.ndarray, "rows k"]) -> float | None:
    """How far the places of the same items agree across lists, in standard deviations of chance.

    In lists that a model ordered, some items stand high wherever they are listed. Q = Σ_i (Σ z)² /
    n_i over the n_i places z of item i (0 on average in each list, variance 1), compared with the
    same lists shuffled. None where hardly any item is listed twice.

    >>> lists = np.tile(np.arange(5, dtype=np.int32), (40, 1))
    >>> item_effect(lists) > 20
    True
    """
    rows = np.sort(stream(0, "item effect").permutation(len(lists))[:MOST_LISTS])
    lists = lists[rows]
    full = lists[(lists >= 0).sum(axis=1) > 1]
    there = full >= 0
    _, items = np.unique(full[there], return_inverse=True)
    counts = np.bincount(items)
    if (counts[items] > 1).sum() < max(50, 0.5 * len(items)):
        return None
    place = _places(there)
    observed = _agreement(items, place[there], counts)
    rng = stream(0, "item effect", "shuffles")
    chance = np.array(
        [_agreement(items, _shuffled(place, there, rng)[there], counts) for _ in range(SHUFFLES)]
    )
    return (observed - float(chance.mean())) / max(float(chance.std(ddof=1)), 1e-12)


def _places(there: np.ndarray) -> Float64[np.ndarray, "rows k"]:
    """Places within each list as numbers with mean 0 and variance 1."""
    length = there.sum(axis=1, keepdims=True)
    place = np.cumsum(there, axis=1) - 1
    return (place - (length - 1) / 2) / np.sqrt((length**2 - 1) / 12)


def _shuffled(
    place: Float64[np.ndarray, "rows k"], there: np.ndarray, rng: np.random.Generator
) -> Float64[np.ndarray, "rows k"]:
    """The places of each list in another order; empty places stay where they are."""
    keys = np.where(there, rng.random(place.shape), 2.0)
    order = np.argsort(keys, axis=1)
    target = np.argsort(~there, axis=1, kind="stable")
    moved = np.empty_like(place)
    np.put_along_axis(moved, target, np.take_along_axis(place, order, axis=1), axis=1)
    return moved


def _agreement(items: np.ndarray, place: np.ndarray, counts: np.ndarray) -> float:
    sums = np.bincount(items, weights=place)
    return float((sums**2 / counts).sum())


def sorted_by_id(lists: Int32[np.ndarray, "rows k"]) -> float | None:
    """Share of the lists of five and more items that stand in the order of their ids.

    None where there are fewer than 50 such lists. In either direction, the same for all.
    """
    long = lists[(lists >= 0).sum(axis=1) >= 5]
    if len(long) < 50:
        return None
    step = np.diff(long.astype(np.int64), axis=1)
    apart = (long[:, 1:] >= 0) & (long[:, :-1] >= 0)
    up, down = ((np.where(apart, sign * step, 1) > 0).all(axis=1).mean() for sign in (1, -1))
    return float(max(up, down))
