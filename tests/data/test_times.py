from datetime import UTC, date, datetime

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tastemap as tm

FIRST, SECOND = 1381945744, 1382400295  # 2013-10-16 17:49:04 and 2013-10-22 00:04:55 UTC


def times(path, values, **options):
    path.write_text("user,item,time\n" + "".join(f'{i},{i},"{v}"\n' for i, v in enumerate(values)))
    log = tm.read(path, quiet=True, **options)
    return log.time.tolist(), log


@pytest.fixture
def path(tmp_path):
    return tmp_path / "log.csv"


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([f"{FIRST}", f"{SECOND}"], "unix seconds"),
        ([f"{FIRST}.0", f"{SECOND}.9"], "unix seconds"),
        ([f"{FIRST}000", f"{SECOND}999"], "unix milliseconds"),
        ([f"{FIRST}000000", f"{SECOND}999999"], "unix microseconds"),
        ([f"{FIRST}000000000", f"{SECOND}999999999"], "unix nanoseconds"),
        (["2013-10-16T17:49:04", "2013-10-22 00:04:55"], "ISO 8601"),
        (["2013-10-16T17:49:04Z", "2013-10-22T00:04:55.9Z"], "ISO 8601"),
        (["2013-10-16T19:49:04+02:00", "2013-10-21T20:04:55-0400"], "ISO 8601"),
        (["2013-10-16 19:49:04+02", "2013-10-22 02:04:55+02"], "ISO 8601"),
        (["16.10.2013 17:49:04", "22.10.2013 00:04:55"], "written day.month.year"),
        (["10/16/2013 17:49:04", "10/22/2013 00:04:55"], "written month/day/year"),
        (["10/16/2013 5:49:04 PM", "10/22/2013 12:04:55 AM"], "written month/day/year"),
        (["16/10/2013 17:49:04", "22/10/2013 00:04:55"], "written day/month/year"),
        (["20131016174904", "20131022000455"], "written yyyymmddhhmmss"),
        (
            ["Wed Oct 16 17:49:04 +0000 2013", "Tue Oct 22 02:04:55 +0200 2013"],
            "written weekday month day time zone year",
        ),
    ],
)
def test_every_form_of_time_becomes_utc_seconds(path, values, said):
    found, log = times(path, values)
    assert found == [FIRST, SECOND]
    assert f"time = time ({said})" in log.notes[0]


@pytest.mark.parametrize(
    "values",
    [
        ["2013-10-16", "2013-10-22"],
        ["2013/10/16", "2013/10/22"],
        ["16.10.2013", "22.10.2013"],
        ["10/16/13", "10/22/13"],
        ["16-Oct-2013", "22-Oct-2013"],
        ["October 16, 2013", "October 22, 2013"],
        ["10 16, 2013", "10 22, 2013"],
        ["20131016", "20131022"],
    ],
)
def test_dates_become_midnight_in_utc_with_a_note(path, values):
    found, log = times(path, values)
    assert found == [1381881600, 1382400000]
    assert "2 times name no zone and are taken as UTC" in log.notes


def test_times_that_name_their_zone_need_no_note(path):
    _, log = times(path, ["2013-10-16T17:49:04Z", "2013-10-16T17:49:04+02:00"])
    assert not any("zone" in note for note in log.notes)


def test_times_without_zone_among_others_are_counted(path):
    _, log = times(path, ["2013-10-16T17:49:04Z", "2013-10-16T17:49:04", "2013-10-17"])
    assert "2 times name no zone and are taken as UTC" in log.notes


@settings(max_examples=25)
@given(st.integers(-(10**10), 10**10), st.sampled_from([1, 10**3, 10**6, 10**9]))
def test_a_unit_is_known_by_its_magnitude_and_fractions_round_down(seconds, unit):
    # 1973-03 to 5138 in every unit; outside of it magnitudes overlap.
    seconds = seconds if abs(seconds) > 10**8 else seconds + 10**9
    if unit == 10**9:  # all that 64 bits hold, short of the last year
        seconds = max(min(seconds, 9_190_000_000), -9_190_000_000)
    stamps = np.array([seconds * unit, seconds * unit + unit - 1], dtype=np.int64)
    log = tm.read(pl.DataFrame({"user": [1, 2], "item": [1, 2], "time": stamps}), quiet=True)
    assert log.time.tolist() == [seconds, seconds]


def test_zero_fits_every_unit(path):
    assert times(path, [f"{FIRST}000", "0"])[0] == [FIRST, 0]


def test_mixed_units_are_refused_with_line_and_value(path):
    with pytest.raises(tm.InputError) as caught:
        times(path, [f"{FIRST}", f"{SECOND}", f"{FIRST}000"], skip_bad=True)
    assert (
        f"time in log.csv mixes units: line 2: {FIRST} (seconds, 2 values), "
        f"line 4: {FIRST}000 (milliseconds, 1 value)"
    ) in str(caught.value).replace("time (time)", "time")


def test_dates_with_two_readings_are_refused(path):
    with pytest.raises(tm.InputError, match=r"'1/2/2020' and all other dates can be read as day/m"):
        times(path, ["1/2/2020", "11/12/2020"])


def test_one_day_beyond_twelve_settles_the_reading(path):
    assert times(path, ["1/2/2020", "13/2/2020"])[0] == [1580515200, 1581552000]
    assert times(path, ["1/2/2020", "2/13/2020"])[0] == [1577923200, 1581552000]


def test_a_named_time_column_without_times_is_refused(path):
    path.write_text("user,item,mood\n1,2,good\n2,1,bad\n")
    with pytest.raises(tm.InputError, match=r"time \(mood\) in log.csv holds no times: 'good'"):
        tm.read(path, time="mood", quiet=True)


@pytest.mark.parametrize(
    "column",
    [
        pl.Series([datetime(2013, 10, 16, 17, 49, 4), datetime(2013, 10, 22, 0, 4, 55, 999999)]),
        pl.Series([FIRST * 10**9, SECOND * 10**9]).cast(pl.Datetime("ns")),
        pl.Series([FIRST * 10**3, SECOND * 10**3]).cast(pl.Datetime("ms", "Asia/Tokyo")),
        pd.Series(pd.to_datetime([FIRST, SECOND], unit="s")),
        pd.Series(pd.to_datetime([FIRST, SECOND], unit="s", utc=True).tz_convert("Europe/Paris")),
        pd.Series([FIRST, SECOND], dtype=float),
        pd.Series(
            [datetime.fromtimestamp(FIRST, UTC), datetime.fromtimestamp(SECOND, UTC)], dtype=object
        ),
    ],
)
def test_datetimes_of_tables_become_utc_seconds(column):
    make = pd.DataFrame if isinstance(column, pd.Series) else pl.DataFrame
    log = tm.read(make({"user": [1, 2], "item": [1, 2], "time": column}), quiet=True)
    assert log.time.tolist() == [FIRST, SECOND]


def test_dates_before_1970_are_negative():
    table = pl.DataFrame(
        {"user": [1, 2], "item": [1, 2], "time": [date(1969, 12, 31), date(1970, 1, 2)]}
    )
    assert tm.read(table, quiet=True).time.tolist() == [-86400, 86400]


def test_a_missing_datetime_is_a_bad_row():
    table = pd.DataFrame(
        {"user": [1, 2], "item": [1, 2], "time": pd.to_datetime(["2020-01-01", None])}
    )
    with pytest.raises(tm.InputError, match=r"row 1 \(from 0\): time is missing"):
        tm.read(table, quiet=True)
