"""PureSVD: the truncated singular value decomposition of the interaction matrix."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse.linalg import svds

from tastemap.contracts import Recipe
from tastemap.data.interactions import Histories, Interactions
from tastemap.errors import InputError, UsageError
from tastemap.kernels.jit import one_blas_thread
from tastemap.models.factors import FactorModel
from tastemap.seeding import stream
from tastemap.shapes import Float32
from tastemap.training import Monitor


@dataclass(frozen=True)
class SVD(Recipe):
    """The best rank-d picture of the matrix, zeros included: X ~ U S V'.

    A user is her row times V, so score(u, .) = x_u V V'. Source: Cremonesi, Koren & Turrin,
    RecSys 2010.

    Parameters
    ----------
    factors
        Rank d; below both the number of users and of items.
    use_weights
        Use the log's weights; by default every event counts 1.

    Examples
    --------
    >>> log = Interactions.of([("ann", "tea"), ("ann", "milk"), ("bob", "tea"), ("eve", "jam")])
    >>> SVD(factors=1).fit(log).recommend(["bob"], k=1)["item"].tolist()
    ['milk']
    """

    factors: int = 32
    use_weights: bool = False

    def __post_init__(self) -> None:
        self._require("factors", self.factors >= 1, "a whole number from 1 on")

    def fit(
        self, train: Interactions, *, seed: int = 0, monitor: Monitor | None = None
    ) -> FactorModel:
        """Find the leading singular vectors (ARPACK); signs are fixed, so bits are too."""
        matrix = train.matrix().astype(np.float64)
        if not self.use_weights:
            matrix.data = np.ones_like(matrix.data)
        if self.factors >= min(matrix.shape):
            raise UsageError(
                f"SVD(factors={self.factors}) for {matrix.shape[0]:,} users x "
                f"{matrix.shape[1]:,} items",
                f"factors from 1 to {min(matrix.shape) - 1}",
                "use fewer factors, or a bigger log",
            )
        if not matrix.data.any():  # ARPACK finds no direction in zeros
            raise InputError(
                f"SVD on {matrix.nnz:,} events, none of which counts",
                "a log with events that weigh more than 0",
                "use Popularity, which needs none",
            )
        start = stream(seed, "svd", "start").standard_normal(min(matrix.shape))
        with one_blas_thread():
            _, sizes, transposed = svds(matrix, k=self.factors, v0=start)
        directions = transposed[np.argsort(-sizes, kind="stable")].T
        strongest = np.argmax(np.abs(directions), axis=0)
        directions = directions * np.sign(directions[strongest, np.arange(self.factors)])
        return FactorModel(
            recipe=self,
            seed=seed,
            train=train,
            user_vectors=np.asarray(matrix @ directions, dtype=np.float32),
            item_vectors=np.ascontiguousarray(directions, dtype=np.float32),
        )

    def fold_in(self, model: FactorModel, histories: Histories) -> Float32[np.ndarray, "rows d"]:
        """A stranger's vector is her row times V, like everybody's."""
        shown = histories.matrix(len(model.items))
        if not self.use_weights:
            shown.data = np.ones_like(shown.data)
        return np.asarray(shown @ model.item_vectors, dtype=np.float32)

    def contributions(
        self, model: FactorModel, history: Histories, item: int
    ) -> Float32[np.ndarray, " n"]:
        """Event j adds weight_j v_j . v_i: exact."""
        weight = history.weight if self.use_weights else history.first_events()
        return weight * (model.item_vectors[history.items] @ model.item_vectors[item])
