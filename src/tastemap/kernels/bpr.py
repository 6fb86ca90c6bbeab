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

Codes are unsigned here: an index that may be negative costs a test and a move at each access
(dealing 3.5 -> 2.3 ms, steps 19 -> 17 ms an epoch of MovieLens-1M on two threads).
"""

import numpy as np

from tastemap.kernels.counter import below, random_word, unit
from tastemap.kernels.jit import parallel, prange, serial
from tastemap.kernels.rows import contains, last_at_most

_NOBODY = np.uint32(2**32 - 1)
_REACH, _CELLS = 16, 4096
_DOUBTS = (1 / (1 + np.exp(np.linspace(-_REACH, _REACH, _CELLS + 1)))).astype(np.float32)
_SCALE, _MIDDLE, _LAST = (np.float32(n) for n in (_CELLS / (2 * _REACH), _CELLS / 2, _CELLS - 1))


@serial
def doubt(margin):  # type: ignore[no-untyped-def]
    """1 / (1 + exp(margin)) within 1e-6, from a table with straight lines between its entries.

    A step waits for the one before it, and exp and the division are most of that wait: 19 -> 17
    ms an epoch of MovieLens-1M. It also gives the same bits whatever the C library.
    """
    place = margin * _SCALE + _MIDDLE
    if not place > 0:  # NaN as well: it must not become an index
        place = np.float32(0)
    place = min(place, _LAST)
    cell = np.uint32(place)
    here = _DOUBTS[cell]
    return here + (place - np.float32(cell)) * (_DOUBTS[cell + np.uint32(1)] - here)


@parallel
def bpr_epoch(log, blocks, room, draws, learned, rates, key):  # type: ignore[no-untyped-def]
    """Visit every event once, in place; returns int64 (blocks, 2): ranked correctly, skipped.

    Each event gets an other item of the same block; where that is in the user's history the draw
    is skipped and counted. Starting threads for each round from Python took 28 ms instead of 20.

    Parameters
    ----------
    log : (starts, items)
        int64 (users + 1,) and int32 (n,): the events of each user.
    blocks : (bounds, item_bounds, slots)
        int64 (blocks + 1,): the first user of each block of users, and the first item of each
        block of items; uint32 (items, 2): the block of each item, and its place in that block.
    room : (dealt, cuts)
        uint32 (n, 2) and int64 (blocks, blocks + 1), written: rows `cuts[b, q]` to
        `cuts[b, q + 1]` of `dealt` are the events of user block b and item block q, in the order
        of the log: the user, and the item's place.
    draws : (steps, hardest_of)
        float64 (items + 1,), or empty: running sum of the weights by which others are drawn, in
        the order of the blocks. int: draws an event, see `_meet`.
    learned : (users, items, bias)
        float32 (users, d), (items, d), (items,): vectors and biases, items in the order of the
        blocks, so that rows that are used together lie together. Changed in place.
    rates : four float32
        The step, and what one keeps of the vector of the user, the liked and the other item:
        1 - step * regularisation.
    key : uint64
        The epoch's random stream; draw c of row n of `dealt` takes its number n hardest_of + c.
    """
    dealt, cuts = room
    bounds, item_bounds, slots = blocks
    steps, hardest_of = draws
    users, items, bias = learned
    n_blocks = len(bounds) - 1
    counted = np.zeros((n_blocks, 2), dtype=np.int64)
    for b in prange(n_blocks):
        _deal(log, bounds[b], bounds[b + 1], slots, dealt, cuts[b])
    for number in range(n_blocks):
        for b in prange(n_blocks):
            q = (b + number) % n_blocks
            first, last = item_bounds[q], item_bounds[q + 1]
            events = dealt[cuts[b, q] : cuts[b, q + 1]]
            own = (users, items[first:last], bias[first:last])
            drawn = (steps[first : last + 1], hardest_of)
            correct, skipped = _meet(events, cuts[b, q], drawn, own, rates, key)
            counted[b, 0] += correct
            counted[b, 1] += skipped
    return counted


@serial
def _deal(log, first, last, slots, dealt, cuts):  # type: ignore[no-untyped-def]
    """List the events of one block of users by the block of their item.

    User and place stand side by side in `dealt`: half as many places to write to as with two
    arrays (84 -> 53 ms for 18 million events in 16 blocks).
    """
    starts, items = log
    free = np.zeros(len(cuts), dtype=np.int64)
    free[0] = starts[first]
    for e in range(starts[first], starts[last]):
        free[slots[items[e], 0] + np.uint32(1)] += 1
    for q in range(1, len(free)):
        free[q] += free[q - 1]
    cuts[:] = free
    for user in range(first, last):
        for e in range(starts[user], starts[user + 1]):
            item = items[e]
            q = slots[item, 0]
            n = free[q]
            dealt[n, 0] = user
            dealt[n, 1] = slots[item, 1]
            free[q] = n + 1


@serial
def _draw_other(word, steps, n, own):  # type: ignore[no-untyped-def]
    """A place from 0 to n - 1 other than `own`; there must be two.

    All alike where `steps` is empty, else in proportion to its rises. Leaving the liked item out
    keeps `skipped` what it is with draws from the whole catalogue: without that, the liked item
    would be drawn once in a block, not once in the catalogue.
    """
    if len(steps) == 0:
        place = np.uint32(below(word, n - 1))
        return place + np.uint32(place >= own)
    gap = steps[own + 1] - steps[own]
    height = steps[0] + unit(word) * (steps[n] - steps[0] - gap)
    height += gap * (height >= steps[own])
    return np.uint32(min(last_at_most(steps, height), n - 1))


@serial
def _harder(word, other, margin, x, liked, learned, steps, used_by, user):  # type: ignore[no-untyped-def]
    """The better of `other` and one more draw: the one with the higher score, and its margin."""
    _, items, bias = learned
    rival = _draw_other(word, steps, len(bias), liked)
    if used_by[rival] == user:
        return other, margin
    y, w = items[liked], items[rival]
    closer = bias[liked] - bias[rival]
    for f in range(len(x)):
        closer += x[f] * (y[f] - w[f])
    return (rival, closer) if closer < margin else (other, margin)


@serial
def _meet(events, offset, draws, learned, rates, key):  # type: ignore[no-untyped-def]
    """The steps of one block of users with one block of items; ranked correctly and skipped.

    Of `hardest_of` draws, the step takes the one with the highest score that is not in the
    history; what is counted depends on the first draw alone. The loops over a vector stand here:
    a function of their own was not inlined, and passing arrays took 12 of 47 ns a step.
    """
    steps, hardest_of = draws
    users, items, bias = learned
    n_items, d = items.shape
    if n_items < 2:
        return 0, len(events)
    rate, keep_user, keep_liked, keep_other = rates
    # used_by[place] is the newest user known to have the item there: one write an event and one
    # read a draw, where a binary search in the history took a third of an epoch.
    used_by = np.full(n_items, _NOBODY, dtype=np.uint32)
    correct, skipped, stop = 0, 0, 0
    while stop < len(events):
        start, user = stop, events[stop, 0]
        while stop < len(events) and events[stop, 0] == user:
            used_by[events[stop, 1]] = user
            stop += 1
        x = users[user]
        for e in range(start, stop):
            liked, number = events[e, 1], np.uint64((offset + e) * hardest_of)
            other = _draw_other(random_word(key, number), steps, n_items, liked)
            if used_by[other] == user:
                skipped += 1
                continue
            y, w = items[liked], items[other]
            margin = bias[liked] - bias[other]
            for f in range(d):
                margin += x[f] * (y[f] - w[f])
            correct += margin > 0
            for c in range(1, hardest_of):
                word = random_word(key, number + np.uint64(c))
                other, margin = _harder(
                    word, other, margin, x, liked, learned, steps, used_by, user
                )
            w = items[other]
            push = rate * doubt(margin)
            for f in range(d):
                x_f, y_f, w_f = x[f], y[f], w[f]
                x[f] = keep_user * x_f + push * (y_f - w_f)
                y[f] = keep_liked * y_f + push * x_f
                w[f] = keep_other * w_f - push * x_f
            bias[liked] = keep_liked * bias[liked] + push
            bias[other] = keep_other * bias[other] - push
    return correct, skipped


@serial
def bpr_fold_in(starts, items, item_vectors, item_bias, rates, passes, key):  # type: ignore[no-untyped-def]
    """Vectors of new users: the same ascent on x_u alone, items held fixed.

    `items` must be sorted within each row, `rates` are the step and what one keeps of x_u. Returns
    float32 (rows, d); a row without items is 0.
    """
    rows = len(starts) - 1
    n_items, d = item_vectors.shape
    rate, keep = rates
    out = np.zeros((rows, d), dtype=np.float32)
    for r in range(rows):
        x = out[r]
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
            push = rate * doubt(margin)
            for f in range(d):
                x[f] = keep * x[f] + push * (y[f] - w[f])
    return out
