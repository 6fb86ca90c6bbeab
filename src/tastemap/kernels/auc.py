"""Compare scores of negatives with the few scores of positives, without sorting the catalogue.

Whole numbers are counted, so results are exact and depend on nothing but the scores.
"""

import numpy as np

from tastemap.kernels.jit import exact
from tastemap.kernels.workers import deal, shares
from tastemap.shapes import Float, Int64

FEW = 9
"""Up to so many distinct positives, comparing every score with each of them is fastest (26,744
scores: 1.4 to 2 µs a positive, 20 to 35 µs from a table)."""

CELLS = 8192
"""More of them are found through a table of so many equal steps between lowest and highest: the
largest that fits the nearest cache (half of it: a quarter slower for 30 to 80 positives)."""

CHUNK = 512
"""Scores are turned into cells so many at a time; the cells stay in the nearest cache."""


def pairs_won(
    negatives: Float[np.ndarray, "rows items"],
    starts: Int64[np.ndarray, " rows+1"],
    positives: Float[np.ndarray, " n"],
) -> tuple[Int64[np.ndarray, " rows"], Int64[np.ndarray, " rows"]]:
    """Count each row's pairs of a positive and a negative in which the positive scores higher.

    Parameters
    ----------
    negatives
        Scores; -inf marks what is no negative.
    starts, positives
        Scores of the positives of row r at `starts[r]:starts[r + 1]`, in any order.

    Returns
    -------
    Twice the number of pairs won, a tie being half a pair; and the number of negatives.

    >>> pairs_won(np.float32([[1, 2, 4, -np.inf]]), np.array([0, 2]), np.float32([2, 5]))
    (array([9]), array([3]))
    """
    negatives = np.require(negatives, requirements=["C", "W"])
    positives = np.require(positives, negatives.dtype, ["C", "W"])
    starts = np.require(starts, np.int64, ["C", "W"])
    won = np.zeros(len(negatives), dtype=np.int64)
    met = np.zeros(len(negatives), dtype=np.int64)

    def count(rows: slice) -> None:
        begins = starts[rows.start : rows.stop + 1]
        _pairs_won_by_rows(negatives[rows], begins, positives, won[rows], met[rows])

    deal(count, shares(len(negatives), negatives.size))
    return won, met


@exact
def _pairs_won_by_rows(negatives, starts, positives, won, met):  # type: ignore[no-untyped-def]
    n_items = negatives.shape[1]
    for r in range(len(won)):
        row = negatives[r]
        absent = np.int64(0)  # a literal 0 is a type of its own, and compiled for once more
        for i in range(n_items):
            absent += row[i] == -np.inf
        met[r] = n_items - absent
        mine = positives[starts[r] : starts[r + 1]].copy()
        won[r] = pairs_won_by(row, mine, absent)


@exact
def pairs_won_by(row, positives, absent):  # type: ignore[no-untyped-def]
    """Twice the pairs that `positives` win against `row`; `positives` are sorted in place.

    `absent` is how many entries of the row are -inf: those are no negatives.
    """
    n = len(positives)
    if n == 0:
        return 0
    _sort(positives)
    distinct = 1
    for j in range(1, n):
        distinct += positives[j] != positives[j - 1]
    span = positives[n - 1] - positives[0]
    zero, top = span - span, span - span + np.float32(CELLS - 1)  # of the type of the scores
    step = (top - np.float32(3)) / span
    if distinct <= FEW or not (np.isfinite(span) and np.isfinite(step)):
        won = _won_one_by_one(row, positives)
    else:
        # The lowest positive falls into cell 1 and the highest into the last but one, whatever
        # rounding does: scores beyond them share the cells at the ends.
        lowest = positives[0] - (top - top + np.float32(1.5)) / step
        won = _won_by_table(row, positives, (lowest, step, zero, top))
    return won - 2 * n * absent  # -inf has counted as a negative below all


