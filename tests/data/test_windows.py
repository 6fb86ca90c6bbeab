from datetime import timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tastemap.data.interactions import Interactions
from tastemap.data.synthetic import taste_groups
from tastemap.data.windows import rolling_windows
from tastemap.errors import InputError, UsageError
from tastemap.metrics.evaluate import evaluate
from tastemap.models import Popularity


def log_at(*times):
    """One event an item, at these times, of two users in turn."""
    return Interactions.of([(n % 2, f"i{n:03d}", 1.0, time) for n, time in enumerate(times)])


def times_of(part):
    return part.time.tolist()


def test_shares_by_hand():
    splits = list(rolling_windows(log_at(*range(10)), windows=3, length=0.2))
    assert [times_of(one.test) for one in splits] == [[4, 5], [6, 7], [8, 9]]
    assert [times_of(one.train) for one in splits] == [[*range(4)], [*range(6)], [*range(8)]]
    assert [one.validation for one in splits] == [None] * 3


def test_durations_by_hand():
    log = log_at(0, 5, 10, 11, 19, 20, 25, 30)
    splits = list(rolling_windows(log, windows=2, length=timedelta(seconds=10)))
    # The log ends after second 30: windows 11 to 20 and 21 to 30.
    assert [times_of(one.test) for one in splits] == [[11, 19, 20], [25, 30]]
    assert [times_of(one.train) for one in splits] == [[0, 5, 10], [0, 5, 10, 11, 19, 20]]


def test_the_window_before_is_for_validation():
    splits = list(rolling_windows(log_at(*range(10)), windows=2, length=0.2, validation=True))
    assert [times_of(one.train) for one in splits] == [[*range(4)], [*range(6)]]
    assert [times_of(one.validation) for one in splits] == [[4, 5], [6, 7]]
    assert [times_of(one.test) for one in splits] == [[6, 7], [8, 9]]


def test_old_events_can_be_left_out_of_train():
    recent = timedelta(seconds=3)
    splits = rolling_windows(log_at(*range(10)), windows=2, length=0.2, train_length=recent)
    assert [times_of(one.train) for one in splits] == [[3, 4, 5], [5, 6, 7]]


def test_a_window_says_where_it_is():
    one, two = rolling_windows(log_at(*range(10)), windows=2, length=0.2)
    assert one.how == (
        "rolling_windows(windows=2, length=0.2, validation=False), window 1, "
        "test from 1970-01-01 00:00:06 to 1970-01-01 00:00:07 UTC"
    )
    assert "window 2, test from 1970-01-01 00:00:08 to 1970-01-01 00:00:09" in two.how


@settings(max_examples=40)
@given(
    times=st.lists(st.integers(0, 60), min_size=12, max_size=40),
    windows=st.integers(1, 3),
    validation=st.booleans(),
    length=st.sampled_from([0.1, 0.2, timedelta(seconds=7)]),
)
def test_nothing_of_the_future_is_known_and_windows_do_not_overlap(
    times, windows, validation, length
):
    log = log_at(*times)
    try:
        splits = list(rolling_windows(log, windows, length, validation))
    except InputError:  # many equal times can leave a part without events
        return
    tested = []
    for split in splits:
        parts = [part for part in (split.train, split.validation, split.test) if part is not None]
        for earlier, later in pairwise(parts):
            assert earlier.time.max() < later.time.min()
        end = split.test.time.max()
        # All that happened until then is in the split, each event once.
        assert sorted(t for part in parts for t in times_of(part)) == sorted(
            t for t in times if t <= end
        )
        assert split.train.items is log.items
        tested += split.test.item.tolist()
    assert len(tested) == len(set(tested))
    assert splits[-1].test.time.max() == max(times)


def test_the_order_of_the_rows_does_not_matter():
    log = taste_groups(seed=1)
    order = np.random.default_rng(0).permutation(len(log))
    for one, other in zip(rolling_windows(log), rolling_windows(log[order]), strict=True):
        assert one.how == other.how
        assert sorted(one.test.item.tolist()) == sorted(other.test.item.tolist())


def test_models_can_be_evaluated_on_every_window():
    log = taste_groups(users=300, seed=1)
    for split in rolling_windows(log, windows=3, validation=True):
        model = Popularity().fit(split.train)
        for part in ("test", "validation"):
            found = evaluate(model, split, ["auc"], part=part)
            assert found["auc"].mean > 0.5


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"windows": 0}, r"windows=0, length=0\.1, 0 windows in all.*\n.*one or more windows"),
        ({"length": 0.5}, r"windows=3, length=0\.5, 3 windows in all"),
        ({"windows": 9, "validation": True}, r"windows=9, length=0\.1, 10 windows in all"),
        ({"length": 0.0}, r"length=0\.0"),
        ({"length": float("nan")}, r"length=nan"),
        ({"length": timedelta(milliseconds=2)}, r"length=datetime\.timedelta\(.*2000\)"),
        ({"length": timedelta(seconds=5)}, r"that leave events before the first"),
    ],
)
def test_impossible_windows_are_refused_at_once(options, said):
    with pytest.raises(UsageError, match=said):
        rolling_windows(log_at(*range(10)), **options)


def test_logs_that_cannot_be_cut_are_refused():
    timeless = Interactions.of([("a", "x"), ("b", "y")])
    with pytest.raises(InputError, match=r"rolling_windows of a log without times\n.*\n.*k_fold"):
        rolling_windows(timeless)
    with pytest.raises(InputError, match="a log without events to split"):
        rolling_windows(log_at(1)[:0])
    with pytest.raises(InputError, match=r"no event is left for test: rolling_windows\(.*window 1"):
        list(rolling_windows(log_at(*[1] * 5, *[2] * 15), windows=3))
    with pytest.raises(InputError, match="no event is left for train"):
        list(rolling_windows(log_at(*[1] * 20), windows=1))
    gap = log_at(0, 1, 2, 50, 51)
    with pytest.raises(InputError, match=r"no event is left for train: .*train_length=0:00:05"):
        next(rolling_windows(gap, 1, timedelta(seconds=5), train_length=timedelta(seconds=5)))
