"""Splitters: one property suite for all, then each against hand examples and slow twins."""

import inspect
import time
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tastemap.data.interactions import Interactions
from tastemap.data.splits import (
    holdout_users,
    k_fold,
    leave_last_out,
    random_split,
    split_by_time,
)
from tastemap.errors import InputError, UsageError

SPLITTERS = {
    "leave_last_out": lambda log, seed: [leave_last_out(log)],
    "leave_last_out without validation": lambda log, seed: [leave_last_out(log, validation=False)],
    "split_by_time": lambda log, seed: [split_by_time(log, test=0.2, validation=0.1)],
    "split_by_time at moments": lambda log, seed: [split_by_time(log, test=5, validation=3)],
    "random_split": lambda log, seed: [random_split(log, 0.3, 0.2, seed=seed)],
    "random_split by item": lambda log, seed: [random_split(log, 0.3, 0.2, "item", seed)],
    "random_split plain": lambda log, seed: [random_split(log, 0.2, 0.2, None, seed)],
    "random_split microsoft": lambda log, seed: [
        random_split(log, 0.25, 0.25, seed=seed, variant="microsoft")
    ],
    "holdout_users": lambda log, seed: [holdout_users(log, 1, 1, fold_in=0.6, seed=seed)],
    "holdout_users by share": lambda log, seed: [holdout_users(log, 0.3, 0.2, seed=seed)],
    "k_fold": lambda log, seed: list(k_fold(log, folds=3, seed=seed)),
}
RANDOM = [name for name in SPLITTERS if name.startswith(("random", "holdout", "k_fold"))]
every_splitter = pytest.mark.parametrize("name", SPLITTERS)


@st.composite
def drawn(draw, timed=None):
    """What `made` needs: histories of length 0 to 3 with equal times, beside four of length 6."""
    short = draw(
        st.lists(
            st.dictionaries(st.integers(0, 5), st.integers(2, 5), max_size=3),  # item: time
            max_size=5,
        )
    )
    shuffle = draw(st.integers(0, 999))
    return short, shuffle, draw(st.booleans()) if timed is None else timed


def made(short, shuffle, timed):
    """The log; made outside the strategy, as checking its types draws random numbers."""
    histories = [{item: item for item in range(6)}] * 4 + short
    events = [(user, *event) for user, one in enumerate(histories) for event in one.items()]
    events = [events[at] for at in np.random.default_rng(shuffle).permutation(len(events))]
    # The weight is the row, so that "with values" can be checked event by event.
    rows = [(user, item, row, time) for row, (user, item, time) in enumerate(events)]
    # One more user and item without any event stay in the vocabularies.
    log = Interactions.of([*rows, (99, 99, 0, 0)])[: len(rows)]
    return log if timed else replace(log, time=None)


def for_splitter(name):
    return drawn(timed=True if name.startswith("split_by_time") else None)


def rows_of(part):
    return [] if part is None else part.weight.astype(int).tolist()


def arrays_of(split):
    return {name: rows_of(part) for name, part in split.parts().items()}


@every_splitter
@settings(max_examples=25)
@given(data=st.data(), seed=st.integers(0, 3))
def test_the_parts_are_the_log_each_event_once_in_file_order(name, data, seed):
    log = made(*data.draw(for_splitter(name)))
    for split in SPLITTERS[name](log, seed):
        parts = split.parts()
        together = [row for part in parts.values() for row in rows_of(part)]
        assert sorted(together) == list(range(len(log)))
        for part in parts.values():
            rows = np.array(rows_of(part), dtype=int)
            assert (np.diff(rows) > 0).all()
            assert (part.user == log.user[rows]).all()
            assert (part.item == log.item[rows]).all()
            assert (part.time is None) == (log.time is None)
            assert part.time is None or (part.time == log.time[rows]).all()
            assert part.users is log.users
            assert part.items is log.items


