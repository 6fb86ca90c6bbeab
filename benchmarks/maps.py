"""Whole maps against the layouts of others alone, and PCA of a million items.

    python benchmarks/maps.py                          all rows
    python benchmarks/maps.py --log ratings.csv        of this log: its most used items, or clones
    python benchmarks/maps.py --rows 0 --pairs 3       the first: 1,682 items

What each map keeps of the neighbours in the model is measured beside its seconds.
"""

import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path

import contest
import expand
import logs
import numpy as np
import page

import tastemap as tm
from tastemap.maps.fidelity import fidelity
from tastemap.maps.neighbours import nearest

SIZES = [expand.Size(4_000, 1_682, 300_000), expand.Size(8_000, 10_000, 1_500_000)]
FACTORS = 64
RIVALS = {
    "sklearn": "TSNE",
    "bh": "Barnes-Hut",
    "fft": "FFT",
}
MILLION = 1_000_000
COLUMNS = ["work", "items", "seconds", "10 nearest kept", "trustworthiness",
           "tastemap's whole map takes"]  # fmt: skip
BOUND, PCA_BOUND = 1.15, 2.0


def model(size: expand.Size, source: Path | None) -> Path:
    """The folder of an ALS model of so many items, fitted once."""
    key = 0 if source is None else zlib.crc32(source.read_bytes())
    folder = logs.LOGS / f"map-{size.items}-{key:08x}-{logs._code('expand')}"
    if not folder.exists():
        logs.LOGS.mkdir(exist_ok=True)
        log = logs._given(source) if source else tm.synthetic.demo_world()
        if len(log.items) > size.items:
            log = log[np.argsort(np.argsort(-log.item_counts()))[log.item] < size.items]
        else:
            log = expand.expand(log, size)
        tm.ALS(factors=FACTORS).fit(log.compact()).save(folder)
    return folder


def whole_maps(report: page.Report, size: expand.Size, source: Path | None, pairs: int) -> None:
    """PCA, t-SNE, fidelity, shape, colours, health and the file against bare layouts."""
    folder = model(size, source)
    vectors = tm.load(folder).item_vectors
    near, _ = nearest(vectors, 10)
    names = ["tastemap", *RIVALS]
    sides = [contest.Side("layout.py", name, folder) for name in names]
    with tempfile.TemporaryDirectory() as found:
        runs: list[Callable[[int], dict]] = [
            lambda _, one=side: one.do({"what": "draw", "to": f"{found}/{one.name}.npy"})
            for side in sides
        ]
        sides[0].do({"what": "draw", "to": f"{found}/warm.npy"})  # compiled kernels are loaded
        answers = contest.take_turns(runs, pairs)
        kept = {
            name: fidelity(near, np.load(f"{found}/{name}.npy"), vectors=vectors) for name in names
        }
    seconds = [contest.middle(answers, which) for which in range(len(names))]
    fastest = 1 + int(np.argmin(seconds[1:]))
    for which, name in enumerate(names):
        ratio = contest.Spread.of([pair[0]["seconds"] / pair[which]["seconds"] for pair in answers])
        target = page.Target(
            f"whole map of {len(vectors):,} items: by {sides[which].version} {RIVALS.get(name)}",
            "maps",
            ratio.median,
            at_most=BOUND,
            equal=kept["tastemap"].kept >= kept[name].kept - 0.005,
        )
        what = f"{sides[which].version}, {RIVALS[name]}, the layout alone" if which else "whole map"
        cells = [
            what,
            f"{len(vectors):,}",
            contest.seconds(seconds[which]),
            f"{kept[name].kept:.1%}",
            f"{kept[name].trustworthiness:.3f}",
            ratio.ratio() if which else "",
        ]
        report.add(f"{size.items:07}-{which}", cells, [target] if which == fastest else [])
    for side in sides:
        side.close()


def million(report: page.Report, source: Path | None, pairs: int) -> None:
    """PCA of a million vectors."""
    side = contest.Side("layout.py", "tastemap", model(SIZES[0], source))
    side.do({"what": "pca", "n": 1000, "d": FACTORS})
    times = [side.do({"what": "pca", "n": MILLION, "d": FACTORS})["seconds"] for _ in range(pairs)]
    middle = float(np.median(times))
    target = page.Target(
        f"PCA of {MILLION:,} x {FACTORS}", "maps", middle, at_most=PCA_BOUND, unit="s"
    )
    cells = ["PCA with its ten axes described", f"{MILLION:,}", contest.seconds(middle), "", "", ""]
    report.add(f"{MILLION:07}-0", cells, [target])
    side.close()


def main() -> None:
    """Measure the rows asked for."""
    asked = page.options(__doc__, pairs=3).parse_args()
    where = "an invented world" if asked.log is None else asked.name or asked.log.stem
    report = page.Report(
        "maps",
        "Maps",
        f"Item vectors of an ALS with {FACTORS} factors, fitted on {where} cloned to each size "
        "(synthetic). A whole map is PCA, t-SNE, what both keep and look like, colours and "
        "clusters, the health of the vectors against the log, and the HTML file; the others are "
        "their layout alone, of the same vectors by cosine, with their own defaults and two "
        "threads. Kept: share of each item's 10 nearest in the model that are among its 10 "
        "nearest on the map.",
        COLUMNS,
        not asked.quick,
    )
    rows = range(len(SIZES) + 1) if asked.rows is None else asked.rows
    for row in rows:
        if row < len(SIZES):
            whole_maps(report, SIZES[row], asked.log, asked.pairs)
        else:
            million(report, asked.log, asked.pairs)


if __name__ == "__main__":
    main()
