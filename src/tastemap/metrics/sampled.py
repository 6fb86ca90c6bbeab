"""Metrics on a sample of the catalogue, under names that say so, with the full figure beside them.

Ranking the held-out items among a few drawn ones is quicker and much easier, so the numbers are
far higher than those of full ranking; worse, the order of two models may turn round (Krichene and
Rendle, On sampled metrics for item recommendation, KDD 2020). They are here because papers print
them and numbers must be comparable, never instead of full ranking.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from tastemap.contracts import Model
from tastemap.data.interactions import Histories
from tastemap.data.split import Part, Split
from tastemap.errors import UsageError
from tastemap.kernels.counter import unit_scores
from tastemap.kernels.topk import top_k
from tastemap.metrics.catalogue import Audience
from tastemap.metrics.evaluate import evaluate
from tastemap.metrics.ranking import TOPK, parse
from tastemap.metrics.result import Estimate, Evaluation
from tastemap.recommend import Ranking, scored_blocks, tie_order, top_items
from tastemap.seeding import stream
from tastemap.shapes import Float32, Int32

Drawn = Literal["uniform", "popular"]
"""Every item alike, or each in proportion to how many people used it."""

LEAST_WEIGHT = 1e-6
"""Weight of an item that nobody used, in a draw by popularity: taken when nothing else is left."""


@dataclass(frozen=True, eq=False)
class SampledEvaluation:
    """The same model by full ranking and by a sample of the catalogue.

    Parameters
    ----------
    full
        Every item ranked: names such as "ndcg@10".
    sampled
        The held-out items among a few others: names such as "ndcg@10[99 uniform]".
    """

    full: Evaluation
    sampled: Evaluation

    def __str__(self) -> str:
        lines = []
        for name, one in zip(self.sampled.estimates, self.full.estimates, strict=True):
            lines.append(f"{name}: {self.sampled[name]}; full ranking {one}: {self.full[one]}")
        return "\n".join(lines)


def evaluate_sampled(
    model: Model,
    split: Split,
    metrics: Sequence[str] = ("recall@10", "ndcg@10"),
    negatives: int = 99,
    seed: int = 0,
    drawn: Drawn = "uniform",
    *,
    part: Part = "test",
) -> SampledEvaluation:
    """Rank the held-out items of each user among a few drawn ones, and among all items too.

    Parameters
    ----------
    metrics
        Metrics of lists, such as "ndcg@10".
    negatives
        How many items are drawn for each user, none twice, none that she has seen or that was
        held out for her: all her held-out items are ranked among the same ones. Fewer where the
        catalogue runs out.
    seed
        What they are drawn from; neither batch size nor threads change the draw.
    drawn
        "uniform", or "popular": one after the other, in proportion to how many people used an
        item.

    Returns
    -------
    SampledEvaluation
        Both evaluations; the sampled one's names end in the protocol: "ndcg@10[99 uniform]".

    Errors
    ------
    UsageError
        For a metric that is not of lists, negatives < 1, an unknown `drawn`; else as `evaluate`.

    Source of the protocol: He et al., Neural collaborative filtering, WWW 2017.

    >>> from tastemap.data.splits import leave_last_out
    >>> from tastemap.data.synthetic import taste_groups
    >>> from tastemap.models import Random
    >>> split = leave_last_out(taste_groups(seed=1))
    >>> both = evaluate_sampled(Random().fit(split.train), split, ["recall@10"], negatives=20)
    >>> both.sampled["recall@10[20 uniform]"].mean > 3 * both.full["recall@10"].mean
    True
    """
    asked = {name: parse(name) for name in metrics}
    if negatives < 1 or drawn not in ("uniform", "popular") or not asked:
        raise UsageError(
            f"negatives={negatives}, drawn={drawn!r}, {len(asked)} metrics",
            "one or more negatives, drawn 'uniform' or 'popular', one or more metrics",
            "pass negatives=99, drawn='uniform'",
        )
    full = evaluate(model, split, metrics, part=part)
    start = time.perf_counter()
    histories, truth = split.queries(part)
    n_items = len(model.items)
    counts = Audience.of(split.train).counts
    weights = (counts if drawn == "popular" else np.ones(n_items)).astype(np.float32)
    others = _draw(histories, truth, weights, negatives, seed)
    longest = max(k or 1 for _, k in asked.values())
    items = np.empty((len(truth), longest), dtype=np.int32)
    ties = tie_order(n_items)
    for rows, scores in scored_blocks(model.score, histories, n_items):
        among = _only(scores, truth.take(rows), others[rows])
        items[rows], _ = top_k(among, ties, longest)
    ranking = Ranking.of(items, truth)
    per_user = {
        f"{name}[{negatives} {drawn}]": TOPK[word](ranking, k or 1)
        for name, (word, k) in asked.items()
    }
    sampled = Evaluation(
        estimates={name: Estimate.of(values) for name, values in per_user.items()},
        per_user=per_user,
        users=full.users,
        ranking=ranking,
        without_truth=full.without_truth,
        cold_users=full.cold_users,
        seconds=time.perf_counter() - start,
        how=f"{split.how}: {part} part, held-out items ranked among {negatives} others a user, "
        f"drawn {drawn}, seed {seed}",
    )
    return SampledEvaluation(full, sampled)


def _draw(
    histories: Histories,
    truth: Histories,
    weights: Float32[np.ndarray, " items"],
    negatives: int,
    seed: int,
) -> Int32[np.ndarray, "rows negatives"]:
    """Items for each user that she has neither seen nor had held out; -1 where there are no more.

    The items with the highest log(u) / weight, u being random in (0, 1): a draw without return
    in proportion to the weights (Efraimidis and Spirakis, Information Processing Letters 2006).
    """
    key = int(stream(seed, "evaluate_sampled").integers(2**31))
    heavy = np.maximum(weights, np.float32(LEAST_WEIGHT))

    def chance(asked: Histories) -> Float32[np.ndarray, "rows items"]:
        drawn = np.asarray(unit_scores(key, asked.user, len(weights)))
        return (np.log(drawn + np.float32(2**-25)) / heavy).astype(np.float32)

    # Rows are told apart by the user's code, whatever block they come in.
    barred = _together(histories, truth)
    items, _ = top_items(chance, barred, len(weights), negatives, exclude_seen=True)
    return items


def _together(one: Histories, other: Histories) -> Histories:
    """Both rows' items in one, under the name of the second."""
    rows = np.concatenate([np.repeat(np.arange(len(h)), h.lengths) for h in (one, other)])
    order = np.argsort(rows, kind="stable")
    return Histories(
        user=other.user,
        starts=one.starts + other.starts,
        items=np.concatenate([one.items, other.items])[order],
        weight=np.concatenate([one.weight, other.weight])[order],
    )


def _only(
    scores: Float32[np.ndarray, "rows items"],
    truth: Histories,
    others: Int32[np.ndarray, "rows negatives"],
) -> Float32[np.ndarray, "rows items"]:
    """The scores of the held-out and the drawn items; -inf for all others."""
    kept = np.zeros(scores.shape, dtype=bool)
    kept[np.repeat(np.arange(len(truth)), truth.lengths), truth.items] = True
    rows, places = np.nonzero(others >= 0)
    kept[rows, others[rows, places]] = True
    return np.where(kept, scores, np.float32(-np.inf))
