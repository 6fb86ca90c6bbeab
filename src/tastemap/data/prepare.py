"""From a raw log to one that can be learned from: repeats, ratings, rare users and items.

Every function returns a new log and says in `notes` what it changed, with counts.
"""

import logging
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar, get_args, overload

import narwhals as nw
import numpy as np
from jaxtyping import Int64

from tastemap.data.interactions import Interactions
from tastemap.errors import InputError, UsageError

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
        f"{_counted(len(first), 'repeated pair')} ({_counted(len(events), 'event')}) "
        f"became one event each: {_SAID[rule]}"
    )
    return replace(log, weight=all_weights)[stays].noted(note)


def _pairs(log: Interactions) -> Int64[np.ndarray, " n"]:
    return log.user.astype(np.int64) * len(log.items) + log.item


def _repeated(log: Interactions) -> Int64[np.ndarray, " repeated"]:
    """The events whose pair occurs more than once.

    A plain sort tells (18 million events without repeats: .7 s; lexsort of all took 5.9).
    """
    pairs = _pairs(log)
    ordered = np.sort(pairs)
    again = ordered[1:][ordered[1:] == ordered[:-1]]
    if len(again) == 0:
        return again
    again = again[np.flatnonzero(np.diff(again, prepend=-1))]
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
        f"{len(kept):,} of {_counted(len(log), 'event')} have weight >= {at_least:g} and count 1 "
        f"each; {_removed(log, kept)} left out"
    )
    return replace(kept, weight=np.ones(len(kept), dtype=np.float32)).noted(note)


Frame = TypeVar("Frame")


@overload
def k_core(log: Interactions, k: int = 5) -> Interactions: ...
@overload
def k_core(log: Frame, k: int = 5, *, user: str = "user", item: str = "item") -> Frame: ...
def k_core(log: Any, k: int = 5, *, user: str = "user", item: str = "item") -> Any:
    """Keep the users with k or more distinct items and the items with k or more distinct users.

    Removing an item takes events from users and the other way round, so this repeats until both
    hold at once. What is left, the k-core, is the largest such log and does not depend on the
    order of removals. A round removes first users, then items.

    Parameters
    ----------
    log
        `Interactions`, which is counted by DuckDB and comes back with vocabularies that hold only
        what is left, and a note; or any table that narwhals knows (pandas, Polars, Arrow, a
        DuckDB relation), which comes back as the same kind of table with all its columns. Tables
        that are in memory keep the order of their rows; lazy ones promise no order. For tables,
        the note goes to the logger "tastemap.data.prepare" at level INFO.
    user, item
        Names of the id columns of a table.

    Raises
    ------
    InputError
        Where nothing is left, with the largest k that leaves something; where an id is null.

    Examples
    --------
    >>> events = [(u, i) for u in ("ann", "bob") for i in ("tea", "milk")] + [("cid", "tea")]
    >>> core = k_core(Interactions.of(events), 2)
    >>> core.users.ids.tolist(), core.notes
    (['ann', 'bob'], ('2-core: 1 round removed 1 user, 0 items, 1 event (20.0 %)',))
    """
    if isinstance(k, bool) or not isinstance(k, int | np.integer) or k < 1:
        raise UsageError(f"k is {k!r}", "a whole number from 1 on", "pass k=5, say")
    if isinstance(log, Interactions):
        return _k_core_of_log(log, int(k))
    frame = _named_frame(log, user, item)
    core = _core(frame, int(k), user, item)
    kept = _rows_of(frame, core, user, item)
    logging.getLogger(__name__).info(_core_note(core, _n_rows(frame), _n_rows(kept)))
    return nw.to_native(kept)


@dataclass(frozen=True, eq=False)
class _Core:
    """The distinct pairs that a k-core keeps, and how it was found."""

    pairs: Any
    k: int
    rounds: int
    users_removed: int
    items_removed: int


def _k_core_of_log(log: Interactions, k: int) -> Interactions:
    from tastemap.data.engine import connect

    columns = {"user": log.user, "item": log.item}
    with connect() as connection:
        connection.register("columns", columns)
        core = _core(nw.from_native(connection.table("columns")), k, "user", "item")
        pairs = nw.to_native(core.pairs).fetchnumpy()
    users = np.zeros(len(log.users), dtype=bool)
    items = np.zeros(len(log.items), dtype=bool)
    users[pairs["user"]] = True
    items[pairs["item"]] = True
    kept = log[users[log.user] & items[log.item]].compact()
    return kept.noted(_core_note(core, len(log), len(kept)))


