"""Do two tables of vectors say the same? Two seeds, two halves of the users, last week and this."""

from dataclasses import asdict, dataclass
from math import comb
from textwrap import fill
from typing import Any

import numpy as np
from scipy.linalg import svdvals

from tastemap.contracts import HasVectors, Model, Recipe
from tastemap.data.interactions import Interactions
from tastemap.errors import InputError, UsageError, require_k
from tastemap.maps.agreement import users_of_items
from tastemap.maps.inputs import examined, require_sample
from tastemap.maps.neighbours import Similarity, nearest, require_similarity
from tastemap.maps.thresholds import Light, Reading, Threshold, read_all, worst
from tastemap.seeding import stream
from tastemap.shapes import Bool, Float, Float64, Int32, Int64

STABLE: dict[str, Threshold] = {"agreement": Threshold(0.05, 0.02, "below")}
"""Where lights turn: trained models of two seeds agreed by .054 or more on worlds with taste, where
whole groups are interchangeable; after two epochs by .039 or less, random tables by .03."""


@dataclass(frozen=True, kw_only=True)
class Stability:
    """How far two tables of vectors agree on what is near what.

    Parameters
    ----------
    items, compared, k, similarity
        Items in both, how many of them neighbours were found for, and what was asked.
    jaccard
        Mean over items of the overlap of both lists of neighbours over their union, 0 to 1.
    jaccard_chance
        Its exact expectation for lists drawn by chance, about k / 2n.
    agreement
        (jaccard - chance) / (1 - chance): 0 is chance, 1 is equal lists.
    cka
        Linear centred kernel alignment, 0 to 1 (Kornblith et al., ICML 2019); None where all
        vectors of a table are equal.
    disparity
        What is left of one table after the best shift, scale and rotation of the other onto it,
        0 (none) to 1 (Procrustes); None likewise.
    """

    items: int
    compared: int
    k: int
    similarity: str
    jaccard: float
    jaccard_chance: float
    agreement: float
    cka: float | None
    disparity: float | None

    @property
    def readings(self) -> tuple[Reading, ...]:
        """The judged number with its light."""
        return read_all(STABLE, vars(self), {})

    @property
    def light(self) -> Light | None:
        """The light of the agreement beyond chance."""
        return worst(self.readings)

    @property
    def verdict(self) -> str:
        """One sentence in plain words."""
        share = (
            f"{100 * self.jaccard:.0f} % of neighbours (chance: {100 * self.jaccard_chance:.1f} %)"
        )
        if self.light == "good":
            return f"Both tables agree: their lists share {share}."
        return f"The tables disagree on what is near what: their lists share {share}."

    def to_json(self) -> dict[str, Any]:
        """All numbers, the light and the verdict, as plain values."""
        return {"verdict": self.verdict, "light": self.light, **asdict(self)}

    def __str__(self) -> str:
        numbers = {
            "neighbours in common": self.jaccard,
            "by chance": self.jaccard_chance,
            "beyond chance": self.agreement,
            "linear CKA": self.cka,
            "Procrustes disparity": self.disparity,
        }
        head = (
            f"{self.compared:,} of {self.items:,} items, {self.k} neighbours by {self.similarity}"
        )
        shown = [
            f"{name:22}" + ("-" if value is None else f"{value:.3f}")
            for name, value in numbers.items()
        ]
        return "\n".join([fill(self.verdict, 78), "", head, *shown])


def stability(
    a: HasVectors | np.ndarray,
    b: HasVectors | np.ndarray,
    *,
    min_events: int = 5,
    k: int = 10,
    similarity: Similarity = "cosine",
    sample: int = 20_000,
    seed: int = 0,
) -> Stability:
    """Compare two tables of item vectors that may differ by rotation, scale and dimensions.

    Parameters
    ----------
    a, b
        Models, whose items are matched by their ids, or arrays with a row for the same items.
    min_events
        Items that fewer users used in the log of either model are left out.
    k, similarity, sample, seed
        As in `health`.

    Raises
    ------
    InputError
        Tables that do not hold the same items, or too few of them.

    Examples
    --------
    >>> one = stream(0, "one").standard_normal((200, 8))
    >>> turned = one[:, ::-1] * 3
    >>> found = stability(one, turned)
    >>> found.jaccard, round(found.cka, 3), abs(round(found.disparity, 3))
    (1.0, 1.0, 0.0)
    """
    require_k(k)
    require_similarity(similarity)
    require_sample(sample, k)
    rows_a, rows_b = _matched(a, b, min_events)
    first, second = examined(a).items[rows_a], examined(b).items[rows_b]
    if len(first) <= k:
        raise InputError(
            f"{len(first)} items in both tables for k={k} neighbours",
            f"{k + 1} items or more that both logs know (min_events={min_events})",
            "pass a smaller k or min_events, or compare models of the same catalogue",
        )
    chosen = np.arange(len(first))
    if len(first) > sample:
        drawn = stream(seed, "stability", "items").choice(len(first), sample, replace=False)
        chosen = np.sort(drawn)
    lists = [nearest(table[chosen], k, similarity=similarity)[0] for table in (first, second)]
    jaccard, chance = mean_jaccard(*lists), chance_jaccard(len(chosen), k)
    cka, disparity = _alike(first, second)
    return Stability(
        items=len(first),
        compared=len(chosen),
        k=k,
        similarity=similarity,
        jaccard=jaccard,
        jaccard_chance=chance,
        agreement=(jaccard - chance) / (1 - chance) if chance < 1 else 1.0,
        cka=cka,
        disparity=disparity,
    )


