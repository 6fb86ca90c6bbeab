"""`check`: reads whatever is there, names what is wrong, fits a terminal, and never cries wolf."""

import inspect
import json

import numpy as np
import pandas as pd
import polars as pl
import pytest

import messy
import tastemap as tm
from tastemap.diagnosis.finding import SECTIONS
from tastemap.diagnosis.log import LOG_RULES, check


@pytest.fixture
def path(tmp_path):
    return tmp_path / "log.csv"


def test_a_healthy_file_has_a_passport_and_no_finding(path):
    rows = messy.healthy()
    checkup = check(messy.write(path, rows))
    assert messy.severities(checkup) == {}
    assert checkup.passport.events == len(rows)
    assert checkup.passport.resolution == "second"
    assert checkup.exit_code(strict=True) == 0
    assert "log.csv: nothing found" in str(checkup)


WORLDS = {
    "noise": lambda: tm.synthetic.noise(),
    "small noise": lambda: tm.synthetic.noise(users=20, items=40, per_user=6),
    "popularity": lambda: tm.synthetic.popularity_only(exponent=1.5),
    "steep popularity": lambda: tm.synthetic.popularity_only(users=50, exponent=4.0),
    "groups": lambda: tm.synthetic.taste_groups(),
    "few groups": lambda: tm.synthetic.taste_groups(users=30, items=40, groups=2, per_user=8),
    "chain": lambda: tm.synthetic.markov_chain(),
    "demo": lambda: tm.synthetic.demo_world(),
}


@pytest.mark.parametrize("world", WORLDS.values(), ids=WORLDS)
def test_healthy_worlds_get_tips_at_most_as_a_log_and_as_a_file(world, tmp_path):
    log = world()
    table = pd.DataFrame(
        {
            "user": log.users.decode(log.user),
            "item": log.items.decode(log.item),
            "weight": log.weight,
            "time": log.time,
        }
    )
    table.to_csv(tmp_path / "world.csv", index=False)
    for source in (log, table, tmp_path / "world.csv"):
        assert set(messy.severities(check(source)).values()) <= {"tip"}


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("users", [12, 40, 150])
def test_small_healthy_files_get_no_warning(seed, users, path):
    rows = messy.healthy(users=users, items=60, per_user=12, seed=seed, ratings=True)
    assert set(messy.severities(check(messy.write(path, rows))).values()) <= {"tip"}


def test_lines_are_those_of_the_file_behind_blank_lines_quoted_breaks_and_bad_records(path):
    rows = messy.healthy(users=10)
    text = ["user_id,item_id,rating,timestamp,comment"]
    text += [f"{u},{i},{w},{t},fine" for u, i, w, t in rows]
    text[5] += '"'  # the quote is part of plain text, and stays one
    text[5] = text[5].replace('fine"', '"two\nlines"')
    text.insert(9, "")
    text.insert(12, "one field")
    text.append("u001,i001,-3,1700000000,bad")
    path.write_text("\n".join(text) + "\n")
    lines = path.read_text().split("\n")
    checkup = check(path)
    assert messy.found(checkup, "D107").numbers["the first"] == (
        f"line {lines.index('one field') + 1}: 1 field instead of 5: 'one field'",
    )
    negative = messy.found(checkup, "D106").numbers["negative at"]
    assert negative == (f"line {lines.index('u001,i001,-3,1700000000,bad') + 1}",)


def test_lines_are_right_where_each_record_is_one_line(path):
    rows = messy.healthy()
    lines = [f"{u},{i},{w},{t}" for u, i, w, t in rows]
    lines[99] = "torn"
    lines[300] = "u1,i1,-1,1700000000"
    path.write_text("\n".join([",".join(messy.HEADER), *lines]))  # no line end at the end
    checkup = check(path)
    assert "line 101: 1 field instead of 4" in messy.found(checkup, "D107").numbers["the first"][0]
    assert messy.found(checkup, "D106").numbers["negative at"] == ("line 302",)


def test_rows_of_tables_are_numbered_from_0():
    rows = messy.healthy()
    rows[7] = (*rows[7][:2], -1, rows[7][3])
    for make in (pd.DataFrame, lambda data: pl.DataFrame(data, orient="row")):
        frame = make([list(row) for row in rows])
        frame.columns = list(messy.HEADER)
        numbers = messy.found(check(frame), "D106").numbers
        assert numbers["negative at"] == ("row 7 (from 0)",)


def test_json_lines_are_read_and_named_by_line(tmp_path):
    lines = [
        json.dumps({"user": u, "item": i, "time": t}) for u, i, _, t in messy.healthy(users=20)
    ]
    lines[4] = "[1, 2]"
    path = tmp_path / "log.jsonl"
    path.write_text("\n".join(lines))
    checkup = check(path)
    assert messy.found(checkup, "D107").numbers["the first"] == ("line 5: is no JSON object",)
    assert checkup.passport.events == len(lines) - 1


