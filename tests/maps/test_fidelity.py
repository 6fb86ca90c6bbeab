"""Fidelity against scikit-learn, hand-made maps and a slow twin."""

import numpy as np
import pytest
from sklearn.manifold import trustworthiness

import tastemap as tm
from reference import map_fidelity
from tastemap.maps import fidelity as module
from tastemap.maps.fidelity import fidelity, worst
from tastemap.maps.neighbours import nearest, unit_rows
from tastemap.seeding import stream


def case(n=90, d=6, seed=0):
    rng = stream(seed, "test", "fidelity")
    vectors = rng.standard_normal((n, d)).astype(np.float32)
    return vectors, (vectors @ rng.standard_normal((d, 2))).astype(np.float32)


@pytest.mark.parametrize("k", [1, 5, 12])
def test_trustworthiness_and_continuity_are_those_of_scikit_learn(k):
    vectors, xy = case()
    found = fidelity(nearest(vectors, k)[0], xy, vectors=vectors)
    rows = unit_rows(vectors)  # by cosine the nearest are the nearest of the unit vectors
    assert found.trustworthiness == pytest.approx(trustworthiness(rows, xy, n_neighbors=k))
    assert found.continuity == pytest.approx(trustworthiness(xy, rows, n_neighbors=k))


@pytest.mark.parametrize("k", [3, 20, 28])
def test_all_three_are_those_of_the_slow_twin_for_products_too(k):
    vectors, xy = case(n=30)
    near, _ = nearest(vectors, k, similarity="dot")
    found = fidelity(near, xy, vectors=vectors, similarity="dot")
    likeness = (vectors.astype(float) @ vectors.T).tolist()
    kept, trust, continuity = map_fidelity(likeness, xy.astype(float).tolist(), k)
    assert found.kept == pytest.approx(kept)
    assert found.trustworthiness == pytest.approx(trust)
    assert found.continuity == pytest.approx(continuity)


def test_a_map_of_vectors_of_two_numbers_keeps_everything():
    angle = np.sort(stream(0, "circle").random(40)) * 6
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=1).astype(np.float32)
    found = fidelity(nearest(circle, 4)[0], circle, vectors=circle)
    assert (found.kept, found.trustworthiness, found.continuity) == (1, 1, 1)
    assert (found.k, found.compared) == (4, 40)


def test_one_false_neighbour_weighs_by_its_rank():
    vectors = np.float32([[0], [1], [3], [7], [15]]) + 1
    plane = np.float32([[0, 0], [1, 0], [3, 0], [0.5, 0], [15, 0]])
    near = np.int32([[1], [0], [1], [2], [3]])
    angles = np.hstack([np.cos(vectors / 20), np.sin(vectors / 20)])
    found = fidelity(near, plane, vectors=angles)
    # On the map 0 -> 3 (rank 3), 1 -> 3 (3), 2 -> 1 (1), 3 -> 0 (3; 2 and 1 are nearer), 4 -> 2 (2)
    assert found.kept == 1 / 5
    assert found.trustworthiness == pytest.approx(1 - (2 + 2 + 0 + 2 + 1) / (5 * 3))


def test_random_places_keep_what_chance_keeps():
    vectors, _ = case(n=400)
    xy = stream(1, "test").standard_normal((400, 2)).astype(np.float32)
    found = fidelity(nearest(vectors, 10)[0], xy, vectors=vectors)
    assert found.kept == pytest.approx(10 / 399, abs=0.01)
    assert found.trustworthiness == pytest.approx(0.5, abs=0.03)


def test_a_sample_is_compared_with_all_and_comes_near(monkeypatch):
    vectors, xy = case(n=500)
    near, _ = nearest(vectors, 10)
    whole = fidelity(near, xy, vectors=vectors)
    monkeypatch.setattr(module, "ALL_TO", 499)
    monkeypatch.setattr(module, "SOME", 200)
    some = fidelity(near, xy, vectors=vectors)
    assert (whole.compared, some.compared) == (500, 200)
    assert some.kept == pytest.approx(whole.kept, abs=0.03)
    assert some.trustworthiness == pytest.approx(whole.trustworthiness, abs=0.02)
    assert some == fidelity(near, xy, vectors=vectors)
    assert some != fidelity(near, xy, vectors=vectors, seed=1)


def test_blocks_and_threads_change_nothing(monkeypatch):
    vectors, xy = case()
    near, _ = nearest(vectors, 7)
    whole = fidelity(near, xy, vectors=vectors)
    monkeypatch.setattr(module, "BLOCK_BYTES", 90 * 8 * 11)
    with tm.threads(1):
        assert fidelity(near, xy, vectors=vectors) == whole


@pytest.mark.parametrize("n", range(3, 12))
@pytest.mark.parametrize("k", [1, 2, 5, 9])
def test_the_worst_is_as_bad_as_it_gets(n, k):
    ranks = range(1, n)  # of the n - 1 others; the k shown are the last ones
    shown = list(ranks)[-k:]
    assert worst(n, min(k, n - 1)) == sum(max(r - min(k, n - 1), 0) for r in shown)


def test_tables_that_do_not_belong_together_are_refused():
    vectors, xy = case()
    with pytest.raises(tm.InputError, match="90 rows of neighbours, 89 places and 90 vectors"):
        fidelity(nearest(vectors, 3)[0], xy[1:], vectors=vectors)
