"""Charts of rows: a name at the left, dots with intervals on one scale, words at the right."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from tastemap.report.charts import WIDTH, cut, is_strong, label_style
from tastemap.report.svg import Canvas, Scale, text_width, tick_labels, ticks

_TOP, _BOTTOM = 16, 42
_ROW, _GROUP, _APART = 30, 38, 9
"""Heights of a row, of a row with several dots, and how far these stand from its middle."""


@dataclass(frozen=True)
class Dot:
    """A value with an interval: its label at the left, and the value in words at the right."""

    label: str
    value: float
    low: float
    high: float
    said: str
    style: str


@dataclass(frozen=True)
class Group:
    """A row with several dots, such as models; `ceiling` is the most that can be reached there."""

    label: str
    said: str
    dots: Sequence[Dot]
    ceiling: float | None = None


def dot_chart(
    dots: Sequence[Dot],
    *,
    title: str,
    x_label: str,
    reference: float | None,
    ceiling: float | None = None,
) -> Markup:
    """One row a dot, with its interval; dashed lines stand at the reference and at the ceiling."""
    names = [cut(dot.label) for dot in dots]
    wide = [text_width(one, is_strong(dot.style)) for dot, one in zip(dots, names, strict=True)]
    right = WIDTH - 12 - max(text_width(dot.said) for dot in dots)
    height = _TOP + _ROW * len(dots) + _BOTTOM
    canvas = Canvas(WIDTH, height, title)
    ends = [dot.high for dot in dots] + ([] if ceiling is None else [ceiling])
    x = _scale([dot.low for dot in dots], ends, 12 + max(wide), right)
    _x_axis(canvas, x, x_label)
    for value, style in ((reference, "mark"), (ceiling, "mark ceiling")):
        if value is not None:
            canvas.line(x(value), 8, x(value), height - _BOTTOM, style)
    for place, (dot, name) in enumerate(zip(dots, names, strict=True)):
        y = _TOP + _ROW * (place + 0.5)
        _dot(canvas, x, y, dot)
        canvas.text(x.start - 10, y + 4.5, name, label_style(dot.style), "end")
        canvas.text(WIDTH - 2, y + 4.5, dot.said, "value", "end")
    return canvas.markup()


def group_chart(
    groups: Sequence[Group], *, title: str, x_label: str, most: float | None = None
) -> Markup:
    """One row a group, its dots one below the other; a short bar stands at the group's ceiling.

    `most` is where the axis ends at the latest: ceilings beyond it are not drawn.
    """
    names = [cut(group.label, longest=30) for group in groups]
    right = WIDTH - 14 - max(text_width(group.said) for group in groups)
    height = _TOP + _GROUP * len(groups) + _BOTTOM
    canvas = Canvas(WIDTH, height, title)
    dots = [dot for group in groups for dot in group.dots]
    ends = [dot.high for dot in dots]
    drawn = [g.ceiling for g in groups if g.ceiling is not None and (not most or g.ceiling <= most)]
    x = _scale([dot.low for dot in dots], ends + drawn, 12 + max(map(text_width, names)), right)
    _x_axis(canvas, x, x_label)
    for place, (group, name) in enumerate(zip(groups, names, strict=True)):
        y = _TOP + _GROUP * (place + 0.5)
        if place:
            canvas.line(2, y - _GROUP / 2, WIDTH - 2, y - _GROUP / 2, "grid")
        step = 2 * _APART / max(1, len(group.dots) - 1)
        for order, dot in enumerate(group.dots):
            _dot(canvas, x, y - _APART + step * order if len(group.dots) > 1 else y, dot)
        if group.ceiling in drawn:
            at = x(group.ceiling or 0.0)
            canvas.line(at, y - _GROUP / 2 + 4, at, y + _GROUP / 2 - 4, "mark ceiling")
        canvas.text(x.start - 10, y + 4.5, name, "label", "end")
        canvas.text(WIDTH - 2, y + 4.5, group.said, "tick", "end")
    return canvas.markup()


def _dot(canvas: Canvas, x: Scale, y: float, dot: Dot) -> None:
    """The dot and its interval, which ends where the axis does."""
    canvas.line(x(max(dot.low, x.low)), y, x(min(dot.high, x.high)), y, f"range {dot.style}")
    canvas.dot(x(dot.value), y, 5, f"dot {dot.style}")


def _scale(lows: Sequence[float], highs: Sequence[float], left: float, right: float) -> Scale:
    low, high = min(0.0, *lows), max(highs)
    return Scale(low, high if high > low else 1.0, left, right)


def _x_axis(canvas: Canvas, x: Scale, x_label: str) -> None:
    bottom = canvas.height - _BOTTOM
    # A label needs its own width and air: fewer ticks where names left little room.
    shown = ticks(x.low, x.high, max(2, min(5, int((x.end - x.start) / 55))))
    for value, label in zip(shown, tick_labels(shown), strict=True):
        canvas.line(x(value), 8, x(value), bottom, "grid")
        canvas.text(x(value), bottom + 18, label, "tick", "middle")
    middle = (x.start + x.end) / 2
    half = text_width(x_label) / 2
    canvas.text(min(middle, canvas.width - half), canvas.height - 4, x_label, "axis", "middle")
