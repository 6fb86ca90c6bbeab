"""The interactive map in a real browser."""

import base64

import numpy as np
import pytest

from drawn import FAMOUS, GENRES, HOSTILE, drawn_map, hostile_map
from tastemap.maps.viewer import inline, page, script_hashes

FILMS = drawn_map()
HTML = page(FILMS)


@pytest.fixture
def show(opened):
    """A function that opens the map of films and waits until it is drawn."""

    def opens(html=HTML, **options):
        shown = opened(html, **options)
        shown.wait_for_selector("body.ready")
        shown.wait_for_function("() => itemMap.scene.width > 0")
        return shown

    return opens


def pixels(shown):
    """Colours of the layer of points: shape (pixels, 3)."""
    coded = shown.evaluate(
        "() => { itemMap.draw(); const c = document.getElementById('points');"
        " const { data } = c.getContext('2d').getImageData(0, 0, c.width, c.height);"
        " const parts = [];"
        " for (let i = 0; i < data.length; i += 8192)"
        "   parts.push(String.fromCharCode(...data.subarray(i, i + 8192)));"
        " return btoa(parts.join('')); }"
    )
    return np.frombuffer(base64.b64decode(coded), dtype=np.uint8).reshape(-1, 4)[:, :3]


def spot(shown, place):
    """Where an item stands in the window."""
    x, y = shown.evaluate(f"() => itemMap.where({place})")
    box = shown.locator("#stage").bounding_box()
    return box["x"] + x, box["y"] + y


def listed(shown, heading):
    """Titles of the list below a heading."""
    return shown.locator(f"h3:text-is('{heading}') ~ .items").first.locator("bdi").all_inner_texts()


def test_search_finds_a_title_and_shows_its_neighbours_in_the_model(show):
    shown = show()
    shown.get_by_role("combobox", name="Search by title").fill("toy st")
    shown.get_by_role("option", name="Toy Story (1995)").click()
    assert shown.locator("#detail h2").inner_text() == "Toy Story (1995)"
    assert listed(shown, "Nearest in the model") == FILMS.titles[FILMS.near[0]].tolist()
    likeness = shown.locator("h3:text-is('Nearest in the model') ~ .items").first
    said = [float(one) for one in likeness.locator(".value").all_inner_texts()]
    assert np.abs(said - FILMS.likeness[0]).max() < 0.011  # two decimals of a byte


@pytest.mark.parametrize("asked", ["amelie", "AMÉLIE", "1001"])
def test_search_does_not_mind_case_or_accents_and_knows_ids(show, asked):
    shown = show()
    shown.get_by_role("combobox").first.fill(asked)
    assert shown.get_by_role("option").first.inner_text().startswith("Amélie (2001)")


def test_a_click_on_an_item_lists_its_neighbours_and_which_of_them_are_near(show):
    shown = show()
    shown.mouse.click(*spot(shown, 2))
    assert shown.locator("#detail h2").inner_text() == FAMOUS[2]
    assert listed(shown, "Nearest in the model") == FILMS.titles[FILMS.near[2]].tolist()
    table = FILMS.neighbours(FAMOUS[2])
    marks = shown.locator("h3:text-is('Nearest in the model') ~ .items").first.locator(".near")
    assert [one == "●" for one in marks.all_inner_texts()] == table["kept"].tolist()
    only = [title for title, true in zip(table["on_map"], table["true"], strict=True) if not true]
    assert listed(shown, "Near on this map only") == only
    shown.keyboard.press("Escape")
    assert shown.locator("#detail h2").inner_text() == "In view"


def test_lines_lead_to_the_neighbours(show):
    shown = show()
    drawn = (
        "() => { itemMap.draw(); const c = document.createElement('canvas').getContext('2d');"
        " c.drawImage(document.getElementById('overlay'), -X, -Y);"
        " return c.getImageData(0, 0, 1, 1).data[3]; }"
    )
    shown.evaluate("() => { itemMap.scene.selected = 0; itemMap.scene.neighbours = []; }")
    far = int(np.argmax(((FILMS.layouts[0].xy - FILMS.layouts[0].xy[0]) ** 2).sum(axis=1)))
    (x0, y0), (x1, y1) = (shown.evaluate(f"() => itemMap.where({one})") for one in (0, far))
    middle = drawn.replace("X", str(round((x0 + x1) / 2))).replace("Y", str(round((y0 + y1) / 2)))
    assert shown.evaluate(middle) == 0
    shown.evaluate(f"() => itemMap.scene.neighbours = [{{place: {far}, likeness: 1}}]")
    assert shown.evaluate(middle) > 0


