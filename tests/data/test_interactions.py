"""The log as arrays, vocabularies, histories and the small table."""

import json
from dataclasses import replace

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from tastemap.data.interactions import (
    Histories,
    Interactions,
    ItemTable,
    Vocabulary,
)
from tastemap.data.table import Table, iso_time
from tastemap.errors import InputError, UsageError

# The classic example: four users (rows), five items (columns).
CLASSIC = [
    [1, 0, 1, 0, 0],
    [0, 1, 1, 0, 1],
    [1, 0, 0, 0, 0],
    [0, 1, 1, 1, 0],
]


@pytest.fixture
def classic():
    pairs = [(u, i) for u, row in enumerate(CLASSIC) for i, used in enumerate(row) if used]
    return Interactions.of(pairs[::-1])


# ---- the matrix


def test_the_classic_matrix_has_a_users_items_in_its_row_indices(classic):
    matrix = classic.matrix()
    assert matrix.toarray().tolist() == CLASSIC
    assert matrix.shape == (4, 5)
    for user, row in enumerate(CLASSIC):
        items = matrix.indices[matrix.indptr[user] : matrix.indptr[user + 1]]
        assert sorted(items.tolist()) == [item for item, used in enumerate(row) if used]


def test_the_classic_matrixs_column_sums_are_the_item_counts(classic):
    counts = [2, 2, 3, 1, 1]
    assert classic.matrix().sum(axis=0).tolist() == counts
    assert classic.item_counts().tolist() == counts
    assert classic.user_counts().tolist() == [2, 3, 1, 3]


def test_weights_of_repeated_pairs_add_up_in_both_matrices():
    log = Interactions.of([("a", "y", 2), ("a", "x", 1), ("a", "y", 3)])
    histories = log.histories()
    assert log.matrix().toarray().tolist() == [[1, 5]]
    assert histories.matrix(2).toarray().tolist() == [[1, 5]]
    assert log.weight.tolist() == histories.weight.tolist() == [2, 1, 3]
    assert histories.items.tolist() == [1, 0, 1]


