"""What every recipe must do: a new one is added to RECIPES and to SMALL, and held to all this."""

import hashlib
import json
import subprocess
import sys
from dataclasses import fields, replace

import numpy as np
import pytest

from tastemap import (
    RECIPES,
    Histories,
    InputError,
    Interactions,
    UsageError,
    Vocabulary,
    load,
    threads,
)
from tastemap import recommend as recommend_module
from tastemap.models import (
    ALS,
    BPR,
    EASE,
    SVD,
    Ensemble,
    ItemKNN,
    Popularity,
    Random,
    RP3beta,
    TwoStage,
)
from tastemap.neural import GMF, MF, MLP, NEURAL, NeuMF, SASRec
from worlds import log_of, noise, withheld

NETWORK = {
    "factors": 8,
    "layers": (16, 8),
    "batch_size": 64,
    "learning_rate": 0.02,
    "epochs": 15,
    "patience": 0,
}
SMALL = {
    "Random": Random(),
    "Popularity": Popularity(),
    "ItemKNN": ItemKNN(neighbours=20, weighting="cosine", shrink=1),
    "RP3beta": RP3beta(neighbours=20),
    "EASE": EASE(reg=5),
    "SVD": SVD(factors=4),
    "ALS": ALS(factors=8, epochs=8),
    "BPR": BPR(factors=8, epochs=60),
    "TwoStage": TwoStage(ALS(factors=8, epochs=8), EASE(reg=5), candidates=20, always=True),
    "Ensemble": Ensemble((ALS(factors=8, epochs=8), EASE(reg=5)), weights=(2, 1)),
    "MF": MF(**NETWORK),
    "GMF": GMF(**NETWORK),
    "MLP": MLP(**NETWORK),
    "NeuMF": NeuMF(**NETWORK),
    "SASRec": SASRec(
        factors=16, blocks=1, epochs=12, batch_size=16, learning_rate=0.01, patience=0, dropout=0
    ),
}
"""Each recipe with hyper-parameters that suit small worlds."""

IMPERSONAL = {"Random", "Popularity"}
CLOSED_FORM = {"Popularity", "ItemKNN", "RP3beta", "EASE", "SVD"}
ITERATIVE = {"ALS", "BPR"}
KEYED_BY_CODES = ITERATIVE | {"TwoStage", "Ensemble"} | set(NEURAL)
ORDERED = {"SASRec"}
"""Learn what follows what, which these worlds are silent about: see tests/neural."""

each_recipe = pytest.mark.parametrize("recipe", SMALL.values(), ids=SMALL)
each_personal = pytest.mark.parametrize(
    "recipe", [r for n, r in SMALL.items() if n not in IMPERSONAL | ORDERED], ids=lambda r: r.name
)


def digest(log: Interactions) -> str:
    columns = (log.user, log.item, log.weight, log.time)
    return hashlib.sha256(b"".join(column.tobytes() for column in columns)).hexdigest()


def scores_of(model) -> np.ndarray:
    return model.score(model.train.histories())


def test_every_recipe_is_held_to_the_contract():
    assert set(SMALL) == set(RECIPES)


@each_personal
def test_finds_the_planted_answer(recipe):
    log, missing = withheld()
    model = recipe.fit(log, seed=3)
    found = model.recommend(k=1)
    hit = log.items.encode(found["item"]) == missing
    assert hit.mean() > 0.9, f"{hit.mean():.2f} of the withheld items found"


@each_recipe
def test_is_no_better_than_chance_on_noise(recipe):
    hits = users = 0
    for seed in range(4):
        log, held_out = noise(seed=seed)
        lists = log.items.encode(recipe.fit(log, seed=seed).recommend(k=10)["item"])
        hits += (lists.reshape(-1, 10) == held_out[:, None]).sum()
        users += len(held_out)
    chance = 10 / (80 - 12)
    error = np.sqrt(chance * (1 - chance) / users)
    assert hits / users < chance + 4 * error
    assert hits / users > chance - 4 * error


