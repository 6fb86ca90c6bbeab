"""Batches for models that learn from sequences and from pairs: padded histories and negatives."""

from dataclasses import dataclass, field

import numpy as np

from tastemap.data.interactions import Histories, Interactions
from tastemap.errors import InputError, UsageError
from tastemap.shapes import Bool, Float64, Int32, Int64

PADDING = 0
"""Stands where a history is shorter than the matrix; an item is its code + 1."""

_PATIENCE = 16
"""Rejection rounds before the rest is drawn from the unseen items themselves."""


def left_padded(histories: Histories, max_len: int) -> Int32[np.ndarray, "rows max_len"]:
    """Histories as a matrix whose last column is always the newest item.

    An item stands as its code + 1, and 0 (`PADDING`) fills up on the left, so that an embedding
    table has items + 1 rows. A history longer than `max_len` keeps its newest items.

    Examples
    --------
    >>> histories = Histories.of_items([[7], [1, 2, 3, 4, 5], [], [0, 9, 0]])
    >>> left_padded(histories, max_len=4)
    array([[ 0,  0,  0,  8],
           [ 3,  4,  5,  6],
           [ 0,  0,  0,  0],
           [ 0,  1, 10,  1]], dtype=int32)
    """
    if max_len < 1:
        raise UsageError(f"max_len is {max_len}", "a whole number from 1 on", "pass max_len=50")
    padded = np.full((len(histories), max_len), PADDING, dtype=np.int32)
    rows = np.repeat(np.arange(len(histories)), histories.lengths)
    ages = histories.starts[1:][rows] - 1 - np.arange(len(rows))
    kept = ages < max_len
    padded[rows[kept], max_len - 1 - ages[kept]] = histories.items[kept] + 1
    return padded


@dataclass(frozen=True, eq=False)
class Negatives:
    """Draws items that a user has not used: what models contrast the used ones with.

    Each draw is independent, with replacement, and has probability proportional to
    `count ** beta` over the items outside the user's history: beta 0 is uniform over all of
    them, beta 1 by popularity (Mikolov et al. 2013 use .75 for words).

    Parameters
    ----------
    log
        Whose histories to keep away from; its catalogue is drawn from.
    beta
        0 or more. Above 0, items without any event are never drawn.
    called
        What errors call `beta`: the argument by which the caller was given it.

    Examples
    --------
    >>> log = Interactions.of([("ann", "tea"), ("ann", "milk"), ("bob", "rum")])
    >>> ann, rng = log.users.encode(["ann"]), np.random.default_rng(0)
    >>> items, rejected = Negatives(log).draw(ann, 3, rng)
    >>> log.items.decode(items[0]).tolist()
    ['rum', 'rum', 'rum']
    """

    log: Interactions
    beta: float = 0.0
    called: str = "beta"
    _pairs: Int64[np.ndarray, " pairs"] = field(init=False, repr=False)
    _total: Float64[np.ndarray, " items"] = field(init=False, repr=False)
    _left: Int64[np.ndarray, " users+1"] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not 0 <= self.beta < np.inf:
            raise UsageError(
                f"{self.called}={self.beta!r}",
                "0 (uniform) or more (1: by popularity)",
                f"pass {self.called}=0.75, say",
            )
        width = len(self.log.items)
        pairs, _ = self.log.pairs()
        # 0 ** 0 is 1, so that the uniform draw reaches items without events.
        weight = self.log.item_counts().astype(np.float64) ** self.beta
        users, items = np.divmod(pairs, max(width, 1))
        used = np.bincount(users[weight[items] > 0], minlength=len(self.log.users))
        object.__setattr__(self, "_pairs", pairs)
        object.__setattr__(self, "_total", np.cumsum(weight))
        # How many drawable items each user has left; the last entry is that of user -1.
        object.__setattr__(self, "_left", np.count_nonzero(weight) - np.append(used, 0))

    def draw(
        self, users: Int32[np.ndarray, " rows"], n: int, rng: np.random.Generator
    ) -> tuple[Int32[np.ndarray, "rows n"], int]:
        """`n` items outside the history of each user, and how many draws were rejected.

        Parameters
        ----------
        users
            User codes; -1, somebody without a history, may get any item.
        rng
            From `tastemap.seeding.stream`: equal streams give equal items.

        Raises
        ------
        InputError
            Where a user has used every item that can be drawn.
        """
        self._require_unseen(users)
        if n < 1:
            raise UsageError(f"n is {n}", "a whole number from 1 on", "pass n=1, say")
        owner = np.repeat(users.astype(np.int64), n)
        items = self._any(len(owner), rng)
        wrong = np.flatnonzero(self._used(owner, items))
        rejected = len(wrong)
        for _ in range(_PATIENCE):
            if len(wrong) == 0:
                break
            items[wrong] = self._any(len(wrong), rng)
            wrong = wrong[self._used(owner[wrong], items[wrong])]
            rejected += len(wrong)
        # Who has used nearly everything would be rejected for ever: draw from what is left.
        for user in np.unique(owner[wrong]).tolist():
            slots = wrong[owner[wrong] == user]
            items[slots] = self._unseen(user, len(slots), rng)
        return items.astype(np.int32).reshape(len(users), n), rejected

    def _any(self, n: int, rng: np.random.Generator) -> Int64[np.ndarray, " n"]:
        """`n` items of the whole catalogue."""
        return _by_weight(self._total, n, rng)

    def _unseen(self, user: int, n: int, rng: np.random.Generator) -> Int64[np.ndarray, " n"]:
        """`n` items that this user has not used."""
        catalogue = np.arange(len(self.log.items))
        left = catalogue[~self._used(np.full(len(catalogue), user), catalogue)]
        weight = np.diff(self._total, prepend=0.0)[left]
        return left[_by_weight(np.cumsum(weight), n, rng)]

    def _used(
        self, users: Int64[np.ndarray, " n"], items: Int64[np.ndarray, " n"]
    ) -> Bool[np.ndarray, " n"]:
        """Whether each user has used each item."""
        if len(self._pairs) == 0:
            return np.zeros(len(users), dtype=bool)
        asked = users * len(self.log.items) + items
        at = np.minimum(np.searchsorted(self._pairs, asked), len(self._pairs) - 1)
        return self._pairs[at] == asked

    def _require_unseen(self, users: Int32[np.ndarray, " rows"]) -> None:
        if len(users) == 0:
            return
        lowest, highest = int(users.min()), int(users.max())
        if lowest < -1 or highest >= len(self.log.users):
            raise UsageError(
                f"user code {lowest if lowest < -1 else highest}",
                f"codes below {len(self.log.users)}, or -1 for somebody without a history",
                "encode ids first: log.users.encode(ids)",
            )
        full = users[self._left[users] == 0]
        if len(full):
            code = int(full[0])
            who = "somebody new" if code < 0 else f"user {self.log.users.ids.tolist()[code]!r}"
            raise InputError(
                f"{who} has used every item that can be drawn "
                f"({len(np.unique(full)):,} such users, {self.called}={self.beta:g})",
                "users with at least one such item left",
                "leave these users out"
                + (f", or pass {self.called}=0: the whole catalogue is drawn" if self.beta else ""),
            )


def _by_weight(
    total: Float64[np.ndarray, " m"], n: int, rng: np.random.Generator
) -> Int64[np.ndarray, " n"]:
    """`n` positions drawn in proportion to the steps of the running total."""
    points = rng.random(n) * total[-1]
    # Rounding may put a point on the total itself, behind the last position that can be drawn.
    last = np.searchsorted(total, total[-1])
    return np.minimum(np.searchsorted(total, points, side="right"), last)
