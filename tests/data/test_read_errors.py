import csv
import gzip
import json
import random
import re

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tastemap as tm


def refused(source, kind=tm.InputError, **options):
    """The text of the error that reading ends in; all three parts must be there."""
    with pytest.raises(kind) as caught:
        tm.read(source, quiet=True, **options)
    assert caught.value.given
    assert caught.value.allowed
    assert caught.value.remedy
    return str(caught.value)


# Paths and files


def test_a_missing_file_is_named_with_its_neighbour(write, tmp_path):
    write("user,item\n1,2\n", "ratings.csv")
    text = refused(tmp_path / "ratings.dat", tm.UsageError)
    assert "ratings.dat does not exist" in text
    assert "did you mean ratings.csv?" in text


def test_a_folder_is_no_log(tmp_path):
    assert "is a folder" in refused(tmp_path, tm.UsageError)


def test_an_empty_file_is_refused(write):
    assert "log.csv is empty" in refused(write(""))


def test_a_file_of_blank_lines_is_refused(write):
    assert "no separator" in refused(write("\n\n\n"))


def test_a_header_without_rows_is_refused(write):
    text = refused(write("user,item,rating\n"))
    assert "has columns (user, item, rating) and no rows" in text


def test_one_column_is_no_log(write):
    text = refused(write("user\n1\n2\n"))
    assert "no separator" in text
    assert "'user'" in text


def test_a_binary_file_is_refused(write):
    text = refused(write(bytes(range(256)) * 10))
    assert "log.csv is no text: line 1 holds a NUL byte" in text


def test_a_nul_byte_deep_in_a_text_is_found_with_its_line(write):
    text = refused(write(b"user,item\n" + b"1,2\n" * 400_000 + b"1\0,2\n"))
    assert "line 400,002 holds a NUL byte" in text


@pytest.mark.parametrize(
    ("head", "what"),
    [(b"PK\x03\x04", "Excel"), (b"BZh9", "bzip2"), (b"SQLite format 3\0", "SQLite")],
)
def test_other_formats_are_called_by_name(write, head, what):
    assert what in refused(write(head + b"\0" * 100, "log.xlsx"))


def test_a_damaged_parquet_file_is_refused(write):
    assert "log.parquet cannot be read" in refused(write(b"PAR1" + b"x" * 100, "log.parquet"))


def test_parquet_inside_gzip_is_refused(write):
    assert "gunzip log.parquet.gz" in refused(write(gzip.compress(b"PAR1xx"), "log.parquet.gz"))


@pytest.mark.parametrize("cut", [1, 9, 200])
def test_a_truncated_gzip_file_is_refused(write, cut):
    packed = gzip.compress(b"user,item\n" + b"".join(b"%d,2\n" % i for i in range(5000)))
    assert "log.csv.gz is truncated" in refused(write(packed[:-cut], "log.csv.gz"))


