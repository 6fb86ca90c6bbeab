"""The viewer's page without a browser: its size, what it carries, what it allows."""

import base64
import hashlib
import html
import json
import re
import zlib
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from drawn import HOSTILE, drawn_map, hostile_map, layout
from tastemap.errors import InputError, UsageError
from tastemap.maps.item_map import Colour
from tastemap.maps.payload import PLANE, encoded, pack
from tastemap.maps.viewer import inline, page, script_hashes

TYPES = {"u1": np.uint8, "u2": np.uint16, "u4": np.uint32, "f4": np.float32}


class Elements(HTMLParser):
    """Every element of a page with its attributes, and the text of scripts and styles."""

    def __init__(self, text):
        super().__init__()
        self.found, self.texts, self.open = [], [], None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        self.open = (tag, dict(attrs)) if tag in ("script", "style", "iframe") else None
        if self.open:
            self.texts.append([*self.open, ""])

    def handle_endtag(self, tag):
        self.open = None

    def handle_data(self, data):
        if self.open:
            self.texts[-1][2] += data

    def text(self, tag, **attributes):
        return [
            text
            for name, attrs, text in self.texts
            if name == tag and all(attrs.get(key) == value for key, value in attributes.items())
        ]


def carried(item_map, **options):
    """What a page carries, unpacked by the description that it gives of itself."""
    elements = Elements(page(item_map, **options))
    about = json.loads(elements.text("script", id="about")[0])
    data = zlib.decompress(base64.b64decode(elements.text("script", id="packed")[0]))
    blocks, start = {}, 0
    for name, kind, length in about["blocks"]:
        size = length if kind == "text" else length * np.dtype(TYPES[kind]).itemsize
        raw = data[start : start + size]
        blocks[name] = (
            raw.decode().split("\n") if kind == "text" else np.frombuffer(raw, TYPES[kind])
        )
        start += -(-size // 4) * 4
    assert start == len(data)
    return about, blocks


def realistic(n, k):
    """A map of n items whose coordinates, neighbours and likenesses do not compress."""
    rng = np.random.default_rng(3)
    words = "The Night of Last Summer City Love Return Dark Garden King Story Blue Lost".split()
    drawn, lengths, years = (
        rng.integers(0, 14, (n, 5)),
        rng.integers(2, 6, n),
        rng.integers(94, size=n),
    )
    titles = [
        f"{' '.join(words[i] for i in row[:length])} ({1930 + year})"
        for row, length, year in zip(drawn, lengths, years, strict=True)
    ]
    few = drawn_map(60, 5, travellers=False)
    return replace(
        few,
        ids=np.arange(n, dtype=np.int64) * 7 % 99_991,
        titles=np.array(titles, dtype=object),
        users=rng.geometric(0.002, n).astype(np.int64),
        vectors=np.zeros((n, 2), dtype=np.float32),
        near=rng.integers(0, n, (n, k)).astype(np.int32),
        likeness=rng.random((n, k)).astype(np.float32),
        layouts=tuple(
            layout(name, rng.normal(size=(n, 2)).astype(np.float32))
            for name in ("t-SNE", "UMAP", "PCA")
        ),
        colours=(
            Colour(
                "genre",
                "category",
                rng.integers(0, 18, n).astype(np.int32),
                tuple("abcdefghijklmnopqr"),
            ),
            Colour("users", "count", rng.geometric(0.002, n).astype(np.float32)),
            Colour("year", "number", rng.integers(1930, 2024, n).astype(np.float32)),
        ),
    )


def test_ten_thousand_items_fit_into_half_a_megabyte_and_neighbours_into_as_much_again():
    films = realistic(10_000, 10)
    assert len(page(films, neighbours=0).encode()) <= 500_000
    assert len(page(films).encode()) <= 1_000_000


def test_neighbours_come_back_exactly_and_likeness_to_half_a_byte():
    films = drawn_map()
    about, blocks = carried(films)
    assert about["k"] == 10
    np.testing.assert_array_equal(blocks["near"].reshape(-1, 10), films.near)
    likeness = about["likeLow"] + about["likeStep"] * blocks["likeness"].reshape(-1, 10)
    assert np.abs(likeness - films.likeness).max() <= np.ptp(films.likeness) / 510 + 1e-6


def test_fewer_neighbours_can_be_carried():
    films = drawn_map()
    about, blocks = carried(films, neighbours=3)
    np.testing.assert_array_equal(blocks["near"].reshape(-1, 3), films.near[:, :3])
    about, blocks = carried(films, neighbours=0)
    assert about["k"] == 0
    assert "near" not in blocks


def test_places_come_back_to_a_65535th_of_the_extent_with_both_scales_equal():
    films = drawn_map()
    about, blocks = carried(films)
    for place, one in enumerate(films.layouts):
        low, high = one.xy.min(axis=0), one.xy.max(axis=0)
        step = (high - low).max() / PLANE
        x = low[0] + blocks[f"x{place}"] * step
        y = high[1] - blocks[f"y{place}"] * step  # the page's coordinates run down
        assert np.abs(np.stack([x, y], axis=1) - one.xy).max() < 0.6 * step
        assert about["layouts"][place]["right"] == blocks[f"x{place}"].max()
        assert about["layouts"][place]["bottom"] == blocks[f"y{place}"].max()
        assert about["layouts"][place]["honesty"] == one.honesty


def test_a_layout_without_extent_is_carried():
    films = drawn_map(20, travellers=False)
    _, blocks = carried(replace(films, layouts=(layout("PCA", np.ones((20, 2), np.float32)),)))
    assert blocks["x0"].tolist() == blocks["y0"].tolist() == [0] * 20


def test_titles_ids_and_users_come_back():
    films = drawn_map()
    _, blocks = carried(films)
    assert blocks["titles"] == films.titles.tolist()
    assert blocks["ids"] == [str(one) for one in films.ids]
    np.testing.assert_array_equal(blocks["users"], films.users)
    _, blocks = carried(replace(films, titles=films.ids.astype(object), users=None))
    assert "ids" not in blocks
    assert "users" not in blocks


def decoded(colour):
    facts, codes = encoded(colour)
    if colour.kind == "category":
        return np.where(codes == facts["unknown"], -1, codes.astype(int)).tolist()
    if facts["type"] == "f4":
        return codes
    return np.where(codes == facts["unknown"], np.nan, facts["low"] + facts["step"] * codes)


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("count", [0, 1, 254, np.nan]),
        ("count", [0, 255, 65_534]),
        ("count", [3, 65_535, 4_000_000, np.nan]),
        ("number", [1902, 1995, 2024, np.nan]),
        ("number", [-3, 7]),
        ("number", [5, 5]),
        ("number", [np.nan, np.nan]),
        ("count", [0.5, 1e6, np.nan]),
    ],
)
def test_whole_numbers_and_fractional_counts_come_back_exactly(kind, values):
    given = np.array(values, dtype=np.float32)
    np.testing.assert_array_equal(decoded(Colour("c", kind, given)), given)


