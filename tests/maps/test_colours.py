"""What items are coloured by; colours that everybody can tell apart, on white and on dark."""

import numpy as np
import pandas as pd
import pytest

from tastemap import synthetic
from tastemap.data.interactions import Interactions
from tastemap.errors import InputError, UsageError
from tastemap.maps.clusters import clusters
from tastemap.maps.colours import OTHER, PALETTE, RAMP, category, colours_of, one_label
from tastemap.seeding import stream

LOG = synthetic.demo_world()
KEPT = np.arange(3, 1000, 2)
VECTORS = stream(0, "colours").standard_normal((len(KEPT), 4))


def by_name(colours):
    return {one.name: one for one in colours}


def extra(values, log=None, n=4):
    (found,) = colours_of(log, np.ones((n, 2)), np.arange(n), extra={"mine": values})
    return found


def test_users_labels_and_years_come_from_the_log():
    found = by_name(colours_of(LOG, VECTORS, KEPT))
    assert list(found) == ["users", "label", "year"]
    pairs = {(u, i) for u, i in zip(LOG.user.tolist(), LOG.item.tolist(), strict=True)}
    counts = np.zeros(len(LOG.items), dtype=int)
    for _, item in pairs:
        counts[item] += 1
    assert (found["users"].kind, found["users"].values.tolist()) == ("count", counts[KEPT].tolist())
    years = [int(LOG.table.titles[code][-5:-1]) for code in KEPT]
    assert (found["year"].kind, found["year"].values.tolist()) == ("number", years)
    label = found["label"]
    for code, place in zip(KEPT.tolist(), label.values.tolist(), strict=True):
        assert label.categories[place] in LOG.table.labels[code]


def test_clusters_are_a_category_with_their_names():
    groups = clusters(VECTORS)
    found = by_name(colours_of(LOG, VECTORS, KEPT, groups=groups))["cluster"]
    assert found.values.tolist() == groups.of.tolist()
    assert found.categories == groups.names


def test_what_is_not_known_is_left_out():
    assert colours_of(None, VECTORS, KEPT) == ()
    bare = Interactions.of([("ann", "tea"), ("bob", "tea"), ("bob", "milk")])
    assert [c.name for c in colours_of(bare, np.eye(2), np.arange(2))] == ["users"]


def test_of_several_labels_an_item_is_coloured_by_the_rarest_that_has_a_colour():
    labels = [
        ("Drama", "Western"),
        ("Drama",),
        ("Drama", "War"),
        ("War", "Western"),
        ("Drama",),
        (),
    ]
    assert one_label(labels) == ["Western", "Drama", "War", "War", "Drama", ""]


def test_beyond_twelve_labels_eleven_have_colours_and_the_rest_are_other():
    # Label i is on 20 - i items of its own; the 12th item of label 15 also has label 0.
    labels = [(f"l{i:02}",) for i in range(14) for _ in range(20 - i)]
    labels += [("l13", "l00"), ("l12",)]
    found = category("label", one_label(labels))
    assert found.categories == (*(f"l{i:02}" for i in range(11)), OTHER)
    assert found.categories[found.values[-2]] == "l00"  # l13 is rarer, but has no colour
    assert found.categories[found.values[-1]] == OTHER
    assert (found.values >= 0).all()


def test_twelve_labels_need_no_other():
    found = category("label", one_label([(f"l{i:02}",) for i in range(12)]))
    assert found.categories == tuple(f"l{i:02}" for i in range(12))


def test_categories_stand_by_size_and_no_text_is_unknown():
    found = category("kind", ["b", "a", "", "b", "c", "a", "b"])
    assert found.categories == ("b", "a", "c")
    assert found.values.tolist() == [0, 1, -1, 0, 2, 1, 0]
    assert found.values.dtype == np.int32


@pytest.mark.parametrize(
    ("values", "kind", "shown"),
    [
        ([0, 3, 9, 2], "count", [0, 3, 9, 2]),
        ([0, -3, 9, 2], "number", [0, -3, 9, 2]),
        (np.array([0.5, np.nan, 1, 2]), "number", [0.5, np.nan, 1, 2]),
        ([None, 1.5, 2.0, 3.0], "number", [np.nan, 1.5, 2, 3]),
        ([None, 1, 2, 3], "count", [np.nan, 1, 2, 3]),
        (np.array([1, 2, 3, 4], dtype=np.uint8), "count", [1, 2, 3, 4]),
        (pd.Series([1.0, 2.5, None, 4.0]), "number", [1, 2.5, np.nan, 4]),
    ],
)
def test_numbers_of_the_users_own(values, kind, shown):
    found = extra(values)
    assert found.kind == kind
    np.testing.assert_array_equal(found.values, np.array(shown, dtype=np.float32))
    assert found.values.dtype == np.float32


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        (["b", "a", None, "b"], ["b", "a", None, "b"]),
        (pd.Series(["b", "a", None, "b"]), ["b", "a", None, "b"]),
        (np.array([True, False, True, True]), ["yes", "no", "yes", "yes"]),
        ([True, False, None, True], ["True", "False", None, "True"]),
        (pd.Series(["x", "y", "x", "x"], dtype="category"), ["x", "y", "x", "x"]),
    ],
)
def test_texts_of_the_users_own(values, shown):
    found = extra(values)
    assert found.kind == "category"
    assert [found.categories[v] if v >= 0 else None for v in found.values] == shown


