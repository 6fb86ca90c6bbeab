import os
import subprocess
import sys

import numpy as np
import pytest

from tastemap.kernels.jit import threads
from tastemap.kernels.product import ALONE, CHUNK, panels, product
from tastemap.kernels.tile import COLUMNS, ROWS


def vectors(rng, n, d):
    return rng.normal(size=(n, d)).astype(np.float32)


def case(n, items, d, seed=0):
    rng = np.random.default_rng(seed)
    return vectors(rng, n, d), vectors(rng, items, d), vectors(rng, 1, items)[0]


def bits(scores):
    return scores.view(np.int32)


@pytest.mark.parametrize("d", [0, 1, 7, 8, 13, 64])
@pytest.mark.parametrize("n", [1, ROWS - 1, ROWS, 2 * ROWS + 1])
@pytest.mark.parametrize("items", [1, COLUMNS - 1, COLUMNS, COLUMNS + 1, CHUNK * COLUMNS + 5])
def test_product_is_that_of_float64_within_the_rounding_of_float32(n, items, d):
    x, y, bias = case(n, items, d, seed=n * items + d)
    found = product(x, panels(y, bias), items)
    wide_x, wide_y = x.astype(np.float64), y.astype(np.float64)
    exact = wide_x @ wide_y.T + bias
    size = np.abs(wide_x) @ np.abs(wide_y).T + np.abs(bias)
    assert found.shape == (n, items)
    assert found.dtype == np.float32
    # Higham, Accuracy and Stability, 3.5: d + 1 roundings, each of half a unit in the last place.
    assert (np.abs(found - exact) <= (d + 1) * 2.0**-24 * size).all()


def test_without_a_bias_it_is_the_inner_product():
    x, y = np.float32([[1, 2], [3, 4]]), np.float32([[5, 6], [7, 8], [0, -1]])
    assert product(x, panels(y), 3).tolist() == [[17, 23, -2], [39, 53, -4]]


def test_sums_are_taken_factor_by_factor_from_the_bias_on():
    # 2^24 + 1 is no float32: each 1 is lost if it is added to 2^24 alone, kept if they meet first.
    ones = np.ones((1, 3), np.float32)
    big_first, big_last = np.float32([[2**24, 1, 1]]), np.float32([[1, 1, 2**24]])
    assert product(ones, panels(big_first), 1).tolist() == [[2**24]]
    assert product(ones, panels(big_last), 1).tolist() == [[2**24 + 2]]
    bias = np.float32([2**24])
    assert product(ones, panels(np.float32([[1, 1, 1]]), bias), 1).tolist() == [[2**24]]


def test_a_score_has_the_same_bits_whoever_else_is_scored_beside_it():
    x, y, bias = case(29, 1000, 37)
    laid = panels(y, bias)
    whole = product(x, laid, 1000)
    for height in (1, 2, 5, 6, 7, 13):
        some = [product(x[r : r + height], laid, 1000) for r in range(0, len(x), height)]
        np.testing.assert_array_equal(bits(np.concatenate(some)), bits(whole))
    fewer = product(x, panels(y[500:], bias[500:]), 500)  # other places in other panels
    np.testing.assert_array_equal(bits(fewer), bits(whole[:, 500:]))


def test_a_score_has_the_same_bits_with_one_thread_and_with_two():
    x, y, bias = case(97, 3 * CHUNK * COLUMNS + 9, 101)
    assert x.size * len(y) > ALONE  # or it is not shared out at all
    laid = panels(y, bias)
    with threads(1):
        one = product(x, laid, len(y))
    with threads(2):
        two = product(x, laid, len(y))
    np.testing.assert_array_equal(bits(one), bits(two))
    alone = product(x[40:41], laid, len(y))
    np.testing.assert_array_equal(bits(alone), bits(two[40:41]))


def test_users_of_any_layout_will_do_and_are_left_as_they_were():
    x, y, bias = case(14, 40, 9)
    laid = panels(y, bias)
    expected = product(x, laid, 40)
    fixed = x.copy()
    fixed.setflags(write=False)
    for users in (np.asfortranarray(x), np.repeat(x, 2, axis=0)[::2], fixed):
        np.testing.assert_array_equal(bits(product(users, laid, 40)), bits(expected))
    np.testing.assert_array_equal(fixed, x)


def test_no_users_and_no_items_give_empty_scores():
    x, y, bias = case(4, 20, 3)
    assert product(x[:0], panels(y, bias), 20).shape == (0, 20)
    assert product(x, panels(y[:0], bias[:0]), 0).shape == (4, 0)


NARROW = """
import sys
from llvmlite import binding
if sys.argv[1] == "narrow":  # the compiler takes it for such a machine, too
    own = binding.get_host_cpu_features()
    own.update({name: False for name in own if name.startswith(("avx512", "avx10"))})
    binding.get_host_cpu_features = lambda: own
import hashlib
import numpy as np
from tastemap.kernels import attention, product, symmetric, tile
random = np.random.default_rng(0)
users, items, bias = (random.normal(size=n).astype(np.float32) for n in ((31, 13), (999, 13), 999))
scores = product.product(users, product.panels(items, bias), 999)
out = np.zeros((48, 48), dtype=np.float32)
vectors = random.normal(size=(333, 48)).astype(np.float32)
symmetric.add_products(np.float32(0.3), vectors, out.copy(), out)
inputs, starts = random.normal(size=(2, 37, 96)).astype(np.float32), np.array([0, 5])
mixed, bias = np.empty((2, 37, 32), dtype=np.float32), random.normal(size=(1, 37))
shift = random.normal(size=96).astype(np.float32)
attention.attended(inputs, shift, starts, bias.astype(np.float32), 1, mixed)
found = scores.tobytes() + np.triu(out).tobytes() + mixed.tobytes()
print(tile.LANES, hashlib.sha256(found).hexdigest())
"""


def test_wide_and_narrow_vector_registers_give_the_same_bits(tmp_path):
    found = {}
    for width in ("narrow", "own"):
        env = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / width)}
        command = [sys.executable, "-c", NARROW, width]
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
        found[width] = done.stdout.split()
    assert found["narrow"][0] == "8"
    assert found["narrow"][1] == found["own"][1]
