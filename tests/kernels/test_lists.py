"""Ready lists against sets and dictionaries, on random ragged rows."""

from math import log2

import numpy as np
import pytest

from reference import judged_lists, list_metrics, shared_pairs
from tastemap.kernels.lists import judge, repeated, shared_items, tally

ITEMS = 30


def flat(rows, kind):
    starts = np.cumsum([0, *map(len, rows)]).astype(np.int64)
    return starts, np.array([x for row in rows for x in row], dtype=kind)


def random_lists(rng, users, k):
    """Lists without repeats, each cut short somewhere and filled up with -1."""
    lists = np.full((users, k), -1, dtype=np.int32)
    for row in lists:
        n = rng.integers(min(k, ITEMS) + 1)
        row[:n] = rng.permutation(ITEMS)[:n]
    return lists


def random_held(rng, users, longest, *, twice=False):
    """Held-out items, a third of the rows empty, and weights with many ties."""
    lengths = rng.integers(longest + 1, size=users) * (rng.random(users) < 2 / 3)
    held = [rng.choice(ITEMS, n, replace=twice).tolist() for n in lengths]
    weights = [rng.integers(1, 5, n).astype(float).tolist() for n in lengths]
    return held, weights


def judged(lists, held, weights):
    shape = lists.shape
    hits, gains, ideal = np.zeros(shape, bool), np.zeros(shape, "f4"), np.zeros(shape, "f4")
    starts, items = flat(held, np.int32)
    at = np.random.default_rng(0).integers(-5, 99, ITEMS)  # any content will do
    judge(lists, starts, items, flat(weights, np.float32)[1], at, hits, gains, ideal)
    return hits, gains, ideal


@pytest.mark.parametrize("k", [0, 1, 5, 20, 40])
@pytest.mark.parametrize("twice", [False, True])
def test_judge_marks_what_looking_up_each_item_marks(k, twice):
    rng = np.random.default_rng(k)
    lists = random_lists(rng, 60, k)
    held, weights = random_held(rng, 60, 20, twice=twice)
    found = judged(lists, held, weights)
    for mine, expected in zip(found, judged_lists(lists.tolist(), held, weights), strict=True):
        assert mine.tolist() == expected
    assert k == 0 or found[0].any()


def test_what_was_held_out_for_another_user_is_no_hit():
    hits, gains, _ = judged(np.int32([[1, 2], [1, 2], [1, 2]]), [[1], [], [2]], [[3.0], [], [4.0]])
    assert hits.tolist() == [[True, False], [False, False], [False, True]]
    assert gains.tolist() == [[3, 0], [0, 0], [0, 4]]


def test_of_an_item_that_is_held_out_twice_the_first_weight_counts_at_a_hit():
    hits, gains, ideal = judged(np.int32([[7, 3, -1]]), [[7, 7]], [[2.0, 5.0]])
    assert hits.tolist() == [[True, False, False]]
    assert gains.tolist() == [[2, 0, 0]]
    assert ideal.tolist() == [[5, 2, 0]]


def test_an_unknown_held_out_item_is_never_hit_and_stays_in_the_ideal():
    listed = np.int32([[ITEMS - 1, 4, -1]])  # the last item is what -1 counts from the end
    hits, gains, ideal = judged(listed, [[-1, 4]], [[9.0, 1.0]])
    assert hits.tolist() == [[False, True, False]]
    assert gains.tolist() == [[0, 1, 0]]
    assert ideal.tolist() == [[9, 1, 0]]


def test_no_lists_and_no_held_out_items_are_judged_without_a_hit():
    assert judged(np.empty((0, 3), np.int32), [], [])[0].shape == (0, 3)
    hits, gains, ideal = judged(np.int32([[0, 1, 2]]), [[]], [[]])
    assert not hits.any()
    assert not gains.any()
    assert not ideal.any()


