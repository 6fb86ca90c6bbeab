"""Pick the k best of each row of scores."""

import numpy as np

from tastemap.kernels.jit import parallel, prange


@parallel
def top_k(scores, tie_order, k):  # type: ignore[no-untyped-def]
    """Positions and values of the k highest scores of each row, best first.

    A score of -inf is never picked: it marks what must not be recommended. Equal scores are
    ordered by `tie_order`, so that the result does not depend on the order of the catalogue.

    Parameters
    ----------
    scores : float32 (rows, items)
    tie_order : int32 (items,)
        The rank of each item among items of equal score; lower comes first.
    k : int

    Returns
    -------
    (int32 (rows, k), float32 (rows, k)); -1 and -inf where a row has fewer than k finite scores.
    """
    rows, n_items = scores.shape
    picked = np.full((rows, k), -1, dtype=np.int32)
    values = np.full((rows, k), -np.inf, dtype=np.float32)
    for r in prange(rows):
        found = 0
        worst = np.float32(-np.inf)  # the k-th best so far; most items end at this comparison
        for i in range(n_items):
            score = scores[r, i]
            if score < worst or score == -np.inf:
                continue
            if found == k:
                if score == worst and tie_order[i] > tie_order[picked[r, k - 1]]:
                    continue
                place = k - 1
            else:
                place = found
                found += 1
            while place > 0:
                above = picked[r, place - 1]
                if values[r, place - 1] > score:
                    break
                if values[r, place - 1] == score and tie_order[above] < tie_order[i]:
                    break
                picked[r, place] = above
                values[r, place] = values[r, place - 1]
                place -= 1
            picked[r, place] = i
            values[r, place] = score
            if found == k:
                worst = values[r, k - 1]
    return picked, values