def test_a_value_for_each_item_of_the_log_is_cut_to_the_map():
    everything = np.arange(len(LOG.items)) * 2
    found = by_name(colours_of(LOG, VECTORS, KEPT, extra={"twice": everything}))["twice"]
    assert found.values.tolist() == (KEPT * 2).tolist()


def test_other_lengths_shapes_and_types_are_refused():
    message = r"colour 'mine' of shape \(3,\)[\s\S]*each of the 4 items[\s\S]*order of the items"
    with pytest.raises(InputError, match=message):
        extra([1, 2, 3])
    with pytest.raises(
        InputError, match=r"each of the 4 items of the map, or for each of the 1,200"
    ):
        extra([1, 2, 3], LOG.__class__(**{**vars(LOG), "table": None}))
    with pytest.raises(InputError, match=r"of shape \(4, 1\)"):
        extra(np.ones((4, 1)))
    with pytest.raises(
        InputError, match=r"infinite values, first in row 2[\s\S]*NaN where unknown"
    ):
        extra([1.0, 2.0, np.inf, 3.0])
    with pytest.raises(InputError, match=r"of type datetime64\[D\][\s\S]*turn dates into years"):
        extra(np.array(["2020-01-01"] * 4, dtype="datetime64[D]"))


def test_a_name_that_is_taken_is_refused():
    with pytest.raises(UsageError, match=r"called 'users'[\s\S]*other than users[\s\S]*'users 2'"):
        colours_of(LOG, VECTORS, KEPT, extra={"users": KEPT})


# Colour arithmetic: sRGB (IEC 61966-2-1), CIELAB (D65), contrast by WCAG 2, and the matrices for
# complete protanopia and deuteranopia of Machado, Oliveira & Fernandes (2009), for linear light.
XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750],
     [0.0193339, 0.1191920, 0.9503041]]
)  # fmt: skip
BLIND = {
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
         [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
         [-0.011820, 0.042940, 0.968881]]
    ),
}  # fmt: skip
WHITE, DARK = "#ffffff", "#14171b"


def light(colours):
    """Linear light of colours like #3c96f8."""
    values = np.array([[int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in colours]) / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def lab(linear):
    ratio = np.clip(linear, 0, 1) @ XYZ.T / [0.95047, 1, 1.08883]
    f = np.where(ratio > 216 / 24389, np.cbrt(ratio), (24389 / 27 * ratio + 16) / 116)
    return np.stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], 1)


def contrast(colours, ground):
    a, b = light(colours) @ XYZ[1], float((light([ground]) @ XYZ[1])[0])
    return (np.maximum(a, b) + 0.05) / (np.minimum(a, b) + 0.05)


def least_distance(linear):
    points = lab(linear)
    gaps = np.linalg.norm(points[:, None] - points, axis=2)
    return gaps[np.triu_indices(len(points), 1)].min()


def test_the_arithmetic_of_colours_is_right():
    assert lab(light(["#ff0000"]))[0] == pytest.approx([53.24, 80.09, 67.20], abs=0.05)
    assert contrast(["#767676"], WHITE)[0] == pytest.approx(4.54, abs=0.01)
    for matrix in BLIND.values():
        assert matrix.sum(axis=1) == pytest.approx(1, abs=2e-6)  # greys stay as they are


def test_the_colours_of_categories_are_seen_on_white_and_on_dark():
    assert len(set(PALETTE)) == 12
    assert contrast(PALETTE, WHITE).min() >= 3
    assert contrast(PALETTE, DARK).min() >= 3


def test_any_two_categories_can_be_told_apart_with_and_without_all_cones():
    linear = light(PALETTE)
    assert least_distance(linear) > 36
    for matrix in BLIND.values():
        assert least_distance(linear @ matrix.T) > 18
        assert least_distance(linear[:3] @ matrix.T) > 36


def test_the_scale_grows_lighter_evenly_and_neither_end_vanishes():
    assert contrast(RAMP, WHITE).min() >= 1.5
    assert contrast(RAMP, DARK).min() >= 1.7
    for linear in (light(RAMP), *(light(RAMP) @ matrix.T for matrix in BLIND.values())):
        steps = np.diff(lab(linear)[:, 0])
        assert steps.min() > 4
        assert steps.max() < 12


def test_the_scale_is_viridis():
    import matplotlib
    from matplotlib.colors import to_hex

    viridis = matplotlib.colormaps["viridis"](np.linspace(0.15, 0.9, 9))
    assert tuple(to_hex(colour) for colour in viridis) == RAMP
