"""Events cut by row, against Python's own stable sort."""

import numpy as np
import pytest

from tastemap.kernels.jit import threads
from tastemap.kernels.rows import by_row, grouped, same_rows


def obvious(row, n_rows, time):
    """Where rows begin and their events, oldest first, by sorting tuples."""
    moments = [0] * len(row) if time is None else time.tolist()
    order = sorted(range(len(row)), key=lambda e: (row[e], moments[e], e))
    return [int((row < r).sum()) for r in range(n_rows + 1)], order


@pytest.mark.parametrize("moments", [None, 1, 3, 10**6])
@pytest.mark.parametrize(("events", "n_rows"), [(0, 3), (1, 1), (40, 7), (3000, 5)])
def test_events_are_dealt_out_to_rows_oldest_first(events, n_rows, moments):
    random = np.random.default_rng(events + n_rows)
    row = random.integers(n_rows, size=events).astype(np.int32)
    time = None if moments is None else random.integers(-moments, moments, size=events)
    starts, order = by_row(row, n_rows + 2, time)  # the last two rows are empty
    expected = obvious(row, n_rows + 2, time)
    assert (starts.tolist(), order.tolist()) == expected


def test_read_only_and_strided_columns_give_the_same_order():
    random = np.random.default_rng(3)
    row, time = random.integers(4, size=60).astype(np.int32), random.integers(9, size=60)
    expected = by_row(row[::2].copy(), 4, time[::2].copy())
    row.flags.writeable = time.flags.writeable = False
    for found, right in zip(by_row(row[::2], 4, time[::2]), expected, strict=True):
        assert found.tolist() == right.tolist()


def test_the_order_does_not_depend_on_threads():
    random = np.random.default_rng(4)
    row, time = (
        random.integers(500, size=600_000).astype(np.int32),
        random.integers(50, size=600_000),
    )
    with threads(1):
        alone = by_row(row, 500, time)[1]
    with threads(2):
        together = by_row(row, 500, time)[1]
    assert np.array_equal(alone, together)
    assert np.array_equal(alone, np.lexsort((time, row)))


@pytest.mark.parametrize("events", [0, 1, 3000, 600_000])
def test_columns_are_grouped_by_row_as_a_stable_sort_does(events):
    random = np.random.default_rng(events)
    row = random.integers(3, 500, size=events).astype(np.int32)  # rows without events at both ends
    columns = (
        random.integers(9, size=events).astype(np.int32),
        random.random(events, dtype=np.float32),
        random.integers(-(2**60), 2**60, size=events),
        np.full(events, 0.25, dtype=np.float32),
        np.where(np.arange(events) == events - 1, -0.0, 0.0),  # equal numbers, other bits
    )
    order = np.argsort(row, kind="stable")
    for n in (1, 2):
        with threads(n):
            starts, *found = grouped(row, 510, *columns)
        assert starts.tolist() == np.searchsorted(row[order], np.arange(511)).tolist()
        for column, given in zip(found, columns, strict=True):
            assert column.dtype == given.dtype
            assert column.tobytes() == given[order].tobytes()


def test_grouped_takes_read_only_and_strided_columns_and_leaves_them_alone():
    row, item = np.int32([2, 0, 2, 0, 0, 1]), np.int32([5, 9, 6, 9, 7, 8])
    row.flags.writeable = item.flags.writeable = False
    starts, found = grouped(row[::2], 3, item[::2])
    assert (starts.tolist(), found.tolist()) == ([0, 1, 1, 3], [7, 5, 6])
    assert item.tolist() == [5, 9, 6, 9, 7, 8]


@pytest.mark.parametrize("kind", [np.int32, np.int64])
def test_rows_are_the_same_only_value_by_value(kind):
    random = np.random.default_rng(5)
    own = [random.integers(3, size=random.integers(4)) for _ in range(20)]
    rows = [random.integers(3, size=random.integers(4)) for _ in range(400)]
    user = random.integers(-1, 22, size=400).astype(np.int32)  # -1, 20 and 21 are nobody
    found = same_rows(user, ragged(rows, kind), ragged(own, kind))
    expected = [
        0 <= u < 20 and row.tolist() == own[u].tolist() for u, row in zip(user, rows, strict=True)
    ]
    assert found.tolist() == expected
    assert any(expected)
    assert not all(expected)


def ragged(rows, kind):
    """Where each row begins, and all values."""
    starts = np.cumsum([0, *(len(row) for row in rows)])
    return starts, np.concatenate(rows).astype(kind)
