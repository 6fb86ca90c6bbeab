"""The fitted form of the SASRec family: weights by name, and a network that is built when asked."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from tastemap.data.interactions import Histories
from tastemap.errors import MissingExtra
from tastemap.kernels.product import panels, product
from tastemap.neural.network_model import NetworkModel
from tastemap.neural.sequences import Windows
from tastemap.shapes import Float32

if TYPE_CHECKING:
    from tastemap.neural.sasrec import SASRec


@dataclass(frozen=True, eq=False, kw_only=True)
class SequenceModel(NetworkModel):
    """score(history, i) = h . y_i, with h what the network makes of the newest `max_len` events.

    Known users and strangers are alike: what counts is the history that is passed. Events beyond
    `max_len` are left out; somebody without any history is scored by popularity.

    Parameters
    ----------
    user_states
        Shape (users, d): h of everybody's training history, so that these are not read again, nor
        torch loaded for them; None in a model that is still in training.
    """

    user_states: Float32[np.ndarray, "users d"] | None = None

    @property
    def item_vectors(self) -> Float32[np.ndarray, "items d"]:
        """What states are compared with, in code order."""
        recipe = cast("SASRec", self.recipe)
        vectors = (
            self.weights["items.weight"][1:] if recipe.tied else self.weights["outputs.weight"]
        )
        if recipe.scale is None:
            return vectors
        lengths = np.sqrt((vectors * vectors).sum(axis=1, keepdims=True))
        return np.asarray(vectors / np.maximum(lengths, 1e-12) * np.float32(recipe.scale))

    @cached_property
    def _panels(self) -> Float32[np.ndarray, "panels depth 16"]:
        return panels(self.item_vectors)

    @cached_property
    def _network(self) -> Any:
        from tastemap.neural.sequence_fit import rebuilt

        return rebuilt(self)

    def states(self, histories: Histories) -> Float32[np.ndarray, "rows d"]:
        """The last hidden state of each history; zeros for an empty one."""
        kept = self.user_states
        if kept is None:
            return self._read(histories)
        with_times = cast("SASRec", self.recipe).mixer == "pointwise"
        known = self.train.holds(histories, times=with_times)
        out = np.zeros((len(histories), kept.shape[1]), dtype=np.float32)
        out[known] = kept[histories.user[known]]
        others = ~known & (histories.lengths > 0)
        if others.any():
            out[others] = self._read(histories.take(others))
        return out

    def _read(self, histories: Histories) -> Float32[np.ndarray, "rows d"]:
        """What the network makes of them."""
        try:
            from tastemap.neural.sequence_fit import states
        except ImportError as error:
            raise MissingExtra(f"{self.recipe.name} (torch)", "neural") from error
        return states(self._network, histories)

    def with_user_states(self) -> "SequenceModel":
        """The same model, with the states of all training histories."""
        return replace(self, user_states=self._read(self.train.histories()))

    def score(self, histories: Histories) -> Float32[np.ndarray, "rows items"]:
        """Inner products of states and item vectors; popularity where the history is empty."""
        vectors = self.states(histories)
        if cast("SASRec", self.recipe).scale is not None:
            vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True).clip(1e-12)
        scores = product(vectors, self._panels, len(self.items))
        scores[histories.lengths == 0] = self.popularity
        return scores

    def fed(self, most: int = 2000) -> dict[str, Any]:
        """What training shows of `most` users: what the doctor asks of a sequence model.

        Padded `inputs`, the `targets` at their ends, `times`, and the `padding_vector`.
        """
        recipe = cast("SASRec", self.recipe)
        windows = Windows.of(self.train.histories(), recipe.max_len)
        shown = windows.part(np.arange(min(most, len(windows))))
        return {
            "inputs": shown.items,
            "targets": shown.targets[:, -1],
            "times": shown.times,
            "padding_vector": self.weights["items.weight"][0],
        }
