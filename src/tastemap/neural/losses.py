"""Every ranking loss as a plain function of scores and relevance.

All have one form: `scores` (n, m) of n lists of m items, `relevance` (n, m) with 1 where the item
was used and 0 where it was drawn as a negative, and they return one number, the mean over lists
(pointwise: over elements; pairwise: over pairs). A sequence model's list is its next item and the
negatives; a user-item model's list may hold several used items.

The full softmax over the catalogue is the same function as `softmax` on a list of all items;
`linear_softmax` computes it in pieces, without ever holding all scores.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from tastemap.shapes import Float, Int

CHUNK_BYTES = 4 << 20
"""Scores that `linear_softmax` holds at a time: they should stay in the cache of the cores."""

EULER = 0.5772156649015329


def squared(scores: Float[Tensor, "n m"], relevance: Float[Tensor, "n m"]) -> Float[Tensor, ""]:
    """Pointwise: mean of (s - r)^2.

    >>> squared(torch.tensor([[1.0, 0.5]]), torch.tensor([[1.0, 0.0]])).item()
    0.125
    """
    return F.mse_loss(scores, relevance)


def bce(scores: Float[Tensor, "n m"], relevance: Float[Tensor, "n m"]) -> Float[Tensor, ""]:
    """Pointwise: binary cross-entropy, mean of -log sigmoid(s) where used, -log sigmoid(-s) else.

    >>> round(bce(torch.zeros(1, 2), torch.tensor([[1.0, 0.0]])).item(), 4)   # log 2
    0.6931
    """
    return F.binary_cross_entropy_with_logits(scores, relevance)


def gbce(
    scores: Float[Tensor, "n m"],
    relevance: Float[Tensor, "n m"],
    *,
    sampled_share: float,
    calibration: float = 0.75,
) -> Float[Tensor, ""]:
    """Pointwise: BCE whose positive part weighs beta, so that few negatives do not make it
    over-confident.

    beta = a (t (1 - 1/a) + 1/a), with a the share of the catalogue that was drawn and t the
    calibration: t = 0 is BCE, t = 1 makes sigmoid(s) a calibrated probability. The mean is over
    all elements. Source: Petrov & Macdonald, gSASRec, RecSys 2023.

    Parameters
    ----------
    sampled_share
        a: negatives of one list over the number of other items, above 0 to 1.
    calibration
        t, from 0 to 1.
    """
    beta = positive_weight(sampled_share, calibration)
    parts = beta * relevance * F.softplus(-scores) + (1 - relevance) * F.softplus(scores)
    return parts.mean()


def positive_weight(sampled_share: float, calibration: float) -> float:
    """The beta of gBCE: 1 without calibration, a itself with all of it.

    >>> positive_weight(0.25, 0.0), positive_weight(0.25, 1.0)
    (1.0, 0.25)
    """
    a = sampled_share
    return a * (calibration * (1 - 1 / a) + 1 / a)


def bpr(scores: Float[Tensor, "n m"], relevance: Float[Tensor, "n m"]) -> Float[Tensor, ""]:
    """Pairwise: mean of -log sigmoid(s_i - s_j) over pairs of a used i and another j of a list.

    Source: Rendle et al., UAI 2009.

    >>> round(bpr(torch.tensor([[2.0, 2.0]]), torch.tensor([[1.0, 0.0]])).item(), 4)
    0.6931
    """
    pairs = Pairs.of(scores, relevance)
    return pairs.mean(F.softplus(-pairs.gaps))


def hinge(
    scores: Float[Tensor, "n m"], relevance: Float[Tensor, "n m"], *, margin: float = 1.0
) -> Float[Tensor, ""]:
    """Pairwise: mean of max(0, margin - (s_i - s_j)) over pairs.

    >>> hinge(torch.tensor([[2.0, 1.5]]), torch.tensor([[1.0, 0.0]])).item()
    0.5
    """
    pairs = Pairs.of(scores, relevance)
    return pairs.mean(F.relu(margin - pairs.gaps))


def warp(
    scores: Float[Tensor, "n m"],
    relevance: Float[Tensor, "n m"],
    *,
    n_items: int,
    margin: float = 1.0,
) -> Float[Tensor, ""]:
    """Pairwise: hinge, each pair weighted by how deep its used item stands (WARP).

    The rank of a used item is estimated by the violators (negatives within the margin) among the
    drawn ones, scaled to the catalogue; its pairs weigh L(rank) / violators, L(r) = sum of 1/j
    for j up to r, so that all violators of an item weigh L(rank) together. Weston et al.
    (IJCAI 2011) draw until the first violator: with all negatives at hand the count itself is the
    better estimate.
    """
    pairs = Pairs.of(scores, relevance)
    losses = F.relu(margin - pairs.gaps) * pairs.mask
    violators = (losses > 0).sum(dim=2, keepdim=True)
    rank = violators / pairs.mask.sum(dim=2, keepdim=True).clamp(min=1) * (n_items - 1)
    harmonic = torch.digamma(rank + 1) + EULER  # sum of 1/j, continued to any rank
    weighted = harmonic / violators.clamp(min=1) * losses
    return weighted.sum() / relevance.sum().clamp(min=1)


def softmax(
    scores: Float[Tensor, "n m"],
    relevance: Float[Tensor, "n m"],
    *,
    logq: Float[Tensor, "n m"] | None = None,
) -> Float[Tensor, ""]:
    """Listwise: -log of the softmax of each used item against the negatives of its list.

    Of several used items in a list each competes with the negatives alone. With `logq`, the
    log of how often each element is drawn, sampled lists estimate the softmax over the whole
    catalogue without its popularity bias (Yi et al., RecSys 2019): used items are given 0.

    >>> round(softmax(torch.zeros(1, 4), torch.tensor([[1.0, 0, 0, 0]])).item(), 4)   # log 4
    1.3863
    """
    if logq is not None:
        scores = scores - logq
    others = scores.masked_fill(relevance > 0, -math.inf).logsumexp(dim=1, keepdim=True)
    losses = F.softplus(others - scores)  # log(1 + e^(o - s)) = -log(e^s / (e^s + e^o))
    return (losses * relevance).sum() / relevance.sum().clamp(min=1)


def listnet(scores: Float[Tensor, "n m"], relevance: Float[Tensor, "n m"]) -> Float[Tensor, ""]:
    """Listwise: cross-entropy of the top-1 probabilities, -sum P_r log P_s with P = softmax.

    P_r is the softmax of relevance where an item was used and 0 elsewhere (a binary list would
    otherwise give most of its mass to its many negatives): with one used item a list, ListNet
    *is* the softmax loss; with several they share the mass. Source: Cao et al., ICML 2007.
    """
    target = relevance / relevance.sum(dim=1, keepdim=True).clamp(min=1)
    return -(target * scores.log_softmax(dim=1)).sum(dim=1).mean()


def lambdarank(scores: Float[Tensor, "n m"], relevance: Float[Tensor, "n m"]) -> Float[Tensor, ""]:
    """Listwise: BPR's pairs, each weighted by what swapping the two would change in NDCG.

    |1 / log2(1 + rank_i) - 1 / log2(1 + rank_j)| / ideal DCG, with ranks by score in the list;
    the weights are held fixed in the gradient. Sum over pairs, mean over lists. Source: Burges,
    2010; as a bound of NDCG: Wang et al. (LambdaLoss), CIKM 2018.
    """
    order = scores.argsort(dim=1, descending=True, stable=True)
    ranks = torch.empty_like(order)
    ranks.scatter_(1, order, torch.arange(1, scores.shape[1] + 1).to(order).expand_as(order))
    discount = 1 / torch.log2(1 + ranks.to(scores.dtype))
    pairs = Pairs.of(scores, relevance)
    ideal = discount.new_ones(pairs.used.shape[1]).cumsum(0).add(1).log2().reciprocal().cumsum(0)
    best = ideal[(relevance.sum(dim=1).long() - 1).clamp(min=0)]
    changes = (discount.gather(1, pairs.used)[:, :, None] - discount[:, None, :]).abs()
    losses = changes.detach() / best[:, None, None] * F.softplus(-pairs.gaps) * pairs.mask
    return losses.sum(dim=(1, 2)).mean()


LOSSES: dict[str, Callable[..., Tensor]] = {
    "squared": squared,
    "bce": bce,
    "gbce": gbce,
    "bpr": bpr,
    "hinge": hinge,
    "warp": warp,
    "softmax": softmax,
    "listnet": listnet,
    "lambdarank": lambdarank,
}
"""Every loss by name."""

KINDS = {
    "pointwise": ("squared", "bce", "gbce"),
    "pairwise": ("bpr", "hinge", "warp"),
    "listwise": ("softmax", "listnet", "lambdarank"),
}
"""What a loss looks at: one item, two items, or a whole list."""


class Pairs(NamedTuple):
    """Every used item of each list against every element of it.

    Parameters
    ----------
    used
        Columns of the used items, filled up with others where a list has fewer than p.
    gaps
        Score of the used item less score of the other.
    mask
        1 where the first was used and the second was not.
    """

    used: Int[Tensor, "n p"]
    gaps: Float[Tensor, "n p m"]
    mask: Float[Tensor, "n p m"]

    @classmethod
    def of(cls, scores: Float[Tensor, "n m"], relevance: Float[Tensor, "n m"]) -> "Pairs":
        """Pairs of these lists; p is the most used items of any list."""
        most = max(int(relevance.sum(dim=1).max()), 1)
        marks, used = relevance.topk(most, dim=1)
        gaps = scores.gather(1, used)[:, :, None] - scores[:, None, :]
        return cls(used, gaps, marks[:, :, None] * (1 - relevance[:, None, :]))

    def mean(self, losses: Float[Tensor, "n p m"]) -> Float[Tensor, ""]:
        """Mean over the pairs that are pairs."""
        return (losses * self.mask).sum() / self.mask.sum().clamp(min=1)


class _LinearSoftmax(torch.autograd.Function):
    """Loss and gradients of the full softmax, piece by piece, in one pass over the scores."""

    @staticmethod
    def forward(
        ctx: Any,
        hidden: Float[Tensor, "n d"],
        items: Float[Tensor, "items d"],
        targets: Int[Tensor, " n"],
    ) -> Float[Tensor, ""]:
        n = len(targets)
        step = max(1, CHUNK_BYTES // (4 * len(items)))
        total = hidden.new_zeros(())
        hidden_slope, items_slope = torch.empty_like(hidden), torch.zeros_like(items)
        for start in range(0, n, step):
            part = slice(start, start + step)
            aims = targets[part, None]
            scores = hidden[part] @ items.T  # (piece, items)
            # softmax is one fused pass, a fifth of the time of exp and sum apart. Its largest
            # share is 1 / sum of exp(score - highest), from which the loss follows exactly.
            shares = scores.softmax(dim=1)
            highest, largest = scores.amax(dim=1), shares.amax(dim=1)
            total += (highest - scores.gather(1, aims)[:, 0] - largest.log()).sum()
            # In place: shares less the target's 1 are the gradient of the scores.
            shares.scatter_add_(1, aims, shares.new_full((len(aims), 1), -1.0))
            torch.mm(shares, items, out=hidden_slope[part])
            items_slope.addmm_(shares.T, hidden[part])
        ctx.save_for_backward(hidden_slope.div_(n), items_slope.div_(n))
        return total / n

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor, Tensor, None]:
        hidden_slope, items_slope = ctx.saved_tensors
        return slopes[0] * hidden_slope, slopes[0] * items_slope, None


def linear_softmax(
    hidden: Float[Tensor, "n d"], items: Float[Tensor, "items d"], targets: Int[Tensor, " n"]
) -> Float[Tensor, ""]:
    """Mean of -log softmax(hidden @ items')[target] over the whole catalogue.

    Scores are made a piece at a time and turned into their gradient in place: nothing of shape
    (n, items) is ever held, and they are computed once instead of twice.

    >>> hidden, items = torch.zeros(2, 3), torch.zeros(5, 3)
    >>> round(linear_softmax(hidden, items, torch.tensor([0, 4])).item(), 4)   # log 5
    1.6094
    """
    return _LinearSoftmax.apply(hidden, items, targets)
