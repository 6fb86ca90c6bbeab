"""Points in the plane in numbers: how packed, lopsided, regular and grouped they lie.

None of the numbers changes when the map is moved, turned, mirrored or scaled.
"""

from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import minimum_spanning_tree
from scipy.spatial import cKDTree

from tastemap.shapes import Float, Float64, Int64

ASKED = 200
"""Points around which the fullest disk is looked for."""
PART = 20
"""The disk is so much narrower than the map: its area is 1/400."""
GROUP = 0.03
"""A group is no smaller a share of the points."""
DENSE = 3000
"""Points that densities are found of; more are sampled."""
STEPS = 12
"""Nearest points that one can step to on the way from group to group."""
APART = 99.0
"""The clearness of groups with no way between them."""


def centred(xy: Float[np.ndarray, "n 2"]) -> Float64[np.ndarray, "n 2"]:
    """The points moved and scaled so that their mean is 0 and their mean square distance 1."""
    points = np.asarray(xy, dtype=np.float64)
    points = points - points.mean(axis=0)
    size = np.sqrt((points**2).sum(axis=1).mean())
    # What is left of equal points by rounding is no size.
    return points / size if size > 1e-6 * np.abs(xy).max(initial=0) else np.zeros_like(points)


def packed(points: Float64[np.ndarray, "n 2"]) -> float:
    """Share of the points in the fullest disk of 1/20 of the map's width, 0 to 1.

    The width is twice the distance of the farthest point from the mean (the origin).
    """
    away = np.sqrt((points**2).sum(axis=1))
    radius = float(away.max()) / PART
    if radius == 0:
        return 1.0
    asked = np.argsort(away, kind="stable")[:: max(len(points) // ASKED, 1)]
    found = cKDTree(points).query_ball_point(points[asked], radius, return_length=True)
    return float(np.max(found)) / len(points)


def nearest_points(
    points: Float64[np.ndarray, "n 2"], k: int
) -> tuple[Float64[np.ndarray, "n k"], Int64[np.ndarray, "n k"]]:
    """Distances and places of the k nearest other points of each point, nearest first."""
    distances, near = _query(points, points, k + 1)
    others = near != np.arange(len(points))[:, None]
    # Where many points share one place, a point may not be among its own nearest.
    others[others.all(axis=1), -1] = False
    return distances[others].reshape(-1, k), near[others].reshape(-1, k)


def _query(
    points: Float64[np.ndarray, "n 2"], asked: Float64[np.ndarray, "rows 2"], k: int
) -> tuple[Float64[np.ndarray, "rows k"], Int64[np.ndarray, "rows k"]]:
    distances, near = cKDTree(points).query(asked, k=k)
    return np.asarray(distances), np.asarray(near).astype(np.int64)


class Outline(NamedTuple):
    """The form of a cloud as a whole.

    Parameters
    ----------
    skew, kurtosis
        Mardia's (1970), of the plane: 0 and 8 for a normal cloud, 0 and 5.3 for an even disk.
    round
        Variance across over variance along the map, 0 (a line) to 1.
    """

    skew: float
    kurtosis: float
    round: float


def outline(points: Float64[np.ndarray, "n 2"]) -> Outline:
    """The form of the cloud: lopsided, heavy at the edges, long.

    >>> cross = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    >>> [round(one, 6) for one in outline(cross)]
    [0.0, 4.0, 1.0]
    """
    values, axes = np.linalg.eigh(points.T @ points / len(points))
    if values[0] <= 1e-12 * values[1]:
        return Outline(0.0, 0.0, 0.0)
    u, v = (points @ axes / np.sqrt(values)).T
    thirds = [(1, u**3), (3, u * u * v), (3, u * v * v), (1, v**3)]
    skew = sum(weight * float(power.mean()) ** 2 for weight, power in thirds)
    return Outline(skew, float(((u * u + v * v) ** 2).mean()), float(values[0] / values[1]))


class Lattice(NamedTuple):
    """How much nearest points stand like those of a grid.

    Parameters
    ----------
    uneven
        (90 % - 10 % quantile) / median of the distances to the nearest other point.
    order
        How much the nearest points stand in directions that repeat every 90, or every 60 degrees,
        over the whole map: 0 (anywhere) to 1.
    """

    uneven: float
    order: float


def lattice(
    points: Float64[np.ndarray, "n 2"], kept: Int64[np.ndarray, " rows"] | None = None
) -> Lattice:
    """Regularity of the nearest neighbours; points at one place count once.

    Parameters
    ----------
    points
        All points: neighbours are found among them.
    kept
        Rows of the points whose neighbours are looked at; all by default.
    """
    whole = np.unique(points.round(5) @ np.array([1, 1j]))
    if len(whole) < 4:
        return Lattice(np.inf, 0.0)
    places = np.stack([whole.real, whole.imag], axis=1)
    asked = places
    if kept is not None and len(kept) < len(points):
        asked = np.unique(points[kept].round(5), axis=0)
    distances, near = _query(places, asked, 2)
    low, middle, high = np.quantile(distances[:, 1], [0.1, 0.5, 0.9])
    steps = places[near[:, 1]] - asked
    angles = np.arctan2(steps[:, 1], steps[:, 0])
    order = max(abs(np.exp(1j * fold * angles).mean()) for fold in (4, 6))
    return Lattice(float((high - low) / middle), float(order))


def groups(points: Float64[np.ndarray, "n 2"], rng: np.random.Generator) -> list[float]:
    """How clear each group of points beyond the first is, clearest first; of 3,000 at most.

    A group is a peak of density with at least 3 % of the points. Its clearness is the logarithm
    of the density at its top less that at the highest pass to a higher peak, in units of what
    chance does to it (1 / sqrt(k) for a density from the k-th nearest point); `APART` where there
    is no pass. Points drawn from one even or normal cloud stay below 5. As in Chazal et al.,
    "Persistence-based clustering in Riemannian manifolds" (JACM 2013).
    """
    if len(points) > DENSE:
        points = points[np.sort(rng.choice(len(points), DENSE, replace=False))]
    n = len(points)
    k = min(round(n**0.6), n - 1)
    distances, near = nearest_points(points, k)
    density = -2 * np.log(np.maximum(distances[:, -1], 1e-6))
    order = np.argsort(-density, kind="stable")
    place = np.empty(n, dtype=np.int64)
    place[order] = np.arange(n)
    found = [
        clear * k**0.5 if clear < APART else APART
        for clear, share in _peaks(place, density[order], near[:, :STEPS])
        if share >= GROUP
    ]
    return sorted(found, reverse=True)


def _peaks(
    place: Int64[np.ndarray, " n"],
    density: Float64[np.ndarray, " n"],
    near: Int64[np.ndarray, "n steps"],
) -> list[tuple[float, float]]:
    """Height above the pass, and share of the points, of every peak but the highest.

    Points are numbered by falling density. Water falls: a step between two points opens when the
    lower one is dry, and joins two islands into one; the one with the lower top ends there.
    """
    n = len(place)
    a, b = np.repeat(place, near.shape[1]), place[near.ravel()]
    opens = np.maximum(a, b) + 1
    # Only the steps of a spanning tree can join two islands.
    tree = minimum_spanning_tree(csr_array((opens, (np.minimum(a, b), np.maximum(a, b))), (n, n)))
    steps = tree.tocoo()
    island, size, ended = list(range(n)), [1] * n, []

    def top(point: int) -> int:
        while island[point] != point:
            island[point] = island[island[point]]
            point = island[point]
        return point

    by_time = np.lexsort((steps.row, steps.col))  # the lower point is the column
    for one, other in zip(steps.row[by_time].tolist(), steps.col[by_time].tolist(), strict=True):
        high, low = sorted((top(one), top(other)))  # the smaller number is the higher peak
        ended.append((float(density[low] - density[other]), size[low] / n))
        island[low] = high
        size[high] += size[low]
    alone = [point for point in range(n) if island[point] == point]
    return ended + [(APART, size[point] / n) for point in alone[1:]]
