"""Do vectors point in different directions, and do people point at what they use?

Everything here looks at unit vectors; vectors of zeros have no direction and are left out.
"""

import numpy as np
from scipy.sparse import csr_array

from tastemap.maps.neighbours import unit_rows
from tastemap.shapes import Float

UNIFORMITY_SAMPLE = 2_000
"""Uniformity is taken over all pairs of at most so many vectors."""


def mean_cosine(vectors: Float[np.ndarray, "n d"]) -> float | None:
    """Mean cosine over all pairs of two different rows, from -1/(n - 1) to 1; exact.

    (|sum of unit vectors|^2 - n) / (n (n - 1)); None for fewer than two rows that are not zero.

    >>> mean_cosine(np.array([[1.0, 0.0], [2.0, 0.0], [0.0, 3.0]]))  # cosines 1, 0 and 0
    0.3333333333333333
    """
    rows = _directed(vectors)
    n = len(rows)
    if n < 2:
        return None
    total = rows.sum(axis=0, dtype=np.float64)
    return (float(total @ total) - n) / (n * (n - 1))


def uniformity(vectors: Float[np.ndarray, "n d"], rng: np.random.Generator) -> float | None:
    """log of the mean of exp(-2 distance^2) over pairs of unit vectors, from -8 to 0.

    Low is even: about -3.9 for random vectors of 64 dimensions. Over all pairs of a sample of
    `UNIFORMITY_SAMPLE`. Source: Wang & Isola, ICML 2020.
    """
    rows = _directed(vectors)
    if len(rows) < 2:
        return None
    if len(rows) > UNIFORMITY_SAMPLE:
        rows = rows[np.sort(rng.choice(len(rows), UNIFORMITY_SAMPLE, replace=False))]
    rows = rows.astype(np.float64)
    above = np.triu_indices(len(rows), 1)
    return float(np.log(np.exp(-4 + 4 * (rows @ rows.T)[above]).mean()))  # |a - b|^2 = 2 - 2 a.b


def alignment_gap(
    users: Float[np.ndarray, "users d"], items: Float[np.ndarray, "items d"], used: csr_array
) -> float | None:
    """How much nearer people are to items that they used than to items dealt out by chance.

    Mean squared distance of unit vectors over random pairs minus that over used pairs, from -4
    to 4; 0 where the vectors know nothing of the log. The random pairs are the used ones dealt
    out anew, so active people and popular items are as frequent in both; exact expectation.
    After Wang & Isola, ICML 2020.

    Parameters
    ----------
    users, items
        One vector a person and an item.
    used
        Shape (users, items): every stored entry is a used pair.
    """
    people, things = unit_rows(users), unit_rows(items)
    pairs = csr_array(
        (np.ones(used.nnz, dtype=people.dtype), used.indices, used.indptr), shape=used.shape
    )
    if pairs.nnz == 0:
        return None
    together = np.einsum("ud,ud->", pairs @ things, people, dtype=np.float64) / pairs.nnz
    mean_person = np.diff(pairs.indptr).astype(np.float64) @ people / pairs.nnz
    mean_thing = np.bincount(pairs.indices, minlength=len(things)) @ things / pairs.nnz
    return float(2 * (together - mean_person @ mean_thing))


def _directed(vectors: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "rows d"]:
    return unit_rows(vectors[vectors.any(axis=1)])
