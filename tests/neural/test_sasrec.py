"""Sequence models as recipes: they learn order where there is one, and nothing on noise."""

import subprocess
import sys
from dataclasses import fields, replace

import numpy as np
import pytest
import torch

import tastemap as tm
from tastemap import Histories, InputError, UsageError, threads
from tastemap.data import synthetic
from tastemap.models import load
from tastemap.neural.losses import LOSSES
from tastemap.neural.sasrec import SASRec, bsarec, esasrec, gsasrec, hstu
from tastemap.neural.validation import ndcg
from worlds import noise

SMALL = {"factors": 16, "blocks": 1, "epochs": 15, "dropout": 0.0, "batch_size": 16, "patience": 0}
FAMILY = {
    "SASRec": SASRec(**SMALL, learning_rate=0.01),
    "SASRec, 2018": SASRec(**SMALL, learning_rate=0.02, loss="bce", negatives=1, shared=False),
    "gSASRec": gsasrec(8, **SMALL, learning_rate=0.01),
    "eSASRec": esasrec(12, **SMALL, learning_rate=0.01),
    "HSTU": hstu(**SMALL, learning_rate=0.01),
    "BSARec": bsarec(**SMALL | {"epochs": 4, "dropout": 0.1}, learning_rate=0.01),
}
each_of_family = pytest.mark.parametrize("recipe", FAMILY.values(), ids=FAMILY)
TINY = replace(FAMILY["SASRec"], epochs=3, max_len=8)


@pytest.fixture(scope="module")
def world():
    return tm.leave_last_out(synthetic.markov_chain(items=20, seed=1))


@pytest.fixture(scope="module")
def order_blind(world):
    recipes = (tm.EASE(), tm.ItemKNN(), tm.ALS(factors=16, epochs=10))
    return max(tm.evaluate(r.fit(world.train), world, ["ndcg@10"])["ndcg@10"].mean for r in recipes)


@each_of_family
def test_beats_every_order_blind_model_where_order_is_all(recipe, world, order_blind):
    model = recipe.fit(world.train, seed=1)
    assert tm.evaluate(model, world, ["ndcg@10"])["ndcg@10"].mean > order_blind + 0.1


def test_is_at_chance_on_noise():
    split = tm.leave_last_out(synthetic.noise(seed=2))
    found = tm.evaluate(FAMILY["SASRec"].fit(split.train, seed=1), split, ["auc"])["auc"]
    assert abs(found.mean - 0.5) < 4 * found.stderr


@pytest.mark.parametrize("loss", [name for name in LOSSES if name not in ("softmax", "gbce")])
def test_any_loss_learns_the_chain(loss, world, order_blind):
    # One negative in nine is the weight of "yes": BCE's vectors take longer to grow.
    epochs = 40 if loss == "bce" else 15
    recipe = replace(FAMILY["SASRec"], loss=loss, negatives=8, epochs=epochs)
    model = recipe.fit(world.train, seed=1)
    assert tm.evaluate(model, world, ["ndcg@10"])["ndcg@10"].mean > order_blind + 0.1


@each_of_family
def test_the_padding_vector_is_zero_after_training(recipe, world):
    model = replace(recipe, epochs=2).fit(world.train, seed=1)
    assert (model.weights["items.weight"][0] == 0).all()
    assert (model.weights["items.weight"][1:] != 0).any(axis=1).all()


@each_of_family
def test_same_seed_same_bits_and_another_seed_another_model(recipe, world):
    recipe = replace(recipe, epochs=2)
    one, two, other = (recipe.fit(world.train, seed=s).weights for s in (1, 1, 2))
    assert all(np.array_equal(one[name], two[name]) for name in one)
    assert any(not np.array_equal(one[name], other[name]) for name in one)


def test_leaves_the_state_of_torch_alone(world):
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    TINY.fit(world.train, seed=1)
    assert torch.equal(torch.rand(1), expected)


@each_of_family
def test_saved_and_loaded_it_scores_the_same_bits(recipe, world, tmp_path):
    model = replace(recipe, epochs=1).fit(world.train, seed=1)
    again = load(model.save(tmp_path / "model"))
    assert again.recipe == model.recipe
    asked = world.train.histories()
    np.testing.assert_array_equal(again.score(asked), model.score(asked))


