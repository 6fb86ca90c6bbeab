"""Two stages against the first alone: what is in reach, what is reached, and what a leak costs.

    python benchmarks/two_stage.py                       MovieLens-100K, about half a minute
    python benchmarks/two_stage.py --log ratings.csv     a log of your own

The newest fifth of the events is the test (of all users at one moment; in a log without times the
newest event of each user), and is looked at once by each row. The second stage decides on the
training part alone whether it is on; its row as "always" shows what the decision gave away. The
row "leaky labels" labels the trees with events that their first stage was fitted on.
"""

import argparse
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import tastemap as tm
from tastemap.metrics.compare import paired_difference
from tastemap.models import Lambdarank, TwoStage
from tastemap.models.candidate_features import Sources
from tastemap.models.lambdarank import Queries, Trees
from tastemap.models.log_parts import held_out, log_parts
from tastemap.models.two_stage import TwoStageModel

SEED = 42
HEAD = """\
| second stage | nDCG@10 | less the retriever alone, paired [95 %] | decision | fit |
|---|---|---|---|---|"""


def main() -> None:
    """Fit, judge, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--log", type=Path, help="a file that tm.read reads")
    parser.add_argument(
        "--core", type=int, default=1, help="keep users and items of so many events"
    )
    parser.add_argument("--candidates", type=int, default=200)
    given = parser.parse_args()
    log = tm.datasets.load("ml-100k") if given.log is None else tm.read(given.log)
    log = tm.dedupe(log, rule="last")
    log = tm.k_core(log, given.core) if given.core > 1 else log
    cut = tm.split_by_time(log, test=0.2) if log.time is not None else None
    split = cut or tm.leave_last_out(log, validation=False)
    sys.stdout.write(f"\n{log}\n{split}\n\n{HEAD}\n")
    for line in rows(split, given.candidates):
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


def rows(split: tm.Split, candidates: int) -> Iterator[str]:
    """One line a second stage."""
    retrieve, recall = tm.ALS(), f"recall@{candidates}"
    start = time.perf_counter()
    alone = retrieve.fit(split.train, seed=SEED)
    seconds = time.perf_counter() - start
    base = tm.evaluate(alone, split, ["ndcg@10", recall])
    ceiling = f"{recall} {base[recall]}: the ceiling"
    yield f"| none: ALS alone ({ceiling}) | {base['ndcg@10']} | | | {seconds:.1f} s |"
    for rank in (Lambdarank(), tm.EASE(), tm.BPR()):
        recipe = TwoStage(retrieve, rank, candidates, always=True)
        start = time.perf_counter()
        model = recipe.fit(split.train, seed=SEED)
        seconds = time.perf_counter() - start
        won = model.trial is not None and model.trial.won
        yield row(f"{rank.name} (always)", model, split, base, "on" if won else "off", seconds)
        if isinstance(rank, Lambdarank) and isinstance(model.ranker, Trees):
            yield row("the same, leaky labels", leaky(model), split, base, "", None)


def row(
    name: str,
    model: TwoStageModel,
    split: tm.Split,
    base: tm.Evaluation,
    decision: str,
    seconds: float | None,
) -> str:
    """Judge a model: a line of the table."""
    found = tm.evaluate(model, split, ["ndcg@10"])
    gap = paired_difference(found, base)
    took = "" if seconds is None else f"{seconds:.1f} s"
    interval = f"{gap.mean:+.4f} [{gap.low:+.4f}, {gap.high:+.4f}] ({gap.relative:+.0f} %)"
    return f"| {name} | {found['ndcg@10']} | {interval} | {decision} | {took} |"


def leaky(model: TwoStageModel) -> TwoStageModel:
    """The model with trees whose first stage was fitted on their labels."""
    recipe = model.recipe
    parts = log_parts(model.train, recipe.share)
    fitted_on = Sources.fit(
        recipe.retrieve, recipe.rank.others, parts.before_validation, parts.window, seed=SEED
    )
    asked = held_out(parts.earlier, parts.labels)
    queries = Queries.of(fitted_on, *asked, recipe.candidates, SEED)
    trees = Trees(recipe.rank.grow([queries], recipe.k, SEED), model.ranker.sources)
    return replace(model, ranker=trees)


if __name__ == "__main__":
    main()
