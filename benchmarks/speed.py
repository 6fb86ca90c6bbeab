"""Models against implicit: ALS, BPR and lists for everybody, with the quality beside the seconds.

    make bench-speed LOG=ratings.csv
    python benchmarks/speed.py --log ratings.csv --sizes L --rows 0 6 --pairs 3

Seconds are those of an iteration (ALS) or of an epoch (BPR: as many draws as training events, each
other item checked against the history). GFLOP/s count the textbook's operations (`als_work`), not
what a program really does.
"""

import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path

import contest
import logs
import numpy as np
import page

ALS = {"model": "als", "alpha": 2.0, "reg": 0.01}
BPR = {"model": "bpr", "factors": 64}
RATES = {
    "S": {"learning_rate": 0.01, "reg": 0.01},
    "L": {"learning_rate": 0.005, "reg": 0.002},
}
"""What brings BPR above Popularity with others drawn by popularity, as implicit's are. On L chosen
on an inner split of the training events, of learning rates .005 to .05 and regs .0005 to .05: all
lists get worse after a while, these least (nDCG@10 .0522 after 15 epochs, .0464 after 30;
Popularity .0245; with .05: .0333 after 5, .0221 after 30)."""
REG = {"S": 60.0, "L": 100.0}
REG_OF = {("L", 256): 140.0}
"""Of ALS, chosen on an inner split of the training events. MovieLens-1M: of .01, 1, 10, 30, 60, 100
and 200, the best for 64, 128 and 256 factors alike; its expansion: of .01, 30, 100, 200, 400 and
800 for 128, of 60, 100, 140, 200 and 300 for 256. With less, many factors overfit, and then whoever
minimises less has the better lists: 256 factors, reg .01, MovieLens-1M, 10 iterations: loss .741
and nDCG@10 .296, implicit .764 and .302; reg 60, 25 iterations: 1.7323 and .4319, implicit 1.7324
and .4316."""
COLUMNS = [
    "work", "tastemap", "implicit", "ratio", "whole fit", "GFLOP/s", "implicit's",
    "after", "nDCG@10", "implicit's",
]  # fmt: skip


@dataclass(frozen=True)
class Row:
    """A line of the table.

    Parameters
    ----------
    job
        What both sides fit; `settings` are added by size.
    epochs
        Size -> iterations of the first three pairs, after which quality is measured.
    target, stretch
        Size -> how many times faster.
    more
        Size -> iterations of further pairs; left out, they are like the first three.
    also
        A heading, and how another run of tastemap differs that takes its turns, too.
    lists
        Time lists of the fitted model instead of the fit.
    """

    heading: str
    job: dict
    epochs: dict[str, int]
    target: dict[str, float]
    stretch: dict[str, float] = field(default_factory=dict)
    more: dict[str, int] = field(default_factory=dict)
    settings: dict[str, dict] = field(default_factory=dict)
    also: tuple[str, dict] | None = None
    lists: bool = False

    def at(self, size: str) -> dict:
        """What is fitted at a size."""
        return {"what": "fit", **self.job, **self.settings.get(size, {})}


def als(factors: int, solver: str, epochs: dict, target: dict, stretch: dict) -> Row:
    """An ALS row."""
    way = "conjugate gradient" if solver == "cg" else "Cholesky"
    job = ALS | {"factors": factors, "solver": solver}
    settings = {size: {"reg": REG_OF.get((size, factors), reg)} for size, reg in REG.items()}
    heading = f"ALS, {way}, {factors} factors"
    return Row(heading, job, epochs, target, stretch, {"L": 1}, settings)


def by_size(small: float, large: float) -> dict:
    """One value a size."""
    return {"S": small, "L": large}


