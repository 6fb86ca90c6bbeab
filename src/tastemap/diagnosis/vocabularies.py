"""Codes for the ids of lists, truth and logs: one catalogue, one row a user."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tastemap.data.interactions import Histories, Id, Interactions, Vocabulary
from tastemap.diagnosis.columns import Columns, plain_id
from tastemap.shapes import Float64, Int32

Tables = Mapping[str, Columns]


@dataclass(frozen=True, eq=False)
class Codes:
    """The vocabularies of a run that other software made.

    Parameters
    ----------
    users, items
        All users named anywhere; the catalogue.
    complete
        Whether the catalogue was given or is that of the training log; else it holds every item
        that is listed or held out, and there may be more.
    """

    users: Vocabulary
    items: Vocabulary
    complete: bool

    @classmethod
    def of(cls, tables: Tables, catalogue: Sequence[Any] | None = None) -> "Codes":
        """The catalogue as given, else that of train; what is listed is always part of it."""
        named = [one for part in tables.values() for one in part.users]
        items: list[Id] = [plain_id("catalogue", one) for one in catalogue or ()]
        parts = ["lists", "train", "validation", "seen"]
        complete = catalogue is not None or "train" in tables
        if not complete:
            parts.append("truth")
        for part in parts:
            items += tables[part].item if part in tables else []
        return cls(_vocabulary(named), _vocabulary(items), complete)

    def rows_of(self, tables: Tables) -> list[Id]:
        """Whom the lists and the truth are about, in code order."""
        asked = {one for part in ("lists", "truth") if part in tables for one in tables[part].users}
        return self.users.decode(np.sort(self.users.encode(asked))).tolist()

    def log(self, columns: Columns) -> Interactions:
        """A table as a log; events of items that the catalogue does not have are left out."""
        user, item = self.users.encode(columns.user), self.items.encode(columns.item)
        kept = item >= 0
        weight = _weights(columns)
        time = None if columns.time is None else np.array(columns.time, dtype=np.int64)[kept]
        return Interactions(user[kept], item[kept], weight[kept], time, self.users, self.items)

    def parts(self, tables: Tables) -> dict[str, Any]:
        """The fields of an `Evidence` that tables hold."""
        found: dict[str, Any] = {
            part: self.log(tables[part]) for part in ("train", "validation") if part in tables
        }
        rows = np.sort(self.users.encode(self.rows_of(tables)))
        if "truth" in tables:
            found["test"] = self.log(tables["truth"])
            found["truth"] = self._histories(tables["truth"], rows)
        if "lists" in tables:
            found["lists"], scores = self._lists(tables["lists"], rows)
            if scores is not None:
                found["list_scores"] = scores
        if len(rows) == 0:
            return found
        if "seen" in tables:
            found["seen"] = self.log(tables["seen"]).histories(rows)
        elif "train" in tables:
            found["seen"] = found["train"].histories(rows)
        if "train" in tables:
            met = found["train"].user_counts()[rows] > 0
            found["users"] = np.where(met, rows, -1).astype(np.int32)
        return found

    def _histories(self, columns: Columns, rows: Int32[np.ndarray, " rows"]) -> Histories:
        """The truth row by row as it was given: repeats stay, -1 is an unknown item."""
        place = {code: row for row, code in enumerate(rows.tolist())}
        row = np.array([place[c] for c in self.users.encode(columns.user).tolist()], dtype=np.int64)
        order = np.argsort(row, kind="stable")
        time = None if columns.time is None else np.array(columns.time, dtype=np.int64)[order]
        return Histories(
            user=rows,
            starts=np.searchsorted(row[order], np.arange(len(rows) + 1)).astype(np.int64),
            items=self.items.encode(columns.item)[order],
            weight=_weights(columns)[order],
            time=time,
        )

    def _lists(
        self, columns: Columns, rows: Int32[np.ndarray, " rows"]
    ) -> tuple[Int32[np.ndarray, "rows k"], Float64[np.ndarray, "rows k"] | None]:
        """Lists in the order of their ranks, or of the table where it has none."""
        place = {code: row for row, code in enumerate(rows.tolist())}
        row = np.array([place[c] for c in self.users.encode(columns.user).tolist()], dtype=np.int64)
        if columns.rank is None:
            order = np.argsort(row, kind="stable")
        else:
            order = np.lexsort((np.array(columns.rank), row))
        starts = np.searchsorted(row[order], np.arange(len(rows) + 1))
        at = np.arange(len(row)) - starts[row[order]]
        k = int(at.max(initial=0)) + 1
        lists = np.full((len(rows), k), -1, dtype=np.int32)
        lists[row[order], at] = self.items.encode(columns.item)[order]
        if columns.score is None:
            return lists, None
        scores = np.full((len(rows), k), np.nan)
        scores[row[order], at] = np.array(columns.score, dtype=np.float64)[order]
        return lists, scores


def lookalikes(tables: Tables, codes: Codes) -> tuple[tuple[str, str], ...]:
    """Held-out ids that the lists or the catalogue have in another spelling: "7.0" and 7."""
    if "truth" not in tables:
        return ()
    known = set(codes.items.ids.tolist()) if codes.complete else set(_items(tables, "lists"))
    if not known:
        return ()
    spelled: dict[str, Id] = {}
    for one in known:
        spelled.setdefault(_bare(one), one)
    found: dict[str, str] = {}
    for one in dict.fromkeys(_items(tables, "truth")):
        meant = spelled.get(_bare(one))
        if meant is not None and meant != one and str(one) not in map(str, known):
            found[str(one)] = str(meant)
    return tuple(found.items())


def _items(tables: Tables, part: str) -> list[Id]:
    return tables[part].item if part in tables else []


def _bare(one: Id) -> str:
    """An id without what spellings differ in: case, blanks, quotes, leading zeros, ".0"."""
    text = str(one).strip().strip("'\"").casefold().removesuffix(".0")
    return text.lstrip("0") or text


def _vocabulary(ids: Iterable[Id]) -> Vocabulary:
    """A vocabulary of numbers where all ids are numbers, else of text."""
    distinct = set(ids)
    if not distinct:
        return Vocabulary(np.empty(0, dtype=np.int64))
    if any(isinstance(one, str) for one in distinct):
        distinct = {str(one) for one in distinct}
    return Vocabulary.of(distinct)


def _weights(columns: Columns) -> np.ndarray:
    if columns.weight is None:
        return np.ones(len(columns.user), dtype=np.float32)
    weight = np.array(columns.weight, dtype=np.float32)
    return np.where(np.isfinite(weight) & (weight >= 0), weight, 1).astype(np.float32)
