"""A map in few bytes: what the viewer's page carries.

Coordinates are 16-bit numbers, categories and likenesses bytes, neighbours the places of items.
All arrays together are compressed as one block, which every browser of today can unpack by itself.
"""

import base64
import zlib
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from tastemap.data.shown import shown
from tastemap.errors import InputError
from tastemap.maps.item_map import Colour, ItemMap, Layout, Traveller
from tastemap.shapes import Float, Shaped

PLANE = 65535
"""Coordinates run from 0 to here: the longer side of a layout fills it."""
SENTENCE = 600
"""Sentences are cut to so many characters; those of the library are shorter."""


class Payload(NamedTuple):
    """What a page carries: facts as JSON-able values, and one block of bytes as base64."""

    about: dict[str, Any]
    packed: str


class Plane(NamedTuple):
    """From the coordinates of a layout to those of the page, which run down."""

    left: float
    top: float
    extent: float

    def codes(self, xy: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, "n 2"]:
        """Coordinates from 0 to `PLANE`, not rounded; outside of it where xy is."""
        off = np.stack([xy[:, 0] - self.left, self.top - xy[:, 1]], axis=1)
        return off * (PLANE / self.extent)


def pack(item_map: ItemMap, neighbours: int = 10) -> Payload:
    """Everything of a map that its page shows.

    Parameters
    ----------
    item_map
        The map.
    neighbours
        How many true neighbours of each item the page carries, if the map knows so many.

    Raises
    ------
    InputError
        Where a layout has coordinates that are not finite, or there is no item or no layout.
    """
    _require_map(item_map)
    n, k = len(item_map), min(neighbours, item_map.near.shape[1])
    titles = [title_of(item_map, place) for place in range(n)]
    blocks: dict[str, np.ndarray | str] = {"titles": "\n".join(titles)}
    ids = [shown(str(one)) for one in item_map.ids.tolist()]
    if ids != titles:
        blocks["ids"] = "\n".join(ids)
    if item_map.users is not None:
        blocks["users"] = _narrow(item_map.users)
    about: dict[str, Any] = {
        "n": n,
        "k": k,
        "similarity": item_map.similarity,
        "layouts": [],
        "colours": [],
    }
    planes = [plane_of(one) for one in item_map.layouts]
    for place, (layout, plane) in enumerate(zip(item_map.layouts, planes, strict=True)):
        codes = np.rint(plane.codes(layout.xy.astype(np.float64))).astype(np.uint16)
        blocks[f"x{place}"], blocks[f"y{place}"] = codes[:, 0], codes[:, 1]
        about["layouts"].append(_layout(layout, codes))
    for place, colour in enumerate(item_map.colours):
        facts, values = encoded(colour)
        blocks[f"colour{place}"] = values
        about["colours"].append(facts)
    if not item_map.colours:
        about["colours"].append(_plain())
        blocks["colour0"] = np.zeros(n, dtype=np.uint8)
    if k:
        low, step, likeness = _bytes(item_map.likeness[:, :k])
        about |= {"likeLow": low, "likeStep": step}
        near = item_map.near[:, :k]
        blocks["near"] = np.where(near < 0, n, near).ravel().astype(_unsigned(n))
        blocks["likeness"] = likeness
    about["travellers"] = [_traveller(one, planes) for one in item_map.travellers]
    about["blocks"], whole = _laid_out(blocks)
    return Payload(about, base64.b64encode(zlib.compress(whole, 9)).decode("ascii"))


def title_of(item_map: ItemMap, place: int) -> str:
    """The title of an item as it may be shown; its id where the title is empty."""
    return shown(str(item_map.titles[place])) or shown(str(item_map.ids[place]))


def plane_of(layout: Layout) -> Plane:
    """The square that holds a layout; both directions keep one scale."""
    low, high = layout.xy.min(axis=0).astype(float), layout.xy.max(axis=0).astype(float)
    extent = float((high - low).max())
    return Plane(float(low[0]), float(high[1]), extent if extent > 0 else 1.0)


