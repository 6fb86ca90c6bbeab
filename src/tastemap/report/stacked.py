"""Bars of several parts on top of each other, and below them where each part lies."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from tastemap.report.charts import frame, named_bars, scale
from tastemap.report.svg import Canvas, Scale, text_width

WIDTH, BARS, ROW = 760, 280, 26
_TOP, _BOTTOM, _LEFT, _RIGHT = 34, 42, 50, 14


@dataclass(frozen=True)
class Stack:
    """One part: its name and class, its number in each bar, and five places (see `split_picture`).

    The places are those of the first, of 5 %, 50 % and 95 %, and of the last of its events.
    """

    label: str
    style: str
    counts: Sequence[int]
    at: Sequence[float]


def stacked_chart(
    starts: Sequence[str],
    stacks: Sequence[Stack],
    *,
    title: str,
    x_label: str,
    y_label: str,
    cuts: Sequence[tuple[float, str]],
) -> Markup:
    """One bar a period, the first part lowest; a dashed line stands at each cut."""
    height = BARS + ROW * len(stacks) + 8
    totals = [sum(heights) for heights in zip(*(s.counts for s in stacks), strict=True)]
    left = max(_LEFT, 12 + max(text_width(one.label) for one in stacks))
    y = scale(totals, BARS - _BOTTOM, _TOP, from_zero=True)
    x = Scale(0, len(starts), left, WIDTH - _RIGHT)
    canvas = Canvas(WIDTH, height, title)
    frame(canvas, None, y, "", y_label, left=left)
    each = (x.end - x.start) / len(starts)
    thick = max(each - (2 if each > 5 else 0.5), 0.5)
    below = [0] * len(starts)
    for stack in stacks:
        boxes = [
            (x(place) + (each - thick) / 2, y(base + n), thick, y(base) - y(base + n))
            for place, (base, n) in enumerate(zip(below, stack.counts, strict=True))
            if n
        ]
        canvas.boxes(boxes, f"area {stack.style}")
        below = [base + n for base, n in zip(below, stack.counts, strict=True)]
    named_bars(canvas, x, y.start + 18, starts)
    canvas.text((left + x.end) / 2, BARS - 5, x_label, "axis", "middle")
    for place, stack in enumerate(stacks):
        _row(canvas, x, BARS + ROW * (place + 0.5) + 4, stack)
    for at, day in cuts:
        canvas.line(x(at), _TOP - 12, x(at), height - 6, "mark")
        fits = x(at) + text_width(day) + 8 < WIDTH
        canvas.text(x(at) + (5 if fits else -5), _TOP - 16, day, "note", "start" if fits else "end")
    return canvas.markup()


def _row(canvas: Canvas, x: Scale, y: float, stack: Stack) -> None:
    first, low, middle, high, last = (x(one) for one in stack.at)
    canvas.line(first, y, last, y, f"thin {stack.style}")
    canvas.boxes([(low, y - 5, max(high - low, 2), 10)], f"area {stack.style}")
    canvas.line(middle, y - 8, middle, y + 8, "median")
    canvas.text(x.start - 10, y + 4.5, stack.label, "label", "end")
