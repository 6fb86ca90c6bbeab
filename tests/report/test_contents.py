from collections import Counter
from datetime import UTC, datetime
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tastemap as tm
from tastemap.report.contents import (
    MOST_NOTES,
    by_activity,
    by_rank,
    contents,
    over_time,
    pictures,
)
from tastemap.report.time_axis import MOST_PERIODS

DAY = 86_400


@given(st.lists(st.integers(0, 50), min_size=1, max_size=300).filter(any))
def test_ranks_lead_to_the_sorted_counts(counts):
    ordered = sorted((one for one in counts if one), reverse=True)
    points = by_rank(np.array(counts))
    assert all(ordered[rank - 1] == events for rank, events in points)
    assert points[0][0] == 1
    assert points[-1][0] == len(ordered)


@given(
    st.lists(st.integers(-(2**40), 2**40), min_size=1, max_size=40)
    | st.lists(st.integers(10**9, 10**9 + 10**7), min_size=1, max_size=40)
)
def test_every_event_is_in_one_of_a_few_periods(times):
    _, bars = over_time(np.array(times, dtype=np.int64))
    assert sum(events for _, events in bars) == len(times)
    assert 1 <= len(bars) <= MOST_PERIODS


def test_a_year_is_told_by_week_and_ten_years_by_calendar_years_or_months():
    start = int(datetime(2020, 1, 1, tzinfo=UTC).timestamp())
    year = np.arange(start, start + 366 * DAY, 6 * 3600)
    assert over_time(year)[0] == "week"
    assert over_time(np.arange(start, start + 3 * 366 * DAY, DAY))[0] == "month"
    assert over_time(np.arange(start, start + 10 * 366 * DAY, DAY))[0] == "year"


def test_months_are_calendar_months_and_empty_ones_are_kept():
    days = [(2020, 1, 31), (2020, 2, 1), (2020, 2, 29), (2020, 4, 1), (2022, 4, 30)]
    times = [int(datetime(*day, tzinfo=UTC).timestamp()) for day in days]
    period, bars = over_time(np.array(times))
    assert period == "month"
    expected = Counter(datetime.fromtimestamp(t, UTC).strftime("%Y-%m") for t in times)
    assert {month: events for month, events in bars if events} == dict(expected)
    assert ("2020-03", 0) in bars
    assert len(bars) == 28


def test_a_log_without_times_has_no_picture_of_time():
    data = contents(tm.Interactions.of([("ann", "tea"), ("bob", "tea")]))
    assert data.over_time is None
    assert data.passport["first_time"] is None


@pytest.mark.parametrize("notes", [None, ["only this"]])
def test_notes_are_the_logs_unless_others_are_given(notes):
    log = tm.Interactions.of([("ann", "tea")]).noted("read", "kept")
    assert contents(log, notes).notes == (("read", "kept") if notes is None else ("only this",))


def test_endless_notes_are_cut():
    log = tm.Interactions.of([("ann", "tea")]).noted(*["x" * 10_000] * 500)
    notes = contents(log).notes
    assert len(notes) == MOST_NOTES + 1
    assert notes[-1] == "and 480 more such notes"
    assert max(map(len, notes)) <= 300


@given(st.lists(st.integers(0, 5_000), min_size=1, max_size=200).filter(any))
def test_every_active_user_is_in_one_step_of_activity(counts):
    steps = by_activity(np.array(counts))
    for low, high, users in steps:
        assert users == sum(low <= one <= high for one in counts)
    assert sum(users for _, _, users in steps) == sum(one > 0 for one in counts)
    assert all(high + 1 == following[0] for (_, high, _), following in pairwise(steps))


def test_weights_are_drawn_where_they_differ():
    rated = tm.Interactions.of([("ann", "tea", 1), ("bob", "tea", 5), ("bob", "rum", 5)])
    headings = [heading for heading, _, _ in pictures(contents(rated))["charts"]]
    assert headings == ["Events of each item, by rank", "Users by activity", "Events by weight"]
    said = pictures(contents(rated))["charts"][-1][1]
    assert said.startswith("67 % of the events have the weight 5")
    alike = tm.Interactions.of([("ann", "tea"), ("bob", "tea")])
    assert len(pictures(contents(alike))["charts"]) == 2
