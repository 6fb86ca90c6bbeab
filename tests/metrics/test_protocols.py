"""Promises of every evaluation, through what users call: tm.evaluate on real models and splits."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tastemap as tm
from tastemap.contracts import Model, Recipe
from tastemap.data.interactions import Histories, Interactions
from tastemap.data.split import Split
from tastemap.data.splits import holdout_users, k_fold, leave_last_out, random_split
from tastemap.data.synthetic import taste_groups
from tastemap.errors import InputError, UsageError
from tastemap.metrics.catalogue import CATALOGUE
from tastemap.metrics.evaluate import PLAIN, evaluate_lists
from tastemap.metrics.ranking import TOPK
from tastemap.recommend import Ranking

EVERY = [f"{name}@{k}" for name in (*TOPK, *CATALOGUE) for k in (1, 10)] + [*PLAIN]


class Oracle(Recipe):
    """Knows what is held out; with a sign of -1 it puts that last, with 0 it knows nothing."""

    def __init__(self, held, sign=1):
        self.held, self.sign = held, sign

    def fit(self, train, *, seed=0, monitor=None):
        return OracleModel(recipe=self, seed=seed, train=train)

    def fields(self):
        return {}


class OracleModel(Model):
    def score(self, histories):
        held = self.recipe.held
        known = held.matrix().toarray()[histories.user] > 0
        return (self.recipe.sign * known).astype(np.float32)


def oracle(split, sign=1):
    return Oracle(split.test, sign).fit(split.train)


SPLITTERS = {
    "leave_last_out": lambda log: leave_last_out(log),
    "random_split": lambda log: random_split(log, test=0.4, seed=1),
    "k_fold": lambda log: next(k_fold(log, folds=3, seed=1)),
}


@pytest.fixture(scope="module")
def log():
    return taste_groups(users=120, items=60, seed=5)


@pytest.mark.parametrize("name", SPLITTERS)
def test_a_perfect_model_reaches_every_ceiling_and_a_reversed_one_scores_nothing(log, name):
    split = SPLITTERS[name](log)
    metrics = [f"{name}@{k}" for name in TOPK for k in (1, 3, 10)] + [*PLAIN]
    best = tm.evaluate(oracle(split), split, metrics)
    for metric in metrics:
        assert best[metric].mean == best.ceilings[metric].mean, metric
        if not metric.startswith(("precision", "recall@", "dcg", "map_full")):
            assert best[metric].mean == pytest.approx(1, abs=1e-12), metric
    worst = tm.evaluate(oracle(split, -1), split, metrics)
    for metric in metrics:
        assert worst[metric].mean == 0, metric


@pytest.mark.parametrize("name", SPLITTERS)
def test_a_constant_scorer_has_an_auc_of_one_half(log, name):
    split = SPLITTERS[name](log)
    found = tm.evaluate(oracle(split, 0), split, ["auc", "auc_global"])
    assert found["auc"].mean == found["auc_global"].mean == 0.5
    assert set(found.per_user["auc"]) == {0.5}


RECIPES = [tm.Popularity(), tm.ItemKNN(), tm.EASE(), tm.ALS(factors=8, epochs=3)]


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda one: one.name)
def test_people_whom_the_model_never_met_are_evaluated_by_their_fold_in(log, recipe):
    split = holdout_users(log, test_users=0.25, validation_users=0.2, seed=3)
    model = recipe.fit(split.train, seed=1)
    chance = tm.evaluate(tm.Random().fit(split.train, seed=1), split, ["ndcg@10"])
    for part in ("test", "validation"):
        found = tm.evaluate(model, split, ["ndcg@10", "auc"], part=part)
        assert found["auc"].n == len(split.queries(part)[1]) > 20
        assert (split.train.user_counts()[found.users] == 0).all()
        assert found.cold_users == 0
        # What they are told about is never listed.
        told = split.queries(part)[0]
        for row in range(len(told)):
            assert not set(found.ranking.items[row]) & set(told.row(row))
        if recipe.name != "Popularity":
            assert found["ndcg@10"].mean > 2 * chance["ndcg@10"].mean
            assert found["auc"].mean > 0.8


def test_the_fold_in_is_what_the_model_is_told(log):
    split = holdout_users(log, test_users=0.25, fold_in=0.5, seed=3)
    model = tm.ItemKNN().fit(split.train)
    found = tm.evaluate(model, split, ["ndcg@10"])
    told = split.fold_in.histories(found.users)
    baskets = [split.train.items.decode(told.row(row)).tolist() for row in range(len(told))]
    table = model.recommend(baskets=baskets, k=10)
    for row in range(len(told)):
        listed = model.items.encode(table["item"][table["user"] == row])
        assert listed.tolist() == found.ranking.items[row][: len(listed)].tolist()


@settings(max_examples=10)
@given(
    block=st.integers(1, 40),
    cores=st.integers(1, 2),
    chosen=st.lists(st.sampled_from(EVERY), min_size=1, max_size=5, unique=True),
)
def test_blocks_threads_and_the_list_of_metrics_do_not_matter(log, block, cores, chosen):
    split = random_split(log, test=0.3, seed=2)
    model = tm.ItemKNN().fit(split.train)
    whole = tm.evaluate(model, split, EVERY)
    with pytest.MonkeyPatch.context() as patch, tm.threads(cores):
        patch.setattr("tastemap.recommend.BLOCK_BYTES", block * 4 * len(model.items))
        found = tm.evaluate(model, split, chosen)
    for name in chosen:
        assert repr(found[name]) == repr(whole[name]), name
        if name in whole.per_user:
            np.testing.assert_array_equal(found.per_user[name], whole.per_user[name])


class Distinct(Recipe):
    """Scores that all differ and belong to the outside ids, whatever their codes are."""

    def __init__(self, table):
        self.table = table

    def fit(self, train, *, seed=0, monitor=None):
        return DistinctModel(recipe=self, seed=seed, train=train)


class DistinctModel(Model):
    def score(self, histories):
        rows, columns = self.recipe.table
        user = [rows[one] for one in self.users.decode(np.maximum(histories.user, 0)).tolist()]
        item = [columns[one] for one in self.items.ids.tolist()]
        # item · (37 user + 101) modulo a prime: no two items of a user are equal.
        return ((np.outer(user, item) * 37 + np.array(item) * 101) % 9973).astype(np.float32)


@settings(max_examples=10)
@given(seed=st.integers(0, 999))
def test_new_names_for_users_and_items_change_nothing(seed):
    log = taste_groups(users=40, items=60, seed=7)
    rng = np.random.default_rng(seed)
    found = []
    for users, items in (
        (np.arange(40), np.arange(60)),
        (rng.permutation(40) + 500, rng.permutation(60) * 3),
    ):
        events = zip(users[log.user], items[log.item], log.time, strict=True)
        renamed = Interactions.of([(int(u), int(i), 1.0, int(t)) for u, i, t in events])
        split = leave_last_out(renamed, validation=False)
        scores = (
            {int(name): code + 1 for code, name in enumerate(users)},
            {int(name): code + 1 for code, name in enumerate(items)},
        )
        found.append(tm.evaluate(Distinct(scores).fit(split.train), split, EVERY))
    one, other = found
    for name in EVERY:
        assert other[name].mean == pytest.approx(one[name].mean, abs=1e-12), name
        assert other[name].n == one[name].n
        if name in one.ceilings:
            assert other.ceilings[name].mean == pytest.approx(one.ceilings[name].mean)


@settings(max_examples=30)
@given(seed=st.integers(0, 999), cut=st.integers(0, 5))
def test_places_that_are_missing_are_misses_and_no_user_is_dropped(seed, cut):
    rng = np.random.default_rng(seed)
    held = [rng.permutation(30)[: rng.integers(1, 7)] for _ in range(8)]
    lists = np.stack([rng.permutation(30)[:5] for _ in range(8)]).astype(np.int32)
    short = lists.copy()
    short[:4, cut:] = -1
    wrong = lists.copy()
    wrong[:4, cut:] = np.arange(100, 105 - cut)  # items that nobody was waiting for
    truth = Histories.of_items(held)
    metrics = [f"{name}@{k}" for name in TOPK for k in (1, 3, 5)]
    one, other = (evaluate_lists(Ranking.of(which, truth), metrics) for which in (short, wrong))
    for name in metrics:
        np.testing.assert_array_equal(one.per_user[name], other.per_user[name])
        assert one[name].n == 8


def test_the_mask_of_evaluate_is_that_of_recommend(log):
    split = random_split(log, test=0.3, seed=2)
    model = tm.EASE().fit(split.train)
    found = tm.evaluate(model, split, ["ndcg@10"])
    table = model.recommend(split.train.users.decode(found.users).tolist(), k=10)
    listed = model.items.encode(table["item"])
    assert listed.tolist() == found.ranking.items[found.ranking.items >= 0].tolist()


class Broken(Distinct):
    def fit(self, train, *, seed=0, monitor=None):
        return BrokenModel(recipe=self, seed=seed, train=train)


class BrokenModel(Model):
    def score(self, histories):
        shape = (len(histories), len(self.items) + (self.recipe.table == "wide"))
        return np.full(shape, np.nan if self.recipe.table == "nan" else 1, dtype=np.float32)


def test_input_that_cannot_be_used_is_refused_in_three_parts(log):
    split = random_split(log, test=0.3, seed=2)
    model = tm.ItemKNN().fit(split.train)
    empty = Split(split.train, None, split.test[:0], how="by hand")
    cases = [
        (UsageError, "unknown metric 'ndgc@10'", lambda: tm.evaluate(model, split, ["ndgc@10"])),
        (UsageError, "metric 'ndcg@0' with k = '0'", lambda: tm.evaluate(model, split, ["ndcg@0"])),
        (InputError, "and nothing is held out for any", lambda: tm.evaluate(model, empty)),
        (
            InputError,
            "scores that are not finite, first in history 0",
            lambda: tm.evaluate(Broken("nan").fit(split.train), split),
        ),
        (
            InputError,
            r"scores of shape \(\d+, 61\) for",
            lambda: tm.evaluate(Broken("wide").fit(split.train), split),
        ),
        (
            InputError,
            "2 lists and 1 rows of held-out items",
            lambda: Ranking.of(np.int32([[1], [2]]), Histories.of_items([[1]])),
        ),
    ]
    for kind, said, call in cases:
        with pytest.raises(kind, match=said) as caught:
            call()
        assert caught.value.allowed
        assert caught.value.remedy


def test_truth_of_users_whom_training_lacks_is_counted_as_cold_and_not_dropped():
    log = Interactions.of([("a", "x"), ("a", "y"), ("b", "x"), ("b", "z"), ("c", "y")])
    known = Split(log[:4], None, log[4:], how="by hand")
    found = tm.evaluate(tm.Popularity().fit(known.train), known, ["recall@2"])
    assert (found["recall@2"].n, found.cold_users) == (1, 1)
