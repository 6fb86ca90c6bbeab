"""Write the pictures of report and map in this folder: python docs/screenshot.py

Report and map of the invented world, light, dark and on a phone: report.png, report-dark.png,
report-phone.png, map.png, map-dark.png, map-phone.png. Needs the extras `maps` and `test`, and
Chromium on the PATH (Debian: apt-get install chromium).
"""

import shutil
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

import tastemap as tm
from tastemap.maps.draw import item_map
from tastemap.maps.item_map import ItemMap
from tastemap.report import render
from tastemap.report.item_map_part import map_part
from tastemap.story import tell

FOLDER = Path(__file__).parent
LOOKS: dict[str, tuple[dict[str, int], str, str]] = {
    "": ({"width": 1240, "height": 1700}, "light", ""),
    "-dark": ({"width": 1240, "height": 1250}, "dark", "comparison"),
    "-phone": ({"width": 390, "height": 1250}, "light", "served"),
}
"""How the report is looked at: the window, the scheme, and the section that comes first."""
MAP_LOOKS: dict[str, tuple[dict[str, int], str, str]] = {
    "": ({"width": 1200, "height": 760}, "light", ""),
    "-dark": ({"width": 1200, "height": 760}, "dark", "neighbours"),
    "-phone": ({"width": 390, "height": 844}, "light", ""),
}
"""The same for the map; "neighbours" shows those of the most used item, else labels colour all."""


def main() -> None:
    """Run the job, open its report and its map, take the pictures."""
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        sys.exit("no chromium on the PATH: apt-get install chromium")
    with tempfile.TemporaryDirectory() as folder:
        world = tm.synthetic.demo_world(seed=0)
        story = tell(world, folder, title="An invented film club", command="tastemap demo")
        drawn = item_map(next(run.model for run in story.runs if run.name == "BPR"))
        report = replace(story.report, map=map_part(drawn), item_map=drawn)
        pages = {
            "report": _written(Path(folder) / "r.html", render(report)),
            "map": drawn.save(Path(folder) / "m.html"),
        }
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
            _pictures(browser, "report", pages["report"], LOOKS)
            _pictures(browser, "map", pages["map"], MAP_LOOKS, _most_used(drawn))
            browser.close()


def _written(path: Path, html: str) -> Path:
    path.write_text(html, encoding="utf-8")
    return path


def _most_used(drawn: ItemMap) -> str:
    assert drawn.users is not None
    return str(drawn.titles[drawn.users.argmax()])


def _pictures(
    browser: Browser,
    name: str,
    path: Path,
    looks: Mapping[str, tuple[dict[str, int], str, str]],
    title: str = "",
) -> None:
    for look, (window, scheme, shown) in looks.items():
        page = browser.new_page(viewport=window, color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
        page.goto(path.as_uri())
        if title:
            _show(page, title if shown else "")
        elif shown:
            page.evaluate(f"document.getElementById('{shown}').scrollIntoView()")
        page.screenshot(path=FOLDER / f"{name}{look}.png")
        page.close()


def _show(page: Page, title: str) -> None:
    """Find an item and show its neighbours in the map; without a title colour all by label."""
    page.wait_for_selector("body.ready")
    if title:
        page.get_by_role("combobox", name="Search by title").fill(title[:12])
        page.get_by_role("option", name=title).click()
    else:
        page.get_by_label("Colour").first.select_option("label")
    page.wait_for_timeout(500)


if __name__ == "__main__":
    main()
