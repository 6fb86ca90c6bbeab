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

import threading
from collections.abc import Callable

import numpy as np

from tastemap.kernels.alias import draw_other, fill_alias
from tastemap.kernels.counter import below, random_word
from tastemap.kernels.jit import serial
from tastemap.kernels.rows import contains
from tastemap.kernels.workers import deal
from tastemap.shapes import Int64

RUNS = 16
"""User blocks are dealt out to threads in at most so many runs of neighbours: with hundreds of
blocks, Python would be busy with handing them out one by one."""

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


def bpr_epoch(
    log: tuple[np.ndarray, np.ndarray],
    blocks: tuple[np.ndarray, np.ndarray, np.ndarray],
    room: tuple[np.ndarray, np.ndarray],
    draws: tuple[np.ndarray, int],
    learned: tuple[np.ndarray, np.ndarray, np.ndarray],
    rates: tuple[np.float32, ...],
    key: np.uint64,
) -> Int64[np.ndarray, "blocks 2"]:
    """Visit every event once, in place; returns for each block: ranked correctly, skipped.

    Each event gets an other item of the same block; where that is in the user's history the draw
    is skipped and counted.

    Parameters
    ----------
    log : (starts, items)
        int64 (users + 1,) and int32 (n,): the events of each user.
    blocks : (bounds, item_bounds, slots)
        int64 (blocks + 1,): the first user of each block of users, and the first item of each
        block of items; uint32 (items, 2): the block of each item, and its place in that block.
    room : (places, counts)
        Written. uint32 (n,): the item's place of each event, by block of users, block of items
        and user; uint32 (blocks, users): how many events each user has in each block of items.
    draws : (weights, hardest_of)
        float64 (items,), or empty: the weights by which others are drawn, in the order of the
        blocks. int: draws an event, see `_meet`.
    learned : (users, items, bias)
        float32 (users, d), (items, d), (items,): vectors and biases, items in the order of the
        blocks, so that rows that are used together lie together. Changed in place.
    rates : four float32
        The step, and what one keeps of the vector of the user, the liked and the other item:
        1 - step * regularisation.
    key
        The epoch's random stream; draw c of row n of `places` takes its number n hardest_of + c.
    """
    weights, hardest_of = draws
    n_blocks = len(blocks[0]) - 1
    cuts = np.empty((n_blocks, n_blocks + 1), dtype=np.int64)
    # A block of n items has n + 1 steps; see `fill_alias`.
    chances = np.empty((len(weights), 2), dtype=np.uint32), np.empty(len(weights) + n_blocks)
    counted = np.zeros((n_blocks, 2), dtype=np.int64)

    def work(number: int, run: tuple[int, int]) -> None:
        if number == 0:
            _prepare(run, log, blocks, (*room, cuts), weights, chances)
        else:
            given = (*room, cuts), (*chances, hardest_of), learned, rates, key
            _round(number - 1, run, blocks, *given, counted)

    _in_rounds(work, n_blocks)
    return counted


def _in_rounds(work: Callable[[int, tuple[int, int]], None], n_blocks: int) -> None:
    """Call `work(number, (first, last))` for rounds 0 to `n_blocks` and runs of user blocks.

    A run waits for itself and for its neighbour, which had its items, in the round before; nobody
    waits for a whole round. With two threads that is 18.7 ms an epoch of MovieLens-1M where a
    `deal` a round took 21.2. Parts are given out in their order, so that whatever one waits for is
    done or being done.
    """
    n_runs = min(n_blocks, RUNS)
    edges = np.linspace(0, n_blocks, n_runs + 1).astype(int).tolist()
    done = [bytearray(n_runs) for _ in range(n_blocks + 1)]
    news = threading.Condition()

    def one(part: tuple[int, int]) -> None:
        number, run = part
        before = done[number - 1]
        try:
            if number > 0:
                with news:
                    news.wait_for(lambda: before[run] and before[(run + 1) % n_runs])
            work(number, (edges[run], edges[run + 1]))
        finally:  # after an error, too: others must not wait for ever
            with news:
                done[number][run] = True
                news.notify_all()

    deal(one, [(number, run) for number in range(n_blocks + 1) for run in range(n_runs)])


@serial
def _prepare(run, log, blocks, room, weights, chances):  # type: ignore[no-untyped-def]
    """Round 0: deal the events of these blocks of users, weigh the items of as many blocks."""
    bounds, item_bounds, slots = blocks
    places, counts, cuts = room
    table, steps = chances
    for b in range(run[0], run[1]):
        _deal(log, bounds[b], bounds[b + 1], slots, places, counts, cuts[b])
        if len(weights) > 0:
            first, last = item_bounds[b], item_bounds[b + 1]
            fill_alias(weights[first:last], table[first:last], steps[first + b : last + b + 1])


