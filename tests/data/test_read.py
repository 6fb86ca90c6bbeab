import gzip
import json
import uuid
from datetime import UTC, date, datetime, timedelta, timezone

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import tastemap as tm
from tastemap.data.engine import connect

EVENTS = [("ann", "tea", 4, 20), ("bob", "milk", 5, 10), ("ann", "milk", 1, 30)]
CSV = "user,item,rating,timestamp\n" + "".join(f"{u},{i},{r},{t}\n" for u, i, r, t in EVENTS)


def rows(log):
    """The log as (user, item, weight, time) tuples in its order."""
    time = [None] * len(log) if log.time is None else log.time.tolist()
    users, items = log.users.decode(log.user).tolist(), log.items.decode(log.item).tolist()
    return list(zip(users, items, log.weight.tolist(), time, strict=True))


def quiet(source, **options):
    return tm.read(source, quiet=True, **options)


@pytest.mark.parametrize("separator", [",", "\t", ";", "|", "::"])
def test_a_header_and_rows_are_read_with_every_separator(write, separator):
    assert rows(quiet(write(CSV.replace(",", separator)))) == EVENTS


@pytest.mark.parametrize("end", ["\r\n", "\r"])
def test_line_ends_of_other_systems_are_read(write, end):
    assert rows(quiet(write(CSV.replace("\n", end)))) == EVENTS


def test_mixed_line_ends_are_read_with_a_note(write):
    log = quiet(write(CSV.replace("\n", "\r\n", 2)))
    assert rows(log) == EVENTS
    assert any("mixes line ends" in note for note in log.notes)


def test_a_byte_order_mark_is_no_part_of_the_first_name(write):
    assert rows(quiet(write(b"\xef\xbb\xbf" + CSV.encode()))) == EVENTS


def test_blank_lines_are_no_rows(write):
    assert rows(quiet(write("\n\n" + CSV.replace("\nbob", "\n\n\nbob") + "\n\n"))) == EVENTS


def test_quoted_fields_may_hold_separators_quotes_and_line_ends(write):
    log = quiet(write('user,item\n"a,b","say ""x"""\n"two\nlines",tea\n'))
    assert rows(log) == [("a,b", 'say "x"', 1, None), ("two\nlines", "tea", 1, None)]


def test_a_quote_inside_a_field_is_a_plain_character(write):
    assert quiet(write('user,item\nann,5" disk\nbob,tea\n')).items.ids.tolist() == [
        '5" disk',
        "tea",
    ]


def test_unbalanced_quotes_in_tab_separated_text_are_plain_characters(write):
    log = quiet(write('user\titem\nann\t"Great" Show\nbob\ttea\n'))
    assert log.items.ids.tolist() == ['"Great" Show', "tea"]
    assert any("read as plain characters" in note for note in log.notes)


def test_a_gzip_file_is_read(write):
    assert rows(quiet(write(gzip.compress(CSV.encode()), "log.csv.gz"))) == EVENTS


def test_a_gzip_file_of_several_members_is_read_to_its_end(write):
    half = len(CSV) // 2
    packed = gzip.compress(CSV[:half].encode()) + gzip.compress(CSV[half:].encode())
    assert rows(quiet(write(packed, "log.csv.gz"))) == EVENTS


def test_a_zstd_file_is_read_whatever_its_name(tmp_path, write):
    path = tmp_path / "packed"
    duckdb.execute(
        f"copy (select * from read_csv('{write(CSV)}', all_varchar = true)) "
        f"to '{path}' (format csv, compression zstd)"
    )
    assert rows(quiet(path)) == EVENTS


def test_json_lines_are_read_with_their_top_level_fields(write):
    lines = [
        json.dumps(
            {"user_id": u, "asin": i, "overall": r, "unixReviewTime": t, "deep": {"user": 1}}
        )
        for u, i, r, t in EVENTS
    ]
    assert rows(quiet(write("\n".join([*lines, "", ""]), "log.jsonl"))) == EVENTS


def test_json_strings_stay_text_and_json_numbers_become_integers(write):
    lines = "".join(json.dumps({"user": str(i), "item": i}) + "\n" for i in (10, 9))
    log = quiet(write(lines, "log.ndjson"))
    assert log.users.ids.tolist() == ["10", "9"]
    assert log.items.ids.tolist() == [9, 10]


