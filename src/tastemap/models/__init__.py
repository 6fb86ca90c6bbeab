"""Recipes that need no neural network, and `load` for what they saved."""

from pathlib import Path

from tastemap.contracts import Model, Recipe
from tastemap.errors import InputError
from tastemap.models.als import ALS as ALS
from tastemap.models.bpr import BPR as BPR
from tastemap.models.ease import EASE as EASE
from tastemap.models.factors import FactorModel as FactorModel
from tastemap.models.item_to_item import ItemToItemModel as ItemToItemModel
from tastemap.models.neighbours import ItemKNN as ItemKNN
from tastemap.models.neighbours import RP3beta as RP3beta
from tastemap.models.popularity import Popularity as Popularity
from tastemap.models.popularity import PopularityModel as PopularityModel
from tastemap.models.popularity import Random as Random
from tastemap.models.popularity import RandomModel as RandomModel
from tastemap.models.svd import SVD as SVD
from tastemap.storage import read_folder

RECIPES: dict[str, type[Recipe]] = {
    recipe.__name__: recipe
    for recipe in (Random, Popularity, ItemKNN, RP3beta, EASE, SVD, ALS, BPR)
}
"""Every recipe by name: the contract tests, the command line and the docs read this table."""

MODELS: dict[str, type[Model]] = {
    model.__name__: model for model in (RandomModel, PopularityModel, ItemToItemModel, FactorModel)
}
"""Every fitted form by name."""


def load(path: str | Path) -> Model:
    """Load a model that `model.save(path)` wrote.

    Raises `InputError` where the folder is missing, damaged or written by a newer version.
    """
    manifest, arrays = read_folder(path)
    named = manifest.get("recipe", {}).get("name")
    if named not in RECIPES or manifest.get("model") not in MODELS:
        raise InputError(
            f"{path} holds a {manifest.get('model')} made by {named}",
            f"models made by {', '.join(RECIPES)}",
            "load it with the version of tastemap that saved it",
        )
    recipe = RECIPES[named](**manifest["recipe"]["fields"])
    return MODELS[manifest["model"]].restore(recipe, manifest, arrays)
