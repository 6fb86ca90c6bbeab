"""Write docs/map-*.png, the map of the invented world: python docs/map_pictures.py

Light, dark, on a phone, and with an item taken. Needs Chromium on the PATH (Debian: apt-get
install chromium) and the packages of the tests.
"""

import shutil
import sys
import tempfile
from pathlib import Path

import tastemap as tm
from tastemap.maps.draw import item_map
from tastemap.maps.item_map import ItemMap
from tastemap.maps.travel import with_users
from tastemap.maps.viewer import page

FOLDER = Path(__file__).parent
WINDOW = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}
PICTURES = {
    "light": {"viewport": WINDOW},
    "dark": {"viewport": WINDOW, "color_scheme": "dark"},
    "phone": {"viewport": PHONE, "device_scale_factor": 2, "has_touch": True},
    "item": {"viewport": WINDOW},
}
TAKE = "() => document.querySelector('#detail .items button').click()"


def drawn() -> ItemMap:
    """The films of the invented club as ALS sees them, with three of its members."""
    world = tm.synthetic.demo_world(seed=0)
    model = tm.ALS(factors=32).fit(world, seed=0)
    return with_users(item_map(model, seed=0), model, world.users.ids[:3].tolist())


def main() -> None:
    """Draw the map, open it four times, take the pictures."""
    from playwright.sync_api import sync_playwright

    names = ("chromium", "google-chrome", "chromium-browser")
    found = next((path for name in names if (path := shutil.which(name))), None)
    if found is None:
        sys.exit("no chromium on the PATH: apt-get install chromium")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        file = Path(folder) / "map.html"
        file.write_text(page(drawn()), encoding="utf-8", newline="\n")
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        for name, options in PICTURES.items():
            shown = browser.new_page(reduced_motion="reduce", **options)
            shown.goto(file.as_uri())
            shown.wait_for_function("() => globalThis.itemMap")
            if name == "item":
                shown.evaluate(TAKE)
            shown.wait_for_timeout(400)  # the list of what is in view follows the view
            shown.screenshot(path=FOLDER / f"map-{name}.png")
        browser.close()


if __name__ == "__main__":
    main()
