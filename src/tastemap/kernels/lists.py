"""Walk down ready lists: what was hit, and what every metric at k is made of."""

import numpy as np

from tastemap.kernels.jit import exact


@exact
def judge(lists, starts, items, weights, at, hits, gains, ideal):  # type: ignore[no-untyped-def]
    """Mark in each list what was held out, and sort each user's highest held-out weights.

    Parameters
    ----------
    lists : int32 (users, k)
        Item codes, -1 beyond the end of a list.
    starts, items, weights : int64 (users + 1,), int32 (n,), float32 (n,)
        Held-out items, ragged; of an item that stands there twice the first counts.
    at : int64 (width,)
        Any content; longer than the highest item code.
    hits, gains, ideal : bool, float32 and float32, each (users, k)
        Written; must be filled with 0.
    """
    users, k = lists.shape
    at[:] = -1
    for u in range(users):
        first, last = starts[u], starts[u + 1]
        # at[item] is where the item is held out; of other users' entries nothing must be cleared,
        # for they lie outside first and last.
        for e in range(last - 1, first - 1, -1):
            if items[e] >= 0:
                at[items[e]] = e
        for j in range(k):
            if lists[u, j] >= 0:
                e = at[lists[u, j]]
                if first <= e < last:
                    hits[u, j] = True
                    gains[u, j] = weights[e]
        filled = 0
        for e in range(first, last):
            place = filled
            if filled < k:
                filled += 1
            elif k == 0 or weights[e] <= ideal[u, k - 1]:
                continue
            else:
                place = k - 1
            while place > 0 and ideal[u, place - 1] < weights[e]:
                ideal[u, place] = ideal[u, place - 1]
                place -= 1
            ideal[u, place] = weights[e]


@exact
def tally(hits, gains, ideal, cuts, discount, counts, sums):  # type: ignore[no-untyped-def]
    """Walk down each list once, and note at each cut-off what was found so far.

    Parameters
    ----------
    hits, gains, ideal
        See `judge`.
    cuts : int64 (n,)
        Increasing, from 1 on.
    discount : float64 (longest cut-off,)
        What a place counts in DCG.
    counts : int64 (n, 2, users)
        Written: hits; place of the first hit from 1 on, 0 without one.
    sums : float64 (n, 4, users)
        Written: discounted hits, discounted gains, discounted ideal gains, precisions at hits.
    """
    for u in range(len(hits)):
        found = first = j = 0
        dcg = got = best = precisions = 0.0
        for c in range(len(cuts)):
            while j < cuts[c]:
                best += ideal[u, j] * discount[j]
                if hits[u, j]:
                    found += 1
                    first = j + 1 if found == 1 else first
                    dcg += discount[j]
                    got += gains[u, j] * discount[j]
                    precisions += found / (j + 1)
                j += 1
            counts[c, 0, u], counts[c, 1, u] = found, first
            sums[c, 0, u], sums[c, 1, u], sums[c, 2, u], sums[c, 3, u] = dcg, got, best, precisions


@exact
def repeated(lists, at):  # type: ignore[no-untyped-def]
    """The first row of `lists` that holds an item twice, and the lowest such item; -1 and -1.

    `at` is int64 of any content, longer than the highest item code; -1 fills up lists.
    """
    at[:] = -1
    for r in range(len(lists)):
        lowest = np.int64(-1)
        for item in lists[r]:
            if item < 0:
                continue
            if at[item] == r and (lowest < 0 or item < lowest):
                lowest = np.int64(item)
            at[item] = r
        if lowest >= 0:
            return r, lowest
    return -1, np.int64(-1)


@exact
def shared_items(starts, items, other_starts, others, at):  # type: ignore[no-untyped-def]
    """How many of row r's `items` are also in row r of `others`; and the first row and item.

    Codes must lie within `at`, int64 (items,) of any content. Returns (number, row, item), the
    lowest item of the first such row; -1 and -1 where there is none.
    """
    at[:] = -1
    total, row, item = 0, -1, -1
    for r in range(len(starts) - 1):
        for e in range(starts[r], starts[r + 1]):
            at[items[e]] = r
        for e in range(other_starts[r], other_starts[r + 1]):
            if at[others[e]] == r:
                at[others[e]] = -1  # a pair counts once
                total += 1
                if row < 0 or (row == r and others[e] < item):
                    row, item = r, others[e]
    return total, row, item
