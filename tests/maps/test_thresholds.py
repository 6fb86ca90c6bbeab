"""Where lights turn, and when a number is not judged."""

import pytest

from tastemap.maps.thresholds import THRESHOLDS, Threshold, read_all, worst
from tastemap.maps.wording import TROUBLE

WHOLE = {
    "d": 64,
    "items": 1000,
    "similarity": "cosine",
    "log_directions": 12.0,
    "log_lift": 3.0,
    "log_tail_lift": 3.0,
    "log_rare_lift": 3.0,
    "log_label_lift": 3.0,
}


@pytest.mark.parametrize(
    ("bad", "value", "light"),
    [
        ("above", 0.5, "good"),
        ("above", 0.51, "warn"),
        ("above", 0.91, "fail"),
        ("below", 0.9, "good"),
        ("below", 0.89, "warn"),
        ("below", 0.4, "fail"),
    ],
)
def test_a_light_turns_beyond_its_line(bad, value, light):
    lines = (0.5, 0.9) if bad == "above" else (0.9, 0.5)
    assert Threshold(*lines, bad).light(value) == light


def test_a_threshold_says_where_its_lines_are():
    assert str(Threshold(0.5, 0.9, "above")) == "warn > 0.5, fail > 0.9"
    assert str(Threshold(None, 1.25, "above")) == "fail > 1.25"
    assert str(Threshold(1.1, None, "below")) == "warn < 1.1"


def read(**changed):
    numbers = dict.fromkeys(THRESHOLDS, 0.0) | WHOLE | changed
    return {one.name: one for one in read_all(THRESHOLDS, numbers, {"evr1": "all are equal"})}


def test_every_judged_number_has_its_words():
    assert set(TROUBLE) == set(THRESHOLDS)


def test_a_whole_table_is_judged_by_everything():
    assert all(one.light is not None for one in read().values())


def test_a_missing_number_carries_its_reason():
    found = read(evr1=None)["evr1"]
    assert (found.light, found.reason) == (None, "all are equal")


@pytest.mark.parametrize(
    ("changed", "spared"),
    [
        ({"d": 7}, {"mean_cosine", "evr1", "directions_used", "hub_skew", "popularity_share"}),
        (
            {"d": 3},
            {"co_lift_matched", "alignment_gap", "tail_lift", "label_lift", "id_shift_gain"},
        ),
        ({"items": 39}, {"evr1", "directions_used", "hub_skew", "antihub_share"}),
        ({"similarity": "dot"}, {"hub_skew", "antihub_share"}),
        ({"log_directions": 1.0}, {"evr1", "directions_used", "hub_skew", "popularity_share"}),
        ({"log_directions": 2.0}, {"evr1"}),
        ({"log_directions": 80.0}, {"zero_share", "antihub_share"}),
        ({"log_lift": 1.2}, {"co_lift_matched"}),
        ({"log_lift": None}, {"co_lift_matched"}),
        ({"log_tail_lift": 1.2}, {"tail_lift"}),
        ({"log_rare_lift": 1.2}, {"rare_lift"}),
        ({"log_label_lift": 1.0}, {"label_lift"}),
    ],
)
def test_what_cannot_be_asked_is_not_judged_and_says_why(changed, spared):
    found = read(**changed)
    for name in spared:
        assert found[name].light is None, name
        assert found[name].reason


def test_without_a_log_the_vectors_are_judged_all_the_same():
    found = read(log_directions=None)
    assert found["evr1"].light == "good"
    assert found["hub_skew"].light == "good"


def test_the_worst_light_wins():
    found = read(evr1=0.7)
    assert worst([found["evr1"], found["hub_skew"]]) == "warn"
    assert worst([found["evr1"], found["co_lift_matched"]]) == "fail"
    assert worst([found["hub_skew"]]) == "good"
    assert worst([]) is None
