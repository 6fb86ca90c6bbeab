import json
from dataclasses import dataclass

import numpy as np
import pytest

from reference import auc_of_pairs, best_of_row, list_metrics
from tastemap.contracts import Model, Recipe
from tastemap.data.interactions import Histories, Interactions
from tastemap.data.split import Split
from tastemap.errors import InputError, UsageError
from tastemap.kernels.jit import threads
from tastemap.metrics.catalogue import CATALOGUE, Audience
from tastemap.metrics.evaluate import (
    DEFAULT_METRICS,
    PLAIN,
    Estimate,
    Evaluation,
    evaluate,
    evaluate_histories,
    evaluate_lists,
    roc,
)
from tastemap.metrics.ranking import TOPK
from tastemap.recommend import Ranking, tie_order

EVERY_METRIC = [f"{name}@{k}" for name in (*TOPK, *CATALOGUE) for k in (1, 3, 10)] + [*PLAIN]


@dataclass(frozen=True)
class Fixed(Recipe):
    """Scores that stand fast: user code times item code, and such."""

    factor: float = 1.0

    def fit(self, train, *, seed=0, monitor=None):
        return FixedScores(recipe=self, seed=seed, train=train)


@dataclass(frozen=True, eq=False, kw_only=True)
class FixedScores(Model):
    def score(self, histories):
        items = np.arange(len(self.items), dtype=np.float32)
        return np.tile(items * np.float32(self.recipe.factor), (len(histories), 1))


def audience_of(world):
    rng = np.random.default_rng(1)
    return Audience(rng.integers(1, 20, size=world.n_items), 20)


def measured(world, metrics=EVERY_METRIC, score=None, **options):
    return evaluate_histories(
        score or world.score,
        world.histories,
        world.truth,
        world.n_items,
        metrics,
        audience=audience_of(world),
        **options,
    )


def assert_same(one, other):
    """Equal to the last bit."""
    assert one.estimates.keys() == other.estimates.keys()
    for name, estimate in one.estimates.items():
        assert repr(estimate) == repr(other.estimates[name]), name
    for name, values in one.per_user.items():
        np.testing.assert_array_equal(values, other.per_user[name], err_msg=name)


LOG = Interactions.of(
    [
        ("ann", "a", 1, 1),
        ("ann", "b", 1, 2),
        ("ann", "c", 1, 3),
        ("bob", "a", 1, 1),
        ("bob", "d", 1, 2),
        ("eve", "b", 1, 4),
        ("dan", "a", 1, 1),
    ]
)


def events(*rows):
    return LOG[np.array(rows)]


# ann: a, b | c   bob: a | d   eve: nothing | b   dan: a | nothing
SPLIT = Split(events(0, 1, 3, 6), None, events(2, 4, 5), how="by hand")


def test_a_split_evaluated_by_hand():
    found = evaluate(Fixed().fit(SPLIT.train), SPLIT, ["mrr@2", "auc", "coverage@2", "novelty@1"])
    # Order of scores d c b a. ann is shown d c, bob d c, eve d c; held out c, d, b.
    assert found.per_user["mrr@2"].tolist() == [0.5, 1, 0]
    # ann: c over d, no other negative; bob: d over b, c; eve: b over a, under d and c.
    assert found.per_user["auc"].tolist() == [0, 1, 1 / 3]
    assert found["coverage@2"] == Estimate(0.5, None, 3)
    # Everybody's first item is d, which nobody of the three in train used: counts as one of 3.
    np.testing.assert_allclose(found.per_user["novelty@1"], np.log2(3))
    assert found["mrr@2"].mean == 0.5
    assert found["mrr@2"].stderr == pytest.approx(np.std([0.5, 1, 0], ddof=1) / np.sqrt(3))
    assert found.users.tolist() == [0, 1, 3]  # ann bob eve; dan is code 2
    assert found.without_truth == 1
    assert found.cold_users == 1
    assert found.seconds > 0
    assert found.how == "by hand: test part, all 4 items ranked, seen items left out"


def test_seen_items_can_be_kept_in():
    found = evaluate(Fixed(-1).fit(SPLIT.train), SPLIT, ["mrr@3", "auc"], exclude_seen=False)
    # Order of scores a b c d, seen ones included.
    assert found.per_user["mrr@3"].tolist() == [1 / 3, 0, 1 / 2]
    assert found.per_user["auc"].tolist() == [1 / 3, 0, 2 / 3]
    assert found.how.endswith("seen items kept in")