def test_json_is_told_by_its_content(write):
    assert len(quiet(write('{"user": 1, "item": 2}\n{"user": 2, "item": 1}\n', "log.txt"))) == 2


def test_a_parquet_file_is_read(tmp_path):
    path = tmp_path / "log [1].parquet"  # a name that must not be taken for a pattern
    pl.DataFrame(
        EVENTS, schema=["user", "item", "rating", "timestamp"], orient="row"
    ).write_parquet(path)
    assert rows(quiet(path)) == EVENTS


def test_text_ids_of_parquet_and_tables_stay_text():
    log = quiet(pl.DataFrame({"user": ["10", "9"], "item": ["1", "2"]}))
    assert log.users.ids.tolist() == ["10", "9"]


def test_a_name_with_wildcards_means_this_file_alone(write):
    write(CSV, "log1.csv")
    assert len(quiet(write("user,item\n1,2\n2,1\n", "log[1].csv"))) == 2


def test_latin_1_is_read_with_a_note(write):
    log = quiet(write("user,item\nzoë,café\nbob,tea\n".encode("latin-1")))
    assert rows(log)[0] == ("zoë", "café", 1, None)
    assert any("read as Latin-1" in note for note in log.notes)


def test_utf_16_is_read_with_a_note(write):
    log = quiet(write("user,item\nzoë,日本\nbob,tea\n".encode("utf-16")))
    assert rows(log)[0] == ("zoë", "日本", 1, None)
    assert any("UTF-16" in note for note in log.notes)


# Tables


def table_of(kind):
    columns = {
        "user": ["ann", "bob", "ann"],
        "item": [7, 3, 3],
        "when": [datetime(2020, 1, 1, 12), datetime(2020, 1, 2), datetime(2020, 1, 3)],
    }
    if kind == "pandas":
        return pd.DataFrame(columns)
    if kind == "pandas with an index":
        return pd.DataFrame(columns, index=[5, 6, 5])
    if kind == "polars lazy":
        return pl.DataFrame(columns).lazy()
    if kind == "arrow":
        return pa.table(columns)
    if kind == "duckdb":
        frame = pl.DataFrame(columns)  # noqa: F841 - DuckDB finds it by name
        return duckdb.connect().sql("select * from frame")
    return pl.DataFrame(columns)


@pytest.mark.parametrize(
    "kind", ["pandas", "pandas with an index", "polars", "polars lazy", "arrow", "duckdb"]
)
def test_tables_of_every_library_are_read_alike_and_left_alone(kind):
    table = table_of(kind)
    log = quiet(table, time="when")
    assert rows(log) == [
        ("ann", 7, 1, 1577880000),
        ("bob", 3, 1, 1577923200),
        ("ann", 3, 1, 1578009600),
    ]
    assert any("taken as UTC" in note for note in log.notes)
    columns = table.collect_schema().names() if kind == "polars lazy" else list(table.columns)
    assert kind == "arrow" or columns == ["user", "item", "when"]


def test_pandas_columns_that_nobody_needs_may_be_of_any_type():
    periods = pd.period_range("2020-01", periods=2)
    log = quiet(pd.DataFrame({"user": [1, 2], "item": [3, 4], "month": periods}))
    assert len(log) == 2


def test_a_polars_column_of_nulls_alone_is_not_guessed():
    log = quiet(pl.DataFrame({"user": [1, 2], "item": [3, 4], "time": [None, None]}))
    assert log.time is None
    assert "column time is no time: it begins empty" in log.notes


def test_pandas_columns_without_names_are_found_by_number():
    log = quiet(pd.DataFrame([[1, 7, 2], [2, 9, 3]]), user=0, item=1, weight="2")
    assert rows(log) == [(1, 7, 2, None), (2, 9, 3, None)]


def test_the_order_of_rows_is_kept_in_a_long_table():
    n = 300_000
    item = np.random.default_rng(1).integers(0, 1000, n)
    log = quiet(pl.DataFrame({"user": np.arange(n) % 7, "item": item}), repeats="keep")
    np.testing.assert_array_equal(log.items.decode(log.item), item)


def test_the_order_of_rows_is_kept_in_a_long_file(tmp_path):
    n = 300_000
    item = np.random.default_rng(2).integers(0, 1000, n)
    pl.DataFrame({"user": np.arange(n) % 7, "item": item}).write_csv(tmp_path / "log.csv")
    log = quiet(tmp_path / "log.csv", repeats="keep")
    np.testing.assert_array_equal(log.items.decode(log.item), item)
    np.testing.assert_array_equal(log.users.decode(log.user), np.arange(n) % 7)


