"""Attention and its gradient, against place-by-place attention in double precision."""

import numpy as np
import pytest

from reference import attention
from tastemap.kernels.attention import attended, attended_slopes

SHAPES = [  # rows, length, d, heads, distances of the bias
    (1, 1, 1, 1, 0),
    (2, 1, 4, 2, 3),
    (3, 7, 6, 2, 0),
    (2, 16, 32, 2, 16),
    (2, 17, 20, 1, 20),
    (1, 50, 34, 2, 50),
]


def drawn(rows, length, d, heads, distances, spread=1.0):
    rng = np.random.default_rng(length)
    inputs = (spread * rng.normal(size=(rows, length, 3 * d))).astype(np.float32)
    starts = rng.integers(length, size=rows)
    starts[0] = 0
    shift = rng.normal(size=3 * d).astype(np.float32)
    return inputs, shift, starts, rng.normal(size=(heads, distances)).astype(np.float32)


def mixed(inputs, shift, starts, bias):
    out = np.full((*inputs.shape[:2], inputs.shape[2] // 3), np.nan, dtype=np.float32)
    attended(inputs, shift, starts, bias, len(bias), out)
    return out


@pytest.mark.parametrize("shape", SHAPES)
def test_each_place_takes_the_softmax_of_those_before_it(shape):
    inputs, shift, starts, bias = drawn(*shape)
    expected = attention(inputs.astype(np.float64) + shift, starts, bias, len(bias))
    np.testing.assert_allclose(mixed(inputs, shift, starts, bias), expected, rtol=1e-5, atol=2e-6)


def test_scores_far_apart_leave_one_weight_of_1_and_nothing_that_is_not_finite():
    inputs, shift, starts, bias = drawn(2, 20, 32, 1, 0, spread=60.0)
    expected = attention(inputs.astype(np.float64) + shift, starts, bias, 1)
    np.testing.assert_allclose(mixed(inputs, shift, starts, bias), expected, rtol=1e-4, atol=0.02)
    slopes = np.ones((2, 20, 32), dtype=np.float32)
    found, zeros = np.empty_like(inputs), (np.zeros_like(shift), np.zeros_like(bias))
    attended_slopes(inputs, shift, starts, bias, 1, slopes, found, *zeros)
    assert np.isfinite(found).all()


@pytest.mark.parametrize("shape", SHAPES[:5])
def test_slopes_are_those_of_finite_differences(shape):
    inputs, shift, starts, bias = drawn(*shape)
    slopes = np.random.default_rng(1).normal(size=mixed(inputs, shift, starts, bias).shape)
    found = np.full_like(inputs, np.nan), np.zeros_like(shift), np.zeros_like(bias)
    given = slopes.astype(np.float32)
    attended_slopes(inputs, shift, starts, bias, len(bias), given, *found)

    def total(of_inputs, of_shift, of_bias):
        moved = inputs.astype(np.float64) + of_inputs + shift + of_shift, starts, bias + of_bias
        return (slopes * attention(*moved, len(bias))).sum()

    rng = np.random.default_rng(2)
    for _ in range(8):  # along a drawn direction, of all numbers at once
        ways = [rng.normal(size=slope.shape) for slope in found]
        step = 1e-6
        ahead = total(*(step * way for way in ways))
        back = total(*(-step * way for way in ways))
        along = sum((slope * way).sum() for slope, way in zip(found, ways, strict=True))
        assert along == pytest.approx((ahead - back) / (2 * step), rel=1e-4, abs=1e-3)


def test_padding_and_other_rows_change_no_bit():
    inputs, shift, _, bias = drawn(3, 21, 32, 2, 21)
    whole = mixed(inputs, shift, np.zeros(3, dtype=np.int64), bias)
    alone = mixed(inputs[1:2].copy(), shift, np.zeros(1, dtype=np.int64), bias)
    assert alone.tobytes() == whole[1:2].tobytes()
    later = inputs.copy()
    later[:, 15:] = 9  # what comes later
    found = mixed(later, shift, np.zeros(3, dtype=np.int64), bias)
    assert found[:, :15].tobytes() == whole[:, :15].tobytes()
    padded = np.concatenate([np.ones((3, 4, 96), dtype=np.float32), inputs], axis=1)
    wider = np.concatenate([bias, np.zeros((2, 4), dtype=np.float32)], axis=1)
    found = mixed(padded, shift, np.full(3, 4), wider)[:, 4:]
    np.testing.assert_allclose(found, whole, rtol=1e-5, atol=1e-6)
