"""What items are coloured by on a map, and the colours themselves."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tastemap.data.interactions import Interactions
from tastemap.errors import InputError, UsageError
from tastemap.maps.axes import known_of
from tastemap.maps.clusters import Clusters
from tastemap.maps.item_map import Colour
from tastemap.shapes import Float, Integer

PALETTE = (
    "#3097fb",
    "#fc1504",
    "#6a33ff",
    "#bc2d3d",
    "#885388",
    "#a09643",
    "#9f2bbb",
    "#06a1c9",
    "#596dff",
    "#ff2eba",
    "#56a46f",
    "#808080",
)
"""Twelve colours of categories, the first ones furthest from each other, the last a grey.

Found by annealing: each has a contrast of 3:1 or more on white as on near-black; any two differ
(CIE76) by 37 or more, and by 18 or more for people without red (protanopia) or green (deuteranopia)
cones, by the matrices of Machado, Oliveira & Fernandes (2009).
"""
RAMP = (
    "#463480",
    "#3c508b",
    "#30698e",
    "#27808e",
    "#1f968b",
    "#26ad81",
    "#4ac16d",
    "#7fd34e",
    "#bddf26",
)
"""Nine colours of a scale, little to much: viridis (van der Walt & Smith 2015) from 0.15 to 0.9, so
that neither end vanishes on white or on dark."""
NAMED = 11
"""Categories with a name of their own; the others together are `OTHER`."""
OTHER = "other"
DATED = 0.1
"""Items are coloured by year where titles of so many of them name one."""


def colours_of(
    train: Interactions | None,
    vectors: Float[np.ndarray, "n d"],
    kept: Integer[np.ndarray, " n"],
    *,
    groups: Clusters | None = None,
    extra: Mapping[str, Any] | None = None,
) -> tuple[Colour, ...]:
    """Everything that these items can be coloured by; what is not known is left out.

    In this order: "users" (how many used the item), "label" (one category an item, see
    `one_label`), "year" (from titles like "Toy Story (1995)"), "cluster", then `extra`.

    Parameters
    ----------
    train
        The log, or None.
    vectors
        Vectors of the items of the map.
    kept
        Their item codes (row numbers where there is no log).
    groups
        Their clusters, see `clusters`.
    extra
        Names and values of other colours: a value for each of the n items, or for each item of
        the log. Whole numbers from 0 on are counts (log scale), other numbers linear, texts and
        truth values categories. NaN, None and "" are unknown.

    Raises
    ------
    InputError
        An extra colour of another length or shape, or of values that are no numbers or texts.
    UsageError
        An extra colour with the name of another one.
    """
    known = known_of(train, np.asarray(kept, dtype=np.int64))
    found = []
    if known.users is not None:
        found.append(Colour("users", "count", known.users.astype(np.float32)))
    if train is not None and train.table is not None and known.labels:
        labels = [train.table.labels[code] for code in np.asarray(kept).tolist()]
        found.append(category("label", one_label(labels)))
    dated = np.isfinite(known.years)
    if dated.mean() >= DATED and len(np.unique(known.years[dated])) > 1:
        found.append(Colour("year", "number", known.years))
    if groups is not None:
        found.append(Colour("cluster", "category", groups.of, groups.names))
    for name, values in (extra or {}).items():
        if name in [one.name for one in found]:
            raise UsageError(
                f"a colour called {name!r}, which is there already",
                f"a name other than {', '.join(one.name for one in found)}",
                f"call it {name + ' 2'!r}, say",
            )
        found.append(_extra(name, values, len(vectors), kept, train))
    return tuple(found)


def one_label(labels: Sequence[Sequence[str]]) -> list[str]:
    """One label for each item: of its labels that get a colour, the one that fewest items have.

    A rare label says more: a film of "Drama" and "Western" becomes a western. Labels get a colour
    if they are among the commonest (11, or 12 where there are no more); an item with none of
    these is "other", one without any label "". Equally frequent labels are ordered by name.

    >>> one_label([["Drama", "Western"], ["Drama"], []])
    ['Western', 'Drama', '']
    """
    sizes = Counter(label for own in labels for label in set(own))
    coloured = set(_commonest(sizes))
    found = []
    for own in labels:
        named = sorted(
            (label for label in own if label in coloured), key=lambda one: (sizes[one], one)
        )
        found.append(named[0] if named else OTHER if own else "")
    return found


def category(name: str, values: Sequence[str]) -> Colour:
    """A colour of one text an item: the commonest 11 (or 12), then "other"; "" is unknown.

    >>> category("type", ["a", "b", "", "b"]).values.tolist()
    [1, 0, -1, 0]
    """
    sizes = Counter(value for value in values if value and value != OTHER)
    names = _commonest(sizes)
    if len(names) < len(sizes) or OTHER in values:
        names = [*names[:NAMED], OTHER]
    place = {one: number for number, one in enumerate(names)}
    rest = place.get(OTHER, -1)
    codes = [place.get(value, rest) if value else -1 for value in values]
    return Colour(name, "category", np.array(codes, dtype=np.int32), tuple(names))


def _commonest(sizes: Counter[str]) -> list[str]:
    """All names if there is a colour for each, else the most frequent; by name where equal."""
    order = sorted(sizes, key=lambda name: (-sizes[name], name))
    return order if len(order) <= len(PALETTE) else order[:NAMED]


def _extra(
    name: str,
    given: Any,
    n: int,
    kept: Integer[np.ndarray, " n"],
    train: Interactions | None,
) -> Colour:
    """A colour of the user's own."""
    values = np.asarray(given)
    total = n if train is None else len(train.items)
    if values.ndim != 1 or len(values) not in (n, total):
        or_all = f", or for each of the {total:,} items of the log" if total != n else ""
        raise InputError(
            f"colour {name!r} of shape {values.shape}",
            f"one value for each of the {n:,} items of the map{or_all}",
            "pass values in the order of the items",
        )
    if len(values) != n:
        values = values[np.asarray(kept)]
    if values.dtype.kind == "b":
        return category(name, np.where(values, "yes", "no").tolist())
    if values.dtype.kind == "O" and all(_is_number(one) for one in values):
        whole = all(isinstance(one, int | np.integer) for one in values if not _unknown(one))
        numbers = np.array([np.nan if _unknown(one) else float(one) for one in values])
        return _numbers(name, numbers, whole)
    if values.dtype.kind in "OUT":
        return category(name, ["" if _unknown(one) else str(one) for one in values.tolist()])
    if values.dtype.kind not in "iuf":
        raise InputError(
            f"colour {name!r} of type {values.dtype}",
            "numbers, texts or truth values",
            "turn dates into years, say, and anything else into text",
        )
    return _numbers(name, values.astype(np.float64), values.dtype.kind in "iu")


def _numbers(name: str, values: Float[np.ndarray, " n"], whole: bool) -> Colour:
    if np.isinf(values).any():
        raise InputError(
            f"colour {name!r} with infinite values, first in row {int(np.isinf(values).argmax())}",
            "finite numbers, NaN where unknown",
            "replace them by NaN",
        )
    counts = whole and not (values < 0).any()
    return Colour(name, "count" if counts else "number", values.astype(np.float32))


def _is_number(one: Any) -> bool:
    return _unknown(one) or (
        isinstance(one, int | float | np.integer | np.floating) and not isinstance(one, bool)
    )


def _unknown(one: Any) -> bool:
    return one is None or (isinstance(one, float | np.floating) and bool(np.isnan(one)))