# Ids


@pytest.mark.parametrize(
    ("written", "ids"),
    [
        (["10", "9", "-3"], [-3, 9, 10]),
        (["007", "7", "12"], ["007", "12", "7"]),
        (["9223372036854775808", "1"], ["1", "9223372036854775808"]),
        (["+1", "2"], ["+1", "2"]),
        (["1e3", "2"], ["1e3", "2"]),
        (["1_0", "2"], ["1_0", "2"]),
        ([" 12", "12"], [" 12", "12"]),
        (["1.5", "2"], ["1.5", "2"]),
        (["日本", "zoë", "Ann", "ann", "😀"], ["Ann", "ann", "zoë", "日本", "😀"]),
        (["null", "nan", "ann"], ["ann", "nan", "null"]),
        (["two words", "x"], ["two words", "x"]),
    ],
)
def test_ids_in_text_come_back_unchanged_and_sorted(write, written, ids):
    log = quiet(write("user,item\n" + "".join(f"{one},{i % 2}\n" for i, one in enumerate(written))))
    assert log.users.ids.tolist() == ids
    assert log.users.decode(log.user).tolist() == (
        written if log.users.is_text else list(map(int, written))
    )


def test_ids_sort_by_code_point_as_python_sorts(write):
    written = ["\uffee", "\U0001f600", "Z", "a", "é", "-", "10", "9"]
    log = quiet(write("user,item\n" + "".join(f"{one},{i % 2}\n" for i, one in enumerate(written))))
    assert log.users.ids.tolist() == sorted(written)


@pytest.mark.parametrize("zeros", ["1.0", "1.00"])
def test_whole_numbers_written_as_fractions_become_integers_with_a_note(write, zeros):
    log = quiet(write(f"user,item\n{zeros},a\n20.0,b\n3.0,a\n"))
    assert log.users.ids.tolist() == [1, 3, 20]
    assert any("written as fractions" in note for note in log.notes)


def test_float_ids_that_are_whole_become_integers_with_a_note():
    log = quiet(pd.DataFrame({"user": [123.0, 7.0, 9.0], "item": ["a", "b", "a"]}))
    assert log.users.ids.tolist() == [7, 9, 123]
    assert any("user ids (user) are whole numbers" in note for note in log.notes)


def test_fractions_as_ids_become_text_with_a_note():
    log = quiet(pd.DataFrame({"user": [1.5, 2.0], "item": ["a", "b"]}))
    assert log.users.ids.tolist() == ["1.5", "2.0"]
    assert any("become text" in note for note in log.notes)


@pytest.mark.parametrize(
    ("values", "ids"),
    [
        ([True, False], ["false", "true"]),
        ([date(2020, 1, 2), date(2019, 1, 2)], ["2019-01-02", "2020-01-02"]),
        ([uuid.UUID(int=2), uuid.UUID(int=1)], [str(uuid.UUID(int=1)), str(uuid.UUID(int=2))]),
    ],
)
def test_ids_of_other_types_become_text_with_a_note(values, ids):
    log = quiet(pd.DataFrame({"user": values, "item": ["a", "b"]}))
    assert log.users.ids.tolist() == ids
    assert any("user ids (user) are of type" in note for note in log.notes)


def test_integers_beyond_64_bits_become_text_with_a_note():
    log = quiet(pd.DataFrame({"user": np.array([2**64 - 1, 1], np.uint64), "item": ["a", "b"]}))
    assert log.users.ids.tolist() == ["1", "18446744073709551615"]


