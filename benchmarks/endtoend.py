"""From a Parquet file through ALS to saved recommendations: whole processes, start to end.

    python benchmarks/endtoend.py --log ratings.csv

`script_tastemap.py` against `script_implicit.py`, the shortest honest script with pandas and
implicit: same file, factors, iterations, length of lists, seen items removed. Starting Python,
importing, and loading compiled code are included; compiling is not (one process warms up).
"""

import sys
import tempfile
from pathlib import Path

import contest
import duckdb
import logs
import numpy as np
import page

SIZES = {"S": ("size S", 15, 2.5), "L": ("size L", 10, 3.5)}
"""Size -> heading, iterations, target."""
COLUMNS = [
    "work", "tastemap", "pandas + implicit", "ratio", "peak memory", "theirs", "lists in common",
]  # fmt: skip


def measure(log: logs.Log, pairs: int, folder: Path, report: page.Report) -> None:
    """One row."""
    heading, epochs, target = SIZES[log.size]
    pythons = {"tastemap": Path(sys.executable), "implicit": contest.rival("implicit")}

    def run(side: str):
        script = contest.HERE / f"script_{side}.py"
        out = folder / f"{side}.parquet"
        command = [pythons[side], script, log.parquet, out, str(epochs)]
        return lambda _: contest.run_fresh(command, side)

    runs = [run(side) for side in pythons]
    first = folder / "few.parquet"
    with duckdb.connect() as database:
        database.execute(
            f"copy (from '{log.parquet}' where user % 50 = 0 limit 20000) to '{first}'"
        )
    for side, python in pythons.items():
        script = contest.HERE / f"script_{side}.py"
        contest.run_fresh([python, script, first, folder / "warm.parquet", "1"], side)
    answers = contest.take_turns(runs, pairs)
    ratio = contest.ratios(answers)
    peaks = [np.median([pair[side]["peak"] for pair in answers]) / 2**20 for side in (0, 1)]
    cells = [
        f"{heading}, {epochs} iterations",
        *(contest.seconds(contest.middle(answers, side)) for side in (0, 1)),
        ratio.ratio(),
        *(f"{peak:,.0f} MB" for peak in peaks),
        f"{100 * overlap(folder):.0f} %",
    ]
    bound = page.Target("Parquet through ALS to saved lists", log.size, ratio.median, target)
    report.add(str("SL".index(log.size)), cells, [bound], pairs=answers)


def overlap(folder: Path) -> float:
    """Share of what one side recommends that the other recommends to the same user, too."""
    with duckdb.connect() as database:
        found = database.execute(
            f"select count(b.item) / count(*) from '{folder}/tastemap.parquet' a "
            f"left join '{folder}/implicit.parquet' b using (user, item)"
        )
        return found.fetchone()[0]


def main() -> None:
    """Measure both sizes."""
    asked = page.options(__doc__).parse_args()
    if asked.quick:
        asked.sizes, asked.pairs = "S", 2
    report = page.Report(
        "end-to-end",
        "From a file to saved recommendations",
        " ".join(__doc__.split("\n\n")[2].split())
        + " 64 factors, 10 items a user. `lists in common`: the share of tastemap's recommended "
        "pairs that implicit recommends as well.",
        COLUMNS,
        keep=not asked.quick,
    )
    for size in asked.sizes:
        log = (logs.small if size == "S" else logs.large)(asked.log, asked.name)
        with tempfile.TemporaryDirectory(prefix="tastemap-bench-") as folder:
            measure(log, asked.pairs, Path(folder), report)


if __name__ == "__main__":
    main()