def split_half(recipe: Recipe, train: Interactions, *, seed: int = 0, **asked: Any) -> Stability:
    """Fit a recipe on each half of the users and compare: what other users would move.

    Parameters
    ----------
    recipe, train
        What is fitted, on what.
    seed
        Deals out the users; the fits take it and the next one.
    asked
        Handed on to `stability`.

    Examples
    --------
    >>> from tastemap import ALS, synthetic
    >>> split_half(ALS(factors=8), synthetic.taste_groups(users=600)).light
    'good'
    """
    first = np.zeros(len(train.users), dtype=bool)
    order = stream(seed, "stability", "users").permutation(len(first))
    first[order[: len(first) // 2]] = True
    halves = [train[first[train.user]], train[~first[train.user]]]
    # Seeds of their own: from one start, untrained vectors would agree.
    one, other = (recipe.fit(half, seed=seed + place) for place, half in enumerate(halves))
    return stability(_with_vectors(one), _with_vectors(other), seed=seed, **asked)


def mean_jaccard(a: Int32[np.ndarray, "n k"], b: Int32[np.ndarray, "n k"]) -> float:
    """Mean over rows of the size of both lists' overlap over that of their union.

    >>> mean_jaccard(np.array([[1, 2]], dtype=np.int32), np.array([[2, 3]], dtype=np.int32))
    0.3333333333333333
    """
    n, k = a.shape
    width = 1 + max(int(a.max()), int(b.max()))
    rows = np.arange(n)[:, None] * width
    same = np.isin(rows + a, rows + b).sum(axis=1)
    return float((same / (2 * k - same)).mean())


def chance_jaccard(n: int, k: int) -> float:
    """Expected Jaccard overlap of two lists of k, drawn by chance from n - 1 others; exact.

    >>> chance_jaccard(3, 1)  # one of two others: the same one in half of the cases
    0.5
    """
    ways = comb(n - 1, k)
    return sum(
        comb(k, same) * comb(n - 1 - k, k - same) / ways * same / (2 * k - same)
        for same in range(1, k + 1)
    )


def _matched(
    a: Any, b: Any, min_events: int
) -> tuple[Int64[np.ndarray, " n"], Int64[np.ndarray, " n"]]:
    """Rows of both tables that stand for the same items, used enough in both logs."""
    one, other = examined(a), examined(b)
    if one.train is not None and other.train is not None:
        ids = other.train.items
        places = ids.encode(one.train.items.ids.tolist())
        enough = _used_enough(one.train, min_events) & (places >= 0)
        enough[enough] = _used_enough(other.train, min_events)[places[enough]]
        return np.flatnonzero(enough), places[enough].astype(np.int64)
    if len(one.items) != len(other.items):
        raise InputError(
            f"tables of {len(one.items):,} and {len(other.items):,} rows",
            "two models, or two tables with a row for each of the same items",
            "keep the rows of the items that both know, in one order",
        )
    enough = np.ones(len(one.items), dtype=bool)
    for side in (one, other):
        if side.train is not None:
            enough &= _used_enough(side.train, min_events)
    return np.flatnonzero(enough), np.flatnonzero(enough)


def _used_enough(train: Interactions, min_events: int) -> Bool[np.ndarray, " items"]:
    return np.diff(users_of_items(train).indptr) >= min_events


def _alike(
    a: Float[np.ndarray, "n d"], b: Float[np.ndarray, "n _"]
) -> tuple[float | None, float | None]:
    """Linear CKA and Procrustes disparity of two centred tables."""
    one, other = (_centred(table) for table in (a, b))
    if one is None or other is None:
        return None, None
    cross = one.T @ other
    sizes = np.linalg.norm(one.T @ one) * np.linalg.norm(other.T @ other)
    overlap = float(svdvals(cross).sum())
    return float((cross**2).sum() / sizes), max(1 - overlap**2, 0.0)


def _centred(table: Float[np.ndarray, "n d"]) -> Float64[np.ndarray, "n d"] | None:
    """Mean 0 and total sum of squares 1; None where all rows are equal."""
    off = table.astype(np.float64) - table.mean(axis=0, dtype=np.float64)
    size = float(np.linalg.norm(off))
    return off / size if size > 1e-12 * float(np.linalg.norm(table)) else None


def _with_vectors(model: Model) -> HasVectors:
    if isinstance(model, HasVectors):
        return model
    raise UsageError(
        f"{model.recipe.name} has no item vectors",
        "a recipe of a factor model (ALS, BPR, SVD)",
        "compare a factor model",
    )