@pytest.mark.parametrize("kind", ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32"])
@pytest.mark.parametrize("whole", [True, False])
def test_integers_of_every_length_become_the_same_ids(kind, whole):
    info = np.iinfo(kind)
    ends = [] if whole else [info.min, info.max]  # with a gap between, and without one
    ids = np.array([5, 3, 4, 5, *ends], dtype=kind)
    log = tm.read(pd.DataFrame({"user": ids, "item": ids}), repeats="keep", quiet=True)
    assert log.items.ids.dtype == np.int64
    assert log.items.ids.tolist() == sorted(set(ids.tolist()))
    assert log.users.decode(log.user).tolist() == ids.tolist()
    assert log.user.dtype == np.int32


def test_vocabularies_and_codes_have_their_types(write):
    log = quiet(write(CSV))
    assert (log.user.dtype, log.weight.dtype, log.time.dtype) == ("int32", "float32", "int64")
    assert quiet(write("user,item\n1,2\n2,1\n")).users.ids.dtype == np.int64


# Columns


@pytest.mark.parametrize(
    "header",
    [
        "userId,movieId,rating,timestamp",
        "USER_ID,Item ID,Stars,TS",
        "reviewerID,asin,overall,unixReviewTime",
        "user_id:token,item_id:token,rating:float,timestamp:float",
        "CustomerID,StockCode,Quantity,InvoiceDate",
        "visitorid,product_id,count,created_at",
        "session,track_id,plays,date",
    ],
)
def test_columns_are_guessed_from_the_names_that_logs_use(write, header):
    assert rows(quiet(write(CSV.replace("user,item,rating,timestamp", header)))) == EVENTS


def test_a_user_id_is_preferred_to_a_session(write):
    log = quiet(write("session_id,user_id,item\n1,8,5\n2,9,6\n"))
    assert log.users.ids.tolist() == [8, 9]


def test_a_file_without_header_is_guessed_from_its_values(write):
    log = quiet(write("196\t242\t3\t881250949\n186\t302\t4\t891717742\n", "u.data"))
    assert rows(log) == [(196, 242, 3, 881250949), (186, 302, 4, 891717742)]


def test_without_header_times_are_found_before_users(write):
    log = quiet(write("2020-01-01 10:00:00,ann,tea\n2020-01-02 10:00:00,bob,milk\n"))
    assert rows(log) == [("ann", "tea", 1, 1577872800), ("bob", "milk", 1, 1577959200)]


def test_columns_without_header_are_named_by_number(write):
    path = write("7,881250949,a\n8,881250950,b\n")
    assert rows(quiet(path, user=2, item="0", time=1)) == [
        ("a", 7, 1, 881250949),
        ("b", 8, 1, 881250950),
    ]


def test_a_named_column_makes_the_first_line_a_header(write):
    log = quiet(write("who,what\nann,tea\nbob,milk\n"), user="who", item="what")
    assert log.users.ids.tolist() == ["ann", "bob"]


def test_names_that_differ_in_case_alone_are_told_apart(write):
    log = quiet(write("User,user,item\n1,8,5\n2,9,6\n"), user="user")
    assert log.users.ids.tolist() == [8, 9]


def test_a_column_that_is_called_time_and_holds_none_is_no_time(write):
    log = quiet(write("user,item,time\n1,2,morning\n2,1,noon\n"))
    assert log.time is None
    assert "column time is no time: it holds 'morning'" in log.notes


def test_a_column_that_is_called_rating_and_holds_words_is_no_weight(write):
    log = quiet(write("user,item,rating\n1,2,PG\n2,1,R\n"))
    assert log.weight.tolist() == [1, 1]
    assert "column rating is no weight: it holds 'PG'" in log.notes


def test_columns_that_are_empty_are_not_guessed(write):
    log = quiet(write("user,item,rating,time\n1,2,,\n2,1,,\n"))
    assert rows(log) == [(1, 2, 1, None), (2, 1, 1, None)]
    assert "column time is no time: it begins empty" in log.notes


def test_no_time_column_means_no_times(write):
    assert quiet(write("user,item\n1,2\n2,1\n")).time is None


def test_guesses_are_printed_on_stderr_and_kept_in_notes(write, capsys):
    log = tm.read(write(CSV), item="item")
    out, err = capsys.readouterr()
    assert out == ""
    first, *others = err.splitlines()
    assert first == (
        "reading log.csv: user = user, item = item, weight = rating, "
        "time = timestamp (unix seconds); change with --user, --weight, --time"
    )
    assert (first, *(line.strip() for line in others)) == log.notes
    assert "3 events, 2 users, 2 items, with times from 1970-01-01 00:00:10" in log.notes[1]


def test_quiet_prints_nothing_and_keeps_the_notes(write, capsys):
    log = quiet(write(CSV))
    assert capsys.readouterr() == ("", "")
    assert log.notes[0].startswith("reading log.csv:")


# Weights, repeats, threshold


def test_weights_are_read_and_negative_zero_is_zero(write):
    log = quiet(write("user,item,weight\n1,2,0.5\n2,1,-0\n3,1,1e3\n"))
    assert log.weight.tolist() == [0.5, 0, 1000]
    assert not np.signbit(log.weight).any()


REPEATED = "user,item,rating,time\n1,a,2,30\n2,b,3,10\n1,a,5,20\n2,a,1,40\n"


@pytest.mark.parametrize(("rule", "weight"), [("sum", 7), ("last", 2), ("max", 5), (None, 2)])
def test_repeated_pairs_become_one_event_by_the_stated_rule(write, rule, weight):
    log = quiet(write(REPEATED), repeats=rule)
    assert rows(log) == [(1, "a", weight, 30), (2, "b", 3, 10), (2, "a", 1, 40)]
    assert any("1 repeated pair (2 events)" in note for note in log.notes)


def test_repeats_can_be_kept_and_are_counted(write):
    log = quiet(write(REPEATED), repeats="keep")
    assert len(log) == 4
    assert "1 events repeat an earlier (user, item) pair and are kept" in log.notes


def test_repeats_without_weights_are_counted(write):
    log = quiet(write("user,item\n1,a\n2,b\n1,a\n"))
    assert rows(log) == [(2, "b", 1, None), (1, "a", 2, None)]


def test_a_threshold_keeps_what_reaches_it_and_each_counts_one(write):
    log = quiet(write("user,item,rating\n1,a,4\n2,b,3\n3,c,5\n"), threshold=4)
    assert rows(log) == [(1, "a", 1, None), (3, "c", 1, None)]
    assert any("2 of 3 events have weight >= 4" in note for note in log.notes)


def test_the_threshold_looks_at_the_last_of_repeated_ratings(write):
    text = "user,item,rating\n1,a,5\n2,b,4\n1,a,2\n3,c,4\n"
    assert rows(quiet(write(text), threshold=4)) == [(2, "b", 1, None), (3, "c", 1, None)]


# Leaving bad rows out


def test_skip_bad_leaves_rows_out_and_says_which(write, capsys):
    text = "user,item,rating\n1,2,3\n1,x\n2,3,nan\n2,1,4\n1,2,3,4\n"
    log = tm.read(write(text), skip_bad=True)
    assert rows(log) == [(1, 2, 3, None), (2, 1, 4, None)]
    note = (
        "log.csv: 3 rows could not be read and are left out: line 3: 2 fields instead of 3: '1,x'; "
        "line 4: weight (rating) = 'nan' is not a number; line 6: 4 fields instead of 3: '1,2,3,4'"
    )
    assert note in log.notes
    assert note in capsys.readouterr().err


def test_a_bad_line_of_totals_does_not_turn_integers_into_text(write):
    log = quiet(write("user,item,rating\n1,2,3\n2,1,3\nTotal,,6\n"), skip_bad=True)
    assert log.users.ids.tolist() == [1, 2]


def test_words_for_null_among_integers_are_missing_ids(write):
    log = quiet(write("user,item\n1,2\nNULL,3\n2,1\nTotal,\n"), skip_bad=True)
    assert log.users.ids.tolist() == [1, 2]
    assert any("2 rows could not be read" in note for note in log.notes)


# The engine


def test_the_connection_keeps_order_and_utc(tmp_path):
    with connect() as connection:
        read = connection.execute(
            "select current_setting('TimeZone'), current_setting('preserve_insertion_order'), "
            "current_setting('autoinstall_known_extensions')"
        )
        assert read.fetchall() == [("UTC", True, False)]


def test_datetimes_with_a_zone_are_moved_to_utc():
    zone = timezone(timedelta(hours=2))
    moments = [datetime(2020, 1, 1, 2, tzinfo=zone), datetime(2020, 1, 1, 0, tzinfo=UTC)]
    table = pl.DataFrame({"user": [1, 2], "item": [1, 2], "time": moments})
    log = quiet(table)
    assert log.time.tolist() == [1577836800, 1577836800]
    assert not any("taken as UTC" in note for note in log.notes)


@pytest.mark.parametrize("far", [7, 2**40, 2**62])
def test_integer_ids_near_and_far_apart_are_coded_alike(far):
    users = [far, -far, 3, far, 3, -far]
    table = {"user": np.array(users), "item": np.array([5, 9, 5, 9, 9, 5])}
    log = tm.read(pd.DataFrame(table), quiet=True)
    assert log.users.ids.tolist() == sorted(set(users))
    assert log.users.decode(log.user).tolist() == users
    assert log.items.decode(log.item).tolist() == table["item"].tolist()
