"""Rules about ids: one that stands for many, and many that stand for one."""

import json

import numpy as np
import pandas as pd
import pytest

import messy
from tastemap.data.interactions import Interactions
from tastemap.diagnosis.log import check
from tastemap.diagnosis.log_ids import CHANCE, standing_out


@pytest.fixture
def path(tmp_path):
    return tmp_path / "log.csv"


def with_bot(rows, events, user="u900", items=40):
    """The rows and one more user with so many events."""
    times = messy.START + 41_333 * np.arange(events)
    return rows + [(user, f"i{n % items:03}", 1, int(t)) for n, t in enumerate(times)]


def test_a_robot_is_found_with_its_share_and_first_line(path):
    rows = messy.healthy(users=300, items=200)
    finding = messy.found(check(messy.write(path, with_bot(rows, 600, items=200))), "D102")
    assert finding.severity == "warning"
    assert finding.numbers["user 'u900'"] == "600 rows"
    assert finding.numbers["first row of 'u900'"] == f"line {len(rows) + 2:,}"
    assert "item" not in finding.means


def test_a_user_of_five_per_cent_is_no_robot_and_one_of_a_little_more_is(path):
    rows = messy.healthy(users=300, items=200)
    fits = round(len(rows) * 0.05 / 0.95)
    for events, is_found in ((fits - 2, False), (fits + 10, True)):
        checkup = check(messy.write(path, with_bot(rows, events, items=200)))
        assert (messy.found(checkup, "D102") is not None) == is_found


def test_users_of_a_small_log_all_have_five_per_cent_and_none_stands_out(path):
    rows = messy.healthy(users=12, items=60)
    assert messy.found(check(messy.write(path, rows)), "D102") is None


def test_what_may_be_chance_in_a_small_log_is_a_tip(path):
    rows = messy.healthy(users=14, items=300, per_user=12)
    finding = messy.found(check(messy.write(path, with_bot(rows, 80, items=300))), "D102")
    assert finding.severity == "tip"
    assert "may be so" in finding.means


@pytest.mark.parametrize("word", ["unknown", "NULL", "None", "nan", "anonymous", "test"])
def test_a_placeholder_with_one_per_cent_of_the_rows_is_a_warning(word, path):
    rows = messy.healthy(users=300, items=200)
    finding = messy.found(check(messy.write(path, with_bot(rows, 60, word))), "D102")
    assert finding.severity == "warning"
    assert repr(word) in finding.means


@pytest.mark.parametrize(("events", "severity"), [(21, "tip"), (24, "warning")])
def test_one_row_in_a_hundred_makes_a_placeholder(events, severity, path):
    rows = messy.healthy(users=200, items=200)[:2250]
    finding = messy.found(check(messy.write(path, with_bot(rows, events, "NULL"))), "D102")
    assert finding.severity == severity


@pytest.mark.parametrize(("word", "severity"), [("null", "tip"), ("test", None)])
def test_a_rare_placeholder_is_a_tip_unless_it_may_be_a_name(word, severity, path):
    rows = messy.healthy(users=300, items=200)
    finding = messy.found(check(messy.write(path, with_bot(rows, 3, word))), "D102")
    assert (finding and finding.severity) == severity


@pytest.mark.parametrize("nobody", [0, -1])
def test_a_number_that_stands_for_nobody_is_found(nobody):
    rng = np.random.default_rng(0)
    events = [(int(user), int(rng.integers(200))) for user in rng.integers(1, 300, 3000)]
    events += [(nobody, int(item)) for item in rng.integers(0, 200, 400)]
    finding = messy.found(check(Interactions.of(events)), "D102")
    assert finding.severity == "warning"
    assert f"User {nobody} has 11.8 %" in finding.means


def test_an_item_that_is_no_item_is_found(path):
    rows = messy.healthy(users=300, items=200)
    rows += [(u, "POSTAGE", w, t + 60 * n) for n, (u, _, w, t) in enumerate(rows[::3])]
    finding = messy.found(check(messy.write(path, rows)), "D102")
    assert "Item 'POSTAGE' has 25 % of the rows" in finding.means
    # One item may rule a small catalogue whose popularity is steep; it rules no even one.
    assert finding.severity == "tip"
    even = [(u, f"i{n % 200:03}", w, t) for n, (u, _, w, t) in enumerate(rows[:4400])]
    finding = messy.found(check(messy.write(path, even + rows[4405:])), "D102")
    assert finding.severity == "warning"


DRAWS = {
    "even": lambda rng, n: rng.poisson(12, n) + 1,
    "lognormal": lambda rng, n: np.ceil(rng.lognormal(3, 1, n)),
    "geometric": lambda rng, n: rng.geometric(0.1, n),
    "power": lambda rng, n: np.ceil((rng.pareto(1.5, n) + 1) * 5),
    "zipf": lambda rng, n: rng.multinomial(n * 20, (w := 1 / (1 + np.arange(n))) / w.sum()) + 1,
}


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
@pytest.mark.parametrize("n", [15, 100, 1000])
def test_counts_of_one_distribution_hardly_ever_stand_out(draw, n):
    rng = np.random.default_rng(7)
    alarms = sum(
        standing_out(np.sort(draw(rng, n))[::-1].astype(np.int64))[0] > 0 for _ in range(400)
    )
    assert alarms <= 12  # 3 %; three gaps with a chance of .001 each would be 1.2


