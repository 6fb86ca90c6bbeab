"""Pictures of maps: read back from the figure and from the text of the .svg."""

import re
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest

from item_maps import HOSTILE, hand_map, layout, traveller
from tastemap import MissingExtra, UsageError
from tastemap.maps.dots import heights, limits, painted, size_and_alpha
from tastemap.maps.item_map import Colour
from tastemap.maps.lettering import Box, called, drawable, extent, fitted
from tastemap.maps.picture import axis_shares, map_picture


def words_of(path):
    """Texts of an .svg in their order; fails where it is no XML."""
    root = ElementTree.fromstring(path.read_text(encoding="utf-8"))
    return ["".join(one.itertext()) for one in root.iter("{http://www.w3.org/2000/svg}text")]


def texts(figure, axes=0):
    """Visible texts within the map."""
    return [one for one in figure.axes[axes].texts if one.get_text()]


@pytest.mark.parametrize("name", ["t-SNE", "PCA"])
def test_honesty_and_shape_stand_under_every_picture(tmp_path, name):
    made = hand_map()
    map_picture(made, tmp_path / "a.svg", layout=name)
    said = " ".join(words_of(tmp_path / "a.svg"))
    kept = {"t-SNE": "42 %", "PCA": "10 %"}[name]
    assert f"This {name} map keeps {kept} of each item's 3 nearest neighbours" in said
    assert "Distances between groups and sizes of groups mean nothing." in said
    assert f"A cloud by {name}: no groups (0.12)." in said


def test_titles_of_the_most_used_items_are_text_in_an_svg(tmp_path):
    map_picture(hand_map(), tmp_path / "a.svg", labels=5)
    said = words_of(tmp_path / "a.svg")
    named = [one for one in said if one.startswith("Film ")]
    assert len(named) == 5
    # The most used items are the first ones; a few of them may lie too close to each other.
    assert all(int(one.split()[1]) < 20 for one in named)
    assert "Film 0" in named


@pytest.mark.parametrize("n", [2, 60, 600])
@pytest.mark.parametrize("colour", ["users", "genre"])
def test_titles_do_not_overlap_nor_leave_the_map(n, colour):
    figure = map_picture(hand_map(n), labels=40, colour=colour)
    boxes = [extent(one) for one in texts(figure)]
    assert len(boxes) >= min(n, 12)
    frame = figure.axes[0].get_window_extent().extents
    for number, box in enumerate(boxes):
        assert box.within(Box(*(frame + np.array([-1, -1, 1, 1])).tolist()))
        assert not any(box.meets(other) for other in boxes[:number])


def test_no_titles_where_none_are_wanted():
    assert texts(map_picture(hand_map(), labels=0)) == []


@pytest.mark.parametrize("kind", ["png", "svg", "pdf"])
def test_hostile_titles_stay_text(tmp_path, kind):
    made = hand_map(titles=HOSTILE)
    colour = Colour("$_{", "category", np.arange(60, dtype=np.int32) % 11, HOSTILE)
    made = replace(made, title=HOSTILE[2], colours=(colour,), travellers=(traveller(HOSTILE[2]),))
    path = tmp_path / f"a.{kind}"
    map_picture(made, path, labels=30)  # a missing glyph would warn, and warnings are errors
    assert path.stat().st_size > 5_000
    if kind == "svg":
        said = words_of(path)
        assert "<script>alert(1)</script>" in said
        assert "$\\frac{1}{0$" in said
        assert max(map(len, said)) < 200
        assert not re.search("[\x00-\x08\x1b\u202e]", path.read_text(encoding="utf-8"))


def test_what_cannot_be_drawn_is_replaced_by_the_id():
    assert called("日本", 17).strip("\ufffd") in ("17", "日本")  # the second with a font for it
    assert called("\u202e\x00", 17) == "17"
    assert drawable("a\u0301" * 40, 9).endswith("…")
    assert len(drawable("a\u0301" * 40, 9)) <= 9


def test_the_same_map_gives_the_same_bytes(tmp_path):
    for kind in ("png", "svg", "pdf"):
        for name in ("a", "b"):
            map_picture(hand_map(), tmp_path / f"{name}.{kind}")
        a, b = ((tmp_path / f"{name}.{kind}").read_bytes() for name in ("a", "b"))
        assert a == b


