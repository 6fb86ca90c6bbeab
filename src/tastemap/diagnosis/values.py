"""Rules about the values stated: what they are, and whether lists and truth give them."""

from collections.abc import Mapping

import numpy as np
from scipy.stats import hypergeom

from tastemap.diagnosis.claims import BOUNDED, rounding, word_and_k
from tastemap.diagnosis.derived import once
from tastemap.diagnosis.evidence import Claim, Evidence, distinct
from tastemap.diagnosis.finding import NotApplicable, Rule, Seen
from tastemap.diagnosis.recompute import Mismatch, recomputed
from tastemap.recommend import mask_seen
from tastemap.seeding import stream
from tastemap.shapes import Float64

USUAL_NEGATIVES = (50, 99, 100, 200, 500, 999, 1000)
"""How many negatives are drawn by those who sample them."""

BELOW_HIT_RATE = ("recall", "recall_capped", "precision", "ndcg", "map", "map_full", "mrr")
"""Metrics that no user can have above her hit rate, which is 0 or 1."""


def sampled_against_full(e: Evidence) -> Seen | None:
    """A sampled metric is compared with a full-ranking one.

    Symptom
        The model's value was measured among a hundred sampled negatives, the others' among the
        whole catalogue. Sampled values are many times higher, and may order models differently.

    Usual cause
        1. The evaluation follows a paper that samples 99 or 100 negatives a user.
        2. A library samples during validation and ranks fully in the test.

    How to confirm
        Rank the held-out item among all items, not among the drawn ones (Krichene and Rendle, On
        sampled metrics for item recommendation, KDD 2020).

    Remedy
        1. Measure all models on the whole catalogue: tm.evaluate(model, split).
        2. Or sample for all of them, and say so in the name of the metric.
    """
    mine = dict(e.claims)
    others = {name: _claims(values) for name, values in e.yardsticks.items()}
    others |= {other.name or "reference": dict(other.claims) for other in e.references}
    for name, values in others.items():
        for metric, claim in values.items():
            if metric in mine and (mine[metric].sampled is None) != (claim.sampled is None):
                return _mixed(metric, e.name, mine[metric], name, claim)
    sampled = {name: claim for name, claim in mine.items() if claim.sampled is not None}
    if sampled:
        metric, claim = next(iter(sampled.items()))
        return Seen(
            {metric: claim.mean, "negatives": claim.sampled or "not stated"},
            "the whole catalogue",
            f"{metric} was measured among {_negatives(claim)}: it compares only with values "
            "measured in the same way.",
            severity="tip",
        )
    if not mine:
        raise NotApplicable("the run does not say: claims")
    return _secretly_sampled(e)


def _claims(values: Mapping[str, Float64[np.ndarray, " rows"] | Claim]) -> dict[str, Claim]:
    return {
        metric: one if isinstance(one, Claim) else Claim(float(np.nanmean(one)))
        for metric, one in values.items()
        if isinstance(one, Claim) or not np.isnan(one).all()
    }


def _negatives(claim: Claim) -> str:
    if claim.sampled is None:
        return "the whole catalogue"
    return f"{claim.sampled:,} sampled negatives" if claim.sampled else "sampled negatives"


def _mixed(metric: str, name: str, mine: Claim, other: str, theirs: Claim) -> Seen:
    return Seen(
        {f"{metric} of {name}": mine.mean, f"{metric} of {other}": theirs.mean},
        "values measured among the same items",
        f"{metric} of {name} was measured among {_negatives(mine)}, that of {other} among "
        f"{_negatives(theirs)}: the two cannot be compared.",
    )


def _secretly_sampled(e: Evidence) -> Seen | None:
    """A claim far above the full ranking that a usual number of negatives explains."""
    if e.score is None or e.seen is None or e.truth is None or e.lists is None:
        return None
    found = recomputed(e)
    open_ = [m for m in found.mismatches if not m.over and not m.convention]
    right = set(found.checked) - {m.metric for m in found.mismatches}
    if any(word_and_k(name)[0] in ("hit_rate", "recall") for name in right):
        return None
    for one in open_:
        word, k = word_and_k(one.metric)
        if word not in ("hit_rate", "recall") or k is None or one.claimed < 1.5 * one.found:
            continue  # where the order alone is wrong, recall stays
        for negatives in USUAL_NEGATIVES:
            mean, error = _among(e, k, negatives)
            if mean > 1.5 * one.found and abs(mean - one.claimed) <= 3 * error + 0.005:
                return Seen(
                    {
                        one.metric: one.claimed,
                        "whole catalogue": one.found,
                        f"{negatives} negatives": mean,
                    },
                    "the value of the whole catalogue",
                    f"{one.metric} is stated as {one.claimed:.4g}; on the whole catalogue it is "
                    f"{one.found:.4g}, and among {negatives} sampled negatives about {mean:.4g}.",
                )
    return None


def _among(e: Evidence, k: int, negatives: int) -> tuple[float, float]:
    """What recall would be among so many sampled negatives: mean and standard error."""
    above, pool = _places(e)
    found = hypergeom.cdf(k - 1, pool, above, np.minimum(negatives, pool))
    return float(found.mean()), float(found.std(ddof=1) / np.sqrt(len(found)))


