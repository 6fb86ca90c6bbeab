"""Cosines, uniformity and alignment against sums over all pairs."""

from itertools import combinations, product

import numpy as np
import pytest
from scipy.sparse import csr_array
from scipy.spatial.distance import pdist

from tastemap.maps.directions import alignment_gap, mean_cosine, uniformity
from tastemap.seeding import stream

RNG = stream(0, "directions")
VECTORS = stream(1, "directions").standard_normal((60, 5)) + 0.4


def cosine(a, b):
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


def test_the_mean_cosine_is_that_of_all_pairs():
    pairs = [cosine(a, b) for a, b in combinations(VECTORS, 2)]
    assert mean_cosine(VECTORS) == pytest.approx(np.mean(pairs))


@pytest.mark.parametrize(
    ("vectors", "expected"),
    [
        (np.ones((9, 4)), 1.0),
        (np.eye(6), 0.0),
        (np.array([[1.0, 0], [-2.0, 0]]), -1.0),
        (np.vstack([np.eye(3), -np.eye(3)]), -1 / 5),  # the least that six vectors can have
    ],
)
def test_the_mean_cosine_of_known_shapes(vectors, expected):
    assert mean_cosine(vectors) == pytest.approx(expected)


def test_vectors_of_zeros_have_no_direction():
    padded = np.vstack([VECTORS, np.zeros((40, 5))])
    assert mean_cosine(padded) == pytest.approx(mean_cosine(VECTORS))
    assert mean_cosine(np.zeros((5, 3))) is None
    assert uniformity(np.zeros((5, 3)), RNG) is None
    assert mean_cosine(np.array([[0.0, 0.0], [1.0, 0.0]])) is None


def test_uniformity_is_the_log_of_the_mean_potential():
    unit = VECTORS / np.linalg.norm(VECTORS, axis=1, keepdims=True)
    truth = np.log(np.exp(-2 * pdist(unit, "sqeuclidean")).mean())
    assert uniformity(VECTORS, RNG) == pytest.approx(truth)


def test_uniformity_of_equal_vectors_is_zero_and_of_noise_about_minus_four():
    assert uniformity(np.ones((20, 3)), RNG) == pytest.approx(0)
    noise = stream(2, "directions").standard_normal((3000, 64))
    assert uniformity(noise, stream(0, "sample")) == pytest.approx(-3.88, abs=0.05)


def test_the_alignment_gap_is_random_pairs_minus_used_pairs():
    rng = stream(3, "directions")
    users, items = rng.standard_normal((6, 4)), rng.standard_normal((8, 4))
    used = rng.random((6, 8)) < 0.4
    pairs = [(u, i) for u, i in product(range(6), range(8)) if used[u, i]]

    def mean_distance(chosen):
        return np.mean([2 - 2 * cosine(users[u], items[i]) for u, i in chosen])

    dealt_anew = [(u, i) for (u, _), (_, i) in product(pairs, pairs)]
    truth = mean_distance(dealt_anew) - mean_distance(pairs)
    assert alignment_gap(users, items, csr_array(used.astype(float))) == pytest.approx(truth)


def test_the_gap_is_wide_where_users_stand_at_their_items_and_zero_for_noise():
    groups = np.arange(200) % 4
    centres = np.eye(4)
    used = csr_array((groups[:, None] == groups).astype(float))
    assert alignment_gap(centres[groups], centres[groups], used) == pytest.approx(1.5)
    rng = stream(4, "directions")
    noise = rng.standard_normal((2, 200, 16))
    assert alignment_gap(noise[0], noise[1], used) == pytest.approx(0, abs=0.03)


def test_popular_items_near_all_users_are_no_alignment():
    rng = stream(5, "directions")
    users = np.ones((50, 3)) + 0.01 * rng.standard_normal((50, 3))
    fame = np.linspace(0.05, 0.95, 80)
    used = csr_array((rng.random((50, 80)) < fame).astype(float))
    items = np.outer(fame, np.ones(3)) + np.outer(1 - fame, [1.0, -1.0, 0])
    assert abs(alignment_gap(users, items, used)) < 0.02


def test_no_pairs_have_no_gap():
    assert alignment_gap(VECTORS[:3], VECTORS[:4], csr_array((3, 4))) is None
