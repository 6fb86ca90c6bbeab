"""Sums against those of math.fsum, which rounds once."""

import math

import numpy as np
import pytest

from tastemap.kernels.sums import total


@pytest.mark.parametrize("scale", [1.0, 1e-9, 1e12])
@pytest.mark.parametrize("n", [1, 2, 100, 5_000])
def test_totals_are_those_of_exact_addition_in_any_order(scale, n):
    rng = np.random.default_rng(n)
    values = scale * rng.random(n) * rng.choice([-1, 1, 1e-6], n)
    assert total(values) == (math.fsum(values), n)
    assert total(rng.permutation(values)) == total(values)
    squares = [(value - 0.3 * scale) ** 2 for value in values.tolist()]
    assert total(values, 0.3 * scale) == (math.fsum(squares), n)


@pytest.mark.parametrize("scale", [1e-300, 1e300])
def test_numbers_of_any_size_are_added(scale):
    values = scale * np.array([1.0, -0.25, np.nan, 3.0])
    assert total(values) == (math.fsum(values[[0, 1, 3]]), 3)


def test_undefined_values_are_left_out():
    values = np.array([np.nan, 2.0, np.nan, 5.0])
    assert total(values) == (7.0, 2)
    assert total(values, 1.0) == (1.0 + 16.0, 2)
    assert total(np.full(3, np.nan)) == total(np.empty(0)) == (0.0, 0)
    assert total(np.zeros(3)) == (0.0, 3)


def test_an_infinite_value_makes_the_total_infinite():
    assert total(np.array([1.0, np.inf, np.nan])) == (np.inf, 2)


def test_values_that_may_not_be_written_to_will_do():
    values = np.array([1.0, 2.0])
    values.setflags(write=False)
    assert total(values[::-1]) == (3.0, 2)