def test_a_damaged_gzip_file_is_refused(write):
    packed = bytearray(gzip.compress(b"user,item\n" + b"".join(b"%d,2\n" % i for i in range(5000))))
    packed[len(packed) // 2] ^= 255
    assert "log.csv.gz is a damaged gzip file" in refused(write(bytes(packed), "log.csv.gz"))


@pytest.fixture
def zstd(tmp_path):
    """A zstd file of several blocks, as bytes."""
    import duckdb

    path = tmp_path / "whole.zst"
    duckdb.execute(
        "copy (select hash(i) as user, hash(i + 1) as item from range(40000) t(i)) "
        f"to '{path}' (format csv, compression zstd)"
    )
    return path.read_bytes()


@pytest.mark.parametrize("share", [0.01, 0.5, 0.99, 0.999999])
def test_a_truncated_zstd_file_is_refused(write, zstd, share):
    cut = zstd[: int(len(zstd) * share)]
    assert "log.csv.zst is truncated" in refused(write(cut, "log.csv.zst"))


def test_text_inside_zstd_must_be_utf_8(write, tmp_path):
    # A zstd frame of one raw block: magic, flags (single segment), size, block header, bytes.
    raw = "user,item\nzoë,1\nbob,2\n".encode("latin-1")
    header = (len(raw) << 3 | 1).to_bytes(3, "little")
    frame = b"\x28\xb5\x2f\xfd" + bytes([0b00100000, len(raw)]) + header + raw
    assert "1 lines that are not UTF-8" in refused(write(frame, "log.csv.zst"))


def test_one_json_array_is_refused(write):
    text = refused(write(json.dumps([{"user": 1, "item": 2}]), "log.json"))
    assert "is one JSON array" in text
    assert "jq -c '.[]' log.json" in text


def test_broken_json_lines_are_shown_with_their_lines(write):
    text = refused(write('{"user": 1, "item": 2}\n\n{"user": 1, \n[1, 2]\n', "log.json"))
    assert "log.json: 2 rows cannot be read" in text
    assert "line 3: is no JSON object" in text
    assert "line 4: is no JSON object" in text


def test_nested_json_is_no_id(write):
    text = refused(write('{"user": {"id": 1}, "item": 2}\n{"user": 2, "item": 3}\n', "log.json"))
    assert """line 1: user = '{"id":1}' is no id""" in text


def test_a_json_line_of_an_empty_key_is_no_reason_to_fail(write):
    text = refused(write('{"": 1}\n{"": 2}\n', "log.json"))
    assert "none of its first lines is a JSON object with names" in text


def test_a_line_of_many_megabytes_is_a_bad_row(write):
    text = refused(write(f"user,item\n1,2\n{'x' * 20_000_000},3\n4,5\n"))
    assert "line 3: " in text
    assert len(text) < 1000


def test_a_table_without_rows_is_refused():
    assert "has columns (user, item) and no rows" in refused(pl.DataFrame({"user": [], "item": []}))


def test_things_that_are_no_table_are_refused():
    assert "a list to read" in refused([(1, 2)], tm.UsageError)


def test_a_table_with_two_columns_of_one_name_is_refused():
    table = pd.DataFrame([[1, 2]], columns=["user", "user"])
    assert "cannot be read" in refused(table)


# Columns


def test_a_column_that_cannot_be_guessed_is_asked_for(write):
    text = refused(write("user,zipcode,2x\n1,2,3\n"), tm.UsageError)
    assert "which column of log.csv holds the item? It has: user, zipcode, 2x" in text
    assert "--item" in text


def test_a_wrong_column_lists_the_columns_and_the_closest(write):
    text = refused(write("userId,movieId\n1,2\n"), tm.UsageError, user="userid")
    assert "user = 'userid', which is no column of log.csv" in text
    assert "userId, movieId" in text
    assert "did you mean 'userId'?" in text


def test_a_column_number_beyond_the_last_is_refused(write):
    text = refused(write("1\t2\t3\n4\t5\t3\n"), tm.UsageError, item=7)
    assert "item = column 7, and log.csv (which has no header) has 3 columns" in text


def test_one_column_in_two_roles_is_refused(write):
    text = refused(write("user,item\n1,2\n"), tm.UsageError, item="user", user="user")
    assert "column 'user' as both user and item" in text


def test_an_unknown_rule_for_repeats_is_refused(write):
    assert "repeats='mean'" in refused(write("user,item\n1,2\n"), tm.UsageError, repeats="mean")


def test_a_threshold_needs_weights(write):
    text = refused(write("user,item\n1,2\n2,1\n"), tm.UsageError, threshold=4)
    assert "threshold=4 for a log without a weight column" in text


def test_a_threshold_that_nothing_reaches_is_refused(write):
    text = refused(write("user,item,rating\n1,2,3\n2,1,3\n"), threshold=4)
    assert "no event of this log has weight >= 4" in text


# Too little


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("user,item\n7,1\n7,2\n", "only one user: 7"),
        ("user,item\n1,x\n2,x\n", "only one item: 'x'"),
    ],
)
def test_one_user_or_one_item_is_nothing_to_recommend(write, text, said):
    assert said in refused(write(text))


def test_one_item_left_by_a_threshold_is_nothing_to_recommend(write):
    text = refused(write("user,item,rating\n1,a,5\n2,a,5\n2,b,1\n"), threshold=4)
    assert "after threshold=4 the log has only one item: 'a'" in text


# Bad rows


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("1,2", "line 3: 2 fields instead of 3: '1,2'"),
        ("1", "line 3: 1 field instead of 3: '1'"),
        ("1,2,3,4", "line 3: 4 fields instead of 3: '1,2,3,4'"),
        (",2,3", "line 3: user is missing"),
        ("1,,3", "line 3: item is missing"),
        ("1,2,", "line 3: weight (rating) is missing"),
        ("1,2,x", "line 3: weight (rating) = 'x' is not a number"),
        ("1,2,NaN", "line 3: weight (rating) = 'NaN' is not a number"),
        ("1,2,inf", "line 3: weight (rating) = 'inf' is infinite or too large"),
        ("1,2,1e39", "line 3: weight (rating) = '1e39' is infinite or too large"),
        ("1,2,-1", "line 3: weight (rating) = '-1' is negative"),
        ('1,2,"3,5"', "line 3: weight (rating) = '3,5' is not a number"),
        ('1,"2"x,3', "line 3: a quote that is not closed, or text after it"),
    ],
)
def test_a_bad_row_is_shown_with_line_and_value(write, row, said):
    text = refused(write(f"user,item,rating\n1,2,3\n{row}\n2,1,4\n"))
    assert "log.csv: 1 row cannot be read" in text
    assert said in text
    assert "skip_bad=True (--skip-bad)" in text


