"""Users as people: what somebody used, what the model would show, why, and what came true."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from tastemap.contracts import Model
from tastemap.data.interactions import UNKNOWN, Histories, Interactions
from tastemap.data.shown import item_titles, shown
from tastemap.data.split import Split
from tastemap.data.table import iso_time
from tastemap.errors import UsageError, require_k
from tastemap.metrics.result import Evaluation
from tastemap.recommend import top_items
from tastemap.report.figures import counted, percent, rounded
from tastemap.shapes import Int32

RECENT = 8
"""So many past items are listed."""
LATER = 3
"""So many items of the test part are listed."""
REASONS = 2
"""So many past items explain a recommendation."""


@dataclass(frozen=True)
class Past:
    """An item that was used, and the day (UTC, "1997-12-04"), None where the log has no times."""

    title: str
    date: str | None


@dataclass(frozen=True)
class Reason:
    """A past item that speaks for a recommendation; share of all that speaks for it, 0 to 1."""

    title: str
    share: float


@dataclass(frozen=True)
class Recommendation:
    """One place of the list; `hit` where the item was really used in the test part."""

    title: str
    score: float | None
    because: tuple[Reason, ...]
    hit: bool


@dataclass(frozen=True)
class Person:
    """One user, in titles.

    Parameters
    ----------
    id
        The outside id.
    model
        Whose list it is.
    history
        Newest first, at most 8.
    more
        How many older events are not listed.
    recommendations
        Best first.
    later
        What was really used in the test part, oldest first, at most 3.
    held_out
        How many items the test part holds of this user.
    exact
        Whether the shares in `because` are parts of the score; else they are likenesses.
    """

    id: str
    model: str
    history: tuple[Past, ...]
    more: int
    recommendations: tuple[Recommendation, ...]
    later: tuple[Past, ...]
    held_out: int
    exact: bool

    @property
    def called(self) -> str:
        """The id as a heading."""
        return self.id if self.id.casefold().startswith("user") else f"User {self.id}"

    @property
    def found(self) -> int:
        """How many of the recommendations were really used in the test part."""
        return sum(one.hit for one in self.recommendations)

    @property
    def because_of(self) -> str:
        """The words before the reasons: shares of a score, or likenesses."""
        return "because of" if self.exact else "like"

    def __str__(self) -> str:
        lines = [f"{self.called}, who used (newest first):"]
        lines += [f"  {one.date or '':10}  {one.title}".rstrip() for one in self.history]
        lines += [f"  and {counted(self.more, 'older event')}"] if self.more else []
        lines += ["  nothing so far"] if not self.history else []
        lines.append(f"{self.model} recommends:")
        for place, one in enumerate(self.recommendations, start=1):
            reasons = ", ".join(f"{r.title} ({percent(r.share, 0)})" for r in one.because)
            lines.append(f"  {place:2}  {one.title}" + ("  [used in the test part]" * one.hit))
            lines += [_folded(f"      {self.because_of} {reasons}")] if reasons else []
        if self.later:
            more = self.held_out - len(self.later)
            lines.append("Used in the test part: " + ", ".join(one.title for one in self.later))
            lines[-1] = _folded(lines[-1] + (f" and {more:,} more" if more else ""))
        lines.append(f"{self.found} of {counted(self.held_out, 'held-out item')} in the list")
        return "\n".join(lines)


def person(model: Model, split: Split, user_code: int, k: int = 10) -> Person:
    """Show one user as a person.

    Parameters
    ----------
    model
        Fitted on `split.train`.
    user_code
        A code of the split's vocabulary of users.
    k
        Length of the list.

    Returns
    -------
    Person
        With all that is known before the test part as history: what the evaluation of the test
        part shows to the model, too. Items are called by their titles, else by their ids.

    Examples
    --------
    >>> import tastemap as tm
    >>> events = [("ann", "tea"), ("bob", "tea"), ("bob", "milk"), ("eve", "jam"), ("ann", "milk")]
    >>> log = tm.Interactions.of(events)
    >>> split = tm.Split(log[:4], None, log[4:], how="by hand")
    >>> print(person(tm.EASE(reg=1).fit(split.train), split, 0, k=1))
    User ann, who used (newest first):
                  tea
    EASE recommends:
       1  milk  [used in the test part]
          because of tea (100 %)
    Used in the test part: milk
    1 of 1 held-out item in the list
    """
    users = split.train.users
    if not 0 <= user_code < len(users):
        raise UsageError(
            f"user code {user_code}",
            f"0 to {len(users) - 1}, codes of the split's users",
            "look the code up: split.train.users.encode([id])",
        )
    history = _known(split, user_code)
    truth = split.test.histories([user_code])
    listed, scores = top_items(model.score, history, len(model.items), require_k(k))
    codes = listed[0][listed[0] >= 0]
    titles = _titles(split.train, codes)
    return Person(
        id=shown(str(users.ids[user_code])),
        model=model.recipe.name,
        history=_past(split.train, history, slice(None, -RECENT - 1, -1)),
        more=max(0, len(history.items) - RECENT),
        recommendations=tuple(
            Recommendation(
                title=title,
                score=rounded(float(score)),
                because=_reasons(model, history, int(code)),
                hit=bool((truth.items == code).any()),
            )
            for code, title, score in zip(codes, titles, scores[0], strict=False)
        ),
        later=_past(split.train, truth, slice(LATER)),
        held_out=len(truth.items),
        exact=bool(len(codes)) and model.contributions(history, int(codes[0])) is not None,
    )


def choose_people(evaluation: Evaluation, split: Split, n: int = 10) -> tuple[int, ...]:
    """Codes of n users with test events, one from the middle of each n-th of activity.

    Activity is the number of events known before the test part; ties go by code. The choice looks
    at nothing that a model did, so it cannot flatter one.
    """
    users = evaluation.users[evaluation.users != UNKNOWN]
    activity = _shown(split).user_counts()[users]
    ordered = users[np.lexsort((users, activity))]
    if len(ordered) <= n:
        return tuple(int(code) for code in ordered)
    middles = (2 * np.arange(n) + 1) * len(ordered) // (2 * n)
    return tuple(int(code) for code in ordered[middles])


def _folded(line: str) -> str:
    """A line broken at blanks to under 80 columns; what follows is indented."""
    return textwrap.fill(line, 79, subsequent_indent=" " * 8, break_long_words=False)


def _shown(split: Split) -> Interactions:
    """What may be known of users when the test part is asked for."""
    if split.fold_in is not None:
        return split.fold_in
    return split.train if split.known is None else split.known


def _known(split: Split, user: int) -> Histories:
    """One user's history as the evaluation shows it to a model."""
    history = _shown(split).histories([user])
    met = split.fold_in is None and bool((split.train.user == user).any())
    return history if met else replace(history, user=np.array([UNKNOWN], dtype=np.int32))


def _past(log: Interactions, history: Histories, events: slice) -> tuple[Past, ...]:
    titles = _titles(log, history.items[events])
    days: Sequence[str | None] = [None] * len(titles)
    if history.time is not None:
        days = [iso_time(int(at))[:10] for at in history.time[events]]
    return tuple(Past(title, day) for title, day in zip(titles, days, strict=True))


def _reasons(model: Model, history: Histories, item: int) -> tuple[Reason, ...]:
    if len(history.items) == 0:
        return ()
    parts = np.maximum(model.reasons(history, item), 0).astype(np.float64)
    best = np.argsort(-parts, kind="stable")[:REASONS]
    best = best[parts[best] > 0]
    titles = _titles(model.train, history.items[best])
    shares = parts[best] / (parts.sum() or 1.0)
    return tuple(
        Reason(title, rounded(float(share), 4) or 0.0)
        for title, share in zip(titles, shares, strict=True)
    )


def _titles(log: Interactions, codes: Int32[np.ndarray, " n"]) -> list[str]:
    return item_titles(codes, log.items, log.table)
