"""Slow and obviously right: what kernels and metrics are compared with."""

from fractions import Fraction
from itertools import pairwise
from math import log2


def best_of_row(scores, tie_order, k):
    """Positions of the k highest scores, best first, ties by `tie_order`, filled up with -1."""
    there = [i for i, score in enumerate(scores) if score != float("-inf")]
    there.sort(key=lambda i: (-scores[i], tie_order[i]))
    return (there + [-1] * k)[:k]


def auc_of_pairs(positives, negatives):
    """Share of all pairs that are in the right order; a tie is half a pair; None without pairs."""
    pairs = [(p, n) for p in positives for n in negatives]
    if not pairs:
        return None
    twice_won = sum(2 if p > n else 1 if p == n else 0 for p, n in pairs)
    return Fraction(twice_won, 2 * len(pairs))


def roc_corners(positives, negatives):
    """Corners of the ROC curve: a point for every threshold, without those on a straight line."""
    points = [(Fraction(0), Fraction(0))]
    for threshold in sorted({*positives, *negatives}, reverse=True):
        found = sum(p >= threshold for p in positives)
        alarms = sum(n >= threshold for n in negatives)
        points.append((Fraction(alarms, len(negatives)), Fraction(found, len(positives))))
    corners = [points[0]]
    for here, after in pairwise(points[1:]):
        (x0, y0), (x1, y1), (x2, y2) = corners[-1], here, after
        if (x1 - x0) * (y2 - y1) != (x2 - x1) * (y1 - y0):
            corners.append(here)
    return [*corners, points[-1]]


def list_metrics(listed, held, k):
    """Every metric of one user's list by its name, from `held`: item -> weight."""
    hits = [item in held for item in listed[:k]]
    hits += [False] * (k - len(hits))
    ranks = [rank for rank, hit in enumerate(hits, start=1) if hit]
    reach = min(k, len(held))
    dcg = sum(1 / log2(rank + 1) for rank in ranks)
    best = sum(1 / log2(rank + 1) for rank in range(1, reach + 1))
    graded = sum(held[listed[rank - 1]] / log2(rank + 1) for rank in ranks)
    heaviest = sorted(held.values(), reverse=True)[:k]
    best_graded = sum(w / log2(rank + 1) for rank, w in enumerate(heaviest, start=1))
    precisions = sum(sum(hits[:rank]) / rank for rank in ranks)
    return {
        "precision": len(ranks) / k,
        "recall": len(ranks) / len(held),
        "recall_capped": len(ranks) / reach,
        "hit_rate": 1.0 if ranks else 0.0,
        "ndcg": dcg / best,
        "ndcg_graded": graded / best_graded,
        "dcg": dcg,
        "map": precisions / reach,
        "map_full": precisions / len(held),
        "mrr": 1 / ranks[0] if ranks else 0.0,
    }


def gini_of(counts):
    """Mean absolute difference between two items, by twice the mean."""
    n = len(counts)
    differences = sum(abs(a - b) for a in counts for b in counts)
    return differences / (2 * n * sum(counts))


def mean_shared(lists, k):
    """Mean over pairs of users of the share of k places that they share."""
    pairs = [(a, b) for i, a in enumerate(lists) for b in lists[:i]]
    return sum(len(set(a) & set(b)) / k for a, b in pairs) / len(pairs)
