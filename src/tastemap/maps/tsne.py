"""t-SNE of vectors: openTSNE, fed with exact neighbours and, up to 40,000 items, exact forces."""

import sys
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from tqdm.auto import tqdm

from tastemap.errors import InputError, MissingExtra, UsageError
from tastemap.kernels.repulsion import forces
from tastemap.kernels.workers import n_threads, one_blas_thread
from tastemap.maps.neighbours import Similarity, nearest, require_similarity, unit_rows
from tastemap.maps.spectrum import principal
from tastemap.seeding import stream
from tastemap.shapes import Float, Float32, Float64, Int32

Near = tuple[Int32[np.ndarray, "n k"], Float32[np.ndarray, "n k"]]
"""Neighbours and their likeness, nearest first, as `neighbours.nearest` returns them."""

Progress = Callable[[int, int], None]
"""Called now and then with the number of iterations done and that of all."""

EXACT_TO = 40_000
"""Forces are exact up to so many items, and interpolated (openTSNE's FFT) beyond: see
`kernels.repulsion` for the times."""

EXAGGERATION = 12
"""What attraction is multiplied by at first, so that neighbours find each other."""

EVERY = 25
"""Iterations between two moves of the bar."""


def tsne(
    vectors: Float[np.ndarray, "n d"],
    *,
    perplexity: float = 30,
    iterations: int = 750,
    learning_rate: float | Literal["auto"] = "auto",
    similarity: Similarity = "cosine",
    seed: int = 0,
    start: Float[np.ndarray, "_ 2"] | None = None,
    near: Near | None = None,
    progress: Progress | None = None,
) -> Float32[np.ndarray, "n 2"]:
    """Places in the plane where near items stand together: t-SNE with a PCA start.

    The chance that item i picks j as its neighbour is proportional to exp(-b_i g_ij^2) over its
    3 * perplexity nearest j, where the gap g_ij is how far their cosine (or inner product) stays
    behind that of i's nearest, and b_i gives the perplexity asked for. The usual Gaussian of the
    distances of unit vectors is exp(-b_i g_ij); squared, the nearest count alike and the far ones
    less, which keeps more of the ten nearest: 59.2 against 57.3 % and 34.4 against 32.4 % (1,682
    items of two ALS models), 35.2 against 34.3 % and 57.9 against 57.0 % (10,000).

    Equal arguments give equal bits, whatever the number of threads.

    Parameters
    ----------
    perplexity
        How many neighbours count, softly; from 1 to (n - 1) / 3.
    iterations
        The first third of them with attraction multiplied by 12 (early exaggeration).
    learning_rate
        "auto" is n / 12 at first, then n (Belkina et al., Nature Communications 2019).
    seed
        Of the jitter that parts equal items.
    start
        Places on an older map, where items begin; all iterations are then plain. By default they
        begin at their first two principal components, scaled as openTSNE scales them.
    near
        The nearest items, if they are known already; as many as 3 * perplexity, or more.
    progress
        Takes the place of the bar on stderr, which is silent unless that is a terminal.

    Raises
    ------
    UsageError
        A perplexity that so few items do not allow, or another argument out of its range.

    Examples
    --------
    >>> rng = stream(0, "example")
    >>> groups = np.repeat(np.eye(3), 20, axis=0) + 0.1 * rng.standard_normal((60, 3))
    >>> tsne(groups, perplexity=5, iterations=100).shape
    (60, 2)
    """
    try:
        from openTSNE import TSNEEmbedding
        from openTSNE.affinity import PerplexityBasedNN
        from openTSNE.nearest_neighbors import PrecomputedNeighbors
    except ImportError as error:
        raise MissingExtra("a t-SNE map", "maps") from error
    n = len(vectors)
    require_similarity(similarity)
    require_tsne(n, perplexity, iterations, learning_rate)
    k = min(n - 1, int(3 * perplexity))
    places, likeness = nearest(vectors, k, similarity=similarity) if near is None else near
    if places.shape[1] < k:
        raise UsageError(
            f"{places.shape[1]} neighbours an item for perplexity {perplexity:g}",
            f"{k} or more, three times the perplexity",
            "leave near out, or find more neighbours",
        )
    places, likeness = np.ascontiguousarray(places[:, :k]), likeness[:, :k].astype(np.float64)
    apart = likeness[:, :1] - likeness  # openTSNE squares it
    affinities = PerplexityBasedNN(
        perplexity=perplexity,
        knn_index=PrecomputedNeighbors(places, apart),
        n_jobs=n_threads(),
    )
    bar = _Bar(iterations, progress)
    early = iterations // 3 if start is None else 0
    found = TSNEEmbedding(
        begin(vectors, similarity, start, seed),
        affinities,
        learning_rate=learning_rate,
        negative_gradient_method=_objective if n <= EXACT_TO else "fft",
        callbacks=bar if bar.moves else None,
        callbacks_every_iters=EVERY,
        n_jobs=n_threads(),
    )
    with bar.shown:
        if early:
            found.optimize(early, exaggeration=EXAGGERATION, inplace=True)
        found.optimize(iterations - early, inplace=True)
        bar.finish()
    return np.asarray(found, dtype=np.float32)


