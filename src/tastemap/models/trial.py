"""Whether a second stage beats the first on events that neither has seen."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from tastemap.contracts import Model
from tastemap.data.interactions import Histories
from tastemap.recommend import Ranking, discount, rank
from tastemap.seeding import stream
from tastemap.shapes import Float64

SAMPLES = 2000
"""Resamples of the users behind the interval."""

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Trial:
    """The first stage alone and both stages on the same held-out events.

    Parameters
    ----------
    k, candidates
        Length of the lists; how many candidates the first stage hands over.
    users
        How many were asked about.
    ceiling
        Recall of the candidates, 0 to 1: no order of them can reach more.
    first, whole
        NDCG@k of the first stage alone, and of both.
    difference, low, high
        Mean over users of whole - first, and its 95 % paired bootstrap interval.
    """

    k: int
    candidates: int
    users: int
    ceiling: float
    first: float
    whole: float
    difference: float
    low: float
    high: float

    @property
    def won(self) -> bool:
        """Whether the interval lies above 0."""
        return self.low > 0

    def __str__(self) -> str:
        return (
            f"NDCG@{self.k} {self.whole:.4f} against the retriever's {self.first:.4f}, difference "
            f"{self.difference:+.4f} [{self.low:+.4f}, {self.high:+.4f}] on {self.users:,} users "
            f"of the validation part; the best {self.candidates} candidates hold "
            f"{self.ceiling:.1%} of their held-out items, the ceiling of any order"
        )

    def to_json(self) -> dict[str, Any]:
        """The numbers by name."""
        return asdict(self)


def hold_trial(
    first: Model,
    whole: Model,
    asked: tuple[Histories, Histories],
    k: int,
    candidates: int,
    seed: int,
) -> Trial | None:
    """Judge both on the same users; None where nobody has a held-out item."""
    known, truth = asked
    if len(truth) == 0:
        return None
    n_items = len(first.items)
    deep = rank(first.score, known, truth, n_items, max(k, min(candidates, n_items)))
    alone = ndcg(deep, k)
    both = ndcg(rank(whole.score, known, truth, n_items, k), k)
    found = deep.hits[:, :candidates].sum(axis=1) / deep.relevant
    low, high = interval(both - alone, seed)
    return Trial(
        k=k,
        candidates=candidates,
        users=len(truth),
        ceiling=float(found.mean()),
        first=float(alone.mean()),
        whole=float(both.mean()),
        difference=float((both - alone).mean()),
        low=low,
        high=high,
    )


def ndcg(ranking: Ranking, k: int) -> Float64[np.ndarray, " users"]:
    """NDCG@k of each user, from the walk down the lists that every metric shares."""
    best = np.concatenate([[0.0], np.cumsum(discount(k))])
    return ranking.tally(k).dcg / best[np.minimum(ranking.relevant, k)]


def interval(gaps: Float64[np.ndarray, " users"], seed: int) -> tuple[float, float]:
    """Bootstrap interval of the mean: users drawn with replacement.

    >>> interval(np.ones(4), seed=0)
    (1.0, 1.0)
    """
    rng = stream(seed, "bootstrap")
    means = [gaps[rng.integers(len(gaps), size=len(gaps))].mean() for _ in range(SAMPLES)]
    ends = [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2]
    low, high = np.quantile(means, ends)
    return float(low), float(high)
