"""Rules about rows: copies, short histories, ratings, bad rows, nothing to learn."""

import numpy as np
import pytest

import messy
from tastemap.data.interactions import Interactions
from tastemap.diagnosis.log import check
from tastemap.diagnosis.log_rows import EXACT


@pytest.fixture
def path(tmp_path):
    return tmp_path / "log.csv"


def test_identical_rows_are_a_warning_with_both_lines(path):
    rows = messy.healthy()
    rows += rows[3:13]
    finding = messy.found(check(messy.write(path, rows)), "D101")
    assert finding.severity == "warning"
    assert finding.numbers["identical rows"] == 10
    assert finding.numbers["rows with another time or weight"] == 0
    line = len(rows) - 10 + 2
    assert finding.numbers["the first"][0] == (
        f"line {line} repeats line 5 (user '{rows[3][0]}', item '{rows[3][1]}')"
    )


def test_repeats_at_other_times_are_a_tip(path):
    rows = messy.healthy()
    rows += [(u, i, w, t + 3600) for u, i, w, t in rows[:50]]
    finding = messy.found(check(messy.write(path, rows)), "D101")
    assert (finding.severity, finding.numbers["identical rows"]) == ("tip", 0)
    assert finding.numbers["rows with another time or weight"] == 50


@pytest.mark.parametrize(("copies", "severity"), [(1, "tip"), (2, "warning")])
def test_copies_count_from_one_in_a_thousand_on(copies, severity, path):
    rows = messy.healthy(users=400, items=200)[: 2000 - copies]
    rows += rows[:copies]
    assert copies / len(rows) < EXACT or severity == "warning"
    assert messy.found(check(messy.write(path, rows)), "D101").severity == severity


def test_equal_rows_on_one_day_may_be_two_visits(path):
    rows = [(u, i, w, t - t % 86400) for u, i, w, t in messy.healthy()]
    finding = messy.found(check(messy.write(path, rows + rows[:40])), "D101")
    assert finding.severity == "tip"


def test_without_times_copies_of_ratings_are_told_from_people_who_come_back(path):
    rows = messy.healthy(ratings=True)
    ratings = messy.write(path, rows + rows[:40], header=messy.HEADER[:3])
    assert messy.found(check(ratings), "D101").severity == "warning"
    plays = messy.write(path, rows + rows[:40], header=messy.HEADER[:2])
    assert messy.found(check(plays), "D101").severity == "tip"


def test_copies_are_counted_as_a_slow_twin_counts_them():
    rng = np.random.default_rng(5)
    events = [
        (int(rng.integers(6)), int(rng.integers(6)), int(rng.integers(1, 3)), int(rng.integers(4)))
        for _ in range(400)
    ]
    events = [(u, i, w, 1_700_000_000 + t) for u, i, w, t in events]
    numbers = messy.found(check(Interactions.of(events)), "D101").numbers
    assert numbers["identical rows"] == len(events) - len(set(events))
    assert numbers["repeats of a pair"] == len(events) - len({event[:2] for event in events})


def test_rows_that_share_a_hash_are_no_copies(monkeypatch):
    rng = np.random.default_rng(5)
    events = [
        (int(u), int(i), 1, 1_700_000_000 + n)
        for n, (u, i) in enumerate(rng.integers(6, size=(400, 2)))
    ]
    monkeypatch.setattr("tastemap.diagnosis.log_rows._ODD", (0, 0, 0, 0))
    assert messy.found(check(Interactions.of(events)), "D101").numbers["identical rows"] == 0


@pytest.mark.parametrize(("short", "is_found"), [(50, False), (51, True)])
def test_short_histories_are_told_from_more_than_half_of_the_users_on(short, is_found):
    events = [(user, item) for user in range(100) for item in range(2 if user < short else 3)]
    finding = messy.found(check(Interactions.of(events)), "D105")
    assert (finding is not None) == is_found
    if is_found:
        assert finding.severity == "tip"
        assert finding.numbers["users with fewer than 3 events"] == "51 %"


