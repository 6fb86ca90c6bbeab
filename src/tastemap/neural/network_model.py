"""What fitted networks share: weights by name, saved and read without torch."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tastemap.contracts import Model
from tastemap.storage import Arrays

NETWORK = "network."
"""Stands before the names of weights in a saved folder."""


@dataclass(frozen=True, eq=False, kw_only=True)
class NetworkModel(Model):
    """A model whose learned part is a table of named arrays.

    Parameters
    ----------
    weights
        Every array of the network, by name.
    """

    weights: Mapping[str, np.ndarray]

    def _learned(self) -> Arrays:
        network = {f"{NETWORK}{name}": array for name, array in self.weights.items()}
        return super()._learned() | network

    @classmethod
    def _relearned(cls, arrays: Arrays, n_items: int) -> dict[str, Any]:
        names = [name for name in arrays if name.startswith(NETWORK)]
        weights = {name.removeprefix(NETWORK): arrays[name] for name in names}
        return super()._relearned(arrays, n_items) | {"weights": weights}
