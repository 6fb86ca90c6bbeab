"""Who is served: the main metric by groups of users and of held-out events, with intervals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tastemap.data.table import Table
from tastemap.metrics.ranking import TOPK
from tastemap.metrics.slices import GROUPS, By, slices
from tastemap.report import wording
from tastemap.report.figures import compact, counted, figure, rounded
from tastemap.report.material import YARDSTICK, Material
from tastemap.report.measured import Measured, reach
from tastemap.report.row_charts import Dot, Group, group_chart

HEADINGS: dict[By, tuple[str, str]] = {
    "popularity": (
        "By how popular the held-out item is",
        "The catalogue in tenths, the most used items first. Each row counts as if only these "
        "items had been held out: does the model find rare items, too?",
    ),
    "activity": (
        "By how much is known of the user",
        "Users in four groups of about equal size.",
    ),
    "time": (
        "By when the held-out event happened",
        "Held-out events in four periods of about equal size: does quality fade?",
    ),
    "cold_users": ("New users", "Users without any history against all others."),
    "cold_items": ("New items", "Held-out items that nobody used in training against all others."),
}
"""What each cut is called, and how to read it."""
NO_COLD: dict[By, str] = {
    "cold_users": "every test user has a history",
    "cold_items": "every held-out item was used in training",
}


@dataclass(frozen=True)
class Slice:
    """A group: its users, the model's and Popularity's mean, and what perfect lists would reach."""

    label: str
    n: int
    model: Measured
    yardstick: Measured
    ceiling: float | None


@dataclass(frozen=True)
class Cut:
    """One way to cut, and its groups.

    Parameters
    ----------
    of_events
        Whether groups are of held-out events, else of users.
    """

    by: By
    of_events: bool
    metric: str
    slices: tuple[Slice, ...]


@dataclass(frozen=True)
class Served:
    """All cuts that tell something, and in words those that do not."""

    model: str
    cuts: tuple[Cut, ...]
    alike: tuple[str, ...]


def served_by(material: Material) -> Served:
    """Cut the chosen model's and Popularity's evaluation on the test part."""
    cuts, alike = [], []
    for by in HEADINGS:
        if by == "time" and material.split.test.time is None:
            alike.append("the log has no times")
            continue
        _, of_events = GROUPS[by]
        metric = _metric(material, of_events)
        mine = slices(material.subject.evaluation, material.split, by, metric)
        popular = slices(material.popular, material.split, by, metric)
        found = _slices(mine, popular)
        if len(found) > 1:
            cuts.append(Cut(by, of_events, metric, found))
        elif by in NO_COLD:
            alike.append(NO_COLD[by] if found[0].label != _COLD[by] else f"all are {_COLD[by]}")
    return Served(material.chosen, tuple(cuts), tuple(alike))


_COLD: dict[By, str] = {
    "cold_users": "without history",
    "cold_items": "never used in training",
}


def pictures(served: Served | None, styles: Mapping[str, str]) -> dict[str, Any] | None:
    """(cut, heading, how to read it, chart, what it says) of each cut."""
    if served is None or not served.cuts:
        return None
    charts = [
        (cut, *HEADINGS[cut.by], _chart(cut, served.model, styles), _said(cut, served.model))
        for cut in served.cuts
    ]
    keys = list(dict.fromkeys([served.model, YARDSTICK]))
    return {"charts": charts, "keys": [(name, styles[name]) for name in keys]}


def _metric(material: Material, of_events: bool) -> str:
    """The main metric, or recall where groups of events need a metric of lists."""
    word = material.metric.partition("@")[0]
    if word in TOPK or not of_events:
        return material.metric
    return f"recall@{min(10, material.subject.evaluation.ranking.k)}"


def _slices(mine: Table, popular: Table) -> tuple[Slice, ...]:
    names = mine["slice"]
    return tuple(
        Slice(
            label=_label(str(names[row]), len(names) - 1),
            n=int(mine["n"][row]),
            model=_of(mine, row),
            yardstick=_of(popular, row),
            ceiling=rounded(float(mine["ceiling"][row])),
        )
        for row in range(1, len(names))  # row 0 is the whole
    )


def _of(table: Table, row: int) -> Measured:
    numbers = (float(table[name][row]) for name in ("mean", "stderr"))
    mean, stderr = (None if np.isnan(one) else rounded(one) for one in numbers)
    return Measured(mean, stderr, int(table["n"][row]))


def _label(name: str, groups: int) -> str:
    """A group's name as the page writes it.

    >>> _label("decile 1", 10), _label("2023-11-14 22:13:20 to 2023-12-01 08:00:00", 4)
    ('tenth 1, most used', '2023-11-14 – 2023-12-01')
    """
    kind, _, number = name.partition(" ")
    if kind == "decile":
        ends = {"1": ", most used", "10": ", least used"}
        return f"tenth {number}{ends.get(number, '')}"
    first, to, last = name.partition(" to ")
    if to and len(first) == len(last) == 19 and first[:10] != last[:10]:
        return f"{first[:10]} – {last[:10]}"
    return name


def _chart(cut: Cut, model: str, styles: Mapping[str, str]) -> Any:
    groups = []
    for one in cut.slices:
        told = {model: one.model} | ({} if model == YARDSTICK else {YARDSTICK: one.yardstick})
        dots = [
            Dot(name, *reach(value), "", styles[name])
            for name, value in told.items()
            if value.mean is not None
        ]
        groups.append(Group(one.label, compact(one.n), dots, one.ceiling))
    highest = max((dot.high for group in groups for dot in group.dots), default=1.0)
    what = wording.labelled(cut.metric)
    return group_chart(
        groups,
        title=f"{what}: {HEADINGS[cut.by][0]}",
        x_label=f"{what}; at the right: users",
        most=1.5 * highest,
    )


def _said(cut: Cut, model: str) -> str:
    """The best and the worst group in words, and where the same list for all does better."""
    known = [one for one in cut.slices if one.model.mean is not None]
    if len(known) < 2:
        return ""
    best = max(known, key=lambda one: one.model.mean or 0.0)
    worst = min(known, key=lambda one: one.model.mean or 0.0)
    behind = [one.label for one in known if (one.model.mean or 0) < (one.yardstick.mean or 0)]
    nothing = [one for one in known if one.model.mean == 0]
    said = f"{model} does best for “{best.label}” ({figure(best.model.mean)}) and "
    if reach(best.model)[1] <= reach(worst.model)[2]:
        ends = " to ".join(figure(one.model.mean) for one in (worst, best))
        said = f"No group stands out: from {ends}, with intervals that overlap."
    elif len(nothing) > 1:
        said += (
            f"finds nothing in {len(nothing)} of {len(known)} groups, "
            f"which hold {counted(sum(one.n for one in nothing), 'user')}."
        )
    else:
        said += (
            f"worst for “{worst.label}” ({figure(worst.model.mean)}, {counted(worst.n, 'user')})."
        )
    if behind and model != YARDSTICK:
        names: Sequence[str] = [f"“{label}”" for label in behind]
        said += f" {YARDSTICK} has the higher mean for {', '.join(names)}."
    return said