@pytest.mark.parametrize("repeats", [False, True])
@pytest.mark.parametrize("weight", [None, 0.5])
def test_the_matrix_and_its_transpose_are_scipys_to_the_bit(repeats, weight):
    random = np.random.default_rng(5)
    pairs = random.choice(300 * 90, size=9000, replace=repeats)
    user, item = (pairs // 90).astype(np.int32), (pairs % 90).astype(np.int32)
    weights = random.random(9000, dtype=np.float32)
    if weight is not None:
        weights[:] = weight
    users, items = Vocabulary(np.arange(310)), Vocabulary(np.arange(95))
    log = Interactions(user, item, weights, None, users, items)
    matrix, turned = log.matrix(), log.compressed().transposed().scipy()
    expected = csr_array((weights, (user, item)), shape=(310, 95))
    for ours, theirs in ((matrix, expected), (turned, expected.T.tocsr())):
        assert ours.shape == theirs.shape
        for part in ("indptr", "indices", "data"):
            found, right = getattr(ours, part), getattr(theirs, part)
            assert (found.dtype, found.tobytes()) == (right.dtype, right.tobytes())
    matrix.data[:] = 7  # it is a copy
    assert weights.max() < 1


def test_histories_of_a_log_in_order_of_time_are_those_of_the_same_log_shuffled():
    random = np.random.default_rng(6)
    user, item = (random.integers(50, size=4000).astype(np.int32) for _ in range(2))
    weights, time = random.random(4000, dtype=np.float32), np.arange(4000) * 3
    log = Interactions(user, item, weights, time, *[Vocabulary(np.arange(50))] * 2)
    sorted_, shuffled = log.histories(), log[random.permutation(4000)].histories()
    for part in ("user", "starts", "items", "weight", "time"):
        assert getattr(sorted_, part).tolist() == getattr(shuffled, part).tolist()
    order = sorted(range(4000), key=lambda e: user[e])  # Python's sort is stable
    assert sorted_.items.tolist() == item[order].tolist()


def test_the_matrix_of_an_empty_log_is_empty():
    assert Interactions.of([]).matrix().shape == (0, 0)


# ---- histories


def test_histories_are_oldest_first_and_equal_times_keep_file_order():
    events = [("b", "z", 1, 5), ("a", "x", 1, 9), ("a", "y", 2, 3), ("a", "z", 3, 9)]
    histories = Interactions.of(events).histories()
    assert histories.user.tolist() == [0, 1]
    assert histories.row(0).tolist() == [1, 0, 2]
    assert histories.row(1).tolist() == [2]
    assert histories.weight.tolist() == [2, 1, 3, 1]
    assert histories.time.tolist() == [3, 9, 9, 5]


def test_histories_without_times_keep_file_order():
    histories = Interactions.of([("a", "z"), ("a", "x"), ("a", "y")]).histories()
    assert histories.row(0).tolist() == [2, 0, 1]
    assert histories.time is None


def test_histories_of_chosen_users_come_in_the_asked_order_and_strangers_are_empty(classic):
    histories = classic.histories([3, -1, 0, 3])
    assert histories.user.tolist() == [3, -1, 0, 3]
    assert histories.lengths.tolist() == [3, 0, 2, 3]
    assert sorted(histories.row(0).tolist()) == [1, 2, 3]
    assert sorted(histories.row(2).tolist()) == [0, 2]
    assert Interactions.of([]).histories([-1, -1]).lengths.tolist() == [0, 0]


@settings(max_examples=60)
@given(
    baskets=st.lists(st.lists(st.integers(0, 5), max_size=4), min_size=1, max_size=6),
    data=st.data(),
)
def test_taking_rows_equals_picking_from_lists(baskets, data):
    histories = Histories.of_items(baskets, user=range(len(baskets)))
    rows = data.draw(st.lists(st.integers(0, len(baskets) - 1), max_size=8))
    taken = histories.take(np.array(rows, dtype=int))
    assert [taken.row(r).tolist() for r in range(len(taken))] == [baskets[r] for r in rows]
    assert taken.user.tolist() == rows
    first, end = data.draw(st.tuples(st.integers(0, 6), st.integers(0, 6)))
    part = histories.take(slice(first, end))
    assert [part.row(r).tolist() for r in range(len(part))] == baskets[first:end]
    assert part.starts[0] == 0


def test_taking_rows_takes_weights_and_times_along():
    log = Interactions.of([("a", "x", 2, 7), ("b", "y", 3, 8), ("b", "x", 4, 9)])
    taken = log.histories().take(np.array([1]))
    assert taken.weight.tolist() == [3, 4]
    assert taken.time.tolist() == [8, 9]
    assert taken.as_strangers().user.tolist() == [-1]
    assert taken.user.tolist() == [1]


def test_neighbouring_rows_are_not_copied(classic):
    whole = classic.histories()
    for some in (whole.take(slice(1, 3)), whole.take(np.array([1, 2])), classic.histories([1, 2])):
        assert np.shares_memory(some.items, whole.items)
        assert [some.row(r).tolist() for r in (0, 1)] == [whole.row(r).tolist() for r in (1, 2)]
    assert not np.shares_memory(whole.take(np.array([2, 1])).items, whole.items)


def test_histories_from_baskets_are_strangers():
    histories = Histories.of_items([[3, 1], []])
    assert histories.user.tolist() == [-1, -1]
    assert histories.weight.tolist() == [1, 1]
    assert len(histories) == 2


# ---- Interactions


def test_logs_from_tuples_take_weight_1_and_no_times_where_none_are_given():
    log = Interactions.of([("b", 7), ("a", 5)])
    assert log.user.tolist() == [1, 0]
    assert log.items.ids.tolist() == [5, 7]
    assert log.weight.tolist() == [1, 1]
    assert log.time is None
    assert repr(log) == "Interactions(2 events, 2 users, 2 items, no times)"


def test_logs_from_tuples_refuse_unequal_events():
    with pytest.raises(InputError, match=r"events of \[2, 3\] fields\n.*all alike"):
        Interactions.of([("a", "x"), ("a", "y", 1)])
    with pytest.raises(InputError, match=r"events of \[5\] fields"):
        Interactions.of([("a", "x", 1, 2, 3)])


def test_rows_are_chosen_by_mask_slice_or_number_and_vocabularies_stay(classic):
    for rows in (np.arange(9) < 2, slice(0, 2), np.array([0, 1])):
        part = classic[rows]
        assert part.user.tolist() == classic.user[:2].tolist()
        assert part.users is classic.users
        assert part.items is classic.items
    assert len(classic) == 9


def test_compact_forgets_ids_without_events_and_keeps_meaning():
    log = Interactions.of([("a", 10, 1, 1), ("b", 30, 2, 2), ("c", 20, 3, 3), ("b", 10, 4, 4)])
    table = ItemTable(np.array(["ten", "twenty", "thirty"], dtype=object), (("x",), (), ("y",)))
    log = replace(log, table=table)
    part = log[log.user == 1].compact()
    assert part.users.ids.tolist() == ["b"]
    assert part.items.ids.tolist() == [10, 30]
    assert part.items.decode(part.item).tolist() == [30, 10]
    assert part.table.titles.tolist() == ["ten", "thirty"]
    assert part.table.labels == (("x",), ("y",))
    assert part.weight.tolist() == [2, 4]
    assert log.table is table
    assert len(log.users) == 3


def test_notes_are_added_at_the_end():
    log = Interactions.of([("a", "x")]).noted("read").noted("cut", "joined")
    assert log.notes == ("read", "cut", "joined")


def test_the_fingerprint_changes_with_every_column_and_id():
    log = Interactions.of([("a", "x", 1, 5), ("b", "y", 1, 6)])
    others = [
        log[::-1],
        log[:1],
        replace(log, weight=np.array([1, 2], dtype=np.float32)),
        replace(log, time=np.array([5, 7])),
        replace(log, time=None),
        replace(log, users=Vocabulary.of(["a", "c"])),
        replace(log, items=Vocabulary.of(["x", "z"])),
    ]
    prints = {one.fingerprint() for one in [log, *others]}
    assert len(prints) == 1 + len(others)
    assert log.fingerprint() == log.noted("hello").fingerprint()
    assert len(log.fingerprint()) == 16


# ---- vocabularies


def test_text_ids_are_found_by_text_and_by_number():
    vocabulary = Vocabulary.of(["b", "10", "ä", "b"])
    assert vocabulary.is_text
    assert vocabulary.ids.tolist() == ["10", "b", "ä"]
    assert vocabulary.encode(["ä", 10, "10", "a"]).tolist() == [2, 0, 0, -1]
    assert vocabulary.decode([2, 0]).tolist() == ["ä", "10"]


def test_number_ids_are_found_by_number_and_by_text():
    vocabulary = Vocabulary.of([30, -5, 10])
    assert not vocabulary.is_text
    assert vocabulary.encode(["10", 30, "-5", "x", "010", "", "1.5"]).tolist() == [
        1, 2, 0, -1, -1, -1, -1,
    ]  # fmt: skip
    assert vocabulary.encode([]).tolist() == []


@settings(max_examples=60)
@given(st.one_of(st.lists(st.integers(-(2**62), 2**62)), st.lists(st.text(max_size=4))))
def test_encoding_and_decoding_are_inverse(ids):
    vocabulary = Vocabulary.of(ids)
    assert vocabulary.ids.tolist() == sorted(set(ids))
    assert vocabulary.decode(vocabulary.encode(ids)).tolist() == ids


def test_ids_of_mixed_types_are_refused():
    with pytest.raises(InputError, match=r"ids of different types: int, str\n.*\n.*str\(id\)"):
        Vocabulary.of([1, "a"])


def test_titles_are_found_whatever_their_case():
    table = ItemTable(np.array(["Straße", "Toy Story (1995)"], dtype=object), ((), ()))
    assert table.find("toy story (1995)") == 1
    assert table.find("STRASSE") == 0
    assert table.find("Toy") == -1


# ---- tables


@pytest.fixture
def table():
    return Table(
        {
            "item": ["tea, green", 'say "milk"', "ä\nö"],
            "rank": np.array([1, 2, 3], dtype=np.int32),
            "score": np.array([0.5, -0.25, 1e-9], dtype=np.float32),
        }
    )


@pytest.mark.parametrize("suffix", ["parquet", "csv", "json"])
def test_a_written_table_reads_back_the_same(table, suffix, tmp_path):
    path = table.write(tmp_path / "new folder" / f"it's.{suffix}")
    with duckdb.connect() as connection:
        query = f"select item, rank, score from read_{suffix}(?)"
        back = connection.execute(query, [str(path)]).fetchall()
    assert [row[:2] for row in back] == [(row["item"], row["rank"]) for row in table.rows()]
    assert [row[2] for row in back] == pytest.approx(table["score"].tolist())
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_a_table_is_written_over_an_older_one(table, tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("old")
    table.write(str(path))
    assert path.read_text().startswith("item,rank,score\n")


def test_an_unknown_file_type_is_refused(table, tmp_path):
    with pytest.raises(UsageError, match=r"ends in '\.xlsx'\n.*\.parquet, \.csv.*\n.*t\.parquet"):
        table.write(tmp_path / "t.xlsx")


def test_columns_of_different_lengths_are_refused():
    with pytest.raises(UsageError, match=r"different lengths: {'a': 1, 'b': 2}\n"):
        Table({"a": [1], "b": [1, 2]})


def test_a_table_is_a_mapping_that_dataframes_take(table):
    assert list(table) == ["item", "rank", "score"]
    assert len(table) == 3
    assert table.n_rows == 3
    assert pd.DataFrame(dict(table))["rank"].tolist() == [1, 2, 3]
    assert pl.DataFrame(dict(table))["item"].to_list() == table["item"].tolist()
    assert json.loads(json.dumps(table.rows()))[0] == {
        "item": "tea, green",
        "rank": 1,
        "score": 0.5,
    }
    assert Table({}).n_rows == 0


def test_a_table_prints_aligned_and_escapes_html():
    table = Table({"item": ["<b>", "longer"], "score": [0.123456, 2.0]})
    assert str(table) == "item    score\n<b>     0.1235\nlonger  2.0000"
    assert "<td>&lt;b&gt;</td>" in table._repr_html_()


def test_times_print_as_utc_and_never_fail():
    assert iso_time(0) == "1970-01-01 00:00:00"
    assert iso_time(874724710) == "1997-09-20 03:05:10"
    assert iso_time(10**18) == "1000000000000000000"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([("a", "bc")], [("ab", "c")]),
        ([(1, 2)], [("1", "2")]),
        ([("a", "x"), ("b", "x")], [("a", "x"), ("c", "x")]),
    ],
)
def test_fingerprints_tell_ids_apart(one, other):
    assert Interactions.of(one).fingerprint() != Interactions.of(other).fingerprint()


