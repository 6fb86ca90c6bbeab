"""Lists, truths and logs in whatever form other software wrote them, as columns of ids."""

import math
import re
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np

from tastemap.data.columns import NAMES, listed, normalised
from tastemap.data.engine import connect
from tastemap.data.interactions import Id
from tastemap.data.relation import relation_of
from tastemap.data.table import Table
from tastemap.errors import InputError

ROLES: Mapping[str, tuple[str, ...]] = {
    "user": (*NAMES["user"], "query", "queryid", "qid"),
    "item": (*NAMES["item"], "doc"),
    "rank": ("rank", "position", "place", "pos"),
    "score": ("score", "scores", "prediction", "pred", "estimate", "predictedrating", "relevance"),
    "time": NAMES["time"],
    "weight": NAMES["weight"],
}
"""Column names of each role, normalised."""

ORDER = {"lists": ("user", "item", "rank", "score")}
"""Roles of columns without names; those of a log are user, item, weight, time."""

LOG = ("user", "item", "weight", "time")
_INTEGER = re.compile("0|-?[1-9][0-9]{0,17}", re.ASCII)
MILLISECONDS = 1e11
"""Times above this are thousandths of a second: as seconds they would lie beyond the year 5000."""


@dataclass(frozen=True)
class Columns:
    """Rows of a table: ids of users and items, and what else it says.

    Parameters
    ----------
    user, item
        Outside ids; a user without items has no row and stands in `users` only.
    rank, score, weight, time
        As long as the ids, or None.
    users
        Everybody named, in order of appearance.
    """

    user: list[Id]
    item: list[Id]
    rank: list[float] | None = None
    score: list[float] | None = None
    weight: list[float] | None = None
    time: list[int] | None = None
    users: tuple[Id, ...] = ()


def columns_of(part: str, source: Any, folder: Path, names: Sequence[Id] = ()) -> Columns:
    """Whatever holds lists, a truth or a log, as columns.

    Parameters
    ----------
    part
        Its name in messages, "lists" or "truth", say.
    source
        The path of a table (relative to `folder`); a mapping from user to items, or to (item,
        score) pairs; a sequence with one sequence of items a user; a sequence of rows with named
        fields; or a table of pandas, Polars or Arrow.
    names
        The users' ids where the source only has their order.
    """
    if isinstance(source, Table):
        return _of_roles(part, {name: list(values) for name, values in source.items()})
    if isinstance(source, Mapping):
        return _by_user(part, list(source.keys()), list(source.values()))
    if isinstance(source, np.ndarray):
        source = source.tolist()
    if isinstance(source, list | tuple):
        if source and all(isinstance(row, Mapping) for row in source):
            fields = list(dict.fromkeys(str(name) for row in source for name in row))
            return _of_roles(part, {f: [row.get(f) for row in source] for f in fields})
        if all(isinstance(row, list | tuple | np.ndarray) for row in source):
            return _by_user(part, list(names) or list(range(len(source))), list(source))
        raise _unusable(part, f"a list of {type(source[0]).__name__}")
    if isinstance(source, str | Path):
        path = folder / source
        if not path.exists():
            raise InputError(
                f"{part}: there is no file {path}",
                "the path of a CSV, TSV, JSON-lines or Parquet file, relative to the JSON file, "
                "or the rows themselves",
                "check the path",
            )
        source = path
    elif source is None or isinstance(source, int | float | bool):
        raise _unusable(part, repr(source))
    return _of_relation(part, source)


def plain_id(part: str, one: Any) -> Id:
    """An id as this library knows it: 7, "7" and 7.0 are one id, "7.0" and "07" are others.

    >>> plain_id("lists", "7"), plain_id("lists", 7.0), plain_id("lists", "07")
    (7, 7, '07')
    """
    if hasattr(one, "item"):
        one = one.item()
    if isinstance(one, float) and one.is_integer():
        return int(one)
    if isinstance(one, bool | float) or not isinstance(one, int | str):
        raise InputError(
            f"{part}: the id {one!r}",
            "ids that are whole numbers or text",
            "write ids as text, or leave rows without an id out",
        )
    return int(one) if isinstance(one, str) and _INTEGER.fullmatch(one) else one