@exact
def _sort(values):  # type: ignore[no-untyped-def]
    """Sort in place: Shell's method, short to compile (np.sort: two seconds)."""
    gap = len(values)
    while gap > 1:
        gap = max(1, gap * 4 // 9)
        for i in range(gap, len(values)):
            value = values[i]
            while i >= gap and values[i - gap] > value:
                values[i] = values[i - gap]
                i -= gap
            values[i] = value


@exact
def _won_one_by_one(row, ordered):  # type: ignore[no-untyped-def]
    """Compare every score with each distinct positive, in vector registers."""
    n = len(ordered)
    won = 0
    first = 0
    while first < n:
        positive = ordered[first]
        last = first + 1
        while last < n and ordered[last] == positive:
            last += 1
        below = np.int32(0)  # 32 bits: twice as many fit a register
        not_above = np.int32(0)
        for i in range(len(row)):  # by number: an iterator keeps vector registers out
            below = np.int32(below + np.int32(row[i] < positive))
            not_above = np.int32(not_above + np.int32(row[i] <= positive))
        won += (last - first) * (np.int64(below) + np.int64(not_above))  # type: ignore[assignment]
        first = last
    return won


@exact
def _cell(score, grid):  # type: ignore[no-untyped-def]
    """The cell of a score; it never falls when the score rises."""
    lowest, step, zero, top = grid
    place = (score - lowest) * step
    place = zero if place < zero else place
    return np.int32(top if place > top else place)


@exact
def _won_by_table(row, ordered, grid):  # type: ignore[no-untyped-def]
    """Look up in a table how many positives are above each score.

    A cell that holds positives does not tell; it names the first of them, and the score is
    compared with those. Time for a row hardly depends on the number of positives (60 of them and
    26,744 scores: 28 µs; compared one by one 77).
    """
    n = len(ordered)
    twice_above = np.empty(CELLS, dtype=np.int32)
    filled = 0
    for j in range(n):
        cell = _cell(ordered[j], grid)
        if cell >= filled:
            twice_above[filled:cell] = 2 * (n - j)
            twice_above[cell] = -1 - j
            filled = cell + 1
    twice_above[filled:] = 0
    cells = np.empty(CHUNK, dtype=np.int32)
    unclear = np.empty(len(row), dtype=np.int32)
    n_unclear = np.uint32(0)
    won = 0
    for first in range(0, len(row), CHUNK):
        chunk = row[first : min(first + CHUNK, len(row))]
        for i in range(len(chunk)):
            cells[i] = _cell(chunk[i], grid)
        for i in range(len(chunk)):
            twice = np.int64(twice_above[np.uint32(cells[i])])
            if twice < 0:  # looked at afterwards: more code here makes the loop twice as slow
                unclear[n_unclear] = first + i
                n_unclear += np.uint32(1)
                twice = np.int64(0)
            won += twice  # type: ignore[assignment]
    for i in range(n_unclear):
        score = row[unclear[i]]
        won += twice_at_least(ordered, -1 - twice_above[_cell(score, grid)], score)
    return won


@exact
def twice_at_least(ordered, j, score):  # type: ignore[no-untyped-def]
    """Twice the entries of increasing `ordered` above `score`, and those equal to it, once.

    Entries before `j` must be below.
    """
    n = len(ordered)
    twice = 2 * (n - j)
    while j < n and ordered[j] <= score:
        # Without a branch on which of the two it is: nobody can guess that.
        twice -= 1 + np.int64(ordered[j] < score)
        j += 1
    return twice


def count_between(
    negatives: Float[np.ndarray, "rows items"], edges: Float[np.ndarray, " n"]
) -> Int64[np.ndarray, " 2*n+1"]:
    """Count the negatives below, on and between edges.

    Parameters
    ----------
    negatives
        Scores; -inf marks what is no negative.
    edges
        Strictly increasing.

    Returns
    -------
    Entry 2 j counts scores strictly between edge j - 1 and edge j (entry 0 those below all edges,
    entry 2 n those above), entry 2 j + 1 those equal to edge j.

    >>> count_between(np.float32([[0, 1, 1, 7, -np.inf]]), np.float32([1, 5]))
    array([1, 2, 0, 0, 1])
    """
    negatives = np.require(negatives, requirements=["C", "W"])
    found = edge_table(np.require(edges, negatives.dtype, ["C", "W"]))

    def count(rows: slice) -> np.ndarray:
        counts = np.zeros(2 * len(edges) + 1, dtype=np.int64)
        count_row(negatives[rows].reshape(-1), *found, counts)
        return counts

    return sum(deal(count, shares(len(negatives), negatives.size, most=8)), 0 * count(slice(0)))


def edge_table(
    edges: Float[np.ndarray, " n"],
) -> tuple[Float[np.ndarray, " n"], Int64[np.ndarray, " cells"], tuple[np.floating, ...]]:
    """What `count_row` needs: the edges, how many of them are in earlier cells, and the grid."""
    n_cells = 1 << int(np.clip(2 * len(edges), CELLS, 1 << 22) - 1).bit_length()
    kind = edges.dtype.type
    grid = (kind(0), kind(0), kind(0), kind(n_cells - 1))  # all in one cell
    if len(edges) > 1:
        with np.errstate(over="ignore", divide="ignore"):
            step = kind(n_cells - 1) / (edges[-1] - edges[0])
        if np.isfinite(step) and step > 0:
            grid = (edges[0], step, *grid[2:])
    earlier = np.empty(n_cells + 1, dtype=np.int64)
    _count_earlier(edges, grid, earlier)
    return edges, earlier, grid


@exact
def _count_earlier(edges, grid, earlier):  # type: ignore[no-untyped-def]
    filled = 0
    for j in range(len(edges)):
        cell = _cell(edges[j], grid)
        for c in range(filled, cell + 1):
            earlier[c] = j
        filled = max(filled, cell + 1)
    for c in range(filled, len(earlier)):
        earlier[c] = len(edges)


@exact
def count_row(row, edges, earlier, grid, counts):  # type: ignore[no-untyped-def]
    """Add one row to what `count_between` counts; only the edges in a score's cell are searched."""
    for score in row:
        if score == -np.inf:
            continue
        cell = np.uint32(_cell(score, grid))
        low, high = earlier[cell], earlier[cell + 1]
        while low < high:
            middle = (low + high) >> 1
            if edges[middle] < score:
                low = middle + 1
            else:
                high = middle
        counts[2 * low + (low < len(edges) and edges[low] == score)] += 1
