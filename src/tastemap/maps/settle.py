"""Where a newcomer belongs on a map whose items stay where they are."""

import numpy as np

from tastemap.kernels.topk import top_k
from tastemap.kernels.workers import one_blas_thread
from tastemap.maps.spectrum import gram
from tastemap.recommend import BLOCK_BYTES, tie_order
from tastemap.seeding import stream
from tastemap.shapes import Float, Float32, Float64, Int32

NEIGHBOURS, PERPLEXITY = 25, 5.0
"""A newcomer is drawn by so many items, of which so many count, softly: as openTSNE's transform."""

STEPS = 30
"""Towards the balance; half a hundredth of a radius is left after ten already."""

Lists = tuple[Int32[np.ndarray, "rows k"], Float32[np.ndarray, "rows k"]]
"""Places of the most alike items and their likeness, the best first."""

Projection = tuple[Float64[np.ndarray, " d"], Float64[np.ndarray, "d 2"], Float64[np.ndarray, " 2"]]
"""Mean of the vectors, what the rest is multiplied by, mean of the places."""


def best_of(
    rows: Float32[np.ndarray, "rows d"],
    among: Float32[np.ndarray, "n d"],
    k: int,
    first: int | None = None,
) -> Lists:
    """The k most alike of `among` by inner product, and their likeness, the best first.

    Row r is itself number `first` + r of them, if that is given, and never found.
    """
    places = np.empty((len(rows), k), dtype=np.int32)
    likeness = np.empty((len(rows), k), dtype=np.float32)
    ties = tie_order(len(among))
    step = max(1, BLOCK_BYTES // (4 * len(among)))
    with one_blas_thread():
        for begin in range(0, len(rows), step):
            part = slice(begin, min(begin + step, len(rows)))
            block = rows[part] @ among.T
            if first is not None:
                block[np.arange(len(block)), first + np.arange(part.start, part.stop)] = -np.inf
            places[part], likeness[part] = top_k(block, ties, k)
    return places, likeness


def pulls(
    likeness: Float[np.ndarray, "rows k"], perplexity: float = PERPLEXITY
) -> Float64[np.ndarray, "rows k"]:
    """How much each item draws: exp(b s) by the sum of the row, b such that so many count.

    The number that counts is the exponential of the entropy; rows sum to 1.

    >>> pulls(np.array([[1.0, 1.0, 0.0]]), perplexity=2).round(3).tolist()
    [[0.5, 0.5, 0.0]]
    """
    below = likeness.astype(np.float64) - likeness.max(axis=1, keepdims=True)
    spread = -below.mean(axis=1, keepdims=True)
    below = below / np.where(spread > 0, spread, 1)
    low, high = np.full((len(below), 1), -20.0), np.full((len(below), 1), 20.0)  # log b
    target = np.log(min(perplexity, likeness.shape[1]))
    for _ in range(60):
        middle = (low + high) / 2
        share = np.exp(np.exp(middle) * below)
        share /= share.sum(axis=1, keepdims=True)
        entropy = -(share * np.log(np.maximum(share, 1e-300))).sum(axis=1, keepdims=True)
        low, high = (
            np.where(entropy > target, middle, low),
            np.where(entropy > target, high, middle),
        )
    return share


def settle(
    xy: Float32[np.ndarray, "n 2"],
    drawn_by: Int32[np.ndarray, "rows k"],
    pull: Float64[np.ndarray, "rows k"],
) -> Float32[np.ndarray, "rows 2"]:
    """Where the pulls of t-SNE are in balance: sum_j p_j q_j (y - y_j) = 0.

    With q = 1 / (1 + (|y - y_j| / radius)^2) this is a mean that far items hardly enter, so a
    newcomer whose neighbours stand in two groups joins the stronger one instead of the void
    between. It starts at the neighbour with the most pull around it. Pushing is left out: it would
    move newcomers off each other only.
    """
    size = radius(xy)
    here = xy.astype(np.float64)[drawn_by]
    around = ((here[:, :, None] - here[:, None, :]) ** 2).sum(axis=3) / size**2
    best = ((pull[:, None, :] / (1 + around)).sum(axis=2)).argmax(axis=1)
    found = here[np.arange(len(here)), best]
    for _ in range(STEPS):
        apart = ((found[:, None, :] - here) ** 2).sum(axis=2) / size**2
        share = pull / (1 + apart)
        found = (share[:, :, None] * here).sum(axis=1) / share.sum(axis=1, keepdims=True)
    return found.astype(np.float32)


def radius(xy: Float32[np.ndarray, "n 2"]) -> float:
    """How far apart neighbours stand on a map: median distance to the tenth nearest.

    Of a thousand items drawn by chance, if there are more.
    """
    plane = xy.astype(np.float64)
    some = plane
    if len(plane) > 1000:
        some = plane[stream(0, "radius").choice(len(plane), 1000, replace=False)]
    squares = ((some[:, None, :] - plane[None]) ** 2).sum(axis=2)
    tenth = min(10, len(plane) - 1)
    typical = float(np.sqrt(np.median(np.partition(squares, tenth, axis=1)[:, tenth])))
    return typical if typical > 0 else 1.0


def projection(vectors: Float[np.ndarray, "n d"], xy: Float32[np.ndarray, "n 2"]) -> Projection:
    """What turns vectors into these places, if they are a projection such as PCA: least squares.

    The map keeps vectors and places, so this needs nothing else, and goes on to hold when the map
    was turned, mirrored or scaled.
    """
    with one_blas_thread():
        mean, middle = vectors.mean(axis=0, dtype=np.float64), xy.mean(axis=0, dtype=np.float64)
        cross = (vectors.astype(np.float64) - mean).T @ (xy.astype(np.float64) - middle)
        directions, *_ = np.linalg.lstsq(gram(vectors, mean), cross, rcond=1e-12)
    return mean, directions, middle


def project(
    found: Projection, vectors: Float[np.ndarray, "rows d"]
) -> Float32[np.ndarray, "rows 2"]:
    """Places of other vectors by the same projection."""
    mean, directions, middle = found
    with one_blas_thread():
        return ((vectors.astype(np.float64) - mean) @ directions + middle).astype(np.float32)
