"""Padded rows made by hand; 0 is padding, items are codes + 1."""

import numpy as np
import pytest

from tastemap import Histories
from tastemap.diagnosis.evidence import Evidence, Sequences
from tastemap.diagnosis.finding import NotApplicable
from tastemap.diagnosis.sequences import (
    order_broken,
    padded_right,
    padding_not_zero,
    target_in_input,
)


def fed(inputs, **more) -> Evidence:
    return Evidence(name="SASRec", sequences=Sequences(np.array(inputs, np.int32), **more))


def test_the_padding_vector_must_be_exactly_zero():
    fine = fed([[0, 1]], padding_vector=np.zeros(4, np.float32))
    assert padding_not_zero(fine) is None
    moved = fed([[0, 1]], padding_vector=np.float32([0, 0, 3, 4]))
    seen = padding_not_zero(moved)
    assert seen is not None
    assert seen.numbers["length of the padding vector"] == 5.0


def test_padding_stands_on_the_left():
    assert padded_right(fed([[0, 0, 5], [1, 2, 3]])) is None
    seen = padded_right(fed([[1, 2, 3], [0, 5, 6], [5, 0, 0]]))
    assert seen is not None
    assert seen.numbers == {"short rows that end in padding": 0.5, "first such row": 2}
    with pytest.raises(NotApplicable):
        padded_right(fed([[1, 2, 3]]))


def test_times_must_not_fall_inside_a_row():
    rows = [[0, 4, 5], [1, 2, 3]]
    assert order_broken(fed(rows, times=np.array([[0, 10, 10], [1, 2, 3]]))) is None
    seen = order_broken(fed(rows, times=np.array([[0, 10, 9], [1, 2, 3]])))
    assert seen is not None
    assert seen.numbers["histories out of order"] == 1


def test_the_order_of_histories_is_checked_where_there_are_no_sequences():
    def shown(times):
        return Evidence(
            name="run",
            seen=Histories(
                user=np.arange(2, dtype=np.int32),
                starts=np.array([0, 2, 4]),
                items=np.array([0, 1, 2, 3], np.int32),
                weight=np.ones(4, np.float32),
                time=np.array(times),
            ),
        )

    assert order_broken(shown([5, 6, 1, 2])) is None  # a new row may begin earlier
    assert order_broken(shown([5, 6, 2, 1])) is not None


def test_a_target_that_is_its_own_input_is_found():
    rows = np.arange(1, 61).reshape(20, 3)
    assert target_in_input(fed(rows, targets=np.int32(rows[:, -1] + 1))) is None
    seen = target_in_input(fed(rows, targets=np.int32(rows[:, -1])))
    assert seen is not None
    assert seen.numbers["targets that are the last input"] == 1.0
    inside = target_in_input(fed(rows, targets=np.int32(rows[:, 0])))
    assert inside is not None


def test_people_who_repeat_themselves_are_no_leak():
    rows = np.array([[7, 7, 7, 7], [3, 3, 8, 8], [5, 5, 5, 5]])
    assert target_in_input(fed(rows, targets=np.int32([7, 8, 5]))) is None
