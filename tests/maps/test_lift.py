"""Lifts against sums over all pairs."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from tastemap.maps import lift as module
from tastemap.maps.lift import lift, strata_of, unit_csr
from tastemap.seeding import stream

N, K = 40, 4


def features(seed=0, share=0.3):
    return csr_array((stream(seed, "features").random((N, 25)) < share).astype(float))


def some_places(seed=1):
    rng = stream(seed, "places")
    rows = [rng.choice(np.delete(np.arange(N), i), K, replace=False) for i in range(N)]
    return np.array(rows, dtype=np.int32)


def cosines(matrix):
    dense = matrix.toarray().astype(bool).astype(float)
    lengths = np.linalg.norm(dense, axis=1, keepdims=True)
    unit = dense / np.where(lengths > 0, lengths, 1)
    return unit @ unit.T


def test_found_and_chance_are_means_over_pairs():
    matrix, places = features(), some_places()
    truth = cosines(matrix)
    found = lift(unit_csr(matrix), places, np.zeros(N, dtype=np.int64))
    np.testing.assert_allclose(found.found, [truth[i, places[i]].mean() for i in range(N)])
    off = (truth.sum(axis=1) - np.diag(truth)) / (N - 1)
    np.testing.assert_allclose(found.chance, off)
    np.testing.assert_allclose(found.matched, off)  # one stratum: all are as popular as each
    assert found.ratio() == pytest.approx(found.found.sum() / off.sum())


def test_matched_chance_is_over_items_of_the_neighbours_stratum():
    matrix, places = features(), some_places()
    truth, strata = cosines(matrix), np.arange(N) % 3
    found = lift(unit_csr(matrix), places, strata.astype(np.int64))
    for i in (0, 17, 39):
        means = []
        for j in places[i]:
            peers = np.flatnonzero((strata == strata[j]) & (np.arange(N) != i))
            means.append(truth[i, peers].mean())
        assert found.matched[i] == pytest.approx(np.mean(means))


def test_items_without_features_count_as_unlike_all():
    dense = features().toarray()
    dense[:5] = 0
    found = lift(unit_csr(csr_array(dense)), some_places(), np.zeros(N, dtype=np.int64))
    assert found.found[:5].tolist() == [0] * 5
    assert found.chance[:5].tolist() == [0] * 5


def test_stored_weights_do_not_matter():
    weighted = features() * 7.5
    assert (unit_csr(weighted) != unit_csr(features())).nnz == 0


def test_a_mask_asks_some_items_only():
    found = lift(unit_csr(features()), some_places(), np.zeros(N, dtype=np.int64))
    mask = np.arange(N) < 10
    assert found.ratio(mask) == pytest.approx(found.found[:10].sum() / found.chance[:10].sum())
    assert found.ratio(np.zeros(N, dtype=bool)) is None


def test_neighbours_by_chance_have_lift_one():
    rng = stream(3, "chance")
    places = rng.integers(0, 400, (400, 10)).astype(np.int32)
    matrix = unit_csr(csr_array((rng.random((400, 300)) < 0.1).astype(float)))
    found = lift(matrix, places, np.zeros(400, dtype=np.int64))
    assert found.ratio() == pytest.approx(1, abs=0.05)


def test_popular_neighbours_lift_the_plain_number_and_not_the_matched_one():
    rng = stream(4, "fame")
    fame = np.linspace(0.02, 0.6, 400)
    matrix = csr_array((rng.random((400, 500)) < fame[:, None]).astype(float))
    places = rng.integers(300, 400, (400, 10)).astype(np.int32)  # everybody's are popular
    strata = strata_of(np.diff(matrix.indptr).astype(np.int64), 20, 20)
    found = lift(unit_csr(matrix), places, strata)
    assert found.ratio() > 1.3
    assert found.ratio(matched=True) == pytest.approx(1, abs=0.05)


def test_blocks_change_nothing(monkeypatch):
    matrix, places = unit_csr(features()), some_places()
    whole = lift(matrix, places, np.zeros(N, dtype=np.int64)).found
    monkeypatch.setattr(module, "BLOCK_WORK", 30)
    np.testing.assert_allclose(lift(matrix, places, np.zeros(N, dtype=np.int64)).found, whole)


def test_a_large_log_is_asked_about_some_items(monkeypatch):
    matrix, places = unit_csr(features()), some_places()
    whole = lift(matrix, places, np.zeros(N, dtype=np.int64))
    monkeypatch.setattr(module, "WORK", 400)
    part = lift(matrix, places, np.zeros(N, dtype=np.int64), rng=stream(0, "draw"))
    assert 0 < len(part.rows) < N
    np.testing.assert_allclose(part.found, whole.found[part.rows])
    np.testing.assert_allclose(part.chance, whole.chance[part.rows])


def test_strata_are_equally_large_and_keep_equals_together():
    counts = np.arange(100)[::-1].astype(np.int64)
    assert np.bincount(strata_of(counts, 5, 10)).tolist() == [20] * 5
    assert strata_of(counts, 5, 10)[0] == 4
    assert len(set(strata_of(counts, 20, 30).tolist())) == 3  # no stratum under 30
    tied = np.array([1] * 60 + [2] * 40, dtype=np.int64)
    assert [
        len(set(strata_of(tied, 10, 5)[part].tolist())) for part in (slice(60), slice(60, 100))
    ] == [1, 1]
    assert set(strata_of(np.ones(50, dtype=np.int64), 5, 5).tolist()) == {2}
