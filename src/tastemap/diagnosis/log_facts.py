"""What the rules about logs look at, and the sums that several of them need."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np

from tastemap.data.interactions import Interactions
from tastemap.data.rejects import Kept, Rejects, places
from tastemap.data.times import TimeTrouble
from tastemap.data.titles import Catalogue
from tastemap.diagnosis.finding import NotApplicable, Seen, Severity
from tastemap.shapes import Int64

Role = Literal["user", "item"]
ROLES: tuple[Role, Role] = ("user", "item")
SHOWN = 5
"""So many ids or lines are shown."""


@dataclass(frozen=True, eq=False)
class LogFacts:
    """A log as it was read, whatever is wrong with it.

    Parameters
    ----------
    name
        The source's name in messages.
    log
        The rows that can be read, in the order of the source, repeats and all.
    now
        When the log is checked, in seconds since 1970.
    rows
        Rows of the source, the unreadable ones included.
    names
        The outside name of each role's column, where there is one.
    rejects
        Rows that cannot be read; a negative weight is none of them.
    reasons
        How many rows cannot be read for which reason: "user is missing", "wrong number of
        fields", ...
    lost
        Lines that vanish behind a quote that is never closed.
    negative
        Rows whose weight is below 0; they are not in `log`.
    negative_at
        Where the first of these stand.
    weighted
        Whether the weights come from the log (else they are all 1).
    traits
        What is odd about the ids of a role as a whole: see `IdRule.trait`.
    kinds
        Types of the values in a role's column, where a table holds several.
    trouble
        What is wrong with the times as a whole.
    catalogue
        The table of items that was given.
    titles
        What the log itself calls its items.
    source
        The kept rows, for their lines; None for a log that was never a file.
    numbers
        Shape (n,): number of each row of `log` in the source, from 1.
    """

    name: str
    log: Interactions
    now: int
    rows: int
    names: Mapping[str, str] = field(default_factory=dict)
    rejects: Rejects = field(default_factory=lambda: Rejects(0, ()))
    reasons: Mapping[str, int] = field(default_factory=dict)
    lost: int = 0
    negative: int = 0
    negative_at: tuple[str, ...] = ()
    weighted: bool = True
    traits: Mapping[str, str] = field(default_factory=dict)
    kinds: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    trouble: TimeTrouble | None = None
    catalogue: Catalogue | None = None
    titles: tuple[str, ...] = ()
    source: Kept | None = None
    numbers: Int64[np.ndarray, " n"] | None = None

    def where(self, rows: Sequence[int] | np.ndarray) -> tuple[str, ...]:
        """Where these rows of `log` stand in the source: "line 12", "row 11 (from 0)"."""
        if self.source is None or self.numbers is None:
            return tuple(f"event {int(row):,} (from 0)" for row in rows)
        numbers = [int(self.numbers[row]) for row in rows]
        found = places(self.source, numbers)
        return tuple(found[n] for n in numbers)

    def first(self, flags: np.ndarray) -> tuple[str, ...]:
        """Where the first of the rows stand that are flagged."""
        return self.where(np.flatnonzero(flags)[:SHOWN])

    def ids(self, role: Role) -> np.ndarray:
        """The outside ids of a role, by code."""
        return self.vocabularies[role].ids

    @property
    def vocabularies(self) -> Mapping[Role, Any]:
        """The vocabulary of each role."""
        return {"user": self.log.users, "item": self.log.items}

    @cached_property
    def counts(self) -> Mapping[Role, Int64[np.ndarray, " n"]]:
        """Events of each user and of each item, by code."""
        return {"user": self.log.user_counts(), "item": self.log.item_counts()}

    @cached_property
    def in_pairs(self) -> tuple[Int64[np.ndarray, " n"], Int64[np.ndarray, " n"]]:
        """Rows ordered by (user, item), then as in the source; and the pairs in that order."""
        pairs = self.log.user.astype(np.int64) * len(self.log.items) + self.log.item
        order = np.argsort(pairs, kind="stable")
        return order, pairs[order]

    @cached_property
    def distinct(self) -> Int64[np.ndarray, " pairs"]:
        """Distinct pairs as user * len(items) + item, in increasing order."""
        return self.log.pairs()[0]

    @cached_property
    def by_user_time(self) -> Int64[np.ndarray, " n"]:
        """Rows ordered by user, then by time."""
        time = self.time
        start, end = int(time.min()), int(time.max())
        if (end - start + 1) * max(len(self.log.users), 1) >= 2**62:
            return np.lexsort((time, self.log.user))
        return np.argsort(self.log.user.astype(np.int64) * (end - start + 1) + (time - start))

    @property
    def time(self) -> Int64[np.ndarray, " n"]:
        """The times of a log that has events and times; else no rule about times applies."""
        require_events(self)
        if self.log.time is None:
            raise NotApplicable("the log has no times")
        return self.log.time


def require_events(f: LogFacts) -> None:
    """Refuse to judge a log of which no row could be read."""
    if len(f.log) == 0:
        raise NotApplicable("no row could be read")


@dataclass(frozen=True)
class Aspect:
    """One of several things that a rule noticed.

    Parameters
    ----------
    severity
        Of this one thing.
    numbers
        What was seen.
    means
        What it means, in a sentence.
    causes, remedies
        What is to be said of this one; the rule's docstring speaks of all.
    """

    severity: Severity
    numbers: Mapping[str, Any]
    means: str
    causes: tuple[str, ...] = ()
    remedies: tuple[str, ...] = ()


WORST: tuple[Severity, ...] = ("error", "warning", "tip")


def joined(aspects: Sequence[Aspect], threshold: str) -> Seen | None:
    """What was noticed as one finding, the gravest first; None where nothing was."""
    if not aspects:
        return None
    ordered = sorted(aspects, key=lambda aspect: WORST.index(aspect.severity))
    return Seen(
        {name: value for aspect in ordered for name, value in aspect.numbers.items()},
        threshold,
        " ".join(aspect.means for aspect in ordered),
        severity=ordered[0].severity,
        causes=tuple(dict.fromkeys(c for aspect in ordered for c in aspect.causes)),
        remedies=tuple(dict.fromkeys(r for aspect in ordered for r in aspect.remedies)),
    )


def texts(ids: np.ndarray) -> Iterator[str]:
    """Ids as text."""
    return map(str, ids.tolist())


def some(values: Sequence[Any]) -> tuple[str, ...]:
    """The first few of some ids, quoted; a tail of "..." where there are more."""
    more = ("...",) if len(values) > SHOWN - 1 else ()
    return (*(repr(value) for value in list(values)[: SHOWN - len(more)]), *more)


def percent(share: float) -> str:
    """A share for people: "3.1 %", "100 %", "0.004 %".

    >>> percent(0.0312), percent(1.0), percent(0.00004)
    ('3.1 %', '100 %', '0.004 %')
    """
    value = 100 * share
    said = f"{value:.1f}" if value == 0 or value >= 0.1 else f"{value:.1g}"
    return f"{said.removesuffix('.0')} %"
