"""The item map inside the report: the viewer itself, and a still picture for paper."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from markupsafe import Markup

from tastemap.data.shown import shown
from tastemap.maps.item_map import Colour, ItemMap
from tastemap.maps.viewer import inline, script_hashes
from tastemap.report.figures import rounded
from tastemap.report.plain import plain
from tastemap.report.svg import FONT, Canvas, text_width
from tastemap.shapes import Float, Int64

MOST_POINTS, MOST_NAMES, MOST_CATEGORIES = 2_000, 14, 6
WIDTH, HEIGHT, EDGE = 760, 560, 14
NAME_LENGTH = 28


@dataclass(frozen=True)
class Drawn:
    """One layout: what it keeps of the neighbours in the model, and what it looks like."""

    name: str
    k: int
    kept: float | None
    trustworthiness: float | None
    continuity: float | None
    form: str
    sentence: str
    honesty: str
    settings: Mapping[str, Any]


@dataclass(frozen=True)
class MapPart:
    """What the report says of the map; its coordinates are in the viewer alone."""

    title: str
    items: int
    similarity: str
    seed: int
    layouts: tuple[Drawn, ...]
    colours: tuple[str, ...]
    notes: tuple[str, ...]


def map_part(item_map: ItemMap) -> MapPart:
    """The map without its coordinates."""
    return MapPart(
        title=shown(item_map.title, 160),
        items=len(item_map),
        similarity=item_map.similarity,
        seed=item_map.seed,
        layouts=tuple(
            Drawn(
                name=one.name,
                k=one.fidelity.k,
                kept=rounded(one.fidelity.kept),
                trustworthiness=rounded(one.fidelity.trustworthiness),
                continuity=rounded(one.fidelity.continuity),
                form=one.shape.form,
                sentence=one.shape.sentence,
                honesty=one.honesty,
                settings=plain(dict(one.settings)),
            )
            for one in item_map.layouts
        ),
        colours=tuple(shown(one.name) for one in item_map.colours),
        notes=tuple(shown(note, 300) for note in item_map.notes),
    )


def pictures(item_map: ItemMap | None) -> dict[str, Any] | None:
    """The viewer as a frame, the hashes of its scripts, and the still picture with its legend."""
    if item_map is None:
        return None
    frame, hashes = viewer(item_map)
    still, keys = still_picture(item_map)
    return {"frame": frame, "hashes": hashes, "still": still, "keys": keys}


def viewer(item_map: ItemMap) -> tuple[Markup, tuple[str, ...]]:
    """The interactive map as an iframe, and the hashes that a content policy must allow."""
    return Markup(inline(item_map)), script_hashes()


def still_picture(item_map: ItemMap) -> tuple[Markup, list[tuple[str, str]]]:
    """The first layout as a picture of at most 2,000 items, and (name, class) of its colours."""
    layout = item_map.layouts[0]
    chosen = _some(item_map)
    places = _placed(layout.xy[chosen].astype(np.float64))
    canvas = Canvas(WIDTH, HEIGHT, f"{layout.name} map of {len(chosen):,} items")
    groups, keys = _coloured(item_map, chosen)
    for style, inside in groups:
        canvas.points(places[inside].tolist(), f"points {style}")
    _names(canvas, item_map, chosen, places)
    return canvas.markup(), keys


def _some(item_map: ItemMap) -> Int64[np.ndarray, " n"]:
    """Places of at most 2,000 items: evenly from the most used to the least used."""
    n = len(item_map)
    users = np.zeros(n) if item_map.users is None else item_map.users
    order = np.argsort(-users, kind="stable").astype(np.int64)
    return order if n <= MOST_POINTS else order[np.arange(MOST_POINTS) * n // MOST_POINTS]


def _placed(xy: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, "n 2"]:
    """Points in the picture, one scale for both axes; one in a thousand far away is drawn in."""
    low, high = np.quantile(xy, [0.0005, 0.9995], axis=0)
    wide = np.maximum(high - low, 1e-9)
    room = np.array([WIDTH - 2 * EDGE, HEIGHT - 2 * EDGE])
    scale = float((room / wide).min())
    middle = (low + high) / 2
    at = (np.clip(xy, low, high) - middle) * scale
    return at * [1, -1] + [WIDTH / 2, HEIGHT / 2]


def _coloured(
    item_map: ItemMap, chosen: Int64[np.ndarray, " n"]
) -> tuple[list[tuple[str, np.ndarray]], list[tuple[str, str]]]:
    """(class, which points) in the order of drawing, and the legend."""
    colour = next((one for one in item_map.colours if one.kind == "category"), None)
    if colour is None:
        return [("s0", np.ones(len(chosen), dtype=bool))], []
    values = np.asarray(colour.values)[chosen]
    named = min(MOST_CATEGORIES, len(colour.categories))
    other = (values < 0) | (values >= named)
    groups = [("y1", other)] + [(f"s{one}", values == one) for one in range(named)]
    keys = [(shown(colour.categories[one], 40), f"s{one}") for one in range(named)]
    return groups, keys + ([(_rest(colour), "y1")] if other.any() else [])


def _rest(colour: Colour) -> str:
    more = len(colour.categories) - MOST_CATEGORIES
    return f"{more} more, or none" if more > 0 else "none"


def _names(
    canvas: Canvas,
    item_map: ItemMap,
    chosen: Int64[np.ndarray, " n"],
    places: Float[np.ndarray, "n 2"],
) -> None:
    """Titles of the most used items where they have room; nothing without a log."""
    if item_map.users is None:
        return
    taken: list[tuple[float, float, float, float]] = []
    for row in range(len(chosen)):
        if len(taken) == MOST_NAMES or row > 12 * MOST_NAMES:
            return
        said = shown(str(item_map.titles[chosen[row]]), NAME_LENGTH)
        x, y = places[row].tolist()
        wide = text_width(said)
        end = x + 8 + wide > WIDTH
        left = x - 8 - wide if end else x + 8
        box = (left - 4, y - FONT, left + wide + 4, y + FONT)
        if any(_meet(box, other) for other in taken):
            continue
        taken.append(box)
        canvas.dot(x, y, 3.5, "named")
        canvas.text(x - 8 if end else x + 8, y + 4.5, said, "label halo", "end" if end else "start")


def _meet(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
