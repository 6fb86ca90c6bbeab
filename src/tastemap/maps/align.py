"""Two maps made comparable: one turned onto the other, and what differs between them."""

from dataclasses import dataclass, replace
from textwrap import fill
from typing import NamedTuple, cast

import numpy as np
from scipy.linalg import svd

from tastemap.errors import InputError
from tastemap.maps.item_map import ItemMap
from tastemap.maps.neighbours import Similarity, nearest
from tastemap.maps.settle import radius
from tastemap.maps.stability import chance_jaccard
from tastemap.shapes import Float, Float32, Float64, Int64

SHOWN = 10
"""Items that are named in a comparison."""


class Turn(NamedTuple):
    """A similarity of the plane: scale * (xy - centre) @ turn + to."""

    centre: Float64[np.ndarray, " 2"]
    turn: Float64[np.ndarray, "2 2"]
    scale: float
    to: Float64[np.ndarray, " 2"]

    def of(self, xy: Float[np.ndarray, "n 2"]) -> Float32[np.ndarray, "n 2"]:
        """Where these places end up."""
        moved = self.scale * (xy.astype(np.float64) - self.centre) @ self.turn + self.to
        return moved.astype(np.float32)


def turn_onto(xy: Float[np.ndarray, "n 2"], other: Float[np.ndarray, "n 2"]) -> Turn:
    """The shift, turn, mirroring and scale that bring one set of places nearest to another.

    Least squares (Procrustes; Gower & Dijksterhuis 2004, 4.2).

    >>> square = np.float32([[0, 0], [1, 0], [1, 1], [0, 1]])
    >>> found = turn_onto(square, 3 * square[:, ::-1] + 5)
    >>> round(found.scale, 6), found.of(square)[1].round(5).tolist()
    (3.0, [5.0, 8.0])
    """
    centre, to = xy.mean(axis=0, dtype=np.float64), other.mean(axis=0, dtype=np.float64)
    one, two = xy.astype(np.float64) - centre, other.astype(np.float64) - to
    left, sizes, right = svd(one.T @ two)
    spread = float((one * one).sum())
    scale = float(sizes.sum()) / spread if spread > 0 else 1.0
    return Turn(centre, left @ right, scale if scale > 0 else 1.0, to)


def aligned(item_map: ItemMap, to: ItemMap) -> ItemMap:
    """The map with every layout turned, mirrored and scaled onto the other map's layout.

    The items that both have decide. Layouts that the other map lacks stay as they are. Neighbours
    on a map do not change by it, so what is said of its fidelity stays true.

    Raises
    ------
    InputError
        Fewer than three items in both.
    """
    mine, theirs = in_both(item_map.ids, to.ids)
    there = {one.name: one for one in to.layouts}
    turns = [
        turn_onto(one.xy[mine], there[one.name].xy[theirs]) if one.name in there else None
        for one in item_map.layouts
    ]
    layouts = [
        one if turn is None else replace(one, xy=turn.of(one.xy))
        for one, turn in zip(item_map.layouts, turns, strict=True)
    ]
    travellers = []
    for who in item_map.travellers:
        rows = zip(who.xy, turns, strict=True)
        xy = [place if turn is None else turn.of(place[None])[0] for place, turn in rows]
        travellers.append(replace(who, xy=np.array(xy, dtype=np.float32)))
    return replace(item_map, layouts=tuple(layouts), travellers=tuple(travellers))


def in_both(
    ids: np.ndarray, others: np.ndarray
) -> tuple[Int64[np.ndarray, " n"], Int64[np.ndarray, " n"]]:
    """Rows in both maps of the items that both have, in the order of the first.

    Ids are compared as text: one log may have read 196 as a number, another as a word.
    """
    row_of = {str(one): row for row, one in enumerate(others.tolist())}
    rows = np.array([row_of.get(str(one), -1) for one in ids.tolist()], dtype=np.int64)
    mine = np.flatnonzero(rows >= 0)
    if len(mine) < 3:
        raise InputError(
            f"maps that share {len(mine)} items",
            "three items or more in both: they say how one map is turned onto the other",
            "compare maps of the same catalogue, with the same ids",
        )
    return mine, rows[mine]


