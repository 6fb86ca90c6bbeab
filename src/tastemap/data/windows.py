"""Rolling windows: the split by time again and again, each time a little later.

One split by time says how a model did in one period. Several tell how much that was luck, and
whether a model is as good after more training data, or after the world has changed.
"""

from collections.abc import Iterator
from datetime import timedelta

import numpy as np

from tastemap.data.interactions import Interactions
from tastemap.data.split import Split
from tastemap.data.splits import TEST, TRAIN, VALIDATION, require_events, split_of
from tastemap.data.table import iso_time
from tastemap.errors import InputError, UsageError
from tastemap.shapes import Int64


def rolling_windows(
    log: Interactions,
    windows: int = 3,
    length: float | timedelta = 0.1,
    validation: bool = False,
    train_length: timedelta | None = None,
) -> Iterator[Split]:
    """Test in one window of time after the other, each time with what came before it as train.

    Events later than a window are in no part of its split, so that nothing of the future is
    known; the items of the whole log are the catalogue of all splits. The last window ends with
    the log. The splits are made one at a time; `list(rolling_windows(log))` keeps them all.

    Parameters
    ----------
    windows
        How many splits.
    length
        Of each window: a share of the log's events (equal times are never parted), or a
        timedelta of whole seconds.
    validation
        Whether the window before the test window is held out for validation.
    train_length
        Train only on the last so long before the held-out events; None trains on all of them.

    Errors
    ------
    UsageError
        For windows that leave nothing before the first of them, or of less than a second.
    InputError
        For a log without times or events, and where a part of a split has no events.

    Source: Ji et al., A critical study on data leakage in recommender system offline evaluation,
    TOIS 2023.

    Examples
    --------
    >>> log = Interactions.of([("ann", item, 1, 100 * item) for item in range(1, 11)])
    >>> [(len(split.train), len(split.test)) for split in rolling_windows(log, 2, length=0.2)]
    [(6, 2), (8, 2)]
    """
    require_events(log)
    if log.time is None:
        raise InputError(
            "rolling_windows of a log without times",
            "a log with a time for every event",
            "name the time column when reading (time=...), or use k_fold(log)",
        )
    starts = _starts(log.time, windows, windows + validation, length)
    said = f"rolling_windows(windows={windows}, length={length}, validation={validation}"
    said += ")" if train_length is None else f", train_length={train_length})"
    return (
        _window(log, log.time, starts[first : first + 2 + validation], train_length, f"{said}, {n}")
        for first, n in enumerate(f"window {one + 1}" for one in range(windows))
    )


def _window(
    log: Interactions,
    time: Int64[np.ndarray, " n"],
    starts: list[int],
    train_length: timedelta | None,
    how: str,
) -> Split:
    """Train before the first moment, test between the last two, validation between the others."""
    known = time < starts[-1]
    if train_length is not None:
        known &= time >= starts[0] - train_length.total_seconds()
    side = np.where(time >= starts[-2], TEST, np.where(time >= starts[0], VALIDATION, TRAIN))
    how += f", test from {iso_time(starts[-2])} to {iso_time(starts[-1] - 1)} UTC"
    validation = len(starts) > 2
    return split_of(log[known], side[known].astype(np.int8), how, needs_validation=validation)


def _starts(
    times: Int64[np.ndarray, " n"], windows: int, parts: int, length: float | timedelta
) -> list[int]:
    """The first second of each of `parts` windows, and the one after the last."""
    end = int(times.max()) + 1
    seconds = int(length.total_seconds()) if isinstance(length, timedelta) else 0
    if isinstance(length, timedelta):
        fine = seconds >= 1 and seconds * parts < end - times.min()
    else:
        fine = 0 < length * parts < 1
    if windows < 1 or not fine:
        raise UsageError(
            f"windows={windows}, length={length!r}, {parts} windows in all to hold out",
            "one or more windows, a share or a timedelta, that leave events before the first of "
            "them for train",
            "pass windows=3, length=0.1",
        )
    back = np.arange(parts, 0, -1)
    if isinstance(length, timedelta):
        return [*(end - back * seconds).tolist(), end]
    places = len(times) - np.maximum(1, np.round(back * (length * len(times))).astype(np.int64))
    return [*np.sort(times)[places].tolist(), end]
