import numpy as np
import pytest

from reference import best_of_row
from tastemap.kernels.jit import threads
from tastemap.kernels.topk import CHUNK, top_k

LONG = 16 * CHUNK + 37
"""Scores of many chunks, the last of them not full."""


def scores_with_ties(rng, rows, items, levels):
    scores = rng.integers(levels, size=(rows, items)).astype(np.float32)
    scores[rng.random((rows, items)) < 0.3] = -np.inf
    return scores


@pytest.mark.parametrize(
    ("rows", "items", "k"), [(40, 30, 5), (10, 7, 20), (5, 1, 1), (5, 1, 3), (3, 200, 200)]
)
@pytest.mark.parametrize("levels", [2, 8, 1000])
def test_top_k_picks_what_sorting_picks(rows, items, k, levels):
    rng = np.random.default_rng(items * levels)
    scores = scores_with_ties(rng, rows, items, levels)
    ties = rng.permutation(items).astype(np.int32)
    picked, values = top_k(scores, ties, k)
    assert picked.dtype == np.int32
    assert values.dtype == np.float32
    for row in range(rows):
        expected = best_of_row(scores[row].tolist(), ties.tolist(), k)
        assert picked[row].tolist() == expected
        found = [scores[row, i] if i >= 0 else -np.inf for i in expected]
        assert values[row].tolist() == found


@pytest.mark.parametrize("low", [-4, -2, 0], ids=["all below 0", "around 0", "from 0 on"])
@pytest.mark.parametrize("levels", [2, 4, 4_000])
@pytest.mark.parametrize("left", [0, 3, 700, LONG])
@pytest.mark.parametrize("k", [1, 10, LONG // CHUNK, LONG // CHUNK + 1, LONG // CHUNK + 2])
def test_long_rows_start_from_a_bound_that_leaves_nothing_out(low, levels, left, k):
    rng = np.random.default_rng(levels + left + k)
    scores = np.full((4, LONG), -np.inf, dtype=np.float32)
    for row in scores:
        some = rng.permutation(LONG)[:left]
        row[some] = low + rng.integers(levels, size=left) * 4 / levels
    scores[0] = np.sort(scores[0])  # the best in the last chunks
    scores[1] = np.sort(scores[1])[::-1]  # and in the first
    ties = rng.permutation(LONG).astype(np.int32)
    picked, values = top_k(scores, ties, k)
    for row in range(4):
        expected = best_of_row(scores[row].tolist(), ties.tolist(), k)
        assert picked[row].tolist() == expected
        assert values[row].tolist() == [scores[row, i] if i >= 0 else -np.inf for i in expected]


def test_negative_zero_ties_with_zero():
    picked, _ = top_k(np.array([[0.0, -0.0, 0.0]], np.float32), np.array([2, 1, 0], np.int32), 3)
    assert picked.tolist() == [[2, 1, 0]]


def test_a_row_without_finite_scores_has_an_empty_list():
    picked, values = top_k(np.full((2, 4), -np.inf, np.float32), np.arange(4, dtype=np.int32), 2)
    assert (picked == -1).all()
    assert (values == -np.inf).all()


@pytest.mark.parametrize(("rows", "items"), [(0, 5), (3, 0)])
def test_no_rows_or_no_items_give_empty_lists(rows, items):
    picked, values = top_k(np.empty((rows, items), np.float32), np.arange(items, dtype=np.int32), 2)
    assert picked.shape == values.shape == (rows, 2)
    assert (picked == -1).all()


def test_scores_are_left_as_they_were():
    scores = scores_with_ties(np.random.default_rng(1), 5, 20, 4)
    before = scores.copy()
    top_k(scores, np.arange(20, dtype=np.int32), 3)
    np.testing.assert_array_equal(scores, before)


def test_threads_do_not_matter():
    rng = np.random.default_rng(2)
    scores = scores_with_ties(rng, 300, 50, 6)
    ties = rng.permutation(50).astype(np.int32)
    with threads(1):
        one = top_k(scores, ties, 10)
    with threads(2):
        two = top_k(scores, ties, 10)
    np.testing.assert_array_equal(one[0], two[0])
    np.testing.assert_array_equal(one[1], two[1])
