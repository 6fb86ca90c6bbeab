"""Draws by weight against their exact chances."""

import numpy as np
import pytest

from reference import other_by_hand
from reference import random_word as word_by_hand
from tastemap.kernels.alias import draw_other, fill_alias

WEIGHTS = {
    "all alike": np.ones(7),
    "two": np.array([1.0, 3.0]),
    "some without": np.array([0, 2, 0, 0, 5, 1, 0], dtype=float),
    "one far above": np.array([1e-3, 1.0, 2e-3, 5e-4]),
    "of many sizes": np.random.default_rng(1).random(300) ** 12,
    "counts": np.random.default_rng(2).zipf(1.4, size=97).clip(max=10_000).astype(float),
}


def filled(weights):
    table, steps = np.empty((len(weights), 2), dtype=np.uint32), np.empty(len(weights) + 1)
    fill_alias(weights, table, steps)
    return table, steps


@pytest.mark.parametrize("weights", WEIGHTS.values(), ids=WEIGHTS)
def test_the_cells_of_a_table_hold_each_place_by_its_weight(weights):
    table, _ = filled(weights)
    own = table[:, 0] / 2**32
    held = own.copy()
    np.add.at(held, table[:, 1], 1 - own)
    np.testing.assert_allclose(held / len(weights), weights / weights.sum(), atol=2**-31)


@pytest.mark.parametrize("weights", WEIGHTS.values(), ids=WEIGHTS)
def test_draws_are_those_made_by_hand(weights):
    table, steps = filled(weights)
    for n in range(300):
        word, own = word_by_hand(1, 2, n), np.uint32(n % len(weights))
        expected = other_by_hand(np.arange(len(weights)), weights, own, word)
        assert draw_other(np.uint64(word), table, steps, own) == expected


@pytest.mark.parametrize("own", [0, 1, 3])
def test_with_one_left_out_others_keep_their_proportions(own):
    weights = WEIGHTS["one far above"]
    table, steps = filled(weights)
    words = (np.uint64(word_by_hand(3, 4, n)) for n in range(20_000))
    drawn = [draw_other(word, table, steps, np.uint32(own)) for word in words]
    found = np.bincount(drawn, minlength=4) / len(drawn)
    others = np.where(np.arange(4) == own, 0, weights)
    expected = others / others.sum()
    assert found[own] == 0
    assert (abs(found - expected) <= 4 * np.sqrt(expected * (1 - expected) / len(drawn))).all()


def test_where_no_other_has_a_weight_one_gets_oneself():
    table, steps = filled(np.array([0.0, 2.0, 0.0]))
    words = [np.uint64(word_by_hand(5, 6, n)) for n in range(50)]
    assert {int(draw_other(word, table, steps, np.uint32(1))) for word in words} == {1}
