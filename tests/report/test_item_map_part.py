import json
import re
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest

from drawn import drawn_map, hostile_map
from tastemap.maps.viewer import script_hashes
from tastemap.report.item_map_part import MOST_POINTS, map_part, still_picture
from tastemap.report.render import embedded, render


@pytest.fixture
def with_map(report):
    def make(item_map):
        return replace(report, map=map_part(item_map), item_map=item_map)

    return make


def test_the_data_tell_of_the_map_without_its_coordinates(with_map):
    item_map = drawn_map()
    written = json.loads(json.dumps(with_map(item_map).to_json()))
    assert "item_map" not in written
    assert written["map"]["items"] == 240
    assert [one["name"] for one in written["map"]["layouts"]] == ["t-SNE", "PCA"]
    assert written["map"]["layouts"][0]["kept"] == 0.34
    assert len(embedded(with_map(item_map))) - len(embedded(with_map(drawn_map(30)))) < 100


def test_the_page_allows_the_viewers_scripts_and_no_others(with_map, page):
    drawn = render(with_map(drawn_map()))
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', drawn)[1]
    hashes = " ".join(script_hashes()).replace("'", "&#39;")
    assert policy.endswith(f"script-src {hashes}")
    assert "script-src" not in page.partition("<style>")[0]  # without a map nothing runs
    assert drawn.count("<iframe") == 1
    assert "<noscript>" in drawn


def test_every_layout_has_its_line_of_honesty(with_map):
    item_map = drawn_map()
    drawn = render(with_map(item_map))
    for layout in item_map.layouts:
        assert layout.honesty.replace("'", "&#39;") in drawn


def enlarged(n):
    """A map of n items, neighbours drawn by chance."""
    small = drawn_map(travellers=False)
    rows = np.arange(n) % len(small)
    rng = np.random.default_rng(1)
    shaken = [
        replace(one, xy=(one.xy[rows] + rng.normal(0, 0.3, (n, 2))).astype(np.float32))
        for one in small.layouts
    ]
    return replace(
        small,
        ids=np.arange(n),
        titles=np.array([f"An invented film no. {i} ({1950 + i % 60})" for i in range(n)], object),
        users=np.maximum(1, 50_000 // (np.arange(n) + 1)).astype(np.int64),
        vectors=small.vectors[rows],
        near=rng.integers(0, n, (n, 10)).astype(np.int32),
        likeness=np.sort(rng.random((n, 10)).astype(np.float32))[:, ::-1].copy(),
        layouts=tuple(shaken),
        colours=tuple(replace(one, values=one.values[rows]) for one in small.colours),
    )


def points(svg, style):
    tree = ElementTree.fromstring(svg)
    path = next(one for one in tree.iter("path") if one.get("class") == f"points {style}")
    found = re.findall(r"M(\S+) (\S+?)h0", path.get("d"))
    return np.array(found, dtype=float)


def test_points_of_the_still_picture_stand_as_the_layout_says():
    item_map = drawn_map(travellers=False)
    svg, keys = still_picture(item_map)
    genres = item_map.colours[0]
    assert [name for name, _ in keys][:6] == list(genres.categories)
    places = points(svg, "s0")
    own = np.flatnonzero(np.asarray(genres.values) == 0)
    order = own[np.argsort(-item_map.users[own], kind="stable")]
    xy = item_map.layouts[0].xy[order]
    assert len(places) == len(own)
    # One scale for both axes, y upwards: distances in the picture are those of the layout.
    drawn = np.linalg.norm(places[1:] - places[0], axis=1)
    true = np.linalg.norm(xy[1:] - xy[0], axis=1)
    assert np.corrcoef(drawn, true)[0, 1] > 0.98
    assert (np.sign(places[1:, 1] - places[0, 1]) == -np.sign(xy[1:, 1] - xy[0, 1])).mean() > 0.9


def test_a_large_map_is_thinned_from_the_most_to_the_least_used():
    item_map = enlarged(9_000)
    svg, _ = still_picture(item_map)
    tree = ElementTree.fromstring(svg)
    drawn = sum(one.get("d").count("h0") for one in tree.iter("path"))
    assert drawn == MOST_POINTS
    assert len(svg) < 40_000


def test_named_titles_do_not_overlap_and_stay_inside():
    svg, _ = still_picture(drawn_map(travellers=False))
    tree = ElementTree.fromstring(svg)
    names = list(tree.iter("text"))
    assert 2 <= len(names) <= 14
    heights = sorted(float(one.get("y")) for one in names)
    assert all(0 < y < 570 for y in heights)
    assert "Toy Story (1995)" in [one.text for one in names]


def test_a_map_without_users_or_categories_is_drawn_in_one_colour_without_names():
    bare = replace(drawn_map(travellers=False), users=None, colours=())
    svg, keys = still_picture(bare)
    assert keys == []
    assert len(points(svg, "s0")) == 240
    assert "<text" not in svg


def test_hostile_titles_stay_text(with_map):
    drawn = render(with_map(hostile_map()))
    outside = re.sub(r'srcdoc="[^"]*"', "", drawn)
    assert "<script>alert(1)" not in drawn
    assert "<img" not in outside


def test_ten_thousand_items_stay_under_a_megabyte_and_a_half(with_map):
    drawn = render(with_map(enlarged(10_000)))
    assert len(drawn.encode()) < 1_500_000
