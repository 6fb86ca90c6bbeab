"""What fitted networks share: weights by name, saved and read without torch."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tastemap.contracts import Model, Recipe
from tastemap.storage import Arrays, unpack_log
from tastemap.training import TrainingLog

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
        return {f"{NETWORK}{name}": array for name, array in self.weights.items()}

    @classmethod
    def restore(cls, recipe: Recipe, manifest: dict[str, Any], arrays: Arrays) -> "NetworkModel":
        """The model that `save` wrote."""
        return cls(
            recipe=recipe,
            seed=manifest["seed"],
            train=unpack_log(arrays),
            log=TrainingLog.from_json(manifest["training"]),
            weights={
                name.removeprefix(NETWORK): array
                for name, array in arrays.items()
                if name.startswith(NETWORK)
            },
        )
