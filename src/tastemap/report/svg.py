"""Pictures as inline SVG: a chart is a frame, some marks, and labels that keep their distance.

Elements are built as a tree and written by the XML library, so that any text stays text. Colours
and fonts stand in the page's style sheet, by class: s0 to s5 are the models' colours.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree import ElementTree

from markupsafe import Markup

from tastemap.report.figures import compact, decimals_of, figure

FONT = 13
"""Size of all labels, in the units of the picture."""
LINE_HEIGHT = 17
_WIDE, _NARROW = 0.66, 0.34
_NARROW_LETTERS = frozenset("iljtfrI.,:;'|!()[]1 ")


@dataclass(frozen=True)
class Scale:
    """From values to positions; `log` where both ends are above 0."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, value: float) -> float:
        """Where a value stands.

        >>> Scale(0, 10, 100, 200)(5), Scale(1, 100, 0, 10, log=True)(10)
        (150.0, 5.0)
        """
        low, high, at = self.low, self.high, value
        if self.log:
            low, high, at = math.log(low), math.log(high), math.log(max(at, low))
        share = (at - low) / (high - low) if high > low else 0.5
        return self.start + share * (self.end - self.start)


def ticks(low: float, high: float, about: int = 4) -> list[float]:
    """Round values from low to high: multiples of 1, 2 or 5 times a power of ten.

    >>> ticks(0, 0.43), ticks(3, 47)
    ([0.0, 0.1, 0.2, 0.3, 0.4], [10.0, 20.0, 30.0, 40.0])
    """
    if high <= low:
        return [low]
    power = 10.0 ** math.floor(math.log10((high - low) / about))
    steps = [multiple * power for multiple in (1, 2, 5, 10)]
    step = min(steps, key=lambda one: abs((high - low) / one - about))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [float(f"{n * step:.15g}") for n in range(first, last + 1)]


def log_ticks(low: float, high: float) -> list[float]:
    """Powers of ten from low to high, and 2 and 5 times these where they are few.

    >>> log_ticks(1, 1500), log_ticks(2, 30)
    ([1.0, 10.0, 100.0, 1000.0], [2.0, 5.0, 10.0, 20.0])
    """
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    tens = [10.0**p for p in powers if low <= 10.0**p <= high]
    if len(tens) >= 3:
        return tens
    finer = [m * 10.0**p for p in powers for m in (1, 2, 5)]
    return [one for one in finer if low <= one <= high] or [low]


def spread_out(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Positions at least `gap` apart and near the wanted ones, in the same order of places.

    Stays within low to high if there is room: (len - 1) * gap <= high - low.

    >>> spread_out([10, 12, 50], 10, 0, 100)
    [6.0, 16.0, 50.0]
    """
    order = sorted(range(len(wanted)), key=lambda place: wanted[place])
    groups: list[list[float]] = []  # [number of labels, sum of their wanted tops]
    for label in order:
        # A group's top is the mean of where its labels would like the top to be.
        groups.append([1, wanted[label]])
        while len(groups) > 1 and _top(groups[-2]) + groups[-2][0] * gap > _top(groups[-1]):
            n, total = groups.pop()
            above = groups[-1]
            groups[-1] = [above[0] + n, above[1] + total - n * above[0] * gap]
    tops = [_top(group) + gap * k for group in groups for k in range(int(group[0]))]
    for place in range(len(tops)):  # push down from the upper end, then up from the lower one
        tops[place] = max(tops[place], low + place * gap)
    for place in range(len(tops)):
        tops[-1 - place] = min(tops[-1 - place], high - place * gap)
    placed = dict(zip(order, tops, strict=True))
    return [float(placed[place]) for place in range(len(wanted))]


def _top(group: Sequence[float]) -> float:
    return group[1] / group[0]


def text_width(text: str, bold: bool = False) -> float:
    """About how wide a label is, in the units of the picture; rather too wide than too narrow."""
    shares = (_NARROW if one in _NARROW_LETTERS else _WIDE for one in text)
    return FONT * sum(shares) * (1.1 if bold else 1)


class Canvas:
    """A picture being drawn; `markup()` ends it."""

    def __init__(self, width: float, height: float, title: str) -> None:
        self.width, self.height = width, height
        self._root = ElementTree.Element(
            "svg",
            {"viewBox": f"0 0 {width:g} {height:g}", "role": "img", "aria-label": title},
        )

    def line(self, x1: float, y1: float, x2: float, y2: float, style: str) -> None:
        """A straight line."""
        ends = {"x1": x1, "y1": y1, "x2": x2, "y2": y2}
        self._add("line", style, **ends)

    def path(self, points: Sequence[tuple[float, float]], style: str) -> None:
        """A line through points."""
        steps = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
        ElementTree.SubElement(self._root, "path", {"class": style, "d": f"M{steps}"})

    def dot(self, x: float, y: float, radius: float, style: str) -> None:
        """A disc."""
        self._add("circle", style, cx=x, cy=y, r=radius)

    def bar(self, x: float, y: float, width: float, height: float, style: str) -> None:
        """A rectangle."""
        self._add("rect", style, x=x, y=y, width=width, height=height)

    def boxes(self, boxes: Sequence[tuple[float, float, float, float]], style: str) -> None:
        """Many rectangles (x, y, width, height) of one kind as one path: less to write."""
        if boxes:
            steps = "".join(f"M{x:.1f} {y:.1f}h{w:.1f}v{h:.1f}h-{w:.1f}z" for x, y, w, h in boxes)
            ElementTree.SubElement(self._root, "path", {"class": style, "d": steps})

    def points(self, places: Sequence[Sequence[float]], style: str) -> None:
        """Many equal round points as one path: strokes without length, with round ends."""
        if places:
            steps = "".join(f"M{x:.0f} {y:.0f}h0" for x, y in places)
            ElementTree.SubElement(self._root, "path", {"class": style, "d": steps})

    def text(self, x: float, y: float, said: str, style: str = "", anchor: str = "start") -> None:
        """A label whose base line starts, centres or ends at x."""
        attributes = {"x": f"{x:.1f}", "y": f"{y:.1f}", "text-anchor": anchor}
        if style:
            attributes["class"] = style
        ElementTree.SubElement(self._root, "text", attributes).text = said

    def markup(self) -> Markup:
        """The picture, safe to stand in a page."""
        return Markup(ElementTree.tostring(self._root, encoding="unicode"))

    def _add(self, name: str, style: str, **places: float) -> None:
        attributes = {key: f"{value:.1f}" for key, value in places.items()}
        ElementTree.SubElement(self._root, name, {"class": style, **attributes})


def tick_labels(values: Sequence[float], percent: bool = False) -> list[str]:
    """Labels of ticks, all with the same decimals.

    >>> tick_labels([0, 0.05, 0.1]), tick_labels([0.5, 1], percent=True), tick_labels([0, 2000])
    (['0', '0.05', '0.10'], ['50 %', '100 %'], ['0', '2 k'])
    """
    scaled = [100 * value if percent else value for value in values]
    largest = max(map(abs, scaled))
    most = decimals_of(largest)

    def exact(decimals: int) -> bool:
        return all(abs(v - round(v, decimals)) <= 1e-9 * largest for v in scaled)

    decimals = next((d for d in range(most) if exact(d)), most)
    if not 0.001 <= largest < 1000:
        return [compact(value) for value in scaled]
    return [figure(v, decimals if v else 0) + " %" * percent for v in scaled]
