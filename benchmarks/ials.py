"""The iALS objective (alpha0 and regularisation by frequency) against the plain one, both ours.

    python benchmarks/ials.py --log ratings.csv

No competitor of speed.py has this objective; it must cost what the plain one does.
"""

import tempfile
from pathlib import Path

import contest
import logs
import numpy as np
import page
import speed

TABLE = [64, 128, 256, 512]
EPOCHS = {"S": 6, "L": 1}
IALS = {"ials": True, "reg": 0.03}
"""reg for 256 factors by an inner split of MovieLens-1M (tried: .01, .03, .06, .1, .2)."""
COLUMNS = ["work", "iALS", "plain", "iALS by plain", "GFLOP/s", "after", "nDCG@10", "plain's"]


def measure(
    key: str, factors: int, log: logs.Log, ours: contest.Side, pairs: int, folder: Path, report
):
    """One row."""
    row = speed.als(factors, "cg", EPOCHS, {}, {})
    plain = row.at(log.size) | {"epochs": EPOCHS[log.size]}
    jobs = [plain | IALS, plain]
    ours.do(jobs[0] | {"epochs": 1, "warm": True})
    quality: list[list[float]] = [[], []]

    def run(which: int):
        def one(pair: int) -> dict:
            file = folder / "vectors.npz"
            answer = ours.do(jobs[which] | {"seed": pair + 1, "save": str(file)})
            quality[which].append(log.ndcg_of(file))
            return answer

        return one

    answers = contest.take_turns([run(0), run(1)], pairs)
    ratio = contest.Spread.of([ials["seconds"] / plain["seconds"] for ials, plain in answers])
    mine = contest.middle(answers, 0)
    cells = [
        f"ALS, conjugate gradient, {factors} factors",
        contest.seconds(mine),
        contest.seconds(contest.middle(answers, 1)),
        ratio.ratio(),
        f"{speed.als_work(row, log) / mine / 1e9:.0f}",
        f"{EPOCHS[log.size]}",
        *(f"{np.mean(q):.4f} ± {np.std(q):.4f}" for q in quality),
    ]
    bound = page.Target(
        f"iALS objective, {factors} factors: by the plain one", log.size, ratio.median, at_most=1.1
    )
    report.add(key, cells, [bound], pairs=answers)


def main() -> None:
    """Measure the rows asked for."""
    asked = page.options(__doc__, pairs=5).parse_args()
    if asked.quick:
        asked.sizes, asked.pairs, asked.rows = "S", 2, [0, 3]
    for size in asked.sizes:
        log = (logs.small if size == "S" else logs.large)(asked.log, asked.name)
        report = page.Report(
            f"ials-{size}",
            f"The iALS objective, size {size}",
            f"{log}. alpha0 .1, reg_power 1, reg {IALS['reg']}, else as above; no competitor has "
            "this objective, so tastemap's plain one stands beside it.",
            COLUMNS,
            keep=not asked.quick,
        )
        ours = contest.Side("worker.py", "tastemap", log.train)
        with tempfile.TemporaryDirectory(prefix="tastemap-bench-") as folder:
            for key, factors in page.chosen(TABLE, asked.rows):
                measure(key, factors, log, ours, asked.pairs, Path(folder), report)
        ours.close()


if __name__ == "__main__":
    main()
