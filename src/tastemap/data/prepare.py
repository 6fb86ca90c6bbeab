"""Keep what can be learned from: users and items with enough events, the k-core of a log."""

import logging
from dataclasses import dataclass
from typing import Any, TypeVar, overload

import narwhals as nw
import numpy as np

from tastemap.data.interactions import Interactions
from tastemap.data.repeats import counted
from tastemap.errors import InputError, UsageError

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
            f"{counted(nulls, 'row')} with a null in {user!r} or {item!r}",
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
            f"pass k={largest} (--core {largest}), or read more events",
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
        f"{core.k}-core: {counted(core.rounds, 'round')} removed "
        f"{counted(core.users_removed, 'user')}, {counted(core.items_removed, 'item')}, "
        f"{counted(before - after, 'event')} ({100 * (before - after) / before:.1f} %)"
    )