def test_points_stand_where_the_layout_says_at_one_scale():
    made = hand_map()
    axes = map_picture(made, layout="PCA", colour="year").axes[0]
    drawn = np.asarray(axes.collections[0].get_offsets())
    np.testing.assert_allclose(
        np.sort(drawn, axis=0), np.sort(made.layouts[1].xy.astype(float), axis=0)
    )
    box = axes.get_window_extent()
    (x0, x1), (y0, y1) = axes.get_xlim(), axes.get_ylim()
    assert (x1 - x0) / box.width == pytest.approx((y1 - y0) / box.height)


def test_only_pca_has_words_on_its_axes():
    made = hand_map()
    tsne = map_picture(made).axes[0]
    assert (tsne.get_xlabel(), list(tsne.get_xticks()), list(tsne.get_yticks())) == ("", [], [])
    # Shares by the eigenvalues of the covariance, along axes that are no exact components here.
    along = np.var(made.vectors[:, :2].astype(float), axis=0)
    share = 100 * along / np.trace(np.cov(made.vectors.T.astype(float), bias=True))
    axes = map_picture(made, layout="pca").axes[0]
    assert axes.get_xlabel() == f"PC 1 ({share[0]:.3g} % of the variance)"
    assert axes.get_ylabel() == f"PC 2 ({share[1]:.3g} % of the variance)"
    assert axis_shares(replace(made, vectors=np.ones_like(made.vectors)), made.layouts[1]) == ()


def test_counts_are_coloured_by_their_logarithm():
    colour = Colour("users", "count", np.float32([0, 9, 99, 999]))
    np.testing.assert_allclose(heights(colour), [0, 1 / 3, 2 / 3, 1], atol=1e-6)
    linear = Colour("year", "number", np.float32([0, 9, 99, 999]))
    np.testing.assert_allclose(heights(linear), np.array([0, 9, 99, 999]) / 999, atol=1e-6)
    assert np.isfinite(heights(Colour("x", "number", np.float32([5, 5])))).all()
    assert np.isnan(heights(Colour("x", "number", np.float32([np.nan])))).all()


def test_unknown_values_are_drawn_below_and_named_in_the_key(tmp_path):
    made = hand_map()
    look = painted(made.colours[2], 60)
    assert look.order[0] == 0  # the only one without a year
    assert np.ptp(look.rgba[0, :3]) < 1e-6  # grey
    map_picture(made, tmp_path / "a.svg", colour="year")
    assert "unknown" in words_of(tmp_path / "a.svg")
    map_picture(made, tmp_path / "b.svg", colour="genre")
    said = words_of(tmp_path / "b.svg")
    assert {"Drama", "Comedy", "War", "unknown", "15"} <= set(said)


