import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference import best_of_row
from tastemap.data.interactions import Histories
from tastemap.errors import InputError, UsageError
from tastemap.recommend import Ranking, mask_seen, rank, scored_blocks, tie_order, top_items

ITEMS = 9
baskets = st.lists(
    st.lists(st.integers(0, ITEMS - 1), max_size=ITEMS, unique=True), min_size=1, max_size=6
)


def scorer(rows, levels=5, seed=0):
    """Scores with many ties, looked up by user code."""
    scores = np.random.default_rng(seed).integers(levels, size=(rows, ITEMS)).astype(np.float32)
    return scores, lambda histories: scores[histories.user]


def histories_of(lists):
    return Histories.of_items(lists, list(range(len(lists))))


@given(seen=baskets, k=st.integers(1, ITEMS + 2))
def test_lists_are_what_sorting_the_unseen_items_gives(seen, k):
    scores, score = scorer(len(seen))
    items, values = top_items(score, histories_of(seen), ITEMS, k)
    for row, history in enumerate(seen):
        left = [-np.inf if i in history else s for i, s in enumerate(scores[row].tolist())]
        assert items[row].tolist() == best_of_row(left, tie_order(ITEMS).tolist(), k)
        listed = items[row][items[row] >= 0]
        assert values[row, : len(listed)].tolist() == scores[row, listed].tolist()
        assert (values[row, len(listed) :] == -np.inf).all()


@given(seen=baskets)
def test_a_seen_item_is_never_listed_however_long_the_list(seen):
    items, _ = top_items(scorer(len(seen))[1], histories_of(seen), ITEMS, 2 * ITEMS)
    for row, history in enumerate(seen):
        listed = set(items[row].tolist()) - {-1}
        assert listed == set(range(ITEMS)) - set(history)


def test_seen_items_are_listed_where_that_is_asked_for():
    histories = histories_of([[0, 1], [2]])
    items, _ = top_items(scorer(2)[1], histories, ITEMS, ITEMS, exclude_seen=False)
    assert np.sort(items).tolist() == [list(range(ITEMS))] * 2


def test_only_candidates_are_listed():
    histories = histories_of([[0, 1], []])
    candidates = np.array([1, 4, 7], dtype=np.int32)
    items, _ = top_items(scorer(2)[1], histories, ITEMS, 4, candidates=candidates)
    assert sorted(items[0].tolist()) == [-1, -1, 4, 7]
    assert sorted(items[1].tolist()) == [-1, 1, 4, 7]
    nobody = np.empty(0, dtype=np.int32)
    items, _ = top_items(scorer(2)[1], histories, ITEMS, 4, candidates=nobody)
    assert (items == -1).all()


def test_equal_scores_come_in_the_fixed_shuffled_order():
    def constant(histories):
        return np.zeros((len(histories), ITEMS), dtype=np.float32)

    items, _ = top_items(constant, histories_of([[], []]), ITEMS, ITEMS)
    assert items[0].tolist() == items[1].tolist() == np.argsort(tie_order(ITEMS)).tolist()


@pytest.mark.parametrize("n", [0, 1, 2, 1000])
def test_the_order_of_ties_is_a_permutation_and_always_the_same(n):
    order = tie_order(n)
    assert sorted(order.tolist()) == list(range(n))
    assert order.tolist() == tie_order(n).tolist()
    assert n < 1000 or abs(np.corrcoef(order, np.arange(n))[0, 1]) < 0.1


@pytest.mark.parametrize("size", [1, 3 * 4 * ITEMS, 10**9])
def test_the_size_of_the_blocks_does_not_matter(monkeypatch, size):
    _, score = scorer(20)
    histories = histories_of([[row % ITEMS] for row in range(20)])
    expected = top_items(score, histories, ITEMS, 3)
    monkeypatch.setattr("tastemap.recommend.BLOCK_BYTES", size)
    for one, other in zip(top_items(score, histories, ITEMS, 3), expected, strict=True):
        np.testing.assert_array_equal(one, other)


