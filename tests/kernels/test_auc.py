import numpy as np
import pytest

from reference import auc_of_pairs
from tastemap.kernels.auc import FEW, count_between, pairs_won
from tastemap.kernels.jit import threads


def ragged(rng, rows, levels, dtype, longest=6):
    lengths = rng.integers(longest, size=rows)
    starts = np.concatenate([[0], lengths.cumsum()]).astype(np.int64)
    return starts, rng.integers(levels, size=starts[-1]).astype(dtype)


def negatives_of(rng, rows, items, levels, dtype):
    scores = rng.integers(levels, size=(rows, items)).astype(dtype)
    scores[rng.random((rows, items)) < 0.2] = -np.inf
    return scores


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("levels", [2, 5, 1000])
@pytest.mark.parametrize("longest", [6, 4 * FEW])
def test_pairs_won_counts_like_two_loops(levels, dtype, longest):
    rng = np.random.default_rng(levels)
    starts, positives = ragged(rng, 30, levels, dtype, longest)
    negatives = negatives_of(rng, 30, 25, levels, dtype)
    twice_won, met = pairs_won(negatives, starts, positives)
    for row in range(30):
        mine = positives[starts[row] : starts[row + 1]].tolist()
        others = [n for n in negatives[row].tolist() if n != -np.inf]
        expected = auc_of_pairs(mine, others)
        if expected is None:
            assert twice_won[row] == 0
        else:
            assert met[row] == len(others)
            assert twice_won[row] == 2 * len(mine) * len(others) * expected


def test_positives_keep_their_order():
    starts, positives = np.array([0, 3]), np.float32([3, 1, 2])
    pairs_won(np.float32([[0, 2]]), starts, positives)
    assert positives.tolist() == [3, 1, 2]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_count_between_counts_like_two_loops(dtype):
    rng = np.random.default_rng(3)
    negatives = negatives_of(rng, 20, 30, 12, dtype)
    edges = np.array([1, 2, 5, 9, 10], dtype=dtype)
    counts = count_between(negatives, edges)
    flat = negatives[negatives > -np.inf]
    bounds = [-np.inf, *edges.tolist(), np.inf]
    for j in range(6):
        assert counts[2 * j] == sum(bounds[j] < n < bounds[j + 1] for n in flat)
    for j, edge in enumerate(edges):
        assert counts[2 * j + 1] == sum(n == edge for n in flat)
    assert counts.sum() == len(flat)


@pytest.mark.parametrize("shape", [(0, 4), (3, 0), (1, 3)])
def test_count_between_takes_blocks_smaller_than_its_parts(shape):
    assert count_between(np.ones(shape, np.float32), np.float32([1])).tolist() == [
        0,
        shape[0] * shape[1],
        0,
    ]


def test_threads_do_not_matter():
    rng = np.random.default_rng(4)
    starts, positives = ragged(rng, 200, 9, np.float32)
    negatives = negatives_of(rng, 200, 40, 9, np.float32)
    found = []
    for n in (1, 2):
        with threads(n):
            won, met = pairs_won(negatives, starts, positives)
            found.append((won, met, count_between(negatives, np.unique(positives))))
    for one, two in zip(*found, strict=True):
        np.testing.assert_array_equal(one, two)