def encoded(colour: Colour) -> tuple[dict[str, Any], Shaped[np.ndarray, " n"]]:
    """A colour as facts and codes: value = low + step * code, or the code's category.

    Whole numbers come back exactly. Other numbers become 65,535 steps, and counts that are not
    whole stay floats: a log scale would show the steps.
    """
    name = shown(colour.name)
    if colour.kind == "category":
        names = [shown(str(one)) for one in colour.categories]
        kind = _unsigned(len(names))
        unknown = int(np.iinfo(kind).max)
        codes = np.where(colour.values < 0, unknown, colour.values).astype(kind)
        return {"name": name, "kind": "category", "categories": names, "unknown": unknown}, codes
    values = colour.values.astype(np.float64)
    known = np.isfinite(values)
    low, high = (float(values[known].min()), float(values[known].max())) if known.any() else (0, 0)
    facts = {"name": name, "kind": colour.kind, "low": low, "high": high, "known": int(known.sum())}
    filled = np.where(known, values, low)
    if (filled == np.rint(filled)).all() and high - low < 2**32 - 1:
        step = 1.0
    elif colour.kind == "count":
        return facts | {"type": "f4"}, np.where(known, values, np.nan).astype(np.float32)
    else:
        step = (high - low) / (PLANE - 1)
    codes = np.rint((filled - low) / step)
    kind = _unsigned(int(codes.max()) + 1)
    unknown = int(np.iinfo(kind).max)
    codes = np.where(known, codes, unknown).astype(kind)
    return facts | {"type": "u", "step": step, "unknown": unknown}, codes


def _layout(layout: Layout, codes: Shaped[np.ndarray, "n 2"]) -> dict[str, Any]:
    return {
        "name": shown(layout.name),
        "honesty": shown(layout.honesty, SENTENCE),
        "shape": shown(layout.shape.sentence, SENTENCE),
        "right": int(codes[:, 0].max()),
        "bottom": int(codes[:, 1].max()),
    }


def _traveller(one: Traveller, planes: list[Plane]) -> dict[str, Any]:
    """A user: his places in the coordinates of the page, and the items that he has to do with."""
    spots = [
        plane.codes(xy[None].astype(np.float64))[0]
        for plane, xy in zip(planes, one.xy, strict=True)
    ]
    return {
        "name": shown(one.name),
        "xy": [[round(float(x), 1), round(float(y), 1)] for x, y in spots],
        "history": one.history.tolist(),
        "recommended": one.recommended.tolist(),
        "because": one.because.tolist(),
    }


def _plain() -> dict[str, Any]:
    """The colour of a map that has none: all items alike."""
    return {
        "name": "items",
        "kind": "category",
        "categories": ["items"],
        "unknown": 255,
        "plain": True,
    }


def _bytes(
    values: Float[np.ndarray, "n k"],
) -> tuple[float, float, Shaped[np.ndarray, " all"]]:
    """(lowest, step, codes of one byte): value = lowest + step * code."""
    low, high = float(values.min()), float(values.max())
    step = (high - low) / 255 or 1.0
    return low, step, np.rint((values.ravel() - low) / step).astype(np.uint8)


def _narrow(counts: Shaped[np.ndarray, " n"]) -> Shaped[np.ndarray, " n"]:
    return counts.astype(_unsigned(int(counts.max(initial=0))))


def _unsigned(largest: int) -> type[np.unsignedinteger[Any]]:
    """The narrowest type that holds whole numbers up to `largest` and one more for unknown."""
    return next(kind for kind in (np.uint8, np.uint16, np.uint32) if largest < np.iinfo(kind).max)


def _laid_out(blocks: Mapping[str, np.ndarray | str]) -> tuple[list[list[Any]], bytes]:
    """[name, type, length] of each block, and all of them, each from a multiple of 4 bytes on."""
    listed, parts = [], []
    for name, block in blocks.items():
        if isinstance(block, str):
            data = block.encode("utf-8")
            listed.append([name, "text", len(data)])
        else:
            data = block.astype(block.dtype.newbyteorder("<")).tobytes()
            listed.append([name, f"{block.dtype.kind}{block.dtype.itemsize}", block.size])
        parts.append(data + bytes(-len(data) % 4))
    return listed, b"".join(parts)


def _require_map(item_map: ItemMap) -> None:
    if not len(item_map) or not item_map.layouts:
        raise InputError(
            f"a map of {len(item_map)} items in {len(item_map.layouts)} layouts",
            "one item and one layout or more",
            "make the map by item_map",
        )
    for layout in item_map.layouts:
        bad = ~np.isfinite(layout.xy).all(axis=1)
        if bad.any():
            raise InputError(
                f"{layout.name} puts {int(bad.sum()):,} of {len(bad):,} items at places that are "
                f"not finite, first item {item_map.ids[int(bad.argmax())]!r}",
                "finite coordinates",
                "make the layout again from finite vectors",
            )
