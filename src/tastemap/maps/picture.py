"""A map as a picture by matplotlib (extra `maps`): .png, .svg or .pdf.

Under every picture stand the verdict on its shape and the line that says how far it may be
believed. Colours can be told apart by colour-blind readers.
"""

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tastemap.errors import MissingExtra, UsageError
from tastemap.maps.dots import Painted, draw, key, limits, painted, size_and_alpha
from tastemap.maps.item_map import Colour, ItemMap, Layout, Traveller
from tastemap.maps.lettering import (
    HALO_STYLE,
    Box,
    called,
    drawable,
    extent,
    fitted,
    without_halos,
    wrapped,
    write,
)
from tastemap.maps.trails import HUES, trail_key, trails, user_name
from tastemap.shapes import Float, Int64

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Text

SUFFIXES = (".png", ".svg", ".pdf")
DPI = 150
POINT = DPI / 72
"""Pixels of a typographic point."""
MARGIN, KEY, HEAD = 0.3, 1.75, 0.75
"""Inches: around the map, for what the colours mean, for the heading."""
TRIES = 12
"""So many items are tried for each title that is wanted: popular items may lie too close."""
MOST_AVOIDED = 5_000
"""On a map of so many points titles stay off all of them where they can, else off popular ones."""
FEWEST, TOGETHER = 10, 0.6
"""A category has a name on the map from so many items on, if half of it lies nearer to its middle
than this share of the same distance for all items: amid a scattered one a name would mislead."""


def map_picture(
    item_map: ItemMap,
    path: str | Path | None = None,
    *,
    layout: str | None = None,
    colour: str | None = None,
    labels: int = 12,
    size: tuple[float, float] = (9.0, 7.5),
) -> "Figure":
    """Draw one layout of a map, and write it where `path` is given.

    Parameters
    ----------
    item_map
        What to draw, with the users on it.
    path
        A name that ends in .png, .svg (text stays text) or .pdf.
    layout, colour
        Their names; the first ones of the map where left out.
    labels
        How many titles at most: of the most used items, as far as there is room, and of what is
        recommended to the users on the map.
    size
        Width and height in inches; 5 by 4 or more.

    Errors
    ------
    UsageError
        For a name that the map does not have, a suffix that is none of these, a size too small.
    MissingExtra
        Without matplotlib.
    """
    chosen = chosen_layout(item_map, layout)
    paint = chosen_colour(item_map, colour)
    target = None if path is None else require_picture(path)
    if labels < 0 or len(size) != 2 or not (size[0] >= 5 and size[1] >= 4):
        raise UsageError(
            f"labels={labels}, size={tuple(size)}",
            "labels from 0 on; size: width and height in inches, 5 by 4 or more",
            "leave them out: labels=12, size=(9, 7.5)",
        )
    figure = new_figure(size)
    look = painted(paint, len(item_map), item_map.seed)
    beside = KEY if paint is not None or item_map.travellers else 0.0
    axes, side = _panels(figure, item_map, item_map.layouts[chosen], beside)
    _points(axes, item_map, chosen, look)
    if paint is not None:
        key(side, paint, look)
    if item_map.travellers:
        lines = len(look.shown) if look.shown else 12
        trail_key(side, item_map.travellers, 0.9 - 0.048 * (lines if paint else 0) - 0.03)
    _names(axes, item_map, chosen, paint, look, labels)
    return written(figure, target)


def chosen_layout(item_map: ItemMap, name: str | None) -> int:
    """The number of the layout of this name; 0 for None."""
    names = [one.name for one in item_map.layouts]
    if name is None and names:
        return 0
    plain = ["".join(filter(str.isalnum, one)).lower() for one in names]
    asked = "".join(filter(str.isalnum, name or "")).lower()
    if asked not in plain:
        raise UsageError(f"layout={name!r}", ", ".join(names), "leave it out for the first one")
    return plain.index(asked)


def chosen_colour(item_map: ItemMap, name: str | None) -> Colour | None:
    """The colour of this name; the first one for None, if there is any."""
    for one in item_map.colours:
        if name is None or one.name == name:
            return one
    if name is None:
        return None
    allowed = ", ".join(one.name for one in item_map.colours) or "none: this map has no colours"
    raise UsageError(f"colour={name!r}", allowed, "leave it out for the first one")


def require_picture(path: str | Path) -> Path:
    """Return the path if a picture can be written there, else raise."""
    path = Path(path)
    if path.suffix.lower() not in SUFFIXES:
        raise UsageError(
            f"a picture to be written to {path.name!r}",
            "a name that ends in " + ", ".join(SUFFIXES),
            f"write to {path.with_suffix('.png').name}",
        )
    return path