@every_splitter
@settings(max_examples=10)
@given(data=st.data(), seed=st.integers(0, 3))
def test_same_seed_same_split_and_the_log_is_untouched(name, data, seed):
    log = made(*data.draw(for_splitter(name)))
    before = log.fingerprint()
    first, again = SPLITTERS[name](log, seed), SPLITTERS[name](log, seed)
    assert [arrays_of(split) for split in first] == [arrays_of(split) for split in again]
    assert [split.how for split in first] == [split.how for split in again]
    assert log.fingerprint() == before
    assert log.notes == ()


@every_splitter
@settings(max_examples=25)
@given(data=st.data(), seed=st.integers(0, 3))
def test_queries_show_what_was_before_and_ask_for_the_part(name, data, seed):
    log = made(*data.draw(for_splitter(name)))
    for split in SPLITTERS[name](log, seed):
        for part in ("validation", "test"):
            if part not in split.parts():
                continue
            seen, truth = split.queries(part)
            users = sorted(set(split.parts()[part].user.tolist()))
            assert truth.user.tolist() == users
            assert split.users_without_truth(part) == len(set(log.user.tolist())) - len(users)
            for row, user in enumerate(users):
                assert truth.row(row).tolist() == slow_history(log, [split.parts()[part]], user)
                shown = [split.fold_in] if split.fold_in is not None else [split.train]
                if part == "test" and split.fold_in is None and split.validation is not None:
                    shown.append(split.validation)
                assert seen.row(row).tolist() == slow_history(log, shown, user)
                met = user in split.train.user
                assert seen.user[row] == (user if met else -1)


def slow_history(log, parts, user):
    """Items of a user in these parts, oldest first, equal times in the order of the log."""
    rows = sorted(row for part in parts for row in rows_of(part) if log.user[row] == user)
    if log.time is not None:
        rows.sort(key=lambda row: log.time[row])
    return [int(log.item[row]) for row in rows]


