"""Finding things on a map by name: layouts, items, and what is near an item."""

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

import numpy as np

from tastemap.data.shown import shown
from tastemap.data.table import Table
from tastemap.errors import UsageError, require_k
from tastemap.kernels.jit import one_blas_thread
from tastemap.kernels.topk import top_k
from tastemap.maps.item_map import ItemMap, Layout
from tastemap.maps.neighbours import unit_rows
from tastemap.recommend import tie_order
from tastemap.shapes import Int32

SPELLINGS = 3
"""So many similar titles are offered where none is found."""
COMPARED = 20_000
"""Spellings are compared with the titles of so many items, the most used first."""


def layout_of(item_map: ItemMap, name: str) -> Layout:
    """The layout of this name; case and hyphens do not matter.

    Raises
    ------
    UsageError
        Where the map has none of this name.
    """
    asked = _bare(name)
    for layout in item_map.layouts:
        if _bare(layout.name) == asked:
            return layout
    names = [layout.name for layout in item_map.layouts]
    raise UsageError(
        f"no layout {name!r} on this map",
        " or ".join(repr(one) for one in names),
        f"take {names[0]!r}, or make the map again with method=[{name!r}]",
    )


def place_of(item_map: ItemMap, item: Any) -> int:
    """The row of an item, by its id or its title.

    An id goes before a title, an exact title before one of other case.

    Raises
    ------
    UsageError
        Where no item, or more than one, is called so; the nearest spellings are named.
    """
    asked = str(item)
    places = _equal([str(one) for one in item_map.ids.tolist()], asked)
    titles = [str(one) for one in item_map.titles.tolist()]
    places = places or _equal(titles, asked)
    places = places or _equal([one.casefold() for one in titles], asked.casefold())
    if len(places) == 1:
        return places[0]
    if places:
        ids = [str(item_map.ids[place]) for place in places[:5]]
        raise UsageError(
            f"{len(places)} items are called {shown(asked)!r}",
            f"the id of one item: {', '.join(ids)}{', ...' if len(places) > 5 else ''}",
            f"ask for {ids[0]!r}",
        )
    near = _spellings(item_map, titles, asked)
    raise UsageError(
        f"no item has the id or the title {shown(asked)!r}",
        "an id or a title of this map" + (f"; similar: {', '.join(map(repr, near))}" * bool(near)),
        f"ask for {near[0]!r}" if near else "look into item_map.titles",
    )


def neighbours(item_map: ItemMap, item: Any, k: int = 10, layout: str | None = None) -> Table:
    """The k nearest items on the map beside the k nearest in the model.

    Parameters
    ----------
    item_map, item
        The map, and an item of it by id or title.
    k
        How many.
    layout
        Which layout; the first where not given.

    Returns
    -------
    Table
        rank from 1; on_map, the title of the nearest on the map; true, whether that is among the
        k nearest in the model as well; in_model, the title of the nearest in the model; likeness,
        its cosine or inner product; kept, whether it is among the k nearest on the map as well.
        Equal distances are ordered by row.

    Raises
    ------
    UsageError
        An item or layout that is not there, k of the wrong size.
    """
    if not require_k(k) < len(item_map):
        raise UsageError(
            f"k={k} neighbours on a map of {len(item_map):,} items",
            f"k from 1 to {len(item_map) - 1}",
            f"pass k={max(len(item_map) - 1, 1)} or fewer",
        )
    place = place_of(item_map, item)
    chosen = item_map.layouts[0] if layout is None else layout_of(item_map, layout)
    on_map = nearest_on_map(chosen, place, k)
    in_model, likeness = _nearest_in_model(item_map, place, k)
    return Table(
        {
            "rank": np.arange(1, k + 1),
            "on_map": _titles(item_map, on_map),
            "true": np.isin(on_map, in_model),
            "in_model": _titles(item_map, in_model),
            "likeness": likeness,
            "kept": np.isin(in_model, on_map),
        }
    )


def nearest_on_map(layout: Layout, place: int, k: int) -> Int32[np.ndarray, " k"]:
    """Rows of the k items nearest to one in the plane, nearest first.

    Equal distances are ordered by row.
    """
    distances = np.hypot(*(layout.xy.astype(np.float64) - layout.xy[place]).T)
    distances[place] = np.inf
    return np.argsort(distances, kind="stable")[:k].astype(np.int32)


def _nearest_in_model(item_map: ItemMap, place: int, k: int) -> tuple[np.ndarray, np.ndarray]:
    """What the map has noted, or the same from the vectors where that does not suffice."""
    if k <= item_map.near.shape[1]:
        return item_map.near[place, :k], item_map.likeness[place, :k]
    vectors = item_map.vectors
    rows = np.ascontiguousarray(
        unit_rows(vectors) if item_map.similarity == "cosine" else vectors, dtype=np.float32
    )
    with one_blas_thread():
        likeness = (rows[place] @ rows.T)[None]
    likeness[0, place] = -np.inf
    near, found = top_k(likeness, tie_order(len(rows)), k)
    return near[0], found[0]


def _titles(item_map: ItemMap, places: np.ndarray) -> np.ndarray:
    return np.array([shown(str(item_map.titles[one])) for one in places], dtype=object)


def _equal(names: Sequence[str], asked: str) -> list[int]:
    return [place for place, name in enumerate(names) if name == asked]


def _spellings(item_map: ItemMap, titles: Sequence[str], asked: str) -> list[str]:
    """Titles like the one that was asked for: those that hold it, then those that resemble it."""
    if item_map.users is None:
        order = list(range(min(len(titles), COMPARED)))
    else:
        order = np.argsort(-item_map.users, kind="stable")[:COMPARED].tolist()
    asked = asked.casefold()[:200]
    names: dict[str, str] = {}
    for place in order:
        names.setdefault(titles[place].casefold()[:200], shown(titles[place]))
    holding = [name for name in names if asked and asked in name][:SPELLINGS]
    like = get_close_matches(asked, names, n=SPELLINGS, cutoff=0.6)
    return [names[name] for name in dict.fromkeys([*holding, *like])][:SPELLINGS]


def _bare(name: str) -> str:
    return str(name).replace("-", "").replace("_", "").casefold()
