"""AUC and ROC over the whole catalogue, exact, with ties counted as half.

The AUC is the chance that a held-out item (a positive) scores higher than an item that the user
has neither used nor had held out (a negative). Seen items are neither and take no part. Scores
only compare: any increasing function of them gives the same AUC.

`auc_per_user` and `auc_global` differ: the first compares items of the same user and averages
over users; the second pools all (user, item) pairs and so also rewards a model that scores busy
users higher.
"""

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from tastemap.data.interactions import Histories
from tastemap.errors import InputError
from tastemap.kernels.auc import count_between, edge_table, pairs_won
from tastemap.kernels.ranking import count_rows, rank_rows
from tastemap.kernels.workers import n_threads
from tastemap.memory import require_memory
from tastemap.recommend import NO_ITEMS, Score, each_block, empty_lists, ragged
from tastemap.shapes import Bool, Float, Float32, Float64, Int64

Marks = Histories | np.ndarray
"""Which items of each row: ragged item codes, or a boolean array shaped like the scores."""


class Roc(NamedTuple):
    """The corners of a ROC curve, from (0, 0) to (1, 1).

    Parameters
    ----------
    fpr
        Shape (n,): share of the negatives that score at least the threshold; never falls.
    tpr
        Shape (n,): share of the positives that do; never falls.
    thresholds
        Shape (n,): the threshold of each corner, falling from infinity.
    """

    fpr: Float64[np.ndarray, " n"]
    tpr: Float64[np.ndarray, " n"]
    thresholds: Float64[np.ndarray, " n"]


@dataclass(frozen=True, eq=False)
class Pooled:
    """All positives of all users, and the negatives counted between them.

    Its size depends on the number of positives alone, so the pairs of users and items are
    streamed past it.

    Parameters
    ----------
    edges
        Shape (n,): the distinct scores of positives, increasing.
    positives
        Shape (n,): how many positives have that score.
    negatives
        Shape (2 n + 1,): entry 2 j + 1 counts the negatives at edge j, entry 2 j those between
        edge j - 1 and edge j.
    """

    edges: Float[np.ndarray, " n"]
    positives: Int64[np.ndarray, " n"]
    negatives: Int64[np.ndarray, " 2*n+1"]

    @classmethod
    def of(cls, scores: Float[np.ndarray, " positives"]) -> "Pooled":
        """Start from the scores of all positives."""
        edges, counts = np.unique(scores, return_counts=True)
        none = np.zeros(2 * len(edges) + 1, dtype=np.int64)
        return cls(edges, counts.astype(np.int64), none)

    def add(self, negatives: Float[np.ndarray, "rows items"]) -> "Pooled":
        """The same with these negatives counted; -inf marks what is none."""
        return replace(self, negatives=self.negatives + count_between(negatives, self.edges))

    def auc(self) -> float:
        """Global AUC; NaN without any positive or negative."""
        pairs = int(self.positives.sum()) * int(self.negatives.sum())
        if pairs == 0:
            return float("nan")
        above = self.positives.sum() - np.concatenate([[0], self.positives.cumsum()])
        twice_won = 2 * int(self.negatives[0::2] @ above)
        twice_won += int(self.negatives[1::2] @ (above[:-1] + above[1:]))
        return twice_won / (2 * pairs)

    def roc(self) -> Roc:
        """Every corner of the curve; negatives at a positive's score make a diagonal."""
        # Walk down from the highest score. A stop after each bin of negatives: those between two
        # edges go by alone, those at an edge together with its positives.
        false = np.concatenate([[0], self.negatives[::-1].cumsum()])
        true = np.zeros_like(false)
        true[2::2] = self.positives[::-1].cumsum()
        true[3::2] = true[2:-1:2]
        # The lowest score that is still above an edge admits all that lie between it and the next.
        edges = self.edges[::-1]
        stops = np.empty(len(false))
        stops[0] = np.inf
        stops[2::2] = edges
        stops[1:-1:2] = np.nextafter(edges, np.asarray(np.inf, dtype=edges.dtype))
        stops[-1] = -np.inf
        moved = np.concatenate([[True], (np.diff(false) > 0) | (np.diff(true) > 0)])
        false, true, stops = false[moved], true[moved], stops[moved]
        run, rise = np.diff(false), np.diff(true)
        turns = run[1:] * rise[:-1] != run[:-1] * rise[1:]
        corner = np.concatenate([[True], turns, [True]])
        return Roc(false[corner] / false[-1], true[corner] / true[-1], stops[corner])


