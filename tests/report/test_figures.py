import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tastemap.report.figures import counted, duration, figure, interval, percent, rounded

NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")


def significant(text):
    """How many digits a written number claims to know; zeros that only hold a place aside."""
    digits = text.replace(",", "")
    if "." not in digits:
        digits = digits.rstrip("0")
    return len(digits.replace(".", "").lstrip("0"))


@given(st.floats(-1e9, 1e9))
def test_a_figure_has_at_most_four_significant_digits_and_is_near_the_value(value):
    text = figure(value)
    assert all(significant(one) <= 4 for one in NUMBER.findall(text.partition("e")[0]))
    assert float(text.replace("−", "-").replace(",", "")) == pytest.approx(
        value, rel=0.06, abs=5e-5
    )


@given(st.floats(0, 1))
def test_a_percentage_has_at_most_four_significant_digits(share):
    assert all(significant(one) <= 4 for one in NUMBER.findall(percent(share, 2)))


@given(st.tuples(*[st.floats(-5000, 5000)] * 3))
def test_an_interval_keeps_the_side_of_zero_of_its_ends(values):
    low, middle, high = sorted(values)
    text = interval(middle, low, high, " %", signed=True)
    ends = [
        float(one.replace("−", "-").replace(",", ""))
        for one in text[text.index("[") + 1 : -1].split(", ")
    ]
    for end, value in zip(ends, (low, high), strict=True):
        assert end * value >= 0
        if abs(value) > 0.0005:
            assert end != 0


def test_numbers_for_the_data_object_are_finite_or_none():
    assert rounded(float("inf")) is None
    assert rounded(None) is None
    assert rounded(1 / 3) == 0.333333


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "< 0.01 s"), (1.5, "1.50 s"), (61, "61.0 s"), (3599, "59 min 59 s"), (7300, "2 h 1 min")],
)
def test_durations_are_said_as_people_say_them(seconds, said):
    assert duration(seconds) == said


def test_one_is_singular():
    assert [counted(n, "user") for n in (0, 1, 2)] == ["0 users", "1 user", "2 users"]
