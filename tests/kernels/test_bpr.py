"""One epoch of BPR against an interpreted twin on ragged logs, and the same bits on any threads."""

import os
import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
from scipy.sparse import csr_array

from reference import bpr_epoch_by_hand
from tastemap import threads
from tastemap.kernels.bpr import doubt
from tastemap.kernels.counter import stream_key
from tastemap.kernels.rows import contains, last_at_most
from tastemap.models.bpr import Blocks

RATES = (0.1, 0.01, 0.02, 0.03)

SHAPES = {
    "empty rows": ([0, 5, 0, 0, 9, 1, 0, 3, 0], 20, 4, 3),
    "no events at all": ([0, 0, 0], 20, 4, 2),
    "one item": ([1, 0, 1], 1, 4, 1),
    "one user": ([12], 40, 4, 1),
    "somebody with nearly everything": ([60, 2, 2, 61, 1], 62, 4, 3),
    "somebody with everything": ([30, 4, 4], 30, 4, 2),
    "one factor": ([6] * 10, 40, 1, 2),
    "13 factors": ([6] * 10, 40, 13, 2),
    "67 factors": ([6] * 10, 40, 67, 2),
    "one block": ([5] * 12, 30, 8, 1),
    "blocks of one item": ([5] * 12, 30, 8, 30),
    "more blocks than items": ([4] * 30, 12, 8, 25),
    "more blocks than users": ([4] * 3, 40, 8, 9),
}


def ragged(lengths, n_items, factors, n_blocks):
    """A random log with rows of these lengths, its blocks, and vectors to start from."""
    rng = np.random.default_rng(len(lengths) * n_items + factors)
    rows = [np.sort(rng.choice(n_items, size=n, replace=False)) for n in lengths]
    items = np.concatenate(rows).astype(np.int32)
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    matrix = csr_array((np.ones(len(items), np.float32), items, starts), shape=(len(rows), n_items))
    x = rng.normal(size=(len(rows), factors)).astype(np.float32)
    y = rng.normal(size=(n_items, factors)).astype(np.float32)
    b = rng.normal(size=n_items).astype(np.float32)
    return Blocks.cut(matrix, n_blocks), rng.permutation(n_items), (x, y, b)


def epoch(blocks, order, weights, start, hardest_of=1, number=2):
    """What one epoch makes of `start`: (users, items, bias) and the two counts."""
    learned = tuple(array.copy() for array in start)
    given = np.empty(0) if weights is None else weights
    key = np.uint64(stream_key(9, number))
    return learned, blocks.epoch(order, given, learned, RATES, hardest_of, key)


@pytest.mark.parametrize("hardest_of", [1, 4])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_an_epoch_equals_the_interpreted_twin(shape, weighted, hardest_of):
    blocks, order, start = ragged(*shape)
    weights = np.random.default_rng(5).random(len(order)) if weighted else None
    learned, counted = epoch(blocks, order, weights, start, hardest_of)
    twin = [array.astype(np.float64) for array in start]
    by_hand = bpr_epoch_by_hand(blocks, order, weights, *twin, RATES, hardest_of, seed=9, epoch=2)
    assert counted == by_hand
    for fast, slow in zip(learned, twin, strict=True):
        np.testing.assert_allclose(fast, slow, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("hardest_of", [1, 4])
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_one_and_two_threads_give_the_same_bits(shape, hardest_of):
    blocks, order, start = ragged(*shape)
    results = []
    for n in (1, 2):
        with threads(n):
            results.append(epoch(blocks, order, None, start, hardest_of))
    (one, counted), (two, counted_too) = results
    assert counted == counted_too
    for first, second in zip(one, two, strict=True):
        np.testing.assert_array_equal(first, second)


def told(program, **settings):
    """What a Python program says."""
    return subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | settings,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    ).stdout


FINGERPRINT = """
import hashlib
import numba
from tastemap import BPR, synthetic
log = synthetic.demo_world()[:20_000]
model = BPR(factors=10, epochs=3, hardest_of=%d).fit(log, seed=4)
arrays = (model.user_vectors, model.item_vectors, model.item_bias)
print(numba.get_num_threads(), hashlib.sha256(b"".join(a.tobytes() for a in arrays)).hexdigest())
"""


