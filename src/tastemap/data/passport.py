"""What is in a log, in numbers: the data passport."""

import dataclasses
import math
import textwrap
from dataclasses import dataclass
from typing import Any

import numpy as np

from tastemap.data.interactions import Interactions
from tastemap.data.table import iso_time
from tastemap.errors import InputError
from tastemap.shapes import Float32, Int64

FEW = 5
"""Users and items with fewer events than this are called rare."""

LEVELS = 11
"""So many different weights are counted one by one, as in ratings from 0 to 10."""

CURVE = (1, 5, 10, 20, 50)
"""Per cents of the items, most used first, whose share of the events is told."""

STEPS = {"day": 86400, "hour": 3600, "minute": 60, "second": 1}
"""Resolutions of times, and their seconds."""


@dataclass(frozen=True)
class Spread:
    """Smallest, middle, mean and largest of some counts."""

    min: int
    median: float
    mean: float
    max: int

    @classmethod
    def of(cls, counts: Int64[np.ndarray, " n"]) -> "Spread":
        """The spread of some counts; there must be at least one."""
        median, mean = float(np.median(counts)), float(np.mean(counts))
        return cls(int(counts.min()), median, mean, int(counts.max()))

    def __str__(self) -> str:
        return f"min {self.min:,}, median {self.median:,g}, mean {self.mean:,.1f}, max {self.max:,}"


@dataclass(frozen=True)
class Passport:
    """What `describe` found in a log. Shares are fractions, 0 to 1.

    Parameters
    ----------
    events, users, items
        Counts; users and items are those with at least one event.
    density
        Distinct (user, item) pairs / (users x items).
    first_time, last_time
        "YYYY-MM-DD HH:MM:SS", UTC; None where the log has no times.
    resolution
        "day", "hour", "minute" or "second": the coarsest that all times lie whole multiples of
        apart; None without times, or where all are the same.
    per_user, per_item
        Events of each user and of each item.
    rare_users, rare_items
        Shares of users and of items with fewer than 5 events.
    head_items
        Share of the items, most used first, that make up 80 % of the events: the smaller, the
        longer the tail.
    top_events
        Share of the events that the top 1 % of the items have (at least one item).
    curve
        Share of the events that the most used 1, 5, 10, 20 and 50 % of the items have: "1 %" and
        so on (at least one item each).
    gini
        Gini coefficient of the items' counts: 0 where all are used alike, towards 1 where one
        has everything.
    weight_counts
        Events of each weight, where there are up to 11 different weights; else None.
    weight_quantiles
        Smallest, quartiles and largest weight, where there are more; else None.
    repeated_pairs
        How many (user, item) pairs stand more than once.
    repeated_events
        Share of the events that repeat an earlier one's pair.
    """

    events: int
    users: int
    items: int
    density: float
    first_time: str | None
    last_time: str | None
    resolution: str | None
    per_user: Spread
    per_item: Spread
    rare_users: float
    rare_items: float
    head_items: float
    top_events: float
    curve: dict[str, float]
    gini: float
    weight_counts: dict[str, int] | None
    weight_quantiles: dict[str, float] | None
    repeated_pairs: int
    repeated_events: float

    def to_json(self) -> dict[str, Any]:
        """The passport as plain dictionaries and numbers."""
        return dataclasses.asdict(self)

    def __str__(self) -> str:
        times = f"{self.first_time} to {self.last_time} UTC" if self.first_time else "none"
        if self.resolution:
            times += f", by the {self.resolution}"
        repeats = (
            f"pairs that stand more than once: {self.repeated_pairs:,}; "
            f"{_percent(self.repeated_events)} of the events repeat one"
        )
        parts = ", ".join(map(str, CURVE))
        shares = ", ".join(f"{100 * share:.1f}" for share in self.curve.values())
        lines = {
            "events": f"{self.events:,}, density {_percent(self.density, 2)}",
            "users": f"{self.users:,}; {_percent(self.rare_users)} with fewer than {FEW} events",
            "items": f"{self.items:,}; {_percent(self.rare_items)} with fewer than {FEW} events",
            "times": times,
            "per user": str(self.per_user),
            "per item": str(self.per_item),
            "tail": f"{_percent(self.head_items)} of the items make up 80 % of the events",
            "head": f"the top 1 % of the items have {_percent(self.top_events)} of the events, "
            f"Gini {self.gini:.2f}",
            "curve": f"top {parts} %: {shares} % of the events",
            "weights": self._weights(),
            "repeats": repeats if self.repeated_pairs else "none",
        }
        return "\n".join(
            "\n".join(textwrap.wrap(f"{name:10}{line}", 79, subsequent_indent=" " * 10))
            for name, line in lines.items()
        )

    def _weights(self) -> str:
        if self.weight_counts is not None:
            shares = {weight: n / self.events for weight, n in self.weight_counts.items()}
            return ", ".join(f"{weight}: {_percent(share)}" for weight, share in shares.items())
        quantiles = self.weight_quantiles or {}
        return ", ".join(f"{name} {value:g}" for name, value in quantiles.items())


