"""UMAP of vectors, by umap-learn, fed with exact neighbours."""

import sys
import warnings

import numpy as np

from tastemap.errors import MissingExtra, UsageError
from tastemap.kernels.workers import one_blas_thread
from tastemap.maps.neighbours import Similarity, nearest, require_similarity, unit_rows
from tastemap.maps.tsne import Near, begin
from tastemap.shapes import Float, Float32, Int32

Known = tuple[Int32[np.ndarray, "n _"], Float32[np.ndarray, "n _"], None]


def umap(
    vectors: Float[np.ndarray, "n d"],
    *,
    neighbours: int = 15,
    min_dist: float = 0.1,
    epochs: int | None = None,
    similarity: Similarity = "cosine",
    seed: int = 0,
    start: Float[np.ndarray, "_ 2"] | None = None,
    near: Near | None = None,
) -> Float32[np.ndarray, "n 2"]:
    """Places in the plane by UMAP (McInnes, Healy & Melville 2018) with a PCA start.

    The distance of two items is the highest likeness in the row less theirs, which is what UMAP
    makes of any distance (it subtracts the nearest). A seed keeps it on one thread: equal
    arguments give equal bits. The first call in a process compiles for some ten seconds.

    Parameters
    ----------
    neighbours
        How many neighbours make the graph, the item itself among them; from 2 to n.
    min_dist
        How close items may lie; from 0 to 1.
    epochs
        Passes over the graph; by default 500, or 200 above 10,000 items.
    seed
        Of its own draws.
    start
        Places on an older map, where items begin; by default their principal components.
    near
        The nearest items, if they are known already; neighbours - 1 columns or more.

    Raises
    ------
    UsageError
        An argument out of its range.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of its optional parts
            from umap import UMAP
    except ImportError as error:
        raise MissingExtra("a UMAP map", "maps") from error
    n = len(vectors)
    require_similarity(similarity)
    _require(n, neighbours, min_dist, epochs)
    found = nearest(vectors, neighbours - 1, similarity=similarity) if near is None else near
    rows = unit_rows(vectors) if similarity == "cosine" else vectors
    fit = UMAP(
        n_neighbors=neighbours,
        min_dist=min_dist,
        n_epochs=epochs,
        init=begin(vectors, similarity, start, seed).astype(np.float32),
        random_state=seed % 2**32,
        n_jobs=1,
        precomputed_knn=_known(found, neighbours - 1),
        tqdm_kwds={"disable": False if "ipykernel" in sys.modules else None},
    )
    with warnings.catch_warnings(), one_blas_thread():
        warnings.simplefilter("ignore")  # that it cannot place new items: see `place`
        xy = fit.fit_transform(np.ascontiguousarray(rows, dtype=np.float32))
    return np.asarray(xy, dtype=np.float32)


def _known(near: Near, k: int) -> Known:
    """The item itself and its k nearest, as UMAP wants them."""
    places, likeness = near[0][:, :k], near[1][:, :k]
    itself = np.arange(len(places), dtype=np.int32)[:, None]
    apart = np.maximum(likeness[:, :1] - likeness, 0)
    return (
        np.hstack([itself, places]),
        np.hstack([np.zeros((len(places), 1), np.float32), apart]).astype(np.float32),
        None,
    )


def _require(n: int, neighbours: int, min_dist: float, epochs: int | None) -> None:
    if n < 4:
        raise UsageError(f"UMAP of {n} items", "4 items or more", "use method='pca'")
    if not 2 <= neighbours <= n:
        raise UsageError(
            f"neighbours={neighbours} for {n:,} items",
            f"from 2 to {n}",
            f"pass neighbours={min(15, n)}",
        )
    if not 0 <= min_dist <= 1:
        raise UsageError(f"min_dist={min_dist!r}", "from 0 to 1", "pass min_dist=0.1")
    if epochs is not None and epochs < 1:
        raise UsageError(f"epochs={epochs}", "from 1 on", "leave it out")