def test_another_colour_changes_the_points(show):
    shown = show()
    before = pixels(shown)
    shown.get_by_label("Colour", exact=True).select_option("users")
    after = pixels(shown)
    drawn = (before != 255).any(axis=1) | (after != 255).any(axis=1)
    assert (before != after).any(axis=1).sum() > 0.5 * drawn.sum() > 1000
    assert shown.locator("#legend").inner_text().split()[0] == str(FILMS.users.min())
    assert "log scale" in shown.locator("#legend").inner_text()


def test_another_layout_moves_the_items_and_changes_what_is_said_of_it(show):
    shown = show()
    assert shown.locator("#honesty").inner_text() == FILMS.layouts[0].honesty
    places = [shown.evaluate(f"() => itemMap.where({i})") for i in range(20)]
    shown.get_by_text("PCA", exact=True).click()
    moved = np.array([shown.evaluate(f"() => itemMap.where({i})") for i in range(20)])
    assert (np.hypot(*(moved - places).T) > 5).mean() > 0.8
    # Equal scales and y upwards: the picture is the layout, but for size and place.
    xy = FILMS.layouts[1].xy[:20].astype(float) * [1, -1]
    scale = np.ptp(moved, axis=0) / np.ptp(xy, axis=0)
    np.testing.assert_allclose(scale, scale[0], rtol=1e-3)
    np.testing.assert_allclose(moved - moved[0], (xy - xy[0]) * scale[0], atol=0.1)
    assert shown.locator("#honesty").inner_text() == FILMS.layouts[1].honesty
    assert shown.locator("#shape").inner_text() == "PCA looks like a cloud."


def test_a_click_on_a_category_hides_its_items_and_another_shows_them(show):
    shown = show()
    before = pixels(shown)
    legend = shown.get_by_role("group", name="Legend").get_by_role("button", name=GENRES[1])
    legend.click()
    assert legend.get_attribute("aria-pressed") == "false"
    hidden = pixels(shown)
    assert (hidden != 255).any(axis=1).sum() < 0.95 * (before != 255).any(axis=1).sum()
    left = (FILMS.colours[0].values != 1).sum()
    assert f"{left} items" in shown.locator("#detail").inner_text()
    shown.mouse.click(*spot(shown, 1))  # a hidden item cannot be taken
    assert shown.locator("#detail h2").inner_text() != FAMOUS[1]
    shown.keyboard.press("Escape")
    shown.get_by_role("button", name="Reset view").click()
    shown.get_by_role("button", name="Show all", exact=True).click()
    np.testing.assert_array_equal(pixels(shown), before)


@pytest.mark.parametrize("way", ["button", "shift"])
def test_the_lasso_lists_the_items_in_it_and_copies_their_titles(show, way):
    shown = show()
    all_places = "() => itemMap.map.titles.map((_, i) => itemMap.where(i))"
    box = shown.locator("#stage").bounding_box()
    at = np.add(shown.evaluate(all_places), (box["x"], box["y"]))
    low, high = at.min(axis=0), at.max(axis=0)
    right, bottom = low + 0.55 * (high - low)
    within = [i for i, (x, y) in enumerate(at) if x < right and y < bottom]
    if way == "button":
        shown.get_by_role("button", name="Lasso").click()
    else:
        shown.keyboard.down("Shift")
    left, top = low - 8
    shown.mouse.move(left, top)
    shown.mouse.down()
    for corner in [(right, top), (right, bottom), (left, bottom)]:
        shown.mouse.move(*corner, steps=3)
    shown.mouse.up()
    shown.keyboard.up("Shift")
    wanted = FILMS.titles[sorted(within, key=lambda i: (-FILMS.users[i], i))].tolist()
    assert 5 < len(wanted) < 200
    assert shown.locator("#detail h2").inner_text() == f"{len(wanted)} items in the lasso"
    assert shown.locator("#detail .items bdi").all_inner_texts() == wanted
    shown.context.grant_permissions(["clipboard-read", "clipboard-write"])
    shown.get_by_role("button", name=f"Copy {len(wanted)} titles").click()
    shown.get_by_text("Copied.").wait_for()
    assert shown.evaluate("() => navigator.clipboard.readText()").splitlines() == wanted


