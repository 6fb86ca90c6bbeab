from datetime import UTC, datetime

import numpy as np
import pytest

import tastemap as tm
from tastemap.data.split import Split
from tastemap.report.split_picture import pictures, split_parts

DAY = 86_400
START = int(datetime(2024, 3, 1, tzinfo=UTC).timestamp())


def log_of_days(days):
    """At six o'clock on each of these days after 1 March 2024 an event of its own."""
    times = [START + day * DAY + DAY // 4 for day in days]
    return tm.Interactions.of([(f"u{n}", f"i{n}", 1, t) for n, t in enumerate(times)])


def parts(train, validation, test):
    log = log_of_days([*train, *validation, *test])
    ends = np.cumsum([len(train), len(validation)])
    return log, Split(log[: ends[0]], log[ends[0] : ends[1]], log[ends[1] :], "by hand")


def test_events_of_each_part_are_counted_by_period():
    log, split = parts([0, 0, 1, 9], [3], [4, 4])
    told = split_parts(split, log)
    assert told.period == "day"
    assert told.starts[0] == "2024-03-01"
    assert len(told.starts) == 10
    by_name = {one.name: one for one in told.parts}
    assert by_name["train"].counts == (2, 1, 0, 0, 0, 0, 0, 0, 0, 1)
    assert by_name["validation"].counts == (0, 0, 0, 1, 0, 0, 0, 0, 0, 0)
    assert by_name["test"].counts == (0, 0, 0, 0, 2, 0, 0, 0, 0, 0)
    assert (by_name["train"].events, by_name["train"].users, by_name["train"].items) == (4, 4, 4)
    assert by_name["train"].dates[0] == "2024-03-01"
    assert by_name["train"].dates[-1] == "2024-03-10"
    assert by_name["test"].at == (4.25,) * 5


def test_parts_that_overlap_have_no_cut_and_the_share_of_the_future_is_said():
    log, split = parts([0, 0, 1, 9], [3], [4, 4])
    told = split_parts(split, log)
    assert told.later == 0.25  # of four training events one is later than day 4
    # Validation (day 3) ends before test (day 4) begins, training does not end before validation.
    assert told.cuts == ((4.25, "2024-03-05"),)
    _, overlapping = parts([0, 5], [4], [3, 6])
    assert split_parts(overlapping, log).cuts == ()
    assert "overlap in time: 50 %" in pictures(split_parts(parts([0, 9], [], [5])[1], log))["said"]


def test_a_cut_in_time_is_marked_where_the_next_part_begins():
    log, split = parts([0, 1, 2], [3, 4], [6, 7])
    told = split_parts(split, log)
    assert told.cuts == ((3.25, "2024-03-04"), (6.25, "2024-03-07"))
    assert told.later == 0
    drawn = pictures(told)
    assert "Cut in time on 2024-03-04 and 2024-03-07" in drawn["said"]
    assert drawn["chart"].count('class="mark"') == 2


def test_without_times_there_is_no_picture_and_none_is_invented():
    log = tm.Interactions.of([("ann", "tea"), ("bob", "tea"), ("bob", "milk")])
    told = split_parts(Split(log[:2], None, log[2:], "by hand"), log)
    assert told.starts == told.cuts == ()
    assert told.later is None
    assert [one.events for one in told.parts] == [2, 1]
    assert pictures(told)["chart"] is None


def test_what_preparing_left_out_is_counted():
    log, _ = parts([0, 1, 2, 3, 4], [], [])
    assert split_parts(Split(log[:2], None, log[3:4], "by hand"), log).outside == 2


@pytest.mark.parametrize("days", [[0, 0, 0], [0, 40_000]])
def test_one_moment_and_a_century_can_be_drawn(days):
    log, split = parts(days, [], [days[-1]])
    chart = pictures(split_parts(split, log))["chart"]
    assert "nan" not in chart
    assert chart.startswith("<svg")
