"""Scores of listed items and their slopes, against NumPy with double precision."""

import numpy as np
import pytest

from tastemap.kernels.listed import listed_scores, listed_slopes


@pytest.mark.parametrize(("rows", "wide", "d"), [(0, 2, 8), (1, 1, 1), (5, 2, 64), (40, 9, 33)])
def test_scores_and_slopes(rows, wide, d):
    rng = np.random.default_rng(rows)
    states = rng.normal(size=(rows, d)).astype(np.float32)
    vectors = rng.normal(size=(7, d)).astype(np.float32)
    lists = rng.integers(7, size=(rows, wide))  # items occur more than once
    slopes = rng.normal(size=(rows, wide)).astype(np.float32)
    scores = np.empty((rows, wide), dtype=np.float32)
    listed_scores(states, vectors, lists, scores)
    one = np.eye(7)[lists]  # (rows, wide, 7)
    expected = np.einsum("rd,rkd->rk", states.astype(np.float64), one @ vectors)
    np.testing.assert_allclose(scores, expected, rtol=1e-5, atol=1e-5)

    to_states, to_vectors = np.ones_like(states), np.ones_like(vectors)
    listed_slopes(slopes, states, vectors, lists, to_states, to_vectors)
    of_states = 1 + np.einsum("rk,rkd->rd", slopes, one @ vectors)
    np.testing.assert_allclose(to_states, of_states, rtol=1e-5, atol=1e-4)
    of_vectors = 1 + np.einsum("rk,rki,rd->id", slopes, one, states)
    np.testing.assert_allclose(to_vectors, of_vectors, rtol=1e-5, atol=1e-4)