def test_blocks_cover_every_history_once_and_are_copies(monkeypatch):
    scores, _ = scorer(7)
    monkeypatch.setattr("tastemap.recommend.BLOCK_BYTES", 3 * 4 * ITEMS)
    before, parts = scores.copy(), []
    for part, block in scored_blocks(
        lambda h: scores[h.user[0] :][: len(h)], histories_of([[]] * 7), ITEMS
    ):
        parts.append((part.start, part.stop))
        block[:] = -1
    assert parts == [(0, 3), (3, 6), (6, 7)]
    np.testing.assert_array_equal(scores, before)


def test_masking_hits_the_history_and_nothing_else():
    scores = np.zeros((3, 4), dtype=np.float32)
    mask_seen(scores, Histories.of_items([[1, 3], [], [0, 0]]))
    assert (scores == -np.inf).tolist() == [
        [False, True, False, True],
        [False] * 4,
        [True, False, False, False],
    ]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_scores_that_are_not_finite_are_refused_with_the_history_they_belong_to(bad, monkeypatch):
    scores, score = scorer(5)
    scores[3, 2] = bad
    monkeypatch.setattr("tastemap.recommend.BLOCK_BYTES", 2 * 4 * ITEMS)
    with pytest.raises(InputError, match=r"not finite, first in history 3\n.*no NaN.*\n.*diverged"):
        top_items(score, histories_of([[]] * 5), ITEMS, 2)


def test_k_0_is_refused():
    with pytest.raises(UsageError, match=r"k is 0\n.*whole number from 1 on"):
        top_items(scorer(1)[1], histories_of([[]]), ITEMS, 0)


weighted = st.lists(
    st.dictionaries(st.integers(0, ITEMS - 1), st.integers(0, 5), max_size=ITEMS),
    min_size=1,
    max_size=6,
)


@given(held=weighted, k=st.integers(1, ITEMS), data=st.data())
def test_a_ranking_marks_hits_gains_and_the_best_possible_gains(held, k, data):
    lists = [
        (data.draw(st.permutations(range(ITEMS)))[: data.draw(st.integers(0, k))] + [-1] * k)[:k]
        for _ in held
    ]
    plain = Histories.of_items([list(one) for one in held])
    weights = np.array([w for one in held for w in one.values()], dtype=np.float32)
    truth = Histories(plain.user, plain.starts, plain.items, weights)
    ranking = Ranking.of(np.array(lists, dtype=np.int32), truth)
    assert ranking.k == k
    for row, (listed, mine) in enumerate(zip(lists, held, strict=True)):
        assert ranking.hits[row].tolist() == [item in mine for item in listed]
        assert ranking.gains[row].tolist() == [mine.get(item, 0) for item in listed]
        best = sorted(mine.values(), reverse=True)
        assert ranking.ideal[row].tolist() == (best + [0] * k)[:k]
        assert ranking.relevant[row] == len(mine)


def test_ranking_joins_lists_and_truth_row_by_row():
    scores, score = scorer(4, levels=1000)
    histories, truth = histories_of([[0]] * 4), histories_of([[1], [2], [3, 4], [5]])
    ranking = rank(score, histories, truth, ITEMS, 3)
    assert ranking.items.tolist() == top_items(score, histories, ITEMS, 3)[0].tolist()
    for row in range(4):
        best = [i for i in np.argsort(-scores[row], kind="stable") if i != 0][:3]
        assert ranking.items[row].tolist() == best
        assert ranking.hits[row].tolist() == [i in truth.row(row) for i in best]
    kept = rank(score, histories, truth, ITEMS, ITEMS, exclude_seen=False)
    assert (kept.items >= 0).all()


@pytest.mark.parametrize("code", [-1, ITEMS])
def test_a_history_with_a_code_outside_the_catalogue_is_refused(code):
    # -1 is what the vocabulary gives for an unknown id; compiled loops would write there.
    histories = histories_of([[0], [1, code]])
    message = rf"item code {code} in the history\n.*0 to {ITEMS - 1}: this catalogue has"
    with pytest.raises(InputError, match=message):
        top_items(scorer(2)[1], histories, ITEMS, 2)
    with pytest.raises(InputError, match=message):
        next(scored_blocks(scorer(2)[1], histories, ITEMS))