def new_figure(size: tuple[float, float]) -> "Figure":
    """An empty figure that belongs to no window."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtra("a picture of a map", "maps") from error
    figure = Figure(figsize=size, dpi=DPI)
    FigureCanvasAgg(figure)
    return figure


def written(figure: "Figure", path: Path | None) -> "Figure":
    """Write the figure, whole or not at all; the same figure gives the same bytes."""
    if path is None:
        return figure
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_bytes(_bytes(figure, path.suffix.lower()[1:]))
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return figure


def _bytes(figure: "Figure", kind: str) -> bytes:
    import matplotlib

    dateless: dict[str, Any] = {"png": {}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}
    buffer = BytesIO()
    # Text as text: searchable, and a tenth of the size of outlines.
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "tastemap"}):
        if kind != "svg":
            figure.savefig(buffer, format=kind, metadata=dateless[kind])
            return buffer.getvalue()
        with without_halos(figure):
            figure.savefig(buffer, format=kind, metadata=dateless[kind])
    return buffer.getvalue().replace(b"</style>", HALO_STYLE.encode() + b"</style>", 1)


def foot(figure: "Figure", sentences: list[str], left: float, width: float) -> float:
    """Write sentences under a picture, broken to `width` inches; returns their height in inches."""
    ruler = write(figure, 0, 0, "", fontsize=8)
    lines: list[str] = []
    for one in sentences:
        lines += wrapped(drawable(one, 1000), width * DPI, ruler)
    ruler.remove()
    wide, high = figure.get_size_inches()
    for number, line in enumerate(lines):
        y = (0.14 + 0.165 * (len(lines) - 1 - number)) / high
        write(figure, left / wide, y, line, fontsize=8, color="#444444", va="bottom")
    return 0.14 + 0.165 * len(lines)


def _panels(
    figure: "Figure", item_map: ItemMap, layout: Layout, beside: float
) -> tuple["Axes", "Axes"]:
    """Axes for the points and, beside them, for what the colours mean; heading and foot."""
    wide, high = figure.get_size_inches()
    shares = axis_shares(item_map, layout)
    low = foot(figure, [layout.shape.sentence, layout.honesty], MARGIN, wide - 2 * MARGIN)
    left, low = MARGIN + (0.25 if shares else 0), low + (0.45 if shares else 0.12)
    box = (left, low, wide - left - beside - MARGIN, high - low - HEAD)
    axes = figure.add_axes((box[0] / wide, box[1] / high, box[2] / wide, box[3] / high))
    x = box[0] + box[2] + 0.2
    side = figure.add_axes((x / wide, low / high, (KEY - 0.05) / wide, box[3] / high))
    side.set_axis_off()
    head = called(item_map.title, "Item map", 70)
    write(figure, left / wide, 1 - 0.18 / high, head, fontsize=13, weight="bold", va="top")
    under = f"{layout.name} of {len(item_map):,} item{'s' if len(item_map) != 1 else ''}"
    write(figure, left / wide, 1 - 0.46 / high, under, fontsize=9, color="#444444", va="top")
    axes.set(xticks=[], yticks=[])
    for side_of in axes.spines.values():
        side_of.set(color="#cccccc", linewidth=0.8)
    for number, share in enumerate(shares):
        words = f"PC {number + 1} ({100 * share:.3g} % of the variance)"
        put = axes.set_xlabel if number == 0 else axes.set_ylabel
        put(words, fontsize=9, color="#444444")
    return axes, side


def axis_shares(item_map: ItemMap, layout: Layout) -> tuple[float, ...]:
    """The shares of the variance along the axes of a PCA; empty for other layouts."""
    if layout.name != "PCA":
        return ()
    vectors = item_map.vectors.astype(np.float64)
    total = float(vectors.var(axis=0).sum())
    along = layout.xy.astype(np.float64).var(axis=0)
    return tuple(float(one) / total for one in along) if total > 0 else ()


def _points(axes: "Axes", item_map: ItemMap, layout: int, look: Painted) -> None:
    xy = item_map.layouts[layout].xy
    wide, high = _points_wide_high(axes)
    users = item_map.travellers[: len(HUES)]
    every = np.concatenate([xy, *(one.xy[layout][None] for one in users)])
    x_ends, y_ends = limits(every, wide, high)
    axes.set(xlim=x_ends, ylim=y_ends)
    area, alpha = size_and_alpha(xy, wide, high)
    draw(axes, xy, look, area=area, alpha=0.5 * alpha if users else alpha)
    trails(axes, xy, users, layout)


def _points_wide_high(axes: "Axes") -> tuple[float, float]:
    """Size of axes in typographic points."""
    box = axes.get_window_extent()
    return box.width / POINT, box.height / POINT


def _names(
    axes: "Axes",
    item_map: ItemMap,
    layout: int,
    colour: Colour | None,
    look: Painted,
    labels: int,
) -> None:
    """Names of categories in their middle, then titles of items, none upon another."""
    xy = item_map.layouts[layout].xy
    window = axes.get_window_extent()
    frame = Box(float(window.x0), float(window.y0), float(window.x1), float(window.y1))
    pixels = axes.transData.transform(xy)
    users = item_map.travellers[: len(HUES)]
    taken = _user_names(axes, users, layout, frame)
    if colour is not None and colour.kind == "category":
        taken += _category_names(axes, xy, np.asarray(colour.values), look, frame, taken)
    wanted = _worth_a_title(item_map, labels)
    texts = [
        write(axes, 0, 0, called(item_map.titles[p], item_map.ids[p]), fontsize=7.5, halo=2.2)
        for p in wanted
    ]
    placed = _settle(
        axes,
        texts,
        pixels[wanted],
        frame,
        most=labels,
        distance=4.0 * POINT,
        taken=taken,
        avoided=pixels if len(xy) <= MOST_AVOIDED else pixels[wanted],
        gap=1.5 * POINT,
        apart=9.0 * POINT,
        mark=3.0 * POINT,
    )
    drawn = {int(p) for one in users for p in (*one.history, *one.recommended)}
    rings = [wanted[row] for row in placed if int(wanted[row]) not in drawn]
    if rings:
        axes.scatter(
            xy[rings, 0],
            xy[rings, 1],
            s=16,
            facecolors="none",
            edgecolors="#222222",
            linewidths=0.8,
            zorder=7,
        )


def _user_names(axes: "Axes", users: tuple[Traveller, ...], layout: int, frame: Box) -> list[Box]:
    """Names of users beside their stars; returns where names and stars stand."""
    texts = [
        write(axes, 0, 0, user_name(one), fontsize=8.5, weight="bold", color=hue, halo=2.5)
        for hue, one in zip(HUES, users, strict=False)
    ]
    stars = axes.transData.transform(np.array([one.xy[layout] for one in users]).reshape(-1, 2))
    half = 6.0 * POINT
    taken = [Box(x - half, y - half, x + half, y + half) for x, y in stars.tolist()]
    placed = _settle(
        axes, texts, stars, frame, most=len(users), distance=8.0 * POINT, gap=1.5 * POINT
    )
    return taken + list(placed.values())


def _settle(
    axes: "Axes",
    texts: "list[Text]",
    anchors: Float[np.ndarray, "n 2"],
    frame: Box,
    **how: Any,
) -> dict[int, Box]:
    """Move texts to where they fit beside their points, and take away those that do not."""
    boxes = [extent(text) for text in texts]
    sizes = np.array([[b.right - b.left, b.top - b.bottom] for b in boxes]).reshape(-1, 2)
    placed = fitted(anchors, sizes, frame, **how)
    back = axes.transData.inverted()
    for row, (text, box) in enumerate(zip(texts, boxes, strict=True)):
        if row not in placed:
            text.remove()
            continue
        # A text is put by its baseline, and its box begins below that.
        at = axes.transData.transform(text.get_position())
        corner = np.array(placed[row][:2]) + at - np.array(box[:2])
        text.set(position=back.transform(corner), zorder=8)
    return placed


def _worth_a_title(item_map: ItemMap, labels: int) -> Int64[np.ndarray, " some"]:
    """Places whose titles are tried: what is recommended, then the most used items."""
    if labels == 0:
        return np.empty(0, dtype=np.int64)
    n = len(item_map)
    order = np.arange(n) if item_map.users is None else np.argsort(-item_map.users, kind="stable")
    first = [one.recommended for one in item_map.travellers[: len(HUES)]]
    last = [one.history[::-1] for one in item_map.travellers[: len(HUES)]]
    both = np.concatenate([*first, *last, order[: TRIES * labels]]).astype(np.int64)
    return both[np.sort(np.unique(both, return_index=True)[1])]


def _category_names(
    axes: "Axes",
    xy: Float[np.ndarray, "n 2"],
    values: np.ndarray,
    look: Painted,
    frame: Box,
    taken: list[Box],
) -> list[Box]:
    """Names of categories that lie together, at their medians; returns where they stand."""
    from matplotlib.colors import to_rgb

    spread = _spread(xy)
    texts, middles = [], []
    for number, hue, name, _ in look.shown:
        own = xy[values == number]
        if number < 0 or len(own) < FEWEST or _spread(own) > TOGETHER * spread:
            continue
        dark = tuple(0.6 * one for one in to_rgb(hue))  # light colours are no colours for text
        short = drawable(name, 26)
        texts.append(write(axes, 0, 0, short, fontsize=9, weight="bold", color=dark, halo=3.0))
        middles.append(axes.transData.transform(np.median(own, axis=0)))
    anchors = np.array(middles).reshape(-1, 2)
    most, gap = len(texts), 2 * POINT
    placed = _settle(axes, texts, anchors, frame, most=most, taken=taken, gap=gap, centred=True)
    return list(placed.values())


def _spread(xy: Float[np.ndarray, "n 2"]) -> float:
    """Median distance to the median."""
    return float(np.median(np.hypot(*(xy - np.median(xy, axis=0)).T)))