def _unusable(part: str, what: str) -> InputError:
    return InputError(
        f"{part}: {what}",
        'a file\'s path, {"user": [items]}, rows such as {"user": 1, "item": 2}, or one list of '
        "items a user",
        "see docs/diagnose-format.md for a complete example",
    )


def _by_user(part: str, names: list[Any], values: list[Any]) -> Columns:
    """Columns from one sequence of items, or of (item, score) pairs, a user."""
    if len(names) != len(values):
        raise InputError(
            f"{part}: {len(values)} lists for {len(names)} users",
            "one list for each of `users`, in the same order",
            'write {"user": [items]} instead',
        )
    users = tuple(plain_id(part, name) for name in names)
    user: list[Id] = []
    item: list[Id] = []
    score: list[float] = []
    scored = False
    for name, items in zip(users, values, strict=True):
        if isinstance(items, str) or not isinstance(items, Iterable):
            raise _unusable(part, f"{items!r} for user {name!r}")
        for one in items:
            pair = isinstance(one, list | tuple)
            if pair and len(one) != 2:
                raise _unusable(part, f"{one!r} for user {name!r}")
            scored = scored or pair
            user.append(name)
            item.append(plain_id(part, one[0] if pair else one))
            score.append(_number(part, one[1]) if pair else math.nan)
    return Columns(user, item, score=score if scored else None, users=users)


def _of_relation(part: str, source: Any) -> Columns:
    """Columns from a file or a table in memory."""
    with tempfile.TemporaryDirectory(prefix="tastemap-") as temporary, connect() as connection:
        relation = relation_of(connection, source, Path(temporary), [])
        columns = ", ".join(f"c{place}" for place in range(len(relation.names)))
        rows = relation.query(f"select {columns} from raw order by n")
        names = relation.names
        if not relation.header:
            order = ORDER.get(part, LOG)
            names = tuple(dict(enumerate(order)).get(i, str(i)) for i in range(len(names)))
        values = list(zip(*rows, strict=True)) if rows else [()] * len(names)
        return _of_roles(part, dict(zip(names, map(list, values), strict=True)))


def _of_roles(part: str, fields: Mapping[str, list[Any]]) -> Columns:
    """Columns by the names of a table's columns."""
    by_name = {normalised(name): values for name, values in reversed(list(fields.items()))}
    found: dict[str, list[Any]] = {}
    for role, names in ROLES.items():
        key = next((name for name in names if name in by_name), None)
        if key is not None:
            found[role] = by_name.pop(key)
    for role in ("user", "item"):
        if role not in found:
            raise InputError(
                f"{part}: no column of {role}s among {listed(list(fields))}",
                f"a column called {role}, {role}_id or the like",
                f"name the column of {role} ids '{role}'",
            )
    users = [plain_id(part, one) for one in found["user"]]
    score = [_number(part, x) for x in found["score"]] if "score" in found else None
    return Columns(
        user=users,
        item=[plain_id(part, one) for one in found["item"]],
        rank=[_number(part, x) for x in found["rank"]] if "rank" in found else None,
        score=score,
        weight=[_number(part, x) for x in found["weight"]] if "weight" in found else None,
        time=_seconds(part, found["time"]) if "time" in found else None,
        users=tuple(dict.fromkeys(users)),
    )


def _number(part: str, value: Any) -> float:
    """A number; NaN where there is none."""
    if value is None or value == "":
        return math.nan
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"{part}: {value!r} where a number is expected",
            "numbers as scores, ranks and weights",
            "check which column is which; name them user, item, rank, score",
        ) from error


def _seconds(part: str, values: list[Any]) -> list[int] | None:
    """Times as seconds since 1970; None where not all events have one."""
    moments = [_moment(part, value) for value in values]
    if any(math.isnan(one) for one in moments):
        return None
    thousand = bool(moments) and float(np.median(np.abs(moments))) > MILLISECONDS
    return [int(one / 1000 if thousand else one) for one in moments]


def _moment(part: str, value: Any) -> float:
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC).timestamp()
    try:
        return _number(part, value)
    except InputError:
        try:
            said = datetime.fromisoformat(str(value))
        except ValueError as error:
            raise InputError(
                f"{part}: the time {value!r}",
                "seconds since 1970, or a date such as 2024-05-17 12:30:00",
                "convert the times, or leave the column out",
            ) from error
        return (said if said.tzinfo else said.replace(tzinfo=UTC)).timestamp()
