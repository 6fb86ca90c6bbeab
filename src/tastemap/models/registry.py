"""Every recipe and every fitted form by name, and `load` for what they saved."""

from pathlib import Path

from tastemap.contracts import Model, Recipe
from tastemap.errors import InputError
from tastemap.models.als import ALS
from tastemap.models.bpr import BPR
from tastemap.models.ease import EASE
from tastemap.models.ensemble import Ensemble, EnsembleModel
from tastemap.models.factors import FactorModel
from tastemap.models.item_to_item import ItemToItemModel
from tastemap.models.lambdarank import Lambdarank
from tastemap.models.neighbours import ItemKNN, RP3beta
from tastemap.models.nested import read, read_part
from tastemap.models.popularity import Popularity, PopularityModel, Random, RandomModel
from tastemap.models.svd import SVD
from tastemap.models.two_stage import TwoStage, TwoStageModel
from tastemap.neural import NEURAL, NEURAL_MODELS
from tastemap.storage import read_folder

RECIPES: dict[str, type[Recipe]] = {
    recipe.__name__: recipe
    for recipe in (Random, Popularity, ItemKNN, RP3beta, EASE, SVD, ALS, BPR, TwoStage, Ensemble)
} | NEURAL
"""Every recipe by name: the contract tests, the command line and the docs read this table."""

MODELS: dict[str, type[Model]] = {
    model.__name__: model
    for model in (
        RandomModel,
        PopularityModel,
        ItemToItemModel,
        FactorModel,
        TwoStageModel,
        EnsembleModel,
    )
} | NEURAL_MODELS
"""Every fitted form by name."""

_KINDS: dict[str, type] = {**RECIPES, "Lambdarank": Lambdarank}
"""What a saved recipe may hold."""


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
    recipe = read(manifest["recipe"], _KINDS)
    parts = {
        name: read_part(name, manifest, arrays, _KINDS, MODELS)
        for name in manifest.get("parts", ())
    }
    return MODELS[manifest["model"]].restore(recipe, manifest | {"parts": parts}, arrays)
