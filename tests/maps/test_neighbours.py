"""Neighbours against scikit-learn, hubs against hand arithmetic and SciPy."""

import numpy as np
import pytest
from scipy.stats import skew
from sklearn.neighbors import NearestNeighbors

import tastemap as tm
from tastemap.maps import neighbours as module
from tastemap.maps.neighbours import hubs, nearest, require_similarity, unit_rows
from tastemap.seeding import stream

VECTORS = stream(0, "neighbours").standard_normal((150, 12)).astype(np.float32)


def test_cosine_neighbours_are_those_of_scikit_learn():
    places, likeness = nearest(VECTORS, k=7)
    truth = NearestNeighbors(n_neighbors=8, metric="cosine", algorithm="brute").fit(VECTORS)
    distances, found = truth.kneighbors(VECTORS)
    np.testing.assert_array_equal(places, found[:, 1:])
    np.testing.assert_allclose(likeness, 1 - distances[:, 1:], atol=1e-5)


def test_dot_neighbours_are_the_largest_products():
    places, likeness = nearest(VECTORS, k=5, similarity="dot")
    products = VECTORS.astype(float) @ VECTORS.T
    np.fill_diagonal(products, -np.inf)
    np.testing.assert_array_equal(places, np.argsort(-products, axis=1)[:, :5])
    np.testing.assert_allclose(likeness, -np.sort(-products, axis=1)[:, :5], rtol=1e-4)


def test_nobody_is_his_own_neighbour_even_among_equals():
    places, _ = nearest(np.ones((30, 3)), k=10)
    assert not (places == np.arange(30)[:, None]).any()
    assert (np.sort(places, axis=1)[:, 1:] != np.sort(places, axis=1)[:, :-1]).all()


def test_blocks_and_threads_change_nothing(monkeypatch):
    whole = nearest(VECTORS, k=7)
    monkeypatch.setattr(module, "BLOCK_BYTES", 150 * 4 * 11)
    with tm.threads(1):
        parts = nearest(VECTORS, k=7)
    np.testing.assert_array_equal(whole[0], parts[0])
    np.testing.assert_allclose(whole[1], parts[1], rtol=1e-6)


def test_unit_rows_keep_zeros_and_survive_tiny_and_huge_numbers():
    rows = unit_rows(np.array([[0, 0], [3e-30, 4e-30], [3e30, 4e30]], dtype=np.float32))
    np.testing.assert_allclose(rows, [[0, 0], [0.6, 0.8], [0.6, 0.8]], rtol=1e-6)


def test_hubs_are_counted():
    places = np.array([[1, 2], [0, 2], [0, 1], [0, 1]], dtype=np.int32)
    found = hubs(places)
    assert found.counts.tolist() == [3, 3, 2, 0]
    assert (found.largest, found.antihub_share) == (1.5, 0.25)
    assert found.skewness == pytest.approx(skew([3, 3, 2, 0]))


def test_a_ring_has_no_hubs_and_a_star_is_one():
    ring = (np.arange(40)[:, None] + [1, 2]) % 40
    even = hubs(ring.astype(np.int32))
    assert (even.skewness, even.largest, even.antihub_share) == (0, 1, 0)
    star = np.zeros((40, 1), dtype=np.int32)
    assert hubs(star).largest == 40
    assert hubs(star).skewness == pytest.approx(skew([40] + [0] * 39))


@pytest.mark.parametrize("k", [30, 31])
def test_more_neighbours_than_others_are_refused(k):
    with pytest.raises(tm.UsageError, match=f"k={k} neighbours among 30 vectors\n.*k from 1 to 29"):
        nearest(VECTORS[:30], k=k)


def test_k_of_nothing_is_refused():
    with pytest.raises(tm.UsageError, match="k is 0"):
        nearest(VECTORS, k=0)


def test_an_unknown_similarity_is_refused():
    with pytest.raises(tm.UsageError, match=r"similarity='euclid'\n.*'cosine' or 'dot'"):
        require_similarity("euclid")
