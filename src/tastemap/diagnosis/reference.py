"""The rule about a reference: the same items found, in another order."""

import numpy as np

from tastemap.diagnosis.evidence import Claim, Evidence, distinct
from tastemap.diagnosis.finding import NotApplicable, Rule, Seen
from tastemap.diagnosis.order import CHANCE
from tastemap.metrics.ranking import ndcg, recall
from tastemap.metrics.result import Estimate


def below_reference(e: Evidence) -> Seen | None:
    """Same recall as the reference, lower NDCG.

    Symptom
        Recall and hit rate equal those of a reference run of the same model, NDCG and MAP are
        lower: the right items are listed, in a wrong order.

    Usual cause
        1. Lists were reversed, shuffled or sorted by id after ranking.
        2. Scores lost their digits (rounded, float16), so that ties decide the order.
        3. Position is counted from 0 in one of the two computations of NDCG.

    How to confirm
        Compare one user's list with the reference's: the same items, in another order.

    Remedy
        1. Sort by falling score last of all: order = np.argsort(-scores, kind="stable")[:k].
        2. Judge both runs by one function: tm.evaluate(model, split).
    """
    reasons = []
    for reference in e.references:
        if e.name and reference.name and e.name != reference.name:
            reasons.append(f"{reference.name} is another model than {e.name}")
            continue
        compared = _against(e, reference)
        if isinstance(compared, str):
            reasons.append(compared)
        elif compared is not None:
            return compared
    if len(reasons) == len(e.references):
        raise NotApplicable("; ".join(dict.fromkeys(reasons)))
    return None


def _against(e: Evidence, other: Evidence) -> Seen | str | None:
    """The finding against one reference, or why there can be none."""
    if e.lists is None or other.lists is None or e.truth is None or other.truth is None:
        return _by_claims(e, other)
    if len(e.judged) == 0 or not _same_truth(e, other):
        return "the reference was judged on other users or held-out items"
    k = min(e.ranking.k, other.ranking.k)
    mine, theirs = recall(e.ranking, k), recall(other.ranking, k)
    if mine.mean() == 0 or abs(mine.mean() / max(theirs.mean(), 1e-12) - 1) >= 0.01:
        return None
    a, b = ndcg(e.ranking, k), ndcg(other.ranking, k)
    loss = Estimate.of(b - a)
    if loss.mean <= 0.05 * b.mean() or loss.stderr is None or loss.mean <= CHANCE * loss.stderr:
        return None
    return _lower(
        k, mine.mean(), theirs.mean(), a.mean(), b.mean(), loss.mean / max(loss.stderr, 1e-6)
    )


def _by_claims(e: Evidence, other: Evidence) -> Seen | str | None:
    """The same from means alone, with standard errors as stated, or the largest there can be."""
    for name in e.claims:
        word, _, k = name.partition("@")
        at = f"recall@{k}"
        if word != "ndcg" or any(one not in r.claims for one in (name, at) for r in (e, other)):
            continue
        (mine, a), (theirs, b) = (
            (run.claims[at].mean, run.claims[name].mean) for run in (e, other)
        )
        error = [_largest_error(run.claims[name]) for run in (e, other)]
        if None in error:
            return "neither lists nor standard errors of NDCG are there to tell a loss from chance"
        z = (b - a) / max(float(np.hypot(*np.array(error, dtype=float))), 1e-12)
        if theirs > 0 and abs(mine / theirs - 1) < 0.01 and a < 0.95 * b and z > CHANCE:
            return _lower(int(k or 0), mine, theirs, a, b, z)
        return None
    return "recall and NDCG at one k are not claimed by both runs"


def _largest_error(claim: Claim) -> float | None:
    if claim.stderr is not None:
        return claim.stderr
    if claim.users is None or claim.sampled is not None:
        return None
    spread = max(claim.mean * (1 - claim.mean), 0.0)  # of values between 0 and 1 with this mean
    return float(np.sqrt(spread / max(claim.users, 1)))


def _lower(k: int, mine: float, theirs: float, a: float, b: float, z: float) -> Seen:
    return Seen(
        {
            f"recall@{k}": float(mine),
            f"recall@{k} of the reference": float(theirs),
            f"ndcg@{k}": float(a),
            f"ndcg@{k} of the reference": float(b),
            "paired standard errors": float(z),
        },
        "with the same recall (within 1 %), an NDCG that is 5 % lower at most, or within 2 paired "
        "standard errors",
        f"The same items are found, but NDCG@{k} is {1 - a / b:.0%} lower than the reference's: "
        "the order of the predictions is wrong.",
    )


def _same_truth(e: Evidence, other: Evidence) -> bool:
    assert e.truth is not None
    assert other.truth is not None
    if not np.array_equal(e.judged, other.judged):
        return False
    one, two = (distinct(run.truth.take(e.judged)) for run in (e, other) if run.truth is not None)
    if not np.array_equal(one.starts, two.starts):
        return False
    rows = np.repeat(np.arange(len(one)), one.lengths)
    order_one, order_two = (np.lexsort((side.items, rows)) for side in (one, two))
    return np.array_equal(one.items[order_one], two.items[order_two])


RULES = (Rule("E318", "warning", below_reference, needs=("references",)),)
