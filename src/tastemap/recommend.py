"""From scores to lists: mask what was seen, pick the k best, compare with what was held out.

There is one mask and one order of ties, used by `model.recommend` and by every metric alike.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Int32, Int64

from tastemap.data.interactions import Histories
from tastemap.errors import InputError, require_k
from tastemap.kernels.topk import top_k
from tastemap.seeding import stream

Score = Callable[[Histories], Float32[np.ndarray, "rows items"]]
"""Scores of every item for every history; finite, higher is better."""

BLOCK_BYTES = 32 << 20
"""Scores are computed for so many users at a time that a block takes about this many bytes."""


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
        users, k = items.shape
        if users != len(truth):
            raise InputError(
                f"{users} lists and {len(truth)} rows of held-out items",
                "one list a row of held-out items, the same users in the same order",
                "take both from the same split.queries(part)",
            )
        rows = np.repeat(np.arange(users), truth.lengths)
        # One number a (user, item) pair, so that all lists are looked up in one search.
        width = 1 + max(int(items.max(initial=0)), int(truth.items.max(initial=0)))
        held = rows * width + truth.items
        order = np.argsort(held, kind="stable")
        listed = np.where(items >= 0, np.arange(users)[:, None] * width + items, -1)
        if len(held):
            at = np.minimum(np.searchsorted(held[order], listed), len(held) - 1)
            hits = held[order][at] == listed
            gains = np.where(hits, truth.weight[order][at], 0).astype(np.float32)
        else:
            hits = np.zeros((users, k), dtype=bool)
            gains = np.zeros((users, k), dtype=np.float32)
        ideal = np.zeros((users, k), dtype=np.float32)
        by_weight = np.lexsort((-truth.weight, rows))
        place = np.arange(len(rows)) - np.repeat(truth.starts[:-1], truth.lengths)
        kept = place < k
        ideal[rows[kept], place[kept]] = truth.weight[by_weight][kept]
        return cls(items, hits, truth.lengths, gains, ideal)


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
    rows = max(1, BLOCK_BYTES // (4 * max(n_items, 1)))
    for start in range(0, len(histories), rows):
        part = slice(start, min(start + rows, len(histories)))
        scores = np.array(score(histories.take(part)), dtype=np.float32, order="C")
        if scores.shape != (part.stop - part.start, n_items):
            raise InputError(
                f"scores of shape {scores.shape} for {part.stop - part.start} histories",
                f"shape ({part.stop - part.start}, {n_items}): a row a history, a column an item",
                "let score return one number for every item of the catalogue",
            )
        if not np.isfinite(scores).all():
            bad = part.start + int(np.flatnonzero(~np.isfinite(scores).all(axis=1))[0])
            raise InputError(
                f"scores that are not finite, first in history {bad}",
                "finite scores only (no NaN, no infinity)",
                "look at the model's training log: it may have diverged (lower learning_rate, "
                "raise reg)",
            )
        yield part, scores


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
    require_k(k)
    items = np.full((len(histories), k), -1, dtype=np.int32)
    values = np.full((len(histories), k), -np.inf, dtype=np.float32)
    ties = tie_order(n_items)
    barred = np.ones(n_items, dtype=bool)
    if candidates is not None:
        barred[candidates] = False
    for part, scores in scored_blocks(score, histories, n_items):
        if exclude_seen:
            mask_seen(scores, histories.take(part))
        if candidates is not None:
            scores[:, barred] = -np.inf
        items[part], values[part] = top_k(scores, ties, k)
    return items, values


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
