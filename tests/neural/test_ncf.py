"""User-item networks: they learn taste, nothing from noise, and score as their formula says."""

import subprocess
import sys
from dataclasses import fields, replace

import numpy as np
import pytest
import torch

import tastemap as tm
from tastemap import InputError, UsageError, threads
from tastemap.data import synthetic
from tastemap.models import load
from tastemap.neural.device import telling_of_memory
from tastemap.neural.losses import LOSSES
from tastemap.neural.ncf import GMF, MF, MLP, NeuMF, UserItemNetwork
from tastemap.neural.pair_fit import PairNetwork
from worlds import noise, withheld

SMALL = {"factors": 16, "layers": (16, 8), "batch_size": 64, "learning_rate": 0.01, "patience": 0}
FAMILY = {kind.__name__: kind(**SMALL, epochs=20) for kind in (MF, GMF, MLP, NeuMF)}
each_of_family = pytest.mark.parametrize("recipe", FAMILY.values(), ids=FAMILY)
TINY = NeuMF(**SMALL | {"factors": 4}, epochs=2)


@pytest.fixture(scope="module")
def world():
    return tm.leave_last_out(synthetic.taste_groups(seed=1))


@each_of_family
def test_learns_taste(recipe, world):
    model = recipe.fit(world.train, seed=1)
    popular = tm.evaluate(tm.Popularity().fit(world.train), world, ["ndcg@10"])["ndcg@10"].mean
    assert tm.evaluate(model, world, ["ndcg@10"])["ndcg@10"].mean > 2 * popular


@each_of_family
def test_recommends_what_was_withheld(recipe):
    log, missing = withheld()
    model = replace(recipe, epochs=15, learning_rate=0.02).fit(log, seed=3)
    found = log.items.encode(model.recommend(k=1)["item"])
    assert (found == missing).mean() > 0.9


@each_of_family
def test_is_at_chance_on_noise(recipe):
    split = tm.leave_last_out(synthetic.noise(seed=2))
    found = tm.evaluate(recipe.fit(split.train, seed=1), split, ["auc"])["auc"]
    assert abs(found.mean - 0.5) < 4 * found.stderr


@each_of_family
def test_a_stranger_with_a_known_history_is_served_alike(recipe):
    log, missing = withheld()
    model = replace(recipe, epochs=15, learning_rate=0.02).fit(log, seed=3)
    strangers = log.histories().as_strangers()
    scores = model.score(strangers)
    scores[np.repeat(np.arange(len(strangers)), strangers.lengths), strangers.items] = -np.inf
    assert (scores.argmax(axis=1) == missing).mean() > 0.9
    nobody = model.recommend(["nobody"], k=1)["item"].tolist()
    assert nobody == [log.items.ids[log.item_counts().argmax()]] or log.item_counts().std() == 0


@pytest.mark.parametrize("loss", LOSSES)
def test_any_loss_goes_with_any_network(loss, world):
    popular = tm.evaluate(tm.Popularity().fit(world.train), world, ["ndcg@10"])["ndcg@10"].mean
    recipe = replace(FAMILY["GMF"], loss=loss, negatives=8, liked=2)
    model = recipe.fit(world.train, seed=1)
    assert tm.evaluate(model, world, ["ndcg@10"])["ndcg@10"].mean > 2 * popular


@each_of_family
def test_numpy_scores_are_those_of_the_network(recipe, world):
    model = replace(recipe, epochs=2).fit(world.train, seed=1)
    network = PairNetwork(recipe, len(model.users), len(model.items)).eval()
    network.bias.data.zero_()
    network.take(model.weights)
    users = torch.tensor([3, 50])
    items = torch.arange(len(model.items)).expand(2, -1)
    with torch.no_grad():
        vectors = {part: table(users) for part, table in network.users.items()}
        expected = network(vectors, items).numpy()
    found = model.score(world.train.histories([3, 50]))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_gmf_and_mlp_by_hand():
    network = PairNetwork(replace(TINY, factors=2, layers=(4, 3)), 1, 1)
    for parameter in network.parameters():
        parameter.data = torch.arange(1.0, parameter.numel() + 1).reshape(parameter.shape) / 10
    vectors = {part: table(torch.tensor([0])) for part, table in network.users.items()}
    found = network(vectors, torch.tensor([[0]])).item()
    gmf = 0.1 * (0.1 * 0.1) + 0.2 * (0.2 * 0.2)
    state = np.array([0.1, 0.2, 0.1, 0.2])
    for layer in network.tower:
        state = np.maximum(layer.weight.detach().numpy() @ state + layer.bias.detach().numpy(), 0)
    mlp = state @ network.output.detach().numpy()
    assert found == pytest.approx(gmf + mlp + 0.1, rel=1e-5)


@each_of_family
def test_same_seed_same_bits_also_after_a_file(recipe, world, tmp_path):
    recipe = replace(recipe, epochs=2)
    one, two = recipe.fit(world.train, seed=1), recipe.fit(world.train, seed=1)
    again = load(two.save(tmp_path / "model"))
    assert again.recipe == recipe
    asked = world.train.histories()
    np.testing.assert_array_equal(one.score(asked), again.score(asked))
    other = recipe.fit(world.train, seed=2)
    assert not np.array_equal(one.score(asked), other.score(asked))


