"""Compare scores of negatives with the few scores of positives, without sorting the catalogue."""

import numpy as np

from tastemap.kernels.jit import parallel, prange, serial

PARTS = 8
"""Into how many pieces `count_between` cuts a block: what up to this many threads can share."""


@serial
def first_at_least(ordered, score):  # type: ignore[no-untyped-def]
    """Position of the first entry of increasing `ordered` that is `score` or more."""
    low, high = 0, len(ordered)
    while low < high:
        middle = (low + high) // 2
        if ordered[middle] < score:
            low = middle + 1
        else:
            high = middle
    return low


@serial
def first_above(ordered, score):  # type: ignore[no-untyped-def]
    """Position of the first entry of increasing `ordered` that is more than `score`."""
    low, high = 0, len(ordered)
    while low < high:
        middle = (low + high) // 2
        if ordered[middle] <= score:
            low = middle + 1
        else:
            high = middle
    return low


@parallel
def pairs_won(negatives, starts, positives):  # type: ignore[no-untyped-def]
    """Count each row's pairs of a positive and a negative in which the positive scores higher.

    Whole numbers only, so the result is exact and does not depend on threads. Time for a row is
    items × log(positives).

    Parameters
    ----------
    negatives : float (rows, items)
        Scores; -inf marks what is no negative.
    starts : int64 (rows + 1,)
    positives : float (n,)
        Scores of the positives of row r at `starts[r]:starts[r + 1]`, in any order.

    Returns
    -------
    (int64 (rows,), int64 (rows,)): twice the number of pairs won, a tie being half a pair; and
    the number of negatives.
    """
    rows, n_items = negatives.shape
    twice_won = np.zeros(rows, dtype=np.int64)
    met = np.zeros(rows, dtype=np.int64)
    for r in prange(rows):
        ordered = np.sort(positives[starts[r] : starts[r + 1]])
        n = len(ordered)
        if n == 0:
            continue
        lowest = ordered[0]
        won = 0
        seen = 0
        for i in range(n_items):
            score = negatives[r, i]
            if score == -np.inf:
                continue
            seen += 1
            if score < lowest:  # most of the catalogue, for a model that works
                won += 2 * n
                continue
            reached = first_at_least(ordered, score)
            if reached < n and ordered[reached] == score:
                won += 2 * n - reached - first_above(ordered, score)
            else:
                won += 2 * (n - reached)
        twice_won[r] = won
        met[r] = seen
    return twice_won, met


@parallel
def count_between(negatives, edges):  # type: ignore[no-untyped-def]
    """Count the negatives below, on and between edges.

    Parameters
    ----------
    negatives : float (rows, items)
        Scores; -inf marks what is no negative.
    edges : float (n,), strictly increasing

    Returns
    -------
    int64 (2 n + 1,): entry 2 j counts scores strictly between edge j - 1 and edge j (entry 0 those
    below all edges, entry 2 n those above), entry 2 j + 1 those equal to edge j.
    """
    flat = negatives.reshape(-1)
    n = len(edges)
    counts = np.zeros((PARTS, 2 * n + 1), dtype=np.int64)
    for p in prange(PARTS):
        for i in range(p * len(flat) // PARTS, (p + 1) * len(flat) // PARTS):
            score = flat[i]
            if score == -np.inf:
                continue
            reached = first_at_least(edges, score)
            if reached < n and edges[reached] == score:
                counts[p, 2 * reached + 1] += 1
            else:
                counts[p, 2 * reached] += 1
    total = np.zeros(2 * n + 1, dtype=np.int64)
    for p in range(PARTS):
        total += counts[p]
    return total