def test_dragging_moves_the_map_and_the_wheel_zooms_where_the_pointer_is(show):
    shown = show()
    x, y = spot(shown, 3)
    shown.mouse.move(x, y)
    shown.mouse.wheel(0, -200)
    shown.wait_for_function("() => itemMap.scene.scale > 1.3 * itemMap.scene.fitting()")
    np.testing.assert_allclose(spot(shown, 3), (x, y), atol=1.5)
    shown.mouse.down()
    shown.mouse.move(x + 70, y + 30, steps=4)
    shown.mouse.up()
    np.testing.assert_allclose(spot(shown, 3), (x + 70, y + 30), atol=1.5)
    assert shown.locator("#detail h2").inner_text() == "In view"  # a drag is no click
    shown.get_by_role("button", name="Reset view").click()
    np.testing.assert_allclose(spot(shown, 3), (x, y), atol=1.5)


def test_hovering_shows_a_card_of_the_item(show):
    shown = show()
    shown.mouse.move(*spot(shown, 0))
    card = shown.locator("#card")
    assert card.inner_text().split("\n") == [
        "Toy Story (1995)", "id", "1000", "genre", "Drama", "users", "5,000", "year", "1950"
    ]  # fmt: skip
    shown.mouse.move(5, 5)
    assert not card.is_visible()


def test_keys_alone_find_an_item_and_walk_on_to_its_neighbour(show):
    shown = show()
    shown.keyboard.press("Tab")
    shown.keyboard.type("fargo")
    shown.keyboard.press("Enter")
    assert shown.locator("#detail h2").inner_text() == "Fargo (1996)"
    focused = "() => document.activeElement.innerText || document.activeElement.id"
    for _ in range(40):
        shown.keyboard.press("Tab")
        if FILMS.titles[FILMS.near[2, 0]] in shown.evaluate(focused):
            break
    shown.keyboard.press("ArrowDown")
    second = FILMS.titles[FILMS.near[2, 1]]
    assert second in shown.evaluate(focused)
    shown.keyboard.press("Enter")
    assert shown.locator("#detail h2").inner_text() == second
    assert shown.evaluate(focused) == second  # the heading: the list was replaced
    assert f"{second} selected." in shown.locator("#live").inner_text()
    shown.keyboard.press("Escape")
    assert shown.evaluate(focused) == "In view"


def test_keys_move_and_zoom_the_map(show):
    shown = show()
    shown.locator("#stage").focus()
    x, y = spot(shown, 3)
    shown.keyboard.press("ArrowRight")
    np.testing.assert_allclose(spot(shown, 3), (x - 60, y), atol=0.5)
    before = shown.evaluate("() => itemMap.scene.scale")
    shown.keyboard.press("+")
    assert shown.evaluate("() => itemMap.scene.scale") == pytest.approx(1.3 * before)
    shown.keyboard.press("0")
    np.testing.assert_allclose(spot(shown, 3), (x, y), atol=0.5)


def test_suggestions_are_walked_by_arrow_keys(show):
    shown = show()
    field = shown.get_by_role("combobox").first
    field.fill("film 1")
    assert field.get_attribute("aria-expanded") == "true"
    field.press("ArrowDown")
    field.press("ArrowDown")
    active = field.get_attribute("aria-activedescendant")
    chosen = shown.locator(f"#{active} bdi").inner_text()
    assert shown.locator(f"#{active}").get_attribute("aria-selected") == "true"
    field.press("Enter")
    assert shown.locator("#detail h2").inner_text() == chosen
    assert field.get_attribute("aria-expanded") == "false"


def test_a_user_is_shown_with_recommendations_and_what_speaks_for_them(show):
    shown = show()
    shown.get_by_label("User", exact=True).select_option("196")
    one = FILMS.travellers[0]
    assert shown.locator("#detail h2").inner_text() == "User 196"
    rows = shown.locator("h3:text-is('Recommended') ~ .items").first.locator("li")
    said = [row.split("\n") for row in rows.all_inner_texts()]
    titles = FILMS.titles.tolist()
    assert said == [
        [titles[place], f"because of {titles[why]}"] if why >= 0 else [titles[place]]
        for place, why in zip(one.recommended.tolist(), one.because.tolist(), strict=True)
    ]
    assert listed(shown, "Used, the latest first") == FILMS.titles[one.history[::-1]].tolist()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("state", ["plain", "item", "search", "user"])