@pytest.mark.parametrize("value", ["x", "", "99.99.2020"])
def test_a_bad_time_is_shown_with_line_and_value(write, value):
    text = refused(write(f"user,item,time\n1,2,30\n2,1,{value}\n1,1,40\n"))
    assert "line 3: time" in text
    assert f"'{value}' is not unix seconds" in text if value else "is missing" in text


def test_decimal_commas_get_advice(write):
    text = refused(write("user;item;rating\n1;2;3,5\n2;1;4,0\n3;1;2,5\n"))
    assert "line 2: weight (rating) = '3,5' is not a number" in text
    assert "write decimals with a point" in text


def test_five_bad_rows_are_shown_and_all_are_counted(write):
    text = refused(write("user,item,rating\n1,2,3\n" + "1,2,x\n" * 20 + "1\n"))
    assert "21 rows cannot be read" in text
    assert re.findall(r"line (\d+)", text) == ["3", "4", "5", "6", "7"]
    assert "and 16 more" in text


def test_a_log_of_bad_rows_alone_cannot_be_skipped(write):
    log = write("user,item,rating\n1,2,x\n2,1,y\n")
    text = refused(log, weight="rating", skip_bad=True)
    assert "2 rows cannot be read" in text
    assert "skip_bad" not in text


def test_a_quote_that_is_never_closed_is_an_error_even_when_skipping(write):
    text = refused(write('user,item\n1,2\n3,"4\n5,6\n7,8\n'), skip_bad=True)
    assert "line 3: a quote that is not closed" in text
    assert "the lines after it would be lost" in text


def test_bad_rows_of_tables_are_shown_with_their_number():
    text = refused(pd.DataFrame({"user": [1, 2, None], "item": [1, 2, 3], "rating": [1, -2, 1]}))
    assert "row 1 (from 0): weight (rating) = '-2" in text
    assert "row 2 (from 0): user is missing" in text


@pytest.mark.parametrize("bad", [np.nan, np.inf, -1.0])
def test_bad_weights_of_tables_are_refused(bad):
    assert "1 row cannot" in refused(
        pl.DataFrame({"user": [1, 2], "item": [1, 2], "rating": [1.0, bad]})
    )


def test_lines_are_those_of_the_unpacked_text(write):
    text = "\n  \nuser,item\n1,2\n" + "\n" * 3 + '"a\nb",3\n5\n6,\n'
    said = refused(write(gzip.compress(text.encode()), "log.gz"))
    assert "line 10: 1 field instead of 2" in said
    assert "line 11: item is missing" in said


def test_bad_rows_deep_in_a_long_file_have_their_line(write):
    lines = [f"{i},{i % 9},3" for i in range(500_000)]
    lines[400_000] = "1,2,x"
    lines[450_000] = "1,2"
    text = refused(write("user,item,rating\n" + "\n".join(lines)))
    assert "line 400,002: weight (rating) = 'x'" in text
    assert "line 450,002: 2 fields instead of 3" in text


@settings(max_examples=25)
@given(st.integers(0, 10**9))
def test_lines_of_bad_rows_are_physical_lines(tmp_path_factory, seed):
    draw = random.Random(seed)
    path = tmp_path_factory.mktemp("lines") / "log.csv"
    kinds = ["good", "good", "quoted", "blank", "short", "long", "value", "quoted value"]
    text, line, wanted = "user,item,rating\n1,2,3\n2,1,3\n", 4, []
    for kind in draw.choices(kinds, k=draw.randrange(1, 30)):
        body = {
            "good": "3,4,5",
            "quoted": '"a\nb\n\nc","d ""x""\n",5',
            "blank": "",
            "short": "1,2",
            "long": "1,2,3,4",
            "value": "1,2,x",
            "quoted value": '"a\n\n",2,x',
        }[kind]
        if kind not in ("good", "quoted", "blank"):
            wanted.append(line)
        text += body + "\n"
        line += 1 + body.count("\n")
    path.write_text(text)
    if not wanted:
        assert len(tm.read(path, quiet=True, repeats="keep")) >= 2
        return
    said = refused(path)
    assert list(map(int, re.findall(r"line (\d+)", said))) == wanted[:5]
    count = int(re.search(r"(\d+) rows? cannot", said)[1])
    assert count == len(wanted)
    kept = tm.read(path, quiet=True, repeats="keep", skip_bad=True)
    good = [row for row in csv.reader(text.splitlines(keepends=True)[1:]) if row]
    assert len(kept) == len(good) - len(wanted)


def test_errors_leave_no_copies_behind(write, tmp_path, monkeypatch):
    import tempfile

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    refused(write(gzip.compress(b"user,item\n1\n"), "log.csv.gz"))
    assert list((tmp_path / "temporary").iterdir()) == []
