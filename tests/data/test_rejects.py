"""Rows kept in memory, and the lines on which they stand."""

import csv

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tastemap.data.engine import connect
from tastemap.data.rejects import find_rejects, keep, lines_in, places, rejected_records, rows_in
from tastemap.data.relation import relation_of

FIELDS = st.text(st.sampled_from('ab1, \n"'), max_size=4)


@settings(max_examples=40)
@given(
    records=st.lists(st.tuples(FIELDS, FIELDS), min_size=1, max_size=12),
    blank=st.sets(st.integers(1, 12), max_size=2),
    torn=st.sets(st.integers(1, 12), max_size=2),
)
def test_lines_equal_those_at_which_the_rows_were_written(tmp_path_factory, records, blank, torn):
    path = tmp_path_factory.mktemp("rows") / "log.csv"
    began, line = [], 2
    with path.open("w", newline="") as file:
        file.write("user,item\n")
        writer = csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_ALL)
        for n, record in enumerate(records):
            if n in blank:
                file.write("\n")
                line += 1
            if n in torn:
                file.write("torn\n")
                line += 1
            began.append(line)
            writer.writerow(record)
            line += 1 + sum(field.count("\n") for field in record)
    with connect() as connection:
        relation = keep(relation_of(connection, path, path.parent), [0, 1])
        assert rows_in(relation) == len(records)
        assert lines_in(relation) == line - 1
        found = places(relation, list(range(1, len(records) + 1)))
    assert found == {n: f"line {at}" for n, at in enumerate(began, start=1)}


@pytest.mark.parametrize("end", ["\n", ""])
@pytest.mark.parametrize("torn", [(), (2,), (3, 4, 9)])
def test_one_line_each_is_counted_and_not_read(write, end, torn, monkeypatch):
    lines = [f"torn{n}" if n in torn else f"u{n},i{n}" for n in range(2, 12)]
    path = write("user,item\n" + "\n".join(lines) + end)
    with connect() as connection:
        relation = keep(relation_of(connection, path, path.parent), [0, 1])
        monkeypatch.setattr("tastemap.data.rejects._records", lambda *_: pytest.fail("was read"))
        rows = [n for n in range(2, 12) if n not in torn]
        found = places(relation, list(range(1, len(rows) + 1)))
        shown = find_rejects(relation, [], rejected_records(relation)).shown
    assert found == {n: f"line {line}" for n, line in enumerate(rows, start=1)}
    assert [one.split(":")[0] for one in shown] == [f"line {line}" for line in torn]


def test_kept_rows_are_those_of_the_file_and_records_are_remembered(write):
    path = write('user,item,note\nann,tea,"a, b"\nbob\neve,rum,x\n')
    with connect() as connection:
        relation = relation_of(connection, path, path.parent)
        records = rejected_records(relation)
        kept = keep(relation, [0, 1])
        assert kept.query("select n, c0, c1 from raw") == [(1, "ann", "tea"), (2, "eve", "rum")]
        assert rejected_records(kept) == records == {3: "1 field instead of 3: 'bob'"}
