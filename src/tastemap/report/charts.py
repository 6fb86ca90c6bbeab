"""The report's charts: lines with labels at their ends, and bars."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from tastemap.report.svg import (
    FONT,
    LINE_HEIGHT,
    Canvas,
    Scale,
    log_ticks,
    spread_out,
    text_width,
    tick_labels,
    ticks,
)

WIDTH = 440
LONGEST_LABEL = 25
_TOP, _BOTTOM, _LEFT, _RIGHT = 30, 42, 50, 14


@dataclass(frozen=True)
class Line:
    """A line: its label at the right end (none if ""), its points, its class of colour."""

    label: str
    points: Sequence[tuple[float, float]]
    style: str


def line_chart(
    lines: Sequence[Line],
    *,
    title: str,
    x_label: str,
    y_label: str,
    percent: bool = False,
    log: bool = False,
    from_zero: bool = True,
    mark: tuple[float, str] | None = None,
) -> Markup:
    """Lines over a common x, each named at its end; `mark` is an x to point out, with a label."""
    labels = [cut(line.label) for line in lines]
    points = [point for line in lines for point in line.points]
    room = max(
        (text_width(one, is_strong(line.style)) for line, one in zip(lines, labels, strict=True)),
        default=0,
    )
    height = max(280, _TOP + _BOTTOM + LINE_HEIGHT * len(lines))
    right = WIDTH - _RIGHT - (room + 16 if room else 0)
    x = scale([p[0] for p in points], _LEFT, right, log=log)
    y = scale([p[1] for p in points], height - _BOTTOM, _TOP, log=log, from_zero=from_zero)
    canvas = Canvas(WIDTH, height, title)
    frame(canvas, x, y, x_label, y_label, percent)
    if mark is not None:
        at = x(mark[0])
        canvas.line(at, y.start, at, y.end, "mark")
        # Such a curve falls: it leaves room below on the left, or else above on the right.
        if at - x.start > text_width(mark[1]):
            canvas.text(at - 6, y.start - 9, mark[1], "note", "end")
        else:
            canvas.text(at + 6, y.end + 10, mark[1], "note")
    ends = [y(line.points[-1][1]) for line in lines]
    for line in lines:
        canvas.path([(x(a), y(b)) for a, b in line.points], f"line {line.style}")
        if len(line.points) == 1:
            canvas.dot(x(line.points[0][0]), y(line.points[0][1]), 3, f"dot {line.style}")
    if room:
        places = spread_out(ends, LINE_HEIGHT, _TOP + 4, height - _BOTTOM)
        for line, label, end, place in zip(lines, labels, ends, places, strict=True):
            last = x(line.points[-1][0])
            canvas.path([(last, end), (x.end + 4, end), (x.end + 12, place)], f"lead {line.style}")
            canvas.text(x.end + 16, place + 4.5, label, label_style(line.style))
    return canvas.markup()


def bar_chart(
    bars: Sequence[tuple[str, float]],
    *,
    title: str,
    x_label: str,
    y_label: str,
    every: bool = False,
) -> Markup:
    """Bars side by side, from 0; the first, the middle and the last one are named, or all are."""
    height = 280
    y = scale([value for _, value in bars], height - _BOTTOM, _TOP, from_zero=True)
    x = Scale(0, len(bars), _LEFT, WIDTH - _RIGHT)
    canvas = Canvas(WIDTH, height, title)
    frame(canvas, None, y, x_label, y_label)
    each = (x.end - x.start) / len(bars)
    thick = max(each - (2 if each > 5 else 0.5), 0.5)
    for place, (_, value) in enumerate(bars):
        top = y(value)
        canvas.bar(x(place) + (each - thick) / 2, top, thick, max(y.start - top, 0), "bar")
    named_bars(canvas, x, y.start + 18, [name for name, _ in bars], every)
    return canvas.markup()


def named_bars(
    canvas: Canvas, x: Scale, y: float, names: Sequence[str], every: bool = False
) -> None:
    """Names below bars: of the first, the middle and the last, or of all that have room."""
    n = len(names)
    if every:
        room = (x.end - x.start) / n
        step = 1 + int(max(text_width(name) * 0.92 for name in names) / room)
        for place in range(0, n, step):
            canvas.text(x(place + 0.5), y, names[place], "tick", "middle")
        return
    named = sorted({0, n - 1} | ({n // 2} if n > 4 else set()))
    for place in named:
        anchor = {0: "start", n - 1: "end"}.get(place, "middle") if len(named) > 1 else "middle"
        at = {"start": x(place), "end": x(place + 1), "middle": x(place + 0.5)}[anchor]
        canvas.text(at, y, names[place], "tick", anchor)


def frame(
    canvas: Canvas,
    x: Scale | None,
    y: Scale,
    x_label: str,
    y_label: str,
    percent: bool = False,
    left: float = _LEFT,
) -> None:
    """Grid, ticks, base line and the names of both axes; x None where bars stand on it."""
    right = canvas.width - _RIGHT if x is None else x.end
    shown = log_ticks(y.low, y.high) if y.log else ticks(y.low, y.high)
    for value, label in zip(shown, tick_labels(shown, percent), strict=True):
        canvas.line(left, y(value), right, y(value), "grid")
        canvas.text(left - 7, y(value) + 4.5, label, "tick", "end")
    canvas.text(2, FONT, y_label, "axis")
    if x_label:
        canvas.text((left + right) / 2, canvas.height - 5, x_label, "axis", "middle")
    canvas.line(left, y.start, right, y.start, "base")
    if x is not None:
        steps = log_ticks(x.low, x.high) if x.log else _whole(ticks(x.low, x.high, 5))
        for value, label in zip(steps, tick_labels(steps), strict=True):
            canvas.text(x(value), y.start + 18, label, "tick", "middle")


def _whole(values: Sequence[float]) -> list[float]:
    """Ticks of an axis that counts: whole numbers only."""
    return [value for value in values if value == int(value)] or list(values)


def scale(
    values: Sequence[float], start: float, end: float, log: bool = False, from_zero: bool = False
) -> Scale:
    """A scale that holds all values, and 0 where asked for."""
    low, high = min(values), max(values)
    if from_zero and not log:
        low, high = min(low, 0.0), max(high, 0.0)
    if high <= low:
        low, high = (low / 2, low * 2) if log else (low - 0.5, low + 0.5)
    elif not log and start > end:  # a vertical axis: air above the highest point
        high += 0.04 * (high - low)
    return Scale(low, high, start, end, log)


def label_style(style: str) -> str:
    """The class of a label beside marks of this class."""
    return "label strong" if is_strong(style) else "label"


def is_strong(style: str) -> bool:
    """Whether marks of this class are the chosen model's."""
    return "strong" in style.split()


def cut(label: str, longest: int = LONGEST_LABEL) -> str:
    """A label short enough to stand beside a chart: long ones lose their middle.

    >>> cut("BPR(factors=64, learning_rate=0.05, epochs=20)")
    'BPR(factors=…, epochs=20)'
    """
    half = (longest - 1) // 2
    return label if len(label) <= longest else f"{label[:half]}…{label[-half:]}"
