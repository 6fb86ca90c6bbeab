"""The run report in a real browser."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

import tastemap as tm
from drawn import HOSTILE, drawn_map, hostile_map
from tastemap.data.interactions import ItemTable
from tastemap.report import build_report, render
from tastemap.report.item_map_part import map_part
from tastemap.report.sections import SECTIONS


@cache
def report_of(hostile=False):
    """A report of a small world with a map, in which everything is shown."""
    log = tm.synthetic.taste_groups(users=120, items=80, seed=1)
    if hostile:
        titles = np.array([HOSTILE[i % len(HOSTILE)] for i in range(80)], dtype=object)
        labels = tuple((HOSTILE[i % 4],) for i in range(80))
        log = replace(log, table=ItemTable(titles, labels)).noted(*HOSTILE)
    split = tm.leave_last_out(log)
    metrics = ["ndcg@10", "recall@10", "hit_rate@10", "auc", "coverage@10"]
    recipes = [tm.Popularity(), tm.EASE(), tm.SVD(factors=8), tm.BPR(factors=8, epochs=6)]
    runs = [tm.execute(one, split, seed=1, metrics=metrics) for one in recipes]
    told = build_report(runs, split, log, title=HOSTILE[0] if hostile else "A small world")
    item_map = hostile_map() if hostile else drawn_map()
    return replace(told, map=map_part(item_map), item_map=item_map)


@cache
def html(hostile=False):
    return render(report_of(hostile))


def seen(page):
    """Anchors of the sections that have a height."""
    return page.evaluate(
        "() => [...document.querySelectorAll('main > section')]"
        ".filter(one => one.getBoundingClientRect().height > 40).map(one => one.id)"
    )


ALL = [one.name for one in SECTIONS]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_complains_of_nothing_asks_for_nothing_and_draws_its_map(opened, scheme):
    page = opened(html(), scheme=scheme)
    assert seen(page) == ALL
    frame = page.frame_locator("#map iframe")
    page.locator("#map").scroll_into_view_if_needed()
    frame.locator("body.ready").wait_for()
    frame.get_by_role("combobox", name="Search by title").fill("toy st")
    frame.get_by_role("option", name="Toy Story (1995)").click()
    assert frame.locator("#detail h2").inner_text() == "Toy Story (1995)"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_passes_axe_without_serious_violations(opened, scheme):
    from axe_playwright_python.sync_playwright import Axe

    # The viewer's own page is examined by its own tests.
    page = opened(render(replace(report_of(), item_map=None, map=None)), scheme=scheme)
    page.evaluate("() => document.querySelectorAll('details').forEach(one => one.open = true)")
    found = Axe().run(page).response["violations"]
    grave = [one for one in found if one["impact"] in ("serious", "critical")]
    assert [(one["id"], [n["html"][:120] for n in one["nodes"]][:3]) for one in grave] == []


@pytest.mark.parametrize("hostile", [False, True])
@pytest.mark.parametrize("width", [390, 320])
def test_a_phone_does_not_scroll_sideways(opened, hostile, width):
    page = opened(html(hostile), width=width, height=844)
    page.evaluate("() => document.querySelectorAll('details').forEach(one => one.open = true)")
    assert page.evaluate("() => document.documentElement.scrollWidth") <= width


def test_hostile_titles_stay_text(opened):
    page = opened(html(hostile=True))
    assert page.title() == "<script>alert(1)</script>"
    assert "<script>alert(1)</script>" in page.locator("h1").inner_text()
    inside = page.locator("main script, main img, main b b, main iframe iframe")
    assert inside.count() == 0
    assert "<script>alert(1)</script>" in page.locator("#people").inner_text()


def test_paper_shows_every_section_with_details_open_and_the_map_as_a_picture(opened):
    page = opened(html())
    assert not page.locator(".map-still").is_visible()
    assert not page.locator("#findings details dl").first.is_visible()
    page.emulate_media(media="print")
    assert seen(page) == ALL
    assert page.locator(".map-still svg").is_visible()
    assert not page.locator("#map iframe").is_visible()
    assert page.locator("#findings details dl").first.is_visible()
    assert page.locator("#health details dl").is_visible()
    assert page.pdf(format="A4")[:4] == b"%PDF"


def test_nothing_but_the_map_needs_a_script(opened):
    page = opened(html(), scripts=False)
    for name in ALL:
        assert page.locator(f"#{name}").is_visible()
    assert page.locator(".map-still svg").is_visible()
    assert not page.locator("#map iframe").is_visible()
    page.locator("#findings summary").first.click()
    assert page.locator("#findings details dl").first.is_visible()


def test_labels_of_charts_do_not_leave_their_picture(opened):
    page = opened(html())
    outside = page.evaluate(
        """() => [...document.querySelectorAll('main svg')].flatMap(svg => {
             const frame = svg.getBoundingClientRect();
             return [...svg.querySelectorAll('text')]
               .filter(one => { const box = one.getBoundingClientRect();
                 return box.left < frame.left - 2 || box.right > frame.right + 2; })
               .map(one => svg.getAttribute('aria-label') + ': ' + one.textContent); })"""
    )
    assert outside == []


def test_labels_of_a_chart_do_not_lie_on_each_other(opened):
    page = opened(html())
    meeting = page.evaluate(
        """() => [...document.querySelectorAll('main svg')].flatMap(svg => {
             const found = [...svg.querySelectorAll('text')].map(one =>
               [one.textContent, one.getBoundingClientRect()]).filter(one => one[1].width > 0);
             const met = [];
             found.forEach(([a, p], i) => found.slice(i + 1).forEach(([b, q]) => {
               if (p.left < q.right - 1 && q.left < p.right - 1
                   && p.top < q.bottom - 4 && q.top < p.bottom - 4)
                 met.push(svg.getAttribute('aria-label') + ': ' + a + ' / ' + b); }));
             return met; })"""
    )
    assert meeting == []