TABLE = [
    als(64, "cg", by_size(15, 12), by_size(3.5, 4.5), by_size(4.5, 6)),
    als(128, "cg", by_size(15, 12), by_size(2, 2.8), by_size(3, 4)),
    als(256, "cg", by_size(15, 12), by_size(1.6, 2), by_size(2.5, 3)),
    als(64, "cholesky", by_size(10, 10), by_size(4, 5), {}),
    als(128, "cholesky", by_size(6, 8), by_size(4.5, 5), {}),
    Row(
        "BPR, 64 factors, others drawn by popularity",
        BPR,
        settings=RATES,
        epochs=by_size(100, 30),
        target=by_size(4.5, 7),
        stretch=by_size(7, 10),
        more={"L": 2},
        also=("BPR, 64 factors, others drawn uniformly", {"popularity_power": 0.0}),
    ),
    Row(
        "top 10 for all users, 64 factors, seen removed",
        ALS | {"factors": 64, "solver": "cg"},
        epochs=by_size(3, 2),
        target=by_size(2.5, 2.7),
        lists=True,
    ),
]
"""What is measured. implicit draws others by popularity, so that row is the comparison."""

PRODUCT_ROWS = (64, 256, 1024)
"""The bare product is tried with blocks of so many users; the fastest counts."""


def als_work(row: Row, log: logs.Log) -> float | None:
    """Operations of one iteration by the textbook, a multiplication and an addition being two.

    Of each side, with n events, r rows to solve, f fixed rows and d factors: the Gram matrix
    f d (d + 1); conjugate gradient with s = 3 steps and a first residual (s + 1)(2 r d^2 + 4 n d);
    Cholesky n d (d + 1) + 2 n d to set the systems up, r (d^3 / 3 + 2 d^2) to solve them.
    """
    if row.job["model"] != "als":
        return None
    d, n = row.job["factors"], log.events
    users, items = log.shape
    if row.lists:
        return 2.0 * users * items * d
    gram = (users + items) * d * (d + 1)
    if row.job["solver"] == "cg":
        return gram + 4.0 * (2 * (users + items) * d * d + 2 * 4 * n * d)
    return gram + 2.0 * (n * d * (d + 1) + 2 * n * d) + (users + items) * (d**3 / 3 + 2 * d * d)


def fit_row(key, row: Row, log: logs.Log, sides: list, pairs: int, folder: Path, report) -> None:
    """Fit both, taking turns; every pair has a seed of its own."""
    jobs = [row.at(log.size)] * 2
    if row.also:
        jobs.append(jobs[0] | row.also[1])
    doing = [*sides, sides[0]][: len(jobs)]
    for side, job in zip(doing, jobs, strict=True):
        side.do(job | {"epochs": 1, "warm": True})
    epochs = row.epochs[log.size]
    quality: list[list[float]] = [[] for _ in jobs]

    def run(which: int):
        def one(pair: int) -> dict:
            n = epochs if pair < 3 else row.more.get(log.size, epochs)
            file = folder / f"{which}.npz"
            job = jobs[which] | {"epochs": n, "seed": pair + 1, "save": str(file)}
            answer = doing[which].do(job)
            if n == epochs:
                quality[which].append(log.ndcg_of(file))
            return answer

        return one

    answers = contest.take_turns([run(which) for which in range(len(jobs))], pairs)
    for which, heading in ((0, row.heading), (2, row.also and row.also[0])):
        if which >= len(jobs):
            continue
        both = [[pair[which], pair[1]] for pair in answers]
        extra = [f"{contest.ratios(both, 'fit').median:.2f}", *_rates(als_work(row, log), both)]
        extra.append(f"{epochs}")
        extra += [f"{np.mean(q):.4f} ± {np.std(q):.4f}" for q in (quality[which], quality[1])]
        fine = equal(quality[which], quality[1])
        bounds = [] if which else _bounds(row, log, both, fine)
        name = key if which == 0 else f"{key} also"
        facts = {"pairs": both, "quality": [quality[which], quality[1]]}
        report.add(name, _cells(heading, both, extra), bounds, **facts)


