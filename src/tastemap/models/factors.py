"""The fitted form of ALS, BPR and SVD: a vector for each user and each item."""

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol, cast

import numpy as np

from tastemap.contracts import Model
from tastemap.data.interactions import Histories
from tastemap.kernels.product import panels, product
from tastemap.shapes import Float32


class FoldsIn(Protocol):
    """What a recipe of a factor model can do beyond fitting."""

    def fold_in(self, model: "FactorModel", histories: Histories) -> Float32[np.ndarray, "rows d"]:
        """Vectors for people whom the model never met, from what they used."""

    def contributions(
        self, model: "FactorModel", history: Histories, item: int
    ) -> Float32[np.ndarray, " n"] | None:
        """What each event of a history adds to the score of an item; None if not additive."""


@dataclass(frozen=True, eq=False, kw_only=True)
class FactorModel(Model):
    """score(u, i) = x_u . y_i + b_i.

    Parameters
    ----------
    user_vectors, item_vectors
        Shapes (users, d) and (items, d).
    item_bias
        Shape (items,), or None where the model has no bias.
    """

    user_vectors: Float32[np.ndarray, "users d"]
    item_vectors: Float32[np.ndarray, "items d"]
    item_bias: Float32[np.ndarray, " items"] | None = None

    @cached_property
    def _panels(self) -> Float32[np.ndarray, "panels depth 16"]:
        return panels(self.item_vectors, self.item_bias)

    def vectors(self, histories: Histories) -> Float32[np.ndarray, "rows d"]:
        """A vector for each history: the learned one of a known user, else folded in."""
        known = self.train.knows(histories)
        if known.all():
            return self.user_vectors[histories.user]
        out = np.empty((len(histories), self.item_vectors.shape[1]), dtype=np.float32)
        out[known] = self.user_vectors[histories.user[known]]
        recipe = cast(FoldsIn, self.recipe)
        out[~known] = recipe.fold_in(self, histories.take(np.flatnonzero(~known)))
        return out

    def score(self, histories: Histories) -> Float32[np.ndarray, "rows items"]:
        """Inner products plus bias; somebody unknown without a history is scored by popularity."""
        vectors = self.vectors(histories)
        scores = product(vectors, self._panels, len(self.item_vectors))
        if not vectors[:, 0].all():  # mostly none is 0, and one column tells so
            scores[~vectors.any(axis=1)] = self.popularity
        return scores

    def contributions(self, history: Histories, item: int) -> Float32[np.ndarray, " n"] | None:
        """Exact parts of the score where the recipe knows them."""
        return cast(FoldsIn, self.recipe).contributions(self, history, item)
