"""Four vectors at a time, against NumPy with double precision."""

import numpy as np
import pytest
from numba import njit

from tastemap.kernels.four import add_four, four_dots


@njit
def both(vectors, first, p, out):
    """What is under test is for compiled callers."""
    a, b, c, h = four_dots(vectors, first, p)
    add_four(vectors, first, (a, b, c, h), out)
    return a, b, c, h


@pytest.mark.parametrize("width", [16, 32, 80, 256])
@pytest.mark.parametrize("first", [0, 1, 3])
def test_four_products_and_their_weighted_sum(width, first):
    rng = np.random.default_rng(width + first)
    vectors = rng.standard_normal((7, width)).astype(np.float32)
    p, out = rng.standard_normal((2, width)).astype(np.float32)
    four = vectors[first : first + 4].astype(np.float64)
    expected = out + four.T @ (four @ p)
    found = both(vectors, first, p, out)
    np.testing.assert_allclose(found, four @ p, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(out, expected, rtol=1e-4, atol=1e-3)