@each_recipe
def test_scores_are_finite_float32_for_every_item(recipe):
    log, _ = noise()
    scores = scores_of(recipe.fit(log, seed=1))
    assert scores.shape == (150, 80)
    assert scores.dtype == np.float32
    assert np.isfinite(scores).all()


@each_recipe
def test_same_seed_same_bits_with_one_thread_or_two(recipe):
    log, _ = noise()
    with threads(1):
        one = scores_of(recipe.fit(log, seed=5))
    with threads(2):
        two = scores_of(recipe.fit(log, seed=5))
        learned = recipe.fit(log, seed=5)._learned()
    with threads(1):
        again = recipe.fit(log, seed=5)._learned()
    np.testing.assert_array_equal(one, two)
    assert learned.keys() == again.keys()
    for name, array in learned.items():
        np.testing.assert_array_equal(array, again[name])


@each_recipe
def test_another_seed_gives_another_model_unless_the_recipe_is_closed_form(recipe):
    log, _ = noise()
    one, other = scores_of(recipe.fit(log, seed=5)), scores_of(recipe.fit(log, seed=6))
    if recipe.name in CLOSED_FORM:
        np.testing.assert_allclose(one, other, atol=1e-5)
    else:
        assert not np.array_equal(one, other)


@each_recipe
def test_a_seed_of_numpy_s_gives_the_same_bits_and_is_saved(recipe, tmp_path):
    log, _ = noise(users=40, items=40, each=6)
    seed = np.arange(5, dtype=np.uint8)[3]
    plain, model = recipe.fit(log, seed=3), recipe.fit(log, seed=seed)
    np.testing.assert_array_equal(scores_of(model), scores_of(plain))
    assert load(model.save(tmp_path / "model")).seed == 3
    with pytest.raises(UsageError, match=r"seed -1\n.*a whole number from 0 on"):
        recipe.fit(log, seed=-1)


@each_recipe
def test_fitting_and_asking_change_nothing_that_was_passed_in(recipe):
    log, _ = noise()
    before = digest(log)
    model = recipe.fit(log, seed=1)
    histories = log.histories([3, -1, 7])
    shown = histories.items.copy()
    model.score(histories)
    model.recommend(histories, k=5)
    model.similar_items(["i001"])
    assert digest(log) == before
    np.testing.assert_array_equal(histories.items, shown)


@pytest.mark.parametrize(
    "recipe",
    [r for n, r in SMALL.items() if n not in {"Random"} | ORDERED],
    ids=lambda r: r.name,
)
def test_renaming_ids_permutes_the_scores_and_nothing_else(recipe):
    log, missing = withheld()
    shuffled = np.random.default_rng(0).permutation(len(log.items)).astype(np.int32)
    renamed = replace(log, item=shuffled[log.item])
    if recipe.name in KEYED_BY_CODES:  # draws are keyed by codes: new codes act like a new seed
        found = recipe.fit(renamed, seed=3).recommend(k=1)
        assert (log.items.encode(found["item"]) == shuffled[missing]).mean() > 0.9
        return
    plain, moved = scores_of(recipe.fit(log, seed=3)), scores_of(recipe.fit(renamed, seed=3))
    np.testing.assert_allclose(moved[:, shuffled], plain, atol=2e-5)


@each_recipe
def test_lists_do_not_depend_on_the_block_size(recipe, monkeypatch):
    log, _ = noise()
    model = recipe.fit(log, seed=1)
    whole = model.recommend(k=7)
    monkeypatch.setattr(recommend_module, "BLOCK_BYTES", 4 * 80 * 7)
    blocks = model.recommend(k=7)
    assert whole["item"].tolist() == blocks["item"].tolist()
    np.testing.assert_allclose(whole["score"], blocks["score"], rtol=1e-5)


