"""Rules about times: impossible, mixed, coarse, in bursts, with gaps, or none at all."""

import time

import numpy as np
import pytest

import messy
from tastemap.data.interactions import Interactions
from tastemap.diagnosis.log import check

DAY = 86_400


@pytest.fixture
def path(tmp_path):
    return tmp_path / "log.csv"


def timed(path, change, **world):
    """A healthy file whose times are changed: change(row number, seconds)."""
    rows = messy.healthy(**world)
    return messy.write(path, [(*row[:3], change(n, row[3])) for n, row in enumerate(rows)])


def test_seconds_mixed_with_milliseconds_are_an_error_with_lines(path):
    timed(path, lambda n, t: t * 1000 if n >= 500 else t)
    checkup = check(path)
    finding = messy.found(checkup, "D104")
    assert finding.severity == "error"
    assert "mixes units: line 2: " in finding.numbers["times"]
    assert "line 502: " in finding.numbers["times"]
    assert checkup.exit_code() == 1
    # Each value is taken by its size, so that the passport is right all the same.
    assert checkup.passport.first_time.startswith("2023-11")
    assert checkup.passport.last_time.startswith("2024-0")


def test_dates_with_two_readings_are_an_error_and_read_all_the_same(path):
    timed(path, lambda n, t: f"{1 + n % 12}/{1 + n % 9}/2020")
    checkup = check(path)
    assert messy.found(checkup, "D104").severity == "error"
    assert "can be read as day/month/year and as month/day/year" in str(checkup)
    assert checkup.passport.resolution == "day"


def test_a_column_without_times_is_an_error_and_the_log_goes_on_without(path):
    timed(path, lambda n, t: "soon")
    checkup = check(path, time="timestamp")
    assert messy.found(checkup, "D104").severity == "error"
    assert "holds no times: 'soon'" in messy.found(checkup, "D104").numbers["times"]
    assert checkup.passport.first_time is None
    assert checkup.passport.events == len(messy.healthy())


@pytest.mark.parametrize(("days", "is_found"), [(1, False), (3, True)])
def test_times_in_the_future_are_a_warning_and_time_zones_are_not(days, is_found, path):
    timed(path, lambda n, t: int(time.time()) + days * DAY if n == 9 else t)
    finding = messy.found(check(path), "D104")
    assert (finding is not None) == is_found
    if is_found:
        assert finding.severity == "warning"
        assert finding.numbers["future at"] == ("line 11",)


def test_missing_times_written_as_0_are_a_warning(path):
    timed(path, lambda n, t: 0 if n in (5, 8) else t)
    checkup = check(path)
    finding = messy.found(checkup, "D104")
    assert finding.severity == "warning"
    assert finding.numbers["before 1990"] == 2
    assert finding.numbers["earliest"] == "1970-01-01 00:00:00"
    assert finding.numbers["old at"] == ("line 7", "line 10")


@pytest.mark.parametrize(("seconds", "is_found"), [(631_151_999, True), (631_152_000, False)])
def test_a_log_may_begin_in_1990(seconds, is_found, path):
    timed(path, lambda n, t: seconds if n == 0 else t)
    assert (messy.found(check(path), "D104") is not None) == is_found


def test_positions_in_place_of_times_are_a_tip(path):
    timed(path, lambda n, t: n)
    finding = messy.found(check(path), "D104")
    assert finding.severity == "tip"
    assert "as an order they serve" in finding.means


def test_an_old_log_is_not_blamed_for_its_age(path):
    timed(path, lambda n, t: t - 40 * 365 * DAY)
    assert messy.found(check(path), "D104") is None


def test_one_time_for_all_events_is_a_warning(path):
    timed(path, lambda n, t: messy.START)
    checkup = check(path)
    assert messy.found(checkup, "D104").severity == "warning"
    assert "same time" in messy.found(checkup, "D104").means
    assert checkup.passport.resolution is None


def test_days_are_a_tip(path):
    timed(path, lambda n, t: time.strftime("%Y-%m-%d", time.gmtime(t)))
    checkup = check(path)
    assert messy.found(checkup, "D104").severity == "tip"
    assert checkup.passport.resolution == "day"


