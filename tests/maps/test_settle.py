"""Newcomers: pulls against openTSNE's, places against hand-made maps, PCA against itself."""

import numpy as np
import pytest
from openTSNE import _tsne

from tastemap.maps.neighbours import unit_rows
from tastemap.maps.pca import pca
from tastemap.maps.settle import best_of, project, projection, pulls, radius, settle
from tastemap.seeding import stream


def test_pulls_are_the_chances_of_openTSNE():
    likeness = -np.sort(-stream(0, "test", "pulls").random((20, 25)), axis=1)
    apart = np.sqrt(likeness[:, :1] - likeness)
    expected = _tsne.compute_gaussian_perplexity(apart, np.array([5.0]))
    np.testing.assert_allclose(pulls(likeness, perplexity=5), expected, atol=1e-6)


def test_equal_likeness_pulls_equally():
    np.testing.assert_allclose(pulls(np.ones((2, 4))), 0.25)


def test_a_newcomer_joins_the_stronger_group_instead_of_the_void():
    rng = stream(0, "test", "settle")
    left, right = rng.standard_normal((2, 30, 2))
    xy = np.concatenate([left - 50, right + 50]).astype(np.float32)
    drawn_by = np.int32([[0, 1, 2, 30, 31], [0, 1, 30, 31, 32]])
    found = settle(xy, drawn_by, np.full((2, 5), 0.2))
    assert np.abs(found[0] + 50).max() < 3
    assert np.abs(found[1] - 50).max() < 3


def test_a_newcomer_stands_where_the_pulls_are_in_balance():
    xy = stream(0, "test", "balance").standard_normal((50, 2)).astype(np.float32)
    drawn_by, pull = np.arange(8, dtype=np.int32)[None], pulls(np.linspace(1, 0, 8)[None])
    found = settle(xy, drawn_by, pull)[0].astype(float)
    away = (found - xy[:8]) / radius(xy)
    force = (pull[0] / (1 + (away**2).sum(axis=1)))[:, None] * away
    assert np.abs(force.sum(axis=0)).max() < 1e-3 * np.abs(force).sum()


def test_a_larger_map_moves_newcomers_in_proportion():
    xy = stream(0, "test", "scale").standard_normal((50, 2)).astype(np.float32)
    drawn_by, pull = np.arange(8, dtype=np.int32)[None], pulls(np.linspace(1, 0, 8)[None])
    np.testing.assert_allclose(
        settle(xy * 8, drawn_by, pull), 8 * settle(xy, drawn_by, pull), rtol=1e-4
    )


def test_the_radius_is_the_distance_to_the_tenth_neighbour():
    line = np.stack([np.arange(100.0), np.zeros(100)], axis=1).astype(np.float32)
    assert radius(line) == 5
    assert radius(np.zeros((20, 2), np.float32)) == 1


def test_a_projection_is_found_again_and_carries_on():
    rng = stream(0, "test", "projection")
    vectors = (rng.standard_normal((80, 6)) + 2).astype(np.float32)
    found = pca(vectors[:60])
    again = project(projection(vectors[:60], found.xy), vectors[60:])
    np.testing.assert_allclose(again, found.project(vectors[60:])[:, :2], atol=1e-5)


def test_the_most_alike_are_found_and_nobody_finds_himself():
    rows = unit_rows(stream(0, "test", "best").standard_normal((40, 5))).astype(np.float32)
    places, likeness = best_of(rows[30:], rows, 3, first=30)
    products = rows[30:] @ rows.T
    products[np.arange(10), np.arange(30, 40)] = -np.inf
    np.testing.assert_array_equal(places, np.argsort(-products, axis=1)[:, :3])
    assert likeness == pytest.approx(-np.sort(-products, axis=1)[:, :3], abs=1e-6)
