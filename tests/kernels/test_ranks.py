"""Ranks against a full sort."""

import numpy as np
import pytest

from reference import ranks_of
from tastemap.kernels.ranks import ranks


@pytest.mark.parametrize("values", [3, 1000])
def test_ranks_are_those_of_a_sort_with_its_ties(values):
    rng = np.random.default_rng(values)
    scores = rng.integers(0, values, (20, 90)).astype(np.float32)
    scores[:, 5] = -np.inf
    ties = rng.permutation(90).astype(np.int32)
    picked = rng.integers(0, 90, (20, 7)).astype(np.int32)
    expected = [
        [ranks_of(row, ties)[one] for one in mine]
        for row, mine in zip(scores.tolist(), picked.tolist(), strict=True)
    ]
    assert ranks(scores, picked, ties).tolist() == expected