def test_the_validation_part_knows_only_train():
    split = Split(events(0, 3, 6), events(1), events(2, 4, 5), how="by hand")
    found = evaluate(Fixed().fit(split.train), split, ["mrr@4"], part="validation")
    # ann: d c b, of which b is held out; c, held out for test, is a candidate like any other.
    assert found.per_user["mrr@4"].tolist() == [1 / 3]
    assert found.without_truth == 3


def test_everything_equals_slow_loops(make_world):
    world = make_world(seed=3, levels=6, weights=True)
    found = measured(world)
    ties = tie_order(world.n_items).tolist()
    for row, scores in enumerate(world.scores.astype(float)):
        seen, held = world.histories.row(row), world.truth.row(row)
        scores[seen] = -np.inf
        listed = best_of_row(scores, ties, 10)
        weights = world.truth.weight[world.truth.starts[row] : world.truth.starts[row + 1]]
        for k in (1, 3, 10):
            by_loop = list_metrics(listed, dict(zip(held, weights, strict=True)), k)
            for name, value in by_loop.items():
                assert found.per_user[f"{name}@{k}"][row] == pytest.approx(value, abs=1e-7)
        rest = np.setdiff1d(np.arange(world.n_items), [*seen, *held])
        expected = float(auc_of_pairs(world.scores[row, held], world.scores[row, rest]))
        assert found.per_user["auc"][row] == expected
        assert found.ranking.items[row].tolist() == listed


def test_means_and_errors_are_those_of_the_users(make_world):
    found = measured(make_world())
    for name, values in found.per_user.items():
        one = found[name]
        assert one.n == len(values)
        assert one.mean == pytest.approx(np.mean(values), abs=1e-12)
        assert one.stderr == pytest.approx(np.std(values, ddof=1) / np.sqrt(len(values)), abs=1e-12)
    whole = [name for name in EVERY_METRIC if name not in found.per_user]
    assert {name.partition("@")[0] for name in whole} == {
        "coverage",
        "gini",
        "personalisation",
        "auc_global",
    }
    assert all(found[name].stderr is None for name in whole)


@pytest.mark.parametrize("levels", [4, None])
def test_the_size_of_the_blocks_does_not_matter(make_world, monkeypatch, levels):
    world = make_world(levels=levels)
    whole = measured(world)
    for size in (1, 7 * 4 * world.n_items):
        monkeypatch.setattr("tastemap.recommend.BLOCK_BYTES", size)
        assert_same(measured(world), whole)


def test_threads_do_not_matter(make_world):
    world = make_world(levels=4)
    with threads(1):
        one = measured(world)
    with threads(2):
        assert_same(measured(world), one)


@pytest.mark.parametrize("name", [name for name in EVERY_METRIC if name[-2:] not in ("@1", "10")])
def test_the_other_metrics_asked_for_do_not_matter(make_world, name):
    world = make_world(levels=4)
    alone, together = measured(world, [name]), measured(world)
    assert repr(alone[name]) == repr(together[name])
    for metric, values in alone.per_user.items():
        np.testing.assert_array_equal(values, together.per_user[metric])


def test_the_order_of_the_users_does_not_matter(make_world):
    world = make_world(levels=4)
    order = np.random.default_rng(0).permutation(len(world.truth))
    shuffled = world._replace(histories=world.histories.take(order), truth=world.truth.take(order))
    there, back = measured(world), measured(shuffled)
    for name in EVERY_METRIC:
        assert repr(there[name]) == repr(back[name]), name
    for name, values in there.per_user.items():
        np.testing.assert_array_equal(values[order], back.per_user[name], err_msg=name)
    assert back.users.tolist() == order.tolist()


@pytest.mark.parametrize("levels", [4, None])
def test_the_names_of_the_items_do_not_matter(make_world, levels):
    world = make_world(levels=levels)
    new = np.random.default_rng(0).permutation(world.n_items).astype(np.int32)  # old code -> new

    def renamed(one):
        return Histories(one.user, one.starts, new[one.items], one.weight)

    scores = np.empty_like(world.scores)
    scores[:, new] = world.scores
    other = world._replace(
        scores=scores, histories=renamed(world.histories), truth=renamed(world.truth)
    )
    # Lists of equal scores are cut by the items' codes, the AUC counts them half.
    metrics = [*PLAIN] if levels else [n for n in EVERY_METRIC if n.split("@")[0] in TOPK]
    assert_same(measured(other, metrics), measured(world, metrics))


