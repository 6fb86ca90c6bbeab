"""Pick the k best of each row of scores."""

import numpy as np

from tastemap.kernels.jit import exact
from tastemap.kernels.workers import deal, shares
from tastemap.shapes import Float32, Int32

CHUNK = 64
"""A row is cut into chunks of so many scores; one is looked into only if its maximum is good
enough."""

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

    Both have length k and must be filled with -1 and -inf. Most scores are looked at once, for the
    maximum of their chunk. The k-th best so far starts from a bound that k scores reach: without
    it, k ln(n / k) scores in the beginning are among the best so far.
    """
    k = len(picked)
    if k == 0:
        return
    highest = _maxima(row)
    found = 0
    worst = _bound(highest, values)  # the k-th best so far is at least that
    for c in range(len(highest)):
        if highest[c] < worst:
            continue
        for item in range(c * CHUNK, min((c + 1) * CHUNK, len(row))):
            score = row[item]
            if score < worst or score == -np.inf:
                continue
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
def _maxima(row):  # type: ignore[no-untyped-def]
    """The highest score of each chunk."""
    bits = row.view(np.int32)
    highest = np.empty((len(row) + CHUNK - 1) // CHUNK, dtype=np.int32)
    for c in range(len(highest)):
        part = bits[c * CHUNK : min((c + 1) * CHUNK, len(row))]
        top = _LOWEST
        for j in range(len(part)):
            # As whole numbers, turned so that they rise with the score: floats are not compared
            # in vector registers here (13 µs a row of 26,744 instead of 2).
            top = max(top, np.int32(part[j] ^ ((part[j] >> 31) & _WITHOUT_SIGN)))
        highest[c] = top ^ ((top >> 31) & _WITHOUT_SIGN)
    return highest.view(np.float32)


@exact
def _bound(highest, best):  # type: ignore[no-untyped-def]
    """The k-th highest of the maxima: k scores reach it; `best` (k,) is room, left at -inf."""
    k = len(best)
    if k > len(highest):
        return np.float32(-np.inf)
    for score in highest:
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
