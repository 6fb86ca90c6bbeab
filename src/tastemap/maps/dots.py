"""Points of a picture: where, how large, in what colour, and the key that explains the colours."""

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from tastemap.maps.colours import NAMED, OTHER, PALETTE, RAMP
from tastemap.maps.item_map import Colour
from tastemap.maps.lettering import called, extent, shortened, write
from tastemap.seeding import stream
from tastemap.shapes import Float, Float32, Int64

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import LinearSegmentedColormap

UNKNOWN, REST, PLAIN = "#c9c9c9", "#7d7d7d", "#0072B2"
CELLS = 64
"""The picture is cut into so many cells a side to see how much of it is used."""
MOST_VECTORS = 10_000
"""More points than this are drawn as one picture within an .svg or .pdf; text stays text."""


@dataclass(frozen=True, eq=False)
class Painted:
    """Points with their colours.

    Parameters
    ----------
    rgba
        Shape (n, 4), from 0 to 1; without transparency.
    order
        Places in the order of drawing: what is seen best comes last.
    shown
        Of a category: (its number, or -1 for unknown, or -2 for all others; colour; name; items)
        of each line of the key.
    """

    rgba: Float[np.ndarray, "n 4"]
    order: Int64[np.ndarray, " n"]
    shown: tuple[tuple[int, str, str, int], ...] = ()


def painted(colour: Colour | None, n: int, seed: int = 0) -> Painted:
    """What colour each of n items has, and in what order they are drawn."""
    from matplotlib.colors import to_rgba

    order = stream(seed, "drawing order").permutation(n)
    if colour is None:
        return Painted(np.tile(np.array(to_rgba(PLAIN)), (n, 1)), order)
    if colour.kind == "category":
        return _categories(colour, order)
    height = heights(colour)
    known = ~np.isnan(height)
    rgba = np.tile(np.array(to_rgba(UNKNOWN)), (n, 1))
    rgba[known] = ramp()(height[known])
    if colour.kind == "number":
        return Painted(rgba, np.concatenate([order[~known[order]], order[known[order]]]))
    # Low counts first: there are many of them, and they would hide the few high ones.
    return Painted(rgba, np.argsort(np.where(known, height, -1.0), kind="stable"))


def ramp() -> "LinearSegmentedColormap":
    """Colours from low to high."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("tastemap", list(RAMP))


def heights(colour: Colour) -> Float[np.ndarray, " n"]:
    """Values of a count or number on the ramp, from 0 to 1; NaN where unknown.

    >>> heights(Colour("users", "count", np.float32([0, 9, 99, np.nan]))).round(2).tolist()
    [0.0, 0.5, 1.0, nan]
    """
    low, high = ends(colour)
    values = _scaled(colour, np.asarray(colour.values, dtype=np.float64))
    bottom, top = _scaled(colour, np.array([low, high]))
    return np.clip((values - bottom) / (top - bottom), 0, 1)


def ends(colour: Colour) -> tuple[float, float]:
    """Lowest and highest value on the ramp; a little apart where all are the same."""
    values = np.asarray(colour.values, dtype=np.float64)
    values = values[np.isfinite(values)]
    if len(values) == 0:
        return 0.0, 1.0
    low, high = float(values.min()), float(values.max())
    if high > low:
        return low, high
    return low, low + max(1.0, abs(low))


def _scaled(colour: Colour, values: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    return np.log1p(np.maximum(values, 0)) if colour.kind == "count" else values


def ticks(colour: Colour, most: int = 6) -> list[tuple[float, str]]:
    """(height from 0 to 1, what stands beside it) of the marks on the ramp.

    >>> [said for _, said in ticks(Colour("users", "count", np.float32([1, 583])))]
    ['1', '10', '100', '583']
    >>> [said for _, said in ticks(Colour("year", "number", np.float32([1922, 1998])))]
    ['1940', '1960', '1980']
    """
    low, high = ends(colour)
    values = _counts(low, high) if colour.kind == "count" else _round(low, high, most)
    at = heights(Colour(colour.name, colour.kind, np.array([low, high, *values], np.float32)))[2:]
    step = min((b - a for a, b in pairwise(values)), default=1.0)
    return [(float(h), _said(v, step, colour.kind)) for h, v in zip(at, values, strict=True)]


def _counts(low: float, high: float) -> list[float]:
    """The ends, and between them powers of ten or, where there are too few, 1, 2, 5 times those."""
    bottom, span = math.log1p(low), math.log1p(high) - math.log1p(low)
    for heads in ((1,), (1, 2, 5)):
        among = [head * 10.0**power for power in range(13) for head in heads]
        inner = [one for one in among if 0.08 < (math.log1p(one) - bottom) / span < 0.92]
        if len(inner) > 1:
            break
    return [low, *inner, high]


def _round(low: float, high: float, most: int) -> list[float]:
    """Multiples of 1, 2 or 5 times a power of ten between the ends."""
    power = 10.0 ** math.floor(math.log10((high - low) / most))
    step = next(s * power for s in (1, 2, 5, 10) if (high - low) / (s * power) <= most)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [place * step for place in range(first, last + 1)]


def _said(value: float, step: float, kind: str) -> str:
    """A number for a mark; no commas in what may be years."""
    if kind == "count" and value == round(value):
        return f"{value:,.0f}"
    if abs(value) >= 1e6 or (value and abs(value) < 1e-4):
        return f"{value:.3g}".replace("-", "−")
    return f"{value:.{max(0, min(6, -math.floor(math.log10(step) + 1e-9)))}f}".replace("-", "−")


def _categories(colour: Colour, order: Int64[np.ndarray, " n"]) -> Painted:
    """The commonest in colours of their own, as in the viewer; all others and unknown ones grey."""
    from matplotlib.colors import to_rgba

    values = np.asarray(colour.values)
    names = colour.categories
    counts = np.bincount(values[values >= 0], minlength=len(names))
    own = [n for n in range(len(names)) if n < NAMED and counts[n] and names[n] != OTHER]
    rgba = np.tile(np.array(to_rgba(REST)), (len(values), 1))
    rgba[values < 0] = to_rgba(UNKNOWN)
    shown = []
    for number in own:
        rgba[values == number] = to_rgba(PALETTE[number])
        name = called(names[number], f"no. {number + 1}", 40)
        shown.append((number, PALETTE[number], name, int(counts[number])))
    others = [n for n in range(len(names)) if n not in own and counts[n]]
    if others:
        alone = len(others) == 1 and names[others[0]] != OTHER
        name = called(names[others[0]], OTHER, 40) if alone else f"{len(others):,} others"
        name = OTHER if [names[n] for n in others] == [OTHER] else name
        shown.append((others[0] if alone else -2, REST, name, int(counts[others].sum())))
    if (values < 0).any():
        shown.append((-1, UNKNOWN, "unknown", int((values < 0).sum())))
    strong = np.isin(values, own)[order]
    return Painted(rgba, np.concatenate([order[~strong], order[strong]]), tuple(shown))


def limits(
    xy: Float32[np.ndarray, "n 2"], width: float, height: float, margin: float = 0.04
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Ends of both axes that show all points at one scale in a frame of this shape.

    >>> limits(np.float32([[0, 0], [2, 1]]), width=100, height=100, margin=0)
    ((0.0, 2.0), (-0.5, 1.5))
    """
    low, high = xy.min(axis=0).astype(np.float64), xy.max(axis=0).astype(np.float64)
    span = (high - low) * (1 + 2 * margin)
    scale = max(span[0] / width, span[1] / height) or 1.0
    middle = (low + high) / 2
    x, y = middle[0], middle[1]
    half = scale * width / 2, scale * height / 2
    return (float(x - half[0]), float(x + half[0])), (float(y - half[1]), float(y + half[1]))