@each_recipe
def test_serves_the_unknown_the_empty_and_the_one_item_history(recipe):
    log, _ = withheld()
    model = recipe.fit(log, seed=1)
    unknown = model.recommend(["nobody", 101], k=3)
    assert unknown["user"].tolist() == ["nobody"] * 3 + [101] * 3
    strangers = Histories.of_items([[], [5], [5, 6, 7]])
    scores = model.score(strangers)
    assert np.isfinite(scores).all()
    assert scores.shape == (3, 48)


@each_recipe
def test_a_user_code_beyond_the_log_is_nobody(recipe):
    log, _ = withheld()
    model = recipe.fit(log, seed=1)
    made = Histories.of_items([[5, 6, 7], [], [5]], user=[len(log.users), 10**6, 7])
    alone = Histories.of_items([[5, 6, 7], [], [5]], user=[-1, -1, 7])
    if recipe.name not in IMPERSONAL:  # chance is drawn by the code
        np.testing.assert_array_equal(model.score(made), model.score(alone))
    found = model.recommend(made, k=1)["user"].tolist()
    assert found == [None, None, log.users.ids[7]]
    assert model.score(Histories.of_items([])).shape == (0, 48)


@pytest.mark.filterwarnings("error::RuntimeWarning")
@each_recipe
def test_a_log_without_items_or_without_events_gives_empty_lists_or_is_refused(recipe):
    log, _ = withheld()
    for nothing in (Interactions.of([]), log[:0]):
        try:
            model = recipe.fit(nothing, seed=1)
        except InputError:
            assert recipe.name in {"SVD", "SASRec"}
            continue
        strangers = Histories.of_items([[], []], user=[-1, 0])
        assert model.score(strangers).shape == (2, len(nothing.items))
        assert np.isfinite(model.score(strangers)).all()
        assert model.recommend(["nobody"], k=3).n_rows == min(3, len(nothing.items))


@each_personal
def test_folds_in_a_stranger_by_what_she_used(recipe):
    log, missing = withheld()
    model = recipe.fit(log, seed=3)
    known = log.histories()
    baskets = [log.items.decode(known.row(u)).tolist() for u in range(len(known))]
    found = model.recommend(baskets=baskets, k=1)
    assert (log.items.encode(found["item"]) == missing).mean() > 0.9


@each_personal
def test_somebody_without_a_history_gets_what_is_popular(recipe):
    popular = [(u, 0) for u in range(10)] + [(u, 1 + u % 5) for u in range(10)]
    log = log_of(*zip(*sorted(popular), strict=True))
    recipe = replace(recipe, factors=2) if hasattr(recipe, "factors") else recipe
    assert recipe.fit(log, seed=1).recommend(["nobody"], k=1)["item"].tolist() == ["i000"]


@each_recipe
def test_lists_end_where_the_catalogue_ends_and_never_hold_seen_items(recipe):
    log, _ = withheld(groups=2, users=6, items=6)
    model = recipe.fit(log, seed=1)
    table = model.recommend([100, 101], k=50)
    for user in (100, 101):
        listed = table["item"][table["user"] == user].tolist()
        seen = log.items.decode(log.histories().row(user - 100)).tolist()
        assert len(listed) == 12 - 5
        assert len(set(listed)) == len(listed)
        assert not set(listed) & set(seen)
    assert model.recommend([100], k=50, exclude_seen=False).n_rows == 12


@each_recipe
def test_recommends_among_candidates_only(recipe):
    log, _ = withheld()
    model = recipe.fit(log, seed=1)
    listed = model.recommend([100], k=5, candidates=["i030", "i031", "i001"])["item"].tolist()
    assert set(listed) <= {"i030", "i031", "i001"}
    with pytest.raises(UsageError, match="item 'nope' is not among the model's 48 items"):
        model.recommend([100], candidates=["nope"])


