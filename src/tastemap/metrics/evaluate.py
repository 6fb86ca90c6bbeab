"""Evaluate a model with full ranking: every user, every item, one pass, each value with its error.

For each block of users the scores are computed once; seen items are masked, lists are cut and
AUC pairs are counted on the same numbers. Values depend neither on the size of the blocks, nor
on threads, nor on which other metrics are asked for. The pooled AUC alone needs a second pass.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from tastemap.contracts import Model
from tastemap.data.interactions import UNKNOWN, Histories
from tastemap.data.split import Part, Split
from tastemap.errors import UsageError
from tastemap.kernels.ranking import rank_rows
from tastemap.kernels.workers import deal
from tastemap.metrics.auc import Pooled, Roc, auc_of_counts, count_negatives, pool
from tastemap.metrics.catalogue import CATALOGUE, Audience
from tastemap.metrics.inputs import (
    nothing_held_out,
    require_fit,
    require_no_repeats,
    require_same_ids,
)
from tastemap.metrics.ranking import TOPK, parse
from tastemap.metrics.result import Estimate as Estimate
from tastemap.metrics.result import Evaluation as Evaluation
from tastemap.recommend import (
    NO_ITEMS,
    Ranking,
    Score,
    each_block,
    empty_lists,
    ragged,
    tie_order,
)
from tastemap.shapes import Float32, Float64

AT_K = (*TOPK, *CATALOGUE)
"""Names of metrics that take a k: "ndcg@10"."""

PLAIN = ("auc", "auc_global")
"""Names of metrics of all scores: mean of the users' AUC; AUC of all pairs pooled."""

Value = Float64[np.ndarray, " users"] | float
"""What a metric yields: one value a user, or one number for all."""

Asked = Mapping[str, tuple[str, int | None]]
"""Metrics asked for: name -> function and k."""

DEFAULT_METRICS = (
    "precision@10",
    "recall@10",
    "hit_rate@10",
    "ndcg@10",
    "map@10",
    "mrr@10",
    "auc",
    "coverage@10",
    "novelty@10",
)
"""What `evaluate` measures unless told otherwise."""


def evaluate(
    model: Model,
    split: Split,
    metrics: Sequence[str] = DEFAULT_METRICS,
    *,
    part: Part = "test",
    exclude_seen: bool = True,
) -> Evaluation:
    """Compare a model with what a split held out: all users of the part, the whole catalogue.

    Parameters
    ----------
    model
        Fitted on `split.train` (or on more, with the same vocabularies).
    metrics
        Names such as "ndcg@10" (see `TOPK`, `CATALOGUE`), "auc", "auc_global".
    part
        "test" or "validation".
    exclude_seen
        Take items of the history out of the lists and out of the AUC's negatives.

    Returns
    -------
    Evaluation
        Users without events in the part are left out and counted. Users whose list is short keep
        their misses. Items that nobody used in training are in the catalogue like all others.

    Errors
    ------
    UsageError
        For an unknown metric or part.
    InputError
        For a model of another catalogue, an empty part, scores that are not finite or have the
        wrong shape.
    """
    require_same_ids(model, split)
    histories, truth = split.queries(part)
    seen = "left out" if exclude_seen else "kept in"
    found = evaluate_histories(
        model.score,
        histories,
        truth,
        len(model.items),
        metrics,
        audience=Audience.of(model.train),
        exclude_seen=exclude_seen,
        how=f"{split.how}: {part} part, all {len(model.items):,} items ranked, seen items {seen}",
    )
    left_out = found.without_truth + split.users_without_truth(part)
    return replace(found, without_truth=left_out)


def roc(model: Model, split: Split, *, part: Part = "test", exclude_seen: bool = True) -> Roc:
    """ROC curve of a model over all (user, item) pairs; the area under it is "auc_global".

    Arguments and errors as for `evaluate`.
    """
    require_same_ids(model, split)
    histories, truth = split.queries(part)
    n_items = len(model.items)
    require_fit(histories, truth, n_items, exclude_seen)
    return pool(model.score, histories, truth, n_items, exclude_seen=exclude_seen).roc()


