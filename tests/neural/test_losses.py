"""Every loss against its formula, written out with plain loops, and by its gradient."""

import math

import numpy as np
import pytest
import torch

from tastemap.neural.losses import KINDS, LOSSES, linear_softmax

OPTIONS = {"gbce": {"sampled_share": 0.25, "calibration": 0.6}, "warp": {"n_items": 21}}
SCORES = [[0.3, -0.2, 1.4, 0.9, -1.1], [2.0, 0.1, 0.0, -0.5, 0.7], [0.4, 0.3, 0.2, 0.1, 0.0]]
RELEVANCE = [[1, 0, 0, 1, 0], [1, 0, 0, 0, 0], [0, 0, 1, 0, 0]]


def log_sigmoid(x):
    return -math.log(1 + math.exp(-x))


def pairs(scores, relevance):
    for s, r in zip(scores, relevance, strict=True):
        for i in np.flatnonzero(r):
            for j in np.flatnonzero(np.array(r) == 0):
                yield s, r, int(i), int(j)


def by_hand(name, scores, relevance):
    elements = [
        (s, r)
        for row, used in zip(scores, relevance, strict=True)
        for s, r in zip(row, used, strict=True)
    ]
    if name == "squared":
        return np.mean([(s - r) ** 2 for s, r in elements])
    if name == "bce":
        return np.mean([-log_sigmoid(s if r else -s) for s, r in elements])
    if name == "gbce":
        a, t = 0.25, 0.6
        beta = a * (t * (1 - 1 / a) + 1 / a)
        return np.mean([-beta * log_sigmoid(s) if r else -log_sigmoid(-s) for s, r in elements])
    if name == "bpr":
        return np.mean([-log_sigmoid(s[i] - s[j]) for s, _, i, j in pairs(scores, relevance)])
    if name == "hinge":
        return np.mean([max(0, 1 - s[i] + s[j]) for s, _, i, j in pairs(scores, relevance)])
    rows = list(zip(scores, relevance, strict=True))
    return sum(LISTS[name](s, r) for s, r in rows) / MEANS[name](relevance)


def warp_of(s, r):
    total = 0.0
    others = [j for j in range(len(s)) if not r[j]]
    for i in np.flatnonzero(r):
        losses = [max(0, 1 - s[i] + s[j]) for j in others]
        violators = sum(loss > 0 for loss in losses)
        if violators:
            rank = violators / len(others) * 20
            lower, upper = math.floor(rank), math.ceil(rank)
            assert lower == upper  # the lists are chosen so that ranks are whole
            harmonic = sum(1 / j for j in range(1, lower + 1))
            total += harmonic / violators * sum(losses)
    return total


def softmax_of(s, r):
    others = sum(math.exp(s[j]) for j in range(len(s)) if not r[j])
    return sum(-math.log(math.exp(s[i]) / (math.exp(s[i]) + others)) for i in np.flatnonzero(r))


def listnet_of(s, r):
    total = sum(math.exp(one) for one in s)
    return -sum(one / sum(r) * math.log(math.exp(x) / total) for x, one in zip(s, r, strict=True))


def lambdarank_of(s, r):
    rank = {j: 1 + sum(x > s[j] for x in s) for j in range(len(s))}
    ideal = sum(1 / math.log2(1 + p) for p in range(1, sum(r) + 1))
    return sum(
        abs(1 / math.log2(1 + rank[i]) - 1 / math.log2(1 + rank[j]))
        / ideal
        * -log_sigmoid(s[i] - s[j])
        for _, _, i, j in pairs([s], [r])
    )


LISTS = {"warp": warp_of, "softmax": softmax_of, "listnet": listnet_of, "lambdarank": lambdarank_of}
MEANS = {"warp": np.sum, "softmax": np.sum, "listnet": len, "lambdarank": len}


def computed(name, scores, relevance):
    return LOSSES[name](scores, relevance, **OPTIONS.get(name, {}))


