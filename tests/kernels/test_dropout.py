"""Dropout's kernel against its words drawn in Python's whole numbers, one byte an element."""

import numpy as np
import pytest

from reference import random_word
from tastemap.kernels.counter import stream_key
from tastemap.kernels.dropout import dropped


def drawn(seed, epoch, n):
    """The first `n` bytes of the stream."""
    words = (random_word(seed, epoch, index) for index in range(-(-n // 8)))
    return np.array([byte for word in words for byte in word.to_bytes(8, "little")][:n])


@pytest.mark.parametrize("n", [0, 1, 7, 511, 512, 513, 2000])
@pytest.mark.parametrize("level", [0, 51, 255])
def test_bytes_below_the_level_are_dropped_and_the_others_scaled(n, level):
    values = np.random.default_rng(n).normal(size=n).astype(np.float32)
    out = np.full(n, 7, dtype=np.float32)
    dropped(values, stream_key(3, 1), np.uint8(level), np.float32(1.25), out)
    expected = np.where(drawn(3, 1, n) >= level, np.float32(1.25) * values, np.float32(0))
    assert np.array_equal(out, expected)
