"""UMAP, called twice on something tiny: compiling it takes longer than all other tests of maps."""

import sys

import numpy as np
import pytest

import tastemap as tm
from tastemap.maps.umap import umap
from tastemap.seeding import stream


def test_groups_stand_apart_and_a_seed_repeats_the_map():
    rng = stream(0, "test", "umap")
    vectors = np.repeat(np.eye(3, dtype=np.float32), 20, axis=0)
    vectors += 0.2 * rng.standard_normal((60, 3)).astype(np.float32)
    with tm.threads(1):
        xy = umap(vectors, neighbours=8, epochs=50)
    assert (xy.shape, xy.dtype) == ((60, 2), np.float32)
    apart = ((xy[:, None] - xy[None]) ** 2).sum(axis=2)
    np.fill_diagonal(apart, np.inf)
    assert (apart.argmin(axis=1) // 20 == np.arange(60) // 20).mean() > 0.95
    assert np.array_equal(xy, umap(vectors, neighbours=8, epochs=50))


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"neighbours": 1}, "neighbours=1 for 9 items\n.*from 2 to 9\n.*pass neighbours=9"),
        ({"neighbours": 10}, "neighbours=10 for 9 items"),
        ({"neighbours": 5, "min_dist": 2.0}, r"min_dist=2\.0\n.*from 0 to 1"),
        ({"neighbours": 5, "epochs": 0}, "epochs=0\n.*from 1 on"),
    ],
)
def test_impossible_arguments_are_refused(asked, said):
    with pytest.raises(tm.UsageError, match=said):
        umap(np.eye(9, dtype=np.float32), **asked)


def test_three_items_are_no_map():
    with pytest.raises(tm.UsageError, match=r"UMAP of 3 items\n.*4 items or more"):
        umap(np.eye(3, dtype=np.float32))


def test_without_the_extra_its_command_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "umap", None)
    with pytest.raises(tm.MissingExtra, match=r"pip install 'tastemap\[maps\]'"):
        umap(np.eye(20, dtype=np.float32))
