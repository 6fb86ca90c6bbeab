"""Time and memory against size: from Parquet to saved recommendations, one million to a hundred.

    python benchmarks/growth.py                    up to 100 million interactions, and the picture
    python benchmarks/growth.py --rows 0 1 2       1, 3 and 10 million

Invented logs (expand.grow), a hundred interactions a user, 20,000 items; 64 factors. Every size
runs in a process of its own, which times its stages. The picture is docs/growth.svg.
"""

import json
import math
import sys
import tempfile
import time
from pathlib import Path

import contest
import logs
import page
import picture

TABLE = [1_000_000, 3_000_000, 10_000_000, 30_000_000, 100_000_000]
STAGES = ["read", "fit", "recommend", "write"]
EPOCHS = 5
PICTURE = page.PAGE.parent / "growth.svg"
COLUMNS = ["interactions", *STAGES, "together", "each doubling", "peak memory"]


def job(source: str, target: str) -> None:
    """What a size's process does: the stages, timed; prints them."""
    import tastemap as tm

    marks = [time.perf_counter()]

    def mark() -> None:
        marks.append(time.perf_counter())

    log = tm.read(source, quiet=True)
    mark()
    recipe = tm.ALS(factors=64, alpha=2, alpha0=None, reg_power=0, epochs=EPOCHS)
    model = recipe.fit(log, seed=1)
    mark()
    table = model.recommend(k=10)
    mark()
    table.write(target)
    mark()
    taken = {name: b - a for name, a, b in zip(STAGES, marks, marks[1:], strict=False)}
    Path(target).with_suffix(".json").write_text(json.dumps(taken | {"events": len(log)}))


def measure(events: int, folder: Path) -> dict:
    """Run one size in a process of its own: stages, seconds and peak memory."""
    out = folder / "lists.parquet"
    command = [sys.executable, __file__, "job", logs.grown(events), out]
    found = contest.run_fresh(command, "tastemap")
    stages = json.loads(out.with_suffix(".json").read_text())
    out.unlink()
    return found | stages | {"stages": sum(stages[name] for name in STAGES)}


def draw() -> None:
    """The picture, from what is kept."""
    rows = page.load().get("growth", {}).get("rows", {}).values()
    points = sorted((row["events"], row["seconds"], row["peak"]) for row in rows)
    if points:
        PICTURE.write_text(picture.growth(points), encoding="utf-8")


def main() -> None:
    """Measure the sizes asked for, smallest first, and draw."""
    asked = page.options(__doc__, pairs=1).parse_args()
    if asked.quick:
        asked.rows = [0]
    report = page.Report(
        "growth",
        "Growth",
        "![Seconds and memory against the number of interactions](growth.svg)\n\n"
        f"Invented logs, a hundred interactions a user, 20,000 items: read from Parquet, ALS with "
        f"64 factors and {EPOCHS} iterations, ten recommendations for everybody, saved. *Each "
        "doubling* is what a doubling of the interactions costs, from the row above to this one.",
        COLUMNS,
        keep=not asked.quick,
    )
    kept = page.load().get("growth", {}).get("rows", {}).values()
    before = {row["events"]: row["seconds"] for row in kept}
    with tempfile.TemporaryDirectory(prefix="tastemap-bench-", dir=logs.LOGS.parent) as folder:
        few = logs.grown(20_000)  # loads compiled code, so that no size pays for compiling
        contest.run_fresh(
            [sys.executable, __file__, "job", few, Path(folder) / "few.parquet"], "tastemap"
        )
        for _, events in page.chosen(TABLE, asked.rows):
            found = measure(events, Path(folder))
            before[events] = found["stages"]
            smaller = [one for one in TABLE if one < events and one in before]
            doubling, targets = "", []
            if smaller:
                doublings = math.log2(events / smaller[-1])
                cost = (before[events] / before[smaller[-1]]) ** (1 / doublings)
                doubling = f"× {cost:.2f}"
                heading = f"{smaller[-1] // 10**6} to {events // 10**6} million: each doubling"
                targets = [page.Target(heading, "growth", cost, at_most=2.15)]
            cells = [
                f"{found['events']:,}",
                *(contest.seconds(found[name]) for name in STAGES),
                contest.seconds(found["stages"]),
                doubling,
                f"{found['peak'] / 2**30:.2f} GB",
            ]
            if events == TABLE[-1]:
                fits = page.Target(
                    "100 million, Parquet to lists: memory", "growth",
                    found["peak"] / 2**30, at_most=24, unit="GB",
                )  # fmt: skip
                targets.append(fits)
            facts = {"events": events, "seconds": found["stages"], "peak": found["peak"]}
            report.add(f"{events:012}", cells, targets, **facts)
            if not asked.quick:
                draw()


if __name__ == "__main__":
    if sys.argv[1:2] == ["job"]:
        job(*sys.argv[2:])
    else:
        main()