def test_pretraining_starts_from_both_halves(world):
    model = replace(TINY, pretrain=True).fit(world.train, seed=1)
    assert model.log.notes[:2] == (
        "started from GMF (2 epochs)",
        "started from MLP (2 epochs)",
    )
    plain = TINY.fit(world.train, seed=1)
    assert model.log.curve("loss")[0] < plain.log.curve("loss")[0]


def test_resumes_to_the_same_bits(world, tmp_path):
    recipe = replace(TINY, epochs=4)
    whole = recipe.fit(world.train, seed=1)
    recipe.fit(world.train, seed=1, checkpoint=tmp_path / "c", monitor=lambda e: e.number == 2)
    resumed = recipe.fit(world.train, seed=1, checkpoint=tmp_path / "c")
    assert all(np.array_equal(whole.weights[n], resumed.weights[n]) for n in whole.weights)
    assert [e.values for e in resumed.log.epochs] == [e.values for e in whole.log.epochs]


def test_train_auc_is_the_share_of_pairs_in_order(world):
    model = replace(FAMILY["MF"], epochs=1).fit(world.train, seed=1)
    assert 0.4 < model.log.last("train_auc") < 0.7  # vectors near zero at the start
    trained = replace(FAMILY["MF"], epochs=20).fit(world.train, seed=1)
    assert trained.log.last("train_auc") > 0.9
    assert 0 < trained.log.last("skipped") < 0.3


def test_one_and_two_threads_learn_the_same_bits():
    log, _ = noise(users=200)
    recipe = replace(TINY, dropout=0.3, batch_size=2048, ema=0.9)
    found = []
    for n in (1, 2):
        with threads(n):
            found.append(recipe.fit(log, seed=1))
    assert all(np.array_equal(a, found[1].weights[n]) for n, a in found[0].weights.items())


CHANGES = {
    "factors": 3,
    "layers": (8, 4),
    "dropout": 0.5,
    "loss": "gbce",
    "liked": 2,
    "negatives": 2,
    "popularity_power": 1.0,
    "calibration": 0.1,
    "learning_rate": 0.1,
    "reg": 5.0,
    "clip": 0.001,
    "ema": 0.9,
    "batch_size": 16,
    "epochs": 1,
    "patience": 1,
    "validation_users": 3,
    "pretrain": True,
}
NEEDS = {"calibration": {"loss": "gbce"}, "validation_users": {"patience": 1}}


@pytest.mark.parametrize("field", [f.name for f in fields(NeuMF) if f.name != "device"])
def test_every_hyper_parameter_reaches_the_fit(field):
    log, _ = noise(users=40)
    plain = replace(TINY, **NEEDS.get(field, {}))
    changed = replace(plain, **{field: CHANGES[field]})
    asked = log.histories()
    one, two = plain.fit(log, seed=1).score(asked), changed.fit(log, seed=1).score(asked)
    assert not np.array_equal(one, two)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"factors": 0}, "factors=0"),
        ({"layers": (7, 3)}, "widths, the first one even"),
        ({"layers": ()}, "widths, the first one even"),
        ({"loss": "x"}, "softmax, bce"),
        ({"negatives": 0}, "negatives=0"),
        ({"learning_rate": 0}, "learning_rate=0"),
    ],
)
def test_refuses_hyper_parameters_that_cannot_work(options, message):
    with pytest.raises(UsageError, match=message):
        NeuMF(**options)


def test_a_learning_rate_that_explodes_is_named(world):
    with pytest.raises(InputError, match="NeuMF's loss is no longer finite"):
        replace(TINY, learning_rate=1e30, epochs=6, loss="squared").fit(world.train)


def test_the_shared_options_are_abstract():
    with pytest.raises(TypeError, match="abstract"):
        UserItemNetwork()


def test_a_user_of_all_items_is_told_of_by_the_recipe_s_own_argument():
    log = tm.Interactions.of([("ann", "tea"), ("ann", "jam"), ("bob", "tea")])
    recipe = replace(TINY, popularity_power=0.5)
    with pytest.raises(InputError, match=r"'ann' has used.*popularity_power=0.5(.*\n)+.*power=0:"):
        recipe.fit(log)


@pytest.mark.parametrize(("said", "shown"), [((), "MemoryError"), (("40 GiB\nof",), "40 GiB")])
def test_memory_that_ran_out_is_told_of_with_or_without_a_message(said, shown):
    with pytest.raises(InputError, match=rf"more memory than there is \({shown}\)"):
        with telling_of_memory("pass less"):
            raise MemoryError(*said)


def test_somebody_new_without_a_history_needs_no_torch(tmp_path):
    TINY.fit(withheld()[0], seed=3).save(tmp_path / "model")
    code = (
        "import sys; import tastemap as tm; sys.modules['torch'] = None\n"
        f"print(tm.load({str(tmp_path / 'model')!r}).recommend(['nobody'], k=2).n_rows)"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["2"]
