"""Samples for sequence models: what is shown, what is asked, and what is held out."""

from dataclasses import replace

import numpy as np
import pytest

from tastemap import Histories, InputError, Interactions
from tastemap.neural.sequences import (
    Windows,
    held_out_of,
    hold_out,
    newest,
    require_order,
    shown_and_held,
)
from tastemap.seeding import stream
from worlds import log_of


def test_each_place_is_asked_for_the_item_after_it():
    windows = Windows.of(Histories.of_items([[4, 7, 5], [1], [3, 2]]), max_len=5)
    batch = windows.part(np.array([0, 1]))
    assert batch.items.tolist() == [[5, 8], [0, 4]]
    assert batch.targets.tolist() == [[8, 6], [0, 3]]
    assert batch.times is None


def test_a_long_history_keeps_its_newest_events():
    windows = Windows.of(Histories.of_items([[0, 1, 2, 3, 4]]), max_len=2)
    batch = windows.part(np.array([0]))
    assert batch.items.tolist() == [[3, 4]]
    assert batch.targets.tolist() == [[4, 5]]


def test_prefixes_ask_for_one_target_each():
    windows = Windows.of(Histories.of_items([[0, 1, 2, 3]]), max_len=2, prefixes=True)
    shown = {}
    for sample in range(len(windows)):
        batch = windows.part(np.array([sample]))
        assert (batch.targets[0, :-1] == 0).all()
        shown[int(batch.targets[0, -1])] = [i for i in batch.items[0].tolist() if i]
    assert shown == {3: [1, 2], 4: [2, 3]}  # as many samples as the window is long


def test_times_stand_beside_their_items():
    log = log_of([0, 0, 0, 1, 1], [2, 0, 1, 1, 2], time=[10, 20, 30, 5, 6])
    batch = Windows.of(log.histories(), max_len=4).part(np.array([0, 1]))
    assert batch.items.tolist() == [[3, 1], [0, 2]]
    assert batch.times.tolist() == [[10, 20], [0, 5]]


def test_an_epoch_asks_for_every_target_once_and_pads_little():
    rng = np.random.default_rng(0)
    rows = [list(range(n)) for n in rng.integers(2, 40, size=500)]
    windows = Windows.of(Histories.of_items(rows), max_len=50)
    cut = list(windows.batches(stream(0, "x"), 16, 8))
    assert max(len(batch.items) for parts in cut for batch in parts) == 8
    assert {len(parts) for parts in cut[:-1]} <= {1, 2}
    batches = [batch for parts in cut for batch in parts]
    asked = sum(int((batch.targets > 0).sum()) for batch in batches)
    assert asked == sum(len(row) - 1 for row in rows)
    assert asked / sum(batch.items.size for batch in batches) > 0.9
    again = [batch for parts in windows.batches(stream(0, "x"), 16, 8) for batch in parts]
    assert all((a.items == b.items).all() for a, b in zip(batches, again, strict=True))


def test_newest_is_as_wide_as_needed():
    histories = Histories.of_items([[1, 2, 3], [], [5]])
    assert newest(histories, np.array([0, 2]), 2)[0].tolist() == [[3, 4], [0, 6]]
    assert newest(histories, np.array([1]), 2)[0].tolist() == [[0]]


def test_holding_out_takes_last_events_and_leaves_the_rest():
    histories = Histories.of_items([[1, 2, 3], [4, 5], [6, 7, 8, 9], []], user=[0, 1, 2, 3])
    left, held = hold_out(histories, 10, np.random.default_rng(0))
    assert [left.row(r).tolist() for r in range(4)] == [[1, 2], [4, 5], [6, 7, 8], []]
    assert held.shown.user.tolist() == held.truth.user.tolist() == [0, 2]
    assert [held.truth.row(r).tolist() for r in range(2)] == [[3], [9]]
    assert [held.shown.row(r).tolist() for r in range(2)] == [[1, 2], [6, 7, 8]]
    assert hold_out(Histories.of_items([[1, 2]]), 5, np.random.default_rng(0))[1] is None


def test_a_validation_part_is_asked_with_histories_of_training():
    train = log_of([0, 0, 1, 1], [0, 1, 1, 2], time=[1, 2, 3, 4])
    validation = replace(train[:1], user=np.array([1], np.int32), item=np.array([0], np.int32))
    held = held_out_of(train, validation, 10, np.random.default_rng(0))
    assert held.shown.row(0).tolist() == [1, 2]
    assert held.truth.row(0).tolist() == [0]


def test_nothing_that_was_used_before_is_held_out():
    # Seen items are never listed: the validation would be 0 in every epoch.
    histories = Histories.of_items([[1, 2, 1], [1, 1, 2], [3, 2, 3, 4]], user=[0, 1, 2])
    left, held = hold_out(histories, 10, np.random.default_rng(0))
    assert held.truth.user.tolist() == [1, 2]
    assert left.row(0).tolist() == [1, 2, 1]
    assert hold_out(histories.take(np.array([0])), 10, np.random.default_rng(0))[1] is None
    train = log_of([0, 0, 1, 1], [0, 1, 1, 2], time=[1, 2, 3, 4])
    known = train[:2]  # user 0 used both before
    assert held_out_of(train, known, 10, np.random.default_rng(0)) is None
    fresh = replace(known, item=np.array([0, 2], np.int32))
    held = held_out_of(train, fresh, 10, np.random.default_rng(0))
    assert held.truth.row(0).tolist() == [2]


def test_a_validation_part_of_another_log_is_refused():
    train = log_of([0, 0, 1, 1], [0, 1, 1, 2])
    other = Interactions.of([("a", "x"), ("b", "y")])
    with pytest.raises(InputError, match="train and validation have different vocabularies"):
        shown_and_held(train, other, 10, np.random.default_rng(0))


def test_rows_without_times_count_as_ordered_and_it_is_said():
    rng = np.random.default_rng(1)
    log = Interactions.of([("u", int(i)) for i in rng.permutation(300)])
    assert "order of its rows" in require_order(log)
    assert require_order(log_of([0, 0], [1, 0], time=[1, 2])) is None


def test_histories_in_the_order_of_item_ids_have_no_order():
    user, item = np.repeat(np.arange(30), 10), np.tile(np.arange(10), 30)
    with pytest.raises(InputError, match="stand in the order of the item ids"):
        require_order(log_of(user, item))


def test_needs_somebody_with_two_events():
    with pytest.raises(InputError, match="none of two events or more"):
        Windows.of(Histories.of_items([[1], [2], []]), 5)