@pytest.mark.parametrize(("users", "is_found"), [(30, False), (31, True)])
def test_users_whose_events_were_imported_at_once_are_a_tip_beyond_half(users, is_found):
    rng = np.random.default_rng(0)
    events = [
        (user, int(item), 1, messy.START + 1000 * user + (0 if user < users else int(item)))
        for user in range(60)
        for item in rng.choice(100, 8, replace=False)
    ]
    finding = messy.found(check(Interactions.of(events)), "D104")
    assert (finding is not None) == is_found
    if is_found:
        assert finding.severity == "tip"
        assert finding.numbers["users with one time for all events"] == "51.7 %"


@pytest.mark.parametrize(("events", "seconds", "is_found"), [
    (300, 60, True), (299, 60, False), (300, 62, False),
])  # fmt: skip
def test_three_hundred_events_in_a_minute_are_no_persons(events, seconds, is_found, path):
    rows = messy.healthy(users=100, items=400)
    burst = np.linspace(0, seconds, events).astype(int)
    rows += [("u007", f"i{n % 400:03}", 1, messy.START + int(t)) for n, t in enumerate(burst)]
    finding = messy.found(check(messy.write(path, rows)), "D110")
    assert (finding is not None) == is_found
    if is_found:
        assert finding.numbers["ids"] == ("'u007'",)
        assert finding.severity == "tip"


def test_a_catalogue_that_is_new_in_the_end_is_a_tip(path):
    rows = messy.healthy(users=120)
    cut = len(rows) - len(rows) // 12
    rows[cut:] = [(u, f"new {i}", w, t) for u, i, w, t in rows[cut:]]
    finding = messy.found(check(messy.write(path, rows)), "D111")
    assert finding.severity == "tip"
    assert float(finding.numbers["late events on new items"].split()[0]) == pytest.approx(83, abs=2)


def test_rare_items_are_new_by_chance_and_no_finding():
    rng = np.random.default_rng(2)
    events = [
        (int(rng.integers(50)), int(rng.integers(3000)), 1, messy.START + 977 * n)
        for n in range(2000)
    ]
    late = {item for _, item, _, _ in events[1800:]} - {item for _, item, _, _ in events[:1800]}
    assert len(late) / 200 > 0.3
    assert messy.found(check(Interactions.of(events)), "D111") is None


@pytest.mark.parametrize(("share", "is_found"), [(0.24, False), (0.26, True)])
def test_a_quarter_of_the_range_without_events_is_a_gap(share, is_found):
    n = 2000
    times = np.linspace(0, 200 * DAY, n).astype(np.int64)
    gap = int(share / (1 - share) * 200 * DAY)
    times[n // 2 :] += gap - int(times[n // 2] - times[n // 2 - 1])
    events = [(k % 97, k % 89, 1, messy.START + int(t)) for k, t in enumerate(times)]
    finding = messy.found(check(Interactions.of(events)), "D112")
    assert (finding is not None) == is_found
    if is_found:
        assert finding.numbers["events before it"] == "50 %"


def test_a_gap_before_a_far_date_is_explained_by_the_date(path):
    timed(path, lambda n, t: 4_000_000_000 if n == 50 else t, users=120)
    checkup = check(path)
    assert "D112" in checkup.diagnosis.codes
    assert {finding.code: finding.also for finding in checkup.diagnosis}["D104"] == ("D112",)


def test_rows_in_the_order_of_items_are_told_where_there_are_no_times(path):
    rows = sorted(messy.healthy())
    finding = messy.found(check(messy.write(path, rows, header=messy.HEADER[:2])), "D115")
    assert finding.severity == "tip"
    assert "random_split" in finding.remedies[0]
    messy.write(path, messy.healthy(), header=messy.HEADER[:2])
    assert messy.found(check(path), "D115") is None
    messy.write(path, rows)
    assert messy.found(check(path), "D115") is None


def test_without_times_no_rule_about_times_applies(path):
    checkup = check(messy.write(path, messy.healthy(), header=messy.HEADER[:2]))
    reasons = {o.code: o.reason for o in checkup.diagnosis.outcomes if o.state == "not applicable"}
    assert {code for code, why in reasons.items() if why == "the log has no times"} == {
        "D104", "D110", "D111", "D112",
    }  # fmt: skip
