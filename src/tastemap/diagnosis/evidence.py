"""What the rules look at: everything that may be known of a run, whoever made it.

Every part but the name may be missing; a rule whose parts are missing says so and does not apply.
`from_run` makes it of a `Run`, `from_files` of what other software wrote.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from tastemap.data.interactions import Histories, Interactions
from tastemap.recommend import Ranking, Score
from tastemap.shapes import Bool, Float32, Float64, Int32
from tastemap.training import TrainingLog


@dataclass(frozen=True)
class Claim:
    """A metric's value as whoever made the run states it.

    Parameters
    ----------
    mean
        The value.
    stderr
        Its standard error over users, where stated.
    users
        How many users it was averaged over, where stated.
    sampled
        Number of sampled negatives it was ranked among, 0 where that is not said; None: the
        whole catalogue.
    """

    mean: float
    stderr: float | None = None
    users: int | None = None
    sampled: int | None = None


@dataclass(frozen=True)
class Searched:
    """One hyper-parameter of a search: the values tried, in order, and the best."""

    name: str
    tried: tuple[float, ...]
    best: float


@dataclass(frozen=True, eq=False)
class Sequences:
    """What a sequential model was fed.

    Parameters
    ----------
    inputs
        Shape (rows, k): padded rows of item codes + 1; 0 is padding.
    targets
        Shape (rows,): the item code + 1 that each row's end is to predict, or None.
    times
        Shape (rows, k): when, 0 where padded, or None.
    padding_vector
        Shape (d,): the embedding of padding, or None.
    """

    inputs: Int32[np.ndarray, "rows k"]
    targets: Int32[np.ndarray, " rows"] | None = None
    times: np.ndarray | None = None
    padding_vector: Float32[np.ndarray, " d"] | None = None


@dataclass(frozen=True, eq=False)
class Stages:
    """What the two stages of a retrieve-then-rank model were fitted on.

    Parameters
    ----------
    first, labels
        Shape (n, 2): (user, item) codes that the first stage was fitted on; pairs that were
        positive labels of the second.
    candidate_recall
        Share of held-out items among the candidates, where known.
    candidates
        How many candidates the first stage hands over.
    """

    first: np.ndarray | None = None
    labels: np.ndarray | None = None
    candidate_recall: float | None = None
    candidates: int | None = None


@dataclass(frozen=True, eq=False)
class Evidence:
    """All that is known of one run.

    Parameters
    ----------
    name, seed, recipe, how
        What the model is called; its seed and hyper-parameters; the protocol in words.
    n_items
        Size of the catalogue; item codes are 0 to n_items - 1.
    train, validation, test
        Parts of the log, with the same vocabularies, as they were used (not repaired).
    users
        Shape (rows,): user code of each list, -1 for somebody not in train.
    lists
        Shape (rows, k): recommended item codes, best first; -1 where a list ends early.
    list_scores
        Shape (rows, k): the scores of the listed items, NaN where unknown or no item stands.
    seen
        What was known of each row's user when the list was made.
    truth
        What was held out for each row's user, as it was given: an item may stand twice, and
        -1 is an id that the catalogue does not have. A row without items has no truth.
    exclude_seen
        Whether seen items were meant to be left out of the lists.
    score
        Scores of the whole catalogue for histories, where the model is at hand.
    claims, validation_claims
        Values of metrics as the run states them, on test and on validation.
    curve
        Training, epoch by epoch.
    yardsticks
        Values of metrics of Random, Popularity, ... on the same test part: name -> metric ->
        per-user values in the order of `yardstick_users`' rows, or the mean alone as a Claim.
    references
        Other runs on the same test part, for rules that compare.
    item_vectors, user_vectors
        Learned vectors, where the model has them.
    other_item_vectors
        Item vectors of the same recipe with another seed.
    searched
        Hyper-parameters that were tuned.
    seeds
        Value of a metric for each seed: metric -> values.
    sequences, stages
        See there.
    lookalikes
        Held-out ids that the catalogue has in another spelling: (held out, in the catalogue).
    """

    name: str
    seed: int | None = None
    recipe: Mapping[str, Any] = field(default_factory=dict)
    how: str = ""
    n_items: int | None = None
    train: Interactions | None = None
    validation: Interactions | None = None
    test: Interactions | None = None
    users: Int32[np.ndarray, " rows"] | None = None
    lists: Int32[np.ndarray, "rows k"] | None = None
    list_scores: Float64[np.ndarray, "rows k"] | None = None
    seen: Histories | None = None
    truth: Histories | None = None
    exclude_seen: bool | None = None
    score: Score | None = None
    claims: Mapping[str, Claim] = field(default_factory=dict)
    validation_claims: Mapping[str, Claim] = field(default_factory=dict)
    curve: TrainingLog | None = None
    yardsticks: Mapping[str, Mapping[str, Float64[np.ndarray, " rows"] | Claim]] = field(
        default_factory=dict
    )
    references: tuple["Evidence", ...] = ()
    item_vectors: Float32[np.ndarray, "items d"] | None = None
    user_vectors: Float32[np.ndarray, "users d"] | None = None
    other_item_vectors: Float32[np.ndarray, "items d"] | None = None
    searched: tuple[Searched, ...] = ()
    seeds: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    sequences: Sequences | None = None
    stages: Stages | None = None
    lookalikes: tuple[tuple[str, str], ...] = ()

    @cached_property
    def judged(self) -> np.ndarray:
        """Rows that have both a list and at least one known held-out item."""
        assert self.truth is not None
        known = np.add.reduceat(
            np.concatenate([self.truth.items >= 0, [False]]), self.truth.starts[:-1]
        )
        return np.flatnonzero((self.truth.lengths > 0) & (known > 0))

    @cached_property
    def ranking(self) -> Ranking:
        """The judged lists against the truth, each known held-out item counted once.

        An item that a list repeats is blanked (-1) where it stands again.
        """
        assert self.lists is not None
        assert self.truth is not None
        lists = self.lists[self.judged]
        lists = np.where(repeats(lists), np.int32(-1), lists)
        return Ranking.of(lists, distinct(self.truth.take(self.judged)))


def repeats(lists: Int32[np.ndarray, "rows k"]) -> Bool[np.ndarray, "rows k"]:
    """Where an item stands that the same list already has further up, shape (rows, k).

    >>> repeats(np.array([[3, 1, 3, -1, -1]], dtype=np.int32))
    array([[False, False,  True, False, False]])
    """
    order = np.argsort(lists, axis=1, kind="stable")
    items = np.take_along_axis(lists, order, axis=1)
    again = np.zeros(lists.shape, dtype=bool)
    again[:, 1:] = (items[:, 1:] == items[:, :-1]) & (items[:, 1:] >= 0)
    found = np.zeros(lists.shape, dtype=bool)
    np.put_along_axis(found, order, again, axis=1)
    return found


def distinct(truth: Histories) -> Histories:
    """Each known item of each row once, in order of first appearance."""
    rows = np.repeat(np.arange(len(truth)), truth.lengths)
    fine = np.flatnonzero(truth.items >= 0)
    width = int(truth.items.max(initial=0)) + 1
    keys = rows[fine] * width + truth.items[fine]
    order = np.argsort(keys, kind="stable")
    first = np.ones(len(order), dtype=bool)
    first[1:] = keys[order][1:] != keys[order][:-1]
    kept = np.sort(fine[order[first]])
    starts = np.searchsorted(rows[kept], np.arange(len(truth) + 1)).astype(np.int64)
    time = None if truth.time is None else truth.time[kept]
    return Histories(truth.user, starts, truth.items[kept], truth.weight[kept], time)
