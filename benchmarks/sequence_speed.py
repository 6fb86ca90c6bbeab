"""SASRec against RecTools' on the same log: seconds an epoch, memory, lists, and the quality.

    python benchmarks/sequence_speed.py --log interactions.parquet --name MovieLens-1M

Same data, hidden size, blocks, heads, length, batch, loss, dropout and learning rate; two threads
each, in turns. nDCG@10 is that of the last but one event of each user, which neither side saw,
after the same number of epochs. `lists`: seconds for ten items for everybody, from the states of
training histories that a model keeps, beside RecTools' and beside those of an ALS of 64 factors;
`read anew`: seconds for the same people told as strangers, whose histories the network must read.
"""

import tempfile
from pathlib import Path

import contest
import numpy as np
import page

import tastemap as tm

ROWS = [
    ("softmax over the catalogue, length 50", {"loss": "softmax", "max_len": 50}, 3.0),
    ("BCE with one negative, length 50", {"loss": "bce", "max_len": 50}, 3.0),
    ("softmax over the catalogue, length 200", {"loss": "softmax", "max_len": 200}, 3.0),
]
BATCH = 256
"""Histories a step, on both sides."""
COLUMNS = [
    "loss", "tastemap, an epoch", "RecTools", "ratio", "after", "nDCG@10", "RecTools'",
    "memory by RecTools'", "lists", "by RecTools'", "by ALS's", "read anew",
]  # fmt: skip


def main() -> None:
    """Measure the rows that were asked for."""
    parser = page.options(__doc__, sizes="S", pairs=3)
    parser.add_argument("--epochs", type=int, default=6)
    asked = parser.parse_args()
    log = tm.read(asked.log) if asked.log else tm.synthetic.demo_world()
    split = tm.leave_last_out(log)
    report = page.Report(
        "sequences",
        "SASRec",
        f"{asked.name or asked.log or 'an invented world'}: {len(split.train):,} events to learn. "
        + " ".join(__doc__.split("\n\n")[2].split()),
        COLUMNS,
        keep=not asked.quick,
    )
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "train.npz"
        histories = split.train.histories()
        owner = np.repeat(histories.user, histories.lengths)
        np.savez(file, user=owner, item=histories.items, items=len(split.train.items))
        sides = [contest.Side("sequence_worker.py", s, file) for s in SIDES]
        for key, (heading, job, bound) in page.chosen(ROWS, asked.rows):
            measure(key, heading, job, bound, sides, split, Path(folder), report, asked)
        for side in sides:
            side.close()


SIDES = ("tastemap", "rectools-torch")


def measure(key, heading, job, bound, sides, split, folder, report, asked) -> None:
    """One row: the first pair trains `epochs` and is judged, the others train two."""
    job = {"what": "fit", "batch_size": BATCH, **job}
    files = [str(folder / f"{side.name}.npy") for side in sides]
    for side in sides:
        side.do(job | {"epochs": 1})

    def run(which: int, pair: int) -> dict:
        first = {"epochs": asked.epochs, "save": files[which]}
        return sides[which].do(job | (first if pair == 0 else {"epochs": 2}))

    answers = contest.take_turns(
        [lambda pair, w=which: run(w, pair) for which in range(2)],
        1 if asked.quick else asked.pairs,
    )
    ratio, lists = contest.ratios(answers), contest.middle(answers, 0, "lists")
    quality = [ndcg(np.load(file), split) for file in files]
    alike = quality[0][0] >= quality[1][0] - quality[1][1]
    bounds = [page.Target(f"SASRec, {heading}", "S", ratio.median, bound, equal=alike)]
    report.add(
        key,
        [
            heading,
            *(contest.seconds(contest.middle(answers, side)) for side in range(2)),
            ratio.ratio(),
            f"{asked.epochs} epochs",
            *(f"{mean:.4f} ± {error:.4f}" for mean, error in quality),
            f"{contest.middle(answers, 0, 'memory') / contest.middle(answers, 1, 'memory'):.2f}",
            contest.seconds(lists),
            f"{lists / contest.middle(answers, 1, 'lists'):.2f}",
            f"{lists / contest.middle(answers, 0, 'factor lists'):.2f}",
            contest.seconds(contest.middle(answers, 0, "read anew")),
        ],
        bounds,
        pairs=answers,
    )


def ndcg(lists: np.ndarray, split: tm.Split) -> tuple[float, float]:
    """nDCG@10 of lists on the validation part, and its standard error over users."""
    truth = split.validation
    places = np.argmax(lists[truth.user] == truth.item[:, None], axis=1)
    found = (lists[truth.user] == truth.item[:, None]).any(axis=1)
    gains = found / np.log2(places + 2)
    return float(gains.mean()), float(gains.std(ddof=1) / np.sqrt(len(gains)))


if __name__ == "__main__":
    main()
