"""Principal components of item vectors: the flat map that costs nothing, and what its axes mean.

A component is a direction in which items differ; the first one is where they differ most.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from tastemap.contracts import HasVectors, Model
from tastemap.data.interactions import Interactions
from tastemap.errors import InputError, UsageError
from tastemap.kernels.workers import one_blas_thread
from tastemap.maps.agreement import users_of_items
from tastemap.maps.axes import Axis, axes_of, known_of
from tastemap.maps.inputs import Examined, examined
from tastemap.maps.reading import component_table, usual
from tastemap.maps.spectrum import principal
from tastemap.shapes import Float, Float32, Float64, Int64

BLOCK_ROWS = 1 << 12
"""Rows that are projected at a time: in float64 they stay in the cache."""
GOALS = (0.5, 0.8, 0.9)
"""Shares of the variance for which the number of components is given."""


@dataclass(frozen=True, eq=False, kw_only=True)
class PCA:
    """Item vectors seen along the directions in which they differ most.

    Parameters
    ----------
    kept
        Shape (n,): row numbers (item codes) of the vectors that were looked at.
    d
        Numbers a vector.
    mean
        Shape (d,): what is taken off every vector.
    directions
        Shape (d, k): the unit vectors of the components as columns. The entry of largest size of
        each is positive, so that a map does not flip from run to run.
    scores
        Shape (n, k): where each item stands along each component.
    shares
        Shares of the variance of all d components, largest first; empty if all vectors are equal.
    axes
        What is known of each component: correlations, and the items at its ends.
    notes
        What was left out, in words.
    """

    kept: Int64[np.ndarray, " n"]
    d: int
    mean: Float64[np.ndarray, " d"]
    directions: Float64[np.ndarray, "d k"]
    scores: Float32[np.ndarray, "n k"]
    shares: tuple[float, ...]
    axes: tuple[Axis, ...]
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.kept)

    @property
    def xy(self) -> Float32[np.ndarray, "n 2"]:
        """The first two scores, shape (n, 2): a map. Zeros where there is no such component."""
        return _plane(self.scores)

    @property
    def cumulative(self) -> tuple[float, ...]:
        """Share of the variance in the first 1, 2, ... d components."""
        return tuple(np.minimum(np.cumsum(self.shares), 1.0).tolist())

    @property
    def reach(self) -> dict[float, int | None]:
        """How many components hold 50, 80 and 90 % of the variance."""
        return {goal: _reach(self.cumulative, goal) for goal in GOALS}

    @property
    def plane_share(self) -> float | None:
        """Share of the variance that the first two components, the map, hold."""
        return float(min(sum(self.shares[:2]), 1.0)) if self.shares else None

    @property
    def random_share(self) -> float:
        """The same of random vectors of this size: about 2/d, more where items are few.

        The largest root of a covariance of noise, (1 + sqrt(d/n))^2 / d of the whole, twice
        (Marchenko & Pastur 1967).
        """
        root = (1 + np.sqrt(self.d / max(len(self) - 1, 1))) ** 2 / self.d
        return float(min(2 * root, 1.0))

    @property
    def popularity_axis(self) -> int | None:
        """Number of the component that popularity runs along: the first named so, if any."""
        return next((axis.number for axis in self.axes if axis.name == "popularity"), None)

    @property
    def verdict(self) -> str:
        """What the map holds of the variance and how usual that is, in words."""
        return usual(self.plane_share, self.random_share, self.d)

    def project(self, vectors: np.ndarray) -> Float32[np.ndarray, "rows k"]:
        """Scores of other vectors of the same model, such as new items; nothing else moves."""
        given = np.asarray(vectors)
        if given.ndim != 2 or given.shape[1] != self.d:
            raise InputError(
                f"vectors of shape {given.shape}",
                f"shape (rows, {self.d}): this PCA is of vectors of {self.d} numbers",
                "pass vectors of the same model; one vector as vector[None]",
            )
        return _project(given, self.mean, self.directions)

    def to_json(self) -> dict[str, Any]:
        """All numbers but those of single items, as plain values."""
        return {
            "verdict": self.verdict,
            "items": len(self),
            "d": self.d,
            "plane_share": self.plane_share,
            "random_share": self.random_share,
            "shares": list(self.shares),
            "cumulative": list(self.cumulative),
            "reach": {f"{goal:.0%}": number for goal, number in self.reach.items()},
            "popularity_axis": self.popularity_axis,
            "components": [{"name": axis.name, **asdict(axis)} for axis in self.axes],
            "notes": list(self.notes),
        }

    def __str__(self) -> str:
        return component_table(self)


def pca(
    model_or_vectors: Model | HasVectors | np.ndarray,
    train: Interactions | None = None,
    *,
    components: int = 10,
    min_events: int = 5,
) -> PCA:
    """Principal components of item vectors, and what is known of each.

    Five steps: take the mean off all vectors (centre); multiply the table by itself, X'X / n (the
    covariance of every two numbers); find the directions that this matrix only stretches (its
    eigenvectors; the stretch is the variance); sort them by variance; multiply the vectors by them
    (project). Nothing is drawn by chance: equal vectors give equal components, bit for bit.

    Parameters
    ----------
    model_or_vectors
        A model with `item_vectors`, or an array of shape (items, d).
    train
        The log the vectors were learned from, its items in the order of the rows; by default the
        model's own. Without one there are no titles and no correlations.
    components
        Components to describe and to keep scores of; fewer where the vectors span fewer.
    min_events
        Items that fewer people used are left out, as their vectors are mostly noise.

    Raises
    ------
    InputError
        Vectors that are not finite or do not fit the log; fewer than two items.

    Examples
    --------
    >>> vectors = np.array([[2.0, 0.0], [0.0, 1.0], [-2.0, 0.0], [0.0, -1.0]])
    >>> found = pca(vectors)
    >>> found.shares, found.xy[:, 0].tolist()
    ((0.8, 0.2), [2.0, 0.0, -2.0, 0.0])

    The same in five lines of NumPy:

    >>> centred = vectors - vectors.mean(axis=0)
    >>> variances, directions = np.linalg.eigh(centred.T @ centred / len(centred))
    >>> order = np.argsort(-variances)
    >>> (variances[order] / variances.sum()).round(6).tolist()
    [0.8, 0.2]
    >>> np.abs(centred @ directions[:, order])[:, 0].tolist()
    [2.0, 0.0, 2.0, 0.0]
    """
    if components < 1:
        raise UsageError(f"components={components}", "a whole number from 1 on", "pass 10, say")
    given = examined(model_or_vectors, train)
    kept = _kept(given, min_events)
    vectors = given.items if len(kept) == len(given.items) else given.items[kept]
    with one_blas_thread():  # so that the last bits do not depend on the number of threads
        mean = vectors.mean(axis=0, dtype=np.float64)
        variances, directions = principal(vectors)
        wanted = min(components, int((variances > 0).sum()))
        directions = _turned(directions[:, :wanted])
        scores = _project(vectors, mean, directions)
    shares = variances / variances.sum() if wanted else np.empty(0)
    left_out = len(given.items) - len(kept)
    return PCA(
        kept=kept,
        d=vectors.shape[1],
        mean=mean,
        directions=directions,
        scores=scores,
        shares=tuple(shares.tolist()),
        axes=axes_of(scores, shares, known_of(given.train, kept)),
        notes=(
            f"{left_out:,} of {len(given.items):,} items left out: fewer than {min_events} users",
        )
        if left_out
        else (),
    )


def _kept(given: Examined, min_events: int) -> Int64[np.ndarray, " n"]:
    """Codes of the items that enough people used; all without a log."""
    kept = np.arange(len(given.items))
    if given.train is not None:
        kept = np.flatnonzero(np.diff(users_of_items(given.train).indptr) >= min_events)
    if len(kept) < 2:
        known = "" if given.train is None else f" with {min_events} users or more"
        raise InputError(
            f"{len(kept)} of {len(given.items)} items{known}",
            "two items or more",
            "pass a smaller min_events" if len(given.items) > 1 else "pass more vectors",
        )
    return kept


def _turned(directions: Float64[np.ndarray, "d k"]) -> Float64[np.ndarray, "d k"]:
    """Directions with the sign that makes the entry of largest size positive."""
    largest = np.take_along_axis(directions, np.abs(directions).argmax(axis=0)[None], axis=0)
    return directions * np.where(largest < 0, -1.0, 1.0)


def _project(
    vectors: Float[np.ndarray, "n d"],
    mean: Float64[np.ndarray, " d"],
    directions: Float64[np.ndarray, "d k"],
) -> Float32[np.ndarray, "n k"]:
    """(X - mean) directions, worked out in float64 a block of rows at a time."""
    scores = np.empty((len(vectors), directions.shape[1]), dtype=np.float32)
    for start in range(0, len(vectors), BLOCK_ROWS):
        block = vectors[start : start + BLOCK_ROWS].astype(np.float64) - mean
        scores[start : start + BLOCK_ROWS] = block @ directions
    return scores


def _plane(scores: Float32[np.ndarray, "n k"]) -> Float32[np.ndarray, "n 2"]:
    xy = np.zeros((len(scores), 2), dtype=np.float32)
    xy[:, : min(scores.shape[1], 2)] = scores[:, :2]
    return xy


def _reach(cumulative: tuple[float, ...], goal: float) -> int | None:
    """The first number of components that holds so much; what rounding takes off is forgiven."""
    return next((i + 1 for i, held in enumerate(cumulative) if held >= goal - 1e-9), None)
