"""How far a map may be believed: its neighbours against those of the model."""

import numpy as np

from tastemap.errors import InputError
from tastemap.kernels.ranks import ranks
from tastemap.kernels.topk import top_k
from tastemap.kernels.workers import deal
from tastemap.maps.item_map import Fidelity
from tastemap.maps.neighbours import Similarity, require_similarity, unit_rows
from tastemap.recommend import BLOCK_BYTES, tie_order
from tastemap.seeding import stream
from tastemap.shapes import Bool, Float, Float32, Int32, Int64

ALL_TO = 10_000
"""Every item is looked at up to so many: half a second for 10,000 with 64 numbers each."""

SOME = 4_000
"""Of more items so many are drawn and compared with all: the share kept is then known within
half a point (a deviation of .25 over items, by the root of 4,000)."""


def fidelity(
    near: Int32[np.ndarray, "n k"],
    xy: Float32[np.ndarray, "_ 2"],
    *,
    vectors: Float[np.ndarray, "_ d"],
    similarity: Similarity = "cosine",
    seed: int = 0,
) -> Fidelity:
    """What a map keeps of the neighbours in the model.

    With r the rank of an item among the others of a row, trustworthiness is 1 less the sum of
    r_model - k over false neighbours on the map, divided by the most that this can be; continuity
    is the same with map and model exchanged (Venna & Kaski, ICANN 2001).

    Parameters
    ----------
    near
        The k nearest in the model, as `neighbours.nearest` finds them.
    xy
        Places on the map.
    vectors, similarity
        What makes the ranks in the model.
    seed
        Of the draw among more than 10,000 items.

    Examples
    --------
    >>> angles = np.float32([0, 0.1, 0.3, 0.35, 0.9])
    >>> circle = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    >>> near = np.int32([[1], [0], [3], [2], [3]])
    >>> fidelity(near, circle, vectors=circle).kept
    1.0
    """
    n, k = near.shape
    if not len(vectors) == len(xy) == n:
        raise InputError(
            f"{n:,} rows of neighbours, {len(xy):,} places and {len(vectors):,} vectors",
            "one of each for every item",
            "take all three from the same map",
        )
    chosen = np.arange(n)
    if n > ALL_TO:
        chosen = np.sort(stream(seed, "fidelity").choice(n, SOME, replace=False))
    rows = unit_rows(vectors) if require_similarity(similarity) == "cosine" else vectors
    rows = np.ascontiguousarray(rows, dtype=np.float32)
    plane = np.ascontiguousarray(xy, dtype=np.float32)
    ties = tie_order(n)
    step = max(1, BLOCK_BYTES // (8 * n))

    def compare(part: Int64[np.ndarray, " rows"]) -> tuple[int, int, int]:
        true = near[part]
        closeness = _closeness(plane, part)
        shown, _ = top_k(closeness, ties, k)
        alike = rows[part] @ rows.T
        alike[np.arange(len(part)), part] = -np.inf
        both = _shared(shown, true)
        false = _excess(ranks(alike, shown, ties), k, both)
        lost = _excess(ranks(closeness, true, ties), k, _shared(true, shown))
        return int(both.sum()), false, lost

    blocks = [chosen[begin : begin + step] for begin in range(0, len(chosen), step)]
    kept, false, lost = (sum(parts) for parts in zip(*deal(compare, blocks), strict=True))
    most = len(chosen) * worst(n, k)
    return Fidelity(
        k=k,
        kept=kept / (len(chosen) * k),
        trustworthiness=1 - false / most if most else 1.0,
        continuity=1 - lost / most if most else 1.0,
        compared=len(chosen),
    )


def worst(n: int, k: int) -> float:
    """The most that r - k can sum up to over k false neighbours among n - 1 others.

    >>> worst(10, 2)               # the two last of nine: 9 - 2 and 8 - 2
    13.0
    """
    false = min(k, n - 1 - k)
    return sum((n - 1 - i) - k for i in range(false)) * 1.0


def _closeness(
    plane: Float32[np.ndarray, "n 2"], part: Int64[np.ndarray, " rows"]
) -> Float32[np.ndarray, "rows n"]:
    """Minus the squared distance on the map; -inf of an item to itself."""
    # Differences, not |a|^2 - 2ab + |b|^2: items of one group are near each other, far from 0.
    close = np.subtract.outer(plane[part, 0], plane[:, 0])
    along = np.subtract.outer(plane[part, 1], plane[:, 1])
    close *= close
    along *= along
    close += along
    np.negative(close, out=close)
    close[np.arange(len(part)), part] = -np.inf
    return close


def _shared(
    a: Int32[np.ndarray, "rows k"], b: Int32[np.ndarray, "rows k"]
) -> Bool[np.ndarray, "rows k"]:
    """Which of a row of `a` stand in the same row of `b`."""
    return (a[:, :, None] == b[:, None, :]).any(axis=2)


def _excess(found: Int64[np.ndarray, "rows k"], k: int, shared: Bool[np.ndarray, "rows k"]) -> int:
    """The sum of rank - k over neighbours that are not shared.

    Shared ones count nothing even if their rank, rounded otherwise in another product, is k + 1.
    """
    return int((np.maximum(found - k, 0) * ~shared).sum())
