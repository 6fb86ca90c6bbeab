"""Dropout's kernel against its bytes drawn in Python's whole numbers."""

import numpy as np
import pytest

from reference import stream_bytes
from tastemap.kernels.counter import stream_key
from tastemap.kernels.dropout import dropped


@pytest.mark.parametrize("n", [0, 1, 7, 511, 512, 513, 2000])
@pytest.mark.parametrize("level", [0, 51, 255])
def test_bytes_below_the_level_are_dropped_and_the_others_scaled(n, level):
    values = np.random.default_rng(n).normal(size=n).astype(np.float32)
    out = np.full(n, 7, dtype=np.float32)
    dropped(values, np.uint64(stream_key(3, 1)), np.uint8(level), out)
    scale = np.float32(256 / (256 - level))
    expected = np.where(stream_bytes(3, 1, n) >= level, scale * values, np.float32(0))
    assert np.array_equal(out, expected)
