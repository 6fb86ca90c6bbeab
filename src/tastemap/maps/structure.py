"""How much structure the log itself confirms: shown by half of its users, repeated by the others.

Vectors can only be asked for what is in the data. On a log without taste, neighbours that share
no more than chance are right; on a log of four groups, three directions are all there is.
"""

from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array

from tastemap.maps.lift import unit_csr
from tastemap.maps.spectrum import entropy_rank
from tastemap.shapes import Float64, Int32, Int64

ASKED = 500
"""Items that are looked at: drawn by chance for neighbours, the most used ones for directions."""
READ = 100_000_000
"""Pairs of events of one user that may be counted; beyond, users are drawn by chance."""
SHRINK = 5
"""Added to the length of columns, so that two rare items with one common user are no twins."""
CLEAR = 4
"""A direction counts where it is confirmed by so many standard deviations of chance."""


class Confirmed(NamedTuple):
    """Neighbours that one half of the users shows, and the pairs of the other half.

    Parameters
    ----------
    rows, places
        The items asked and their neighbours, shape (rows, k).
    other
        Shape (n, users of the other half).
    """

    rows: Int64[np.ndarray, " rows"]
    places: Int32[np.ndarray, "rows k"]
    other: csr_array


def confirmed_neighbours(used: csr_array, k: int, rng: np.random.Generator) -> Confirmed:
    """Neighbours by common users in one half of the users, to be judged by the other half.

    Parameters
    ----------
    used
        Shape (n, users): every stored entry is a pair of item and user.
    """
    rows = np.sort(rng.permutation(used.shape[0])[:ASKED])
    first, second = _halves(used, rng)
    lengths = np.diff(first.indptr)
    likeness = _common(first, rows)
    likeness /= np.sqrt(np.outer(lengths[rows], lengths)) + SHRINK
    likeness[np.arange(len(rows)), rows] = -1
    places = np.argsort(-likeness, axis=1, kind="stable")[:, :k].astype(np.int32)
    return Confirmed(rows, places, second)


def confirmed_directions(used: csr_array, rng: np.random.Generator) -> float | None:
    """Effective number of directions of taste that both halves of the users show.

    Cosines of the most used items' columns, row means removed and without the diagonal, are
    taken in each half. An eigenvector of one half is confirmed by what it explains in the other
    half, whose expectation is 0 where there is only chance. The number is exp(entropy) of the
    confirmed roots' shares: 3 for four groups of equal size, 0 for noise. None below 40 items.
    """
    if used.shape[0] < 40:
        return None
    top = np.sort(np.argsort(-np.diff(used.indptr), kind="stable")[:ASKED])
    first, second = (_off_diagonal(half) for half in _halves(used[top], rng))
    return (_confirmed(first, second) + _confirmed(second, first)) / 2


def _confirmed(shown: Float64[np.ndarray, "n n"], other: Float64[np.ndarray, "n n"]) -> float:
    values, vectors = np.linalg.eigh(shown)
    order = np.argsort(-values)
    found = np.einsum("ij,ij->j", vectors, other @ vectors)[order]
    chance = float(np.std(found[len(found) // 2 :]))  # the weaker half of directions is noise
    strong = found[(found > CLEAR * chance) & (values[order] > 0)]
    return entropy_rank(strong) or 0.0


def _off_diagonal(used: csr_array) -> Float64[np.ndarray, "n n"]:
    """Cosines of all pairs, row and column means removed, 0 on the diagonal."""
    columns = unit_csr(used)
    cosines = (columns @ columns.T).toarray()
    np.fill_diagonal(cosines, 0)
    means = cosines.sum(axis=1) / (len(cosines) - 1)
    cosines -= means[:, None] + means[None, :] - means.mean()
    np.fill_diagonal(cosines, 0)
    return cosines


def _common(used: csr_array, rows: Int64[np.ndarray, " rows"]) -> Float64[np.ndarray, "rows n"]:
    """Number of users that each of these items shares with every item."""
    ones = csr_array((np.ones(used.nnz), used.indices, used.indptr), shape=used.shape)
    return (ones[rows] @ ones.T).toarray()


def _halves(used: csr_array, rng: np.random.Generator) -> tuple[csr_array, csr_array]:
    """The columns (users) dealt out to two halves; only some of them where there are many."""
    by_user = used.tocsc()
    order = rng.permutation(used.shape[1])
    work = np.diff(by_user.indptr)[order].astype(np.float64) * min(ASKED, used.shape[0])
    kept = order[: max(2, int(np.searchsorted(np.cumsum(work), READ)))]
    middle = len(kept) // 2
    return by_user[:, kept[:middle]].tocsr(), by_user[:, kept[middle:]].tocsr()
