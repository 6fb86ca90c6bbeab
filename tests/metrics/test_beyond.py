import itertools
from math import log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from tastemap.data.interactions import Histories, Interactions, ItemTable
from tastemap.data.splits import leave_last_out
from tastemap.data.synthetic import taste_groups
from tastemap.errors import InputError, UsageError
from tastemap.metrics.beyond import (
    beyond_accuracy,
    calibration_kl,
    delta_gap,
    diversity_labels,
    diversity_vectors,
    label_matrix,
    listed_by_popularity,
    popularity_lift,
    serendipity,
    unexpectedness,
)
from tastemap.metrics.catalogue import Audience
from tastemap.metrics.evaluate import evaluate, evaluate_lists
from tastemap.models import ItemKNN, Popularity, Random
from tastemap.recommend import Ranking

ITEMS, K = 8, 4
LABELS = [{"a"}, {"a", "b"}, {"c"}, set(), {"b", "c"}, {"a"}, {"d"}, {"a", "b", "c"}]
TABLE = ItemTable(np.array([""] * ITEMS, dtype=object), tuple(tuple(one) for one in LABELS))
AUDIENCE = Audience(np.array([8, 4, 2, 1, 1, 0, 3, 5]), users=8)

lists_of_items = st.lists(
    st.lists(st.integers(0, ITEMS - 1), max_size=K, unique=True), min_size=2, max_size=5
)


def ranking_of(lists, truth=None):
    padded = np.array([(list(one) + [-1] * K)[:K] for one in lists], dtype=np.int32)
    return Ranking.of(
        padded.reshape(len(lists), K), Histories.of_items(truth or [[0]] * len(lists))
    )


def share(items):
    return np.mean([AUDIENCE.counts[item] / 8 for item in items])


@settings(max_examples=40)
@given(lists=lists_of_items, seed=st.integers(0, 99), k=st.integers(1, K))
def test_popularity_bias_equals_loops(lists, seed, k):
    rng = np.random.default_rng(seed)
    told = [rng.permutation(ITEMS)[: rng.integers(0, 4)].tolist() for _ in lists]
    ranking, histories = ranking_of(lists), Histories.of_items(told)
    pairs = [(one[:k], own) for one, own in zip(lists, told, strict=True)]
    by_loop = [
        share(one) / share(own) - 1 if one and own and share(own) > 0 else np.nan
        for one, own in pairs
    ]
    np.testing.assert_allclose(popularity_lift(ranking, k, AUDIENCE, histories), by_loop)
    both = [(share(one), share(own)) for one, own in pairs if one and own]
    gap = delta_gap(ranking, k, AUDIENCE, histories)
    if both and sum(own for _, own in both):
        expected = sum(one for one, _ in both) / sum(own for _, own in both) - 1
        assert gap == pytest.approx(expected)
    else:
        assert np.isnan(gap)


def test_a_list_of_the_history_itself_is_calibrated_and_has_no_bias():
    own = [[0, 1, 4], [2, 6]]
    ranking, histories = ranking_of(own), Histories.of_items(own)
    assert popularity_lift(ranking, K, AUDIENCE, histories) == pytest.approx([0, 0])
    assert delta_gap(ranking, K, AUDIENCE, histories) == pytest.approx(0)
    found = calibration_kl(ranking, K, histories, label_matrix(TABLE))
    assert found == pytest.approx([0, 0], abs=1e-12)


def distribution(items, weights):
    total = {}
    for item, weight in zip(items, weights, strict=True):
        for label in LABELS[item]:
            total[label] = total.get(label, 0) + weight / len(LABELS[item])
    whole = sum(total.values())
    return {label: value / whole for label, value in total.items()} if whole else None


@settings(max_examples=40)
@given(lists=lists_of_items, seed=st.integers(0, 99), k=st.integers(1, K))
def test_calibration_equals_stecks_formula_by_loops(lists, seed, k):
    rng = np.random.default_rng(seed)
    told = [rng.permutation(ITEMS)[: rng.integers(0, 4)].tolist() for _ in lists]
    plain = Histories.of_items(told)
    weight = rng.integers(1, 5, size=len(plain.items)).astype(np.float32)
    histories = Histories(plain.user, plain.starts, plain.items, weight)
    found = calibration_kl(ranking_of(lists), k, histories, label_matrix(TABLE))
    for row, (one, own) in enumerate(zip(lists, told, strict=True)):
        p = distribution(own, weight[plain.starts[row] : plain.starts[row + 1]].tolist())
        q = distribution(one[:k], [1] * len(one[:k]))
        if p is None or q is None:
            assert np.isnan(found[row])
            continue
        kl = sum(x * log(x / (0.99 * q.get(label, 0) + 0.01 * x)) for label, x in p.items())
        assert found[row] == pytest.approx(kl, abs=1e-12)
        assert found[row] >= -1e-12