def auc_per_user(
    scores: np.ndarray, relevant: Marks, seen: Marks | None = None
) -> Float64[np.ndarray, " rows"]:
    """Exact AUC of each row: P(score of a positive > score of a negative), ties count half.

    AUC = (pairs won + pairs tied / 2) / (positives × negatives), over all items that are not
    seen. 0 to 1; 1/2 for a scorer that knows nothing.

    Parameters
    ----------
    scores
        Shape (rows, items), finite; one row of scores, shape (items,), will do.
    relevant, seen
        The positives, and what takes no part: `Histories` of item codes, or boolean arrays shaped
        like `scores`. No item may be both.

    Returns
    -------
    Shape (rows,); NaN where a row has no positive or no negative: leave those out of a mean.

    Errors
    ------
    InputError
        For scores that are not finite, shapes that do not fit, an item both relevant and seen.

    Source: Hanley and McNeil, Radiology 1982; Rendle et al., UAI 2009.

    >>> scores = np.array([.9, .7, .6, .4, .8])                            # A B X Y Z
    >>> auc_per_user(scores, np.array([True, True, False, False, False]))  # 5 of 6 pairs
    array([0.83333333])
    """
    negatives, starts, positives = _taken_apart(scores, relevant, seen)
    return auc_of_counts(*pairs_won(negatives, starts, positives), np.diff(starts))


def auc_global(scores: np.ndarray, relevant: Marks, seen: Marks | None = None) -> float:
    """Exact AUC over all (row, item) pairs pooled; ties count half; arguments of `auc_per_user`.

    Errors
    ------
    InputError
        As `auc_per_user`, and where there is no positive or no negative at all.

    Source: Hanley and McNeil 1982; the same number as scikit-learn's `roc_auc_score`.

    >>> auc_global(np.array([[.9, .1], [.3, .2]]), np.array([[True, False], [False, True]]))
    0.75
    """
    return _pooled(scores, relevant, seen).auc()


def roc_curve(scores: np.ndarray, relevant: Marks, seen: Marks | None = None) -> Roc:
    """ROC curve over all (row, item) pairs pooled: share of positives found against false alarms.

    TPR = positives that score at least the threshold / positives; FPR = negatives that do /
    negatives. Only corners are returned; straight lines between them are the curve, and the area
    under it is `auc_global`. Arguments and errors are those of `auc_global`.

    Source: Fawcett, An introduction to ROC analysis, Pattern Recognition Letters 2006.

    >>> curve = roc_curve(np.array([.9, .7, .6, .7]), np.array([True, True, False, False]))
    >>> curve.fpr, curve.tpr                                    # .7 ties: a diagonal
    (array([0. , 0. , 0.5, 1. ]), array([0. , 0.5, 1. , 1. ]))
    """
    return _pooled(scores, relevant, seen).roc()


def pool(
    score: Score, histories: Histories, truth: Histories, n_items: int, *, exclude_seen: bool = True
) -> Pooled:
    """Pooled counts of a model's scores, streamed: scores are computed twice, and not kept.

    The first pass collects the scores of the positives, the second counts the negatives between
    them. With `exclude_seen`, items of the history are no negatives.
    """
    seen = histories if exclude_seen else None
    positives = np.empty(len(truth.items), dtype=np.float32)
    ties = np.zeros(n_items, dtype=np.int32)
    none = np.zeros(0, dtype=np.int64)

    def visit(part: slice, scores: Float32[np.ndarray, "rows items"]) -> int:
        # Lists of length 0, no pairs counted: what is left are the scores of the positives.
        lists = empty_lists(part.stop - part.start, 0)
        mine = positives[truth.starts[part.start] : truth.starts[part.stop]]
        given = (ragged(seen, part), ragged(truth, part), NO_ITEMS, ties)
        return rank_rows(scores, *given, lists, (none, none), mine)

    each_block(score, histories, n_items, visit)
    return count_negatives(Pooled.of(positives), score, histories, truth, seen, n_items)


