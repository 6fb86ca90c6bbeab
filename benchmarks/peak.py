"""Memory: what fitting adds, at its highest, to a process that has the log loaded.

    python benchmarks/peak.py --log ratings.csv

Each figure is of a fresh process: load the log, fit a tiny one (so that code is loaded), look at
the resident memory, fit, look at its highest mark. Linux only.
"""

import sys

import contest
import logs
import page
import speed

TABLE = [
    ("ALS, conjugate gradient, 64 factors", speed.ALS | {"factors": 64, "solver": "cg"}),
    ("ALS, conjugate gradient, 256 factors", speed.ALS | {"factors": 256, "solver": "cg"}),
    ("BPR, 64 factors", speed.BPR | speed.RATES["L"]),
]
COLUMNS = ["fitting", "tastemap adds", "implicit adds", "tastemap's by implicit's",
           "highest", "implicit's"]  # fmt: skip


def measure(
    key: str, heading: str, job: dict, log: logs.Log, pairs: int, report: page.Report
) -> None:
    """One row."""

    def run(name: str):
        def one(_: int) -> dict:
            side = contest.Side("worker.py", name, log.train)
            found = side.do({"what": "memory", **job, "epochs": 1})
            side.close()
            return found

        return one

    answers = contest.take_turns([run("tastemap"), run("implicit")], pairs)
    ratio = contest.Spread.of([ours["added"] / theirs["added"] for ours, theirs in answers])
    cells = [
        heading,
        *(f"{contest.middle(answers, side, 'added') / 2**20:,.0f} MB" for side in (0, 1)),
        ratio.ratio(),
        *(f"{contest.middle(answers, side, 'peak') / 2**20:,.0f} MB" for side in (0, 1)),
    ]
    name = f"memory that fitting adds, {heading}: by implicit's"
    target = page.Target(name, log.size, ratio.median, at_most=1.3)
    report.add(key, cells, [target] if log.size == "L" else [], pairs=answers)


def main() -> None:
    """Measure the rows asked for."""
    asked = page.options(__doc__, sizes="L").parse_args()
    if sys.platform != "linux":
        sys.exit("the highest mark of a process can be set back on Linux only")
    log = logs.small(asked.log, asked.name) if asked.quick else logs.large(asked.log, asked.name)
    report = page.Report(
        "memory",
        "Memory",
        f"{' '.join(__doc__.split(chr(10) * 2)[0].split(':', 1)[1].split()).capitalize()} {log}.",
        COLUMNS,
        keep=not asked.quick,
    )
    for key, (heading, job) in page.chosen(TABLE, asked.rows):
        measure(key, heading, job, log, 1 if asked.quick else asked.pairs, report)


if __name__ == "__main__":
    main()