def evaluate_histories(
    score: Score,
    histories: Histories,
    truth: Histories,
    n_items: int,
    metrics: Sequence[str],
    *,
    audience: Audience | None = None,
    exclude_seen: bool = True,
    how: str = "",
) -> Evaluation:
    """Compare any scores with what was held out.

    Parameters
    ----------
    score
        Histories -> finite float32 scores of shape (rows, n_items).
    histories, truth
        What may be seen of each user and what was held out, row by row the same users. An item
        that is held out twice counts once; its weights add up.
    audience
        How many people used each item; only metrics of the catalogue need it.

    Errors and the rest as for `evaluate`. A held-out item that is also in the history could
    never be listed: with `exclude_seen` it is an error.

    >>> always_first = lambda histories: np.tile(np.float32([3, 2, 1, 0]), (len(histories), 1))
    >>> histories, truth = Histories.of_items([[0], [1]]), Histories.of_items([[1], [3]])
    >>> found = evaluate_histories(always_first, histories, truth, 4, ["hit_rate@1", "auc"])
    >>> print(found)
    2 users, 0 of them without history; 0 more without held-out items
    <BLANKLINE>
    metric           mean  ± stderr      users
    hit_rate@1     0.5000    0.5000          2
    auc            0.5000    0.5000          2
    """
    start = time.perf_counter()
    asked = _asked(metrics)
    _require_audience(asked, audience)
    require_fit(histories, truth, n_items, exclude_seen)
    rows = len(truth)
    kept = np.flatnonzero(truth.lengths)
    if len(kept) < rows:
        histories, truth = histories.take(kept), truth.take(kept)
    truth = _distinct(truth, n_items)
    k = max((k for _, k in asked.values() if k is not None), default=1)
    seen = histories if exclude_seen else None
    lists = empty_lists(len(kept), k)
    positives = np.empty(len(truth.items), dtype=np.float32)
    pairs = np.zeros((2, len(kept)), dtype=np.int64)  # twice the pairs won, and negatives
    ties = tie_order(n_items)

    def visit(part: slice, scores: Float32[np.ndarray, "rows items"]) -> int:
        mine = positives[truth.starts[part.start] : truth.starts[part.stop]]
        counted = pairs[:, part] if "auc" in asked else pairs[:, :0]
        written = ((lists[0][part], lists[1][part]), (counted[0], counted[1]), mine)
        return rank_rows(scores, ragged(seen, part), ragged(truth, part), NO_ITEMS, ties, *written)

    each_block(score, histories, n_items, visit)
    of_scores: dict[str, Value] = {"auc": auc_of_counts(pairs[0], pairs[1], truth.lengths)}
    if "auc_global" in asked:
        pooled = Pooled.of(positives)
        pooled = count_negatives(pooled, score, histories, truth, seen, n_items)
        of_scores["auc_global"] = pooled.auc()
    ranking = Ranking.of(lists[0], truth)
    estimates, per_user = _measured(ranking, asked, of_scores, audience)
    return Evaluation(
        estimates=estimates,
        per_user=per_user,
        users=np.where(truth.user >= 0, truth.user, histories.user),
        ranking=ranking,
        without_truth=rows - len(kept),
        cold_users=int((histories.lengths == 0).sum()),
        seconds=time.perf_counter() - start,
        how=how,
    )


def evaluate_lists(
    ranking: Ranking,
    metrics: Sequence[str],
    *,
    audience: Audience | None = None,
    how: str = "",
) -> Evaluation:
    """Measure ready lists, of another program for example: metrics at k only.

    `Ranking.of(items, truth)` makes the ranking. Users are unknown (-1) and so is who of them has
    no history; rows without held-out items are left out and counted.

    >>> lists = np.array([[3, 1], [0, 2]], dtype=np.int32)
    >>> ranking = Ranking.of(lists, Histories.of_items([[1], [2, 3]]))
    >>> print(evaluate_lists(ranking, ["recall@2"])["recall@2"])
    0.7500 ± 0.2500
    """
    start = time.perf_counter()
    asked = _asked(metrics)
    _require_audience(asked, audience)
    of_scores = [name for name, (_, k) in asked.items() if k is None]
    if of_scores:
        raise UsageError(
            f"metric {of_scores[0]!r} for lists",
            ", ".join(f"{name}@k" for name in AT_K),
            "evaluate_histories measures it: it needs the scores of all items",
        )
    require_no_repeats(ranking)
    kept = ranking.relevant > 0
    if not kept.any():
        raise nothing_held_out(len(kept))
    cut = ranking if kept.all() else ranking.take(kept)
    estimates, per_user = _measured(cut, asked, {}, audience)
    return Evaluation(
        estimates=estimates,
        per_user=per_user,
        users=np.full(len(cut.items), UNKNOWN, dtype=np.int32),
        ranking=cut,
        without_truth=int((~kept).sum()),
        cold_users=0,
        seconds=time.perf_counter() - start,
        how=how,
    )


def _measured(
    ranking: Ranking,
    asked: Asked,
    of_scores: Mapping[str, Value],
    audience: Audience | None,
) -> tuple[dict[str, Estimate], dict[str, Float64[np.ndarray, " users"]]]:
    """Estimates, and the users' values, in the order asked for."""
    ranking.walk(k for function, k in asked.values() if k is not None and function in TOPK)

    def measure(name: str) -> tuple[Value, Estimate]:
        function, k = asked[name]
        if k is None:
            value = of_scores[function]
        elif function in TOPK:
            value = TOPK[function](ranking, k)
        else:
            assert audience is not None  # `_require_audience` saw to it
            value = CATALOGUE[function](ranking, k, audience)
        if isinstance(value, float):
            return value, Estimate(value, None, len(ranking.items))
        return value, Estimate.of(value)

    found = dict(zip(asked, deal(measure, list(asked)), strict=True))
    per_user = {name: value for name, (value, _) in found.items() if not isinstance(value, float)}
    return {name: estimate for name, (_, estimate) in found.items()}, per_user


def _asked(metrics: Sequence[str]) -> Asked:
    if isinstance(metrics, str) or len(metrics) == 0:
        raise UsageError(
            f"metrics={metrics!r}",
            "a list of names such as 'ndcg@10' and 'auc'",
            f"write metrics=[{metrics or 'ndcg@10'!r}]",
        )
    return {name: parse(name, AT_K, PLAIN) for name in metrics}


def _distinct(truth: Histories, n_items: int) -> Histories:
    """Every held-out item once a row; weights of repeats add up."""
    matrix = truth.matrix(n_items)
    return Histories(
        user=truth.user,
        starts=matrix.indptr.astype(np.int64),
        items=matrix.indices.astype(np.int32),
        weight=matrix.data,
    )


def _require_audience(asked: Asked, audience: Audience | None) -> None:
    needing = [name for name, (function, _) in asked.items() if function in CATALOGUE]
    if needing and audience is None:
        raise UsageError(
            f"metric {needing[0]!r} without an audience",
            "the number of people who used each item",
            "pass audience=Audience.of(train)",
        )