def test_a_category_that_lies_together_has_its_name_at_its_middle():
    made = hand_map(90)
    groups = np.arange(90, dtype=np.int32) % 3
    xy = np.float32([[0, 0], [50, 0], [0, 50]])[groups] + made.vectors[:, :2]
    spread = Colour("half", "category", np.arange(90, dtype=np.int32) // 45, ("One", "Two"))
    made = replace(
        made,
        layouts=(layout("t-SNE", xy),),
        colours=(Colour("group", "category", groups, ("Alpha", "Beta", "Gamma")), spread),
    )
    figure = map_picture(made, labels=0)
    named = {one.get_text(): extent(one) for one in texts(figure)}
    assert set(named) == {"Alpha", "Beta", "Gamma"}
    middle = figure.axes[0].transData.transform(np.median(xy[groups == 1], axis=0))
    box = named["Beta"]
    assert box.left < middle[0] < box.right
    assert box.bottom < middle[1] < box.top
    # Halves that lie across the whole map would mislead if they had a name in its midst.
    assert texts(map_picture(made, labels=0, colour="half")) == []


def test_users_are_drawn_with_history_and_recommendations(tmp_path):
    made = replace(hand_map(), travellers=(traveller(),))
    figure = map_picture(made, tmp_path / "a.svg")
    xy = made.layouts[0].xy
    drawn = [np.asarray(c.get_offsets(), dtype=np.float32) for c in figure.axes[0].collections]
    for places in ([3, 4, 5], [10, 11]):
        assert any(one.shape == xy[places].shape and np.allclose(one, xy[places]) for one in drawn)
    assert any(np.allclose(one, [[1.5, 1.5]]) for one in drawn)
    reasons = [line.get_xydata() for line in figure.axes[0].get_lines()]
    assert len(reasons) == 1
    np.testing.assert_allclose(reasons[0], xy[[4, 10]])
    said = words_of(tmp_path / "a.svg")
    assert {"user 7", "used", "recommended", "because of", "Film 10"} <= set(said)


def test_many_users_are_cut_and_said_so(tmp_path):
    many = tuple(traveller(f"user {i}") for i in range(5))
    map_picture(replace(hand_map(), travellers=many), tmp_path / "a.svg")
    said = words_of(tmp_path / "a.svg")
    assert "(2 more not drawn)" in said
    assert "user 3" not in said


def test_more_points_become_smaller_then_fainter():
    rng = np.random.default_rng(0)
    sizes, alphas = zip(
        *(size_and_alpha(np.float32(rng.random((n, 2))), 400, 400) for n in (50, 2000, 200_000)),
        strict=True,
    )
    assert sizes[0] > sizes[1] > sizes[2]
    assert alphas[0] >= alphas[1] > alphas[2] >= 0.3


def test_an_odd_map_is_drawn_all_the_same(tmp_path):
    one = hand_map(1, near=np.zeros((1, 0), np.int32), likeness=np.zeros((1, 0), np.float32))
    map_picture(replace(one, colours=()), tmp_path / "a.png", size=(5, 4))
    heap = hand_map(30, layouts=(layout("UMAP", np.zeros((30, 2))),), users=None, colours=())
    map_picture(heap, tmp_path / "b.png")
    assert (tmp_path / "b.png").read_bytes()[:4] == b"\x89PNG"


def test_limits_hold_all_points():
    xy = np.float32([[0, 0], [10, 1]])
    (x0, x1), (y0, y1) = limits(xy, 200, 100)
    assert x0 < 0
    assert x1 > 10
    assert (y1 - y0) == pytest.approx((x1 - x0) / 2)


def test_names_are_not_put_on_what_is_taken():
    anchors, sizes = np.zeros((1, 2)), np.array([[4.0, 2.0]])
    frame = Box(-10, -10, 10, 10)
    right = Box(1, -5, 10, 5)
    assert fitted(anchors, sizes, frame, most=1, distance=2, taken=[right])[0].right <= 1
    assert fitted(anchors, sizes, frame, most=0) == {}
    assert fitted(anchors, np.array([[30.0, 2.0]]), frame, most=1) == {}


def test_names_do_not_cover_the_points_of_other_names():
    anchors, sizes = np.array([[0.0, 0.0], [12.0, 0.0]]), np.array([[5.0, 2.0], [11.5, 2.0]])
    # So flat that names fit on the right and on the left only; the first one avoids (3, 0), and
    # the second has no room but on the left, over the first point.
    how = {"most": 2, "distance": 1.0, "gap": 0.0, "avoided": np.array([[3.0, 0.0]])}
    frame = Box(-20, -1.2, 14, 1.2)
    assert fitted(anchors, sizes, frame, **how) == {0: Box(-6, -1, -1, 1), 1: Box(-0.5, -1, 11, 1)}
    assert list(fitted(anchors, sizes, frame, mark=0.6, **how)) == [0]
    assert list(fitted(anchors, sizes, frame, apart=13, **how)) == [0]


def test_grey_points_are_drawn_below_coloured_ones():
    colour = Colour("kind", "category", np.int32([0, -1, 13, 1, 13, -1]), tuple("abcdefghijklmn"))
    look = painted(colour, 6)
    assert set(look.order[:4].tolist()) == {1, 2, 4, 5}
    assert [(name, count) for _, _, name, count in look.shown] == [
        ("a", 1),
        ("b", 1),
        ("n", 2),
        ("unknown", 2),
    ]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"layout": "MDS"}, "layout='MDS'\n  allowed: t-SNE, PCA"),
        ({"colour": "mood"}, "colour='mood'\n  allowed: users, genre, year"),
        ({"labels": -1}, "labels=-1"),
        ({"size": (1, 1)}, "5 by 4 or more"),
        ({"path": "a.jpg"}, r"'a.jpg'\n  allowed: a name that ends in .png, .svg, .pdf"),
    ],
)
def test_wrong_arguments_are_refused(options, said):
    with pytest.raises(UsageError, match=said):
        map_picture(hand_map(), **options)


def test_without_matplotlib_the_extra_is_named(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtra, match=r"tastemap\[maps\]"):
        map_picture(hand_map())


def test_a_failed_write_leaves_the_old_picture(tmp_path, monkeypatch):
    path = tmp_path / "a.png"
    path.write_bytes(b"old")
    monkeypatch.setattr("tastemap.maps.picture._bytes", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        map_picture(hand_map(), path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
