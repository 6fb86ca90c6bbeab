"""Do the vectors agree with the log? Lifts of neighbours, over all items, rare items and labels."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import csr_array

from tastemap.data.interactions import Interactions, ItemTable
from tastemap.maps.lift import Lift, lift, strata_of, unit_csr
from tastemap.maps.neighbours import Hubs
from tastemap.maps.shift import id_shift
from tastemap.maps.structure import confirmed_directions, confirmed_neighbours
from tastemap.seeding import stream
from tastemap.shapes import Float, Int32, Int64

STRATA, STRATUM = 20, 20
"""Chance of equal popularity is taken within so many strata of at least so many items."""
LABELLED = 5
"""A label is reported from so many items on, and at most `MOST_LABELS` of them, by size."""
MOST_LABELS = 50


@dataclass(frozen=True)
class Decile:
    """One tenth of the items by popularity.

    Parameters
    ----------
    number
        1 for the least used items, 10 for the most used.
    items
        How many; ties of popularity stay together, so tenths may differ in size.
    least, most
        Fewest and most users of an item in it.
    co_lift
        Likeness to neighbours over that to items as popular as these (see `Health`).
    label_lift
        The same of labels, over any other item; None where there are no labels.
    antihub_share
        Share of its items that are nobody's neighbour.
    mean_length
        Mean length of its vectors.
    """

    number: int
    items: int
    least: int
    most: int
    co_lift: float | None
    label_lift: float | None
    antihub_share: float
    mean_length: float


class Compared(NamedTuple):
    """The items whose vectors were compared with each other.

    Parameters
    ----------
    chosen
        Their codes.
    places
        Their nearest neighbours, as positions in `chosen`.
    lengths
        The lengths of their vectors.
    hubs
        How often each is a neighbour.
    """

    chosen: Int64[np.ndarray, " n"]
    places: Int32[np.ndarray, "n k"]
    lengths: Float[np.ndarray, " n"]
    hubs: Hubs


def users_of_items(train: Interactions) -> csr_array:
    """CSR matrix of shape (items, users) whose stored entries are the pairs of the log."""
    return train.matrix().T.tocsr()


def agreement(
    used: csr_array, compared: Compared, table: ItemTable | None, seed: int
) -> dict[str, Any]:
    """Everything that compares neighbours with the log, by the names that `Health` gives it.

    Parameters
    ----------
    used
        Shape (items, users), all items of the catalogue.
    """
    columns, places = used[compared.chosen], compared.places
    counts = np.diff(columns.indptr).astype(np.int64)
    strata = strata_of(counts, STRATA, STRATUM)
    found = lift(unit_csr(columns), places, strata, rng=stream(seed, "health", "lift"))
    known = confirmed_neighbours(columns, places.shape[1], stream(seed, "health", "halves"))
    possible = lift(unit_csr(known.other), known.places, strata, rows=known.rows)
    half, fifth = strata_of(counts, 2, 5) == 0, strata_of(counts, 5, 5) == 0
    shift = id_shift(used, compared.chosen, places, stream(seed, "health", "shift"))
    numbers: dict[str, Any] = {
        "co_lift": found.ratio(),
        "co_lift_matched": found.ratio(matched=True),
        "tail_lift": found.ratio(half, matched=True),
        "rare_lift": found.ratio(fifth, matched=True),
        "log_lift": possible.ratio(matched=True),
        "log_tail_lift": possible.ratio(half, matched=True),
        "log_rare_lift": possible.ratio(fifth, matched=True),
        "log_directions": confirmed_directions(columns, stream(seed, "health", "directions")),
        "id_shift": None if shift is None else shift[0],
        "id_shift_gain": None if shift is None else shift[1],
    }
    names, held = label_matrix(table, compared.chosen)
    by_label = None
    if names:
        by_label = lift(unit_csr(held), places, strata)
        numbers["label_lift"] = by_label.ratio()
        numbers["log_label_lift"] = lift(
            unit_csr(held), known.places, strata, rows=known.rows
        ).ratio()
        numbers["label_lifts"] = label_lifts(names, held, places)
    return {**numbers, "deciles": _deciles(counts, found, by_label, compared)}


def label_matrix(
    table: ItemTable | None, chosen: Int64[np.ndarray, " n"]
) -> tuple[list[str], csr_array]:
    """The labels that these items have, and which item has which, shape (n, labels)."""
    labels = [sorted(set(table.labels[item])) for item in chosen.tolist()] if table else []
    names = sorted({name for one in labels for name in one})
    at = {name: place for place, name in enumerate(names)}
    held = np.array([at[name] for one in labels for name in one], dtype=np.int64)
    starts = np.concatenate([[0], np.cumsum([len(one) for one in labels], dtype=np.int64)])
    shape = (len(labels), len(names))
    return names, csr_array((np.ones(len(held)), held, starts.astype(np.int64)), shape=shape)


def label_lifts(
    names: list[str], held: csr_array, places: Int32[np.ndarray, "n k"]
) -> dict[str, float]:
    """For each label: the share of its items' neighbours that have it, over that among all others.

    The `MOST_LABELS` most frequent labels of `LABELLED` items or more, in that order.
    """
    sizes = np.bincount(held.indices, minlength=len(names))
    lifts = {}
    for label in np.argsort(-sizes, kind="stable")[:MOST_LABELS].tolist():
        size = int(sizes[label])
        if not LABELLED <= size < len(places):
            continue
        has = np.zeros(len(places), dtype=bool)
        has[np.repeat(np.arange(len(places)), np.diff(held.indptr))[held.indices == label]] = True
        chance = (size - 1) / (len(places) - 1)
        lifts[names[label]] = float(has[places[has]].mean()) / chance
    return lifts


def _deciles(
    counts: Int64[np.ndarray, " n"], found: Lift, by_label: Lift | None, compared: Compared
) -> tuple[Decile, ...]:
    tenth = strata_of(counts, 10, STRATUM)
    deciles = []
    for number in np.unique(tenth).tolist():
        its = tenth == number
        deciles.append(
            Decile(
                number=number + 1,
                items=int(its.sum()),
                least=int(counts[its].min()),
                most=int(counts[its].max()),
                co_lift=found.ratio(its, matched=True),
                label_lift=None if by_label is None else by_label.ratio(its),
                antihub_share=float((compared.hubs.counts[its] == 0).mean()),
                mean_length=float(compared.lengths[its].mean()),
            )
        )
    return tuple(deciles)
