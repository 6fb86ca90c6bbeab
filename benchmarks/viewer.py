"""Milliseconds a frame of the interactive map while it is moved and zoomed, in headless Chromium.

    python benchmarks/viewer.py                      100,000 and 500,000 items
    python benchmarks/viewer.py --items 10000        another size

Chromium draws without a graphics card and as fast as it can. `drawing` is what the page's script
takes for a frame; `frame` is from one frame to the next, with everything that the browser does to
bring it onto the screen. The window has 1280 x 800 pixels.
"""

import argparse
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np
import page

from tastemap.maps import viewer
from tastemap.maps.item_map import Colour, Fidelity, ItemMap, Layout, Shape
from tastemap.seeding import stream

GROUPS = 60
FRAMES = 120
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-frame-rate-limit", "--disable-gpu-vsync"]
MOVE = """async (frames) => {
  const { scene } = itemMap;
  const spent = [], apart = [];
  let last = 0;
  for (let i = 0; i < frames; i++) {
    const now = await new Promise((done) => requestAnimationFrame(done));
    if (last) apart.push(performance.now() - last);
    last = performance.now();
    if (i % 2) scene.pan(Math.sin(i / 9) * 12, Math.cos(i / 9) * 12);
    else scene.zoom(i % 60 < 30 ? 1.04 : 1 / 1.04);
    const began = performance.now();
    scene.draw();
    spent.push(performance.now() - began);
    scene.waiting = true; // the frame that this change asked for has been drawn
  }
  return { spent, apart };
}"""


def world(n: int) -> ItemMap:
    """Items in groups of different sizes, coloured by group and by use."""
    rng = stream(0, "benchmark", "viewer")
    group = (GROUPS * rng.random(n) ** 2).astype(np.int32)
    centres = rng.standard_normal((GROUPS, 2)) * 6
    xy = (centres[group] + rng.standard_normal((n, 2))).astype(np.float32)
    users = rng.geometric(0.002, n).astype(np.int64)
    layout = Layout("t-SNE", xy, Fidelity(10, 0.3, 0.9, 0.9, n), Shape("cloud", "Invented.", {}))
    return ItemMap(
        title=f"{n:,} invented items",
        ids=np.arange(n, dtype=np.int64),
        titles=np.array([f"Item {i}" for i in range(n)], dtype=object),
        users=users,
        vectors=np.zeros((n, 2), dtype=np.float32),
        similarity="cosine",
        near=rng.integers(0, n, (n, 10)).astype(np.int32),
        likeness=rng.random((n, 10)).astype(np.float32),
        layouts=(layout,),
        colours=(
            Colour("group", "category", group, tuple(f"group {i}" for i in range(GROUPS))),
            Colour("users", "count", users.astype(np.float32)),
        ),
    )


def measured(browser, path: Path) -> dict:
    """Milliseconds of each frame, and the seconds from opening the file to the first picture."""
    shown = browser.new_page(viewport={"width": 1280, "height": 800})
    start = time.perf_counter()
    shown.goto(path.as_uri())
    shown.wait_for_function("() => globalThis.itemMap", timeout=60_000)
    ready = time.perf_counter() - start
    shown.evaluate(MOVE, FRAMES // 4)  # warm up
    found = shown.evaluate(MOVE, FRAMES)
    shown.close()
    return found | {"ready": ready}


def main() -> None:
    """Measure and print."""
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--items", type=int, nargs="+", default=[100_000, 500_000])
    asked = parser.parse_args()
    names = ("chromium", "google-chrome", "chromium-browser")
    path = next(path for name in names if (path := shutil.which(name)))
    report = page.Report(
        "viewer",
        "Frames of the interactive map",
        " ".join(__doc__.split("\n\n")[2].split()),
        ["items", "file", "opens in", "drawing", "95 %", "frame", "95 %"],
    )
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        for n in asked.items:
            file = Path(folder) / f"{n}.html"
            file.write_text(viewer.page(world(n)), encoding="utf-8", newline="\n")
            found = measured(browser, file)
            frames = [
                f"{at:.1f} ms"
                for key in ("spent", "apart")
                for at in np.quantile(found[key], [0.5, 0.95])
            ]
            frame = float(np.median(found["apart"]))
            target = page.Target(f"a frame of {n:,} items", "maps", frame, at_most=16, unit="ms")
            size = f"{file.stat().st_size / 1e6:.1f} MB"
            report.add(
                f"{n:09}",
                [f"{n:,}", size, f"{found['ready']:.1f} s", *frames],
                [target] if n == 100_000 else [],
            )
        browser.close()


if __name__ == "__main__":
    main()
