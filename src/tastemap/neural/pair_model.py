"""The fitted form of MF, GMF, MLP and NeuMF: arrays, and scores by plain NumPy."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from tastemap.data.interactions import Histories
from tastemap.kernels.product import panels, product
from tastemap.kernels.workers import one_blas_thread
from tastemap.neural.network_model import NetworkModel
from tastemap.shapes import Float32

if TYPE_CHECKING:
    from tastemap.neural.ncf import UserItemNetwork


@dataclass(frozen=True, eq=False, kw_only=True)
class PairModel(NetworkModel):
    """score(u, i) by the recipe's parts; strangers get vectors of their own from what they used.

    `weights` holds "dot.users" (users, d), "dot.items" (items, d); "gmf.users", "gmf.items",
    "gmf.weights" (d,); "mlp.users", "mlp.items" (half of the first width), "mlp.0.weight" (first
    width, first width), "mlp.0.bias" and so on, "mlp.output" (last width,); "bias" (items,).
    """

    @property
    def item_vectors(self) -> Float32[np.ndarray, "items d"]:
        """All vectors of an item side by side; of GMF each number times the root of its weight."""
        found = [self.weights[f"{part}.items"] for part in self._parts]
        if "gmf" in self._parts:
            place = self._parts.index("gmf")
            found[place] = found[place] * np.sqrt(np.abs(self.weights["gmf.weights"]))
        return np.concatenate(found, axis=1)

    @property
    def _parts(self) -> tuple[str, ...]:
        return cast("UserItemNetwork", self.recipe).parts()

    @cached_property
    def network(self) -> Any:
        """The network again, with torch, to fold strangers in."""
        from tastemap.neural.pair_fit import rebuilt

        return rebuilt(self)

    def users_of(self, histories: Histories) -> dict[str, np.ndarray]:
        """Vectors of each part for each history: learned ones of known users, else folded in."""
        known = self.train.knows(histories)
        tables = {part: self.weights[f"{part}.users"] for part in self._parts}
        found = {p: np.zeros((len(known), t.shape[1]), t.dtype) for p, t in tables.items()}
        for part, table in tables.items():
            found[part][known] = table[histories.user[known]]
        strangers = ~known & (histories.lengths > 0)
        if strangers.any():
            recipe = cast("UserItemNetwork", self.recipe)
            folded = recipe.fold_in(self, histories.take(np.flatnonzero(strangers)))
            for part, vectors in folded.items():
                found[part][strangers] = vectors
        return found

    def score(self, histories: Histories) -> Float32[np.ndarray, "rows items"]:
        """The sum of the parts and the item's bias; popularity where nothing is known."""
        users = self.users_of(histories)
        n_items = len(self.items)
        scores = np.zeros((len(histories), n_items), dtype=np.float32)
        if "mlp" in users:
            scores += self._tower(users["mlp"])
        if "gmf" in users:
            scores += product(users["gmf"] * self.weights["gmf.weights"], self._products, n_items)
        if "dot" in users:
            scores += product(users["dot"], self._products, n_items)
        scores += self.weights["bias"]
        nobody = (histories.lengths == 0) & ~self.train.knows(histories)
        scores[nobody] = self.popularity
        return scores

    @cached_property
    def _products(self) -> Float32[np.ndarray, "panels depth 16"]:
        part = "gmf" if "gmf" in self._parts else "dot"
        return panels(self.weights[f"{part}.items"])

    def _tower(self, users: Float32[np.ndarray, "rows half"]) -> Float32[np.ndarray, "rows items"]:
        """The tower for every pair; its first layer is a sum of a user's part and an item's."""
        weights, half = self.weights, users.shape[1]
        first = weights["mlp.0.weight"]
        depth = sum(name.startswith("mlp.") and name.endswith(".weight") for name in weights)
        out = np.empty((len(users), len(self.items)), dtype=np.float32)
        with one_blas_thread():  # its bits would depend on their number
            of_users = users @ first[:, :half].T + weights["mlp.0.bias"]
            of_items = weights["mlp.items"] @ first[:, half:].T
            for row, own in enumerate(of_users):
                state = np.maximum(of_items + own, 0)
                for layer in range(1, depth):
                    state = state @ weights[f"mlp.{layer}.weight"].T + weights[f"mlp.{layer}.bias"]
                    np.maximum(state, 0, out=state)
                out[row] = state @ weights["mlp.output"]
        return out
