"""What a log confirms of itself, on worlds with a known answer; and shifted ids."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from tastemap import synthetic
from tastemap.maps import structure as module
from tastemap.maps.agreement import users_of_items
from tastemap.maps.lift import lift, strata_of, unit_csr
from tastemap.maps.neighbours import nearest
from tastemap.maps.shift import id_shift
from tastemap.maps.structure import confirmed_directions, confirmed_neighbours
from tastemap.seeding import stream


def used_in(log):
    matrix = users_of_items(log)
    return csr_array(matrix[np.flatnonzero(np.diff(matrix.indptr) >= 5)])


def confirmed_lift(used, k=10):
    known = confirmed_neighbours(used, k, stream(0, "halves"))
    strata = strata_of(np.diff(used.indptr).astype(np.int64), 20, 20)
    return lift(unit_csr(known.other), known.places, strata, rows=known.rows).ratio(matched=True)


@pytest.mark.parametrize("groups", [2, 4, 8])
def test_groups_of_taste_span_one_direction_less_than_there_are_groups(groups):
    log = synthetic.taste_groups(users=600, items=200, groups=groups, per_user=15)
    found = confirmed_directions(used_in(log), stream(0, "x"))
    assert found == pytest.approx(groups - 1, abs=0.5)


def test_noise_has_no_direction_and_no_neighbours():
    used = used_in(synthetic.noise(users=800, items=300, per_user=15))
    assert confirmed_directions(used, stream(0, "x")) < 1
    assert confirmed_lift(used) == pytest.approx(1, abs=0.1)


def test_popularity_alone_is_one_direction_at_most():
    used = used_in(synthetic.popularity_only(users=800, items=300, per_user=15))
    assert confirmed_directions(used, stream(0, "x")) < 1.5
    assert confirmed_lift(used) < 1.3


def test_neighbours_in_a_world_of_groups_are_confirmed():
    used = used_in(synthetic.taste_groups(users=400))
    assert confirmed_lift(used) > 3  # four groups, so 4 at most within a stratum


def test_few_items_cannot_tell_directions():
    used = used_in(synthetic.taste_groups(users=100, items=39, groups=3))
    assert confirmed_directions(used, stream(0, "x")) is None


def test_many_users_are_drawn_from(monkeypatch):
    used = used_in(synthetic.taste_groups(users=2000, items=240, groups=4, per_user=15))
    monkeypatch.setattr(module, "READ", 300 * 15 * 240)
    first, _ = module._halves(used, stream(0, "x"))
    assert 100 < first.shape[1] < 250
    assert confirmed_directions(used, stream(0, "x")) == pytest.approx(3, abs=0.1)


def neighbours_of_log(log, moved):
    """Item vectors that are the log's own columns, moved down by so many rows."""
    used = users_of_items(log)
    places, _ = nearest(np.roll(used.toarray(), moved, axis=0), k=10)
    return id_shift(used, np.arange(used.shape[0]), places, stream(0, "x"))


@pytest.mark.parametrize("moved", [-1, 1])
def test_vectors_moved_by_one_row_are_moved_back(moved):
    shift, gain = neighbours_of_log(synthetic.demo_world(), moved)
    assert shift == moved
    assert gain > 2


def test_vectors_in_place_gain_nothing_by_a_move():
    _, gain = neighbours_of_log(synthetic.demo_world(), 0)
    assert gain < 0.6


def test_a_log_where_nobody_shares_anything_has_no_shift():
    used = csr_array(np.eye(30))
    places, _ = nearest(stream(0, "v").standard_normal((30, 4)), k=3)
    assert id_shift(used, np.arange(30), places, stream(0, "x")) is None
