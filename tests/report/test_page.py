import importlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

import tastemap as tm
from tastemap.errors import UsageError
from tastemap.report import build_report, render, save_report
from tastemap.report.page import Measured
from tastemap.report.render import best_of_columns
from tastemap.report.sections import SECTIONS

rendering = importlib.import_module("tastemap.report.render")  # `render` there is the function

VOID = {"meta", "br", "wbr", "hr", "img", "input", "link"}
SHAPES = {"path", "line", "circle", "rect"}


class Page(HTMLParser):
    """Everything that a page holds: elements, attributes, what is read, and what is not closed."""

    def __init__(self, html):
        super().__init__(convert_charrefs=True)
        self.elements, self.open, self.scripts, self.read, self.unmatched = [], [], [], [], []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.unmatched.append(tag)

    def handle_data(self, data):
        if "script" in self.open:
            self.scripts.append(data)
        elif "style" not in self.open:
            self.read.append(data)

    @property
    def text(self):
        return re.sub(r"\s+", " ", " ".join(self.read))

    def attributes(self, name):
        return [attrs[name] for _, attrs in self.elements if name in attrs]


def test_the_page_is_whole_html(page):
    parsed = Page(page)
    assert page.startswith("<!doctype html>")
    assert parsed.open == []
    assert parsed.unmatched == []
    assert len(parsed.attributes("id")) == len(set(parsed.attributes("id")))


def test_the_page_loads_nothing_and_runs_nothing(page):
    parsed = Page(page)
    policies = [
        attrs["content"]
        for tag, attrs in parsed.elements
        if attrs.get("http-equiv") == "Content-Security-Policy"
    ]
    assert policies == ["default-src 'none'; style-src 'unsafe-inline'; img-src data:"]
    assert [a for _, attrs in parsed.elements for a in attrs if a.startswith("on")] == []
    assert parsed.attributes("src") == parsed.attributes("srcset") == []
    assert {tag for tag, _ in parsed.elements} & {
        "link",
        "img",
        "iframe",
        "object",
        "base",
    } == set()
    assert all(target.startswith("#") for target in parsed.attributes("href"))
    assert [attrs for tag, attrs in parsed.elements if tag == "script"] == [
        {"type": "application/json", "id": "data-json"}
    ]
    css = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    assert len(css) == 1
    assert not re.search(r"url\(|@import|https?:", css[0])


def test_links_within_the_page_arrive(page):
    parsed = Page(page)
    targets = {link[1:] for link in parsed.attributes("href")}
    assert targets <= set(parsed.attributes("id"))
    # Without a map: all sections but that one.
    assert targets == {one.name for one in SECTIONS} - {"map"}


def test_hostile_titles_stay_text(page):
    parsed = Page(page)
    tags = {tag for tag, _ in parsed.elements}
    assert {"script", "img", "b", "i"} & tags <= {"script", "b"}  # "b" is our own caption
    assert "<script>alert(1)</script>" in parsed.text
    assert '"><img src=x onerror=alert(1)>' in parsed.text
    assert "</script><b>bold</b>" in parsed.text
    assert "{{ 7 * 7 }} {% raw %}" in parsed.text
    assert "<!-- & &amp; -->" in parsed.text
    assert "<i>title</i>" in parsed.text
    assert 'tastemap run "a&b.csv"' in parsed.text
    assert "<b>a note</b>" in parsed.text
    assert "\u202e" not in page
    assert "\x00" not in page
    page.encode("utf-8")


def test_titles_are_kept_apart_from_the_direction_of_the_page(page):
    assert "<bdi>مرحبا بالعالم" in page


def test_very_long_titles_are_cut(page):
    assert "x" * 79 + "…" in page
    assert "x" * 81 not in page


def test_the_page_is_also_data(page, report):
    (block,) = Page(page).scripts
    assert json.loads(block) == report.to_json()
    assert "<" not in block


def test_every_picture_is_well_formed_and_named(page):
    pictures = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
    # Four of the data (its weights are all 1), the split, the ladder, two over k, ROC, one of
    # ALS, two of BPR, three of who is served, health.
    assert len(pictures) == 15
    for picture in pictures:
        tree = ElementTree.fromstring(picture)
        assert tree.get("role") == "img"
        assert tree.get("aria-label")
        assert SHAPES & {one.tag for one in tree.iter()}


def test_the_verdict_and_the_sections_can_be_read(page, report):
    text = Page(page).text
    assert report.verdict.sentence in text
    assert "✓ Better than Popularity" in text
    for said in (
        "The doctor found",
        "rules could judge the run of",
        "What is in the data",
        "How the log was cut",
        "Held-out items against all others",
        "Who is served",
        "Beyond accuracy",
        "Health of the item vectors",
        "The models side by side",
        "Longer and shorter lists",
        "How training went",
        "10 users as people",
        "How to get the same numbers again",
    ):
        assert said in text
    for row in report.rows:
        assert row.name in text
    assert text.count("yardstick") >= 2
    for one in report.people:
        assert f"{one.found} of" in text
    assert report.origin.fingerprint in text
    assert "leave_last_out(validation=True)" in text


