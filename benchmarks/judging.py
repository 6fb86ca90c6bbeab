"""Metrics and evaluation: ready lists, exact AUC, a whole evaluation against bare scoring.

    python benchmarks/judging.py --log ratings.csv              all three tables
    python benchmarks/judging.py --log ratings.csv --rows 1     the second: AUC

Values are compared beside the speed.
"""

from collections.abc import Callable
from pathlib import Path

import contest
import logs
import numpy as np
import page

LISTS = [("numpy", 4.0), ("rectools", 40.0), ("ranx", 40.0)]
"""Rivals of ready lists, and how many times faster tastemap is to be."""
LIST_COLUMNS = ["15 metrics by", "users", "building its input", "evaluating", "users/s",
                "tastemap is faster by", "largest difference"]  # fmt: skip
AUC_COLUMNS = ["exact AUC per user by", "users", "users/s", "tastemap is faster by",
               "largest difference"]  # fmt: skip
EVALUATION_COLUMNS = ["work", "seconds", "by the scoring alone"]

SKLEARN_USERS = {"S": 1000, "L": 300}
"""scikit-learn judges so many users a turn; tastemap ten times as many."""


def lists(log: logs.Log, pairs: int, keep: bool) -> None:
    """Fifteen metrics of ready lists against each rival."""
    file = logs.judged(log)
    report = page.Report(
        "lists",
        "Metrics of ready lists",
        "precision, recall, ndcg, map_full and mrr at 5, 10 and 20 from lists of 20 items that "
        f"are there already. {log}. RecTools from its data frames, ranx from its Qrels and Run "
        "(two threads), NumPy is `benchmarks/numpy_metrics.py`. Only evaluating is compared; "
        "tastemap's includes looking up the hits.",
        LIST_COLUMNS,
        keep,
    )
    ours = contest.Side("judge.py", "tastemap", file)
    built = ours.do({"what": "build"})["seconds"]
    ours.do({"what": "lists"})
    mine: list[float] = []
    for name, bound in LISTS:
        rival = contest.Side("judge.py", name, file)
        rival.do({"what": "build", "rows": 50})
        rival.do({"what": "lists"})
        input_seconds = rival.do({"what": "build"})["seconds"]
        answers = contest.take_turns(
            [lambda _: ours.do({"what": "lists"}), lambda _, r=rival: r.do({"what": "lists"})],
            pairs,
        )
        mine += [pair[0]["seconds"] for pair in answers]
        values = [side.pop("values") for side in answers[-1]]
        ratio = contest.ratios(answers)
        heading = f"15 metrics of ready lists, against {rival.version.split()[0]}"
        target = [page.Target(heading, log.size, ratio.median, bound)] if log.size == "L" else []
        cells = _listed(rival.version, log, input_seconds, contest.middle(answers, 1))
        report.add(
            name, [*cells, ratio.ratio(), f"{_apart(*values):.0e}"], target, pairs=answers[:-1]
        )
        rival.close()
    report.add("tastemap", [*_listed(ours.version, log, built, float(np.median(mine))), "", ""])
    ours.close()


def _listed(who: str, log: logs.Log, building: float, evaluating: float) -> list[str]:
    users = log.shape[0]
    times = [contest.seconds(building), contest.seconds(evaluating)]
    return [who, f"{users:,}", *times, f"{users / evaluating:,.0f}"]


def _apart(ours: dict[str, float], theirs: dict[str, float]) -> float:
    return max(abs(ours[name] - theirs[name]) for name in ours)


