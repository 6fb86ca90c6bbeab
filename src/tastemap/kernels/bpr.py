"""One epoch of BPR: stochastic gradient ascent on pairs of a liked item and another one.

For user u, liked item i and other item j with score s(u, i) = x_u . y_i + b_i, the gain to be
made is z = 1 / (1 + exp(s(u, i) - s(u, j))), and (Rendle et al. 2009)

    x_u += rate * (z (y_i - y_j) - reg_user  x_u)
    y_i += rate * (z x_u         - reg_liked y_i)        b_i += rate * (z - reg_liked b_i)
    y_j -= rate * (z x_u         + reg_other y_j)        b_j -= rate * (z + reg_other b_j)

Every step writes to one user and two items, so steps cannot run side by side as they come. Users
and items are cut into equally many blocks; in round r, block b of the users meets block b + r of
the items, and both the liked and the other item are of that block. Blocks that meet in one round
share no row, so they run on several threads without a race, and the result does not depend on
how many there are (stratified descent: Gemulla et al., KDD 2011). The blocks of items are drawn
anew in each epoch, so that every item meets every other. A block of items also stays in the
cache, which independent draws from a large catalogue do not.
"""

import numpy as np

from tastemap.kernels.counter import below, random_word, stream_key, unit
from tastemap.kernels.jit import parallel, prange, serial
from tastemap.kernels.rows import contains


@parallel
def deal_events(starts, items, bounds, block_of, dealt, cuts):  # type: ignore[no-untyped-def]
    """List the events of each block of users by the block of their item, in CSR order.

    Parameters
    ----------
    bounds : int64 (blocks + 1,)
        First user of each block of users.
    block_of : int32 (items,)
        The block of each item.
    dealt : int64 (n,), cuts : int64 (blocks, blocks + 1)
        Written: `dealt[cuts[b, q]:cuts[b, q + 1]]` are the events of user block b, item block q.
    """
    n_blocks = len(bounds) - 1
    for b in prange(n_blocks):
        place = np.zeros(n_blocks + 1, dtype=np.int64)
        place[0] = starts[bounds[b]]
        for e in range(starts[bounds[b]], starts[bounds[b + 1]]):
            place[block_of[items[e]] + 1] += 1
        for q in range(n_blocks):
            place[q + 1] += place[q]
        cuts[b] = place
        for e in range(starts[bounds[b]], starts[bounds[b + 1]]):
            q = block_of[items[e]]
            dealt[place[q]] = e
            place[q] += 1


@serial
def _draw_other(word, steps, first, last, own):  # type: ignore[no-untyped-def]
    """A place from `first` to `last` - 1 other than `own`; there must be two.

    All alike where `steps` is empty, else in proportion to its rises. Leaving the liked item out
    keeps `skipped` what it is with draws from the whole catalogue: without that, the liked item
    would be drawn once in a block, not once in the catalogue.
    """
    if len(steps) == 0:
        place = first + below(word, last - first - 1)
        return place + (place >= own)
    gap = steps[own + 1] - steps[own]
    height = steps[first] + unit(word) * (steps[last] - steps[first] - gap)
    height += gap * (height >= steps[own])
    place = np.searchsorted(steps, height, side="right") - 1
    return min(max(place, first), last - 1)


@parallel
def bpr_round(  # type: ignore[no-untyped-def]
    number,
    users,
    items,
    dealt,
    cuts,
    shuffled,
    place_of,
    item_bounds,
    steps,
    user_vectors,
    item_vectors,
    item_bias,
    rates,
    key,
):
    """One round, in place; returns int64 (blocks, 2): ranked correctly, skipped.

    Each event of the blocks that meet is visited once, with an other item of the same block; where
    that is in the user's history the draw is skipped and counted.

    Parameters
    ----------
    users : int32 (n,)
        The user of each event, events grouped by user.
    items : int32 (n,)
        The item of each event.
    dealt, cuts
        See `deal_events`.
    shuffled, place_of, item_bounds : int32 (items,), int32 (items,), int64 (blocks + 1,)
        All items, block by block; where each stands; where each block begins.
    steps : float64 (items + 1,) or empty
        Running sum of the weights by which others are drawn, in the order of `shuffled`.
    user_vectors, item_vectors, item_bias : float32 (users, d), (items, d), (items,)
        Changed in place.
    rates : four float32
        Step, and regularisation of the user, the liked and the other item.
    key : uint64
        The epoch's random stream; event e takes number e of it.
    """
    n_blocks = len(item_bounds) - 1
    counted = np.zeros((n_blocks, 2), dtype=np.int64)
    for b in prange(n_blocks):
        q = (b + number) % n_blocks
        first, last = item_bounds[q], item_bounds[q + 1]
        # used_by[place] is the newest user known to have the item there. A user's items in this
        # block are just her events in it, so marking them costs one write an event and a check
        # one read; a binary search in her history took a third of an epoch.
        used_by = np.full(last - first, -1, dtype=np.int32)
        correct = 0
        skipped = 0
        marked = cuts[b, q]
        for n in range(cuts[b, q], cuts[b, q + 1]):
            event = dealt[n]
            user, liked = users[event], items[event]
            while marked < cuts[b, q + 1] and users[dealt[marked]] == user:
                used_by[place_of[items[dealt[marked]]] - first] = user
                marked += 1
            if last - first < 2:
                skipped += 1
                continue
            word = random_word(key, np.uint64(event))
            place = _draw_other(word, steps, first, last, place_of[liked])
            if used_by[place - first] == user:
                skipped += 1
                continue
            other = shuffled[place]
            rows = (user_vectors[user], item_vectors[liked], item_vectors[other])
            correct += _step(rows, item_bias, liked, other, rates)
        counted[b, 0] = correct
        counted[b, 1] = skipped
    return counted


@serial
def _step(rows, bias, liked, other, rates):  # type: ignore[no-untyped-def]
    """One step of ascent for a user's x, a liked y and an other w; whether y was above w."""
    x, y, w = rows
    rate, reg_user, reg_liked, reg_other = rates
    d = len(x)
    margin = bias[liked] - bias[other]
    for f in range(d):
        margin += x[f] * (y[f] - w[f])
    z = np.float32(1.0) / (np.float32(1.0) + np.exp(margin))
    for f in range(d):
        x_f, y_f, w_f = x[f], y[f], w[f]
        x[f] = x_f + rate * (z * (y_f - w_f) - reg_user * x_f)
        y[f] = y_f + rate * (z * x_f - reg_liked * y_f)
        w[f] = w_f - rate * (z * x_f + reg_other * w_f)
    bias[liked] += rate * (z - reg_liked * bias[liked])
    bias[other] -= rate * (z + reg_other * bias[other])
    return margin > 0


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