def test_figures_that_are_read_have_at_most_four_significant_digits(page):
    before = page.partition('<section id="reproduce"')[0]
    decimals = re.findall(r"(?<![\w.=])\d[\d,]*\.\d+", Page(before).text)
    assert len(decimals) > 100
    for one in decimals:
        assert len(one.replace(",", "").replace(".", "").lstrip("0")) <= 4, one


def test_the_best_of_a_column_is_marked_by_more_than_colour_and_chance_is_left_aside(report):
    def row(name, role, ndcg, coverage):
        test = {"ndcg@10": Measured(ndcg, 0.1, 9), "coverage@10": Measured(coverage, None, 9)}
        return replace(report.row("EASE"), name=name, role=role, test=test)

    rows = (
        row("A", "chosen", 0.4, 0.2),
        row("B", "model", 0.3, 0.5),
        row("Random", "yardstick", 0.01, 0.99),
    )
    assert best_of_columns(replace(report, rows=rows)) == {"ndcg@10": "A", "coverage@10": "B"}


def test_a_star_stands_in_the_row_of_the_best(page, report):
    best = max(report.rows, key=lambda row: row.test["ndcg@10"].mean or 0).name
    line = next(part for part in page.split("<tr class") if f'row">{best}' in part)
    assert "best: " in line
    assert "★" in line


@pytest.mark.parametrize(
    ("outcome", "stamp"),
    [
        ("open", "≈ Not clearly better than the yardsticks"),
        ("worse", "✗ Worse than Popularity"),
        ("none", "No model to judge"),
    ],
)
def test_a_verdict_that_is_no_win_is_stamped_as_such(report, outcome, stamp):
    changed = replace(report, verdict=replace(report.verdict, outcome=outcome))
    assert stamp in Page(render(changed)).text


def test_a_log_without_times_titles_curves_or_validation_makes_a_page(executed):
    log = tm.synthetic.noise(users=40, items=30, per_user=6)
    log = replace(log, time=None, table=None)
    split = tm.random_split(log)
    runs = executed([tm.EASE()], split, ["ndcg@1"])
    report = build_report(runs, split, log, metric="ndcg@1", people=2)
    parsed = Page(render(report))
    assert parsed.unmatched == []
    assert "none are invented" in parsed.text
    assert "None" not in parsed.text
    assert "nan" not in parsed.text.lower().split()
    assert {"at-k", "training"} & set(parsed.attributes("id")) == set()


def test_a_thousand_users_and_endless_titles_stay_under_400_kb(executed, titled, tmp_path):
    log = tm.synthetic.taste_groups(users=1000, items=200, per_user=30, seed=4)
    titles = [f"{n} " + mark * 10_000 for n, mark in enumerate("\"<&'é👩x")]
    log = titled(log, titles)
    split = tm.leave_last_out(log)
    recipes = [tm.Random(), tm.Popularity(), tm.ItemKNN(), tm.EASE(), tm.SVD(factors=8)]
    recipes += [tm.ALS(factors=8, epochs=4, show_loss=True), tm.BPR(factors=8, epochs=4)]
    path = save_report(build_report(executed(recipes, split), split, log), tmp_path / "r.html")
    assert path.stat().st_size < 400_000
    assert len(Page(path.read_text(encoding="utf-8")).elements) > 500


def test_a_report_is_written_where_asked_and_replaces_an_older_one(report, tmp_path):
    path = tmp_path / "new" / "report.html"
    assert save_report(report, str(path)) == path
    path.write_text("old")
    save_report(report, path)
    assert path.read_text(encoding="utf-8") == render(report)
    assert list(path.parent.iterdir()) == [path]


def test_a_write_that_fails_leaves_the_older_report(report, tmp_path, monkeypatch):
    path = tmp_path / "report.html"
    path.write_text("old")

    def broken(*_):
        raise OSError("disk full")

    monkeypatch.setattr("os.replace", broken)
    with pytest.raises(OSError, match="disk full"):
        save_report(report, path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_is_no_place_for_a_report(report, tmp_path):
    with pytest.raises(UsageError, match=r"is a folder\n.*name of a file\n.*report\.html"):
        save_report(report, tmp_path)


def test_templates_that_are_kept_damaged_or_cannot_be_kept_give_the_same_page(
    report, tmp_path, monkeypatch
):
    expected = render(report)

    def page(folder):
        monkeypatch.setattr(rendering, "kept_in", lambda: folder)
        rendering._template.cache_clear()
        return render(report)

    try:
        assert page(tmp_path) == expected
        kept = list(tmp_path.glob("template-*.cache"))
        assert kept
        assert page(tmp_path) == expected
        for file in kept:
            file.write_bytes(file.read_bytes()[:-20])
        assert page(tmp_path) == expected
        assert page(tmp_path / "gone") == expected
        assert page(None) == expected
    finally:
        rendering._template.cache_clear()
