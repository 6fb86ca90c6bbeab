"""The ALS kernels against dense float64 algebra on ragged rows; the same bits for any threads."""

import os
import subprocess
import sys

import numpy as np
import pytest

from reference import als_system, conjugate_gradient
from tastemap.kernels.als import PARTS, ROOM, STRIP, Side, gram, solve_cg, turn
from tastemap.kernels.als_cholesky import STRIP as EXACT_STRIP
from tastemap.kernels.als_cholesky import solve_cholesky

COLUMNS = 30


def ragged(strip):
    """Numbers of events; of the long rows some end with a strip."""
    return [0, 1, 2, 5, 0, 7, 40, 3, 4, strip, strip + 1, 2 * strip + 3, 1]


WEIGHTS = {"hu": (3.0, 1.0, 1.0), "ials": (1.0, 0.0, 0.1)}


def systems(counts, factors, weighted, columns=COLUMNS):
    rng = np.random.default_rng(factors)
    starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    n = int(starts[-1])
    side = Side(
        starts=starts,
        items=rng.integers(0, columns, n).astype(np.int32),
        weights=rng.integers(0, 4, n if weighted else 0).astype(np.float32),
        order=np.argsort(-np.array(counts), kind="stable"),
        reg=(0.5 + rng.random(len(counts))).astype(np.float32),
    )
    fixed = rng.normal(size=(columns, factors)).astype(np.float32)
    rows = rng.normal(size=(len(counts), factors)).astype(np.float32)
    return side, fixed, rows


def row_of(side, u):
    own = slice(side.starts[u], side.starts[u + 1])
    n = own.stop - own.start
    return side.items[own], side.weights[own] if len(side.weights) else np.ones(n)


@pytest.mark.parametrize("factors", [1, 3, 8, 17, 50])
@pytest.mark.parametrize("weighted", [False, True], ids=["alike", "weighted"])
@pytest.mark.parametrize("weights", WEIGHTS.values(), ids=WEIGHTS)
def test_cholesky_gives_the_dense_solution_of_every_row(factors, weighted, weights):
    side, fixed, rows = systems(ragged(EXACT_STRIP), factors, weighted, columns=6 * factors)
    before = fixed.copy()
    solve_cholesky(side, weights, fixed, rows)
    np.testing.assert_array_equal(fixed, before)
    for u in range(len(rows)):
        a, b, _ = als_system(fixed, *row_of(side, u), weights, float(side.reg[u]))
        np.testing.assert_allclose(rows[u], np.linalg.solve(a, b), atol=2e-4)


@pytest.mark.parametrize(
    ("factors", "strip"), [(1, STRIP), (3, STRIP), (8, STRIP), (17, STRIP), (128, ROOM // 128)]
)
@pytest.mark.parametrize("weighted", [False, True], ids=["alike", "weighted"])
@pytest.mark.parametrize("weights", WEIGHTS.values(), ids=WEIGHTS)
def test_two_steps_are_those_of_the_textbook_and_axes_do_not_matter(
    factors, strip, weighted, weights
):
    side, fixed, rows = systems(ragged(strip), factors, weighted)
    fixed_before, rows_before = fixed.copy(), rows.copy()
    solve_cg(side, weights, fixed, rows, 2)
    for u in range(len(rows)):
        items, event_weights = row_of(side, u)
        if len(items) == 0:
            assert (rows[u] == 0).all()
            continue
        system = als_system(fixed_before, items, event_weights, weights, float(side.reg[u]))
        expected = conjugate_gradient(*system, rows_before[u], min(2, factors))
        np.testing.assert_allclose(fixed @ rows[u], fixed_before @ expected, atol=2e-3)


@pytest.mark.parametrize("solve", [lambda *a: solve_cg(*a, 2), solve_cholesky], ids=["cg", "chol"])
@pytest.mark.parametrize("counts", [[0] * 5, [0] * (PARTS + 3), [4]], ids=["none", "many", "one"])
def test_empty_rows_are_zero_and_one_item_is_enough(solve, counts):
    side, fixed, rows = systems(counts, factors=3, weighted=False, columns=1)
    solve(side, WEIGHTS["hu"], fixed, rows)
    assert np.isfinite(rows).all()
    assert (rows.any(axis=1) == (np.array(counts) > 0)).all()


def test_gram_and_turn_are_plain_products():
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(5000, 40)).astype(np.float32)
    axes = np.linalg.qr(rng.normal(size=(40, 40)))[0].astype(np.float32)
    exact = vectors.astype(np.float64)
    np.testing.assert_allclose(gram(vectors), exact.T @ exact, atol=0.05)
    turn(vectors, axes)
    np.testing.assert_allclose(vectors, exact @ axes, atol=1e-5)


PRINT_BITS = """
import hashlib, sys
import numpy as np
from tastemap.kernels.workers import threads
sys.path.insert(0, sys.argv[1])
from test_als import STRIP, WEIGHTS, solve_cg, solve_cholesky, systems
counts = np.random.default_rng(5).integers(0, 60, 3000).tolist() + [STRIP + 5]
for n in (1, 2, 8):
    digest = hashlib.sha256()
    for solve in (lambda *a: solve_cg(*a, 2), solve_cholesky):
        side, fixed, rows = systems(counts, factors=17, weighted=False, columns=2000)
        with threads(n):
            solve(side, WEIGHTS["ials"], fixed, rows)
        digest.update(fixed.tobytes() + rows.tobytes())
    print(digest.hexdigest())
"""


def test_1_2_and_8_threads_give_the_same_bits():
    here = os.path.dirname(__file__)
    path = os.pathsep.join([os.path.dirname(here), *filter(None, [os.environ.get("PYTHONPATH")])])
    run = subprocess.run(
        [sys.executable, "-c", PRINT_BITS, here],
        env=os.environ | {"NUMBA_NUM_THREADS": "8", "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    bits = run.stdout.split()
    assert len(bits) == 3
    assert len(set(bits)) == 1
