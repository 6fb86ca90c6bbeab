"""Start-up: importing, compiling at first use, loading what was compiled.

    python benchmarks/startup.py

First use is measured with an empty cache of compiled code (NUMBA_CACHE_DIR), as after an
installation: the whole of `tastemap run` on a tiny log, which calls every kernel that a run needs,
once and once again in one process, after everything has been imported. What the first call costs
more than the second is compiling (empty cache) or loading (full cache).
"""

import contextlib
import importlib
import itertools
import json
import pkgutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import contest
import numpy as np
import page

COLUMNS = ["what", "seconds", "lowest to highest"]


def job(folder: str, libraries: str) -> None:
    """Tell the story of a tiny log twice and print both durations, and what was imported."""
    start = time.perf_counter()
    import tastemap as tm
    from tastemap.story import tell

    log = tm.synthetic.taste_groups(users=120, items=60, per_user=14)
    for module in pkgutil.walk_packages(tm.__path__, "tastemap."):  # imports are another row
        if "__main__" not in module.name:
            importlib.import_module(module.name)
    for name in filter(None, libraries.split(",")):  # so are those of libraries, loaded when used
        with contextlib.suppress(Exception):
            importlib.import_module(name)
    before = set(sys.modules)
    marks = [start, time.perf_counter()]
    for name in ("first", "second"):
        tell(log, Path(folder) / name)
        marks.append(time.perf_counter())
    imports, first, second = np.diff(marks)
    found = {"imports": imports, "first": first, "second": second}
    print(json.dumps(found | {"loaded": sorted(set(sys.modules) - before)}))


def story(cache: str, libraries: list[str]) -> dict:
    """The job in a process of its own, with this folder of compiled code."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        done = subprocess.run(
            [sys.executable, __file__, "job", folder, ",".join(libraries)],
            env=contest.environment_of("tastemap") | {"NUMBA_CACHE_DIR": cache},
            stdout=subprocess.PIPE,
            check=True,
        )
        found = json.loads(done.stdout.splitlines()[-1])
        return found | {"process": time.perf_counter() - start}


def imported(what: str) -> float:
    """Seconds to import something in a new interpreter, that interpreter's start left out."""
    code = f"import time; a = time.perf_counter(); {what}; print(time.perf_counter() - a)"
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, check=True)
    return float(done.stdout)


def main() -> None:
    """Measure and write."""
    asked = page.options(__doc__).parse_args()
    pairs = 1 if asked.quick else asked.pairs
    report = page.Report(
        "start-up",
        "Start-up",
        " ".join(__doc__.split("\n\n")[2].split()),
        COLUMNS,
        keep=not asked.quick,
    )

    numbers = itertools.count()

    def add(heading: str, values: list[float], bound: float | None = None, unit: str = "s"):
        middle = contest.Spread.of(values)
        scale = 1000 if unit == "ms" else 1
        target = [page.Target(heading, "", middle.median * scale, at_most=bound, unit=unit)]
        cells = [heading, *map(contest.seconds, (middle.median, middle.lowest, middle.highest))]
        cells = [*cells[:2], " to ".join(cells[2:])]
        report.add(f"{next(numbers)}", cells, target if bound else [])

    add("`import tastemap`", [imported("import tastemap") for _ in range(2 * pairs)], 150, "ms")
    add("`import tastemap.kernels.als` (numba itself)",
        [imported("import tastemap.kernels.als") for _ in range(pairs)])  # fmt: skip
    fresh, later = [], []
    with tempfile.TemporaryDirectory() as cache:
        libraries = story(cache, [])["loaded"]
    for _ in range(min(pairs, 3)):
        with tempfile.TemporaryDirectory() as cache:
            fresh.append(story(cache, libraries))
            later += [story(cache, libraries) for _ in range(2)]
    add("first use: compiling everything that `tastemap run` needs",
        [one["first"] - one["second"] for one in fresh], 12)  # fmt: skip
    add("later use: loading it", [one["first"] - one["second"] for one in later], 0.3)
    add("the same run once more in the process", [one["second"] for one in fresh + later])


if __name__ == "__main__":
    if sys.argv[1:2] == ["job"]:
        job(*sys.argv[2:])
    else:
        main()
