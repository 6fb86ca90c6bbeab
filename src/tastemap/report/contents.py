"""What is in the log, counted for the report, and its pictures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tastemap.data.interactions import Interactions
from tastemap.data.passport import describe
from tastemap.data.shown import shown
from tastemap.report.charts import Line, bar_chart, line_chart
from tastemap.report.figures import compact, counted
from tastemap.report.plain import plain
from tastemap.report.time_axis import TimeAxis
from tastemap.shapes import Int64

MOST_NOTES = 20
NOTE_LENGTH = 300


@dataclass(frozen=True)
class Data:
    """What is in the log.

    Parameters
    ----------
    passport
        As `tastemap.describe` counts it.
    notes
        What reading and preparing did, in words.
    by_rank
        (rank, events) of some items, most used first.
    over_time
        (start of the period, events), or None where the log has no times.
    period
        What a period is: "month", say.
    by_activity
        (fewest events, most events, users who have so many), in steps that double.
    """

    passport: Mapping[str, Any]
    notes: tuple[str, ...]
    by_rank: tuple[tuple[int, int], ...]
    over_time: tuple[tuple[str, int], ...] | None
    period: str
    by_activity: tuple[tuple[int, int, int], ...] = ()


def contents(log: Interactions, notes: Sequence[str] | None = None) -> Data:
    """Passport, notes and the counts behind the pictures; its own notes where none are given."""
    told = log.notes if notes is None else notes
    said = [shown(note, NOTE_LENGTH) for note in told[:MOST_NOTES]]
    if len(told) > MOST_NOTES:
        said.append(f"and {len(told) - MOST_NOTES:,} more such notes")
    periods = None if log.time is None else over_time(log.time)
    return Data(
        passport=plain(describe(log)),
        notes=tuple(said),
        by_rank=by_rank(log.item_counts()),
        over_time=None if periods is None else periods[1],
        period="" if periods is None else periods[0],
        by_activity=by_activity(log.user_counts()),
    )


def by_rank(counts: Int64[np.ndarray, " items"], points: int = 80) -> tuple[tuple[int, int], ...]:
    """(rank from 1, events) of items that somebody used, most used first, thinned evenly in log.

    >>> by_rank(np.array([0, 3, 7, 1]))
    ((1, 7), (2, 3), (3, 1))
    """
    ordered = np.sort(counts[counts > 0])[::-1]
    ranks = np.unique(np.round(np.geomspace(1, len(ordered), points)).astype(int))
    return tuple((int(rank), int(ordered[rank - 1])) for rank in ranks)


def by_activity(counts: Int64[np.ndarray, " users"]) -> tuple[tuple[int, int, int], ...]:
    """(fewest events, most events, users) in steps that double, from the first to the last used.

    >>> by_activity(np.array([0, 1, 5, 4, 9]))
    ((1, 1, 1), (2, 3, 0), (4, 7, 2), (8, 15, 1))
    """
    used = counts[counts > 0]
    step = np.frexp(used.astype(np.float64))[1] - 1  # 2^step <= count < 2^(step + 1)
    users = np.bincount(step)
    first = int(step.min())
    return tuple((1 << s, (2 << s) - 1, int(users[s])) for s in range(first, len(users)))


def over_time(
    time: Int64[np.ndarray, " n"],
) -> tuple[str, tuple[tuple[str, int], ...]]:
    """Events by calendar period, the shortest one that needs at most 60 bars, empty ones included.

    >>> over_time(np.array([0, 3600, 7300]))
    ('hour', (('1970-01-01 00:00', 1), ('1970-01-01 01:00', 1), ('1970-01-01 02:00', 1)))
    """
    axis = TimeAxis.of(time)
    return axis.period, tuple(zip(axis.starts, axis.counts(time), strict=True))


def pictures(data: Data) -> dict[str, Any]:
    """(heading, what to see, chart) of everything that the log has."""
    charts = [
        (
            "Events of each item, by rank",
            "Both axes are logarithmic: a straight fall is a long tail.",
            _rank_chart(data),
        )
    ]
    if data.over_time is not None:
        charts.append(
            (
                "Events over time",
                f"Each bar is one {data.period}.",
                bar_chart(
                    data.over_time,
                    title="Events over time",
                    x_label=f"start of the {data.period} (UTC)",
                    y_label="events",
                ),
            )
        )
    charts.append(_activity(data))
    weights = data.passport["weight_counts"]
    if weights is not None and len(weights) > 1:
        charts.append(_weights(weights))
    return {"charts": charts}


def _activity(data: Data) -> tuple[str, str, Any]:
    bars = [
        (compact(low) if low == high else f"{compact(low)}–{compact(high)}", users)
        for low, high, users in data.by_activity
    ]
    largest = max(data.by_activity, key=lambda one: one[2])
    said = f"{largest[0]:,} to {largest[1]:,}" if largest[1] > largest[0] else f"{largest[0]:,}"
    chart = bar_chart(
        bars,
        title="Users by how many events they have",
        x_label="events of the user, in steps that double",
        y_label="users",
        every=True,
    )
    return "Users by activity", f"Most usual are {said} events a user.", chart


def _weights(weights: Mapping[str, int]) -> tuple[str, str, Any]:
    total = sum(weights.values())
    top, events = max(weights.items(), key=lambda one: one[1])
    chart = bar_chart(
        list(weights.items()),
        title="Events by weight",
        x_label="weight of the event, such as its rating",
        y_label="events",
        every=len(weights) <= 12,
    )
    said = f"{100 * events / total:.0f} % of the events have the weight {top}, the most usual one."
    return "Events by weight", said, chart


def _rank_chart(data: Data) -> Any:
    head = data.passport["head_items"]
    rank = max(1, round(head * data.passport["items"]))
    return line_chart(
        [Line("", data.by_rank, "s0 strong")],
        title="Events of each item, most used item first, both axes logarithmic",
        x_label="rank of the item (log)",
        y_label="events (log)",
        log=True,
        mark=(rank, f"80 % of events: {counted(rank, 'item')}"),
    )
