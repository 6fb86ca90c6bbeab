from typing import NamedTuple

import numpy as np
import pytest

from tastemap.data.interactions import Histories


class World(NamedTuple):
    """Random scores, what each user has seen and what was held out: disjoint sets of items."""

    scores: np.ndarray
    histories: Histories
    truth: Histories

    @property
    def n_items(self):
        return self.scores.shape[1]

    def score(self, histories):
        return self.scores[histories.user]


def build_world(seed=0, users=30, items=40, levels=None, weights=False, longest=8):
    """`levels` scores only (many ties), or scores that all differ."""
    rng = np.random.default_rng(seed)
    if levels is None:
        scores = rng.permutation(users * items).reshape(users, items).astype(np.float32)
    else:
        scores = rng.integers(levels, size=(users, items)).astype(np.float32)
    seen, held = [], []
    for _ in range(users):
        order = rng.permutation(items)
        n_seen, n_held = rng.integers(0, longest), rng.integers(1, longest)
        seen.append(order[:n_seen])
        held.append(order[n_seen : n_seen + n_held])
    names = list(range(users))
    truth = Histories.of_items(held, names)
    if weights:
        drawn = rng.integers(1, 6, size=len(truth.items)).astype(np.float32)
        truth = Histories(truth.user, truth.starts, truth.items, drawn)
    return World(scores, Histories.of_items(seen, names), truth)


@pytest.fixture
def make_world():
    return build_world
