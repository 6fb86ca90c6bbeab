"""Metrics of what is recommended, whether anybody wanted it or not.

Some describe each user's list (`novelty`, `popularity`: one value a user), some all lists
together (`coverage`, `gini`, `personalisation`: one number). A high value is not always good;
each says what it counts.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tastemap.data.interactions import Interactions
from tastemap.errors import UsageError, require_k
from tastemap.recommend import Ranking
from tastemap.shapes import Float64, Int32, Int64


@dataclass(frozen=True, eq=False)
class Audience:
    """How many people used each item before: what novelty is measured against.

    Parameters
    ----------
    counts
        Shape (items,): number of users who used each item; 0 for an item that nobody used.
    users
        Number of users with at least one event.

    Examples
    --------
    >>> log = Interactions.of([("ann", "tea"), ("bob", "tea"), ("bob", "milk"), ("bob", "tea")])
    >>> Audience.of(log).counts                            # milk, tea: people, not events
    array([1, 2])
    """

    counts: Int64[np.ndarray, " items"]
    users: int

    @classmethod
    def of(cls, train: Interactions) -> "Audience":
        """Count the users of a log; repeated events of a pair count once."""
        pairs, _ = train.pairs()
        counts = np.bincount(pairs % max(len(train.items), 1), minlength=len(train.items))
        return cls(counts.astype(np.int64), int(np.count_nonzero(train.user_counts())))


Catalogue = Callable[[Ranking, int, Audience], Float64[np.ndarray, " users"] | float]
"""A metric at k of lists and the items' audience: one value a user, or one number."""

EXAMPLE = Ranking(
    items=np.array([[0, 1], [0, 2]], dtype=np.int32),
    hits=np.zeros((2, 2), dtype=bool),
    relevant=np.array([1, 1]),
    gains=np.zeros((2, 2), dtype=np.float32),
    ideal=np.zeros((2, 2), dtype=np.float32),
)
"""Two users, shown items 0, 1 and 0, 2 of a catalogue of 4."""

EXAMPLE_AUDIENCE = Audience(np.array([4, 2, 1, 1]), users=4)


def coverage(ranking: Ranking, k: int, audience: Audience) -> float:
    """Share of the catalogue that stands in at least one list; 0 to 1.

    Source: Herlocker et al., Evaluating collaborative filtering, TOIS 2004; Ge, Delgado-Battenfeld
    and Jannach, Beyond accuracy, RecSys 2010.

    >>> coverage(EXAMPLE, 2, EXAMPLE_AUDIENCE)                             # items 0, 1, 2 of 4
    0.75
    """
    return float((_listed(ranking, k, audience) > 0).mean())


def gini(ranking: Ranking, k: int, audience: Audience) -> float:
    """How unequally the places are spread over the catalogue: 0 all alike, towards 1 one takes all.

    G = Σ_i (2 i - n - 1) x_i / (n Σ_i x_i) with x_i the number of lists that item i stands in, in
    increasing order, i = 1 … n; 0 to 1 - 1/n. Items in no list count. NaN where nothing is listed.
    Source: Fleder and Hosanagar, Blockbuster culture's next rise or fall, Management Science 2009.

    >>> gini(EXAMPLE, 2, EXAMPLE_AUDIENCE)                 # (-3·0 - 1·1 + 1·1 + 3·2) / (4·4)
    0.375
    """
    listed = np.sort(_listed(ranking, k, audience))
    n = len(listed)
    if listed.sum() == 0:
        return float("nan")
    return float((2 * np.arange(1, n + 1) - n - 1) @ listed / (n * listed.sum()))


def personalisation(ranking: Ranking, k: int, audience: Audience) -> float:
    """How different two users' lists are: 1 - mean over pairs of (shared items / k); 0 to 1.

    0 if everybody gets the same full list. NaN for fewer than two users. Source: Zhou et al.,
    Solving the apparent diversity-accuracy dilemma of recommender systems, PNAS 2010.

    >>> personalisation(EXAMPLE, 2, EXAMPLE_AUDIENCE)                      # 1 - 1/2
    0.5
    """
    listed = _listed(ranking, k, audience)
    users = len(ranking.items)
    if users < 2:
        return float("nan")
    return float(1 - (listed * (listed - 1)).sum() / (k * users * (users - 1)))


def novelty(ranking: Ranking, k: int, audience: Audience) -> Float64[np.ndarray, " users"]:
    """Mean surprise of the listed items, in bits: -log2(users of the item / all users).

    0 (everybody knows it) to log2(users). An item that nobody used counts as used by one. NaN for
    an empty list. Source: Zhou et al., PNAS 2010.

    >>> novelty(EXAMPLE, 2, EXAMPLE_AUDIENCE)                      # (0 + 1) / 2, (0 + 2) / 2 bits
    array([0.5, 1. ])
    """
    surprise = -np.log2(np.maximum(audience.counts, 1) / max(audience.users, 1))
    return _mean_over_list(ranking, k, audience, surprise)


def popularity(ranking: Ranking, k: int, audience: Audience) -> Float64[np.ndarray, " users"]:
    """Mean share of all users who used the listed items before; 0 to 1; NaN for an empty list.

    Source: Abdollahpouri, Burke and Mobasher, Managing popularity bias, FLAIRS 2019.

    >>> popularity(EXAMPLE, 2, EXAMPLE_AUDIENCE)               # (1 + 1/2) / 2, (1 + 1/4) / 2
    array([0.75 , 0.625])
    """
    return _mean_over_list(ranking, k, audience, audience.counts / max(audience.users, 1))


CATALOGUE: dict[str, Catalogue] = {
    "coverage": coverage,
    "gini": gini,
    "personalisation": personalisation,
    "novelty": novelty,
    "popularity": popularity,
}
"""Every metric of the catalogue by its name; "coverage@10" asks for it at k = 10."""


def _places(ranking: Ranking, k: int, audience: Audience) -> Int32[np.ndarray, "users k"]:
    highest = int(ranking.items.max(initial=-1))
    if require_k(k) > ranking.k or highest >= len(audience.counts):
        raise UsageError(
            f"k is {k} and item {highest} is listed",
            f"k from 1 to {ranking.k}, items from 0 to {len(audience.counts) - 1}",
            "rank with a larger k; count the audience on a log with the same items",
        )
    return ranking.items[:, :k]


def _listed(ranking: Ranking, k: int, audience: Audience) -> Int64[np.ndarray, " items"]:
    """In how many lists each item stands."""
    places = _places(ranking, k, audience)
    return np.bincount(places[places >= 0], minlength=len(audience.counts)).astype(np.int64)


def _mean_over_list(
    ranking: Ranking, k: int, audience: Audience, value: Float64[np.ndarray, " items"]
) -> Float64[np.ndarray, " users"]:
    places = _places(ranking, k, audience)
    filled = places >= 0
    total = np.where(filled, value[places], 0).sum(axis=1)
    undefined = np.full(len(places), np.nan)
    return np.divide(total, filled.sum(axis=1), out=undefined, where=filled.any(axis=1))