def test_a_perfect_model_gets_1_and_a_reversed_one_0(make_world):
    world = make_world(longest=4)
    rows = np.repeat(np.arange(len(world.truth)), world.truth.lengths)
    scores = np.random.default_rng(0).random(world.scores.shape, dtype=np.float32)
    scores[rows, world.truth.items] += 1
    metrics = ["recall@3", "ndcg@3", "map@3", "map_full@3", "mrr@3", "hit_rate@3", "auc"]
    best = measured(world, [*metrics, "auc_global"], lambda asked: scores[asked.user])
    worst = measured(world, [*metrics, "auc_global"], lambda asked: -scores[asked.user])
    assert {one.mean for one in best.estimates.values()} == {1}
    assert {one.mean for one in worst.estimates.values()} == {0}


def test_a_constant_scorer_knows_nothing_and_gains_nothing_by_its_codes():
    # The held-out items are the lowest codes, which would come first in the order of codes.
    users, items = 400, 50
    histories = Histories.of_items([[]] * users)
    truth = Histories.of_items([[user % 5] for user in range(users)])

    def constant(asked):
        return np.ones((len(asked), items), dtype=np.float32)

    found = evaluate_histories(constant, histories, truth, items, ["auc", "auc_global", "recall@5"])
    assert found["auc"].mean == found["auc_global"].mean == 0.5
    listed = set(found.ranking.items[0].tolist())
    assert listed != {0, 1, 2, 3, 4}
    assert found["recall@5"].mean == len(listed & {0, 1, 2, 3, 4}) / 5


def test_a_random_scorer_is_no_better_than_chance(make_world):
    world = make_world(seed=9, users=500, items=50)
    found = measured(world, ["auc", "precision@5", "recall@5"])
    assert abs(found["auc"].mean - 0.5) < 4 * found["auc"].stderr
    left = world.n_items - world.histories.lengths
    chance = (world.truth.lengths / left).mean()
    assert abs(found["precision@5"].mean - chance) < 4 * found["precision@5"].stderr


def test_users_without_truth_are_left_out_and_counted(make_world):
    world = make_world()
    seen, held = ([*map(one.row, range(30))] for one in (world.histories, world.truth))
    found = evaluate_histories(
        lambda asked: world.scores,
        Histories.of_items([[1], *seen, [2]]),
        Histories.of_items([[], *held, []]),
        world.n_items,
        ["auc", "ndcg@5"],
    )
    assert found.without_truth == 2
    assert found.users.tolist() == [-1] * 30
    assert found.cold_users == sum(len(one) == 0 for one in seen)
    assert_same(found, measured(world, ["auc", "ndcg@5"]))


def test_a_user_without_negatives_is_left_out_of_the_auc_alone():
    def scores(asked):
        return np.tile(np.float32([2, 1, 0]), (len(asked), 1))

    histories, truth = Histories.of_items([[0], []]), Histories.of_items([[1, 2], [1]])
    found = evaluate_histories(scores, histories, truth, 3, ["auc", "recall@3"])
    assert np.isnan(found.per_user["auc"][0])
    assert found["auc"] == Estimate(0.5, None, 1)
    assert evaluate_histories(scores, histories, truth, 3, ["auc"]).ranking.k == 1
    assert found["recall@3"].n == 2


def test_items_held_out_twice_count_once_and_their_weights_add_up():
    def scores(asked):
        return np.tile(np.float32([3, 2, 1, 0]), (len(asked), 1))

    none = Histories.of_items([[]])
    metrics = ["recall@1", "ndcg_graded@2", "auc", "auc_global"]
    twice = evaluate_histories(scores, none, Histories.of_items([[1, 0, 1]]), 4, metrics)
    once = Histories.of_items([[0, 1]])
    once = Histories(once.user, once.starts, once.items, np.float32([1, 2]))
    assert_same(twice, evaluate_histories(scores, none, once, 4, metrics))


def test_short_lists_keep_their_misses():
    def scores(asked):
        return np.zeros((len(asked), 2), dtype=np.float32)

    found = evaluate_histories(
        scores, Histories.of_items([[0]]), Histories.of_items([[1]]), 2, ["precision@10", "ndcg@10"]
    )
    assert found["precision@10"].mean == 0.1
    assert found["ndcg@10"].mean == 1
    assert found.ranking.items.tolist() == [[1] + [-1] * 9]


