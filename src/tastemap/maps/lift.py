"""Do neighbours in the map share more than chance? The one question that random vectors fail.

Items are compared by something outside their vectors: the people who used them, or their labels.
"""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from tastemap.shapes import Float64, Int32, Int64

WORK = 300_000_000
"""Entries that may be read for one lift; where the log is larger, items are drawn by chance."""
BLOCK_WORK = 20_000_000


@dataclass(frozen=True, eq=False)
class Lift:
    """Likeness of items to their neighbours, beside what chance would give; one row an item asked.

    Parameters
    ----------
    rows
        Which items were asked.
    found
        Mean cosine of the item's row of features and those of its neighbours.
    chance
        Mean cosine of it and all other items: the exact expectation for a neighbour at random.
    matched
        The same for neighbours at random among items as popular as the real ones.
    """

    rows: Int64[np.ndarray, " rows"]
    found: Float64[np.ndarray, " rows"]
    chance: Float64[np.ndarray, " rows"]
    matched: Float64[np.ndarray, " rows"]

    def ratio(self, items: np.ndarray | None = None, *, matched: bool = False) -> float | None:
        """Mean of `found` over mean of chance; `items` (a mask of all items) asks some only."""
        asked = slice(None) if items is None else items[self.rows]
        expected = (self.matched if matched else self.chance)[asked].sum()
        return float(self.found[asked].sum() / expected) if expected > 0 else None


def lift(
    features: csr_array,
    places: Int32[np.ndarray, "rows k"],
    strata: Int64[np.ndarray, " n"],
    *,
    rows: Int64[np.ndarray, " rows"] | None = None,
    rng: np.random.Generator | None = None,
) -> Lift:
    """Compare items with their neighbours by their rows of `features`.

    Parameters
    ----------
    features
        Shape (n, features), rows of length 1 or 0 (`unit_csr`).
    places
        Neighbours of the items in `rows`.
    strata
        Popularity stratum of each item, from 0 on.
    rows
        Which items are asked; all by default.
    rng
        Draws items where the work would pass `WORK`.
    """
    rows = np.arange(len(places)) if rows is None else rows
    lengths = np.diff(features.indptr)
    work = lengths[places].sum(axis=1) + lengths[rows]
    if rng is not None and work.sum() > WORK:
        order = rng.permutation(len(rows))
        kept = np.sort(order[: max(1, int(np.searchsorted(np.cumsum(work[order]), WORK)))])
        rows, places, work = rows[kept], places[kept], work[kept]
    chance, by_stratum = _chance(features, strata, rows)
    return Lift(
        rows=rows,
        found=_found(features, places, rows, work),
        chance=chance,
        matched=np.take_along_axis(by_stratum, strata[places], axis=1).mean(axis=1),
    )


def unit_csr(matrix: csr_array) -> csr_array:
    """Every stored entry 1, then every row divided by its length."""
    counts = np.diff(matrix.indptr)
    data = np.repeat(1 / np.sqrt(np.maximum(counts, 1)), counts)
    return csr_array((data, matrix.indices, matrix.indptr), shape=matrix.shape)


def strata_of(counts: Int64[np.ndarray, " n"], wanted: int, least: int) -> Int64[np.ndarray, " n"]:
    """Cut items into equally many by popularity, 0 the least popular; equal counts stay together.

    There are `wanted` strata, or as many as hold `least` items each.
    """
    ordered = np.sort(counts)
    middle = (np.searchsorted(ordered, counts) + np.searchsorted(ordered, counts, "right")) / 2
    n_strata = max(1, min(wanted, len(counts) // least))
    return np.minimum(middle * n_strata / len(counts), n_strata - 1).astype(np.int64)


def _found(
    features: csr_array,
    places: Int32[np.ndarray, "rows k"],
    rows: Int64[np.ndarray, " rows"],
    work: Int64[np.ndarray, " rows"],
) -> Float64[np.ndarray, " rows"]:
    """Mean cosine to the neighbours, some rows at a time: row x (sum of the neighbours' rows)."""
    k = places.shape[1]
    found = np.zeros(len(rows))
    block_of = np.cumsum(work) // BLOCK_WORK
    bounds = np.flatnonzero(np.diff(block_of, prepend=-1))
    for start, stop in zip(bounds, np.append(bounds[1:], len(rows)), strict=True):
        part = places[start:stop]
        chosen = csr_array(
            (np.ones(part.size), part.ravel(), np.arange(0, part.size + 1, k)),
            shape=(len(part), features.shape[0]),
        )
        found[start:stop] = (chosen @ features).multiply(features[rows[start:stop]]).sum(axis=1) / k
    return found


def _chance(
    features: csr_array, strata: Int64[np.ndarray, " n"], rows: Int64[np.ndarray, " rows"]
) -> tuple[Float64[np.ndarray, " rows"], Float64[np.ndarray, "rows strata"]]:
    """Mean cosine of each item to all others, and to all others of each stratum; exact."""
    n = features.shape[0]
    n_strata = int(strata.max()) + 1
    members = csr_array((np.ones(n), (strata, np.arange(n))), shape=(n_strata, n))
    sums = (members @ features).toarray()
    own = np.zeros((len(rows), n_strata))
    own[np.arange(len(rows)), strata[rows]] = np.diff(features.indptr)[rows] > 0
    totals = features[rows] @ sums.T - own  # what the item adds to its own stratum goes
    others = np.bincount(strata, minlength=n_strata) - (
        strata[rows][:, None] == np.arange(n_strata)
    )
    return totals.sum(axis=1) / (n - 1), totals / np.maximum(others, 1)
