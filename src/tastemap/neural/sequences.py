"""Histories as training samples: windows with a target at every place, in batches of like length.

Histories of like length share a batch, so that little is padded. Which histories share one is
drawn anew in each epoch: they are shuffled, cut into pools, and sorted by length within a pool.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from tastemap.data.batches import left_padded
from tastemap.data.interactions import Histories, Interactions
from tastemap.data.split import require_same_log
from tastemap.errors import InputError
from tastemap.shapes import Bool, Int32, Int64

POOL = 16
"""Batches whose histories are sorted by length together."""


class Part(NamedTuple):
    """A part of a batch: histories, padded on the left, and what came next at each place.

    Parameters
    ----------
    items
        Item codes + 1; 0 is padding.
    targets
        The next item's code + 1 at each place; 0 where none is asked.
    times
        Seconds since 1970, or None.
    """

    items: Int32[np.ndarray, "rows len"]
    targets: Int32[np.ndarray, "rows len"]
    times: Int64[np.ndarray, "rows len"] | None


@dataclass(frozen=True, eq=False)
class Windows:
    """Samples to train on: each ends before one event of a history and looks back `max_len`.

    Parameters
    ----------
    histories
        Oldest first.
    row, end
        Shape (samples,): which history, and the place in it of the last target.
    max_len
        Most events that a sample looks back.
    every
        Whether each place has a target, or the last alone.
    """

    histories: Histories
    row: Int64[np.ndarray, " samples"]
    end: Int64[np.ndarray, " samples"]
    max_len: int
    every: bool

    @classmethod
    def of(cls, histories: Histories, max_len: int, prefixes: bool = False) -> "Windows":
        """One sample a history with a target at every place; with `prefixes`, one for each target.

        A history of more than max_len + 1 events is cut to its newest ones. `prefixes` shows each
        target with its history at the very end of the window, as it is when lists are asked for,
        and costs as many samples as there are events.
        """
        lengths = histories.lengths
        able = np.flatnonzero(lengths >= 2)
        if not len(able):
            raise InputError(
                f"{len(histories):,} histories, none of two events or more",
                "histories in which something follows something",
                "use an order-blind recipe such as EASE or ALS, or a longer log",
            )
        if not prefixes:
            return cls(histories, able, lengths[able] - 1, max_len, True)
        counts = np.minimum(lengths[able] - 1, max_len)
        row = np.repeat(able, counts)
        back = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        return cls(histories, row, lengths[row] - 1 - back, max_len, False)

    def __len__(self) -> int:
        return len(self.row)

    def batches(self, rng: np.random.Generator, size: int, most: int) -> Iterator[list[Part]]:
        """All samples once, `size` histories at a time, batches in random order.

        A batch comes in parts of up to `most` histories, the shortest first.
        """
        lengths = np.minimum(self.end, self.max_len)
        order = rng.permutation(len(self))
        cuts = []
        for start in range(0, len(order), size * POOL):
            pool = order[start : start + size * POOL]
            pool = pool[np.argsort(lengths[pool], kind="stable")]
            cuts += [pool[first : first + size] for first in range(0, len(pool), size)]
        for place in rng.permutation(len(cuts)):
            cut = cuts[place]
            yield [self.part(cut[first : first + most]) for first in range(0, len(cut), most)]

    def part(self, samples: Int64[np.ndarray, " rows"]) -> Part:
        """These samples as matrices, no wider than the longest of them."""
        first = self.histories.starts[self.row[samples]]
        end = first + self.end[samples]
        length = np.minimum(self.end[samples], self.max_len)
        width = int(length.max())
        places = end[:, None] + np.arange(-width, 0)  # of inputs; targets stand one later
        there = np.arange(width) >= width - length[:, None]
        places = np.where(there, places, 0)
        items = np.where(there, self.histories.items[places] + 1, 0)
        targets = np.where(there, self.histories.items[places + there] + 1, 0)
        if not self.every:
            targets[:, :-1] = 0
        times = self.histories.time
        return Part(
            items.astype(np.int32),
            targets.astype(np.int32),
            None if times is None else np.where(there, times[places], 0),
        )


def newest(
    histories: Histories, rows: Int64[np.ndarray, " rows"], max_len: int
) -> tuple[Int32[np.ndarray, "rows len"], Int64[np.ndarray, "rows len"] | None]:
    """The newest items (and times) of some histories, no wider than the longest needs."""
    taken = histories.take(rows)
    width = max(1, min(int(taken.lengths.max(initial=0)), max_len))
    items = left_padded(taken, width)
    if taken.time is None:
        return items, None
    ages = np.arange(width - 1, -1, -1)
    places = np.maximum(taken.starts[1:, None] - 1 - ages, 0)
    return items, np.where(items > 0, taken.time[places], 0)


def require_order(train: Interactions) -> str | None:
    """What order the histories have: None for times, a note for the order of rows.

    Rows without times that stand in the order of their item ids have none: an error.
    """
    if train.time is not None:
        return None
    histories = train.histories()
    steps = np.diff(histories.items)
    within = np.ones(len(steps), dtype=bool)
    inner = histories.starts[1:-1]
    within[inner[(inner > 0) & (inner <= len(steps))] - 1] = False
    if within.sum() >= 100 and (steps[within] >= 0).mean() > 0.99:
        raise InputError(
            "a log without times whose histories stand in the order of the item ids",
            "events with times, or rows in the order in which they happened",
            "read the log with time=COLUMN, or use an order-blind recipe such as EASE",
        )
    return "the log has no times: the order of its rows is taken for that of the events"


class HeldOut(NamedTuple):
    """Events to stop by: what is shown, and what should come next.

    Parameters
    ----------
    shown
        Histories, oldest first.
    truth
        What each of these people used next.
    """

    shown: Histories
    truth: Histories


def shown_and_held(
    log: Interactions, validation: Interactions | None, most: int, rng: np.random.Generator | None
) -> tuple[Histories, HeldOut | None]:
    """Histories to train on, and what to stop by: a validation part, or else events of the log.

    Without a generator nothing is held out. An item that somebody has used before is never held
    out: it could not be listed, and every epoch would look as bad as the first.
    """
    if validation is not None:
        require_same_log(log, validation, "validation")
    if rng is None:
        return log.histories(), None
    if validation is not None and len(validation):
        return log.histories(), held_out_of(log, validation, most, rng)
    return hold_out(log.histories(), most, rng)


def hold_out(
    histories: Histories, most: int, rng: np.random.Generator
) -> tuple[Histories, HeldOut | None]:
    """Take the last event away from up to `most` drawn histories of three events or more.

    Returns what is left to train on and what was taken; None where nobody has so many, or all
    last items were used before.
    """
    rows = np.flatnonzero(histories.lengths >= 3)
    last = histories.items[histories.starts[rows + 1] - 1]
    some = histories.take(rows)
    used = np.repeat(np.arange(len(rows)), some.lengths)[
        some.items == np.repeat(last, some.lengths)
    ]
    able = rows[np.bincount(used, minlength=len(rows)) == 1]
    if not len(able):
        return histories, None
    chosen = np.sort(rng.permutation(able)[:most])
    last = histories.starts[chosen + 1] - 1
    kept = np.ones(len(histories.items), dtype=bool)
    kept[last] = False
    left = _masked(histories, kept)
    asked = np.zeros(len(histories), dtype=bool)
    asked[chosen] = True
    truth = _masked(histories, ~kept).take(np.flatnonzero(asked))
    return left, HeldOut(left.take(np.flatnonzero(asked)), truth)


def held_out_of(
    train: Interactions, validation: Interactions, most: int, rng: np.random.Generator
) -> HeldOut | None:
    """Up to `most` drawn users of a validation part, with their histories in training.

    None where the part holds nothing but what they had used.
    """
    width = len(train.items)
    before, now = (part.user.astype(np.int64) * width + part.item for part in (train, validation))
    fresh = validation[~np.isin(now, before)]
    users = np.flatnonzero(fresh.user_counts() > 0)
    users = np.sort(rng.permutation(users)[:most]).astype(np.int32)
    return HeldOut(train.histories(users), fresh.histories(users)) if len(users) else None


def _masked(histories: Histories, kept: Bool[np.ndarray, " n"]) -> Histories:
    before = np.concatenate([[0], np.cumsum(kept)])
    return Histories(
        user=histories.user,
        starts=before[histories.starts].astype(np.int64),
        items=histories.items[kept],
        weight=histories.weight[kept],
        time=None if histories.time is None else histories.time[kept],
    )