@once
def _places(e: Evidence) -> tuple[np.ndarray, np.ndarray]:
    """For held-out items of a sample of users: negatives that score higher, and all negatives."""
    assert e.score is not None
    assert e.seen is not None
    assert e.truth is not None
    rows = np.sort(stream(0, "places").permutation(e.judged)[:500])
    histories, truth = e.seen.take(rows), distinct(e.truth.take(rows))
    scores = np.array(e.score(histories), dtype=np.float32)
    if e.exclude_seen is not False:
        mask_seen(scores, histories)
    row = np.repeat(np.arange(len(truth)), truth.lengths)
    held = scores[row, truth.items]
    scores[row, truth.items] = -np.inf
    above = np.array([(scores[r] > h).sum() for r, h in zip(row, held, strict=True)])
    return above, np.isfinite(scores).sum(axis=1)[row]


def out_of_range(e: Evidence) -> Seen | None:
    """A value is outside what is possible.

    Symptom
        A metric below 0 or above 1, NaN, or above its ceiling: precision above the mean of
        min(1, n / k), recall above that of min(1, k / n), anything above the hit rate.

    Usual cause
        1. Percentages are stated as shares.
        2. A sum is stated as a mean, or is divided by the wrong number of users.
        3. Repeated hits are counted: the list or the truth has an item twice.
        4. The ideal DCG is smaller than the DCG found (computed on fewer places).

    How to confirm
        A perfect list must score exactly 1 in NDCG, MAP and recall_capped.

    Remedy
        1. State shares between 0 and 1.
        2. Remove repeats from lists and truth before measuring.
        3. Let tastemap measure: tm.evaluate(model, split).
    """
    found: list[tuple[str, float, float, str]] = []
    for part, claims in (("", e.claims), ("validation ", e.validation_claims)):
        within = 1.01 * rounding(claim.mean for claim in claims.values())
        for name, claim in claims.items():
            word, k = word_and_k(name)
            if word in BOUNDED and not -1e-9 <= claim.mean <= 1 + 1e-9:
                limit = 1.0 if claim.mean > 1 else 0.0
                found.append((part + name, claim.mean, limit, "the range is 0 to 1"))
            hit = claims.get(f"hit_rate@{k}")
            if word in BELOW_HIT_RATE and hit and hit.sampled == claim.sampled:
                if claim.mean > hit.mean + 2 * within:
                    found.append((part + name, claim.mean, hit.mean, f"hit_rate@{k} is lower"))
    found += _above_ceiling(e)
    if not found:
        return None
    name, value, limit, why = found[0]
    percent = 1 < value <= 100
    return Seen(
        {one: stated for one, stated, _, _ in found} | {"limit": limit},
        f"{name}: {limit:.4g} at most" if value > limit else "a number from 0 to 1",
        f"{name} is stated as {value:.4g}, which cannot be: {why}."
        + (" It may be a percentage." if percent and limit == 1 else ""),
    )


def _above_ceiling(e: Evidence) -> list[tuple[str, float, float, str]]:
    """Claims of precision and recall above what the truth allows."""
    if e.truth is None or e.lists is None or not e.claims or len(e.judged) == 0:
        return []
    n = e.ranking.relevant
    within = 1.01 * rounding(claim.mean for claim in e.claims.values())
    explained = {one.metric for one in recomputed(e).mismatches if one.convention}
    found = []
    for name, claim in e.claims.items():
        word, k = word_and_k(name)
        if k is None or word not in ("precision", "recall") or name in explained:
            continue
        most = np.minimum(1, n / k) if word == "precision" else np.minimum(1, k / n)
        ceiling = float(most.mean())
        other = claim.users is not None and claim.users != len(n)
        if ceiling + within < claim.mean <= 1 and not other:
            found.append((name, claim.mean, ceiling, "users have too few, or too many, items"))
    return found


def not_reproduced(e: Evidence) -> Seen | None:
    """A claimed value is not what lists and truth give.

    Symptom
        Measured again on the same lists and truth, the metric differs by more than rounding.

    Usual cause
        1. Another formula goes by the same name (recall by min(k, n), MAP by all held-out items).
        2. The value is of other lists: another epoch, another k, other candidates.
        3. Metric and lists use different truths, ids or users.
        4. The evaluation code has a bug: the rank counts from 0, a hit is found by position.

    How to confirm
        Compute the metric of one user by hand, from her list and her held-out items.

    Remedy
        1. Say which formula it is, or use names that do: recall_capped@10, map_full@10.
        2. Let tastemap measure: tm.evaluate(model, split).
    """
    found = recomputed(e)
    if not found.checked:
        raise NotApplicable("no claim is there that lists and truth could confirm")
    if found.over is not None:
        left = [one for one in found.mismatches if found.over not in one.over]
    else:
        left = list(found.mismatches)
    open_ = [one for one in left if one.convention is None]
    if open_:
        first = max(open_, key=lambda one: abs(one.claimed - one.found))
        return _difference(
            open_, first, "No formula that goes by this name gives that value.", None
        )
    if not left:
        return None
    first = next((one for one in left if "under the name" in (one.convention or "")), left[0])
    misnamed = "under the name" in (first.convention or "")
    words = f"It is {first.convention}." if misnamed else f"Another formula: {first.convention}."
    return _difference(left, first, words, "warning" if misnamed else "tip")


def _difference(all_: list[Mismatch], first: Mismatch, words: str, severity: str | None) -> Seen:
    return Seen(
        {
            "stated": {one.metric: one.claimed for one in all_},
            "found": {one.metric: one.found for one in all_},
        },
        "the same value, but for rounding",
        f"{first.metric} is stated as {first.claimed:.4g}; lists and truth give {first.found:.4g}. "
        + words,
        severity=severity,  # type: ignore[arg-type]
    )


RULES = (
    Rule("E309", "error", sampled_against_full, explains=("E316", "M401", "M402", "M409")),
    Rule("E310", "error", out_of_range, explains=("E316",)),
    Rule("E316", "error", not_reproduced, needs=("lists", "truth", "claims")),
)