def test_lists_of_another_program_are_measured_alike(make_world):
    world = make_world()
    metrics = [name for name in EVERY_METRIC if name not in PLAIN]
    whole = measured(world, metrics)
    lists = evaluate_lists(whole.ranking, metrics, audience=audience_of(world), how="elsewhere")
    assert_same(lists, whole)
    assert lists.how == "elsewhere"
    assert set(lists.users.tolist()) == {-1}
    with_nobody = Ranking.of(np.int32([[1], [2]]), Histories.of_items([[], [2]]))
    found = evaluate_lists(with_nobody, ["recall@1"])
    assert (found["recall@1"].mean, found.without_truth) == (1, 1)


def test_the_curve_of_a_model_has_its_auc_as_area():
    model = Fixed().fit(SPLIT.train)
    curve = roc(model, SPLIT)
    area = evaluate(model, SPLIT, ["auc_global"])["auc_global"].mean
    assert np.trapezoid(curve.tpr, curve.fpr) == pytest.approx(area)
    # Positives c, d, b score 2, 3, 1. Negatives: d (ann) 3; b, c (bob) 1, 2; a, c, d (eve) 0, 2, 3.
    assert area == float(auc_of_pairs([2, 3, 1], [3, 1, 2, 0, 2, 3]))


def test_nothing_passed_in_is_changed(make_world):
    world = make_world()
    parts = [world.scores, world.histories.items, world.truth.items, world.truth.weight]
    before = [part.copy() for part in parts]
    measured(world, score=lambda asked: world.scores)
    for part, copy in zip(parts, before, strict=True):
        np.testing.assert_array_equal(part, copy)


def test_the_defaults_are_measured_and_printed_in_a_narrow_table():
    found = evaluate(Fixed().fit(SPLIT.train), SPLIT)
    assert tuple(found.estimates) == DEFAULT_METRICS
    lines = str(found).splitlines()
    assert max(map(len, lines)) < 80
    assert "3 users, 1 of them without history; 1 more without held-out items" in lines
    assert lines[-9].split() == ["precision@10", "0.1000", "0.0000", "0.1000", "3"]
    assert lines[-2].split() == ["coverage@10", "1.0000", "3"]


def test_an_evaluation_survives_json():
    found = evaluate(Fixed().fit(SPLIT.train), SPLIT, ["ndcg@2", "auc", "auc_global"])
    written = json.loads(json.dumps(found.to_json(), allow_nan=False))
    back = Evaluation.from_json(written, found.arrays())
    assert_same(back, found)
    assert str(back) == str(found)
    assert back.to_json() == found.to_json()
    for name, array in found.arrays().items():
        np.testing.assert_array_equal(back.arrays()[name], array)


def test_a_metric_that_was_not_measured_says_which_were():
    found = evaluate(Fixed().fit(SPLIT.train), SPLIT, ["ndcg@2", "auc"])
    with pytest.raises(UsageError, match=r"'mrr@2' was not measured\n.*ndcg@2, auc\n.*\['mrr@2'\]"):
        found["mrr@2"]


@pytest.mark.parametrize(
    ("metrics", "said"),
    [
        (["ndcg@10", "nope@3"], r"unknown metric 'nope@3'\n.*precision@k.*auc_global\n.*mean"),
        (["ndcg@0"], r"'ndcg@0' with k = '0'"),
        ("ndcg@10", r"metrics='ndcg@10'\n.*\n.*metrics=\['ndcg@10'\]"),
        ([], r"metrics=\[\]\n.*list of names"),
    ],
)
def test_wrong_metrics_are_refused(metrics, said):
    with pytest.raises(UsageError, match=said):
        evaluate(Fixed().fit(SPLIT.train), SPLIT, metrics)


def test_a_model_of_another_log_is_refused():
    other = Interactions.of([("ann", "a"), ("bob", "z")])
    said = r"the model knows 2 items, the split 4, and they are not the same\n.*\n.*split.train"
    for function in (evaluate, roc):
        with pytest.raises(InputError, match=said):
            function(Fixed().fit(other), SPLIT)
    same_items = Interactions.of([("x", "a"), ("x", "b"), ("x", "c"), ("y", "d")])
    with pytest.raises(InputError, match="the model knows 2 users, the split 4"):
        evaluate(Fixed().fit(same_items), SPLIT)