@pytest.mark.parametrize("ema", [0.0, 0.9])
def test_an_interrupted_fit_goes_on_to_the_same_bits(world, tmp_path, ema):
    recipe = replace(TINY, epochs=6, patience=6, ema=ema)
    whole = recipe.fit(world.train, seed=1, validation=world.validation)
    folder = tmp_path / "checkpoint"

    class Cut(Exception):
        pass

    def cut(epoch):
        if epoch.number == 3:
            raise Cut

    with pytest.raises(Cut):
        recipe.fit(world.train, seed=1, validation=world.validation, checkpoint=folder, monitor=cut)
    seen = []
    resumed = recipe.fit(
        world.train,
        seed=1,
        validation=world.validation,
        checkpoint=folder,
        monitor=lambda epoch: seen.append(epoch.number),
    )
    assert seen == [4, 5, 6]
    assert [e.values for e in resumed.log.epochs] == [e.values for e in whole.log.epochs]
    assert all(np.array_equal(whole.weights[n], resumed.weights[n]) for n in whole.weights)
    with pytest.raises(InputError, match="a checkpoint of another run: seed 1 \\(now 2\\)"):
        recipe.fit(world.train, seed=2, validation=world.validation, checkpoint=folder)
    # Without the part it would hold events of the log out and compare with another question.
    with pytest.raises(InputError, match=r"a checkpoint of another run: validation .*now None"):
        recipe.fit(world.train, seed=1, checkpoint=folder)
    # A save that is killed between two renames leaves the checkpoint under another name.
    folder.rename(tmp_path / ".checkpoint.previous")
    again = recipe.fit(world.train, seed=1, validation=world.validation, checkpoint=folder)
    assert again.log.epochs == resumed.log.epochs


def test_stops_after_its_patience_and_keeps_the_best_weights(world):
    recipe = replace(FAMILY["SASRec"], epochs=60, patience=3, learning_rate=0.05)
    model = recipe.fit(world.train, seed=1, validation=world.validation)
    curve = model.log.curve("validation_ndcg")
    assert len(curve) == int(np.argmax(curve)) + 1 + 3 < 60
    users = np.flatnonzero(world.validation.user_counts())
    shown, truth = world.train.histories(users), world.validation.histories(users)
    assert ndcg(model, shown, truth) == pytest.approx(max(curve), rel=1e-9)


def test_validation_is_what_evaluate_says(world):
    model = TINY.fit(world.train, seed=1)
    users = np.flatnonzero(world.validation.user_counts())
    ours = ndcg(model, world.train.histories(users), world.validation.histories(users))
    assert ours == pytest.approx(
        tm.evaluate(model, world, ["ndcg@10"], part="validation")["ndcg@10"].mean, rel=1e-6
    )


def test_without_a_validation_part_last_events_are_held_out_and_not_trained_on(world):
    recipe = replace(TINY, patience=2, epochs=2)
    model = recipe.fit(world.train, seed=1)
    assert len(model.log.curve("validation_ndcg")) == 2
    assert "on what was held out" in model.log.notes[-1]


def test_a_new_history_is_scored_without_training_and_only_by_its_newest_events(world):
    model = TINY.fit(world.train, seed=1)
    assert np.isfinite(model.score(Histories.of_items([[], [5], [5, 6, 7]]))).all()
    old, new = [[0, 3, 1, *range(10, 18)]], [list(range(10, 18))]
    scores = model.score(Histories.of_items(old + new))
    np.testing.assert_allclose(scores[0], scores[1], atol=1e-5)  # max_len is 8
    np.testing.assert_array_equal(model.score(Histories.of_items([[]]))[0], model.popularity)


def test_a_known_user_and_a_stranger_with_her_history_are_scored_alike(world):
    model = TINY.fit(world.train, seed=1)
    known = world.train.histories([3, 4])
    np.testing.assert_allclose(
        model.score(known), model.score(known.as_strangers()), rtol=1e-5, atol=1e-6
    )


def test_a_known_user_with_another_history_is_scored_by_that():
    log = synthetic.markov_chain(users=30, seed=2)
    log = replace(log, time=np.arange(len(log), dtype=np.int64) * 3600)
    model = hstu(**SMALL | {"epochs": 1}).fit(log, seed=1)
    known = log.histories([3, 4, 5])
    assert model.train.holds(known, times=True).tolist() == [True] * 3
    places = known.starts[:-1]
    others = known.items.copy()
    others[places[0]] = (others[places[0]] + 1) % len(log.items)  # the first of three: an item
    moments = known.time.copy()
    moments[places[1]] -= 10**6  # the second: a time; the third is untouched
    changed = replace(known, items=others, time=moments)
    assert model.train.holds(changed, times=True).tolist() == [False, False, True]
    found, before = model.score(changed), model.score(known)
    np.testing.assert_array_equal(found[2], before[2])
    assert not np.isclose(found[0], before[0]).all()
    strangers = model.score(changed.as_strangers())
    np.testing.assert_allclose(found, strangers, rtol=1e-5, atol=1e-6)
    assert not log.holds(replace(known, user=known.user + 1)).any()


def test_lists_for_the_log_s_users_need_no_torch(world, tmp_path):
    model = TINY.fit(world.train, seed=1)
    model.save(tmp_path / "model")
    script = (
        "import sys, tastemap as tm; model = tm.load(sys.argv[1]); found = model.recommend(k=3);"
        "nobody = model.recommend(['nobody'], k=3); assert nobody.n_rows == 3;"
        "assert 'torch' not in sys.modules; print(found['item'].tolist())"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "model")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == str(model.recommend(k=3)["item"].tolist())


