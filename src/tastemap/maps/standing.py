"""Where items stand on a map against what is known of them: labels, and how many use them."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array

from tastemap.data.interactions import ItemTable
from tastemap.maps.agreement import label_matrix
from tastemap.maps.axes import mean_ranks
from tastemap.maps.lift import lift, unit_csr
from tastemap.maps.plane import nearest_points
from tastemap.shapes import Float64, Int32, Integer

NEIGHBOURS = 10
SHUFFLES = 20
"""Labels are dealt out anew so many times, to see what chance does."""


class Company(NamedTuple):
    """How much items stand beside items with the same labels.

    Parameters
    ----------
    lift
        Mean cosine of the labels of items and of their 10 nearest on the map, over that of items
        at random: 1 is chance.
    share
        The same as a share of the way from chance (0) to equal labels (1).
    clear
        How many standard deviations of labels dealt out by chance that is.
    """

    lift: float
    share: float
    clear: float


def company(
    points: Float64[np.ndarray, "n 2"], labels: Sequence[Sequence[str]], rng: np.random.Generator
) -> Company | None:
    """Whether neighbours on the map have labels in common; None where that cannot be told.

    Items without labels are left out. It cannot be told of fewer than 20 items, or where all have
    the same labels.
    """
    labelled = np.array([place for place, own in enumerate(labels) if len(own)], dtype=np.int64)
    if len(labelled) < 2 * NEIGHBOURS:
        return None
    table = ItemTable(np.full(len(labels), "", dtype=object), tuple(map(tuple, labels)))
    held = unit_csr(label_matrix(table, labelled)[1])
    near = nearest_points(points[labelled], NEIGHBOURS)[1].astype(np.int32)
    found = lift(held, near, np.zeros(len(labelled), dtype=np.int64))
    seen, chance = float(found.found.mean()), float(found.chance.mean())
    dealt = [_likeness(held[rng.permutation(len(labelled))], near) for _ in range(SHUFFLES)]
    noise = float(np.std(dealt))
    if not (0 < chance < 1 - 1e-9) or noise <= 1e-12:
        return None
    return Company(
        lift=seen / chance,
        share=(seen - chance) / (1 - chance),
        clear=(seen - float(np.mean(dealt))) / noise,
    )


def _likeness(held: csr_array, near: Int32[np.ndarray, "n k"]) -> float:
    """Mean cosine of rows and of the rows near them."""
    n, k = near.shape
    steps = csr_array((np.full(n * k, 1 / k), near.ravel(), np.arange(n + 1) * k), shape=(n, n))
    return float(held.multiply(steps @ held).sum()) / n


class Incline(NamedTuple):
    """How popularity runs over the map.

    Parameters
    ----------
    across
        Rank correlation with the number of users along the direction in which it grows most, 0
        to 1.
    outward
        Rank correlation with the distance from the middle, -1 to 1.
    """

    across: float
    outward: float


def incline(points: Float64[np.ndarray, "n 2"], users: Integer[np.ndarray, " n"]) -> Incline | None:
    """Popularity along the map's best direction, and outward; None where all have equally many.

    >>> line = np.array([[-1.0, 0.0], [0.0, 0.0], [1.0, 0.0]])
    >>> round(incline(line, np.array([1, 5, 30])).across, 6)
    1.0
    """
    wanted = mean_ranks(users)
    wanted = wanted - wanted.mean()
    if not wanted.any():
        return None
    along, *_ = np.linalg.lstsq(points, wanted, rcond=None)
    away = (points**2).sum(axis=1)
    return Incline(_ranked(points @ along, wanted), _ranked(away, wanted))


def _ranked(values: Float64[np.ndarray, " n"], wanted: Float64[np.ndarray, " n"]) -> float:
    ranks = mean_ranks(values)
    ranks = ranks - ranks.mean()
    size = float(np.sqrt((ranks @ ranks) * (wanted @ wanted)))
    return float(np.clip(ranks @ wanted / size, -1, 1)) if size > 0 else 0.0
