"""Sums of y y' against NumPy in float64, on every number of panels and strips."""

import numpy as np
import pytest

from tastemap.kernels.symmetric import COLUMNS, NEAR, add_products, whole_panels


@pytest.mark.parametrize("width", [16, 32, 80, 128])
@pytest.mark.parametrize("n", [1, 2, 7, NEAR // 128, NEAR // 128 + 1, 700])
@pytest.mark.parametrize("into_itself", [False, True], ids=["elsewhere", "into itself"])
def test_the_upper_triangle_is_start_plus_the_scaled_sum(width, n, into_itself):
    rng = np.random.default_rng(n)
    vectors = rng.normal(size=(n, width)).astype(np.float32)
    start = rng.normal(size=(width, width)).astype(np.float32)
    exact = vectors.astype(np.float64)
    expected = np.triu(start + 2.5 * exact.T @ exact)
    out = start if into_itself else np.full_like(start, np.nan)
    add_products(np.float32(2.5), vectors, start, out)
    np.testing.assert_allclose(np.triu(out), expected, atol=1e-4 * n**0.5)


def test_a_block_of_rows_of_a_larger_table_is_read_alone():
    table = np.full((9, 16), np.nan, dtype=np.float32)
    table[2:5] = 1
    out = np.empty((16, 16), dtype=np.float32)
    add_products(np.float32(1), table[2:5], np.zeros_like(out), out)
    assert (np.triu(out) == np.triu(np.full((16, 16), 3))).all()


@pytest.mark.parametrize("factors", [1, 15, 16, 17, 64, 100])
def test_panels_hold_all_factors_and_no_panel_is_empty(factors):
    assert whole_panels(factors) % COLUMNS == 0
    assert 0 <= whole_panels(factors) - factors < COLUMNS
