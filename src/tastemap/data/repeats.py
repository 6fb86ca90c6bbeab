"""Repeated events become one, and ratings become likes: what `read` does to every log.

Both return a new log and say in `notes` what they changed, with counts. They stand apart from
`prepare`, so that reading a file does not load narwhals (30 ms).
"""

from dataclasses import replace
from typing import Literal, get_args

import numpy as np

from tastemap.data.interactions import Interactions
from tastemap.errors import InputError, UsageError
from tastemap.shapes import Int64

Rule = Literal["sum", "last", "max"]
"""How the weights of a repeated (user, item) pair become one."""

_SAID = {
    "sum": "weights summed",
    "last": "the last event's weight kept",
    "max": "the highest weight kept",
}


def dedupe(log: Interactions, rule: Rule) -> Interactions:
    """Make one event of every repeated (user, item) pair.

    The kept event stands where the pair's last one stood (latest time; among equal times, or
    without times, the later row), with that event's time.

    Parameters
    ----------
    rule
        The weight that it gets: "sum" of the pair's weights, that of the "last" event, or the
        "max"imum.

    Examples
    --------
    >>> events = [("ann", "tea", 1, 10), ("ann", "milk", 1, 20), ("ann", "tea", 2, 30)]
    >>> once = dedupe(Interactions.of(events), "sum")
    >>> once.items.decode(once.item).tolist(), once.weight.tolist(), once.time.tolist()
    (['milk', 'tea'], [1.0, 3.0], [20, 30])
    >>> once.notes
    ('1 repeated pair (2 events) became one event each: weights summed',)
    """
    if rule not in get_args(Rule):
        raise UsageError(f"rule={rule!r}", ", ".join(get_args(Rule)), 'pass rule="sum", say')
    events = _repeated(log)
    if len(events) == 0:
        return log
    again = log[events]
    pairs = _pairs(again)
    # Pair by pair, oldest event first; lexsort is stable, so equal times keep file order.
    order = np.lexsort((pairs,) if again.time is None else (again.time, pairs))
    first = np.flatnonzero(np.diff(pairs[order], prepend=-1))
    last = order[np.append(first[1:], len(events)) - 1]
    weights = again.weight[order].astype(np.float64)
    if rule == "sum":
        weight = np.add.reduceat(weights, first)
    elif rule == "max":
        weight = np.maximum.reduceat(weights, first)
    else:
        weight = again.weight[last].astype(np.float64)
    stays, all_weights = np.ones(len(log), dtype=bool), log.weight.copy()
    stays[events] = False
    stays[events[last]] = True
    all_weights[events[last]] = weight
    note = (
        f"{counted(len(first), 'repeated pair')} ({counted(len(events), 'event')}) "
        f"became one event each: {_SAID[rule]}"
    )
    return replace(log, weight=all_weights)[stays].noted(note)


def _pairs(log: Interactions) -> Int64[np.ndarray, " n"]:
    pairs = log.user.astype(np.int64)
    pairs *= len(log.items)
    pairs += log.item
    return pairs


def _repeated(log: Interactions) -> Int64[np.ndarray, " repeated"]:
    """The events whose pair occurs more than once.

    A plain sort tells (18 million events without repeats: .7 s; lexsort of all took 5.9).
    """
    ordered = _pairs(log)
    if len(log.users) * len(log.items) < 1 << 32:  # sorted in half the time
        ordered = ordered.astype(np.uint32)
    ordered.sort()
    again = ordered[1:][ordered[1:] == ordered[:-1]].astype(np.int64)
    if len(again) == 0:
        return again
    again = again[np.flatnonzero(np.diff(again, prepend=-1))]
    pairs = _pairs(log)  # anew: kept meanwhile they would be 800 MB of 100 million
    near = again[np.minimum(np.searchsorted(again, pairs), len(again) - 1)]
    return np.flatnonzero(near == pairs)


def positives(log: Interactions, at_least: float) -> Interactions:
    """Keep the events of weight `at_least` or more, and let each count 1: ratings become likes.

    Users and items that lose all their events leave the vocabularies.

    Raises
    ------
    InputError
        Where no event is left.

    Examples
    --------
    >>> log = Interactions.of([("ann", "tea", 5), ("ann", "milk", 2), ("bob", "tea", 4)])
    >>> liked = positives(log, at_least=4)
    >>> liked.weight.tolist(), liked.items.ids.tolist()
    ([1.0, 1.0], ['tea'])
    >>> liked.notes
    ('2 of 3 events have weight >= 4 and count 1 each; 1 event, 0 users, 1 item left out',)
    """
    enough = log.weight >= at_least
    if not enough.any():
        highest = f"; the highest is {log.weight.max():g}" if len(log) else ": it has no event"
        raise InputError(
            f"no event of this log has weight >= {at_least:g}{highest}",
            "a threshold that some events reach",
            "lower at_least (the threshold)" if len(log) else "pass a log with events",
        )
    kept = log[enough].compact()
    note = (
        f"{len(kept):,} of {counted(len(log), 'event')} have weight >= {at_least:g} and count 1 "
        f"each; {_removed(log, kept)} left out"
    )
    return replace(kept, weight=np.ones(len(kept), dtype=np.float32)).noted(note)


def _removed(before: Interactions, after: Interactions) -> str:
    lost_users = np.count_nonzero(before.user_counts()) - np.count_nonzero(after.user_counts())
    lost_items = np.count_nonzero(before.item_counts()) - np.count_nonzero(after.item_counts())
    return (
        f"{counted(len(before) - len(after), 'event')}, {counted(int(lost_users), 'user')}, "
        f"{counted(int(lost_items), 'item')}"
    )


def counted(n: int, noun: str) -> str:
    """A number and what it counts.

    >>> counted(1, "event"), counted(2000, "event")
    ('1 event', '2,000 events')
    """
    return f"{n:,} {noun}{'' if n == 1 else 's'}"
