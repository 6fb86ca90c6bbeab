"""The data passport: hand-counted numbers, and a text that fits a terminal."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tastemap.data.interactions import Interactions
from tastemap.data.passport import describe, resolution
from tastemap.data.synthetic import demo_world, noise
from tastemap.errors import InputError


def test_a_small_log_is_counted_by_hand():
    # Item 0 has 6 events (one pair twice), items 1 and 2 have two each.
    events = [(user, 0, 1, 10 + user) for user in range(5)] + [(0, 0, 3, 874724710)]
    events += [(0, 1, 1, 20), (1, 1, 1, 20), (0, 2, 2, 20), (1, 2, 2, 20)]
    passport = describe(Interactions.of(events))
    assert (passport.events, passport.users, passport.items) == (10, 5, 3)
    assert passport.density == 9 / 15
    assert passport.first_time == "1970-01-01 00:00:10"
    assert passport.last_time == "1997-09-20 03:05:10"
    per_user = passport.per_user
    assert (per_user.min, per_user.median, per_user.mean, per_user.max) == (1, 1, 2, 4)
    assert (passport.per_item.min, passport.per_item.median, passport.per_item.max) == (2, 2, 6)
    assert passport.rare_users == 1
    assert passport.rare_items == 2 / 3
    assert passport.head_items == 2 / 3  # 6 + 2 of 10 events are 80 %
    assert passport.top_events == 6 / 10
    assert passport.gini == pytest.approx(8 / 3 / 10)  # differences 4, 4, 0, over 9 pairs and mean
    assert passport.weight_counts == {"1": 7, "2": 2, "3": 1}
    assert passport.weight_quantiles is None
    assert passport.repeated_pairs == 1
    assert passport.repeated_events == pytest.approx(1 / 10)
    assert passport.resolution == "second"
    # The top item of three is 34 % of them, so only "50 %" holds a second one.
    assert passport.curve == {"1 %": 0.6, "5 %": 0.6, "10 %": 0.6, "20 %": 0.6, "50 %": 0.8}


@pytest.mark.parametrize(
    ("step", "name"),
    [(1, "second"), (60, "minute"), (3600, "hour"), (86400, "day"), (7200, "hour")],
)
def test_the_resolution_is_the_coarsest_step_between_times(step, name):
    # Beginning at an odd second, as midnight elsewhere does in UTC.
    times = [1_700_000_001 + step * n for n in (0, 1, 3, 3, 7)]
    assert resolution(np.array(times)) == name
    log = Interactions.of([(n, "x", 1, time) for n, time in enumerate(times)])
    assert f"UTC, by the {name}" in str(describe(log))


def test_one_time_has_no_resolution():
    assert resolution(np.array([5, 5, 5])) is None
    assert resolution(np.array([], dtype=np.int64)) is None


@settings(max_examples=40)
@given(st.lists(st.integers(1, 30), min_size=1, max_size=150))
def test_the_popularity_curve_equals_a_slow_twin(counts):
    passport = describe(
        Interactions.of([(row, item) for item, n in enumerate(counts) for row in range(n)])
    )
    high = sorted(counts, reverse=True)
    for part, share in zip((1, 5, 10, 20, 50), passport.curve.values(), strict=True):
        items = -(-part * len(counts) // 100)
        assert share == sum(high[:items]) / sum(high)
    assert passport.curve["1 %"] == passport.top_events


def test_ratings_from_0_to_10_are_counted_one_by_one():
    log = Interactions.of([("a", item, item % 11) for item in range(44)])
    assert describe(log).weight_counts == {str(rating): 4 for rating in range(11)}
    assert describe(log).weight_quantiles is None


def test_what_the_log_lacks_is_none_and_ids_without_events_do_not_count():
    log = Interactions.of([("a", "x"), ("b", "y"), ("c", "z")])[:2]
    passport = describe(log)
    assert passport.first_time is None
    assert passport.last_time is None
    assert (passport.users, passport.items, passport.density) == (2, 2, 0.5)
    assert passport.gini == 0


def test_many_different_weights_become_quantiles():
    log = Interactions.of([("a", item, item) for item in range(101)])
    passport = describe(log)
    assert passport.weight_counts is None
    assert passport.weight_quantiles == {
        "min": 0, "25 %": 25, "median": 50, "75 %": 75, "max": 100,
    }  # fmt: skip
    assert "median 50" in str(passport)


@settings(max_examples=40)
@given(st.lists(st.integers(1, 30), min_size=1, max_size=150))
def test_popularity_measures_equal_slow_twins(counts):
    events = [(row, item) for item, n in enumerate(counts) for row in range(n)]
    passport = describe(Interactions.of(events))
    high = sorted(counts, reverse=True)
    needed = next(n for n in range(1, len(high) + 1) if 10 * sum(high[:n]) >= 8 * sum(high))
    assert passport.head_items == needed / len(counts)
    top = -(-len(counts) // 100)
    assert passport.top_events == sum(high[:top]) / sum(high)
    differences = np.abs(np.subtract.outer(counts, counts)).mean()
    assert passport.gini == pytest.approx(differences / (2 * np.mean(counts)))
    assert passport.rare_items == sum(n < 5 for n in counts) / len(counts)
    of_user = [sum(n > row for n in counts) for row in range(max(counts))]
    assert passport.rare_users == sum(n < 5 for n in of_user) / len(of_user)


@pytest.mark.parametrize("log", [demo_world(), noise()], ids=["demo_world", "noise"])
def test_the_text_fits_a_terminal_and_the_json_is_plain(log):
    passport = describe(log)
    lines = str(passport).splitlines()
    assert len(lines) <= 12
    assert max(map(len, lines)) < 80
    assert f"{len(log):,}" in lines[0]
    assert "UTC" in str(passport)
    written = json.loads(json.dumps(passport.to_json(), allow_nan=False))
    assert written["events"] == len(log)
    assert written["per_user"]["max"] == int(log.user_counts().max())


def test_ten_long_weights_are_wrapped():
    weights = np.arange(10, dtype=np.float32) + np.float32(0.33)
    log = Interactions.of([(u, i, weights[i]) for u in range(3) for i in range(10)])
    assert max(map(len, str(describe(log)).splitlines())) < 80
    assert list(describe(log).weight_counts)[:2] == ["0.33", "1.33"]


def test_an_empty_log_has_no_passport():
    with pytest.raises(InputError, match="a log without events\n  allowed: at least one event"):
        describe(Interactions.of([]))
