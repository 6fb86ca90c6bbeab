import re
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tastemap.report
from tastemap.report.charts import Line, bar_chart, line_chart
from tastemap.report.row_charts import Dot, dot_chart
from tastemap.report.svg import LINE_HEIGHT, Scale, log_ticks, spread_out, tick_labels, ticks

AXES = {"title": "a chart", "x_label": "x", "y_label": "y"}


def texts(svg, style):
    tree = ElementTree.fromstring(svg)
    return [one for one in tree.iter("text") if style in one.get("class", "").split()]


@given(st.lists(st.floats(0, 300), min_size=1, max_size=15))
def test_labels_are_spread_in_order_apart_and_inside(wanted):
    placed = spread_out(wanted, 20, 0, 300)
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    in_order = [placed[i] for i in order]
    gaps = [b - a for a, b in pairwise(in_order)]
    assert all(gap >= 20 - 1e-6 for gap in gaps)
    assert min(placed) >= -1e-6
    assert max(placed) <= 300 + 1e-6


def test_labels_with_room_stay_where_they_are():
    assert spread_out([10, 50, 30], 20, 0, 100) == [10, 50, 30]


@given(st.floats(-1e5, 1e5), st.floats(1e-3, 1e6))
def test_ticks_are_even_inside_and_neither_few_nor_many(low, width):
    found = ticks(low, low + width)
    assert all(low - 1e-6 * width <= one <= low + width * (1 + 1e-6) for one in found)
    assert 2 <= len(found) <= 8
    steps = [b - a for a, b in pairwise(found)]
    assert all(step == pytest.approx(steps[0], rel=1e-3) for step in steps)


@given(st.floats(0.5, 1e6), st.floats(1.0, 1e6))
def test_logarithmic_ticks_are_inside(low, times):
    found = log_ticks(low, low * times)
    assert found
    assert all(low <= one <= low * times for one in found)


def test_tick_labels_share_their_decimals():
    assert tick_labels([0, 0.1, 0.25]) == ["0", "0.10", "0.25"]
    assert tick_labels([0, 1e-6]) == ["0", "1e-06"]


def test_a_scale_is_linear_or_logarithmic():
    assert Scale(2, 4, 0, 100)(3.5) == 75
    assert Scale(1, 10_000, 0, 100, log=True)(100) == 50


def test_labels_at_line_ends_never_overlap_even_if_all_lines_end_alike():
    lines = [Line(f"model {n}", [(1, 0.1), (10, 0.5)], f"s{n % 6}") for n in range(24)]
    svg = line_chart(lines, **AXES)
    heights = sorted(float(one.get("y")) for one in texts(svg, "label"))
    assert len(heights) == 24
    assert min(b - a for a, b in pairwise(heights)) >= LINE_HEIGHT - 0.11
    box = [float(one) for one in ElementTree.fromstring(svg).get("viewBox").split()]
    assert heights[0] > 0
    assert heights[-1] < box[3]


def test_labels_stand_beside_their_lines():
    lines = [Line("low", [(1, 0.1), (10, 0.1)], "s0"), Line("high", [(1, 0.5), (10, 0.5)], "s1")]
    placed = {one.text: float(one.get("y")) for one in texts(line_chart(lines, **AXES), "label")}
    assert placed["high"] < placed["low"]


def test_hostile_labels_stay_text_and_charts_well_formed():
    nasty = '</svg><script>"&'
    charts = [
        line_chart([Line(nasty, [(1, 1), (2, 3)], "s0")], title=nasty, x_label=nasty, y_label="y"),
        dot_chart([Dot(nasty, 1, 0.5, 2, nasty, "s0")], title=nasty, x_label="x", reference=1),
        bar_chart([(nasty, 1)], title=nasty, x_label="x", y_label=nasty),
    ]
    for svg in charts:
        tree = ElementTree.fromstring(svg)
        assert tree.get("aria-label") == nasty
        assert nasty in "".join(tree.itertext())
        assert "<script" not in svg


@pytest.mark.parametrize("values", [[3.0], [2.0, 2.0], [0.0, 0.0], [-1.0, 5.0], [1e-7, 2e-7]])
@pytest.mark.parametrize("log", [False, True])
def test_a_line_of_any_values_is_drawn_without_nan(values, log):
    points = [(place + 1, abs(value) + log if log else value) for place, value in enumerate(values)]
    svg = line_chart([Line("one", points, "s0")], log=log, from_zero=False, **AXES)
    assert "nan" not in svg
    assert "inf" not in svg


def test_bars_start_at_zero_and_are_as_high_as_their_values():
    svg = bar_chart([("a", 50), ("b", 100), ("c", 75)], **AXES)
    heights = [float(one.get("height")) for one in ElementTree.fromstring(svg).iter("rect")]
    assert heights[0] == pytest.approx(heights[1] / 2, abs=0.1)
    assert heights[2] == pytest.approx(heights[1] * 3 / 4, abs=0.1)


def test_dots_and_their_intervals_stand_to_scale():
    dots = [Dot("a", 0.4, 0.3, 0.5, "0.4", "s0"), Dot("b", 0.2, 0.2, 0.2, "0.2", "s1")]
    tree = ElementTree.fromstring(dot_chart(dots, title="t", x_label="x", reference=0.2))
    first, second = (float(one.get("cx")) for one in tree.iter("circle"))
    bar = next(one for one in tree.iter("line") if "range" in one.get("class"))
    mark = next(one for one in tree.iter("line") if "mark" in one.get("class"))
    left, right = float(bar.get("x1")), float(bar.get("x2"))
    assert first == pytest.approx((left + right) / 2, abs=0.1)
    assert first - second == pytest.approx(right - left, abs=0.2)
    assert float(mark.get("x1")) == second


def luminance(colour):
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return sum(a * b for a, b in zip(linear, (0.2126, 0.7152, 0.0722), strict=True))


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark", "print"])
def test_text_and_lines_have_enough_contrast(scheme):
    """WCAG 2.2: 4.5 for text, 3 for graphical objects."""
    folder = Path(tastemap.report.__file__).parent / "templates"
    css = (folder / "report.css").read_text() + (folder / "print.css").read_text()
    blocks = re.findall(r":root \{(.*?)\}", css, re.DOTALL)
    colours = dict(
        re.findall(r"--([\w-]+): (#\w{6});", blocks[["light", "dark", "print"].index(scheme)])
    )
    paper = colours.get("paper", "#ffffff")
    assert len([name for name in colours if name.startswith("c")]) == 6
    for name, colour in colours.items():
        if re.fullmatch(r"[cy]\d", name):
            assert contrast(colour, paper) >= 3, name
    for name in {"ink", "muted", "accent", "good", "open", "bad"} & set(colours):
        for ground in (paper, colours.get("wash", paper), colours.get(f"{name}-wash", paper)):
            assert contrast(colours[name], ground) >= 4.5, (name, ground)