@pytest.mark.parametrize("hardest_of", [1, 3])
def test_eight_threads_learn_the_same_bits_as_one(hardest_of):
    found = [told(FINGERPRINT % hardest_of, NUMBA_NUM_THREADS=str(n)).split() for n in (1, 8)]
    assert [int(n) for n, _ in found] == [1, 8]
    assert found[0][1] == found[1][1]


def test_another_epoch_draws_other_items():
    blocks, order, start = ragged([6] * 10, 40, 4, 2)
    one, _ = epoch(blocks, order, None, start, number=1)
    two, _ = epoch(blocks, order, None, start, number=2)
    assert not np.array_equal(one[1], two[1])


@pytest.mark.parametrize("n_blocks", [1, 3])
def test_an_epoch_visits_every_event_once(n_blocks):
    blocks, order, start = ragged([0, 7, 3, 11, 1], 24, 4, n_blocks)
    epoch(blocks, order, None, start)
    pools = [order[a:z] for a, z in pairwise(blocks.item_bounds)]
    places, seen = iter(blocks.places.tolist()), []
    for first, last in pairwise(blocks.bounds):
        for pool, counts in zip(pools, blocks.counts[:, first:last], strict=True):
            for user, n in enumerate(counts.tolist(), start=int(first)):
                seen += [(user, pool[next(places)]) for _ in range(n)]
    truth = [(u, i) for u, (a, z) in enumerate(pairwise(blocks.starts)) for i in blocks.items[a:z]]
    assert sorted(seen) == sorted(truth)


BROKEN = """
import numpy as np
import tastemap.kernels.bpr as kernel
from tastemap import BPR, synthetic

def broken(number, *rest):
    raise RuntimeError(f"round {number}")

kernel._round = broken
try:
    BPR(factors=4, epochs=1).fit(synthetic.demo_world()[:5_000])
except RuntimeError as error:
    print(error)
"""


def test_an_error_in_a_round_reaches_the_caller_and_nobody_waits_for_ever():
    assert told(BROKEN, NUMBA_NUM_THREADS="4") == "round 0\n"


FORKED = """
import os
from tastemap import BPR, synthetic
log = synthetic.demo_world()[:5_000]
recipe = BPR(factors=4, epochs=2)
mine = recipe.fit(log, seed=4).user_vectors.tobytes()
child = os.fork()
if child == 0:
    os._exit(0 if recipe.fit(log, seed=4).user_vectors.tobytes() == mine else 1)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_a_forked_process_fits_as_its_parent_did():
    assert told(FORKED, NUMBA_NUM_THREADS="2") == "0\n"


def test_doubt_is_the_falling_sigmoid():
    margins = np.linspace(-15.9, 15.9, 5001).astype(np.float32)
    exact = 1 / (1 + np.exp(margins.astype(np.float64)))
    np.testing.assert_allclose([doubt(m) for m in margins], exact, atol=1e-6)


@pytest.mark.parametrize(
    ("margin", "expected"),
    [(0, 0.5), (16, 0), (40, 0), (np.inf, 0), (-16, 1), (-1e30, 1), (-np.inf, 1), (np.nan, 1)],
)
def test_doubt_stays_in_its_table_whatever_the_margin(margin, expected):
    assert doubt(np.float32(margin)) == pytest.approx(expected, abs=1e-6)


def test_last_at_most_is_searchsorted():
    values = np.sort(np.random.default_rng(0).integers(0, 30, size=40)).astype(np.float64)
    for wanted in np.linspace(0, 31, 100):
        expected = max(np.searchsorted(values, wanted, side="right") - 1, 0)
        assert last_at_most(values, wanted) == expected


def test_contains_finds_what_is_in_the_part_and_nothing_else():
    values = np.array([9, 1, 3, 5, 0], dtype=np.int32)
    assert [v for v in range(10) if contains(values, 1, 4, v)] == [1, 3, 5]
    assert not contains(values, 2, 2, 3)