def test_a_stranger_s_scores_hardly_depend_on_who_else_is_asked(world):
    model = TINY.fit(world.train, seed=1)
    everybody = model.score(world.train.histories().as_strangers())
    alone = model.score(world.train.histories([7]).as_strangers())
    np.testing.assert_allclose(everybody[7], alone[0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "recipe",
    [
        SASRec(**SMALL | {"dropout": 0.3, "epochs": 2, "batch_size": 256}),
        bsarec(**SMALL | {"epochs": 2, "batch_size": 256}, attention_dropout=0.3, ema=0.9),
        gsasrec(negatives=3, **SMALL | {"epochs": 2, "batch_size": 256}, shared=False),
        esasrec(negatives=3, **SMALL | {"epochs": 2, "batch_size": 256}),
    ],
    ids=["softmax", "attention dropout", "own negatives", "shared negatives"],
)
def test_one_and_two_threads_learn_the_same_bits(recipe):
    log = synthetic.markov_chain(users=200, seed=2)
    found = []
    for n in (1, 2):
        with threads(n):
            found.append(recipe.fit(log, seed=1))
    assert found[0].log.curve("loss") == found[1].log.curve("loss")
    assert all(np.array_equal(a, found[1].weights[n]) for n, a in found[0].weights.items())
    assert np.array_equal(*(model.score(log.histories()) for model in found))


CHANGES = {
    "factors": 8,
    "blocks": 2,
    "heads": 2,
    "max_len": 5,
    "dropout": 0.5,
    "attention_dropout": 0.5,
    "mixer": "filter",
    "positions": "back",
    "feed_forward": "relu",
    "expansion": 2,
    "norm": "rms",
    "norm_first": False,
    "gate": True,
    "tied": False,
    "loss": "bpr",
    "negatives": 5,
    "shared": False,
    "negatives_power": 1.0,
    "logq": False,
    "calibration": 0.1,
    "scale": 5.0,
    "filter_share": 0.1,
    "prefixes": True,
    "learning_rate": 0.02,
    "reg": 0.5,
    "clip": 0.01,
    "ema": 0.9,
    "batch_size": 8,
    "epochs": 2,
    "patience": 1,
    "validation_users": 7,
}
NEEDS = {
    "loss": {"negatives": 4},
    "shared": {"negatives": 4},
    "negatives_power": {"negatives": 4},
    "logq": {"negatives": 4, "negatives_power": 1.0},
    "calibration": {"negatives": 4, "loss": "gbce"},
    "filter_share": {"mixer": "both"},
    "validation_users": {"patience": 1},
}


@pytest.mark.parametrize("field", [f.name for f in fields(SASRec)])
def test_every_hyper_parameter_reaches_the_fit(field):
    log, _ = noise(users=40)
    if field in ("precision", "device"):  # no GPU to tell the difference: see the errors below
        assert getattr(SASRec(), field) in ("float32", "auto")
        return
    plain = replace(TINY, **NEEDS.get(field, {}))
    changed = replace(plain, **{field: CHANGES[field]})
    asked = log.histories()
    one, two = plain.fit(log, seed=1).score(asked), changed.fit(log, seed=1).score(asked)
    assert not np.allclose(one, two, rtol=1e-6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"factors": 0}, r"factors=0"),
        ({"heads": 3}, "a divisor of 64"),
        ({"mixer": "x"}, "softmax, pointwise, filter, both"),
        ({"norm": "x"}, "layer, rms, batch"),
        ({"loss": "x"}, "softmax, bce, gbce"),
        ({"loss": "bce"}, "1 or more for loss='bce'"),
        ({"dropout": 1.0}, "from 0 to below 1"),
        ({"ema": 1.0}, "from 0 to below 1"),
        ({"device": "tpu"}, "auto, cpu, cuda, mps"),
        ({"scale": 0}, "None, or above 0"),
    ],
)
def test_refuses_hyper_parameters_that_cannot_work(options, message):
    with pytest.raises(UsageError, match=message):
        SASRec(**options)


def test_refuses_a_gpu_that_is_not_there(world, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UsageError, match="device='cuda'"):
        replace(TINY, device="cuda").fit(world.train)


def test_a_learning_rate_that_explodes_is_named(world):
    with pytest.raises(InputError, match="loss is no longer finite in epoch"):
        replace(TINY, learning_rate=1e30, clip=0, epochs=5).fit(world.train)


def test_memory_that_ran_out_names_the_knob(world, monkeypatch):
    def full(*_):
        raise RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 9 bytes")

    monkeypatch.setattr("tastemap.neural.sequence_fit.linear_softmax", full)
    with pytest.raises(InputError, match="pass batch_size=8, fewer negatives"):
        TINY.fit(world.train)


def test_items_without_vectors_are_refused_by_name(world):
    model = TINY.fit(world.train, seed=1)
    with pytest.raises(UsageError, match="item 'nope' is not among"):
        model.similar_items(["nope"])
    assert model.similar_items([model.items.ids[0]], k=3).n_rows == 3
