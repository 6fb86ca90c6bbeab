"""Recipes that need no neural network, and `load` for what they saved; loaded when they are used.

Who trains one model does not wait for the code of the others (.1 s).
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tastemap.models.als import ALS as ALS
    from tastemap.models.bpr import BPR as BPR
    from tastemap.models.ease import EASE as EASE
    from tastemap.models.ensemble import Ensemble as Ensemble
    from tastemap.models.ensemble import EnsembleModel as EnsembleModel
    from tastemap.models.factors import FactorModel as FactorModel
    from tastemap.models.item_to_item import ItemToItemModel as ItemToItemModel
    from tastemap.models.lambdarank import Lambdarank as Lambdarank
    from tastemap.models.neighbours import ItemKNN as ItemKNN
    from tastemap.models.neighbours import RP3beta as RP3beta
    from tastemap.models.popularity import Popularity as Popularity
    from tastemap.models.popularity import PopularityModel as PopularityModel
    from tastemap.models.popularity import Random as Random
    from tastemap.models.popularity import RandomModel as RandomModel
    from tastemap.models.registry import MODELS as MODELS
    from tastemap.models.registry import RECIPES as RECIPES
    from tastemap.models.registry import load as load
    from tastemap.models.svd import SVD as SVD
    from tastemap.models.two_stage import TwoStage as TwoStage
    from tastemap.models.two_stage import TwoStageModel as TwoStageModel

_HOME = {
    "tastemap.models.als": ["ALS"],
    "tastemap.models.bpr": ["BPR"],
    "tastemap.models.ease": ["EASE"],
    "tastemap.models.ensemble": ["Ensemble", "EnsembleModel"],
    "tastemap.models.factors": ["FactorModel"],
    "tastemap.models.item_to_item": ["ItemToItemModel"],
    "tastemap.models.lambdarank": ["Lambdarank"],
    "tastemap.models.neighbours": ["ItemKNN", "RP3beta"],
    "tastemap.models.popularity": ["Popularity", "PopularityModel", "Random", "RandomModel"],
    "tastemap.models.registry": ["MODELS", "RECIPES", "load"],
    "tastemap.models.svd": ["SVD"],
    "tastemap.models.two_stage": ["TwoStage", "TwoStageModel"],
}
_NAMES = {name: module for module, names in _HOME.items() for name in names}


def __getattr__(name: str) -> Any:
    if name in _NAMES:
        return getattr(import_module(_NAMES[name]), name)
    raise AttributeError(f"module 'tastemap.models' has no attribute {name!r}")
