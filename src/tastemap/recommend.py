"""From scores to lists: mask what was seen, pick the k best, compare with what was held out.

There is one mask and one order of ties, used by `model.recommend` and by every metric alike.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields
from functools import cached_property
from typing import NamedTuple

import numpy as np

from tastemap.data.interactions import Histories
from tastemap.errors import InputError, UsageError, require_k
from tastemap.kernels.lists import judge, tally
from tastemap.kernels.ranking import rank_rows
from tastemap.kernels.workers import deal, n_threads, one_blas_thread, shares
from tastemap.memory import free_bytes, require_memory
from tastemap.seeding import stream
from tastemap.shapes import Bool, Float32, Float64, Int32, Int64

Score = Callable[[Histories], Float32[np.ndarray, "rows items"]]
"""Scores of every item for every history; finite, higher is better. It is called for some histories
at a time, from several threads at once if `threads` allows: it must change nothing."""

BLOCK_BYTES = 6 << 20
"""A thread computes scores for so many users at a time that they take about this many bytes: more
would leave the cache (138,493 users of 26,744 items: 3.8 s with 5 MB, 4.1 s with 10 MB)."""

STEP = 12
"""Blocks of more users than this hold a multiple of it: whole tiles of `product`, which takes 8 %
longer for 58 users at a time than for 60."""


class Tally(NamedTuple):
    """What a walk down each list to place k finds; each of shape (users,).

    Parameters
    ----------
    hits
        Number of hits.
    first
        Place of the first hit, from 1 on; 0 without one.
    dcg
        Σ_j hit_j / log2(j + 1).
    gained, best
        The same sum over the weights of the hits, and over the highest weights there are.
    precisions
        Σ_j hit_j · (hits to place j) / j.
    """

    hits: Int64[np.ndarray, " users"]
    first: Int64[np.ndarray, " users"]
    dcg: Float64[np.ndarray, " users"]
    gained: Float64[np.ndarray, " users"]
    best: Float64[np.ndarray, " users"]
    precisions: Float64[np.ndarray, " users"]


@dataclass(frozen=True, eq=False)
class Ranking:
    """The top-k lists of some users, and what of it they really used.

    Every @k metric is a function of this alone, so metrics cannot disagree about masking, ties
    or truncation.

    Parameters
    ----------
    items
        Shape (users, k): item codes, best first; -1 where the catalogue ran out.
    hits
        Shape (users, k): whether that item was held out for that user.
    relevant
        Shape (users,): how many items were held out for each user.
    gains
        Shape (users, k): the held-out weight of each listed item, 0 where it is no hit.
    ideal
        Shape (users, k): each user's k highest held-out weights, highest first, 0 beyond.
    """

    items: Int32[np.ndarray, "users k"]
    hits: Bool[np.ndarray, "users k"]
    relevant: Int64[np.ndarray, " users"]
    gains: Float32[np.ndarray, "users k"]
    ideal: Float32[np.ndarray, "users k"]

    @property
    def k(self) -> int:
        """Length of the lists."""
        return self.items.shape[1]

    @classmethod
    def of(cls, items: Int32[np.ndarray, "users k"], truth: Histories) -> "Ranking":
        """Compare lists of item codes with the held-out items of the same users."""
        if len(items) != len(truth):
            raise InputError(
                f"{len(items)} lists and {len(truth)} rows of held-out items",
                "one list a row of held-out items, the same users in the same order",
                "take both from the same split.queries(part)",
            )
        lists = np.require(items, np.int32, ["C", "W"])
        starts, held, weight = _plain(truth)
        hits = np.zeros(lists.shape, dtype=bool)
        gains = np.zeros(lists.shape, dtype=np.float32)
        ideal = np.zeros(lists.shape, dtype=np.float32)
        width = 1 + max(int(lists.max(initial=0)), int(held.max(initial=0)))

        def compare(rows: slice) -> None:
            at = np.empty(width, dtype=np.int64)
            begins = starts[rows.start : rows.stop + 1]
            written = (hits[rows], gains[rows], ideal[rows])
            judge(lists[rows], begins, held, weight, at, *written)

        deal(compare, shares(len(lists), lists.size + len(held), most=8))
        return cls(items, hits, truth.lengths, gains, ideal)

    def take(self, rows: np.ndarray) -> "Ranking":
        """The lists at these row numbers or marks."""
        return Ranking(*(getattr(self, one.name)[rows] for one in fields(self)))

    def tally(self, k: int) -> Tally:
        """What every metric at k is made of: one walk down each list, made once a k."""
        if k not in self._tallies:
            self.walk([k])
        return self._tallies[k]

    def walk(self, cuts: Iterable[int]) -> None:
        """Make the tallies of several cut-offs in one walk down each list."""
        asked = np.array(sorted({require_k(k) for k in cuts}), dtype=np.int64)
        longest = int(asked.max(initial=0))
        if longest > self.k:
            raise UsageError(
                f"k is {longest}, and the lists hold {self.k} places",
                f"1 to {self.k}",
                f"rank with k={longest} first",
            )
        hits, gains, ideal = (
            np.require(array, kind, ["C", "W"])
            for array, kind in ((self.hits, bool), (self.gains, "f4"), (self.ideal, "f4"))
        )
        counts = np.empty((len(asked), 2, len(hits)), dtype=np.int64)
        sums = np.empty((len(asked), 4, len(hits)))
        places = discount(longest)

        def down(rows: slice) -> None:
            given = hits[rows], gains[rows], ideal[rows]
            tally(*given, asked, places, counts[:, :, rows], sums[:, :, rows])

        deal(down, shares(len(hits), len(hits) * longest))
        for c, k in enumerate(asked.tolist()):
            self._tallies[k] = Tally(*counts[c], *sums[c])

    @cached_property
    def _tallies(self) -> dict[int, Tally]:
        return {}


def discount(k: int) -> Float64[np.ndarray, " k"]:
    """What each of k places counts in DCG: 1 / log2(j + 1), j from 1 on."""
    return 1 / np.log2(np.arange(2, k + 2))


def tie_order(n_items: int) -> Int32[np.ndarray, " items"]:
    """The order among items of equal score: a fixed shuffle of the catalogue.

    Item codes would be a bad order, because in many logs low ids are popular ones and a scorer
    that knows nothing would look clever.
    """
    return stream(0, "ties", n_items).permutation(n_items).astype(np.int32)


def scored_blocks(
    score: Score, histories: Histories, n_items: int
) -> Iterator[tuple[slice, Float32[np.ndarray, "rows items"]]]:
    """Scores of all histories, some rows at a time; the blocks may be written to."""
    require_codes(histories, n_items)
    for part in blocks(len(histories), n_items):
        with one_blas_thread():
            scores = _scores(score, histories.take(part), n_items).copy()
        if not np.isfinite(scores).all():
            row = int(np.flatnonzero(~np.isfinite(scores).all(axis=1))[0])
            raise not_finite(part.start + row)
        yield part, scores


def each_block(
    score: Score,
    histories: Histories,
    n_items: int,
    visit: Callable[[slice, Float32[np.ndarray, "rows items"]], int | None],
) -> None:
    """Call `visit(part, scores)` for blocks of all histories, each in one of several threads.

    `visit` must leave the scores as they are, and returns the first of its rows that holds a
    score that is not finite, or -1 or None. Which rows share a block depends on the size of the
    catalogue (and, where hardly any memory is free, on that), and BLAS runs on one thread, so the
    scores do not depend on `threads`.
    """
    require_codes(histories, n_items)

    def work(part: slice) -> None:
        bad = visit(part, _scores(score, histories.take(part), n_items))
        if bad is not None and bad >= 0:
            raise not_finite(part.start + bad)

    deal(work, blocks(len(histories), n_items))


def blocks(rows: int, n_items: int) -> list[slice]:
    """Cut rows into blocks whose scores stay in the cache, and all threads' together in memory."""
    needed = 4 * max(n_items, 1)
    require_memory(needed, "a row of scores of the whole catalogue", "use a smaller catalogue")
    fitting = min(BLOCK_BYTES, free_bytes() // (4 * n_threads()))
    step = max(1, fitting // needed)
    if step > STEP:
        step -= step % STEP
    return [slice(start, min(start + step, rows)) for start in range(0, rows, step)]


def require_codes(histories: Histories, n_items: int, what: str = "history") -> None:
    """Refuse item codes outside the catalogue: compiled loops take them for places in memory."""
    lowest, highest = histories.items.min(initial=0), histories.items.max(initial=-1)
    if lowest < 0 or highest >= n_items:
        raise InputError(
            f"item code {lowest if lowest < 0 else highest} in the {what}",
            f"codes from 0 to {n_items - 1}: this catalogue has {n_items} items",
            "encode item ids with the model's vocabulary, model.items.encode(ids), and leave out "
            "those that it does not know (-1)",
        )


def _plain(histories: Histories) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Starts, items and weights as kernels want them (arrays that were loaded are read-only)."""
    return (
        np.require(histories.starts, np.int64, ["C", "W"]),
        np.require(histories.items, np.int32, ["C", "W"]),
        np.require(histories.weight, np.float32, ["C", "W"]),
    )


def _scores(score: Score, histories: Histories, n_items: int) -> Float32[np.ndarray, "rows items"]:
    scores = np.require(score(histories), np.float32, ["C", "W"])
    if scores.shape != (len(histories), n_items):
        raise InputError(
            f"scores of shape {scores.shape} for {len(histories)} histories",
            f"shape ({len(histories)}, {n_items}): a row a history, a column an item",
            "let score return one number for every item of the catalogue",
        )
    return scores


def not_finite(history: int) -> InputError:
    """The complaint about scores that cannot be compared."""
    return InputError(
        f"scores that are not finite, first in history {history}",
        "finite scores only (no NaN, no infinity)",
        "look at the model's training log: it may have diverged (lower learning_rate, raise reg)",
    )


def mask_seen(scores: Float32[np.ndarray, "rows items"], seen: Histories) -> None:
    """Set the scores of the items in each history to -inf, in place: they are never listed."""
    scores[np.repeat(np.arange(len(seen)), seen.lengths), seen.items] = -np.inf


def top_items(
    score: Score,
    histories: Histories,
    n_items: int,
    k: int,
    *,
    exclude_seen: bool = True,
    candidates: Int32[np.ndarray, " candidates"] | None = None,
) -> tuple[Int32[np.ndarray, "rows k"], Float32[np.ndarray, "rows k"]]:
    """The k best items of each history and their scores, best first.

    Lists end early (-1, -inf) where fewer than k items may be recommended: an item already in
    the history or outside `candidates` is never returned.
    """
    lists = empty_lists(len(histories), require_k(k))
    ties = tie_order(n_items)
    barred = NO_ITEMS
    if candidates is not None:
        barred = np.setdiff1d(np.arange(n_items, dtype=np.int32), candidates)
    none = np.zeros(0, dtype=np.int64)

    def visit(part: slice, scores: Float32[np.ndarray, "rows items"]) -> int:
        nobody = ragged(None, part)
        seen = ragged(histories, part) if exclude_seen else nobody
        written = (lists[0][part], lists[1][part])
        return rank_rows(scores, seen, nobody, barred, ties, written, (none, none), NO_SCORES)

    each_block(score, histories, n_items, visit)
    return lists


Ragged = tuple[Int64[np.ndarray, " _"], Int32[np.ndarray, " n"]]
"""Items of some rows, as `rank_rows` wants them: where each row begins, and the items."""

NO_ITEMS, NO_SCORES = np.empty(0, dtype=np.int32), np.empty(0, dtype=np.float32)


def ragged(histories: Histories | None, part: slice) -> Ragged:
    """The items of some histories for `rank_rows`; none for None."""
    if histories is None:
        return np.zeros(part.stop - part.start + 1, dtype=np.int64), NO_ITEMS
    return _plain(histories.take(part))[:2]


def empty_lists(
    rows: int, k: int
) -> tuple[Int32[np.ndarray, "rows k"], Float32[np.ndarray, "rows k"]]:
    """Lists without an item: -1 and -inf; refused if they cannot fit into memory."""
    require_memory(
        8 * rows * k, f"{rows:,} lists of {k:,} items", "use a smaller k, or fewer users"
    )
    return np.full((rows, k), -1, dtype=np.int32), np.full((rows, k), -np.inf, dtype=np.float32)


def rank(
    score: Score,
    histories: Histories,
    truth: Histories,
    n_items: int,
    k: int,
    *,
    exclude_seen: bool = True,
) -> Ranking:
    """Top-k lists for `histories`, compared with `truth`: the same users, row by row."""
    items, _ = top_items(score, histories, n_items, k, exclude_seen=exclude_seen)
    return Ranking.of(items, truth)
