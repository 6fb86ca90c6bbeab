"""Random numbers as a pure function of (seed, epoch, index): no state, so no order to keep.

The mixing is SplitMix64's finaliser (Steele, Lea & Flood 2014), applied once to each word.
"""

import numpy as np

from tastemap.kernels.jit import serial

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX2 = np.uint64(0x94D049BB133111EB)
_S30, _S27, _S31, _S32, _S40 = (np.uint64(shift) for shift in (30, 27, 31, 32, 40))


@serial
def mixed(word):  # type: ignore[no-untyped-def]
    """Scramble 64 bits so that each output bit depends on every input bit."""
    word = (word ^ (word >> _S30)) * _MIX1
    word = (word ^ (word >> _S27)) * _MIX2
    return word ^ (word >> _S31)


@serial
def random_word(key, index):  # type: ignore[no-untyped-def]
    """64 random bits: number `index` of the stream called `key` (both uint64)."""
    return mixed(key + (index + np.uint64(1)) * _GOLDEN)


@serial
def stream_key(seed, epoch):  # type: ignore[no-untyped-def]
    """The key of the stream of one epoch of one seed."""
    return mixed(mixed(np.uint64(seed) + _GOLDEN) + np.uint64(epoch) * _GOLDEN)


@serial
def below(word, n):  # type: ignore[no-untyped-def]
    """A whole number from 0 to n - 1 from the high half of a random word; n < 2^32.

    Multiply and shift (Lemire 2019) instead of a remainder: no division, and for n items the
    bias is at most n / 2^32.
    """
    return np.int64(((word >> _S32) * np.uint64(n)) >> _S32)


@serial
def unit(word):  # type: ignore[no-untyped-def]
    """A number in [0, 1) from the 24 highest bits of a random word."""
    return np.float32(np.int64(word >> _S40)) * np.float32(1.0 / (1 << 24))


@serial
def unit_scores(seed, users, n_items):  # type: ignore[no-untyped-def]
    """A random score in [0, 1) for each (user, item): float32 (users, items)."""
    out = np.empty((len(users), n_items), dtype=np.float32)
    for r in range(len(users)):
        key = stream_key(seed, users[r] + 1)
        for i in range(n_items):
            out[r, i] = unit(random_word(key, np.uint64(i)))
    return out
