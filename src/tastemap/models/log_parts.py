"""A training log cut in three for two stages: what the first learns, labels of the second, a trial.

A ranker that learns from scores of pairs which its first stage was fitted on learns to trust scores
that will never be that good again. So the first stage is fitted on an earlier part, and the labels
come from a later one.
"""

from dataclasses import dataclass, replace

import numpy as np

from tastemap.data.interactions import UNKNOWN, Histories, Interactions
from tastemap.data.table import iso_time
from tastemap.shapes import Bool, Int64

ACQUAINTED = 0.1
"""A cut in time is kept if at least this share of the label part's users have earlier events."""


@dataclass(frozen=True, eq=False)
class LogParts:
    """One log in three parts, oldest first, with the same vocabularies.

    Parameters
    ----------
    earlier
        What first stages are fitted on while labels are made.
    labels
        Where the labels of the second stage come from.
    validation
        What decides whether the second stage is worth having.
    before_validation
        `earlier` and `labels` together, in the order of the log.
    window
        Seconds that the label part spans; None where the log was not cut in time.
    how
        The cut in words.
    """

    earlier: Interactions
    labels: Interactions
    validation: Interactions
    before_validation: Interactions
    window: int | None
    how: str


def log_parts(log: Interactions, share: float) -> LogParts:
    """Cut off the newest `share` of the events for validation and as much before it for labels.

    With times all users are cut at the same two moments. Without times, or where next to nobody
    has events on both sides of such a cut, each user's own events are cut by their order.

    Examples
    --------
    >>> log = Interactions.of([(u, i, 1, 10 * i + u) for u in range(3) for i in range(10)])
    >>> parts = log_parts(log, 0.1)
    >>> len(parts.earlier), len(parts.labels), len(parts.validation), parts.window
    (24, 3, 3, 10)
    """
    if log.time is not None and len(log):
        parts = _cut_in_time(log, log.time, share)
        known, asked = parts.earlier.user_counts() > 0, parts.labels.user_counts() > 0
        if (known & asked).sum() > ACQUAINTED * asked.sum():
            return parts
        why = "hardly anybody has events on both sides of a cut in time"
    else:
        why = "the log has no times"
    newer = _newer_events(log)
    counts = log.user_counts()[log.user]
    cut = np.where(counts >= 3, np.maximum(1, np.round(share * counts)), 0)
    how = f"each user's newest {share:.0%} for validation and {share:.0%} before it, as {why}"
    return _parts(log, newer >= 2 * cut, newer < cut, None, how)


def held_out(before: Interactions, later: Interactions) -> tuple[Histories, Histories]:
    """What users are known by before, and the items that are new to them later.

    Row by row the same users: those with a new item; user -1 where nothing is known before. Each
    new item stands once.
    """
    width = max(len(before.items), 1)
    pairs, _ = later.pairs()
    pairs = pairs[~np.isin(pairs, before.pairs()[0])]
    users, first = np.unique(pairs // width, return_index=True)
    met = before.user_counts()[users] > 0
    known = replace(before.histories(users), user=np.where(met, users, UNKNOWN).astype(np.int32))
    truth = Histories(
        user=users.astype(np.int32),
        starts=np.append(first, len(pairs)).astype(np.int64),
        items=(pairs % width).astype(np.int32),
        weight=np.ones(len(pairs), dtype=np.float32),
    )
    return known, truth


def _cut_in_time(log: Interactions, times: Int64[np.ndarray, " n"], share: float) -> LogParts:
    ordered = np.sort(times)
    events = max(1, round(share * len(log)))
    moments = [int(ordered[max(len(log) - n * events, 0)]) for n in (2, 1)]
    how = f"labels from {iso_time(moments[0])} UTC, validation from {iso_time(moments[1])} UTC"
    window = max(moments[1] - moments[0], 1)
    return _parts(log, times < moments[0], times >= moments[1], window, how)


def _parts(
    log: Interactions,
    earlier: Bool[np.ndarray, " n"],
    validation: Bool[np.ndarray, " n"],
    window: int | None,
    how: str,
) -> LogParts:
    return LogParts(
        earlier=log[earlier],
        labels=log[~(earlier | validation)],
        validation=log[validation],
        before_validation=log[~validation],
        window=window,
        how=how,
    )


def _newer_events(log: Interactions) -> Int64[np.ndarray, " n"]:
    """How many newer events the same user has, for each event."""
    order = np.lexsort((log.user,) if log.time is None else (log.time, log.user))
    ends = np.cumsum(log.user_counts())
    newer = np.empty(len(log), dtype=np.int64)
    newer[order] = ends[log.user[order]] - 1 - np.arange(len(log))
    return newer
