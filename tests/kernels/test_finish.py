"""What follows a product of matrices, against the same operations of NumPy one after another."""

import numpy as np
import pytest

from reference import stream_bytes
from tastemap.kernels.counter import stream_key
from tastemap.kernels.finish import finished, finished_slopes

KEY = np.uint64(stream_key(5, 2))
SHAPES = [(0, 3), (1, 1), (7, 5), (8, 16), (9, 64), (40, 33)]
WAYS = [
    (relu, level, added) for relu in (False, True) for level in (0, 77) for added in (False, True)
]


def drawn(n, width, level):
    rng = np.random.default_rng(n)
    values, bias, onto, slopes = (
        rng.normal(size=size).astype(np.float32)
        for size in ((n, width), width, (n, width), (n, width))
    )
    stay = (stream_bytes(5, 2, n * width) >= level).reshape(n, width)
    return values, bias, onto, slopes, stay * np.float32(256 / (256 - level))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("relu", "level", "added"), WAYS)
def test_bias_relu_dropout_and_residual_come_in_that_order(shape, relu, level, added):
    values, bias, onto, _, factor = drawn(*shape, level)
    shifted = values + bias
    expected = (np.maximum(shifted, 0) if relu else shifted) * factor + (onto if added else 0)
    onto = onto if added else onto[:0]
    finished(values, bias, relu, KEY, np.uint8(level), onto)
    np.testing.assert_allclose(values, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("relu", "level"), [(False, 77), (True, 0), (True, 77)])
def test_slopes_pass_where_numbers_passed(shape, relu, level):
    values, bias, onto, slopes, factor = drawn(*shape, level)
    passed = slopes * factor * ((values + bias > 0) if relu else 1)
    finished(values, bias, relu, KEY, np.uint8(level), onto[:0])
    found, of_bias = np.full_like(slopes, np.nan), np.zeros_like(bias)
    kept = values if relu else values[:0]
    finished_slopes(slopes, kept, KEY, np.uint8(level), found, of_bias)
    np.testing.assert_allclose(found, passed, rtol=1e-6)
    np.testing.assert_allclose(of_bias, passed.sum(axis=0), rtol=1e-4, atol=1e-5)


def test_what_is_no_number_stays_so():
    values = np.array([[np.nan, -1]], dtype=np.float32)
    nothing = np.zeros(2, dtype=np.float32), np.zeros((0, 2), dtype=np.float32)
    finished(values, nothing[0], True, KEY, np.uint8(0), nothing[1])
    assert np.isnan(values[0, 0])
    assert values[0, 1] == 0