@pytest.mark.parametrize("name", LOSSES)
def test_agrees_with_its_formula(name):
    scores = torch.tensor(SCORES, dtype=torch.float64)
    relevance = torch.tensor(RELEVANCE, dtype=torch.float64)
    if name == "warp":  # 4 negatives: whole ranks with lists of one used item
        scores, relevance = scores[1:], relevance[1:]
    expected = by_hand(name, scores.tolist(), relevance.int().tolist())
    assert computed(name, scores, relevance).item() == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("name", LOSSES)
def test_its_gradient_is_that_of_finite_differences(name):
    scores = torch.tensor(SCORES, dtype=torch.float64, requires_grad=True)
    relevance = torch.tensor(RELEVANCE, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda s: computed(name, s, relevance), (scores,))


@pytest.mark.parametrize("name", LOSSES)
def test_a_step_down_its_gradient_lifts_used_items_above_others(name):
    scores = torch.zeros(1, 4, requires_grad=True)
    relevance = torch.tensor([[0.0, 1.0, 0.0, 0.0]])
    computed(name, scores, relevance).backward()
    slopes = scores.grad[0]
    assert slopes[1] < 0
    assert (slopes[1] < slopes[[0, 2, 3]]).all()
    assert (slopes[[0, 2, 3]] >= 0).all()


def test_every_loss_is_of_one_kind():
    assert sorted(name for kind in KINDS.values() for name in kind) == sorted(LOSSES)


def test_gbce_without_calibration_is_bce_and_with_all_of_it_weighs_by_the_share():
    scores, relevance = torch.randn(4, 6), (torch.rand(4, 6) < 0.4).float()
    plain = LOSSES["gbce"](scores, relevance, sampled_share=0.1, calibration=0.0)
    assert plain.item() == pytest.approx(LOSSES["bce"](scores, relevance).item(), rel=1e-6)
    alone = torch.tensor([[0.0]])
    full = LOSSES["gbce"](alone, torch.ones(1, 1), sampled_share=0.1, calibration=1.0)
    assert full.item() == pytest.approx(0.1 * math.log(2), rel=1e-6)


def test_with_one_used_item_listnet_is_softmax():
    scores, relevance = torch.randn(5, 7), torch.zeros(5, 7)
    relevance[:, 2] = 1
    assert LOSSES["listnet"](scores, relevance).item() == pytest.approx(
        LOSSES["softmax"](scores, relevance).item(), rel=1e-6
    )


def test_sampled_softmax_with_logq_estimates_the_softmax_over_the_catalogue():
    torch.manual_seed(0)
    scores = torch.randn(200)
    odds = torch.rand(199) + 0.2
    odds /= odds.sum()
    whole = (scores.logsumexp(0) - scores[0]).item()
    drawn = torch.multinomial(odds, 4000 * 150, replacement=True).view(4000, 150)
    lists = torch.cat([scores[:1].expand(4000, 1), scores[1:][drawn]], dim=1)
    relevance = torch.zeros_like(lists)
    relevance[:, 0] = 1
    logq = torch.cat([torch.zeros(4000, 1), (odds[drawn] * 150).log()], dim=1)
    corrected = LOSSES["softmax"](lists, relevance, logq=logq).item()
    plain = LOSSES["softmax"](lists, relevance).item()
    assert abs(corrected - whole) < 0.1
    assert abs(plain - whole) > 0.2


@pytest.mark.parametrize("piece", [1, 1 << 9, 1 << 30])
def test_linear_softmax_is_cross_entropy_whatever_the_pieces(piece, monkeypatch):
    monkeypatch.setattr("tastemap.neural.losses.CHUNK_BYTES", piece)
    torch.manual_seed(1)
    hidden = torch.randn(13, 5, requires_grad=True)
    items = (torch.randn(37, 5) * 6).requires_grad_()  # far apart: some shares are 0
    targets = torch.randint(0, 37, (13,))
    found = linear_softmax(hidden, items, targets)
    (3 * found).backward()
    slopes = hidden.grad.clone(), items.grad.clone()
    hidden.grad = items.grad = None
    expected = torch.nn.functional.cross_entropy(hidden @ items.T, targets)
    (3 * expected).backward()
    assert found.item() == pytest.approx(expected.item(), rel=1e-5)
    torch.testing.assert_close(slopes[0], hidden.grad, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(slopes[1], items.grad, rtol=1e-4, atol=1e-6)
