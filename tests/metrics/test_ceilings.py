import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reference import list_metrics
from tastemap.data.interactions import Histories
from tastemap.errors import UsageError
from tastemap.metrics.catalogue import CATALOGUE, Audience
from tastemap.metrics.ceilings import ceiling
from tastemap.metrics.evaluate import evaluate_histories, evaluate_lists
from tastemap.metrics.ranking import TOPK
from tastemap.metrics.result import Evaluation
from tastemap.recommend import Ranking

ITEMS, K = 12, 5
EVERY = [f"{name}@{k}" for name in TOPK for k in (1, 3, K)]

held_out = st.lists(
    st.dictionaries(st.integers(0, ITEMS - 1), st.integers(1, 5), min_size=1, max_size=9),
    min_size=1,
    max_size=6,
)


def truth_of(held):
    plain = Histories.of_items([list(one) for one in held])
    weight = np.float32([w for one in held for w in one.values()])
    return Histories(plain.user, plain.starts, plain.items, weight)


def evaluated(lists, held, metrics=EVERY):
    padded = np.array([(list(one) + [-1] * K)[:K] for one in lists], dtype=np.int32)
    return evaluate_lists(Ranking.of(padded, truth_of(held)), metrics)


@settings(max_examples=25)
@given(held=held_out)
def test_a_perfect_list_reaches_every_ceiling_to_the_bit(held):
    perfect = [sorted(one, key=lambda item: -one[item]) for one in held]
    found = evaluated(perfect, held)
    for name in EVERY:
        np.testing.assert_array_equal(found.per_user[name], found.ceilings_per_user[name], name)
        assert found.ceilings[name] == found[name]


@settings(max_examples=25)
@given(held=held_out, seed=st.integers(0, 99))
def test_no_list_is_above_its_ceiling_and_ceilings_do_not_depend_on_the_list(held, seed):
    rng = np.random.default_rng(seed)
    lists = [rng.permutation(ITEMS)[: rng.integers(0, K + 1)] for _ in held]
    found, empty = evaluated(lists, held), evaluated([[]] * len(held), held)
    for name in EVERY:
        assert (found.per_user[name] <= found.ceilings_per_user[name] + 1e-12).all(), name
        assert found.ceilings[name] == empty.ceilings[name]
        assert empty[name].mean == 0


@settings(max_examples=25)
@given(held=held_out)
def test_ceilings_are_the_metrics_of_a_perfect_list_by_loops(held):
    found = evaluated([[]] * len(held), held)
    for row, one in enumerate(held):
        best = sorted(one, key=lambda item: -one[item])
        for k in (1, 3, K):
            for name, value in list_metrics(best[:k], one, k).items():
                assert found.ceilings_per_user[f"{name}@{k}"][row] == pytest.approx(value, abs=1e-7)


def test_ceilings_by_hand():
    # 8 held out and k = 5; 1 held out and k = 5.
    held = [dict.fromkeys(range(8), 1), {3: 1}]
    found = evaluated([[9], [3]], held, [f"{name}@5" for name in TOPK])
    best = {name: values.tolist() for name, values in found.ceilings_per_user.items()}
    assert best["recall@5"] == [5 / 8, 1]
    assert best["precision@5"] == [1, 1 / 5]
    assert best["map_full@5"] == [5 / 8, 1]
    assert best["dcg@5"] == pytest.approx([1 + 0.63093 + 0.5 + 0.43068 + 0.38685, 1], abs=1e-5)
    for name in ("recall_capped", "hit_rate", "ndcg", "ndcg_graded", "map", "mrr"):
        assert best[f"{name}@5"] == [1, 1]
    assert found.ceilings["recall@5"].mean == (5 / 8 + 1) / 2


@settings(max_examples=25)
@given(held=held_out, seed=st.integers(0, 99))
def test_precision_and_recall_by_their_ceilings_are_the_same_number(held, seed):
    lists = [np.random.default_rng(seed + row).permutation(ITEMS)[:K] for row in range(len(held))]
    found = evaluated(lists, held, ["precision@5", "recall@5"])
    shares = [found.per_user[n] / found.ceilings_per_user[n] for n in ("precision@5", "recall@5")]
    np.testing.assert_allclose(*shares, rtol=1e-12)