def test_a_log_that_was_read_can_be_checked_and_is_not_changed():
    log = tm.synthetic.noise()
    before = log.fingerprint()
    assert check(log).passport.events == len(log)
    assert log.fingerprint() == before


def test_the_columns_can_be_named(path):
    rows = [(t, i, u) for u, i, _, t in messy.healthy()]
    messy.write(path, rows, header=("a", "b", "c"))
    checkup = check(path, user="c", item="b", time="a")
    assert checkup.passport.users == 60
    assert messy.severities(checkup) == {}


def test_the_text_fits_a_terminal_and_begins_with_the_passport(path):
    rows = messy.healthy(ratings=True)
    bad = [("unknown", item, 0, 4_000_000_000) for _, item, _, _ in rows[:200]]
    long = path.with_name("a_name_that_is_rather_long_and_goes_on_and_on_for_a_terminal.csv")
    checkup = check(messy.write(long, [*rows, *bad, *bad, ("", "", "", "")]))
    text = str(checkup)
    assert max(map(len, text.splitlines())) < 80
    assert text.index("events ") < text.index("density") < text.index(" warning")
    assert next(iter(checkup.diagnosis)).severity == "warning"
    assert checkup.exit_code() == 0
    assert checkup.exit_code(strict=True) == 1


def test_the_json_is_plain(path):
    rows = messy.healthy(ratings=True)
    bad = [("unknown", item, 0, 4_000_000_000) for _, item, _, _ in rows[:200]]
    checkup = check(messy.write(path, [*rows, *bad, *bad, ("", "", "", "")]))
    written = json.loads(json.dumps(checkup.to_json(), allow_nan=False))
    assert written["passport"]["events"] == checkup.passport.events
    assert {one["code"] for one in written["findings"]} >= {"D101", "D102", "D104", "D106"}
    assert len(written["outcomes"]) == len(LOG_RULES)


def test_a_rule_can_be_left_out_and_an_unknown_code_is_refused(path):
    messy.write(path, messy.healthy(ratings=True))
    assert "D106" in check(path).diagnosis.codes
    assert "D106" not in check(path, ignore=["D106"]).diagnosis.codes
    with pytest.raises(tm.UsageError, match=r"ignore='D999'\n  allowed: codes of rules: D101, "):
        check(path, ignore=["D999"])


def test_what_cannot_be_read_at_all_is_an_error_of_three_parts(path):
    with pytest.raises(tm.UsageError, match=r"log.csv does not exist\n  allowed: .*\n  to do: "):
        check(path)
    path.write_text("user,item\n")
    with pytest.raises(tm.InputError, match=r"log.csv has columns \(user, item\) and no rows"):
        check(path)
    path.write_text("colour,size\nred,1\n")
    with pytest.raises(tm.UsageError, match=r"which column of log.csv holds the user\?"):
        check(path)


def test_a_file_of_bad_rows_alone_is_reported_and_not_refused(path):
    path.write_text("user,item,rating\n,1,x\n,2,y\n")
    checkup = check(path)
    assert checkup.passport is None
    assert messy.severities(checkup) == {"D107": "error"}
    assert "no row could be read" in str(checkup)
    assert checkup.to_json()["passport"] is None
    assert checkup.exit_code() == 1


@pytest.mark.parametrize("rule", LOG_RULES, ids=lambda rule: rule.code)
def test_every_rule_is_documented_in_four_sections(rule):
    assert all(rule.section(name) for name in SECTIONS)
    assert len(rule.title) < 75
    assert inspect.getdoc(rule.check).index("Symptom") > 0


def test_codes_are_unique_and_in_order():
    codes = [rule.code for rule in LOG_RULES]
    assert codes == sorted(set(codes))
    assert codes[:8] == [f"D10{n}" for n in range(1, 9)]


def test_the_file_is_scanned_once(path, monkeypatch):
    messy.write(path, messy.healthy())
    from tastemap.data.relation import Relation

    scans = []
    query = Relation.query

    def counted(self, sql):
        if type(self) is Relation and "from raw" in sql and "create" not in sql.split("from")[0]:
            scans.append(sql)
        return query(self, sql)

    monkeypatch.setattr(Relation, "query", counted)
    check(path)
    assert scans == []  # whatever is asked is asked of the rows in memory


def test_a_listening_log_gets_tips_only(path):
    rng = np.random.default_rng(3)
    rows = [
        (f"u{rng.integers(80)}", f"song{int(rng.pareto(1.2) * 8) % 90}", 1, messy.START + 97 * n)
        for n in range(4000)
    ]
    assert set(messy.severities(check(messy.write(path, rows)))) == {"D101"}
    assert messy.found(check(path), "D101").severity == "tip"