@settings(max_examples=40)
@given(lists=lists_of_items, k=st.integers(1, K))
def test_diversity_equals_loops_over_pairs(lists, k):
    vectors = np.random.default_rng(0).normal(size=(ITEMS, 3))
    vectors[2] = 0
    ranking = ranking_of(lists)
    by_labels = diversity_labels(ranking, k, label_matrix(TABLE))
    by_vectors = diversity_vectors(ranking, k, vectors.astype(np.float32))
    for row, one in enumerate(lists):
        labelled = [LABELS[item] for item in one[:k] if LABELS[item]]
        jaccard = [len(a & b) / len(a | b) for a, b in itertools.combinations(labelled, 2)]
        if jaccard:
            assert by_labels[row] == pytest.approx(1 - np.mean(jaccard), abs=1e-6)
        else:
            assert np.isnan(by_labels[row])
        there = [vectors[item] for item in one[:k] if item != 2]
        cosine = [
            a @ b / np.linalg.norm(a) / np.linalg.norm(b)
            for a, b in itertools.combinations(there, 2)
        ]
        if cosine:
            assert by_vectors[row] == pytest.approx(1 - np.mean(cosine), abs=1e-6)
        else:
            assert np.isnan(by_vectors[row])


def test_many_lists_are_cut_into_blocks_without_a_seam():
    many = label_matrix(ItemTable(TABLE.titles, tuple((f"g{n}",) for n in range(ITEMS))))
    wide = csr_array((many.data, many.indices, many.indptr), shape=(ITEMS, 300_000))
    ranking = ranking_of([[0, 1], [2, 2 + 1], [4, 5]] * 9)
    assert diversity_labels(ranking, K, wide).tolist() == [1] * 27


def test_surprise_by_hand():
    ranking = ranking_of([[0, 1, 2, 3], [4, 0]], [[1, 3], [0, 4]])
    expected = np.int32([[0, 1], [7, 0]])
    assert unexpectedness(ranking, 4, expected).tolist() == [2 / 4, 1 / 4]
    assert serendipity(ranking, 4, expected).tolist() == [1 / 4, 1 / 4]  # item 3; item 4
    assert serendipity(ranking, 1, expected).tolist() == [0, 1]


def test_popularity_is_never_a_surprise_and_its_lists_are_those_of_the_model():
    split = leave_last_out(taste_groups(seed=1))
    model = Popularity().fit(split.train)
    found = evaluate(model, split, ["ndcg@10"])
    histories, _ = split.queries()
    lists = listed_by_popularity(histories, Audience.of(split.train), 10)
    np.testing.assert_array_equal(lists, found.ranking.items)
    rows = {row["metric"]: row["mean"] for row in beyond_accuracy(found, split).rows()}
    assert rows["unexpectedness@10"] == rows["serendipity@10"] == 0
    assert rows["popularity_lift@10"] > 0


def test_models_of_a_world_of_groups_differ_as_they_should():
    split = leave_last_out(taste_groups(seed=1))
    vectors = np.eye(4)[np.arange(120) % 4]
    rows = {}
    for recipe in (ItemKNN(), Random(), Popularity()):
        table = beyond_accuracy(recipe.fit(split.train), split, 5, vectors)
        rows[recipe.name] = {row["metric"]: row["mean"] for row in table.rows()}
    near, chance = rows["ItemKNN"], rows["Random"]
    assert near["calibration_kl@5"] < 0.05 < 1 < chance["calibration_kl@5"]
    # Four groups alike: three pairs in four differ by chance. Labels and vectors say the same.
    assert near["diversity_labels@5"] < 0.05
    assert chance["diversity_labels@5"] == pytest.approx(0.75, abs=0.03)
    for one in rows.values():
        assert one["diversity_vectors@5"] == pytest.approx(one["diversity_labels@5"], abs=1e-6)
    assert near["serendipity@5"] > chance["serendipity@5"]
    assert chance["popularity_lift@5"] < rows["Popularity"]["popularity_lift@5"]


def test_what_the_data_does_not_allow_is_left_out():
    log = Interactions.of([("a", "x"), ("a", "y"), ("b", "x"), ("b", "z")])
    split = leave_last_out(log)
    table = beyond_accuracy(Popularity().fit(split.train), split, 1)
    names = ["popularity_lift@1", "delta_gap@1", "unexpectedness@1", "serendipity@1"]
    assert table["metric"].tolist() == names
    assert np.isnan(table["stderr"][1])
    assert table["n"].tolist() == [2, 2, 2, 2]


def test_what_does_not_fit_is_refused():
    ranking, two = ranking_of([[0, 1], [2]]), Histories.of_items([[0], [1]])
    labels = label_matrix(TABLE)
    with pytest.raises(UsageError, match=r"k is 5 and item 2 is listed\n.*k from 1 to 4"):
        diversity_labels(ranking, 5, labels)
    with pytest.raises(UsageError, match=r"item 2 is listed\n.*items from 0 to 1\n.*catalogue"):
        diversity_vectors(ranking, 2, np.eye(2))
    with pytest.raises(InputError, match=r"vectors that are not all finite\n"):
        diversity_vectors(ranking, 2, np.full((ITEMS, 2), np.nan))
    with pytest.raises(InputError, match=r"2 lists and 1 histories\n.*one history a list"):
        calibration_kl(ranking, 2, two.take(slice(1)), labels)
    with pytest.raises(InputError, match=r"2 lists and 1 histories\n"):
        popularity_lift(ranking, 2, AUDIENCE, two.take(slice(1)))
    with pytest.raises(InputError, match=r"2 lists and 1 expected lists\n.*same users"):
        serendipity(ranking, 2, np.int32([[1]]))
    split = leave_last_out(taste_groups(seed=1))
    found = evaluate_lists(ranking, ["recall@2"])
    with pytest.raises(InputError, match=r"an evaluation of 2 users, and a test part of 200 users"):
        beyond_accuracy(found, split)
    with pytest.raises(UsageError, match=r"k is 0\n"):
        beyond_accuracy(found, split, 0)