def test_the_chance_of_a_gap_is_that_of_an_f_distribution():
    # The ten counts below the first have the ratios 2, 2, ...: Hill's estimate is 9 logs of 2,
    # 8 of 2, ..., their mean (9 + 8 + ... + 1) / 9 = 5 times log 2.
    counts = np.array([2**17] + [2**n for n in range(10, 0, -1)], dtype=np.int64)
    large, chance = standing_out(counts)
    assert large == 0
    assert chance == pytest.approx((1 + 7 / 5 / 9) ** -9)
    assert chance > CHANCE


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        (lambda one: f" {one}", "white space"),
        (lambda one: f"{one} ", "white space"),
        (str.upper, "case"),
    ],
)
def test_one_user_written_in_two_ways_is_a_warning_with_ids_and_lines(changed, what, path):
    rows = messy.healthy()
    user = rows[100][0]
    for n in range(100, len(rows)):
        if rows[n][0] == user:
            rows[n] = (changed(user), *rows[n][1:])
    finding = messy.found(check(messy.write(path, rows)), "D103")
    assert finding.severity == "warning"
    assert finding.numbers[f"user ids that differ by {what}"] == 2
    assert sum("differ by" in name for name in finding.numbers) == 1
    assert repr(changed(user)) in finding.numbers["such user ids"][0]
    assert "line 102" in finding.numbers["such user ids at"]


@pytest.mark.parametrize(
    ("way", "what"), [("{:03}", "leading zeros"), ("{}.0", '".0"'), ("{:05}", "leading zeros")]
)
def test_numbers_written_in_two_ways_are_a_warning(way, what, path):
    rows = [(int(u[1:]), i, w, t) for u, i, w, t in messy.healthy()]
    rows = [(way.format(u) if n % 2 and u == 7 else u, *r) for n, (u, *r) in enumerate(rows)]
    rows.append(("x7", "i001", 1, messy.START))  # one text among them: all become text
    finding = messy.found(check(messy.write(path, rows)), "D103")
    assert finding.severity == "warning"
    assert finding.numbers[f"user ids that differ by {what}"] == 2
    assert finding.numbers["such user ids"] == (f"{way.format(7)!r} = '7'",) or finding.numbers[
        "such user ids"
    ] == (f"'7' = {way.format(7)!r}",)


def test_ids_of_one_form_are_fine_whatever_the_form(path):
    forms = ("{:05}", "AB-{}", "user {}", "{}-x", "00{}", "{}e5x")
    for form in forms:
        rows = [(form.format(int(u[1:])), i, w, t) for u, i, w, t in messy.healthy()]
        assert messy.found(check(messy.write(path, rows)), "D103") is None, form


def test_codes_in_which_case_matters_are_left_alone(path):
    rng = np.random.default_rng(1)
    letters = np.array(list("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"))
    codes = np.unique(["".join(rng.choice(letters, 3)) for _ in range(3000)])
    assert len({one.lower() for one in codes.tolist()}) < len(codes)
    events = [(n % 50, code) for n, code in enumerate(codes.tolist())]
    events += [((n + 1) % 50, code) for n, code in enumerate(codes.tolist())]
    assert messy.found(check(Interactions.of(events)), "D103") is None


def test_ids_like_fractions_are_a_tip_because_reading_mends_them(path):
    rows = [(f"{int(u[1:])}.0", i, w, t) for u, i, w, t in messy.healthy()]
    finding = messy.found(check(messy.write(path, rows)), "D103")
    assert finding.severity == "tip"
    assert "Int64" in finding.remedies[0]
    frame = pd.DataFrame({"user": [1.0, 2.0, np.nan], "item": ["a", "b", "a"]})
    assert messy.found(check(frame), "D103").severity == "tip"


def test_ids_with_decimals_are_the_wrong_column():
    frame = pd.DataFrame({"user": [1.5, 2.25, 3.0], "item": ["a", "b", "a"]})
    finding = messy.found(check(frame), "D103")
    assert finding.severity == "warning"
    assert "hardly the column of the user" in finding.means


def test_types_that_are_mixed_are_told_in_tables_and_in_json(tmp_path):
    frame = pd.DataFrame({"user": [1, "1", 2, "b"] * 5, "item": list("abcde") * 4}, dtype=object)
    finding = messy.found(check(frame), "D103")
    assert finding.numbers["types of user ids"] == ("int", "str")
    path = tmp_path / "log.jsonl"
    lines = [json.dumps({"user": n if n % 2 else str(n), "item": f"i{n % 4}"}) for n in range(20)]
    path.write_text("\n".join(lines))
    assert messy.found(check(path), "D103").severity == "warning"


def test_a_few_texts_among_numbers_are_a_tip(path):
    rows = [(u, int(i[1:]), w, t) for u, i, w, t in messy.healthy(items=120)]
    rows.append(("u001", "BANK CHARGES", 1, messy.START))
    finding = messy.found(check(messy.write(path, rows)), "D103")
    assert finding.severity == "tip"
    assert finding.numbers["item ids that are no numbers"] == ("'BANK CHARGES'",)


def test_numbers_that_a_spreadsheet_rewrote_are_a_warning(path):
    rows = messy.healthy()
    rows = [(u if u != "u005" else "4.05183E+12", *row) for u, *row in rows]
    finding = messy.found(check(messy.write(path, rows)), "D103")
    assert finding.severity == "warning"
    assert finding.numbers["user ids in scientific notation"] == ("'4.05183E+12'",)


def test_white_space_around_all_ids_of_a_column_is_a_tip(path):
    rows = [(f"{u}  ", *row) for u, *row in messy.healthy()]
    assert messy.found(check(messy.write(path, rows)), "D103").severity == "tip"