def _named_frame(native: Any, user: str, item: str) -> Any:
    """The table as a narwhals frame, once its id columns are there and without nulls."""
    try:
        frame = nw.from_native(native)
    except TypeError as error:
        raise UsageError(
            f"k_core of a {type(native).__name__}",
            "Interactions, or a table of pandas, Polars, Arrow or DuckDB",
            "read it first: tastemap.read(source)",
        ) from error
    names = frame.collect_schema().names()
    for argument, name in (("user", user), ("item", item)):
        if name not in names:
            raise UsageError(
                f"{argument}={name!r}, which the table does not have",
                f"one of its columns: {', '.join(names)}",
                f"name the column: k_core(table, {argument}=...)",
            )
    nulls = _n_rows(frame.filter(nw.col(user).is_null() | nw.col(item).is_null()))
    if nulls:
        raise InputError(
            f"{_counted(nulls, 'row')} with a null in {user!r} or {item!r}",
            "rows that name a user and an item",
            "drop or fill these rows first",
        )
    return frame


def _core(frame: Any, k: int, user: str, item: str) -> _Core:
    """Shrink the distinct pairs round by round until nothing changes."""
    everything = _materialised(frame.select(user, item).unique())
    if _n_rows(everything) == 0:
        raise InputError(
            f"the {k}-core of a log without events", "at least one event", "read another log"
        )
    pairs, rounds = _shrunk(everything, k, user, item)
    if _n_rows(pairs) == 0:
        largest = _largest_k(everything, k, user, item)
        raise InputError(
            f"k={k}: no user with {k} items and item with {k} users is left",
            f"k from 1 to {largest} on this log",
            f"pass k={largest}, or read more events",
        )
    removed = [
        _n_rows(everything.select(name).unique()) - _n_rows(pairs.select(name).unique())
        for name in (user, item)
    ]
    return _Core(pairs, k, rounds, *removed)


def _shrunk(pairs: Any, k: int, user: str, item: str) -> tuple[Any, int]:
    """The pairs of the k-core, and how many rounds removed something."""
    rounds, before, now = 0, -1, _n_rows(pairs)
    while now not in (before, 0):
        smaller = pairs
        for side in (user, item):
            counts = smaller.group_by(side).agg(nw.len().alias("tastemap_count"))
            enough = counts.filter(nw.col("tastemap_count") >= k).select(side)
            smaller = smaller.join(enough, on=side, how="semi")
        pairs = _materialised(smaller)
        before, now = now, _n_rows(pairs)
        rounds += now < before
    return pairs, rounds


def _largest_k(pairs: Any, too_large: int, user: str, item: str) -> int:
    """The largest k below `too_large` whose core is not empty: halving, as cores are nested."""
    fine = 1
    while too_large - fine > 1:
        k = (fine + too_large) // 2
        core, _ = _shrunk(pairs, k, user, item)
        fine, too_large = (k, too_large) if _n_rows(core) else (fine, k)
    return fine


def _rows_of(frame: Any, core: _Core, user: str, item: str) -> Any:
    """All rows of the table whose user and item are in the core."""
    in_memory = isinstance(frame, nw.DataFrame)
    kept = frame.with_row_index("tastemap_row") if in_memory else frame
    for side in (user, item):
        kept = kept.join(core.pairs.select(side).unique(), on=side, how="semi")
    # A join promises no order, and the order of rows is the order of equally old events.
    return kept.sort("tastemap_row").drop("tastemap_row") if in_memory else kept


def _materialised(frame: Any) -> Any:
    """The same rows, computed now: else every round would compute all rounds before it again."""
    if isinstance(frame, nw.DataFrame):
        return frame
    if frame.implementation.is_duckdb():
        relation = nw.to_native(frame)
        # DuckDB before 2.0 keeps the result inside the relation instead.
        run = relation.materialize if hasattr(relation, "materialize") else relation.execute
        return nw.from_native(run())
    return frame.collect().lazy()


def _n_rows(frame: Any) -> int:
    if isinstance(frame, nw.DataFrame):
        return len(frame)
    counted = frame.select(nw.len().alias("tastemap_count"))
    if frame.implementation.is_duckdb():
        return int(nw.to_native(counted).fetchall()[0][0])
    return int(counted.collect().item())


def _core_note(core: _Core, before: int, after: int) -> str:
    if after == before:
        return f"{core.k}-core: nothing to remove"
    return (
        f"{core.k}-core: {_counted(core.rounds, 'round')} removed "
        f"{_counted(core.users_removed, 'user')}, {_counted(core.items_removed, 'item')}, "
        f"{_counted(before - after, 'event')} ({100 * (before - after) / before:.1f} %)"
    )


def _removed(before: Interactions, after: Interactions) -> str:
    lost_users = np.count_nonzero(before.user_counts()) - np.count_nonzero(after.user_counts())
    lost_items = np.count_nonzero(before.item_counts()) - np.count_nonzero(after.item_counts())
    return (
        f"{_counted(len(before) - len(after), 'event')}, {_counted(int(lost_users), 'user')}, "
        f"{_counted(int(lost_items), 'item')}"
    )


def _counted(n: int, noun: str) -> str:
    return f"{n:,} {noun}{'' if n == 1 else 's'}"
