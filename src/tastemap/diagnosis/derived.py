"""Numbers that several rules share, computed once a run from its evidence.

What is slow is measured on a sample of users, drawn by a fixed seed; the number of users is with
every number. AUC on training pairs and on held-out pairs come from one function and one set of
negatives: the items that the user neither used nor had held out.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
from scipy.sparse import csr_array

from tastemap.data.interactions import Histories, Interactions
from tastemap.data.splits import leave_last_out
from tastemap.diagnosis.evidence import Claim, Evidence, distinct
from tastemap.diagnosis.finding import NotApplicable
from tastemap.errors import InputError
from tastemap.metrics.auc import auc_per_user
from tastemap.metrics.ranking import TOPK
from tastemap.metrics.result import Estimate
from tastemap.recommend import Ranking, Score, rank, scored_blocks
from tastemap.seeding import stream
from tastemap.shapes import Bool, Float32, Float64

SAMPLE = 2_000
"""Users on which AUC is measured."""

UNTRAINED = ("Random", "Popularity")
"""Recipes that are yardsticks themselves."""


def once(compute: Callable[[Evidence], Any]) -> Callable[[Evidence], Any]:
    """Compute a value of an evidence once; it lives as long as the evidence."""
    known: WeakKeyDictionary[Evidence, Any] = WeakKeyDictionary()

    @wraps(compute)
    def remembered(e: Evidence) -> Any:
        if e not in known:
            known[e] = compute(e)
        return known[e]

    return remembered


def is_yardstick(e: Evidence) -> bool:
    """Whether the run is of a recipe that others are measured against."""
    return e.name.split(" ")[0].split("(")[0] in UNTRAINED


def require_no_yardstick(e: Evidence) -> None:
    """Leave out Random and Popularity: they are what others are compared with."""
    if is_yardstick(e):
        raise NotApplicable(f"{e.name} is a yardstick itself")


def depth(e: Evidence) -> int:
    """The k at which lists are judged: 10, or the whole list where it is shorter."""
    assert e.lists is not None
    return min(10, e.lists.shape[1])


@once
def ndcg(e: Evidence) -> Float64[np.ndarray, " users"]:
    """nDCG of each judged list."""
    if e.lists is None or e.truth is None:
        raise NotApplicable("the run does not say: lists, truth")
    if len(e.judged) == 0:
        raise NotApplicable("no list has a held-out item that the catalogue knows")
    return TOPK["ndcg"](e.ranking, depth(e))


def asked(e: Evidence, rows: np.ndarray) -> Histories:
    """What was known of the users of these rows; their training history where nothing is said."""
    if e.seen is not None:
        return e.seen.take(rows)
    if e.train is None or e.users is None:
        raise NotApplicable("the run does not say: seen, or train and users")
    return e.train.histories(e.users[rows])


def yardstick(e: Evidence, name: str) -> Float64[np.ndarray, " users"] | None:
    """nDCG of a yardstick for each judged row: as given, else counted from the training log."""
    for key, values in e.yardsticks.items():
        given = values.get(f"ndcg@{depth(e)}")
        if key != name or given is None or isinstance(given, Claim):
            continue
        if len(given) == len(e.judged):
            return given
        assert e.lists is not None
        if len(given) == len(e.lists):
            return given[e.judged]
    if name == "Popularity" and e.train is not None:
        return _ndcg_of(e, _by_counts(e.train))
    return None


@once
def popularity_ndcg(e: Evidence) -> Float64[np.ndarray, " users"]:
    """nDCG of the most popular items for each judged row."""
    found = yardstick(e, "Popularity")
    if found is None:
        raise NotApplicable("the run does not say how Popularity does, and has no training log")
    return found


def _by_counts(train: Interactions) -> Score:
    counts = train.item_counts().astype(np.float32)
    return lambda histories: np.tile(counts, (len(histories), 1))


def _ndcg_of(e: Evidence, score: Score) -> Float64[np.ndarray, " users"]:
    assert e.truth is not None
    assert e.train is not None
    truth = distinct(e.truth.take(e.judged))
    n_items = e.n_items or len(e.train.items)
    excluded = e.exclude_seen is not False
    ranking: Ranking = rank(
        score, asked(e, e.judged), truth, n_items, depth(e), exclude_seen=excluded
    )
    return TOPK["ndcg"](ranking, depth(e))


class Neighbours(NamedTuple):
    """What two simple models reach: items used together, and items used one after the other."""

    together: float
    after: float


@once
def simple_models(e: Evidence) -> Neighbours:
    """nDCG of two counting models on the judged rows (a sample of them)."""
    if e.train is None or e.truth is None or e.lists is None:
        raise NotApplicable("the run does not say: train, truth, lists")
    rows = sample(e.judged, SAMPLE)
    if len(rows) == 0:
        raise NotApplicable("no list has a held-out item that the catalogue knows")
    truth, shown = distinct(e.truth.take(rows)), asked(e, rows)
    n_items = e.n_items or len(e.train.items)
    reached = [
        Estimate.of(
            TOPK["ndcg"](
                rank(
                    score, shown, truth, n_items, depth(e), exclude_seen=e.exclude_seen is not False
                ),
                depth(e),
            )
        ).mean
        for score in (_together(e.train), _after(e.train))
    ]
    return Neighbours(*reached)


def _together(train: Interactions) -> Score:
    matrix = train.matrix().tocsc()
    matrix.data = np.ones_like(matrix.data)
    lengths = np.sqrt(np.maximum(np.diff(matrix.indptr), 1)).astype(np.float32)
    matrix.data /= np.repeat(lengths, np.diff(matrix.indptr))
    likeness = csr_array(matrix.T @ matrix)
    likeness.setdiag(0)

    def score(histories: Histories) -> Float32[np.ndarray, "rows items"]:
        shown = histories.matrix(len(train.items))
        shown.data = np.ones_like(shown.data)
        return (shown @ likeness).toarray().astype(np.float32)

    return score


def _after(train: Interactions) -> Score:
    histories = train.histories()
    n_items = len(train.items)
    first = np.ones(len(histories.items), dtype=bool)
    first[:-1] = np.diff(np.repeat(np.arange(len(histories)), histories.lengths)) == 0
    now = np.flatnonzero(first[:-1]) if len(first) else np.empty(0, dtype=np.int64)
    pairs = (histories.items[now], histories.items[now + 1])
    steps = csr_array((np.ones(len(now), np.float32), pairs), shape=(n_items, n_items))

    def score(asked: Histories) -> Float32[np.ndarray, "rows items"]:
        last = np.array([row[-1] if len(row) else -1 for row in map(asked.row, range(len(asked)))])
        found = np.zeros((len(asked), n_items), dtype=np.float32)
        found[last >= 0] = steps[last[last >= 0]].toarray()
        return found

    return score


def sample(rows: np.ndarray, n: int) -> np.ndarray:
    """At most n of these rows, drawn by a fixed seed, in their order."""
    if len(rows) <= n:
        return rows
    return np.sort(stream(0, "diagnosis", len(rows)).choice(rows, n, replace=False))


class Aucs(NamedTuple):
    """Exact AUC of each sampled user, of the model and of popularity, on both sides."""

    train: Float64[np.ndarray, " users"]
    test: Float64[np.ndarray, " users"]
    popular_train: Float64[np.ndarray, " users"]
    popular_test: Float64[np.ndarray, " users"]


@once
def aucs(e: Evidence) -> Aucs:
    """AUC on training pairs and on held-out pairs, with the same negatives.

    A sequence model tells what comes next, not what was used: its training pairs are the last
    events of training histories, asked for from those before them.
    """
    if e.score is None or e.train is None or e.truth is None or e.users is None:
        raise NotApplicable("the run does not say: score, train, truth, users")
    rows = sample(e.judged[e.users[e.judged] >= 0], SAMPLE)
    if len(rows) == 0:
        raise NotApplicable("no judged user has a training history")
    shown, truth = asked(e, rows), e.truth.take(rows)
    used = e.train.histories(e.users[rows])
    scores = e.score, _by_counts(e.train)
    n_items = e.n_items or len(e.train.items)
    try:
        model, popular = (_both_sides(score, shown, used, truth, n_items) for score in scores)
        if e.sequences is None:
            return Aucs(model[0], model[1], popular[0], popular[1])
        before, last = leave_last_out(e.train, validation=False).queries()
        some = sample(np.arange(len(before)), SAMPLE)
        before, last = before.take(some), last.take(some)
        (_, train), (_, counts) = (
            _both_sides(score, before, before, last, n_items) for score in scores
        )
    except InputError as error:
        raise NotApplicable(error.given) from error
    return Aucs(train, model[1], counts, popular[1])


def _both_sides(
    score: Score, shown: Histories, used: Histories, held: Histories, n_items: int
) -> tuple[Float64[np.ndarray, " users"], Float64[np.ndarray, " users"]]:
    """AUC of what was used and of what was held out, against what was neither."""
    sides = np.empty(len(shown)), np.empty(len(shown))
    for part, scores in scored_blocks(score, shown, n_items):
        out = _marks(held.take(part), n_items)
        there = _marks(used.take(part), n_items) & ~out
        known = _marks(shown.take(part), n_items) | there | out
        sides[0][part] = auc_per_user(scores, there, known & ~there)
        sides[1][part] = auc_per_user(scores, out, known & ~out)
    return sides


def _marks(histories: Histories, n_items: int) -> Bool[np.ndarray, "rows items"]:
    """Which items of the catalogue stand in each row."""
    marks = np.zeros((len(histories), n_items), dtype=bool)
    rows = np.repeat(np.arange(len(histories)), histories.lengths)
    known = histories.items >= 0
    marks[rows[known], histories.items[known]] = True
    return marks


class Paired(NamedTuple):
    """A mean difference over users and its standard error."""

    mean: float
    stderr: float
    users: int


def paired(one: Float64[np.ndarray, " users"], other: Float64[np.ndarray, " users"]) -> Paired:
    """The mean of one - other, user by user; a standard error of infinity for fewer than two."""
    found = Estimate.of(one - other)
    return Paired(found.mean, float("inf") if found.stderr is None else found.stderr, found.n)


def density(train: Interactions) -> float:
    """Share of the (user, item) pairs that are in the log."""
    users = np.count_nonzero(train.user_counts())
    items = np.count_nonzero(train.item_counts())
    return len(train.pairs()[0]) / max(int(users) * int(items), 1)


def mean(values: np.ndarray) -> float:
    """The mean of the defined values."""
    return Estimate.of(np.asarray(values, dtype=np.float64)).mean
