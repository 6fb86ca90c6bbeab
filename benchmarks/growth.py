"""Time and memory against size: from Parquet to saved recommendations, one million to a hundred.

    python benchmarks/growth.py                    up to 100 million interactions, and the picture
    python benchmarks/growth.py --rows 0 1 2       1, 3 and 10 million; one alone has no doubling

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
import numpy as np
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
    asked = page.options(__doc__, pairs=3).parse_args()
    if asked.quick:
        asked.rows, asked.pairs = [0], 1
    report = page.Report(
        "growth",
        "Growth",
        "![Seconds and memory against the number of interactions](growth.svg)\n\n"
        f"Invented logs, a hundred interactions a user, 20,000 items: read from Parquet, ALS with "
        f"64 factors and {EPOCHS} iterations, ten recommendations for everybody, saved. *Each "
        "doubling* is what a doubling of the interactions costs, from the row above to this one. "
        "Sizes are run in turns, smallest first, several rounds: medians, and the costs of the "
        "rounds, lowest to highest.",
        COLUMNS,
        keep=not asked.quick,
    )
    sizes = [events for _, events in page.chosen(TABLE, asked.rows)]
    with tempfile.TemporaryDirectory(prefix="tastemap-bench-", dir=logs.LOGS.parent) as folder:
        few = logs.grown(20_000)  # loads compiled code, so that no size pays for compiling
        contest.run_fresh(
            [sys.executable, __file__, "job", few, Path(folder) / "few.parquet"], "tastemap"
        )
        rounds: list[dict[int, dict]] = []
        for _ in range(asked.pairs):  # rows are written after each round: it may be the last
            rounds.append({events: measure(events, Path(folder)) for events in sizes})
            for smaller, events in zip([None, *sizes[:-1]], sizes, strict=True):
                add(report, [one[events] for one in rounds], [one.get(smaller) for one in rounds])
            if not asked.quick:
                draw()


def add(report: page.Report, found: list[dict], smaller: list[dict | None]) -> None:
    """A row: medians over the rounds, and what a doubling cost in each since the smaller size."""
    middle = {name: float(np.median([one[name] for one in found])) for name in found[0]}
    events = int(middle["events"])
    doubling, targets = "", []
    if smaller[0]:
        costs = contest.Spread.of(
            [
                (one["stages"] / less["stages"]) ** (1 / math.log2(events / less["events"]))
                for one, less in zip(found, smaller, strict=True)
            ]
        )
        doubling = f"× {costs.median:.2f} ({costs.lowest:.2f} to {costs.highest:.2f})"
        heading = f"{smaller[0]['events'] // 10**6} to {events // 10**6} million: each doubling"
        targets = [page.Target(heading, "growth", costs.median, at_most=2.15)]
    cells = [
        f"{events:,}",
        *(contest.seconds(middle[name]) for name in STAGES),
        contest.seconds(middle["stages"]),
        doubling,
        f"{middle['peak'] / 2**30:.2f} GB",
    ]
    if events == TABLE[-1]:
        heading, highest = "100 million, Parquet to lists: memory", middle["peak"] / 2**30
        targets.append(page.Target(heading, "growth", highest, at_most=24, unit="GB"))
    report.add(
        f"{events:012}",
        cells,
        targets,
        events=events,
        seconds=middle["stages"],
        peak=middle["peak"],
        rounds=[one["stages"] for one in found],
    )


if __name__ == "__main__":
    if sys.argv[1:2] == ["job"]:
        job(*sys.argv[2:])
    else:
        main()