@each_recipe
def test_serves_an_item_that_nobody_used_in_training(recipe):
    log, _ = withheld()
    without = log[log.item != 0]
    model = recipe.fit(without, seed=1)
    assert np.isfinite(scores_of(model)).all()
    assert model.similar_items(["i000"], k=3).n_rows == 3
    assert np.isfinite(model.similar_items(["i000"], k=3)["score"]).all()


@each_recipe
def test_scores_a_user_without_training_events_like_a_stranger(recipe):
    log, _ = withheld()
    without = log[log.user != 5]
    model = recipe.fit(without, seed=1)
    assert np.isfinite(model.score(without.histories([5]))).all()
    assert model.recommend([105], k=3).n_rows == 3


@each_personal
def test_similar_items_come_from_the_same_group(recipe):
    log, _ = withheld()
    table = recipe.fit(log, seed=3).similar_items(["i013", "i040"], k=5)
    of = log.items.encode(table["of"]) // 12
    found = log.items.encode(table["item"]) // 12
    assert (of == found).mean() > 0.9
    assert not (table["of"] == table["item"]).any()


@each_personal
def test_explains_by_items_of_the_history(recipe):
    log, missing = withheld()
    model = recipe.fit(log, seed=3)
    reasons = model.explain(107, log.items.decode(missing[7:8])[0], k=3)
    seen = set(log.items.decode(log.histories().row(7)).tolist())
    assert 0 < reasons.n_rows <= 3
    assert set(reasons["item"].tolist()) <= seen
    assert 0 < reasons["share"].sum() <= 1 + 1e-6


@each_personal
def test_similar_items_do_not_depend_on_which_others_are_asked_about(recipe, monkeypatch):
    log, _ = withheld()
    model = recipe.fit(log, seed=3)
    whole = model.similar_items(log.items.ids, k=3)
    monkeypatch.setattr(recommend_module, "BLOCK_BYTES", 1)  # one item at a time
    apart = model.similar_items(log.items.ids, k=3)
    assert apart["item"].tolist() == whole["item"].tolist()
    assert apart["score"].tobytes() == whole["score"].tobytes()


def test_explains_an_item_that_was_used_twice_once():
    log = Interactions.of([(f"u{u}", i) for u in range(9) for i in ("a", "b", "a", f"c{u % 3}")])
    reasons = ItemKNN(neighbours=5).fit(log).explain("u1", "c2")
    assert reasons["item"].tolist().count("a") == 1
    assert reasons["share"].sum() == pytest.approx(1.0)


@each_recipe
def test_saved_and_loaded_it_scores_the_same_bits(recipe, tmp_path):
    log, _ = noise()
    model = recipe.fit(log, seed=2)
    again = load(model.save(tmp_path / "model"))
    assert again.recipe == recipe
    assert again.log.to_json() == model.log.to_json()
    assert again.train.fingerprint() == log.fingerprint()
    np.testing.assert_array_equal(scores_of(again), scores_of(model))
    strangers = Histories.of_items([[1, 2, 3], []])
    np.testing.assert_array_equal(again.score(strangers), model.score(strangers))


