"""Write docs/report.png, the report of the invented world: python docs/screenshot.py

Needs Chromium on the PATH (Debian: apt-get install chromium).
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import tastemap as tm
from tastemap.story import tell

PICTURE = Path(__file__).with_name("report.png")
OPTIONS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --hide-scrollbars "
    "--disable-background-networking --disable-component-update --disable-sync"
).split()


def main() -> None:
    """Run the job, open its report, take the picture."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        sys.exit("no chromium on the PATH: apt-get install chromium")
    with tempfile.TemporaryDirectory() as folder:
        world = tm.synthetic.demo_world(seed=0)
        story = tell(world, folder, title="An invented film club", command="tastemap demo")
        page = story.files["report"].as_uri()
        where = [f"--user-data-dir={folder}/browser", f"--screenshot={PICTURE}"]
        subprocess.run([browser, *OPTIONS, *where, "--window-size=1100,2150", page], check=True)


if __name__ == "__main__":
    main()
