"""One of several places, drawn in proportion to their weights in constant time.

Each place has a cell, and each cell holds equally much: of its own place as much as fits, and of
one other place the rest (Walker 1977; the table is built as in Vose 1991). A draw picks a cell and
then one of its two places: no search, and nothing for a processor to guess wrong. Chances are
exact within 2^-32.
"""

import numpy as np

from tastemap.kernels.counter import below, mixed
from tastemap.kernels.jit import serial
from tastemap.kernels.rows import last_at_most

_WHOLE = float(2**32)
_S32 = np.uint64(32)


@serial
def fill_alias(weights, table, steps):  # type: ignore[no-untyped-def]
    """Make what `draw_other` draws from; weights are finite and 0 or more.

    `table` is uint32 (n, 2), written: how much of a cell belongs to its own place, of 2^32, and
    the place that the rest belongs to. `steps` is float64 (n + 1,), written: the running sum.
    """
    n = len(weights)
    steps[0] = 0
    for place in range(n):
        table[place, 0], table[place, 1] = np.uint32(_WHOLE - 1), place
        steps[place + 1] = steps[place] + weights[place]
    if not steps[n] > 0:
        return
    cells = weights * (n / steps[n])
    waiting = np.empty(n, dtype=np.uint32)  # from the left cells with room, from the right others
    low, high = 0, n
    for place in range(n):
        if cells[place] < 1:
            waiting[low] = place
            low += 1
        else:
            high -= 1
            waiting[high] = place
    while low > 0 and high < n:
        low -= 1
        small, large = waiting[low], waiting[high]
        table[small, 0] = np.uint32(cells[small] * _WHOLE)
        table[small, 1] = large
        cells[large] -= 1 - cells[small]
        if cells[large] < 1:
            high += 1
            waiting[low] = large
            low += 1


@serial
def draw_other(word, table, steps, own):  # type: ignore[no-untyped-def]
    """A place other than `own` by 64 random bits; `own` where no other has a weight.

    Where the table gives `own`, one more draw among all others settles it, by a search in the
    running sum: others keep their proportions, and nothing is ever drawn a third time.
    """
    n = len(table)
    cell = np.uint32(below(word, n))
    place = cell if np.uint32(word) < table[cell, 0] else table[cell, 1]
    if place != own:
        return place
    gap = steps[own + np.uint32(1)] - steps[own]
    others = steps[n] - gap
    if not others > 0:
        return own
    height = np.float64(mixed(word) >> _S32) / _WHOLE * others
    height += gap * (height >= steps[own])
    return np.uint32(min(last_at_most(steps, height), n - 1))