def auc(log: logs.Log, pairs: int, keep: bool) -> None:
    """Exact, tie-correct AUC of every user over the whole catalogue, scoring included."""
    file = logs.judged(log)
    report = page.Report(
        "auc",
        "Exact AUC of every user",
        f"Over {log.shape[1]:,} items, seen ones left out, ties counted as half, scoring included: "
        "from vectors to values. scikit-learn's `roc_auc_score` is called user by user on a "
        f"sample. {log}.",
        AUC_COLUMNS,
        keep,
    )
    users = SKLEARN_USERS[log.size]
    more = min(10 * users, log.shape[0])
    sides = [contest.Side("judge.py", name, file) for name in ("tastemap", "scikit-learn")]
    for side in sides:
        side.do({"what": "auc", "rows": 50})
    runs: list[Callable[[int], dict]] = [
        lambda _: sides[0].do({"what": "auc", "rows": more}),
        lambda _: sides[1].do({"what": "auc", "rows": users}),
    ]
    answers = contest.take_turns(runs, pairs)
    for pair in answers:
        for side in pair:
            side["each"] = side["seconds"] / side["rows"]
    ours, theirs = ([side.pop("values") for side in pair] for pair in zip(*answers, strict=True))
    difference = max(abs(a - b) for a, b in zip(ours[0], theirs[0], strict=False))
    ratio = contest.ratios(answers, "each")
    target = [page.Target("exact AUC per user, against scikit-learn", "L", ratio.median, 60.0)]
    for side, name in ((1, sides[1].version), (0, sides[0].version)):
        rate = 1 / contest.middle(answers, side, "each")
        extra = [ratio.ratio(), f"{difference:.0e}"] if side else ["", ""]
        report.add(
            sides[side].name,
            [name, f"{answers[0][side]['rows']:,}", f"{rate:,.0f}", *extra],
            target if side and log.size == "L" else [],
        )
    for one in sides:
        one.close()


def evaluation(log: logs.Log, pairs: int, keep: bool) -> None:
    """Twelve metrics at three cut-offs and exact AUC, against the scoring alone."""
    ours = contest.Side("judge.py", "tastemap", logs.judged(log))
    report = page.Report(
        "evaluation",
        "A whole evaluation against the scoring alone",
        f"All {log.shape[0]:,} users, all {log.shape[1]:,} items: twelve metrics at 5, 10 and 20 "
        "and the exact AUC of every user, from vectors, by the product that factor models score "
        "with. The scoring alone is the matrix product of the same vectors by BLAS, a block of "
        f"users at a time into the same memory. {log}.",
        EVALUATION_COLUMNS,
        keep,
    )
    ours.do({"what": "evaluation", "rows": 100})
    tried = {n: ours.do({"what": "scoring", "block": n})["seconds"] for n in (64, 256, 1024)}
    block = min(tried, key=tried.__getitem__)
    whole, lists_alone, bare = [], [], []
    for _ in range(pairs):
        bare.append(ours.do({"what": "scoring", "block": block})["seconds"])
        whole.append(ours.do({"what": "evaluation"})["seconds"])
        lists_alone.append(ours.do({"what": "evaluation", "auc": False})["seconds"])
    report.add("0", [f"the scoring alone, {block} users at a time", _median(bare), ""])
    ratio = contest.Spread.of([a / b for a, b in zip(lists_alone, bare, strict=True)])
    report.add("1", ["36 metrics, without AUC", _median(lists_alone), ratio.ratio()])
    ratio = contest.Spread.of([a / b for a, b in zip(whole, bare, strict=True)])
    bound = page.Target("36 metrics and exact AUC: by the scoring", "L", ratio.median, at_most=1.3)
    report.add(
        "2",
        ["36 metrics and exact AUC", _median(whole), ratio.ratio()],
        [bound] if log.size == "L" else [],
        whole=whole,
        bare=bare,
    )
    ours.close()


def _median(values: list[float]) -> str:
    return contest.seconds(float(np.median(values)))


TABLE = [lists, auc, evaluation]


def main() -> None:
    """Measure the tables asked for."""
    parser = page.options(__doc__, sizes="L")
    asked = parser.parse_args()
    size = "S" if asked.quick else asked.sizes[-1]
    source: Path | None = asked.log
    log = (logs.small if size == "S" else logs.large)(source, asked.name)
    for _, table in page.chosen(TABLE, asked.rows):
        table(log, 2 if asked.quick else asked.pairs, keep=not asked.quick)


if __name__ == "__main__":
    main()
