"""Principal component analysis, step by step: the directions in which vectors differ most."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64

from tastemap.errors import InputError, UsageError

ROWS = 1 << 16
"""Rows that are turned into float64 at a time."""


@dataclass(frozen=True, eq=False)
class Pca:
    """The axes of a cloud of vectors, and where each vector lies on the first of them.

    Parameters
    ----------
    centre
        Shape (d,): the mean vector.
    axes
        Shape (components, d): unit vectors at right angles, the direction of most variance first;
        the entry of largest size of each is positive, so that the same vectors always give the
        same picture.
    variances
        Shape (d,): variance along every axis, falling; they sum to the total variance.
    coordinates
        Shape (rows, components): where each vector lies.
    """

    centre: Float64[np.ndarray, " d"]
    axes: Float64[np.ndarray, "components d"]
    variances: Float64[np.ndarray, " d"]
    coordinates: Float32[np.ndarray, "rows components"]

    @property
    def shares(self) -> Float64[np.ndarray, " d"]:
        """Share of the total variance along every axis; sums to 1."""
        total = self.variances.sum()
        return self.variances / total if total > 0 else np.zeros_like(self.variances)

    def needed(self, share: float) -> int:
        """How many axes together hold at least this share of the variance.

        >>> cross = np.float32([[3, 0], [-3, 0], [0, 1], [0, -1]])      # variances 18 and 2
        >>> pca(cross).needed(0.8), pca(cross).needed(0.95)
        (1, 2)
        """
        if not 0 < share <= 1:
            raise UsageError(f"share={share}", "a number above 0, up to 1", "pass share=0.9, say")
        reached = np.cumsum(self.shares)
        return min(int(np.searchsorted(reached, share - 1e-12)) + 1, len(reached))

    def place(self, vectors: Float32[np.ndarray, "n d"]) -> Float32[np.ndarray, "n components"]:
        """Coordinates of other vectors on the same axes."""
        return ((vectors - self.centre) @ self.axes.T).astype(np.float32)


def pca(vectors: Float32[np.ndarray, "rows d"], components: int | None = None) -> Pca:
    """Centre, covariance, eigenvectors, sort, project.

    Parameters
    ----------
    vectors
        Finite; at least two rows.
    components
        How many axes to keep; None: all d.

    Source: Pearson 1901; Hotelling 1933. Exact: from the covariance in float64, so 1,000,000 x 64
    take about as long as reading them twice.

    Examples
    --------
    >>> line = np.float32([[0, 0], [1, 1], [2, 2]])
    >>> found = pca(line)
    >>> found.shares.round(6).tolist(), found.axes[0].round(3).tolist()
    ([1.0, 0.0], [0.707, 0.707])
    """
    rows, d = _checked(vectors).shape
    kept = d if components is None else components
    if not 1 <= kept <= d:
        raise UsageError(f"components={components}", f"1 to {d}", "pass components=2, say")
    centre = vectors.mean(axis=0, dtype=np.float64)
    covariance = np.zeros((d, d))
    for first in range(0, rows, ROWS):
        block = vectors[first : first + ROWS] - centre
        covariance += block.T @ block
    covariance /= rows - 1
    variances, axes = np.linalg.eigh(covariance)  # rising; columns
    variances, axes = np.maximum(variances[::-1], 0), axes[:, ::-1].T
    largest = np.abs(axes).argmax(axis=1)
    axes = axes * np.sign(axes[np.arange(d), largest])[:, None]
    coordinates = np.empty((rows, kept), dtype=np.float32)
    for first in range(0, rows, ROWS):
        block = vectors[first : first + ROWS] - centre
        coordinates[first : first + ROWS] = block @ axes[:kept].T
    return Pca(centre, axes[:kept], variances, coordinates)


def _checked(vectors: Float32[np.ndarray, "rows d"]) -> Float32[np.ndarray, "rows d"]:
    if len(vectors) < 2 or vectors.shape[1] < 1:
        raise InputError(
            f"vectors of shape {vectors.shape}", "two rows or more", "pass all item vectors"
        )
    bad = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
    if len(bad):
        raise InputError(
            f"{len(bad):,} vectors that are not finite, the first in row {bad[0]}",
            "finite numbers",
            "look at the training log: the model may have diverged",
        )
    return vectors
