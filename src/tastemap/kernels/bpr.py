"""One epoch of BPR: stochastic gradient ascent on pairs of a liked item and another one.

For user u, liked item i and other item j with score s(u, i) = x_u . y_i + b_i, the gain to be
made is z = 1 / (1 + exp(s(u, i) - s(u, j))), and (Rendle et al. 2009)

    x_u += rate * (z (y_i - y_j) - reg_user  x_u)
    y_i += rate * (z x_u         - reg_liked y_i)        b_i += rate * (z - reg_liked b_i)
    y_j -= rate * (z x_u         + reg_other y_j)        b_j -= rate * (z + reg_other b_j)
"""

import numpy as np

from tastemap.kernels.counter import below, random_word, stream_key, unit
from tastemap.kernels.jit import parallel, prange, serial
from tastemap.kernels.rows import contains


@serial
def draw_other(word, n_items, cumulative):  # type: ignore[no-untyped-def]
    """An item: uniform where `cumulative` is empty, else by its steps (popularity^beta, 0 to 1)."""
    if len(cumulative) == 0:
        return below(word, n_items)
    return min(np.searchsorted(cumulative, unit(word), side="right"), n_items - 1)


@serial
def bpr_epoch(  # type: ignore[no-untyped-def]
    users,
    starts,
    items,
    user_vectors,
    item_vectors,
    item_bias,
    cumulative,
    rate,
    reg_user,
    reg_liked,
    reg_other,
    seed,
    epoch,
):
    """As many draws as there are events, in place; returns (ranked correctly, skipped).

    A draw takes an event (user, liked) uniformly and an other item; where the other item is in
    the user's history the draw is skipped and counted. One thread: every draw may touch any row.

    Parameters
    ----------
    users : int32 (n,)
        The user of each event, events grouped by user.
    starts, items : int64 (users + 1,), int32 (n,)
        CSR rows of the log, items sorted within a row.
    user_vectors, item_vectors, item_bias : float32 (users, d), (items, d), (items,)
        Changed in place.
    cumulative : float64 (items,) or empty
        See `draw_other`.
    """
    n_events = len(users)
    n_items, d = item_vectors.shape
    key = stream_key(seed, epoch)
    correct = 0
    skipped = 0
    for n in range(n_events):
        event = below(random_word(key, np.uint64(2 * n)), n_events)
        other = draw_other(random_word(key, np.uint64(2 * n + 1)), n_items, cumulative)
        user = users[event]
        if contains(items, starts[user], starts[user + 1], other):
            skipped += 1
            continue
        liked = items[event]
        x, y, w = user_vectors[user], item_vectors[liked], item_vectors[other]
        margin = item_bias[liked] - item_bias[other]
        for f in range(d):
            margin += x[f] * (y[f] - w[f])
        if margin > 0:
            correct += 1
        z = np.float32(1.0) / (np.float32(1.0) + np.exp(margin))
        for f in range(d):
            x_f, y_f, w_f = x[f], y[f], w[f]
            x[f] = x_f + rate * (z * (y_f - w_f) - reg_user * x_f)
            y[f] = y_f + rate * (z * x_f - reg_liked * y_f)
            w[f] = w_f - rate * (z * x_f + reg_other * w_f)
        item_bias[liked] += rate * (z - reg_liked * item_bias[liked])
        item_bias[other] -= rate * (z + reg_other * item_bias[other])
    return correct, skipped


@parallel
def bpr_fold_in(starts, items, item_vectors, item_bias, rate, reg_user, passes, seed):  # type: ignore[no-untyped-def]
    """Vectors of new users: the same ascent on x_u alone, items held fixed.

    `items` must be sorted within each row. Returns float32 (rows, d); a row without items is 0.
    """
    rows = len(starts) - 1
    n_items, d = item_vectors.shape
    out = np.zeros((rows, d), dtype=np.float32)
    for r in prange(rows):
        x = out[r]
        key = stream_key(seed, 0)
        n = starts[r + 1] - starts[r]
        for draw in range(n * passes):
            liked = items[starts[r] + draw % n]
            other = below(random_word(key, np.uint64(draw)), n_items)
            if contains(items, starts[r], starts[r + 1], other):
                continue
            y, w = item_vectors[liked], item_vectors[other]
            margin = item_bias[liked] - item_bias[other]
            for f in range(d):
                margin += x[f] * (y[f] - w[f])
            z = np.float32(1.0) / (np.float32(1.0) + np.exp(margin))
            for f in range(d):
                x[f] += rate * (z * (y[f] - w[f]) - reg_user * x[f])
    return out
