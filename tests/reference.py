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
    golden = 0x9E3779B97F4A7C15
    key = _mixed((_mixed((seed + golden) % 2**64) + epoch * golden) % 2**64)
    return _mixed((key + (index + 1) * golden) % 2**64)


def stream_bytes(seed, epoch, n):
    """The first `n` bytes of the stream, each word's lowest first."""
    words = (random_word(seed, epoch, index) for index in range(-(-n // 8)))
    return np.array([byte for word in words for byte in word.to_bytes(8, "little")][:n])


def _mixed(word):
    word = (word ^ word >> 30) * 0xBF58476D1CE4E5B9 % 2**64
    word = (word ^ word >> 27) * 0x94D049BB133111EB % 2**64
    return word ^ word >> 31


def bpr_epoch_by_hand(blocks, order, weights, x, y, b, rates, hardest_of=1, *, seed, epoch):
    """Rendle's update, block by block and draw by draw, with sets and NumPy rows.

    Round r lets block b of the users meet block b + r of the items, one pair after the other.
    Events are numbered by block of users, block of items, user; draw c of event e is word
    e hardest_of + c. Returns (ranked correctly, skipped).
    """
    starts, items, user_bounds, item_bounds, *_ = blocks
    rate, reg_user, reg_liked, reg_other = rates
    rows = [items[a:z].tolist() for a, z in pairwise(starts)]
    pools = [order[a:z].tolist() for a, z in pairwise(item_bounds)]
    n, number, meetings = len(pools), 0, {}
    for block, q in [(block, q) for block in range(n) for q in range(n)]:
        meetings[block, q] = []
        for u in range(user_bounds[block], user_bounds[block + 1]):
            for i in [i for i in rows[u] if i in pools[q]]:
                meetings[block, q].append((number, u, i))
                number += 1
    correct = skipped = 0
    for r, block in [(r, block) for r in range(n) for block in range(n)]:
        pool = pools[(r + block) % n]
        for e, u, i in meetings[block, (r + block) % n]:
            words = [random_word(seed, epoch, e * hardest_of + c) for c in range(hardest_of)]
            drawn = [other_by_hand(pool, weights, i, w) for w in words] if len(pool) > 1 else []
            if not drawn or drawn[0] in rows[u]:
                skipped += 1
                continue
            first = x[u] @ (y[i] - y[drawn[0]]) + b[i] - b[drawn[0]]
            correct += int(first > 0)
            j = max([j for j in drawn if j not in rows[u]], key=lambda j: x[u] @ y[j] + b[j])
            x_u, y_i, y_j = x[u].copy(), y[i].copy(), y[j].copy()
            z = 1 / (1 + np.exp(x_u @ (y_i - y_j) + b[i] - b[j]))
            x[u] += rate * (z * (y_i - y_j) - reg_user * x_u)
            y[i] += rate * (z * x_u - reg_liked * y_i)
            y[j] += rate * (-z * x_u - reg_other * y_j)
            b[i] += rate * (z - reg_liked * b[i])
            b[j] += rate * (-z - reg_other * b[j])
    return correct, skipped


def other_by_hand(pool, weights, own, word):
    """One of these items but `own`, drawn by 64 random bits; `own` where no other has a weight."""
    others = [item for item in pool if item != own]
    if weights is None:
        return others[(word >> 32) * len(others) >> 32]
    cell = (word >> 32) * len(pool) >> 32
    share, rest = alias_by_hand(weights[pool])[cell]
    drawn = pool[cell if word % 2**32 < share else rest]
    if drawn != own:
        return drawn
    if not weights[others].any():
        return own
    chances = np.cumsum(weights[others]) / weights[others].sum()
    return others[int(np.searchsorted(chances, (_mixed(word) >> 32) / 2**32, side="right"))]


def alias_by_hand(weights):
    """For each cell: how much of it, of 2^32, belongs to its own place, and who has the rest.

    The last cell found with room is filled up from the last found that is too full.
    """
    room = {place: w * len(weights) / weights.sum() for place, w in enumerate(weights)}
    table = [(2**32 - 1, place) for place in room]
    small = [place for place, w in room.items() if w < 1]
    large = [place for place, w in room.items() if w >= 1]
    while small and large:
        low, high = small.pop(), large[-1]
        table[low] = int(room[low] * 2**32), high
        room[high] -= 1 - room[low]
        if room[high] < 1:
            small.append(large.pop())
    return table


def als_system(fixed, items, event_weights, weights, reg):
    """A, b and the preconditioner M of one row of ALS, event by event, in float64."""
    alpha, base, unobserved = weights
    y = fixed.astype(np.float64)
    m = unobserved * y.T @ y + reg * np.eye(y.shape[1])
    a, b = m.copy(), np.zeros(y.shape[1])
    for i, w in zip(items, event_weights, strict=True):
        a += alpha * w * np.outer(y[i], y[i])
        b += (alpha * w + base) * y[i]
    return a, b, m


def conjugate_gradient(a, b, m, x, steps):
    """The textbook's: x after so many steps towards a x = b, preconditioned by m."""
    x = x.astype(np.float64)
    r = b - a @ x
    z = np.linalg.solve(m, r)
    p = z
    for _ in range(steps):
        q = a @ p
        step = (r @ z) / (p @ q)
        x = x + step * p
        after = r - step * q
        z_after = np.linalg.solve(m, after)
        p = z_after + (after @ z_after) / (r @ z) * p
        r, z = after, z_after
    return x


def judged_lists(lists, held, weights):
    """Hits, gains and ideal gains of each list; of an item held out twice the first counts."""
    hits, gains, ideal = [], [], []
    for listed, items, mine in zip(lists, held, weights, strict=True):
        weight_of = dict(zip(reversed(items), reversed(mine), strict=True))
        hits.append([item >= 0 and item in weight_of for item in listed])
        pairs = zip(listed, hits[-1], strict=True)
        gains.append([weight_of[item] if hit else 0.0 for item, hit in pairs])
        ideal.append((sorted(mine, reverse=True) + [0.0] * len(listed))[: len(listed)])
    return hits, gains, ideal


def shared_pairs(rows, others):
    """The pairs of a row and an item that both have, in order."""
    return [(r, i) for r, row in enumerate(rows) for i in sorted(set(row) & set(others[r]))]


def ranked_row(scores, seen, held, barred, tie_order, k):
    """List, twice the pairs won and number of negatives of one row of scores."""
    gone = {*seen, *barred}
    left = [float("-inf") if i in gone else s for i, s in enumerate(scores)]
    negatives = [s for i, s in enumerate(scores) if i not in gone and i not in held]
    won = sum(2 * (scores[p] > n) + (scores[p] == n) for p in held for n in negatives)
    return best_of_row(left, tie_order, k), won, len(negatives)


def tsne_forces(xy, affinity):
    """Gradient of t-SNE (without its factor 4) pair by pair, and the sum of all q."""
    n = len(xy)
    q = [[1 / (1 + (a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2) for b in xy] for a in xy]
    z = sum(q[i][j] for i in range(n) for j in range(n) if i != j)
    gradient = np.zeros((n, 2))
    for i in range(n):
        for j in range(n):
            for axis in (0, 1):
                away = xy[i][axis] - xy[j][axis]
                gradient[i, axis] += (affinity[i][j] - q[i][j] / z) * q[i][j] * away
    return gradient, z


def ranks_of(row, tie_order):
    """The rank of each entry, from 1 (the highest) on."""
    order = sorted(range(len(row)), key=lambda i: (-row[i], tie_order[i]))
    return {item: rank for rank, item in enumerate(order, start=1)}


def map_fidelity(likeness, xy, k):
    """Share of neighbours kept, trustworthiness and continuity, item by item (Venna & Kaski)."""
    n = len(xy)
    close = [[-((a[0] - b[0]) ** 2) - (a[1] - b[1]) ** 2 for b in xy] for a in xy]
    kept, false, lost = 0, 0, 0
    for i in range(n):
        others = [j for j in range(n) if j != i]
        orders = [sorted(others, key=lambda j: -table[i][j]) for table in (likeness, close)]
        true, shown = (order[:k] for order in orders)
        kept += len(set(true) & set(shown))
        false += sum(orders[0].index(j) + 1 - k for j in shown if j not in true)
        lost += sum(orders[1].index(j) + 1 - k for j in true if j not in shown)
    most = n * sum(max(n - 1 - i - k, 0) for i in range(k))
    trust, continuity = (1 - bad / most if most else 1.0 for bad in (false, lost))
    return kept / (n * k), trust, continuity


def attention(inputs, starts, bias, heads):
    """Causal softmax attention, place by place; queries, keys and values side by side."""
    rows, length, wide = inputs.shape
    d = wide // 3
    size = d // heads
    out = np.zeros((rows, length, d))
    for r in range(rows):
        for h in range(heads):
            own = slice(h * size, (h + 1) * size)
            q, k, v = (inputs[r, :, first : first + d][:, own] for first in (0, d, 2 * d))
            for i in range(length):
                seen = range(starts[r], i + 1) if i >= starts[r] else [i]
                scores = [
                    q[i] @ k[j] / size**0.5 + (bias[h][i - j] if len(bias[h]) else 0) for j in seen
                ]
                weights = np.exp(np.array(scores) - max(scores))
                weights /= weights.sum()
                out[r, i, own] = sum(w * v[j] for w, j in zip(weights, seen, strict=True))
    return out
