"""Exact nearest neighbours of vectors, and whether some items are everybody's neighbour."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from tastemap.errors import UsageError, require_k
from tastemap.kernels.jit import one_blas_thread
from tastemap.kernels.topk import top_k
from tastemap.recommend import BLOCK_BYTES, tie_order
from tastemap.shapes import Float, Float32, Int32, Int64

Similarity = Literal["cosine", "dot"]


def nearest(
    vectors: Float[np.ndarray, "n d"], k: int = 10, *, similarity: Similarity = "cosine"
) -> tuple[Int32[np.ndarray, "n k"], Float32[np.ndarray, "n k"]]:
    """The k nearest other rows of each row and their likeness, nearest first; exact.

    Likeness is the cosine or the inner product. A zero vector has cosine 0 with everything. Equal
    likeness is ordered by a fixed shuffle. The cost is n^2 d.

    Examples
    --------
    >>> places, likeness = nearest(np.array([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0]]), k=1)
    >>> places.ravel().tolist()
    [1, 0, 1]
    """
    if not require_k(k) < len(vectors):
        raise UsageError(
            f"k={k} neighbours among {len(vectors):,} vectors",
            f"k from 1 to {len(vectors) - 1}",
            f"pass k={max(len(vectors) - 1, 1)} or fewer",
        )
    rows = unit_rows(vectors) if require_similarity(similarity) == "cosine" else vectors
    rows = np.ascontiguousarray(rows, dtype=np.float32)
    places = np.empty((len(rows), k), dtype=np.int32)
    likeness = np.empty((len(rows), k), dtype=np.float32)
    ties = tie_order(len(rows))
    step = max(1, BLOCK_BYTES // (4 * len(rows)))
    with one_blas_thread():  # so that the last bits do not depend on the number of threads
        for start in range(0, len(rows), step):
            block = rows[start : start + step] @ rows.T
            block[np.arange(len(block)), start + np.arange(len(block))] = -np.inf
            places[start : start + step], likeness[start : start + step] = top_k(block, ties, k)
    return places, likeness


def unit_rows(vectors: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
    """Each row divided by its length; rows of zeros stay zeros."""
    # By the largest entry first: the square of a tiny number would vanish.
    largest = np.abs(vectors).max(axis=1, keepdims=True, initial=0)
    scaled = vectors / np.where(largest > 0, largest, 1)
    lengths = np.sqrt((scaled * scaled).sum(axis=1, keepdims=True))
    return scaled / np.where(lengths > 0, lengths, 1)


def require_similarity(similarity: str) -> str:
    """Return `similarity` if it is one that neighbours can be found by, else raise."""
    if similarity not in ("cosine", "dot"):
        raise UsageError(f"similarity={similarity!r}", "'cosine' or 'dot'", "leave it out: cosine")
    return similarity


@dataclass(frozen=True, eq=False)
class Hubs:
    """How evenly items are neighbours of others.

    N_k(i) counts in how many lists of k neighbours item i stands; its mean is k. Source:
    Radovanovic, Nanopoulos & Ivanovic, JMLR 2010.

    Parameters
    ----------
    counts
        N_k of each item.
    skewness
        Third standardised moment of N_k; 0 where all are equal.
    largest
        Largest N_k divided by k.
    antihub_share
        Share of items that are nobody's neighbour.
    """

    counts: Int64[np.ndarray, " n"]
    skewness: float
    largest: float
    antihub_share: float


def hubs(places: Int32[np.ndarray, "n k"]) -> Hubs:
    """Count how often each item is a neighbour.

    >>> found = hubs(np.array([[1], [0], [1]], dtype=np.int32))
    >>> found.counts.tolist(), found.largest, round(found.antihub_share, 2)
    ([1, 2, 0], 2.0, 0.33)
    """
    n, k = places.shape
    counts = np.bincount(places.ravel(), minlength=n).astype(np.int64)
    off = counts - counts.mean()
    variance = float((off**2).mean())
    return Hubs(
        counts=counts,
        skewness=float((off**3).mean()) / variance**1.5 if variance > 0 else 0.0,
        largest=float(counts.max()) / k,
        antihub_share=float((counts == 0).mean()),
    )
