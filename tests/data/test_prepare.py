"""Preparing: against hand examples, slow twins, and three table engines."""

import inspect
import logging
from collections import Counter, defaultdict

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tastemap.data.interactions import Interactions
from tastemap.data.prepare import k_core
from tastemap.data.repeats import dedupe, positives
from tastemap.errors import InputError, UsageError

quick = settings(deadline=None, max_examples=60)
timed_events = st.lists(
    st.tuples(st.sampled_from("abc"), st.sampled_from("xyz"), st.integers(0, 9), st.integers(0, 3)),
    max_size=14,
)
pairs = st.lists(st.tuples(st.integers(0, 7), st.integers(0, 6)), max_size=45)


def as_tuples(log):
    """The events of a log by outside ids, in file order."""
    times = [None] * len(log) if log.time is None else log.time.tolist()
    columns = (log.users.decode(log.user), log.items.decode(log.item), log.weight.tolist(), times)
    return list(zip(*(list(column) for column in columns), strict=True))


def slow_dedupe(events, rule):
    """One event a pair, by plain loops; events are (user, item, weight, time or None)."""
    rows = defaultdict(list)
    for row, (user, item, _, time) in enumerate(events):
        rows[user, item].append((time if time is not None else 0, row))
    kept = []
    for (user, item), places in rows.items():
        last = max(places)[1]
        weights = [events[row][2] for _, row in places]
        weight = {"sum": sum(weights), "max": max(weights), "last": events[last][2]}[rule]
        kept.append((last, (user, item, float(weight), events[last][3])))
    return [event for _, event in sorted(kept)]


@pytest.mark.parametrize("rule", ["sum", "last", "max"])
@quick
@given(events=timed_events, timed=st.booleans())
def test_dedupe_equals_the_slow_twin(rule, events, timed):
    events = events if timed else [(*event[:3], None) for event in events]
    log = Interactions.of([event if timed else event[:3] for event in events])
    before = log.fingerprint()
    assert as_tuples(dedupe(log, rule)) == slow_dedupe(events, rule)
    assert log.fingerprint() == before


def test_dedupe_counts_pairs_and_events_in_a_note():
    events = [("a", "x")] * 3 + [("a", "y")] * 2 + [("b", "x")]
    once = dedupe(Interactions.of(events), "max")
    assert once.notes == (
        "2 repeated pairs (5 events) became one event each: the highest weight kept",
    )


def test_dedupe_of_a_log_without_repeats_changes_and_notes_nothing():
    log = Interactions.of([("a", "x"), ("b", "x")])
    assert dedupe(log, "sum") is log
    empty = Interactions.of([])
    assert dedupe(empty, "sum") is empty


def test_dedupe_refuses_an_unknown_rule():
    with pytest.raises(UsageError, match=r"rule='mean'\n  allowed: sum, last, max\n  to do:"):
        inspect.unwrap(dedupe)(Interactions.of([("a", "x")]), "mean")


def test_positives_keep_high_ratings_and_forget_who_lost_all():
    log = Interactions.of([("a", "x", 5, 1), ("a", "y", 3, 2), ("b", "y", 2, 3), ("c", "x", 4, 4)])
    liked = positives(log, at_least=4)
    assert as_tuples(liked) == [("a", "x", 1.0, 1), ("c", "x", 1.0, 4)]
    assert liked.users.ids.tolist() == ["a", "c"]
    assert liked.items.ids.tolist() == ["x"]
    assert liked.notes == (
        "2 of 4 events have weight >= 4 and count 1 each; 2 events, 1 user, 1 item left out",
    )
    assert log.weight.tolist() == [5, 3, 2, 4]


def test_positives_refuse_a_threshold_above_everything():
    with pytest.raises(InputError, match=r"no event .* >= 6; the highest is 5\n.*\n.* lower at_l"):
        positives(Interactions.of([("a", "x", 5)]), at_least=6)
    with pytest.raises(InputError, match="it has no event"):
        positives(Interactions.of([]), at_least=1)


def slow_core(events, k):
    """Drop one user or item at a time until nobody is short; events are (user, item, ...)."""
    events = list(events)
    while True:
        distinct = {event[:2] for event in events}
        users = Counter(user for user, _ in distinct)
        items = Counter(item for _, item in distinct)
        short = [e for e in events if users[e[0]] < k or items[e[1]] < k]
        if not short:
            return events
        user, item = short[0][:2]
        drop_user = users[user] < k
        events = [e for e in events if (e[0] != user if drop_user else e[1] != item)]


def polars_rows(frame):
    return list(zip(*(frame[name].to_list() for name in ("user", "item", "row")), strict=True))


def on_every_engine(rows, k):
    """What each engine makes of the same (user, item, row) tuples, as lists of tuples."""
    columns = {name: [row[at] for row in rows] for at, name in enumerate(("user", "item", "row"))}
    arrays = {name: np.array(values, dtype=np.int64) for name, values in columns.items()}
    out = {}
    out["pandas"] = list(k_core(pd.DataFrame(arrays), k).itertuples(index=False, name=None))
    out["polars"] = polars_rows(k_core(pl.DataFrame(arrays), k))
    lazy = k_core(pl.LazyFrame(arrays), k)
    assert isinstance(lazy, pl.LazyFrame)
    out["lazy polars"] = sorted(polars_rows(lazy.collect()), key=lambda row: row[2])
    out["arrow"] = [tuple(row.values()) for row in k_core(pa.table(arrays), k).to_pylist()]
    with duckdb.connect() as connection:
        connection.register("events", arrays)
        relation = k_core(connection.table("events"), k)
        out["duckdb"] = sorted(relation.fetchall(), key=lambda row: row[2])
    log = k_core(Interactions.of([(user, item, 1, row) for user, item, row in rows]), k)
    out["interactions"] = [(user, item, row) for user, item, _, row in as_tuples(log)]
    return out


