"""What a map is of: which items, their names, and what a run knows of them."""

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np

from tastemap.contracts import HasVectors, Model
from tastemap.data.interactions import Interactions
from tastemap.errors import InputError, UsageError
from tastemap.maps.axes import known_of
from tastemap.maps.inputs import examined
from tastemap.recommend import tie_order
from tastemap.shapes import Float32, Int64

LEAST = 3
"""Items that a map needs."""

MISSED = "missed in test"
"""The colour that a run adds: the share of an item's test users whose list misses it."""


@runtime_checkable
class Judged(Protocol):
    """A model with what it was judged on: a run."""

    @property
    def model(self) -> Model:
        """The fitted model."""

    @property
    def split(self) -> Any:
        """What it was fitted and judged on."""

    @property
    def evaluation(self) -> Any:
        """Its lists for the test users."""


@dataclass(frozen=True, eq=False)
class Subject:
    """The items of a map.

    Parameters
    ----------
    title
        What the map is of.
    train
        The log, if there is one.
    kept
        Shape (n,): item codes (row numbers without a log) of the items that are drawn.
    vectors
        Shape (n, d).
    ids, titles
        Shape (n,).
    labels
        The labels of each item; None where none is known.
    users
        Shape (n,): how many users used each; None without a log.
    extra
        Colours that come with it.
    notes
        What was left out, in words.
    """

    title: str
    train: Interactions | None
    kept: Int64[np.ndarray, " n"]
    vectors: Float32[np.ndarray, "n d"]
    ids: np.ndarray
    titles: np.ndarray
    labels: list[tuple[str, ...]] | None
    users: Int64[np.ndarray, " n"] | None
    extra: dict[str, np.ndarray]
    notes: tuple[str, ...]


def subject(
    given: Model | HasVectors | Judged | np.ndarray,
    train: Interactions | None = None,
    *,
    min_events: int = 5,
    most_items: int | None = None,
) -> Subject:
    """The items that are drawn: those that enough people used, or the most used of them."""
    if most_items is not None and most_items < LEAST:
        raise UsageError(
            f"most_items={most_items}", f"{LEAST} or more", "leave it out to draw all items"
        )
    extra: dict[str, np.ndarray] = {}
    title = "Items"
    if not isinstance(given, Model | np.ndarray) and isinstance(given, Judged):
        missed = missed_in_test(given)
        extra = {} if missed is None else {MISSED: missed}
        given = given.model
    if isinstance(given, Model):
        title = f"Items as {given.recipe.name} sees them"
    found = examined(given, train)
    everything = np.arange(len(found.items))
    about = known_of(found.train, everything)
    kept, notes = _kept(about.users, len(everything), min_events, most_items)
    table = None if found.train is None else found.train.table
    labels = None if table is None else [table.labels[code] for code in kept.tolist()]
    return Subject(
        title=title,
        train=found.train,
        kept=kept,
        vectors=np.ascontiguousarray(found.items[kept], dtype=np.float32),
        ids=kept if found.train is None else found.train.items.decode(kept),
        titles=about.titles[kept],
        labels=labels if labels and any(labels) else None,
        users=None if about.users is None else about.users[kept],
        extra={name: values[kept] for name, values in extra.items()},
        notes=notes,
    )


def _kept(
    users: Int64[np.ndarray, " items"] | None, n: int, min_events: int, most_items: int | None
) -> tuple[Int64[np.ndarray, " n"], tuple[str, ...]]:
    """Codes of the items that are drawn, in order, and what is said of the others."""
    counts = np.zeros(n, dtype=np.int64) if users is None else users
    kept = np.arange(n) if users is None else np.flatnonzero(counts >= min_events)
    notes = []
    if len(kept) < n:
        notes.append(
            f"{n - len(kept):,} of {n:,} items left out: fewer than {min_events} users "
            "(min_events=1 draws them)"
        )
    if most_items is not None and len(kept) > most_items:
        order = np.lexsort((tie_order(n)[kept], -counts[kept]))
        which = "the most used" if users is not None else "drawn by chance"
        notes.append(f"{most_items:,} of {len(kept):,} items, {which}")
        kept = np.sort(kept[order[:most_items]])
    if len(kept) < LEAST:
        known = "" if users is None else f" with {min_events} users or more"
        raise InputError(
            f"{len(kept)} of {n} items{known}",
            f"{LEAST} items or more",
            "pass a smaller min_events" if n >= LEAST else "pass more vectors",
        )
    return kept, tuple(notes)


def missed_in_test(run: Judged) -> Float32[np.ndarray, " items"] | None:
    """For each item the share of its test users whose list misses it, NaN where there are none.

    None where the run's lists do not belong to its split any more.
    """
    _, truth = run.split.queries("test")
    lists = run.evaluation.ranking.items
    if len(lists) != len(truth):
        return None
    n = len(run.model.items)
    row = np.repeat(np.arange(len(truth), dtype=np.int64), truth.lengths)
    wanted = np.unique(row * n + truth.items)
    there = np.arange(len(lists), dtype=np.int64)[:, None] * n + lists
    missed = ~np.isin(wanted, there[lists >= 0])
    users = np.bincount(wanted % n, minlength=n)
    found = np.bincount(wanted % n, weights=missed, minlength=n) / np.maximum(users, 1)
    return np.where(users > 0, found, np.nan).astype(np.float32)