def begin(
    vectors: Float[np.ndarray, "n d"],
    similarity: Similarity,
    start: Float[np.ndarray, "_ 2"] | None,
    seed: int,
) -> Float64[np.ndarray, "n 2"]:
    """Where items begin: their first two principal components, tiny, or the start, a tenth as wide.

    A map of one week that begins where the last one ended, with all iterations plain, keeps as
    much (38 % of neighbours, divergence 1.70) as one from components (38 %, 1.77), and half of the
    items stay within 1.8 distances to a tenth neighbour instead of 7.0. As tiny as components, and
    exaggerated, it moved by 8.1; at full size it kept 37 %.
    """
    n = len(vectors)
    noise = stream(seed, "tsne").standard_normal((n, 2)) * 1e-6
    if start is not None:
        if start.shape != (n, 2) or not np.isfinite(start).all():
            raise InputError(
                f"a start of shape {start.shape} for {n:,} items",
                f"finite numbers of shape ({n}, 2): a place for each item",
                "leave start out: principal components are taken",
            )
        return (start - start.mean(axis=0, dtype=np.float64)) / 10 + noise
    rows = (unit_rows(vectors) if similarity == "cosine" else vectors).astype(np.float64)
    with one_blas_thread():
        _, directions = principal(rows)
        found = (rows - rows.mean(axis=0)) @ directions[:, :2]
    spread = float(np.std(found[:, 0]))
    if spread == 0:  # all in one place: nothing but noise can part them
        return noise * 100
    noise[:, : found.shape[1]] += found * (1e-4 / spread)
    return noise


def most_perplexity(n: int) -> float:
    """The highest perplexity that n items allow: a third of the others."""
    return (n - 1) / 3


def require_tsne(n: int, perplexity: float, iterations: int, learning_rate: float | str) -> None:
    """Refuse what n items cannot be drawn with."""
    most = most_perplexity(n)
    if most < 1:
        raise UsageError(f"t-SNE of {n} items", "4 items or more", "use method='pca'")
    if not 1 <= perplexity <= most:
        raise UsageError(
            f"perplexity={perplexity:g} for {n:,} items",
            f"from 1 to {np.floor(10 * most) / 10:g}, a third of the other items",
            f"pass perplexity={min(30, int(most))}",
        )
    if iterations < 1:
        raise UsageError(f"iterations={iterations}", "from 1 on", "pass iterations=750")
    if learning_rate != "auto" and not (
        isinstance(learning_rate, int | float) and 0 < learning_rate < float("inf")
    ):
        raise UsageError(
            f"learning_rate={learning_rate!r}",
            "'auto', or a number above 0",
            "leave it out: 'auto'",
        )


def _objective(
    embedding: Any, P: Any, *, should_eval_error: bool = False, **_: Any
) -> tuple[float, Float64[np.ndarray, "n 2"]]:
    """Gradient and, if asked for, Kullback-Leibler divergence, as openTSNE's optimiser wants it."""
    xy = np.asarray(embedding)
    gradient, z = forces(xy, P.indptr, P.indices, P.data)
    return (_divergence(xy, P, z) if should_eval_error else float("nan")), gradient


def _divergence(xy: Float64[np.ndarray, "n 2"], P: Any, z: float) -> float:
    """sum p log(p Z / q) over the pairs that have a p."""
    rows = np.repeat(np.arange(len(xy)), np.diff(P.indptr))
    apart = ((xy[rows] - xy[P.indices]) ** 2).sum(axis=1)
    sure = P.data > 0
    return float((P.data[sure] * np.log(P.data[sure] * z * (1 + apart[sure]))).sum())


class _Bar:
    """openTSNE's callback: moves the bar, or tells whoever asked."""

    def __init__(self, iterations: int, progress: Progress | None) -> None:
        self.iterations, self.progress, self.done = iterations, progress, 0
        hidden = True if progress else None if "ipykernel" not in sys.modules else False
        self.shown = tqdm(total=iterations, desc="t-SNE", disable=hidden, bar_format=BAR)
        self.moves = progress is not None or not self.shown.disable

    def __call__(self, iteration: int, error: float, embedding: Any) -> None:
        self.shown.set_postfix_str(f"divergence={error:.3f}", refresh=False)
        self._move(EVERY)

    def finish(self) -> None:
        """The two phases end between two calls of openTSNE."""
        self._move(self.iterations - self.done)

    def _move(self, further: int) -> None:
        self.done += further
        self.shown.update(further)
        if self.progress is not None:
            self.progress(self.done, self.iterations)


BAR = "{desc}: {percentage:3.0f}%|{bar:10}| {n_fmt}/{total_fmt} [{postfix}]"