def test_unreadable_rows_are_named_by_line_and_reason(path):
    rows = messy.healthy(users=200)
    rows[10] = ("", *rows[10][1:])
    rows[20] = (rows[20][0], rows[20][1], "many", rows[20][3])
    rows[30] = (*rows[30][:3], "yesterday")
    messy.write(path, rows)
    text = path.read_text().split("\n")
    text[41] += ",extra"
    path.write_text("\n".join(text))
    finding = messy.found(check(path), "D107")
    assert finding.severity == "warning"
    assert finding.numbers["unreadable rows"] == 4
    assert finding.numbers["the first"] == (
        "line 12: user (user_id) is missing",
        "line 22: weight (rating) = 'many' is not a number",
        "line 32: time (timestamp) = 'yesterday' is not unix seconds",
        f"line 42: 5 fields instead of 4: '{text[41]}'",
    )
    assert finding.numbers["user is missing"] == 1
    assert finding.numbers["weight is not a number"] == 1
    assert finding.numbers["wrong number of fields, or a quote"] == 1


@pytest.mark.parametrize(("torn", "severity"), [(5, "warning"), (6, "error")])
def test_more_than_one_torn_row_in_twenty_is_an_error(torn, severity, path):
    rows = messy.healthy()[:100]
    rows[:torn] = [(*row[:2], "?", row[3]) for row in rows[:torn]]
    assert messy.found(check(messy.write(path, rows)), "D107").severity == severity


def test_rows_without_a_user_are_no_sign_of_a_damaged_file(path):
    rows = messy.healthy()
    rows[::4] = [("", *row[1:]) for row in rows[::4]]
    finding = messy.found(check(messy.write(path, rows)), "D107")
    assert finding.severity == "warning"
    assert "logged in" in finding.causes[0]


def test_a_quote_that_is_never_closed_does_not_swallow_the_rest(path):
    rows = messy.healthy()
    messy.write(path, rows)
    lines = path.read_text().split("\n")
    lines[50] = '"' + lines[50]
    path.write_text("\n".join(lines))
    checkup = check(path)
    assert checkup.passport.events >= len(rows) - 1
    assert any("quotes are not balanced" in note for note in checkup.notes)


def test_lines_behind_an_open_quote_are_counted_where_quotes_are_needed(path):
    rows = messy.healthy(users=30)
    lines = [f'{u},{i},{w},{t},"a, b"' for u, i, w, t in rows[:-20]]
    lines[-1] = lines[-1][:-1]
    lines += [f"{u},{i},{w},{t},plain" for u, i, w, t in rows[-20:]]
    path.write_text("user_id,item_id,rating,timestamp,title\n" + "\n".join(lines) + "\n")
    checkup = check(path)
    finding = messy.found(checkup, "D107")
    assert finding.numbers["lines lost behind an open quote"] == 20
    assert finding.numbers["unreadable rows"] == 21
    assert checkup.passport.events == len(rows) - 21


def test_a_log_in_which_nobody_has_two_items_teaches_nothing(path):
    rows = [(f"order{n}", f"i{n % 40}", 1, messy.START + n * 977) for n in range(500)]
    checkup = check(messy.write(path, rows))
    assert messy.found(checkup, "D109").severity == "error"
    assert checkup.exit_code() == 1
    shown = {finding.code: finding.also for finding in checkup.diagnosis}
    assert shown["D109"] == ("D105",)


@pytest.mark.parametrize("events", [[("a", n) for n in range(5)], [(n, "x") for n in range(5)]])
def test_one_user_or_one_item_is_nothing_to_choose_from(events):
    finding = messy.found(check(Interactions.of(events)), "D109")
    assert "only" in finding.means


def test_one_user_with_two_items_is_the_least_that_can_be_learned_from():
    events = [(1, "a"), (2, "b"), (2, "a")]
    assert messy.found(check(Interactions.of(events)), "D109") is None
    assert messy.found(check(Interactions.of([*events[:2], (2, "b")])), "D109") is not None
