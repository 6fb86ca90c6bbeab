"""Rules about names: tables that do not join, swapped columns, damaged text."""

import pytest

import messy
import tastemap as tm
from tastemap.data.vocabulary import Vocabulary
from tastemap.diagnosis.log import check


@pytest.fixture
def path(tmp_path):
    return tmp_path / "log.csv"


@pytest.fixture
def table(tmp_path):
    return tmp_path / "items.csv"


def titles(path, ids, title="A Thing"):
    path.write_text("item_id,title\n" + "\n".join(f"{one},{title} {one}" for one in ids) + "\n")
    return path


IDS = [f"i{n:03}" for n in range(40)]


@pytest.mark.parametrize(("known", "is_found"), [(40, False), (38, False), (37, True)])
def test_a_table_should_know_nineteen_items_of_twenty(known, is_found, path, table):
    messy.write(path, messy.healthy())
    finding = messy.found(check(path, items=titles(table, IDS[:known])), "D108")
    assert (finding is not None) == is_found
    if is_found:
        assert finding.severity == "warning"
        assert finding.numbers["items with a name"] == "92.5 %"
        assert finding.numbers["log has"] == ("'i037'", "'i038'", "'i039'")


def test_ids_that_are_written_differently_are_recognised(path, table):
    rows = [(u, int(i[1:]), w, t) for u, i, w, t in messy.healthy()]
    messy.write(path, rows)
    finding = messy.found(check(path, items=titles(table, [f" 0{n}x" for n in range(40)])), "D108")
    assert "Without white space" not in finding.means
    finding = messy.found(check(path, items=titles(table, [f"00{n}" for n in range(40)])), "D108")
    assert finding.severity == "error"
    assert "'.0', 100 % would" in finding.means
    assert finding.causes == ("The ids are written differently on the two sides.",)


def test_a_table_is_not_asked_for(path):
    messy.write(path, messy.healthy())
    outcome = next(o for o in check(path).diagnosis.outcomes if o.code == "D108")
    assert (outcome.state, outcome.reason) == (
        "not applicable",
        "no table of items was given: items= (--items)",
    )


def test_a_table_whose_columns_cannot_be_told_is_refused(path, table):
    messy.write(path, messy.healthy())
    table.write_text("colour,size\nred,1\n")
    with pytest.raises(tm.UsageError, match=r"which column of items.csv holds the item ids\?"):
        check(path, items=table)


def test_swapped_names_are_recognised(path):
    messy.write(path, messy.healthy())
    finding = messy.found(check(path, user="item_id", item="user_id"), "D113")
    assert finding.severity == "warning"
    assert finding.numbers == {"column of the user": "item_id", "column of the item": "user_id"}
    assert messy.found(check(path, user="user_id", item="item_id"), "D113") is None


def test_a_table_that_knows_the_users_tells_that_columns_are_swapped(path, table):
    rows = [(i, u) for u, i, _, _ in messy.healthy()]
    path.write_text("\n".join(",".join(row) for row in rows))
    checkup = check(path, items=titles(table, IDS))
    assert messy.found(checkup, "D113") is not None
    shown = {finding.code: finding.also for finding in checkup.diagnosis}
    assert shown["D113"] == ("D108",)
    path.write_text("\n".join(",".join(reversed(row)) for row in rows))
    assert messy.severities(check(path, items=table)) == {}


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("Am\u00c3\u00a9lie", "'AmÃ©lie 3 = Amélie 3'"),
        ("it\u00e2\u20ac\u2122s", "'itâ€™s 3 = it’s 3'"),
        ("Am\ufffdlie", "'Am\ufffdlie 3'"),
    ],
)
def test_damaged_titles_are_a_tip_and_mended_where_that_can_be(title, shown, path, table):
    messy.write(path, messy.healthy())
    titles(table, IDS)
    lines = table.read_text().split("\n")
    table.write_text("\n".join([*lines[:4], f"i003,{title} 3", *lines[5:]]))
    finding = messy.found(check(path, items=table), "D114")
    assert finding.severity == "tip"
    assert any(value == (shown,) for value in finding.numbers.values())


@pytest.mark.parametrize("title", ["Amélie", "SÃO PAULO", "Â propos", "naïve – “façade”", "東京"])
def test_letters_with_marks_are_no_damage(title, path, table):
    messy.write(path, messy.healthy())
    assert messy.found(check(path, items=titles(table, IDS, title)), "D114") is None


def test_ids_that_lost_letters_may_have_become_one(path):
    rows = [("Andr\ufffd" if u == "u003" else u, *row) for u, *row in messy.healthy()]
    assert messy.found(check(messy.write(path, rows)), "D114").severity == "warning"


def test_titles_in_the_log_itself_are_looked_at(path):
    rows = [(*row, f"T\u00c3\u00a9a {row[1]}") for row in messy.healthy()]
    messy.write(path, rows, header=(*messy.HEADER, "title"))
    assert messy.found(check(path), "D114").numbers["titles with mangled letters"] == 40


def test_reading_titles_still_refuses_a_table_of_other_items(table):
    titles(table, IDS)
    with pytest.raises(tm.InputError, match=r"items.csv holds none of the log's items"):
        tm.data.titles.read_titles(table, Vocabulary.of(["x", "y"]))