def describe(log: Interactions) -> Passport:
    """Count what is in a log.

    Raises
    ------
    InputError
        Where the log has no events.

    Examples
    --------
    >>> print(describe(Interactions.of([("ann", "tea", 5), ("bob", "tea", 4), ("bob", "rum", 5)])))
    events    3, density 75.00 %
    users     2; 100.0 % with fewer than 5 events
    items     2; 100.0 % with fewer than 5 events
    times     none
    per user  min 1, median 1.5, mean 1.5, max 2
    per item  min 1, median 1.5, mean 1.5, max 2
    tail      100.0 % of the items make up 80 % of the events
    head      the top 1 % of the items have 66.7 % of the events, Gini 0.17
    curve     top 1, 5, 10, 20, 50 %: 66.7, 66.7, 66.7, 66.7, 66.7 % of the events
    weights   4: 33.3 %, 5: 66.7 %
    repeats   none
    """
    if len(log) == 0:
        raise InputError("a log without events", "at least one event", "read another log")
    of_user, of_item = log.user_counts(), log.item_counts()
    of_user, of_item = of_user[of_user > 0], np.sort(of_item[of_item > 0])[::-1]
    n_users, n_items = len(of_user), len(of_item)
    _, times_seen = log.pairs()
    running = np.cumsum(of_item)
    # In whole numbers: .8 of 10 events is 8 of them, never 8.000000000000002.
    head = 1 + int(np.searchsorted(running * 10, 8 * len(log)))
    counts, quantiles = _weights(log.weight)
    return Passport(
        events=len(log),
        users=n_users,
        items=n_items,
        density=len(times_seen) / (n_users * n_items),
        first_time=None if log.time is None else iso_time(int(log.time.min())),
        last_time=None if log.time is None else iso_time(int(log.time.max())),
        resolution=None if log.time is None else resolution(log.time),
        per_user=Spread.of(of_user),
        per_item=Spread.of(of_item),
        rare_users=float(np.mean(of_user < FEW)),
        rare_items=float(np.mean(of_item < FEW)),
        head_items=head / n_items,
        top_events=_top(running, 1),
        curve={f"{part} %": _top(running, part) for part in CURVE},
        gini=_gini(of_item),
        weight_counts=counts,
        weight_quantiles=quantiles,
        repeated_pairs=int(np.count_nonzero(times_seen > 1)),
        repeated_events=1 - len(times_seen) / len(log),
    )


def resolution(time: Int64[np.ndarray, " n"]) -> str | None:
    """The coarsest step that all times lie whole multiples of apart; None where all are one.

    >>> resolution(np.array([30, 90, 210]))
    'minute'
    """
    apart = time - time[:1]
    if not apart.any():
        return None
    return next(name for name, seconds in STEPS.items() if not (apart % seconds).any())


def _top(running: Int64[np.ndarray, " items"], part: int) -> float:
    """Share of the events that this per cent of the items have, most used first."""
    return int(running[math.ceil(part * len(running) / 100) - 1]) / int(running[-1])


def _gini(counts: Int64[np.ndarray, " n"]) -> float:
    """Half the mean difference between two counts, relative to their mean."""
    ranks = np.arange(1, len(counts) + 1)
    spread = ((2 * ranks - len(counts) - 1) * np.sort(counts)).sum()
    return float(spread / (len(counts) * counts.sum()))


def _weights(
    weight: Float32[np.ndarray, " n"],
) -> tuple[dict[str, int] | None, dict[str, float] | None]:
    """Counts of each weight where there are few different ones, else quantiles."""
    ordered = np.sort(weight)
    first = np.flatnonzero(np.diff(ordered, prepend=np.float32(-1)))
    if len(first) <= LEVELS:
        values, counts = ordered[first], np.diff(first, append=len(ordered))
        return dict(zip(map(_short, values), counts.tolist(), strict=True)), None
    names = ("min", "25 %", "median", "75 %", "max")
    found = np.quantile(ordered.astype(np.float64), [0, 0.25, 0.5, 0.75, 1]).tolist()
    return None, dict(zip(names, found, strict=True))


def _short(value: np.float32) -> str:
    """The shortest text that reads back as this weight: "4", "0.1"."""
    return np.format_float_positional(value, trim="-", unique=True)


def _percent(share: float, digits: int = 1) -> str:
    return f"{100 * share:.{digits}f} %"
