"""Recipes that torch trains: user-item networks and sequence models (extra `neural`).

The recipes and their fitted forms can be imported, loaded and compared without torch; it is asked
for where a network is trained or asked.
"""

from tastemap.contracts import Model, Recipe
from tastemap.neural.ncf import GMF as GMF
from tastemap.neural.ncf import MF as MF
from tastemap.neural.ncf import MLP as MLP
from tastemap.neural.ncf import NeuMF as NeuMF
from tastemap.neural.pair_model import PairModel
from tastemap.neural.sasrec import SASRec as SASRec
from tastemap.neural.sequence_model import SequenceModel as SequenceModel

NEURAL: dict[str, type[Recipe]] = {
    recipe.__name__: recipe for recipe in (MF, GMF, MLP, NeuMF, SASRec)
}
"""Every recipe here by name."""

NEURAL_MODELS: dict[str, type[Model]] = {
    model.__name__: model for model in (PairModel, SequenceModel)
}
"""Every fitted form here by name."""
