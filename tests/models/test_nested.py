import json

import numpy as np
import pytest

from tastemap import InputError
from tastemap.models import ALS, RECIPES, Ensemble, ItemKNN, Lambdarank, Popularity, TwoStage
from tastemap.models.nested import below, prefixed, read, written

KINDS = {**RECIPES, "Lambdarank": Lambdarank}


@pytest.mark.parametrize(
    "recipe",
    [
        Popularity(days=3.5),
        TwoStage(),
        TwoStage(ALS(alpha0=None), ItemKNN(neighbours=7), candidates=50),
        Ensemble((ALS(factors=3), ItemKNN()), weights=[1, 0.5]),
        TwoStage(rank=Lambdarank(others=(ItemKNN(), Popularity(days=2)), trees=3)),
        TwoStage(rank=Lambdarank(others=[ItemKNN()])),
    ],
    ids=lambda recipe: recipe.name,
)
def test_a_recipe_goes_to_json_and_comes_back(recipe):
    assert read(json.loads(json.dumps(written(recipe))), KINDS) == recipe


def test_an_unknown_name_is_refused():
    with pytest.raises(InputError, match="a recipe called 'Future'"):
        read({"name": "Future", "fields": {}}, KINDS)


def test_a_field_of_a_later_version_is_refused():
    later = written(TwoStage(ItemKNN(), Popularity()))
    later["fields"]["retrieve"]["fields"]["warmth"] = 3
    with pytest.raises(InputError, match=r"ItemKNN with a field called 'warmth'\n.*neighbours, w"):
        read(later, KINDS)


def test_arrays_of_a_part_come_back_under_their_names():
    x, data, other = (np.array([number]) for number in (1, 2, 3))
    arrays = prefixed("retriever", {"x": x, "strength.data": data}) | {"retriever_x": other}
    assert below("retriever", arrays) == {"x": x, "strength.data": data}
