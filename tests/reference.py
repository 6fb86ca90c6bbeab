"""Slow and obviously right: what kernels and metrics are compared with."""

from fractions import Fraction
from itertools import pairwise
from math import log2

import numpy as np


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


def random_word(seed, epoch, index):
    """Number `index` of the stream (seed, epoch): SplitMix64 in Python's whole numbers."""

    def mixed(word):
        word = (word ^ word >> 30) * 0xBF58476D1CE4E5B9 % 2**64
        word = (word ^ word >> 27) * 0x94D049BB133111EB % 2**64
        return word ^ word >> 31

    golden = 0x9E3779B97F4A7C15
    key = mixed((mixed((seed + golden) % 2**64) + epoch * golden) % 2**64)
    return mixed((key + (index + 1) * golden) % 2**64)


def bpr_epoch_by_hand(blocks, shuffled, weights, x, y, b, rates, *, seed, epoch):
    """Rendle's update, block by block and draw by draw, with sets and NumPy rows.

    Round r lets block b of the users meet block b + r of the items, one pair after the other.
    Returns (ranked correctly, skipped).
    """
    users, starts, items, user_bounds, item_bounds = blocks
    rate, reg_user, reg_liked, reg_other = rates
    histories = [set(items[a:z].tolist()) for a, z in pairwise(starts)]
    n = len(user_bounds) - 1
    correct = skipped = 0
    for meet in [(r, block) for r in range(n) for block in range(n)]:
        members = range(user_bounds[meet[1]], user_bounds[meet[1] + 1])
        q = sum(meet) % n
        pool = shuffled[item_bounds[q] : item_bounds[q + 1]].tolist()
        for event in range(len(users)):
            u, i = int(users[event]), int(items[event])
            if u not in members or i not in pool:
                continue
            word = random_word(seed, epoch, event)
            others = [item for item in pool if item != i]
            if weights is None:
                j = others[(word >> 32) * len(others) >> 32]
            else:
                chances = np.cumsum(weights[others]) / weights[others].sum()
                j = others[int(np.searchsorted(chances, (word >> 40) / (1 << 24), side="right"))]
            if j in histories[u]:
                skipped += 1
                continue
            x_u, y_i, y_j = x[u].copy(), y[i].copy(), y[j].copy()
            margin = x_u @ (y_i - y_j) + b[i] - b[j]
            correct += int(margin > 0)
            z = 1 / (1 + np.exp(margin))
            x[u] += rate * (z * (y_i - y_j) - reg_user * x_u)
            y[i] += rate * (z * x_u - reg_liked * y_i)
            y[j] += rate * (-z * x_u - reg_other * y_j)
            b[i] += rate * (z - reg_liked * b[i])
            b[j] += rate * (-z - reg_other * b[j])
    return correct, skipped
