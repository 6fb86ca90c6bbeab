"""The picture of growth: seconds and memory against interactions, both axes logarithmic."""

from tastemap.report.svg import Canvas, Scale

WIDTH, HEIGHT = 740, 300
STYLE = """
svg { font: 13px system-ui, sans-serif; background: #fff }
text { fill: #444 }
.title { fill: #111; font-weight: 600 }
.grid { stroke: #e4e4e4 }
.line { stroke: #2a6fb0; stroke-width: 2; fill: none }
.dot { fill: #2a6fb0 }
.straight { stroke: #999; stroke-dasharray: 4 4 }
"""


def growth(points: list[tuple[int, float, float]]) -> str:
    """An SVG of (interactions, seconds, bytes); the dashed lines double with the interactions."""
    canvas = Canvas(WIDTH, HEIGHT, "Seconds and memory against the number of interactions")
    sizes = [float(events) for events, _, _ in points]
    _panel(canvas, 60, "seconds", sizes, [took for _, took, _ in points])
    _panel(canvas, 420, "peak memory, GB", sizes, [peak / 2**30 for _, _, peak in points])
    markup = str(canvas.markup())
    head, body = markup.split(">", 1)
    head = head.replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"', 1)
    return f"{head}><style>{STYLE}</style>{body}\n"


def _panel(
    canvas: Canvas, left: float, title: str, sizes: list[float], values: list[float]
) -> None:
    right, top, bottom = left + 270, 45, 255
    across = Scale(sizes[0], max(sizes[-1], 2 * sizes[0]), left, right, log=True)
    lowest, highest = min(values), max(values)
    straight = values[0] * sizes[-1] / sizes[0]
    up = Scale(lowest / 1.5, max(highest, straight) * 1.2, bottom, top, log=True)
    canvas.text(left, 25, title, "title")
    for tick in _powers(up.low, up.high):
        canvas.line(left, up(tick), right, up(tick), "grid")
        canvas.text(left - 8, up(tick) + 4, f"{tick:g}", anchor="end")
    for size in sizes:
        canvas.line(across(size), top, across(size), bottom, "grid")
        canvas.text(across(size), bottom + 20, f"{size / 1e6:g} M", anchor="middle")
    canvas.line(left, up(values[0]), right, up(straight), "straight")
    places = [(across(size), up(value)) for size, value in zip(sizes, values, strict=True)]
    canvas.path(places, "line")
    for (x, y), value in zip(places, values, strict=True):
        canvas.dot(x, y, 3.5, "dot")
        canvas.text(x + 6, y + 16, f"{value:.3g}")
    canvas.text((left + right) / 2, bottom + 40, "interactions", anchor="middle")


def _powers(low: float, high: float) -> list[float]:
    """Powers of ten within the axis."""
    return [10.0**p for p in range(-6, 9) if low <= 10.0**p <= high]
