"""The two yardsticks that every other model is measured against."""

from dataclasses import dataclass

import numpy as np

from tastemap.contracts import Model, Recipe
from tastemap.data.interactions import Histories, Interactions
from tastemap.errors import UsageError
from tastemap.kernels.counter import unit_scores
from tastemap.shapes import Float32
from tastemap.training import Monitor

DAY = 86_400


@dataclass(frozen=True)
class Random(Recipe):
    """Score by chance: what no knowledge at all is worth.

    Examples
    --------
    >>> log = Interactions.of([("ann", "tea"), ("bob", "milk")])
    >>> Random().fit(log, seed=1).recommend(["ann"], k=5)["item"].tolist()
    ['milk']
    """

    def fit(
        self, train: Interactions, *, seed: int = 0, monitor: Monitor | None = None
    ) -> "RandomModel":
        """Remember the log; there is nothing to learn."""
        return RandomModel(recipe=self, seed=seed, train=train)


@dataclass(frozen=True, eq=False, kw_only=True)
class RandomModel(Model):
    """score(u, i) is a pure function of (seed, u, i), uniform in [0, 1)."""

    def score(self, histories: Histories) -> Float32[np.ndarray, "rows items"]:
        """Draw the scores; all strangers get the same ones."""
        return np.asarray(unit_scores(self.seed, histories.user, len(self.items)))


@dataclass(frozen=True)
class Popularity(Recipe):
    """Score by how often an item was used: the same list for everybody.

    Parameters
    ----------
    days
        Count only the last so many days of the log (recent popularity); None counts all of it.
        Items that the window ties are ordered by their all-time count.

    Examples
    --------
    >>> log = Interactions.of([("ann", "tea"), ("bob", "tea"), ("bob", "milk")])
    >>> Popularity().fit(log).recommend(["eve"], k=2)["item"].tolist()
    ['tea', 'milk']
    """

    days: float | None = None

    def __post_init__(self) -> None:
        self._require("days", self.days is None or self.days > 0, "None or a number above 0")

    def fit(
        self, train: Interactions, *, seed: int = 0, monitor: Monitor | None = None
    ) -> "PopularityModel":
        """Count the events of each item."""
        counts = train.item_counts().astype(np.float64)
        if self.days is not None:
            if train.time is None:
                raise UsageError(
                    f"Popularity(days={self.days}) and a log without times",
                    "a log with times, or Popularity() for all-time counts",
                    "name the time column when reading: read(..., time='...')",
                )
            recent = train.time >= train.time.max(initial=0) - self.days * DAY
            ties = counts / (counts.max(initial=0) + 1)
            counts = train[recent].item_counts() + ties
        return PopularityModel(
            recipe=self, seed=seed, train=train, item_scores=counts.astype(np.float32)
        )


@dataclass(frozen=True, eq=False, kw_only=True)
class PopularityModel(Model):
    """score(u, i) = the count of item i, for everybody.

    Parameters
    ----------
    item_scores
        Shape (items,).
    """

    item_scores: Float32[np.ndarray, " items"]

    def score(self, histories: Histories) -> Float32[np.ndarray, "rows items"]:
        """The same row for every history."""
        return np.tile(self.item_scores, (len(histories), 1))
