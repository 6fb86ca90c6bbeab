import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference import list_metrics
from tastemap.data.interactions import Histories
from tastemap.errors import UsageError
from tastemap.metrics.ranking import TOPK, ndcg_graded, parse
from tastemap.recommend import Ranking

ITEMS = 12
K = 5


def ranking_of(lists, held, k=K):
    """A ranking from lists of items and, a user, held-out items or {item: weight}."""
    padded = [(list(one) + [-1] * k)[:k] for one in lists]
    truth = Histories.of_items([list(one) for one in held])
    if held and isinstance(held[0], dict):
        weight = np.array([w for one in held for w in one.values()], dtype=np.float32)
        truth = Histories(truth.user, truth.starts, truth.items, weight)
    return Ranking.of(np.array(padded, dtype=np.int32).reshape(len(lists), k), truth)


@st.composite
def users(draw):
    """Up to six users: a list of up to K items, and 1 to 8 held-out items with weights 1 to 5."""
    n = draw(st.integers(1, 6))
    lists = [draw(st.permutations(range(ITEMS)))[: draw(st.integers(0, K))] for _ in range(n)]
    held = [
        draw(st.dictionaries(st.integers(0, ITEMS - 1), st.integers(1, 5), min_size=1, max_size=8))
        for _ in range(n)
    ]
    return lists, held


# The measured table "one ranking, ten libraries": three users with full lists, and five, of whom
# one has no list and one a short list. Expected: what ranx and trec_eval print.
RELEVANT = [[0, 2], list(range(8)), [5], [1, 2], [6, 7]]
RECOMMENDED = [[0, 1, 2, 3, 4], [0, 1, 9, 10, 2], [1, 2, 5, 3, 4], [], [6, 8, 9]]


@pytest.mark.parametrize(
    ("metric", "three_users", "five_users"),
    [
        ("precision", 0.400, 0.280),
        ("recall", 0.792, 0.575),
        ("ndcg", 0.701, 0.543),
        ("map_full", 0.497, 0.398),
        ("map", 0.562, 0.437),
        ("recall_capped", 0.867, 0.620),
    ],
)
def test_the_textbook_row_of_the_table_of_libraries(metric, three_users, five_users):
    values = TOPK[metric](ranking_of(RECOMMENDED, RELEVANT), 5)
    assert values[:3].mean() == pytest.approx(three_users, abs=5e-4)
    assert values.mean() == pytest.approx(five_users, abs=5e-4)


@given(drawn=users(), k=st.integers(1, K))
def test_every_metric_equals_its_textbook_loop(drawn, k):
    lists, held = drawn
    ranking = ranking_of(lists, held)
    expected = [list_metrics(*user, k) for user in zip(lists, held, strict=True)]
    for name, metric in TOPK.items():
        values = metric(ranking, k)
        assert values.dtype == np.float64
        by_loop = [user[name] for user in expected]
        np.testing.assert_allclose(values, by_loop, rtol=0, atol=1e-12, err_msg=name)


@given(drawn=users(), k=st.integers(1, K))
def test_every_metric_but_dcg_lies_between_0_and_1(drawn, k):
    ranking = ranking_of(*drawn)
    for name, metric in TOPK.items():
        values = metric(ranking, k)
        assert (values >= 0).all(), name
        assert name == "dcg" or (values <= 1 + 1e-12).all(), name


@pytest.mark.parametrize("metric", [name for name in TOPK if name != "dcg"])
@pytest.mark.parametrize("k", [1, 3, 5])
def test_a_perfect_list_scores_1(metric, k):
    held = [{item: 9 - item for item in range(n)} for n in range(1, 8)]
    perfect = ranking_of([range(ITEMS)] * len(held), held)
    values = TOPK[metric](perfect, k)
    reach = np.minimum([len(one) for one in held], k)
    ceiling = {
        "precision": reach / k,
        "recall": reach / [len(one) for one in held],
        "map_full": reach / [len(one) for one in held],
    }.get(metric, np.ones(len(held)))
    np.testing.assert_allclose(values, ceiling, atol=1e-12)
    assert values.max() == pytest.approx(1)


@pytest.mark.parametrize("metric", TOPK)
def test_a_list_without_hits_scores_0(metric):
    backwards = ranking_of([range(ITEMS - 1, 0, -1)], [[0, 1, 2]])
    assert TOPK[metric](backwards, 5).tolist() == [0]