def size_and_alpha(
    xy: Float32[np.ndarray, "n 2"], width: float, height: float
) -> tuple[float, float]:
    """Area of a point in the square of the frame's unit, and its opacity, by how dense they lie.

    All points together cover about half of that part of the picture in which there are any; once
    a point can be no smaller it becomes more transparent.
    """
    (x0, x1), (y0, y1) = limits(xy, width, height)
    cells = np.floor((xy - [x0, y0]) / [(x1 - x0), (y1 - y0)] * CELLS).astype(np.int64)
    used = len(np.unique(cells[:, 0] * CELLS + cells[:, 1])) / CELLS**2
    wanted = 0.5 * used * width * height / len(xy)
    area = float(np.clip(wanted * 1.3, 1.6, 36.0))
    return area, float(np.clip(0.85 * wanted / area, 0.3, 0.85))


def draw(
    axes: "Axes",
    xy: Float32[np.ndarray, "n 2"],
    look: Painted,
    *,
    area: float,
    alpha: float,
) -> None:
    """The points of a map, the ones to be seen best on top."""
    rgba = look.rgba[look.order].copy()
    rgba[:, 3] = alpha
    axes.scatter(
        xy[look.order, 0],
        xy[look.order, 1],
        s=area,
        c=rgba,
        linewidths=0,
        rasterized=len(xy) > MOST_VECTORS,
        zorder=2,
    )


def key(axes: "Axes", colour: Colour, look: Painted) -> None:
    """What the colours mean, on axes of their own beside the map: a list or a ramp."""
    axes.set_axis_off()
    axes.set(xlim=(0, 1), ylim=(0, 1))
    write(axes, 0, 1, called(colour.name, "colour", 24), fontsize=9, weight="bold", va="top")
    top, step = 0.925, 0.048
    if colour.kind == "category":
        for line, (_, hue, name, count) in enumerate(look.shown):
            y = top - step * line
            axes.scatter([0.05], [y], s=42, color=hue, linewidths=0, clip_on=False)
            number = write(axes, 1, y, f"{count:,}", fontsize=8, va="center", ha="right")
            words = write(axes, 0.13, y, name, fontsize=8, va="center")
            shortened(words, extent(number).left - extent(words).left - 8)
        return
    low = top - 0.5
    axes.imshow(
        np.linspace(0, 1, 256)[:, None],
        cmap=ramp(),
        extent=(0.0, 0.12, low, top),
        aspect="auto",
        origin="lower",
    )
    axes.set(xlim=(0, 1), ylim=(0, 1))
    for at, said in ticks(colour):
        y = low + at * (top - low)
        axes.plot([0.12, 0.16], [y, y], color="#555555", linewidth=0.8)
        write(axes, 0.2, y, said, fontsize=8, va="center")
    if np.isnan(np.asarray(colour.values, dtype=np.float64)).any():
        y = low - step
        axes.scatter([0.06], [y], s=42, color=UNKNOWN, linewidths=0, clip_on=False)
        write(axes, 0.2, y, "unknown", fontsize=8, va="center")
