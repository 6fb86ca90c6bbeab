"""The claimed numbers, computed again from lists and truth, and what explains a difference.

The standard is the one of `tastemap.metrics.ranking`: every user with a known held-out item
counts, a missing or short list counts as misses, an item that stands twice counts once.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tastemap.diagnosis.claims import rounding, word_and_k
from tastemap.diagnosis.derived import once
from tastemap.diagnosis.evidence import Claim, Evidence
from tastemap.diagnosis.finding import NotApplicable
from tastemap.metrics import ranking as metrics
from tastemap.metrics.ranking import TOPK
from tastemap.recommend import Ranking
from tastemap.shapes import Bool, Float64, Int64

Values = Float64[np.ndarray, " users"]

STANDARD = "users with held-out items"


def need_lists(e: Evidence) -> None:
    """Refuse runs of which no list can be judged."""
    if len(e.judged) == 0:
        raise NotApplicable("no user has both a list and a held-out item that the catalogue knows")


def seen_of_rows(e: Evidence) -> Bool[np.ndarray, "rows k"]:
    """Which listed items stand in the history of their row's user, shape (rows, k)."""
    assert e.lists is not None
    assert e.seen is not None
    width = 2 + max(int(e.lists.max(initial=0)), int(e.seen.items.max(initial=0)))
    rows = np.arange(len(e.lists))[:, None]
    known = np.repeat(np.arange(len(e.seen)), e.seen.lengths) * width + e.seen.items
    return (e.lists >= 0) & np.isin(rows * width + e.lists, known)


def catalogue_size(e: Evidence) -> int:
    """How many items there are; where it is not said, as many as the codes tell of."""
    if e.n_items is not None:
        return e.n_items
    held = None if e.truth is None else e.truth.items
    return 1 + max(int(one.max(initial=0)) for one in (e.lists, held) if one is not None)