@dataclass(frozen=True, eq=False)
class Change:
    """One item in two maps.

    Parameters
    ----------
    title
        Its title.
    moved
        How far it stands from where it stood, in distances to the tenth neighbour on the old map.
    shared
        Jaccard overlap of its neighbours in both models, 0 to 1.
    gained, lost
        Titles of neighbours that are new, and of those that are gone, nearest first.
    """

    title: str
    moved: float
    shared: float
    gained: tuple[str, ...]
    lost: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class MapComparison:
    """Two maps of one catalogue, before and after.

    Parameters
    ----------
    after
        The second map, aligned to the first.
    layout
        The layout that moves are measured on.
    common, before_only, after_only
        Items in both, and in one alone.
    k
        Neighbours an item.
    jaccard
        Mean overlap of the k nearest in both models among the common items, over their union.
    chance
        The same of lists drawn by chance.
    moved_typically
        Median distance between old and new place, in distances to the tenth neighbour.
    moved_most
        Items that moved farthest on the map, the farthest first.
    changed_most
        Items whose neighbours in the model changed most.
    """

    after: ItemMap
    layout: str
    common: int
    before_only: int
    after_only: int
    k: int
    jaccard: float
    chance: float
    moved_typically: float
    moved_most: tuple[Change, ...]
    changed_most: tuple[Change, ...]

    @property
    def common_share(self) -> float:
        """Share of all items of either map that are in both."""
        return self.common / (self.common + self.before_only + self.after_only)

    @property
    def verdict(self) -> str:
        """In words."""
        return (
            f"{100 * self.common_share:.0f} % of items are on both maps; they keep "
            f"{100 * self.jaccard:.0f} % of their {self.k} nearest in the model "
            f"(chance: {100 * self.chance:.1f} %)."
        )

    def __str__(self) -> str:
        lines = [
            fill(self.verdict, 78),
            "",
            f"{self.common:,} items on both, {self.before_only:,} gone, {self.after_only:,} new",
            f"{self.layout}: half of them stand within {self.moved_typically:.1f} distances to a "
            "tenth neighbour of where they stood",
            "",
            "neighbours in the model changed most",
            *(
                f"  {one.title}: keeps {100 * one.shared:.0f} %{_news(one)}"
                for one in self.changed_most
            ),
            "",
            f"moved farthest on the {self.layout} map",
            *(f"  {one.title}: {one.moved:.1f} distances" for one in self.moved_most),
        ]
        return "\n".join(lines)


def compare_maps(before: ItemMap, after: ItemMap) -> MapComparison:
    """What is different between two maps of one catalogue: two weeks, two seeds, two models.

    The second is turned onto the first; neighbours are found anew in both models among the items
    that both maps have, so that an item that is gone does not count as a change of taste.

    Raises
    ------
    InputError
        Maps that share too few items, or no layout.
    """
    old, new = in_both(before.ids, after.ids)
    k = min(before.near.shape[1], after.near.shape[1])
    names = [one.name for one in after.layouts]
    layout = next((one.name for one in before.layouts if one.name in names), None)
    if layout is None or len(old) <= k:
        raise InputError(
            f"maps with {len(old):,} items in common and layouts "
            f"{', '.join(one.name for one in before.layouts)} against {', '.join(names)}",
            f"{k + 1} common items and one common layout",
            "draw both maps by the same method",
        )
    turned = aligned(after, before)
    lists = [
        nearest(one.vectors[rows], k, similarity=cast(Similarity, one.similarity))[0]
        for one, rows in ((before, old), (after, new))
    ]
    same = (lists[0][:, :, None] == lists[1][:, None, :]).any(axis=2).sum(axis=1)
    shared = same / (2 * k - same)
    xy = _of(before, layout)
    moved = np.linalg.norm(_of(turned, layout)[new] - xy[old], axis=1) / radius(xy)
    titles = after.titles[new]

    def change(row: int) -> Change:
        was, now = lists[0][row].tolist(), lists[1][row].tolist()
        gained = tuple(str(titles[one]) for one in now if one not in was)
        lost = tuple(str(titles[one]) for one in was if one not in now)
        return Change(str(titles[row]), float(moved[row]), float(shared[row]), gained, lost)

    return MapComparison(
        after=turned,
        layout=layout,
        common=len(old),
        before_only=len(before) - len(old),
        after_only=len(after) - len(old),
        k=k,
        jaccard=float(shared.mean()),
        chance=chance_jaccard(len(old), k),
        moved_typically=float(np.median(moved)),
        moved_most=tuple(map(change, np.argsort(-moved, kind="stable")[:SHOWN].tolist())),
        changed_most=tuple(map(change, np.argsort(shared, kind="stable")[:SHOWN].tolist())),
    )


def _of(item_map: ItemMap, layout: str) -> Float32[np.ndarray, "n 2"]:
    return next(one.xy for one in item_map.layouts if one.name == layout)


def _news(one: Change) -> str:
    parts = [
        f"{what} {', '.join(titles[:2])}"
        for what, titles in (("now near", one.gained), ("no longer near", one.lost))
        if titles
    ]
    return "".join(f"; {part}" for part in parts)
