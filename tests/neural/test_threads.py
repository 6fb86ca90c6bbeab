"""Networks asked and trained from several Python threads: the same bits, and torch left alone."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import torch

import tastemap as tm
from tastemap import recommend as recommend_module
from tastemap.data import synthetic
from tastemap.neural import GMF, MF, MLP, NeuMF, SASRec
from tastemap.recommend import top_items

PAIRS = {"factors": 8, "layers": (8, 4), "epochs": 2, "patience": 0}
FAMILY = {kind.__name__: kind(**PAIRS) for kind in (MF, GMF, MLP, NeuMF)}
SEQUENCE = SASRec(factors=8, blocks=1, max_len=8, epochs=2, patience=0)
ALL = FAMILY | {"SASRec": SEQUENCE}


@pytest.fixture(scope="module")
def log():
    return synthetic.taste_groups(users=90, items=40, per_user=9, seed=1)


def lists_of(model, histories, threads):
    with tm.threads(threads):
        return top_items(model.score, histories, len(model.items), 5)


@pytest.mark.parametrize("recipe", ALL.values(), ids=ALL)
def test_strangers_get_the_same_lists_from_any_number_of_threads(recipe, log, monkeypatch):
    model = recipe.fit(log, seed=3)
    strangers = log.histories().as_strangers()
    monkeypatch.setattr(recommend_module, "BLOCK_BYTES", 4 * 40 * 12)  # twelve of them a block
    alone = lists_of(model, strangers, 1)
    torch.manual_seed(5)
    before, usual = torch.random.get_rng_state(), torch.get_num_threads()
    for _ in range(3):
        found = lists_of(model, strangers, 2)
        assert found[0].tobytes() == alone[0].tobytes()
        assert found[1].tobytes() == alone[1].tobytes()
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.get_num_threads() == usual


@pytest.mark.parametrize("recipe", FAMILY.values(), ids=FAMILY)
def test_a_stranger_is_served_alike_whoever_else_is_asked(recipe, log):
    model = recipe.fit(log, seed=3)
    strangers = log.histories().as_strangers()
    whole = model.score(strangers)
    np.testing.assert_allclose(model.score(strangers.take(slice(7, 8)))[0], whole[7], atol=1e-4)
    torch.manual_seed(9)  # nothing is drawn from here
    assert model.score(strangers).tobytes() == whole.tobytes()


@pytest.mark.parametrize("name", ["SASRec", "NeuMF"])
def test_two_fits_side_by_side_learn_what_one_learns_alone(name, log):
    recipes = [replace(ALL[name], factors=factors) for factors in (8, 16)]
    alone = [recipe.fit(log, seed=3) for recipe in recipes]

    def fit(recipe):
        with tm.threads(1):
            return recipe.fit(log, seed=3)

    with ThreadPoolExecutor(2) as pool:
        for _ in range(3):
            for one, other in zip(alone, pool.map(fit, recipes), strict=True):
                for part in one.weights:
                    assert one.weights[part].tobytes() == other.weights[part].tobytes()