def lists_row(key, row: Row, log: logs.Log, sides: list, pairs: int, report) -> None:
    """Lists of both, taking turns, and the bare product beside them."""
    for side in sides:
        side.do(row.at(log.size) | {"epochs": row.epochs[log.size]})
        side.do({"what": "lists", "rows": min(2000, log.shape[0])})
    ours = sides[0]
    tried = {rows: ours.do({"what": "product", "rows": rows})["seconds"] for rows in PRODUCT_ROWS}
    best = min(tried, key=tried.__getitem__)
    products = []

    def tastemap(_: int) -> dict:
        products.append(ours.do({"what": "product", "rows": best})["seconds"])
        return ours.do({"what": "lists"})

    answers = contest.take_turns([tastemap, lambda _: sides[1].do({"what": "lists"})], pairs)
    mine = [pair[0]["seconds"] for pair in answers]
    times = contest.Spread.of([a / b for a, b in zip(mine, products, strict=True)])
    extra = ["", *_rates(als_work(row, log), answers), "", "", ""]
    bounds = _bounds(row, log, answers, True)
    if log.size == "L":
        name = "top 10 for all users: by the bare matrix product"
        bounds.append(page.Target(name, "L", times.median, at_most=1.5))
    cells = _cells(row.heading, answers, extra)
    report.add(key, cells, bounds, pairs=answers, product=products)
    rate = als_work(row, log) / np.median(products) / 1e9
    cells = [
        f"the bare matrix product of the same, {best} users at a time",
        contest.seconds(float(np.median(products))),
        "",
        f"lists take × {times.ratio()}",
        "",
        f"{rate:.0f}",
    ]
    report.add(key + " product", [*cells, "", "", "", ""])


def _rates(work: float | None, answers: list) -> list[str]:
    if work is None:
        return ["", ""]
    return [f"{work / contest.middle(answers, side) / 1e9:.0f}" for side in (0, 1)]


def equal(ours: list[float], theirs: list[float]) -> bool:
    """Whether ours is no worse: within 1 % or one standard error of the difference over seeds."""
    gap = np.mean(theirs) - np.mean(ours)
    error = np.sqrt(np.var(ours) / len(ours) + np.var(theirs) / len(theirs))
    return bool(gap <= max(error, 0.01 * np.mean(theirs)))


def _bounds(row: Row, log: logs.Log, answers: list, fine: bool) -> list[page.Target]:
    bound, stretch = row.target[log.size], row.stretch.get(log.size)
    measured = contest.ratios(answers).median
    return [page.Target(row.heading, log.size, measured, bound, None, stretch, equal=fine)]


def _cells(heading: str, answers: list, extra: list[str]) -> list[str]:
    times = [contest.seconds(contest.middle(answers, side)) for side in (0, 1)]
    return [heading, *times, contest.ratios(answers).ratio(), *extra]


def main() -> None:
    """Measure the rows asked for."""
    parser = page.options(__doc__)
    asked = parser.parse_args()
    sizes = "S" if asked.quick else asked.sizes
    pairs = min(asked.pairs, 2) if asked.quick else asked.pairs
    rows = page.chosen(TABLE, [0, 2, 3, 5, 6] if asked.quick and not asked.rows else asked.rows)
    if asked.quick:
        rows = [(key, replace(row, epochs={"S": -(-row.epochs["S"] // 4)})) for key, row in rows]
    for size in sizes:
        log = (logs.small if size == "S" else logs.large)(asked.log, asked.name)
        sides = [contest.Side("worker.py", name, log.train) for name in ("tastemap", "implicit")]
        others = [f"{n} factors: {reg:g}, " for (where, n), reg in REG_OF.items() if where == size]
        about = (
            f"{log}. {sides[1].version}, equal objectives on both sides: ALS with observed pairs "
            f"of weight 3 (alpha 2 here, 3 there) and reg {REG[size]:g} "
            f"({''.join(others)}lists: .01), BPR with "
            f"learning rate {RATES[size]['learning_rate']} and reg {RATES[size]['reg']}. "
            "Seconds are those of an iteration or an epoch; `after` so many of them nDCG@10 was "
            "measured."
        )
        report = page.Report(
            f"speed-{size}", f"Models against implicit, size {size}", about, COLUMNS,
            keep=not asked.quick,
        )  # fmt: skip
        with tempfile.TemporaryDirectory(prefix="tastemap-bench-") as folder:
            for key, row in rows:
                if row.lists:
                    lists_row(key, row, log, sides, pairs, report)
                else:
                    fit_row(key, row, log, sides, pairs, Path(folder), report)
        for side in sides:
            side.close()


if __name__ == "__main__":
    main()