@given(drawn=users())
def test_a_longer_list_never_lowers_what_counts_hits(drawn):
    ranking = ranking_of(*drawn)
    for name in ("hit_rate", "recall", "dcg", "mrr", "map_full"):
        values = [TOPK[name](ranking, k) for k in range(1, K + 1)]
        assert (np.diff(values, axis=0) >= -1e-12).all(), name


@given(drawn=users())
def test_ndcg_of_one_held_out_item_never_falls_with_k(drawn):
    lists, held = drawn
    ranking = ranking_of(lists, [dict([next(iter(one.items()))]) for one in held])
    values = [TOPK["ndcg"](ranking, k) for k in range(1, K + 1)]
    assert (np.diff(values, axis=0) >= -1e-12).all()


@pytest.mark.parametrize("metric", ["ndcg", "ndcg_graded", "dcg", "map", "map_full", "mrr"])
@pytest.mark.parametrize("place", range(1, K))
@pytest.mark.parametrize("held", [1, 4])
def test_moving_the_only_hit_up_raises_it(metric, place, held):
    misses = [6, 7, 8, 9]
    lists = [[*misses[:at], 0, *misses[at:]] for at in (place - 1, place)]
    higher, lower = TOPK[metric](ranking_of(lists, [list(range(held))] * 2), K)
    assert higher > lower


@given(drawn=users(), k=st.integers(1, K - 1))
def test_what_lies_below_k_does_not_matter(drawn, k):
    lists, held = drawn
    whole, cut = ranking_of(lists, held), ranking_of([one[:k] for one in lists], held, k)
    for name, metric in TOPK.items():
        np.testing.assert_array_equal(metric(whole, k), metric(cut, k), err_msg=name)


@pytest.mark.parametrize("metric", TOPK)
def test_somebody_without_held_out_items_has_no_value_or_0(metric):
    value = TOPK[metric](ranking_of([[1, 2, 3]], [[]]), 3)
    undefined = {"recall", "recall_capped", "ndcg", "ndcg_graded", "map", "map_full"}
    assert np.isnan(value[0]) if metric in undefined else value[0] == 0


def test_graded_ndcg_takes_another_gain():
    ranking = ranking_of([[0, 1]], [{0: 1, 1: 3}])
    # (2^1 - 1 + (2^3 - 1) / log2 3) / (2^3 - 1 + (2^1 - 1) / log2 3)
    expected = (1 + 7 / np.log2(3)) / (7 + 1 / np.log2(3))
    assert ndcg_graded(ranking, 2, gain=lambda w: 2**w - 1)[0] == pytest.approx(expected)
    # (1 + 3 / log2 3) / (3 + 1 / log2 3)
    plain = (1 + 3 / np.log2(3)) / (3 + 1 / np.log2(3))
    assert ndcg_graded(ranking, 2)[0] == pytest.approx(plain)


@pytest.mark.parametrize("metric", TOPK)
def test_a_k_beyond_the_lists_is_refused(metric):
    ranking = ranking_of([[1]], [[1]], k=3)
    with pytest.raises(UsageError, match=r"k is 4, and the lists hold 3 places\n.*1 to 3\n.*k=4"):
        TOPK[metric](ranking, 4)
    with pytest.raises(UsageError, match="k is 0"):
        TOPK[metric](ranking, 0)


def test_names_are_parsed():
    assert parse("ndcg@10") == ("ndcg", 10)
    assert parse("recall_capped@3") == ("recall_capped", 3)
    assert parse("auc", plain=("auc",)) == ("auc", None)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("ndgc@20", r"unknown metric 'ndgc@20'\n.*precision@k, .*auc\n.*did you mean 'ndcg@20'"),
        ("NDCG", r"unknown metric 'NDCG'"),
        ("acu", r"did you mean 'auc'"),
        ("ndcg", r"'ndcg' with no k\n.*whole number from 1 on.*\n.*'ndcg@10'"),
        ("ndcg@0", r"with k = '0'"),
        ("ndcg@-1", r"with k = '-1'"),
        ("ndcg@2.5", r"with k = '2.5'"),
        ("ndcg@ten", r"with k = 'ten'"),
        ("ndcg@", r"with k = ''"),
        ("auc@10", r"metric 'auc@10'\n.*\n.*'auc', without a k"),
        ("", r"unknown metric ''"),
    ],
)
def test_a_wrong_name_says_what_is_valid(name, said):
    with pytest.raises(UsageError, match=said):
        parse(name, plain=("auc",))