@pytest.mark.parametrize("cuts", [[1], [3], [12], [1, 2, 5, 12]])
def test_tally_sums_up_to_what_the_metrics_of_each_list_are_made_of(cuts):
    rng = np.random.default_rng(100 + len(cuts))
    lists = random_lists(rng, 80, 12)
    held, weights = random_held(rng, 80, 15)
    counts, sums = np.full((len(cuts), 2, 80), -7), np.full((len(cuts), 4, 80), np.nan)
    discount = 1 / np.log2(np.arange(2, cuts[-1] + 2))
    tally(*judged(lists, held, weights), np.array(cuts), discount, counts, sums)
    for c, k in enumerate(cuts):
        for u, listed in enumerate(lists.tolist()):
            if not held[u]:
                assert counts[c, :, u].tolist() == [0, 0]
                assert sums[c, :, u].tolist() == [0, 0, 0, 0]
                continue
            expected = list_metrics(listed, dict(zip(held[u], weights[u], strict=True)), k)
            assert counts[c, 0, u] == round(expected["precision"] * k)
            assert counts[c, 1, u] == (round(1 / expected["mrr"]) if expected["mrr"] else 0)
            assert sums[c, 0, u] == pytest.approx(expected["dcg"])
            assert sums[c, 1, u] / sums[c, 2, u] == pytest.approx(expected["ndcg_graded"])
            assert sums[c, 3, u] == pytest.approx(expected["map_full"] * len(held[u]))
        assert counts[c, 0].max() > 0


def test_tally_of_a_list_by_hand():
    hits = np.array([[False, True, False, True]])
    gains, ideal = np.float32([[0, 2, 0, 3]]), np.float32([[5, 3, 2, 0]])
    counts, sums = np.empty((2, 2, 1), np.int64), np.empty((2, 4, 1))
    discount = 1 / np.log2(np.arange(2, 6))
    tally(hits, gains, ideal, np.array([2, 4]), discount, counts, sums)
    assert counts[:, :, 0].tolist() == [[1, 2], [2, 2]]
    two, three, four = 1 / log2(3), 1 / log2(4), 1 / log2(5)  # what places 2 to 4 count
    assert sums[0, :, 0].tolist() == pytest.approx([two, 2 * two, 5 + 3 * two, 1 / 2])
    expected = [two + four, 2 * two + 3 * four, 5 + 3 * two + 2 * three, 1 / 2 + 2 / 4]
    assert sums[1, :, 0].tolist() == pytest.approx(expected)


def test_the_first_list_that_repeats_an_item_is_named_with_the_lowest_of_them():
    at = np.zeros(ITEMS, np.int64)  # as if list 0 had everything
    lists = np.int32([[1, 2, 3, -1, -1], [3, 2, 1, 4, -1], [9, 7, 9, 7, 7], [0, 0, -1, -1, -1]])
    assert repeated(lists, at) == (2, 7)
    assert repeated(lists[3:], at) == (0, 0)
    assert repeated(lists[:2], at) == (-1, -1)
    assert repeated(lists[:0], at) == (-1, -1)


@pytest.mark.parametrize("seed", range(4))
def test_shared_items_are_those_of_the_intersections_each_once(seed):
    rng = np.random.default_rng(seed)
    rows, _ = random_held(rng, 80, 12, twice=True)
    others, _ = random_held(rng, 80, 12, twice=True)
    at = rng.integers(-5, 99, ITEMS)
    total, row, item = shared_items(*flat(rows, np.int32), *flat(others, np.int32), at)
    pairs = shared_pairs(rows, others)
    assert len(pairs) > 20
    assert (total, (row, item)) == (len(pairs), pairs[0])


def test_rows_that_share_nothing_name_no_item():
    at = np.zeros(ITEMS, np.int64)  # as if row 0 had everything
    rows, others = [[1, 2], [], [3]], [[3], [1, 2], []]
    found = shared_items(*flat(rows, np.int32), *flat(others, np.int32), at)
    assert found == (0, -1, -1)
    assert shared_items(*flat([], np.int32), *flat([], np.int32), at) == (0, -1, -1)


def test_of_the_first_row_that_shares_items_the_lowest_is_named():
    rows, others = [[5], [9, 4, 8], [0]], [[6], [8, 9, 4, 8], [0]]
    at = np.zeros(ITEMS, np.int64)
    assert shared_items(*flat(rows, np.int32), *flat(others, np.int32), at) == (4, 1, 4)