@pytest.fixture(scope="module")
def log():
    """200 events of 20 users and 40 items with rising times."""
    rng = np.random.default_rng(3)
    chosen = np.sort(rng.choice(20 * 40, 200, replace=False))
    return Interactions.of(
        [(int(p // 40), int(p % 40), row, 1000 + row) for row, p in enumerate(rng.permuted(chosen))]
    )


@pytest.mark.parametrize("name", RANDOM)
def test_another_seed_gives_another_split(name, log):
    one, other = SPLITTERS[name](log, 1), SPLITTERS[name](log, 2)
    assert [arrays_of(split) for split in one] != [arrays_of(split) for split in other]


@every_splitter
def test_how_names_the_call(name):
    split = SPLITTERS[name](made([], 0, timed=True), 1)[0]
    assert split.how.startswith(name.split()[0] + "(")
    assert split.how in repr(split)
    if name in RANDOM:
        assert "seed=1" in split.how


@every_splitter
def test_no_splitter_takes_an_empty_log(name):
    empty = Interactions.of([("a", "x", 1, 1)])[:0]
    with pytest.raises(InputError, match=r"a log without events to split\n.*at least two events\n"):
        SPLITTERS[name](empty, 0)


@every_splitter
def test_no_splitter_takes_repeated_pairs(name, log):
    twice = [(u, i, 1, t) for u in range(4) for t, i in enumerate([0, 1, 2, 3, 4, 4, 5, 6, 7, 8])]
    with pytest.raises(InputError, match=r"item 4 stand .*\n.*\n.*dedupe\(log, rule="):
        SPLITTERS[name](Interactions.of(twice), 0)


# ---- leave_last_out


@settings(max_examples=60)
@given(recipe=drawn())
def test_leave_last_out_takes_the_newest_and_the_one_before(recipe):
    log = made(*recipe)
    split = leave_last_out(log)
    test, validation = rows_of(split.test), rows_of(split.validation)
    for user in set(log.user.tolist()):
        rows = [row for row in range(len(log)) if log.user[row] == user]
        if log.time is not None:
            rows.sort(key=lambda row: log.time[row])
        assert [row for row in test if row in rows] == (rows[-1:] if len(rows) > 1 else [])
        assert [row for row in validation if row in rows] == (rows[-2:-1] if len(rows) > 2 else [])


def test_leave_last_out_says_when_it_went_by_file_order():
    events = [("a", "x"), ("a", "y"), ("a", "z")]
    split = leave_last_out(Interactions.of(events))
    assert split.how == "leave_last_out(validation=True), in file order as the log has no times"
    assert split.test.items.decode(split.test.item).tolist() == ["z"]


def test_leave_last_out_of_short_histories_has_no_validation():
    split = leave_last_out(Interactions.of([("a", "x", 1, 5), ("a", "y", 1, 4), ("b", "x", 1, 1)]))
    assert split.validation is None
    assert split.test.items.decode(split.test.item).tolist() == ["x"]
    assert split.how.endswith("without validation as no user has three events")
    assert split.users_without_truth() == 1


def test_leave_last_out_needs_a_user_with_two_events():
    with pytest.raises(InputError, match=r"left for test: leave_last_out.* 2 events of 2 users\n"):
        leave_last_out(Interactions.of([("a", "x"), ("b", "x")]))


# ---- split_by_time


@settings(max_examples=60)
@given(recipe=drawn(timed=True), test=st.sampled_from([0.05, 0.1, 0.2]))
def test_split_by_time_never_parts_equal_times_and_takes_the_smallest_fitting_share(recipe, test):
    log = made(*recipe)
    split = split_by_time(log, test=test)
    assert split.train.time.max() < split.test.time.min()
    newest = split.test.time[split.test.time > split.test.time.min()]
    assert len(newest) < max(1, round(test * len(log))) <= len(split.test)


def test_split_by_time_cuts_at_moments_in_any_form():
    log = Interactions.of([("a", i, 1, 1_000_000 + 100 * i) for i in range(10)])
    moment = datetime(1970, 1, 12, 13, 55, tzinfo=UTC)  # 1,000,500
    elsewhere = moment.astimezone(timezone(timedelta(hours=9)))
    for cut in (1_000_500, moment, elsewhere):
        assert split_by_time(log, test=cut).test.item.tolist() == [5, 6, 7, 8, 9]
    # An event belongs to a later part only if it is not before the cut, fractions included.
    late = split_by_time(log, test=moment + timedelta(microseconds=1))
    assert late.test.item.tolist() == [6, 7, 8, 9]
    both = split_by_time(log, test=1_000_800, validation=1_000_500)
    assert both.validation.item.tolist() == [5, 6, 7]
    assert both.how.endswith(
        "validation from 1970-01-12 13:55:00 UTC, test from 1970-01-12 14:00:00 UTC"
    )


@pytest.fixture
def far_from_utc(monkeypatch):
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("far_from_utc")
def test_a_datetime_without_zone_is_utc_wherever_the_machine_stands():
    log = Interactions.of([("a", i, 1, 1_000_000 + 100 * i) for i in range(10)])
    split = split_by_time(log, test=datetime(1970, 1, 12, 13, 55))
    assert split.test.item.tolist() == [5, 6, 7, 8, 9]


def test_split_by_time_shares_are_of_the_whole_log():
    log = Interactions.of([("a", i, 1, i) for i in range(100)])
    split = split_by_time(log, test=0.2, validation=0.1)
    assert arrays_of(split).keys() == {"train", "validation", "test"}
    assert (len(split.train), len(split.validation), len(split.test)) == (70, 10, 20)


def test_split_by_time_needs_times_and_something_on_both_sides():
    with pytest.raises(InputError, match=r"without times\n.*every event\n.*random_split\(log\)"):
        split_by_time(Interactions.of([("a", "x"), ("a", "y")]))
    same = Interactions.of([("a", "x", 1, 7), ("a", "y", 1, 7)])
    with pytest.raises(InputError, match="no event is left for train: split_by_time"):
        split_by_time(same)
    with pytest.raises(InputError, match="no event is left for test: split_by_time"):
        split_by_time(same, test=8)
    ten = Interactions.of([("a", i, 1, i) for i in range(10)])
    with pytest.raises(InputError, match="no event is left for validation"):
        split_by_time(ten, test=5, validation=7)


@pytest.mark.parametrize("cut", [0.0, 1.0, 1.5, -0.1, float("nan"), True])
def test_split_by_time_refuses_other_cuts(cut, log):
    with pytest.raises(UsageError, match=r"test=.*\n  allowed: a fraction .* or a moment"):
        split_by_time(log, test=cut)


# ---- random_split


@settings(max_examples=60)
@given(
    recipe=drawn(),
    test=st.sampled_from([0.2, 0.5, 0.95]),
    by=st.sampled_from(["user", "item"]),
)
def test_stratified_split_takes_the_rounded_share_and_leaves_one_in_train(recipe, test, by):
    log = made(*recipe)
    split = random_split(log, test=test, by=by)
    group = getattr(log, by)
    counts = Counter(group.tolist())
    held = Counter(getattr(split.test, by).tolist())
    for one, count in counts.items():
        assert held[one] == min(round(test * count), count - 1)


def test_stratified_split_with_validation_still_leaves_one_in_train():
    log = Interactions.of([(user, item) for user in range(5) for item in range(4)])
    split = random_split(log, test=0.6, validation=0.39)  # 2.4 and 1.56 of 4 events
    counts = [part.user_counts().tolist() for part in split.parts().values()]
    assert counts == [[1] * 5, [1] * 5, [2] * 5]


def test_plain_split_takes_the_share_of_the_whole_log(log):
    split = random_split(log, test=0.1, validation=0.05, by=None)
    assert (len(split.test), len(split.validation)) == (20, 10)


def test_every_event_is_held_out_equally_often():
    log = Interactions.of([("a", item) for item in range(10)])
    held = sum(random_split(log, 0.3, seed=seed).test.item_counts() for seed in range(600))
    # 180 expected, standard deviation 11.2.
    assert held.min() > 180 - 4.5 * 11.2
    assert held.max() < 180 + 4.5 * 11.2


def microsoft_stratified_split(frame, ratios, column, seed):
    """The published procedure, step by step, in pandas."""
    np.random.seed(seed)  # noqa: NPY002
    frame = frame.copy()
    frame["random"] = np.random.rand(len(frame))  # noqa: NPY002
    frame = frame.sort_values([column, "random"])
    frame["count"] = frame.groupby(column)["random"].transform("count")
    frame["rank"] = frame.groupby(column).cumcount() + 1
    parts, before = [], None
    for threshold in np.cumsum(ratios):
        chosen = frame["rank"] <= round(threshold * frame["count"])
        if before is not None:
            chosen &= frame["rank"] > round(before * frame["count"])
        parts.append(sorted(frame.loc[chosen, "row"].tolist()))
        before = threshold
    return parts


@pytest.mark.parametrize("by", ["user", "item"])
@pytest.mark.parametrize(("test", "validation"), [(0.25, 0.0), (0.3, 0.0), (0.2, 0.1)])
def test_microsoft_variant_repeats_the_published_procedure(log, by, test, validation):
    frame = pd.DataFrame({"user": log.user, "item": log.item, "row": log.weight.astype(int)})
    ratios = [round(1 - test - validation, 2), validation, test] if validation else [1 - test, test]
    expected = microsoft_stratified_split(frame, ratios, by, seed=42)
    split = random_split(log, test, validation, by=by, seed=42, variant="microsoft")
    assert [rows for rows in arrays_of(split).values()] == expected


def test_random_split_refuses_impossible_arguments(log):
    with pytest.raises(UsageError, match="test=0\n  allowed: a fraction between 0 and 1\n"):
        random_split(log, test=0)
    with pytest.raises(UsageError, match=r"validation=-0\.5\n"):
        random_split(log, validation=-0.5)
    with pytest.raises(UsageError, match=r"test=0.6 and validation=0.4\n.*less than 1"):
        random_split(log, test=0.6, validation=0.4)
    with pytest.raises(UsageError, match="by=None, variant='microsoft'\n"):
        random_split(log, by=None, variant="microsoft")
    with pytest.raises(UsageError, match="by='genre', variant='stratified'\n"):
        inspect.unwrap(random_split)(log, by="genre")
    with pytest.raises(UsageError, match="seed is -1\n"):
        random_split(log, seed=-1)
    with pytest.raises(InputError, match="no event is left for test: random_split"):
        random_split(Interactions.of([("a", "x"), ("b", "x")]))
    with pytest.raises(InputError, match="no event is left for validation: random_split"):
        random_split(Interactions.of([("a", "x"), ("a", "y")]), test=0.5, validation=0.1)


# ---- holdout_users


@settings(max_examples=40)
@given(recipe=drawn(), fold_in=st.sampled_from([0.01, 0.5, 0.8, 0.99]), seed=st.integers(0, 3))
def test_held_out_users_are_strangers_with_both_a_past_and_a_truth(recipe, fold_in, seed):
    log = made(*recipe)
    split = holdout_users(log, test_users=2, validation_users=1, fold_in=fold_in, seed=seed)
    test, validation, train = (
        set(part.user.tolist()) for part in (split.test, split.validation, split.train)
    )
    assert (len(test), len(validation)) == (2, 1)
    assert not test & validation
    assert not (test | validation) & train
    assert set(split.fold_in.user.tolist()) == test | validation
    for user in test | validation:
        told = split.fold_in.user_counts()[user]
        count = log.user_counts()[user]
        assert told == min(max(round(fold_in * count), 1), count - 1)
    seen, _ = split.queries()
    assert seen.user.tolist() == [-1, -1]


@settings(max_examples=40)
@given(recipe=drawn(timed=True))
def test_the_newest_events_of_held_out_users_are_asked_for(recipe):
    log = made(*recipe)
    split = holdout_users(log, test_users=2, fold_in=0.5)
    for user in set(split.test.user.tolist()):
        told = split.fold_in[split.fold_in.user == user]
        asked = split.test[split.test.user == user]
        # Equal times go by the row, which is the weight.
        latest = max(zip(told.time.tolist(), told.weight.tolist(), strict=True))
        assert latest < min(zip(asked.time.tolist(), asked.weight.tolist(), strict=True))


def test_without_times_the_asked_events_are_drawn_at_random():
    log = Interactions.of([(user, item) for user in range(2) for item in range(10)])
    asked = {
        tuple(holdout_users(log, 1, fold_in=0.8, seed=seed).test.item.tolist())
        for seed in range(20)
    }
    assert len(asked) > 10


def test_users_with_one_event_are_never_held_out():
    log = Interactions.of([("a", "x"), ("b", "x"), ("c", "x"), ("c", "y")])
    for seed in range(10):
        assert set(holdout_users(log, 1, seed=seed).test.user.tolist()) == {2}


def test_holdout_users_refuses_more_users_than_there_are(log):
    message = r"test_users=21\n.*whole number of users up to 20: so many with two or more events"
    with pytest.raises(UsageError, match=message):
        holdout_users(log, test_users=21)
    with pytest.raises(UsageError, match=r"validation_users=11\n.*up to 10"):
        holdout_users(log, test_users=10, validation_users=11)
    for wrong in (0, -1, 0.0, 1.0, float("nan")):
        with pytest.raises(UsageError, match=f"test_users={wrong}\n"):
            holdout_users(log, test_users=wrong)
    with pytest.raises(UsageError, match=r"fold_in=1\.0\n"):
        holdout_users(log, fold_in=1.0)
    with pytest.raises(InputError, match="no event is left for train: holdout_users"):
        holdout_users(log, test_users=20)


# ---- k_fold


@settings(max_examples=40)
@given(recipe=drawn(), folds=st.integers(2, 6), seed=st.integers(0, 3))
def test_every_event_is_in_one_test_part_and_users_are_spread_evenly(recipe, folds, seed):
    log = made(*recipe)
    splits = list(k_fold(log, folds, seed))
    assert len(splits) == folds
    assert sorted(row for split in splits for row in rows_of(split.test)) == list(range(len(log)))
    sizes = [len(split.test) for split in splits]
    assert max(sizes) - min(sizes) <= 1
    per_user = np.array([split.test.user_counts() for split in splits])
    assert (np.ptp(per_user, axis=0) <= 1).all()


def test_k_fold_refuses_impossible_numbers_at_once(log):
    for folds in (0, 1, 201):
        with pytest.raises(UsageError, match=f"folds is {folds}\n.*number of events, 200\n"):
            k_fold(log, folds)