def test_saved_models_work_in_another_process(tmp_path):
    log, _ = noise()
    expected = {}
    for name, recipe in SMALL.items():
        model = recipe.fit(log, seed=2)
        model.save(tmp_path / name)
        expected[name] = model.recommend([103], k=5)["item"].tolist()
    code = (
        "import sys, json, tastemap as tm, pathlib\n"
        "print(json.dumps({p.name: tm.load(p).recommend([103], k=5)['item'].tolist() "
        "for p in pathlib.Path(sys.argv[1]).iterdir()}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == expected


@pytest.mark.parametrize("recipe", [SMALL[name] for name in ITERATIVE], ids=sorted(ITERATIVE))
def test_asks_the_monitor_once_an_epoch_and_obeys(recipe):
    log, _ = noise()
    seen = []
    model = recipe.fit(log, seed=1, monitor=lambda epoch: seen.append(epoch.number))
    assert seen == list(range(1, recipe.epochs + 1))
    stopped = recipe.fit(log, seed=1, monitor=lambda epoch: epoch.number == 3)
    assert [epoch.number for epoch in stopped.log.epochs] == [1, 2, 3]
    assert stopped.log.notes == (f"stopped by the monitor, after epoch 3 of {recipe.epochs}",)
    assert len(model.log.epochs) == recipe.epochs


OTHER_VALUES = {
    "decay": 0.5,
    "days": 0.0001,
    "hardest_of": 3,
    "neighbours": 3,
    "weighting": "tfidf",
    "shrink": 50.0,
    "use_weights": True,
    "alpha": 2.5,
    "beta": 0.1,
    "reg": 77.0,
    "factors": 3,
    "alpha0": None,
    "reg_power": 0.3,
    "epochs": 4,
    "solver": "cholesky",
    "cg_steps": 1,
    "show_loss": True,
    "learning_rate": 0.2,
    "reg_user": 0.3,
    "reg_liked": 0.3,
    "reg_other": 0.3,
    "popularity_power": 1.0,
    "retrieve": Popularity(),
    "rank": ItemKNN(neighbours=20),
    "candidates": 3,
    "k": 3,
    "share": 0.3,
    "always": False,
    "members": (Popularity(), ItemKNN(neighbours=20)),
    "weights": None,
}
TRIED = {"k", "share"}
"""Of two stages: what the trial is made with, which the training log tells of."""


@pytest.mark.parametrize(
    ("recipe", "field"),
    # Options of networks need each other: tests/neural tries them.
    [(r, f.name) for n, r in SMALL.items() if n not in NEURAL for f in fields(r)],
    ids=lambda value: value if isinstance(value, str) else value.name,
)
def test_every_hyper_parameter_reaches_the_fit(recipe, field):
    log, _ = noise()
    log = replace(log, weight=(1 + log.item % 5).astype(np.float32))
    log = log[(log.user + log.item) % 7 > 0]  # histories of different lengths
    plain = recipe.fit(log, seed=1)
    changed = replace(recipe, **{field: OTHER_VALUES[field]}).fit(log, seed=1)
    if field == "show_loss":
        assert len(changed.log.curve("loss")) == recipe.epochs
    elif field in TRIED:
        assert plain.log.notes != changed.log.notes
    else:
        assert not np.array_equal(scores_of(plain), scores_of(changed))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ALS(factors=0), r"ALS\(factors=0\)"),
        (lambda: ALS(reg=0), "a number above 0"),
        (lambda: ALS(alpha=-1), r"ALS\(alpha=-1\)"),
        (lambda: ALS(alpha0=0), "None, or above 0"),
        (lambda: ALS(reg_power=-1), r"reg_power=-1"),
        (lambda: ALS(epochs=0), "a whole number from 1 on"),
        (lambda: ALS(solver="lu"), "cg, cholesky"),
        (lambda: ALS(cg_steps=0), "cg_steps=0"),
        (lambda: BPR(factors=0), r"BPR\(factors=0\)"),
        (lambda: BPR(learning_rate=0), "learning_rate=0"),
        (lambda: BPR(reg_user=-1), "reg_user=-1"),
        (lambda: BPR(reg_liked=-1), "reg_liked=-1"),
        (lambda: BPR(reg_other=-1), "reg_other=-1"),
        (lambda: BPR(popularity_power=-1), "popularity_power=-1"),
        (lambda: BPR(epochs=0), "epochs=0"),
        (lambda: EASE(reg=0), r"EASE\(reg=0\)"),
        (lambda: SVD(factors=0), r"SVD\(factors=0\)"),
        (lambda: ItemKNN(neighbours=0), "neighbours=0"),
        (lambda: ItemKNN(decay=0), "above 0, up to 1"),
        (lambda: ItemKNN(weighting="x"), "cosine, tfidf, bm25"),
        (lambda: ItemKNN(shrink=-1), "shrink=-1"),
        (lambda: RP3beta(alpha=0), "alpha=0"),
        (lambda: RP3beta(beta=-1), "beta=-1"),
        (lambda: RP3beta(neighbours=0), "neighbours=0"),
        (lambda: Popularity(days=0), "None or a number above 0"),
        (lambda: TwoStage(candidates=0), r"TwoStage\(candidates=0\)"),
        (lambda: TwoStage(k=0), r"TwoStage\(k=0\)"),
        (lambda: TwoStage(share=0.5), "a fraction above 0, at most a third"),
        (lambda: TwoStage(rank=TwoStage()), "recipes of one stage, such as ALS"),
        (lambda: Ensemble((ALS(), TwoStage())), "Ensemble that holds TwoStage"),
        (lambda: Ensemble(()), "a tuple of one recipe or more"),
        (lambda: Ensemble((ALS(), EASE()), weights=(1,)), "2 numbers above 0, one a member"),
        (lambda: Ensemble((ALS(), EASE()), weights=(1, 0)), "2 numbers above 0, one a member"),
    ],
)
def test_refuses_hyper_parameters_that_cannot_work(make, message):
    with pytest.raises(UsageError, match=message):
        make()