@once
def available(e: Evidence) -> Int64[np.ndarray, " rows"]:
    """How many items could be listed for each row: the catalogue, less what was seen."""
    assert e.lists is not None
    n = np.full(len(e.lists), catalogue_size(e), dtype=np.int64)
    if e.seen is None or e.exclude_seen is False:
        return n
    rows = np.repeat(np.arange(len(e.seen)), e.seen.lengths)
    pairs = np.sort(rows * (catalogue_size(e) + 1) + e.seen.items)  # np.unique takes far longer
    pairs = pairs[np.diff(pairs, prepend=-1) > 0]
    return n - np.bincount(pairs // (catalogue_size(e) + 1), minlength=len(n))


@dataclass(frozen=True)
class Skill:
    """Hits of the lists beside those of chance: `found`, and `expected` of random lists."""

    found: int
    expected: float

    @property
    def beyond_chance(self) -> bool:
        """Whether the lists clearly know something: 3 standard deviations and half as much more."""
        needed = max(1.5 * self.expected, self.expected + 3 * np.sqrt(self.expected))
        return bool(self.found >= 10 and self.found > needed)


@once
def skill(e: Evidence) -> Skill:
    """Hits of the lists, and how many random lists of the same lengths would have."""
    ranking = e.ranking
    listed = (ranking.items >= 0).sum(axis=1)
    expected = ranking.relevant * listed / np.maximum(available(e)[e.judged], 1)
    return Skill(int(ranking.hits.sum()), float(expected.sum()))


def values_of(ranking: Ranking, word: str, k: int) -> Values:
    """The standard values of a metric, one a judged user."""
    return TOPK[word](ranking, k)


def _ideal(width: int) -> Float64[np.ndarray, " n"]:
    return np.concatenate([[0], (1 / np.log2(np.arange(2, width + 2))).cumsum()])


def _per(part: np.ndarray, whole: np.ndarray) -> Values:
    return np.divide(part, whole, out=np.zeros(len(whole)), where=whole > 0)


def _hits(r: Ranking, k: int) -> Int64[np.ndarray, " users"]:
    return r.hits[:, :k].sum(axis=1)


def _listed(r: Ranking, k: int) -> Int64[np.ndarray, " users"]:
    return (r.items[:, :k] >= 0).sum(axis=1)


def _reached(r: Ranking, k: int) -> Values:
    hits = r.hits[:, :k]
    return (hits * hits.cumsum(axis=1) / np.arange(1, k + 1)).sum(axis=1)


def _flat_first(r: Ranking, k: int) -> Values:
    """NDCG with the discount of 2002, in which ranks 1 and 2 weigh the same."""
    discount = 1 / np.maximum(np.log2(np.arange(1, k + 1)), 1)
    best = np.concatenate([[0], discount.cumsum()])
    return _per(r.hits[:, :k] @ discount, best[np.minimum(r.relevant, k)])


def _exponential(r: Ranking, k: int) -> Values:
    """NDCG with gains of 2^weight - 1."""
    discount = 1 / np.log2(np.arange(2, k + 2))
    got, best = (2.0 ** side[:, :k].astype(np.float64) - 1 for side in (r.gains, r.ideal))
    return _per(got @ discount, best @ discount)


def _pooled(part: np.ndarray, whole: np.ndarray) -> Values:
    return np.full(len(part), part.sum() / max(whole.sum(), 1))


Convention = Callable[[Ranking, int], Values]

CONVENTIONS: dict[str, dict[str, Convention]] = {
    "precision": {
        "divided by the length of a short list, not by k": lambda r, k: _per(
            _hits(r, k), _listed(r, k)
        ),
        "divided by min(k, n)": metrics.recall_capped,
        "recall, under the name of precision": metrics.recall,
    },
    "recall": {
        "divided by min(k, n): recall_capped": metrics.recall_capped,
        "hits of all users by held-out items of all users": lambda r, k: _pooled(
            _hits(r, k), r.relevant
        ),
        "precision, under the name of recall": metrics.precision,
        "hit rate, under the name of recall": metrics.hit_rate,
    },
    "hit_rate": {
        "hits of all users by held-out items of all users": lambda r, k: _pooled(
            _hits(r, k), r.relevant
        ),
        "recall, under the name of hit rate": metrics.recall,
        "number of hits a user": lambda r, k: _hits(r, k).astype(np.float64),
    },
    "ndcg": {
        "weights as gains: ndcg_graded": metrics.ndcg_graded,
        "2^weight - 1 as gains": _exponential,
        "the ideal list always has k hits": lambda r, k: metrics.dcg(r, k) / _ideal(k)[k],
        "the ideal list holds the hits found only": lambda r, k: _per(
            metrics.dcg(r, k), _ideal(k)[_hits(r, k)]
        ),
        "ranks 1 and 2 weigh the same": _flat_first,
        "not divided by the ideal: dcg": metrics.dcg,
    },
    "map": {
        "divided by all held-out items: map_full": metrics.map_full,
        "divided by k": lambda r, k: _reached(r, k) / k,
        "divided by the hits found": lambda r, k: _per(_reached(r, k), _hits(r, k)),
    },
    "mrr": {
        "sum over all hits, not the first": lambda r, k: (r.hits[:, :k] / np.arange(1, k + 1)).sum(
            axis=1
        ),
    },
}
"""Other formulas that go by the same names, in words."""


@once
def denominators(e: Evidence) -> dict[str, tuple[Bool[np.ndarray, " users"], int]]:
    """Whom a mean may be over: the judged users that count, and by how many the sum is divided."""
    assert e.lists is not None
    assert e.truth is not None
    everybody = np.ones(len(e.judged), dtype=bool)
    hit = np.asarray(e.ranking.hits.any(axis=1))
    listed = np.asarray((e.ranking.items >= 0).any(axis=1))
    asked = int((e.truth.lengths > 0).sum())
    found: dict[str, tuple[np.ndarray, int]] = {
        STANDARD: (everybody, len(everybody)),
        "all users, those without held-out items counted as 0": (everybody, len(e.lists)),
        "users with held-out items, those unknown to the catalogue included": (everybody, asked),
        "users with at least one hit": (hit, int(hit.sum())),
        "users who have a list": (listed, int(listed.sum())),
    }
    for k in sorted({k for _, k in map(word_and_k, e.claims) if k is not None}):
        early = np.asarray(e.ranking.hits[:, :k].any(axis=1))
        found[f"users with a hit among the first {k}"] = (early, int(early.sum()))
    if e.users is not None:
        met = e.users[e.judged] >= 0
        found["users who are in train"] = (met, int(met.sum()))
    if e.train is not None:
        users = int((e.train.user_counts() > 0).sum())
        found["all users of train, whether asked about or not"] = (everybody, users)
    return found


def mean_over(values: Values, whom: tuple[np.ndarray, int]) -> float:
    """The mean of values over some denominator; users without a value are in none."""
    kept, number = whom
    undefined = np.isnan(values)
    return float(values[kept & ~undefined].sum()) / max(number - int(undefined.sum()), 1)


@dataclass(frozen=True)
class Mismatch:
    """A claim that is not what lists and truth give.

    Parameters
    ----------
    metric, claimed, found
        The claim and the standard value.
    over
        The denominators under which the claim would be right.
    convention
        Another formula of that name under which the claim would be right, or None.
    """

    metric: str
    claimed: float
    found: float
    over: tuple[str, ...]
    convention: str | None


@dataclass(frozen=True)
class Recomputed:
    """All claims that could be computed again: how many there are, and those that differ."""

    checked: tuple[str, ...]
    mismatches: tuple[Mismatch, ...]

    @property
    def over(self) -> str | None:
        """The denominator that explains every difference that no other formula explains."""
        open_ = [one for one in self.mismatches if one.convention is None]
        shared = [o for o in open_[0].over if all(o in m.over for m in open_)] if open_ else []
        return shared[0] if shared else None


def claims_of_lists(e: Evidence) -> dict[str, Claim]:
    """Claims that lists and truth can confirm: full ranking, of these users, k within the lists."""
    assert e.lists is not None
    k = e.lists.shape[1]
    fitting = {}
    for name, claim in e.claims.items():
        word, at = word_and_k(name)
        known = word in TOPK and at is not None and at <= k
        if known and claim.sampled is None and np.isfinite(claim.mean):
            fitting[name] = claim
    return fitting


@once
def recomputed(e: Evidence) -> Recomputed:
    """Every claim of lists beside its own value."""
    need_lists(e)
    claims = claims_of_lists(e)
    within = 1.01 * rounding(claim.mean for claim in claims.values())
    sizes = {number for _, number in denominators(e).values()}
    mismatches, checked = [], []
    for name, claim in claims.items():
        if claim.users is not None and claim.users not in sizes:
            continue  # a mean over other users: `wrong_users` tells
        checked.append(name)
        word, k = word_and_k(name)
        assert k is not None
        values = values_of(e.ranking, word, k)
        found = mean_over(values, denominators(e)[STANDARD])
        if abs(found - claim.mean) <= within:
            continue
        over = tuple(
            said
            for said, whom in denominators(e).items()
            if abs(mean_over(values, whom) - claim.mean) <= within
        )
        convention = None if over else _convention(e, word, k, claim.mean, within)
        mismatches.append(Mismatch(name, claim.mean, found, over, convention))
    return Recomputed(tuple(checked), tuple(mismatches))


def _convention(e: Evidence, word: str, k: int, claimed: float, within: float) -> str | None:
    for said, formula in CONVENTIONS.get(word, {}).items():
        value = mean_over(formula(e.ranking, k), denominators(e)[STANDARD])
        if abs(value - claimed) <= within:
            return said
    return None