def test_fractions_come_back_to_a_65534th_of_their_range():
    given = np.random.default_rng(0).normal(size=500).astype(np.float32)
    given[7] = np.nan
    back = decoded(Colour("error", "number", given))
    assert np.isnan(back[7])
    known = np.isfinite(given)
    assert np.abs(back[known] - given[known]).max() <= np.ptp(given[known]) / 65_534 / 2 + 1e-6


@pytest.mark.parametrize("names", [3, 254, 255, 300])
def test_categories_come_back_and_unknown_stays_unknown(names):
    values = np.array([*range(names), -1], dtype=np.int32)
    given = Colour("c", "category", values, tuple(str(i) for i in range(names)))
    assert decoded(given) == values.tolist()


def test_users_carry_their_place_history_and_reasons():
    films = drawn_map()
    about, blocks = carried(films)
    one, sent = films.travellers[0], about["travellers"][0]
    assert (sent["name"], sent["history"]) == ("196", one.history.tolist())
    assert (sent["recommended"], sent["because"]) == (one.recommended.tolist(), [3, 4, -1])
    # A user who stood on an item would stand on it in the page.
    xy = np.stack([each.xy[5] for each in films.layouts])
    about, blocks = carried(replace(films, travellers=(replace(one, xy=xy),)))
    at = [[blocks[f"x{i}"][5], blocks[f"y{i}"][5]] for i in range(2)]
    assert np.abs(np.array(about["travellers"][0]["xy"]) - at).max() <= 0.6


