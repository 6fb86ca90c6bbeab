"""Pick the k best of each row of scores."""

import numpy as np
from jaxtyping import Float32, Int32

from tastemap.kernels.jit import exact
from tastemap.kernels.workers import deal, shares

CHUNK = 64
"""Scores are first looked at so many at a time, in vector registers: is any of them good enough?"""

LANES = 256
"""A row is dealt to so many lanes: the k-th highest of their maxima is a first bound."""

_LOWEST, _WITHOUT_SIGN = np.int32(-(2**31)), np.int32(0x7FFFFFFF)


def top_k(
    scores: Float32[np.ndarray, "rows items"], tie_order: Int32[np.ndarray, " items"], k: int
) -> tuple[Int32[np.ndarray, "rows k"], Float32[np.ndarray, "rows k"]]:
    """Positions and values of the k highest scores of each row, best first.

    A score of -inf is never picked: it marks what must not be recommended. Equal scores are
    ordered by `tie_order`, so that the result does not depend on the order of the catalogue.

    Parameters
    ----------
    tie_order
        The rank of each item among items of equal score; lower comes first.

    Returns
    -------
    -1 and -inf where a row has fewer than k scores above -inf.

    >>> top_k(np.float32([[3, 5, 3, 4]]), np.int32([1, 2, 0, 3]), 3)       # 2 comes before 0
    (array([[1, 3, 2]], dtype=int32), array([[5., 4., 3.]], dtype=float32))
    """
    scores = np.require(scores, np.float32, ["C", "W"])
    picked = np.full((len(scores), k), -1, dtype=np.int32)
    values = np.full((len(scores), k), -np.inf, dtype=np.float32)
    deal(
        lambda rows: _best_of_rows(scores[rows], tie_order, picked[rows], values[rows]),
        shares(len(scores), scores.size),
    )
    return picked, values


@exact
def _best_of_rows(scores, tie_order, picked, values):  # type: ignore[no-untyped-def]
    for r in range(len(scores)):
        best_of_row(scores[r], tie_order, picked[r], values[r])


@exact
def best_of_row(row, tie_order, picked, values):  # type: ignore[no-untyped-def]
    """Write the best scores of a row to `values` and where they stand to `picked`, best first.

    Both have length k and must be filled with -1 and -inf. Most scores end at one comparison with
    the k-th best so far, made for a chunk of them at once. It starts from a bound that k scores
    reach: without it, k ln(n / k) scores in the beginning are among the best so far.
    """
    k = len(picked)
    if k == 0:
        return
    found = 0
    worst = _bound(row, values)  # the k-th best so far is at least that
    for first in range(0, len(row), CHUNK):
        chunk = row[first : min(first + CHUNK, len(row))]
        n_good = np.int32(0)  # counted: "or" of truth values takes twice as long
        for j in range(len(chunk)):  # by number: an iterator keeps vector registers out
            n_good = np.int32(n_good + np.int32(chunk[j] >= worst))
        if n_good == 0:
            continue
        for j in range(len(chunk)):
            score = chunk[j]
            if score < worst or score == -np.inf:
                continue
            item = first + j
            if found < k:
                place = found
                found += 1
            elif score == worst and tie_order[item] > tie_order[picked[k - 1]]:
                continue
            else:
                place = k - 1
            _insert(item, score, place, tie_order, picked, values)
            if found == k:
                worst = values[k - 1]


@exact
def _bound(row, best):  # type: ignore[no-untyped-def]
    """A score that at least k scores of the row reach; `best` (k,) is room, left filled with -inf.

    Entry l of every 256 goes to lane l, which keeps its maximum: k lanes reach the k-th of them.
    """
    k = len(best)
    if 4 * k > LANES or len(row) < 4 * LANES:
        return np.float32(-np.inf)
    highest = np.full(LANES, _LOWEST, dtype=np.int32)
    bits = row.view(np.int32)
    for first in range(0, len(row) - LANES + 1, LANES):
        part = bits[first : first + LANES]
        for j in range(LANES):
            # As whole numbers, turned so that they rise with the score: floats are not compared
            # in vector registers here (13 µs a row of 26,744 instead of 2).
            highest[j] = max(highest[j], np.int32(part[j] ^ ((part[j] >> 31) & _WITHOUT_SIGN)))
    for j in range(LANES):
        highest[j] ^= (highest[j] >> 31) & _WITHOUT_SIGN
    for score in highest.view(np.float32):
        if score > best[k - 1]:
            place = k - 1
            while place > 0 and best[place - 1] < score:
                best[place] = best[place - 1]
                place -= 1
            best[place] = score
    bound = best[k - 1]
    best[:] = -np.inf
    return bound


@exact
def _insert(item, score, place, tie_order, picked, values):  # type: ignore[no-untyped-def]
    """Move an item up from `place` until what stands above it is better."""
    while place > 0:
        above = picked[place - 1]
        if values[place - 1] > score:
            break
        if values[place - 1] == score and tie_order[above] < tie_order[item]:
            break
        picked[place] = above
        values[place] = values[place - 1]
        place -= 1
    picked[place] = item
    values[place] = score
