"""How the log was cut: what each part holds, and where it lies in time."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from tastemap.data.interactions import Interactions
from tastemap.data.shown import shown
from tastemap.data.split import Split
from tastemap.data.table import iso_time
from tastemap.report.figures import rounded
from tastemap.report.stacked import Stack, stacked_chart
from tastemap.report.time_axis import TimeAxis
from tastemap.shapes import Int64

CALLED = {
    "train": "train",
    "fold_in": "shown of held-out users",
    "validation": "validation",
    "test": "test",
}
MARKS = (0.0, 0.05, 0.5, 0.95, 1.0)
"""Quantiles of a part's times."""
MOST_LABEL = 600


@dataclass(frozen=True)
class PartOf:
    """One part of the split.

    Parameters
    ----------
    name
        "train", "fold_in", "validation" or "test".
    events, users, items
        How many it holds.
    counts
        Events in each period; empty where the log has no times.
    dates
        Days of the first event, of 5 %, half and 95 % of them, and of the last.
    at
        The same as places on the axis, in periods from its start.
    """

    name: str
    events: int
    users: int
    items: int
    counts: tuple[int, ...] = ()
    dates: tuple[str, ...] = ()
    at: tuple[float, ...] = ()

    @property
    def called(self) -> str:
        """The name in words."""
        return CALLED[self.name]


@dataclass(frozen=True)
class SplitParts:
    """The split on a time axis.

    Parameters
    ----------
    how
        The call that made it.
    period, starts
        What a bar stands for, and when each begins (UTC); empty where the log has no times.
    parts
        In the order of learning: train first, test last.
    cuts
        (place on the axis, day) where one part ends before the next begins.
    outside
        Events of the log that are in no part.
    later
        Share of the training events that are later than the median test event; None without
        times.
    """

    how: str
    period: str
    starts: tuple[str, ...]
    parts: tuple[PartOf, ...]
    cuts: tuple[tuple[float, str], ...]
    outside: int
    later: float | None


def split_parts(split: Split, log: Interactions) -> SplitParts:
    """Count the parts, and place them in time where the log has times."""
    parts = {name: part for name, part in split.parts().items() if len(part)}
    times = {name: part.time for name, part in parts.items() if part.time is not None}
    axis = TimeAxis.of(np.concatenate(list(times.values()))) if times else None
    return SplitParts(
        how=shown(split.how, MOST_LABEL),
        period="" if axis is None else axis.period,
        starts=() if axis is None else axis.starts,
        parts=tuple(_part(name, part, axis) for name, part in parts.items()),
        cuts=() if axis is None else _cuts(times, axis),
        outside=max(0, len(log) - sum(len(part) for part in parts.values())),
        later=_later(times),
    )


def pictures(split: SplitParts | None) -> dict[str, Any] | None:
    """Stacked bars by period, and below them where each part lies."""
    if split is None:
        return None
    if not split.starts:
        return {"chart": None, "said": ""}
    stacks = [Stack(p.called, f"p-{p.name}", p.counts, p.at) for p in split.parts]
    chart = stacked_chart(
        split.starts,
        stacks,
        title="Events of each part of the split over time",
        x_label=f"start of the {split.period} (UTC)",
        y_label="events",
        cuts=split.cuts,
    )
    return {"chart": chart, "said": _said(split)}


def _part(name: str, part: Interactions, axis: TimeAxis | None) -> PartOf:
    users, items = (int(np.count_nonzero(one)) for one in (part.user_counts(), part.item_counts()))
    if axis is None or part.time is None:
        return PartOf(name, len(part), users, items)
    ordered = np.sort(part.time)
    marks = ordered[[round(share * (len(ordered) - 1)) for share in MARKS]]
    return PartOf(
        name,
        len(part),
        users,
        items,
        counts=axis.counts(part.time),
        dates=tuple(iso_time(int(one))[:10] for one in marks),
        at=tuple(round(float(one), 3) for one in axis.at(marks)),
    )


def _cuts(
    times: Mapping[str, Int64[np.ndarray, " n"]], axis: TimeAxis
) -> tuple[tuple[float, str], ...]:
    found = []
    for before, after in pairwise(times.values()):
        first = after.min(keepdims=True)
        if int(before.max()) <= first[0]:
            found.append((round(float(axis.at(first)[0]), 3), iso_time(int(first[0]))[:10]))
    return tuple(found)


def _later(times: Mapping[str, Int64[np.ndarray, " n"]]) -> float | None:
    if "train" not in times or "test" not in times:
        return None
    return rounded(float((times["train"] > np.median(times["test"])).mean()), 4)


def _said(split: SplitParts) -> str:
    """What the picture shows, in words."""
    if split.cuts:
        days = " and ".join(day for _, day in split.cuts)
        return f"Cut in time on {days} (UTC): what was learned lies before what was asked."
    if not split.later:
        return "No training event is later than the median test event."
    return (
        f"The parts overlap in time: {100 * split.later:.0f} % of the training events are later "
        "than the median test event, so models know trends that nobody could know yet. That helps "
        "all of them alike."
    )
