"""EASE: the best linear item-to-item model, in closed form."""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import lapack

from tastemap.contracts import Recipe
from tastemap.data.interactions import Interactions
from tastemap.kernels.jit import one_blas_thread
from tastemap.memory import require_memory
from tastemap.models.item_to_item import ItemToItemModel
from tastemap.shapes import Float64
from tastemap.training import Monitor


@dataclass(frozen=True)
class EASE(Recipe):
    """Each item from all others: minimise |X - X B|^2 + reg |B|^2 with a zero diagonal.

    With P = (X'X + reg I)^-1 the solution is B = I - P / diag(P). Source: Steck, "Embarrassingly
    Shallow Autoencoders for Sparse Data", WWW 2019.

    Parameters
    ----------
    reg
        Weight of |B|^2, in squared events; the only thing to tune (100 to 1000 is usual).
    use_weights
        Use the log's weights; by default every event counts 1.

    Examples
    --------
    >>> log = Interactions.of([("ann", "tea"), ("ann", "milk"), ("bob", "tea"), ("eve", "jam")])
    >>> EASE(reg=1).fit(log).recommend(["bob"], k=1)["item"].tolist()
    ['milk']
    """

    reg: float = 300.0
    use_weights: bool = False

    def __post_init__(self) -> None:
        self._require("reg", self.reg > 0, "a number above 0")

    def fit(
        self, train: Interactions, *, seed: int = 0, monitor: Monitor | None = None
    ) -> ItemToItemModel:
        """Invert one (items, items) matrix; items^3 operations, and no randomness."""
        n_items = len(train.items)
        require_memory(
            20 * n_items**2,  # the matrix and its inverse in float64, the result in float32
            f"EASE on {n_items:,} items",
            "keep fewer items (k_core(log, 10)), or use ItemKNN or ALS",
        )
        matrix = train.matrix().astype(np.float64)
        if not self.use_weights:
            matrix.data = np.ones_like(matrix.data)
        gram = (matrix.T @ matrix).toarray()
        gram[np.diag_indices(n_items)] += self.reg
        inverse = _inverse(gram)
        strength = -inverse / np.diag(inverse)
        strength[np.diag_indices(n_items)] = 0
        return ItemToItemModel(
            recipe=self,
            seed=seed,
            train=train,
            strength=np.ascontiguousarray(strength, dtype=np.float32),
        )


def _inverse(gram: Float64[np.ndarray, "n n"]) -> Float64[np.ndarray, "n n"]:
    """Of X'X + reg I, which is overwritten."""
    if len(gram) == 0:  # LAPACK takes no matrix without rows
        return gram
    with one_blas_thread():
        factor, failed = lapack.dpotrf(gram, lower=1, overwrite_a=1)
        inverse, failed_too = lapack.dpotri(factor, lower=1, overwrite_c=1)
    assert not failed, "X'X + reg I is positive definite for every reg > 0"
    assert not failed_too, "a Cholesky factor has no zero on its diagonal"
    return np.asarray(np.tril(inverse) + np.tril(inverse, -1).T)