@serial
def _deal(log, first, last, slots, places, counts, cuts):  # type: ignore[no-untyped-def]
    """List the events of one block of users by the block of their item.

    Users are counted, not named beside their events, which would take twice the memory.
    """
    starts, items = log
    n_blocks = len(counts)
    free = np.zeros(n_blocks + 1, dtype=np.int64)
    free[0] = starts[first]
    for user in range(first, last):
        for q in range(n_blocks):
            counts[q, user] = 0
        for e in range(starts[user], starts[user + 1]):
            counts[slots[np.uint32(items[e]), 0], user] += 1
        for q in range(n_blocks):
            free[q + 1] += counts[q, user]
    for q in range(n_blocks):
        free[q + 1] += free[q]
    for q in range(n_blocks + 1):  # `cuts[:] = free` takes 3 s to compile
        cuts[q] = free[q]
    for e in range(starts[first], starts[last]):
        item = np.uint32(items[e])
        q = slots[item, 0]
        places[free[q]] = slots[item, 1]
        free[q] += 1


@serial
def _round(number, run, blocks, room, draws, learned, rates, key, counted):  # type: ignore[no-untyped-def]
    """Let these blocks of users meet the blocks of items that it is their turn for."""
    bounds, item_bounds, _ = blocks
    places, counts, cuts = room
    table, steps, hardest_of = draws
    users, items, bias = learned
    for b in range(run[0], run[1]):
        q = (b + number) % (len(bounds) - 1)
        start, stop = cuts[b, q], cuts[b, q + 1]
        events = (places[start:stop], counts[q, bounds[b] : bounds[b + 1]], np.uint64(start))
        first, last = item_bounds[q], item_bounds[q + 1]
        own = (users[bounds[b] : bounds[b + 1]], items[first:last], bias[first:last])
        drawn = (table[first:last], steps[first + q : last + q + 1], hardest_of)
        correct, skipped = _meet(events, drawn, own, rates, key)
        counted[b, 0] += correct
        counted[b, 1] += skipped


@serial
def _draw(word, draws, n, liked):  # type: ignore[no-untyped-def]
    """A place from 0 to n - 1 other than `liked`; there must be two.

    Leaving the liked item out keeps `skipped` what it is with draws from the whole catalogue:
    without that, the liked item would be drawn once in a block, not once in the catalogue.
    """
    table, steps, _ = draws
    if len(table) > 0:
        return draw_other(word, table, steps, liked)
    place = np.uint32(below(word, n - 1))
    return place + np.uint32(place >= liked)


@serial
def _harder(word, other, margin, x, liked, learned, draws, used_by, user):  # type: ignore[no-untyped-def]
    """The better of `other` and one more draw: the one with the higher score, and its margin."""
    _, items, bias = learned
    rival = _draw(word, draws, len(bias), liked)
    if used_by[rival] == user:
        return other, margin
    closer = bias[liked] - bias[rival]
    for f in range(len(x)):
        closer += x[f] * (items[liked, f] - items[rival, f])
    return (rival, closer) if closer < margin else (other, margin)


@serial
def _meet(events, draws, learned, rates, key):  # type: ignore[no-untyped-def]
    """The steps of one block of users with one block of items; ranked correctly and skipped.

    Of `hardest_of` draws, the step takes the one with the highest score that is not in the
    history; what is counted depends on the first draw alone. The loops over a vector stand here,
    and rows of items are not named: a function of their own was not inlined, passing arrays took
    12 of 47 ns a step, and a second name for a row that may change 10 % of an epoch.
    """
    places, counts, offset = events
    users, items, bias = learned
    n_items, d = items.shape
    if n_items < 2:
        return 0, len(places)
    hardest_of = draws[2]
    rate, keep_user, keep_liked, keep_other = rates
    # used_by[place] is the newest user known to have the item there: one write an event and one
    # read a draw, where a binary search in the history took a third of an epoch.
    used_by = np.full(n_items, _NOBODY, dtype=np.uint32)
    correct, skipped, stop = 0, 0, np.uint64(0)
    for user in range(np.uint32(len(counts))):
        start, stop = stop, stop + np.uint64(counts[user])
        for e in range(start, stop):
            used_by[places[e]] = user
        x = users[user]
        for e in range(start, stop):
            liked, number = places[e], (offset + e) * np.uint64(hardest_of)
            other = _draw(random_word(key, number), draws, n_items, liked)
            if used_by[other] == user:
                skipped += 1
                continue
            margin = bias[liked] - bias[other]
            for f in range(d):
                margin += x[f] * (items[liked, f] - items[other, f])
            correct += margin > 0
            for c in range(1, hardest_of):
                word = random_word(key, number + np.uint64(c))
                other, margin = _harder(
                    word, other, margin, x, liked, learned, draws, used_by, user
                )
            push = rate * doubt(margin)
            for f in range(d):
                x_f, y_f, w_f = x[f], items[liked, f], items[other, f]
                x[f] = keep_user * x_f + push * (y_f - w_f)
                items[liked, f] = keep_liked * y_f + push * x_f
                items[other, f] = keep_other * w_f - push * x_f
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