@settings(deadline=None, max_examples=25)
@given(pairs=pairs, k=st.integers(1, 3))
def test_every_engine_finds_the_core_of_the_slow_twin(pairs, k):
    rows = [(user, item, row) for row, (user, item) in enumerate(pairs)]
    expected = slow_core(rows, k)
    if not expected:
        with pytest.raises(InputError, match=r"no user with|without events"):
            k_core(Interactions.of(pairs), k)
        for table in (pd.DataFrame, pl.DataFrame, pl.LazyFrame):
            columns = {"user": [u for u, _ in pairs], "item": [i for _, i in pairs]}
            typed = {name: np.array(ids, dtype=np.int64) for name, ids in columns.items()}
            with pytest.raises(InputError, match=r"no user with|without events"):
                k_core(table(typed), k)
        return
    for engine, found in on_every_engine(rows, k).items():
        assert found == expected, engine


def test_a_larger_random_log_has_the_same_core_on_every_engine():
    rng = np.random.default_rng(5)
    rows = [
        (int(user), int(item), row)
        for row, (user, item) in enumerate(rng.geometric(0.06, size=(1500, 2)))
    ]
    expected = slow_core(rows, 5)
    assert 200 < len(expected) < 1400
    for engine, found in on_every_engine(rows, 5).items():
        assert found == expected, engine


# ann and bob share x and y; cid holds on to y by z, and z to cid alone: it unravels in two rounds.
UNRAVELS = [("ann", "x"), ("ann", "y"), ("bob", "x"), ("bob", "y"), ("cid", "y"), ("cid", "z")]


def test_k_core_repeats_until_both_sides_hold_and_says_what_it_did():
    log = Interactions.of([*UNRAVELS, ("dan", "y")])
    core = k_core(log, 2)
    assert core.users.ids.tolist() == ["ann", "bob"]
    assert core.items.ids.tolist() == ["x", "y"]
    assert core.notes == ("2-core: 2 rounds removed 2 users, 1 item, 3 events (42.9 %)",)
    assert len(log) == 7
    assert log.notes == ()


def test_k_core_says_when_there_was_nothing_to_remove():
    core = k_core(Interactions.of(UNRAVELS[:4]), 2)
    assert core.notes == ("2-core: nothing to remove",)
    assert len(core) == 4


def test_k_core_counts_distinct_partners_and_keeps_repeats():
    repeats = [("ann", "x"), ("ann", "x"), ("bob", "x"), ("bob", "x")]
    assert len(k_core(Interactions.of(repeats), 1)) == 4
    with pytest.raises(InputError, match="k=2"):
        k_core(Interactions.of(repeats), 2)


def test_k_core_of_a_table_keeps_its_kind_columns_order_and_names(caplog):
    frame = pd.DataFrame(UNRAVELS[::-1], columns=["who", "what"]).assign(note=list("fedcba"))
    before = frame.copy()
    with caplog.at_level(logging.INFO, logger="tastemap.data.prepare"):
        core = k_core(frame, 2, user="who", item="what")
    assert isinstance(core, pd.DataFrame)
    assert core["note"].tolist() == ["d", "c", "b", "a"]
    assert list(core.columns) == ["who", "what", "note"]
    assert caplog.messages == ["2-core: 2 rounds removed 1 user, 1 item, 2 events (33.3 %)"]
    pd.testing.assert_frame_equal(frame, before)


def test_an_empty_core_names_the_largest_k_that_leaves_something():
    full = [(user, item) for user in range(6) for item in range(4)]
    with pytest.raises(InputError, match=r"k=9: no user .* left\n.* k from 1 to 4 .*\n.*pass k=4"):
        k_core(Interactions.of(full), 9)


def test_the_core_of_nothing_is_an_error():
    with pytest.raises(InputError, match="5-core of a log without events\n"):
        k_core(Interactions.of([]), 5)


@pytest.mark.parametrize("k", [0, -1, 2.5, True])
def test_k_core_refuses_a_k_that_is_no_positive_whole_number(k):
    with pytest.raises(UsageError, match=f"k is {k!r}\n  allowed: a whole number from 1 on"):
        inspect.unwrap(k_core)(Interactions.of(UNRAVELS), k)


def test_k_core_refuses_tables_that_it_cannot_read():
    with pytest.raises(
        UsageError, match=r"user='user', which the table does not have\n.*who, what"
    ):
        k_core(pd.DataFrame(UNRAVELS, columns=["who", "what"]), 2)
    with pytest.raises(UsageError, match="k_core of a list\n"):
        k_core(UNRAVELS, 2)


@pytest.mark.parametrize("table", [pd.DataFrame, pl.DataFrame, pl.LazyFrame])
def test_k_core_refuses_null_ids_instead_of_dropping_them(table):
    frame = table({"user": ["ann", None, "bob"], "item": ["x", "x", None]})
    with pytest.raises(InputError, match="2 rows with a null in 'user' or 'item'\n"):
        k_core(frame, 1)
