"""The forces of t-SNE against a slow twin, openTSNE's exact tree, and Newton's third law."""

import numpy as np
import pytest
from numba import float32, float64, int64, njit
from openTSNE.tsne import kl_divergence_bh
from scipy.sparse import csr_array

import tastemap as tm
from reference import tsne_forces
from tastemap.kernels import jit
from tastemap.kernels.repulsion import CHUNK, _push, forces


def case(n, seed=0):
    rng = np.random.default_rng(seed)
    xy = 3 * rng.normal(size=(n, 2))
    dense = np.where(rng.random((n, n)) < 0.3, rng.random((n, n)), 0)
    np.fill_diagonal(dense, 0)
    affinity = csr_array(dense + dense.T)
    affinity.data /= affinity.data.sum()
    return xy, affinity


def of(xy, affinity):
    return forces(xy, affinity.indptr, affinity.indices, affinity.data)


@pytest.mark.parametrize("n", [2, 9, 60])
def test_forces_are_those_of_the_slow_twin(n):
    xy, affinity = case(n)
    gradient, z = of(xy, affinity)
    expected, total = tsne_forces(xy.tolist(), affinity.toarray().tolist())
    assert z == pytest.approx(total, rel=1e-6)
    np.testing.assert_allclose(gradient, expected, atol=1e-6 * np.abs(expected).max())


def test_forces_are_those_of_openTSNE_without_approximation():
    xy, affinity = case(CHUNK + 77, seed=1)
    error, expected = kl_divergence_bh(xy, affinity, dof=1, bh_params={"theta": 0.0})
    assert error == 0
    gradient, _ = of(xy, affinity)
    np.testing.assert_allclose(gradient, expected, atol=1e-5 * np.abs(expected).max())


def test_forces_add_up_to_nothing():
    gradient, _ = of(*case(200))
    assert np.abs(gradient.sum(axis=0)).max() < 1e-6 * np.abs(gradient).sum()


def test_threads_change_no_bit():
    xy, affinity = case(1500)
    with tm.threads(1):
        alone, z = of(xy, affinity)
    together, other = of(xy, affinity)
    assert z == other
    assert np.array_equal(alone, together)


def test_items_far_apart_do_not_divide_by_nothing():
    xy = np.array([[0.0, 0.0], [1e30, 0.0]])
    nothing = np.zeros(3, np.int32), np.empty(0, np.int32), np.empty(0)
    gradient, z = forces(xy, *nothing)
    assert np.isfinite(gradient).all()
    assert z >= 0


def test_numbers_that_lie_side_by_side_are_read_so():
    # Looked up one by one ("gather") a pair took 3.5 times as long; only the machine code tells.
    row, pairs = float32[::1], float64[:, ::1]
    fresh = njit(**jit._OPTIONS, fastmath=jit._FLAGS)(_push.py_func)
    fresh.compile((row, row, int64, int64, pairs, float64[::1]))
    (code,) = fresh.inspect_asm().values()
    assert "_push" in code
    assert "gather" not in code
