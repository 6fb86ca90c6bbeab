"""Rows of scores while they are in the cache: mask, pick the best, compare positives.

Scores are read once from memory, into a copy of one row that stays in the core's own cache; all
that is asked of a row is done on this copy. What was passed in is left as it was.
"""

import numpy as np

from tastemap.kernels.auc import count_row, pairs_won_by
from tastemap.kernels.jit import exact
from tastemap.kernels.topk import best_of_row

_INFINITE = np.int32(0x7F800000)
_WITHOUT_SIGN = np.int32(0x7FFFFFFF)


@exact
def _copied(scores, row):  # type: ignore[no-untyped-def]
    """Copy a row of float32; whether all of it is finite."""
    bits, copy = scores.view(np.int32), row.view(np.int32)
    highest = np.int32(0)  # as a whole number, infinity and NaN are above all other floats
    for i in range(len(bits)):
        copy[i] = bits[i]
        highest = max(highest, np.int32(bits[i] & _WITHOUT_SIGN))
    return highest < _INFINITE


@exact
def _mask(row, items):  # type: ignore[no-untyped-def]
    """Set these items to -inf; how many were not yet."""
    fresh = 0
    for i in items:
        item = np.uint32(i)
        fresh += row[item] != -np.inf
        row[item] = -np.inf
    return fresh


@exact
def _take(row, items, taken):  # type: ignore[no-untyped-def]
    """Move the scores of these items to `taken` and leave -inf in their place."""
    for e in range(len(items)):
        item = np.uint32(items[e])
        taken[e] = row[item]
        row[item] = -np.inf


@exact
def rank_rows(scores, seen, held, barred, tie_order, lists, pairs, positives):  # type: ignore[no-untyped-def]
    """Pick the best unseen items of each row and count the pairs that its positives win.

    Parameters
    ----------
    scores : float32 (rows, items)
    seen, held : (int64 (rows + 1,), int32 (n,))
        Ragged items of each row: what is never listed and no negative, and the positives.
    barred : int32 (n,)
        What is never listed in any row.
    tie_order : int32 (items,)
        See `top_k`.
    lists : (int32 (rows, k), float32 (rows, k))
        Written: items and scores, best first; must be filled with -1 and -inf.
    pairs : (int64 (rows,), int64 (rows,))
        Written: twice the pairs won, and the number of negatives. Of length 0: not asked for.
    positives : float32 (n,)
        Written: the scores of `held`.

    Returns
    -------
    int: the first row with a score that is not finite, or -1. Nothing is written from it on.
    """
    n_rows, n_items = scores.shape
    picked, values = lists
    won, met = pairs
    row = np.empty(n_items, dtype=np.float32)
    for r in range(n_rows):
        if not _copied(scores[r], row):
            return r
        absent = _mask(row, barred) + _mask(row, seen[1][seen[0][r] : seen[0][r + 1]])
        best_of_row(row, tie_order, picked[r], values[r])
        first, last = held[0][r], held[0][r + 1]
        mine = positives[first:last]
        _take(row, held[1][first:last], mine)
        if len(won) > 0:
            absent += last - first
            won[r] = pairs_won_by(row, mine.copy(), absent)
            met[r] = n_items - absent
    return -1


@exact
def count_rows(scores, seen, held, edges, earlier, grid, counts):  # type: ignore[no-untyped-def]
    """Add the negatives of each row to what `count_between` counts; arguments as `rank_rows`."""
    row = np.empty(scores.shape[1], dtype=np.float32)
    for r in range(len(scores)):
        _copied(scores[r], row)
        _mask(row, seen[1][seen[0][r] : seen[0][r + 1]])
        _mask(row, held[1][held[0][r] : held[0][r + 1]])
        count_row(row, edges, earlier, grid, counts)