def test_the_policy_forbids_everything_but_the_script_and_the_style_of_the_page():
    written = page(drawn_map())
    elements = Elements(written)
    metas = [attrs for tag, attrs in elements.found if tag == "meta"]
    policy = next(one["content"] for one in metas if "http-equiv" in one)
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules["default-src"] == "'none'"
    running = [
        text for tag, attrs, text in elements.texts if tag == "script" and "type" not in attrs
    ]
    assert len(running) == 1
    assert rules["script-src"] == sha256(running[0]) == script_hashes()[0]
    assert rules["style-src"] == sha256(elements.text("style")[0])
    assert "unsafe" not in policy
    assert set(rules) == {"default-src", "script-src", "style-src", "base-uri", "form-action"}
    for tag, attrs in elements.found:
        assert tag not in ("link", "img", "object", "embed", "iframe")
        assert not {"src", "href", "style"} & set(attrs), (tag, attrs)
        assert not any(name.startswith("on") for name in attrs)


def sha256(text):
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def test_hostile_text_adds_no_element_and_ends_no_script():
    plain = [tag for tag, _ in Elements(page(drawn_map(24, 5))).found]
    bad = [tag for tag, _ in Elements(page(hostile_map())).found]
    uncounted = ("li", "bdi", "ul", "details", "summary")  # lists of notes and of titles
    assert [one for one in bad if one not in uncounted] == [
        one for one in plain if one not in uncounted
    ]
    assert page(hostile_map()).encode("utf-8")  # a lone surrogate could not be written


def test_hostile_titles_are_cut_and_cleaned_in_what_the_page_carries():
    about, blocks = carried(hostile_map())
    titles = blocks["titles"]
    assert len(titles) == 2 * len(HOSTILE)
    assert titles[0] == HOSTILE[0]
    assert max(map(len, titles)) == 80
    assert not any(one in "".join(titles) for one in "\u202e\x00\ud800\u2028")
    assert titles[10] == HOSTILE[1]  # the title is empty: the id stands for it
    assert about["colours"][0]["name"] == HOSTILE[1]
    assert about["colours"][0]["categories"][0] == HOSTILE[0]


def test_the_page_says_in_words_what_it_is_where_scripts_are_off():
    films = drawn_map()
    words = page(films).split("<noscript>")[1].split("</noscript>")[0]
    assert "a map of 240 items" in words
    listed = re.findall(r"<li><bdi>(.*?)</bdi>, ([\d,]+) users</li>", words)
    assert len(listed) == 50
    assert listed[0] == ("Toy Story (1995)", "5,000")
    assert films.layouts[1].honesty in html.unescape(words)
    assert "users</li>" not in page(replace(films, users=None))


def test_the_frame_holds_the_page_and_nothing_gets_out_of_it():
    films = drawn_map()
    framed = inline(films, height=500)
    (tag, attrs), *rest = Elements(framed).found
    assert (tag, rest) == ("iframe", [])
    assert attrs["height"] == "500"
    assert attrs["sandbox"] == "allow-scripts"
    assert attrs["srcdoc"] == page(films).replace('<body class="page">', '<body class="inline">')
    assert films._repr_html_() == inline(films)


def test_the_same_map_gives_the_same_page():
    assert page(drawn_map()) == page(drawn_map())


def test_a_map_without_colours_users_or_neighbours_is_drawn_all_the_same():
    bare = replace(
        drawn_map(),
        colours=(),
        users=None,
        travellers=(),
        near=np.zeros((240, 0), np.int32),
        likeness=np.zeros((240, 0), np.float32),
    )
    about, blocks = carried(bare)
    assert about["colours"][0]["plain"]
    assert set(blocks["colour0"].tolist()) == {0}


def test_a_layout_that_is_not_finite_is_refused_with_the_item():
    films = drawn_map(20)
    xy = films.layouts[0].xy.copy()
    xy[3] = np.nan
    with pytest.raises(InputError, match=r"t-SNE puts 1 of 20 items .* first item .*1003"):
        page(replace(films, layouts=(layout("t-SNE", xy),)))


def test_a_map_without_layouts_is_refused():
    with pytest.raises(InputError, match="a map of 20 items in 0 layouts"):
        page(replace(drawn_map(20), layouts=()))


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: page(drawn_map(20), neighbours=-1), "neighbours=-1"),
        (lambda: inline(drawn_map(20), height=0), "height=0"),
    ],
)
def test_numbers_that_cannot_be_are_refused(call, said):
    with pytest.raises(UsageError, match=said):
        call()


def test_packing_changes_nothing_of_the_map():
    films = drawn_map()
    before = [films.near.copy(), films.likeness.copy(), films.layouts[0].xy.copy()]
    pack(films)
    for one, kept in zip([films.near, films.likeness, films.layouts[0].xy], before, strict=True):
        np.testing.assert_array_equal(one, kept)
