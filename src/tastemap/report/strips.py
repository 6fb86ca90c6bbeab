"""Charts of strips: one measure a row, each on its own scale, with coloured zones and ticks."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from tastemap.report.svg import Canvas, Scale, text_width

WIDTH, ROW, _TOP = 760, 40, 8
_SCALE_ENDS = 640
"""Where values stand in words at the right of it."""
HEIGHT_OF_ZONES, OPEN_END = 12, 0.12
"""OPEN_END: so much of a scale is left beyond the outermost tick."""


@dataclass(frozen=True)
class Strip:
    """One measure.

    Parameters
    ----------
    label, said
        At the left and at the right.
    light
        "good", "warn" or "fail"; "" where it is not judged.
    lines
        (where a zone ends, class of the zone below it), growing; the last ends at the right.
    ticks
        (value, class) of what is marked.
    """

    label: str
    said: str
    light: str
    lines: Sequence[tuple[float, str]]
    ticks: Sequence[tuple[float, str]]


def strip_chart(strips: Sequence[Strip], *, title: str) -> Markup:
    """One row a measure; the mark "this" is a disc, all others are strokes."""
    left = 30 + max(text_width(strip.label) for strip in strips)
    canvas = Canvas(WIDTH, _TOP + ROW * len(strips) + 4, title)
    for place, strip in enumerate(strips):
        y = _TOP + ROW * (place + 0.5)
        x = _scale(strip, left)
        canvas.text(18, y + 4.5, strip.label, "label")
        canvas.dot(7, y, 5, f"light {strip.light or 'unjudged'}")
        at = x.start
        for end, style in [*strip.lines[:-1], (x.high, strip.lines[-1][1])]:
            right = x(min(end, x.high))
            canvas.bar(at, y - HEIGHT_OF_ZONES / 2, right - at, HEIGHT_OF_ZONES, f"zone {style}")
            at = right
        for value, style in strip.ticks:
            if "this" in style:
                canvas.dot(x(value), y, 6, f"tick-{style}")
            else:
                canvas.line(x(value), y - 12, x(value), y + 12, f"tick-{style}")
        canvas.text(_SCALE_ENDS + 16, y + 4.5, strip.said, "value")
    return canvas.markup()


def _scale(strip: Strip, left: float) -> Scale:
    known = [value for value, _ in strip.ticks] + [end for end, _ in strip.lines[:-1]]
    low, high = min(known), max(known)
    wide = (high - low) or abs(high) or 1.0
    start = 0.0 if 0 <= low <= 0.5 * high else low - OPEN_END * wide
    return Scale(start, high + OPEN_END * wide, left, _SCALE_ENDS)
