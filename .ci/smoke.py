"""Use a built wheel as somebody would who has only the wheel: no repository, an empty folder.

Run by the Python of a clean environment: python .ci/smoke.py dist/tastemap-0.1.0-py3-none-any.whl
"""

import csv
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

SNIPPET = """
import sys
import numpy as np
import tastemap as tm

where = tm.__file__
assert where.startswith(sys.prefix), where

log = tm.synthetic.taste_groups(seed=1)
split = tm.leave_last_out(log)
model = tm.ALS(factors=8, epochs=5).fit(split.train, seed=42)
user = split.train.users.ids.tolist()[0]
table = model.recommend([user], k=5)
assert table.n_rows == 5, table
model.save("model")
again = tm.load("model")
histories = split.train.histories()
assert np.array_equal(again.score(histories), model.score(histories))
print(f"ALS from {where}: the saved model scores like the fitted one, bit for bit")
"""


def run(*command, folder, environment):
    """Run a command, show it with its seconds, return what it wrote to stdout."""
    start = time.perf_counter()
    done = subprocess.run(
        [str(part) for part in command], cwd=folder, env=environment, capture_output=True, text=True
    )
    shown = " ".join([Path(command[0]).name, *map(str, command[1:])]).replace(SNIPPET, "(snippet)")
    print(
        f"  exit {done.returncode}  {time.perf_counter() - start:6.2f} s  {shown[:100]}", flush=True
    )
    if done.returncode:
        sys.exit(f"{shown} ended with {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done.stdout


def write_log(path):
    """A small log of two tastes: even users like even items, odd users odd ones."""
    draw = random.Random(1)
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["user", "item", "rating", "timestamp"])
        for user in range(60):
            for at, item in enumerate(draw.sample(range(user % 2, 60, 2), 12)):
                rows.writerow([f"u{user}", f"i{item}", draw.randint(3, 5), 1_700_000_000 + at])


def check_content(wheel):
    """The wheel holds the package and its licence, and no data."""
    names = zipfile.ZipFile(wheel).namelist()
    assert "tastemap/__init__.py" in names
    assert "tastemap/py.typed" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    strange = [name for name in names if not name.startswith(("tastemap/", "tastemap-"))]
    assert not strange, strange
    assert not any("ml-100k" in name or name.endswith((".data", ".npz")) for name in names)


def main(wheel):
    """Install the wheel into the environment of this Python and use it."""
    check_content(wheel)
    print(f"smoke run of {wheel.name} with {sys.executable}", flush=True)
    binaries = Path(sys.executable).parent
    tastemap, python = binaries / "tastemap", Path(sys.executable)
    environment = {name: v for name, v in os.environ.items() if not name.startswith("PYTHON")}
    folder = Path(tempfile.mkdtemp(prefix="tastemap-smoke-"))

    def here(*command):
        return run(*command, folder=folder, environment=environment)

    try:
        here(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", wheel)
        assert "Usage" in here(tastemap, "--help")
        doctor = json.loads(here(tastemap, "doctor", "--json"))
        assert isinstance(doctor, dict)
        print(here(python, "-c", SNIPPET).strip())
        write_log(folder / "log.csv")
        assert json.loads(here(tastemap, "run", "log.csv", "--out", "out", "--json"))
        assert (folder / "out" / "report.html").stat().st_size > 0, "no report"
        demo = here(tastemap, "demo", "--out", "demo")  # on an invented world without a network
        assert "vs Popularity" in demo, demo
        assert (folder / "demo" / "recommendations.parquet").stat().st_size > 0, "no lists"
    finally:
        shutil.rmtree(folder)
    print("smoke run passed", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