def test_refuses_k_0_and_a_bare_id():
    log, _ = withheld()
    model = SMALL["Popularity"].fit(log)
    with pytest.raises(UsageError, match="k is 0"):
        model.recommend([100], k=0)
    with pytest.raises(UsageError, match=r"write recommend\(\['100'\]\)"):
        model.recommend("100")


def test_people_may_come_one_by_one():
    log, _ = withheld()
    model = SMALL["Popularity"].fit(log)
    listed = model.recommend([100, 107], k=3)
    for people in (map(int, ["100", "107"]), (user for user in (100, 107))):
        found = model.recommend(people, k=3)
        assert found["user"].tolist() == [100] * 3 + [107] * 3
        assert found["item"].tolist() == listed["item"].tolist()
    baskets = model.recommend(baskets=(iter(one) for one in (["i001"], ["i002"])), k=3)
    assert baskets["user"].tolist() == [0] * 3 + [1] * 3


@pytest.mark.parametrize("baskets", ["i001", ["i001", "i002"], [["i001"], "i002"]], ids=str)
def test_refuses_an_id_where_a_basket_is_asked_for(baskets):
    log, _ = withheld()
    model = SMALL["Popularity"].fit(log)
    with pytest.raises(UsageError, match=r"baskets: 'i00\d' where .*\n.*\n.*baskets=\[\[...\]\]"):
        model.recommend(baskets=baskets)


def test_refuses_users_and_baskets_at_once():
    log, _ = withheld()
    with pytest.raises(UsageError, match=r"users and baskets\n.*one of the two"):
        SMALL["Popularity"].fit(log).recommend([100], baskets=[["i001"]])


def test_refuses_scores_that_are_not_finite():
    log, _ = withheld()
    model = SMALL["Popularity"].fit(log)
    broken = replace(model, item_scores=np.full(48, np.nan, dtype=np.float32))
    with pytest.raises(InputError, match="scores that are not finite, first in history 0"):
        broken.recommend([100])


def test_titles_and_unicode_ids_come_back_unchanged():
    events = [("Zoë", "naïve"), ("Zoë", "日本"), ("007", "日本"), ("7", "🎬")]
    log = Interactions.of(events)
    table = SMALL["Popularity"].fit(log).recommend(["007", "7"], k=3)
    assert set(table["user"]) == {"007", "7"}
    assert set(table["item"]) <= {"naïve", "日本", "🎬"}
    assert Vocabulary.of(["007", "7"]).encode(["7", "007", 7]).tolist() == [1, 0, 1]