def test_auc_has_a_ceiling_of_1_and_the_catalogue_has_none():
    def scores(asked):
        return np.tile(np.float32([2, 1, 0]), (len(asked), 1))

    names = ["auc", "auc_global", *(f"{name}@1" for name in CATALOGUE)]
    histories, truth = Histories.of_items([[0], []]), Histories.of_items([[1, 2], [1]])
    audience = Audience(np.array([1, 1, 1]), 2)
    found = evaluate_histories(scores, histories, truth, 3, names, audience=audience)
    assert [*found.ceilings] == ["auc", "auc_global"]
    # The first user has no negative, so no AUC and no ceiling of it.
    assert np.isnan(found.ceilings_per_user["auc"]).tolist() == [True, False]
    assert found.ceilings["auc"].mean == found.ceilings["auc_global"].mean == 1
    assert ceiling(found.ranking, "coverage@1") is None


def test_a_sampled_metric_has_the_ceiling_of_its_namesake():
    found = evaluated([[9]], [dict.fromkeys(range(8), 1)], ["recall@5"])
    assert ceiling(found.ranking, "recall@5[99 uniform]").tolist() == [5 / 8]


def test_a_k_beyond_the_lists_is_refused():
    found = evaluated([[9]], [{1: 1}], ["recall@5"])
    with pytest.raises(UsageError, match=r"k is 6, and the lists hold 5 places\n"):
        ceiling(found.ranking, "recall@6")


def test_the_ceiling_is_in_the_table_in_the_line_and_in_json():
    held = [dict.fromkeys(range(8), 1), {3: 1}] * 50
    found = evaluated([[9], [3]] * 50, held, ["recall@5", "hit_rate@5"])
    # .5 of (5/8 + 1) / 2, and .5 of 1; stderr: .5 · sqrt(100 / 99) / 10.
    assert found.say("recall@5") == "recall@5 .50 of .81 possible ± .05"
    assert found.say("hit_rate@5") == "hit_rate@5 .50 of 1.00 possible ± .05"
    table = str(found).splitlines()
    assert table[-3].split() == ["metric", "mean", "±", "stderr", "possible", "users"]
    assert table[-2].split() == ["recall@5", "0.5000", "0.0503", "0.8125", "100"]
    written = found.to_json()
    assert written["estimates"]["recall@5"]["ceiling"] == 0.8125
    assert Evaluation.from_json(written, found.arrays()).ceilings == found.ceilings


def test_a_table_of_ceilings_that_are_all_1_does_not_show_them():
    found = evaluated([[9], [3]], [{3: 1}, {3: 1}], ["recall@5"])
    assert "possible" not in str(found)


def test_the_line_shows_as_many_digits_as_the_noise_allows():
    held = [{3: 1}] * 10_000
    found = evaluated([[9]] * 9_000 + [[3]] * 1_000, held, ["recall@5"])
    assert found.say("recall@5") == "recall@5 .100 of 1.000 possible ± .003"
    alone = evaluated([[3]], [{3: 1}], ["recall@5"])
    assert alone.say("recall@5") == "recall@5 1.00 of 1.00 possible"


def test_the_interval_of_a_mean_holds_it_and_is_only_for_means():
    held = [{3: 1}] * 200
    found = evaluated([[9]] * 150 + [[3]] * 50, held, ["recall@5"])
    low, high = found.interval("recall@5")
    # .25 ± 1.96 · sqrt(.25 · .75 / 200)
    assert (low, high) == pytest.approx((0.25 - 0.06, 0.25 + 0.06), abs=0.011)
    few = [found.interval("recall@5", samples=50, seed=seed) for seed in (0, 0, 1)]
    assert few[0] == few[1] != few[2]
    with pytest.raises(UsageError, match=r"metric 'mrr@5' was not measured\n"):
        found.interval("mrr@5")
    whole = evaluate_lists(found.ranking, ["coverage@5"], audience=Audience(np.ones(12, int), 3))
    with pytest.raises(UsageError, match=r"the interval of 'coverage@5', which is no mean over"):
        whole.interval("coverage@5")