@pytest.mark.parametrize("text", ["--5", "5" * 5000, "+5", "05", "٣", "", "9" * 19])
def test_texts_that_are_no_plain_integer_are_unknown_to_integer_ids(text):
    assert Vocabulary.of([5, 3]).encode([text]).tolist() == [-1]


@pytest.mark.parametrize(
    ("events", "said"),
    [
        ([("a", "x", float("nan"))], "weight nan"),
        ([("a", "x", -1)], "weight -1"),
        ([("a", "x", 1, None)], "time None"),
        ([(2**63, "x")], "integers of 64 bits"),
    ],
)
def test_logs_by_hand_refuse_what_is_no_event(events, said):
    with pytest.raises(InputError, match=said):
        Interactions.of(events)


def test_codes_beyond_the_vocabulary_are_refused():
    with pytest.raises(UsageError, match=r"user code 5\n.*codes from 0 to 0"):
        Interactions.of([("a", "x")]).histories([5])


def test_a_log_knows_users_with_events_and_nobody_beyond():
    log = Interactions.of([("ann", "tea"), ("bob", "tea"), ("eve", "jam")])[np.array([0, 2])]
    asked = Histories.of_items([[]] * 5, user=[-1, 0, 1, 2, 3])
    assert log.knows(asked).tolist() == [False, True, False, True, False]
    assert Interactions.of([]).knows(asked).tolist() == [False] * 5


def test_a_table_without_columns_cannot_be_written(tmp_path):
    with pytest.raises(UsageError, match="a table without columns"):
        Table({}).write(tmp_path / "x.csv")
