"""The log as arrays: who used what, when.

`Interactions` holds events as equally long columns of codes. Codes start at 0; two
vocabularies lead back to the ids that the user knows. `Histories` are the same events cut by
user, oldest first: what a model sees when it is asked for scores.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from tastemap.data.compressed import Compressed
from tastemap.data.vocabulary import UNKNOWN as UNKNOWN
from tastemap.data.vocabulary import Id as Id
from tastemap.data.vocabulary import ItemTable as ItemTable
from tastemap.data.vocabulary import Vocabulary as Vocabulary
from tastemap.errors import InputError, UsageError
from tastemap.shapes import Bool, Float32, Int32, Int64

if TYPE_CHECKING:
    import scipy.sparse


@dataclass(frozen=True, eq=False)
class Histories:
    """Ragged rows: history r is `items[starts[r]:starts[r + 1]]`, oldest first.

    Parameters
    ----------
    user
        Shape (rows,): user code, or -1 for somebody the model never met.
    starts
        Shape (rows + 1,): where each row begins.
    items
        Shape (n,): item codes.
    weight
        Shape (n,): how strong each event is.
    time
        Shape (n,): seconds since 1970 (UTC), or None where the log has no times.
    """

    user: Int32[np.ndarray, " rows"]
    starts: Int64[np.ndarray, " rows+1"]
    items: Int32[np.ndarray, " n"]
    weight: Float32[np.ndarray, " n"]
    time: Int64[np.ndarray, " n"] | None = None

    @classmethod
    def of_items(
        cls, baskets: Sequence[Sequence[int] | np.ndarray], user: Sequence[int] | None = None
    ) -> "Histories":
        """Histories of people from lists of item codes, oldest first, each event of weight 1.

        >>> Histories.of_items([[3, 1], []]).starts
        array([0, 2, 2])
        """
        lengths = [len(basket) for basket in baskets]
        joined = [np.asarray(basket, dtype=np.int32) for basket in baskets]
        items = np.concatenate([np.empty(0, dtype=np.int32), *joined])
        return cls(
            user=np.full(len(baskets), UNKNOWN, np.int32)
            if user is None
            else np.asarray(user, dtype=np.int32),
            starts=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
            items=items,
            weight=np.ones(len(items), dtype=np.float32),
        )

    def __len__(self) -> int:
        return len(self.user)

    def row(self, r: int) -> Int32[np.ndarray, " n"]:
        """Item codes of history `r`, oldest first."""
        return self.items[self.starts[r] : self.starts[r + 1]]

    @property
    def lengths(self) -> Int64[np.ndarray, " rows"]:
        """Number of events in each history, shape (rows,)."""
        return np.diff(self.starts)

    def take(self, rows: np.ndarray | slice) -> "Histories":
        """The histories at these row numbers, in this order; neighbours are views, not copies."""
        if isinstance(rows, slice) and rows.step is None:
            first, end, _ = rows.indices(len(self))
            return self._neighbours(first, max(first, end))
        chosen = np.arange(len(self))[rows]
        if len(chosen) and (np.diff(chosen) == 1).all():
            return self._neighbours(int(chosen[0]), int(chosen[-1]) + 1)
        lengths = self.lengths[chosen]
        starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        # Position of every kept event: its row's old start plus its place within the row.
        events = np.repeat(self.starts[chosen] - starts[:-1], lengths) + np.arange(starts[-1])
        return Histories(
            user=self.user[chosen],
            starts=starts,
            items=self.items[events],
            weight=self.weight[events],
            time=None if self.time is None else self.time[events],
        )

    def _neighbours(self, first: int, end: int) -> "Histories":
        starts = self.starts[first : end + 1]
        events = slice(starts[0], starts[-1])
        return Histories(
            user=self.user[first:end],
            starts=starts - starts[0],
            items=self.items[events],
            weight=self.weight[events],
            time=None if self.time is None else self.time[events],
        )

    def first_events(self) -> Bool[np.ndarray, " n"]:
        """Whether each event is the first of its item in its history.

        >>> Histories.of_items([[3, 1, 3], [3]]).first_events()
        array([ True,  True, False,  True])
        """
        width = 1 + int(self.items.max(initial=0))
        pairs = np.repeat(np.arange(len(self)) * width, self.lengths) + self.items
        found = np.zeros(len(pairs), dtype=bool)
        found[np.unique(pairs, return_index=True)[1]] = True
        return found

    def as_strangers(self) -> "Histories":
        """The same histories, told by people whom the model never met (user -1)."""
        return replace(self, user=np.full(len(self), UNKNOWN, dtype=np.int32))

    def matrix(self, n_items: int) -> "scipy.sparse.csr_array":
        """CSR matrix of shape (rows, n_items); weights of repeated items add up."""
        from scipy.sparse import csr_array

        matrix = csr_array(
            (self.weight, self.items, self.starts), shape=(len(self), n_items), copy=True
        )
        matrix.sum_duplicates()
        return matrix


@dataclass(frozen=True, eq=False)
class Interactions:
    """Events as equally long columns, encoded by two vocabularies.

    Rows keep the order of the file they came from, so that events with equal times have an order.

    Parameters
    ----------
    user, item
        Shape (n,): codes into `users` and `items`.
    weight
        Shape (n,): how strong each event is; finite, 0 or more. 1 where the log has none.
    time
        Shape (n,): seconds since 1970 (UTC), or None where the log has no times.
    users, items
        The vocabularies.
    table
        Titles and labels of the items, where known.
    notes
        What reading and preparing did, in words, oldest first.

    Examples
    --------
    >>> log = Interactions.of([("ann", "tea"), ("bob", "tea"), ("bob", "milk")])
    >>> log.matrix().toarray()                       # rows are users, columns are items
    array([[0., 1.],
           [1., 1.]], dtype=float32)
    """

    user: Int32[np.ndarray, " n"]
    item: Int32[np.ndarray, " n"]
    weight: Float32[np.ndarray, " n"]
    time: Int64[np.ndarray, " n"] | None
    users: Vocabulary
    items: Vocabulary
    table: ItemTable | None = None
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, events: Iterable[Sequence[Any]]) -> "Interactions":
        """A log from (user, item), (user, item, weight) or (user, item, weight, time) tuples.

        Times are seconds since 1970. Meant for small logs typed by hand; `tm.read` reads tables.
        """
        rows = [tuple(event) for event in events]
        if len({len(row) for row in rows}) > 1 or (rows and not 2 <= len(rows[0]) <= 4):
            raise InputError(
                f"events of {sorted({len(row) for row in rows})} fields",
                "tuples of 2 (user, item), 3 (and weight) or 4 (and time) fields, all alike",
                "give every event the same fields",
            )
        width = len(rows[0]) if rows else 2
        for row in rows:
            if width > 2 and not (np.isfinite(row[2]) and row[2] >= 0):
                raise InputError(
                    f"event {row}: weight {row[2]}",
                    "finite weights of 0 or more",
                    "leave the event out, or mend its weight",
                )
            if width > 3 and not isinstance(row[3], int | float | np.number):
                raise InputError(
                    f"event {row}: time {row[3]!r}",
                    "seconds since 1970 in every event, or in none",
                    "leave the times out, or read the log with tm.read",
                )
        users = Vocabulary.of(row[0] for row in rows)
        items = Vocabulary.of(row[1] for row in rows)
        return cls(
            user=users.encode(row[0] for row in rows),
            item=items.encode(row[1] for row in rows),
            weight=np.array([row[2] if width > 2 else 1 for row in rows], dtype=np.float32),
            time=np.array([row[3] for row in rows], dtype=np.int64) if width > 3 else None,
            users=users,
            items=items,
        )

    def __len__(self) -> int:
        return len(self.user)

    def __getitem__(self, rows: np.ndarray | slice) -> "Interactions":
        """The events at these rows (mask, slice or row numbers); same vocabularies."""
        return replace(
            self,
            user=self.user[rows],
            item=self.item[rows],
            weight=self.weight[rows],
            time=None if self.time is None else self.time[rows],
        )

    def __repr__(self) -> str:
        return (
            f"Interactions({len(self):,} events, {len(self.users):,} users, "
            f"{len(self.items):,} items, {'with' if self.time is not None else 'no'} times)"
        )

    def noted(self, *notes: str) -> "Interactions":
        """The same log with these sentences added to its notes."""
        return replace(self, notes=self.notes + notes)

    def compact(self) -> "Interactions":
        """The same events with vocabularies that hold only the ids still present."""
        used, wanted = self.user_counts() > 0, self.item_counts() > 0
        users, items = np.flatnonzero(used), np.flatnonzero(wanted)
        table = self.table
        if table is not None:
            table = ItemTable(table.titles[items], tuple(table.labels[i] for i in items))
        return replace(
            self,
            user=(np.cumsum(used, dtype=np.int32) - np.int32(1))[self.user],
            item=(np.cumsum(wanted, dtype=np.int32) - np.int32(1))[self.item],
            users=Vocabulary(self.users.ids[users]),
            items=Vocabulary(self.items.ids[items]),
            table=table,
        )

    def matrix(self) -> "scipy.sparse.csr_array":
        """CSR matrix of shape (users, items), float32; weights of repeated pairs add up.

        `matrix.indices[matrix.indptr[u]:matrix.indptr[u + 1]]` are the items of user u, and the
        column sums of a matrix of ones are the items' counts. See docs/how-it-works.md for the
        classic 4 x 5 example.
        """
        found = self.compressed()
        shared = np.may_share_memory(found.values, self.weight)  # the caller's own from here on
        return (found._replace(values=found.values.copy()) if shared else found).scipy()

    def compressed(self) -> Compressed:
        """What `matrix` is made of, for those that need no SciPy."""
        # First by item, then by user: each user's items come in order, and nothing is sorted
        # (18 million events: .5 s; SciPy, which sorts every row, takes 1.1 s).
        shape = (len(self.users), len(self.items))
        found = Compressed.of(self.item, self.user, self.weight, shape[::-1]).transposed()
        if not found.repeats():
            return found
        from scipy.sparse import csr_array

        return Compressed.of_scipy(csr_array((self.weight, (self.user, self.item)), shape=shape))

    @cached_property
    def _by_user(self) -> Histories:
        from tastemap.kernels.rows import by_row, grouped  # here: numba comes while a log is read

        columns = [self.item, self.weight] + ([] if self.time is None else [self.time])
        if self.time is None or (self.time[1:] >= self.time[:-1]).all():
            # In order already (18 million events: .3 s against 1.3 s below).
            starts, *columns = grouped(self.user, len(self.users), *columns)
        else:
            starts, order = by_row(self.user, len(self.users), self.time)
            columns = [column[order] for column in columns]
        user = np.arange(len(self.users), dtype=np.int32)
        return Histories(user, starts, *columns)

    def histories(self, users: np.ndarray | Sequence[int] | None = None) -> Histories:
        """Histories of these user codes (default: of all, in code order), oldest event first.

        Events with equal times keep the order of the file; -1 gives an empty history.
        """
        if users is None:
            return self._by_user
        codes = np.asarray(users, dtype=np.int32)
        if codes.max(initial=UNKNOWN) >= len(self.users):
            raise UsageError(
                f"user code {codes.max()}",
                f"codes from 0 to {len(self.users) - 1}, or -1 for somebody unknown",
                "encode outside ids: log.users.encode(ids)",
            )
        if len(self.users) == 0:
            return Histories.of_items([[]] * len(codes))
        known = codes >= 0
        found = self._by_user.take(np.maximum(codes, 0))
        if known.all():
            return found
        keep = np.repeat(known, found.lengths)
        lengths = np.where(known, found.lengths, 0)
        return Histories(
            user=codes,
            starts=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
            items=found.items[keep],
            weight=found.weight[keep],
            time=None if found.time is None else found.time[keep],
        )

    def knows(self, histories: Histories) -> Bool[np.ndarray, " rows"]:
        """Which of these histories, shape (rows,), are of users with events in the log.

        Codes beyond the log are nobody's.
        """
        there = (histories.user >= 0) & (histories.user < len(self.users))
        there[there] = self._active[histories.user[there]]
        return there

    @cached_property
    def _active(self) -> Bool[np.ndarray, " users"]:
        return self.user_counts() > 0

    def holds(self, histories: Histories, times: bool = False) -> Bool[np.ndarray, " rows"]:
        """Which of these histories, shape (rows,), are what the log holds of their users.

        A history with an event more, or less, is none. Times are compared if asked for.
        """
        from tastemap.kernels.rows import same_rows  # here: numba comes while a log is read

        own = self._by_user
        ragged = (histories.starts, histories.items), (own.starts, own.items)
        same = same_rows(histories.user, *ragged)
        if times and own.time is not None:
            if histories.time is None:
                return np.zeros(len(histories), dtype=bool)
            ragged = (histories.starts, histories.time), (own.starts, own.time)
            same &= same_rows(histories.user, *ragged)
        return same

    def item_counts(self) -> Int64[np.ndarray, " items"]:
        """Number of events of each item, shape (items,)."""
        return np.bincount(self.item, minlength=len(self.items)).astype(np.int64)

    def user_counts(self) -> Int64[np.ndarray, " users"]:
        """Number of events of each user, shape (users,)."""
        return np.bincount(self.user, minlength=len(self.users)).astype(np.int64)

    def pairs(self) -> tuple[Int64[np.ndarray, " pairs"], Int64[np.ndarray, " pairs"]]:
        """Distinct pairs as user * len(items) + item, in increasing order, and events of each.

        By a sort, because np.unique (NumPy 2.4) takes a minute for what a sort does in a second.
        """
        ordered = np.sort(self.user.astype(np.int64) * len(self.items) + self.item)
        first = np.flatnonzero(np.diff(ordered, prepend=-1))
        return ordered[first], np.diff(first, append=len(ordered))

    def fingerprint(self) -> str:
        """Sixteen hex digits that change when any event or id changes (SHA-256 of the columns)."""
        digest = hashlib.sha256()
        for column in (self.user, self.item, self.weight, self.time):
            digest.update(b"none" if column is None else np.ascontiguousarray(column).tobytes())
        for vocabulary in (self.users, self.items):  # as JSON, so that 1, "1" and "a", "b" differ
            digest.update(json.dumps(vocabulary.ids.tolist()).encode())
        return digest.hexdigest()[:16]