def count_negatives(
    pooled: Pooled,
    score: Score,
    histories: Histories,
    truth: Histories,
    seen: Histories | None,
    n_items: int,
) -> Pooled:
    """The same with all pairs counted that are neither seen nor held out, in one pass."""
    require_memory(
        n_threads() * pooled.negatives.nbytes,
        f"the pooled AUC of {len(pooled.edges):,} different scores",
        "leave auc_global out, or use fewer threads",
    )
    table = edge_table(pooled.edges)
    idle: list[np.ndarray] = []  # counts that no thread is adding to now

    def visit(part: slice, scores: Float32[np.ndarray, "rows items"]) -> None:
        counts = idle.pop() if idle else np.zeros_like(pooled.negatives)
        count_rows(scores, ragged(seen, part), ragged(truth, part), *table, counts)
        idle.append(counts)

    each_block(score, histories, n_items, visit)
    return replace(pooled, negatives=pooled.negatives + sum(idle))


def auc_of_counts(
    twice_won: Int64[np.ndarray, " rows"],
    negatives: Int64[np.ndarray, " rows"],
    positives: Int64[np.ndarray, " rows"],
) -> Float64[np.ndarray, " rows"]:
    """AUC of each row from twice the pairs won and the numbers of both; NaN without a pair."""
    pairs = negatives * positives
    undefined = np.full(len(pairs), np.nan)
    return np.divide(twice_won, 2 * pairs, out=undefined, where=pairs > 0)


def _pooled(scores: np.ndarray, relevant: Marks, seen: Marks | None) -> Pooled:
    negatives, _, positives = _taken_apart(scores, relevant, seen)
    pooled = Pooled.of(positives).add(negatives)
    if pooled.positives.sum() * pooled.negatives.sum() == 0:
        raise InputError(
            f"{pooled.positives.sum()} positives and {pooled.negatives.sum()} negatives",
            "at least one of each",
            "check that relevant marks the held-out items, and seen not all the others",
        )
    return pooled


def _taken_apart(
    scores: np.ndarray, relevant: Marks, seen: Marks | None
) -> tuple[np.ndarray, Int64[np.ndarray, " n"], np.ndarray]:
    """Scores with -inf where there is no negative, and the ragged scores of the positives."""
    block = np.atleast_2d(_floats(scores))
    if block.ndim != 2 or not np.isfinite(block).all():
        what = f"scores of shape {np.shape(scores)}"
        raise InputError(
            what if block.ndim != 2 else f"{what} that are not all finite",
            "finite scores of shape (rows, items) or (items,)",
            "pass one row a user; leave items out through seen, not through -inf or NaN",
        )
    positive = _marked("relevant", relevant, block.shape)
    if seen is not None:
        barred = _marked("seen", seen, block.shape)
        both = np.argwhere(positive & barred)
        if len(both):
            raise InputError(
                f"row {both[0][0]}: item {both[0][1]} is both relevant and seen",
                "relevant and seen without a shared item",
                "take the held-out items out of seen",
            )
        block[barred] = -np.inf
    starts = np.concatenate([[0], positive.sum(axis=1).cumsum()]).astype(np.int64)
    positives = block[positive]
    block[positive] = -np.inf
    return block, starts, positives


def _floats(scores: Any) -> np.ndarray:
    """A copy as float32 or float64, in which no two different scores become equal."""
    array = np.asarray(scores)
    return array.astype(np.float32 if array.dtype == np.float32 else np.float64, order="C")


def _marked(name: str, marks: Marks, shape: tuple[int, ...]) -> Bool[np.ndarray, "rows items"]:
    if isinstance(marks, Histories):
        fits = len(marks) == shape[0] and _codes_fit(marks, shape[1])
        given = f"{len(marks)} rows of codes up to {marks.items.max(initial=-1)}"
    else:
        array = np.atleast_2d(marks)
        fits = array.shape == shape and array.dtype == bool
        given = f"an array of {array.dtype}, shape {array.shape}"
    if not fits:
        raise InputError(
            f"{name}: {given}, for scores of shape {shape}",
            "a boolean array shaped like the scores, or Histories with a row of item codes a row",
            f"make {name} from the same users and items as the scores",
        )
    if not isinstance(marks, Histories):
        return array
    mask = np.zeros(shape, dtype=bool)
    mask[np.repeat(np.arange(len(marks)), marks.lengths), marks.items] = True
    return mask


def _codes_fit(marks: Histories, n_items: int) -> bool:
    return bool(((marks.items >= 0) & (marks.items < n_items)).all())