def test_no_serious_fault_of_accessibility(show, scheme, state):
    from axe_playwright_python.sync_playwright import Axe

    shown = show(scheme=scheme)
    if state == "item":
        shown.mouse.click(*spot(shown, 0))
    elif state == "search":
        shown.get_by_role("combobox").first.fill("film")
    elif state == "user":
        shown.get_by_label("User", exact=True).select_option("196")
    found = Axe().run(shown).response["violations"]
    serious = [one for one in found if one["impact"] in ("serious", "critical")]
    assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in serious] == []


def test_dark_is_dark(show):
    light, dark = (pixels(show(scheme=scheme)) for scheme in ("light", "dark"))
    assert np.median(light) == 255
    assert np.median(dark) < 40


def test_a_phone_does_not_scroll_sideways_and_a_tap_takes_an_item(show):
    shown = show(width=390, height=844, has_touch=True, is_mobile=True, device_scale_factor=2)
    wide = "() => document.documentElement.scrollWidth"
    assert shown.evaluate(wide) <= 390
    shown.touchscreen.tap(*spot(shown, 0))
    assert shown.locator("#detail h2").inner_text() == "Toy Story (1995)"
    assert shown.evaluate(wide) <= 390
    assert shown.locator("#honesty").is_visible()


def test_hostile_text_stays_text(show):
    shown = show(page(hostile_map()), width=390)
    assert shown.evaluate("() => document.documentElement.scrollWidth") <= 390
    assert shown.locator("h1").inner_text() == HOSTILE[0]
    assert HOSTILE[0] in shown.locator("#detail .items bdi").all_inner_texts()
    for place in (1, 2, 8, 9):
        shown.evaluate(f"() => itemMap.scene.labels.put(itemMap.map.titles[{place}], 50, 50, 5)")
        shown.get_by_role("combobox").first.fill(HOSTILE[place][:20])
        shown.keyboard.press("Enter")
        assert shown.locator("#detail h2").inner_text()[:60] == HOSTILE[place][:60]
    shown.get_by_label("User", exact=True).select_option("<b>eve</b>")
    assert shown.locator("#detail h2").inner_text() == "User <b>eve</b>"
    assert shown.locator("img, b:not(#card b), iframe, object").count() == 0
    assert shown.locator("script").count() == 3


def test_titles_of_the_most_used_items_do_not_overlap(show):
    shown = show()
    boxes = np.array(shown.evaluate("() => { itemMap.draw(); return itemMap.scene.labels.taken; }"))
    assert len(boxes) > 5
    for i, (left, top, right, bottom) in enumerate(boxes):
        others = np.delete(boxes, i, axis=0)
        apart = (
            (others[:, 0] >= right - 8)
            | (others[:, 2] <= left + 8)
            | (others[:, 1] >= bottom - 6)
            | (others[:, 3] <= top + 6)
        )
        assert apart.all()


def test_without_scripts_the_page_says_what_it_is(opened):
    shown = opened(HTML, scripts=False)
    said = shown.locator("body").inner_text()
    assert "a map of 240 items" in said
    assert "Toy Story (1995), 5,000 users" in said
    assert FILMS.layouts[0].honesty in said


def test_the_map_works_inside_a_page_with_a_policy_of_its_own(opened):
    policy = f"default-src 'none'; style-src 'unsafe-inline'; script-src {script_hashes()[0]}"
    shown = opened(
        f'<!doctype html><meta http-equiv="Content-Security-Policy" content="{policy}">'
        f"<title>around</title>{inline(FILMS)}"
    )
    frame = shown.frame_locator("iframe")
    frame.locator("body.ready").wait_for()
    frame.get_by_role("combobox", name="Search by title").fill("toy st")
    frame.get_by_role("option", name="Toy Story (1995)").click()
    assert frame.locator("#detail h2").inner_text() == "Toy Story (1995)"


def test_a_page_that_asks_for_something_is_caught(opener):
    opener("<img src='file:///nowhere.png'><script>console.log('hello')</script>")
    assert "request: file:///nowhere.png" in opener.faults
    assert "console log: hello" in opener.faults
