"""The fitted form of ItemKNN, RP3beta and EASE: how much one item speaks for another."""

from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_array

from tastemap.contracts import Model
from tastemap.data.interactions import Histories
from tastemap.shapes import Float32


@dataclass(frozen=True, eq=False, kw_only=True)
class ItemToItemModel(Model):
    """score(u, i) = sum over the history of weight_j * strength[j, i].

    Known users and strangers alike are scored by the history that is shown.

    Parameters
    ----------
    strength
        Shape (items, items), dense or CSR: what item j in a history adds to the score of item i.
    """

    strength: Float32[np.ndarray, "items items"] | csr_array

    @property
    def use_weights(self) -> bool:
        """Whether events count with their weights (else each counts 1), as in training."""
        return bool(getattr(self.recipe, "use_weights", False))

    @property
    def decay(self) -> float:
        """What an event counts for each one that came after it; 1: all alike."""
        return float(getattr(self.recipe, "decay", 1.0))

    def score(self, histories: Histories) -> Float32[np.ndarray, "rows items"]:
        """Sum what the items of each history say; an empty history is scored by popularity."""
        if self.decay != 1:
            shown = replace(histories, weight=self._counted(histories)).matrix(len(self.items))
        else:  # half the time that marking first events takes
            shown = histories.matrix(len(self.items))
            if not self.use_weights:
                shown.data = np.ones_like(shown.data)
        product = shown @ self.strength
        scores = product if isinstance(product, np.ndarray) else product.toarray()
        scores = np.asarray(scores, dtype=np.float32)
        scores[histories.lengths == 0] = self.popularity
        return scores

    def contributions(self, history: Histories, item: int) -> Float32[np.ndarray, " n"]:
        """What each event of the history adds to the score of `item`: exact."""
        column = self.strength[:, [item]]
        column = column.toarray() if isinstance(column, csr_array) else column
        return np.asarray(self._counted(history) * column[history.items, 0], dtype=np.float32)

    def _counted(self, histories: Histories) -> Float32[np.ndarray, " n"]:
        """What each event counts: its weight or 1, times decay^(how many came after it).

        Without weights and decay an item counts once, however often it was used.
        """
        if self.decay == 1:
            weight = histories.weight if self.use_weights else histories.first_events()
            return np.asarray(weight, dtype=np.float32)
        weight = histories.weight if self.use_weights else np.ones_like(histories.weight)
        ends = np.repeat(histories.starts[1:], histories.lengths)
        ages = ends - 1 - np.arange(len(histories.items))
        return np.asarray(weight * self.decay**ages, dtype=np.float32)
