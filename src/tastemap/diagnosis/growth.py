"""Rules about metrics along k: what can never fall as lists grow longer."""

from itertools import pairwise

import numpy as np

from tastemap.diagnosis.claims import metric_of, rounding, word_and_k
from tastemap.diagnosis.evidence import Evidence, distinct
from tastemap.diagnosis.finding import NotApplicable, Rule, Seen

RISING = ("hit_rate", "recall")
"""Metrics that a longer list can only raise."""

Fall = tuple[str, int, float, int, float]
"""Metric, k and value, larger k and lower value."""


def hits_fall(e: Evidence) -> Seen | None:
    """Hit rate or recall falls as k grows.

    Symptom
        hit_rate@20 is lower than hit_rate@10, or recall@20 lower than recall@10. The first ten
        items are part of the first twenty, so no hit can be lost.

    Usual cause
        1. The value is precision, or recall divided by k, under the name of recall.
        2. The values come from different runs, epochs, users or numbers of sampled negatives.
        3. Lists of different lengths were made apart, each with its own random ties or candidates.

    How to confirm
        Cut the k = 20 lists to ten items and measure them again at both k.

    Remedy
        1. Rank once with the largest k and cut the lists: tm.evaluate(model, split,
           ["recall@10", "recall@20"]).
        2. Check the denominator: recall divides by the number of held-out items.
    """
    curves = _along_k(e, RISING)
    if not curves:
        raise NotApplicable("hit rate or recall is not stated at two k")
    falls = _falls(curves)
    return None if not falls else _seen(falls, "hit rate and recall that never fall as k grows")


def ndcg_falls(e: Evidence) -> Seen | None:
    """NDCG falls as k grows where it cannot.

    Symptom
        With one held-out item a user, or beyond the largest number of held-out items, NDCG@k
        only collects: the ideal no longer grows. It falls all the same.

    Usual cause
        1. The ideal DCG is that of k hits, not of min(k, n) hits.
        2. The values come from different runs, epochs or users.
        3. Lists of different lengths were made apart, each with its own random ties or candidates.

    How to confirm
        A list whose first item is the only held-out one must have NDCG@k = 1 for every k.

    Remedy
        1. Divide by the DCG of min(k, n) hits; tm.evaluate(model, split, ["ndcg@5", "ndcg@10"])
           does.
        2. Rank once with the largest k and cut the lists.
    """
    curves = _along_k(e, ("ndcg",))
    if not curves:
        raise NotApplicable("NDCG is not stated at two k")
    floor, why = _no_fall_from(e)
    falls = [fall for fall in _falls(curves) if fall[1] >= floor]
    if not falls:
        return None
    return _seen(falls, f"an NDCG that never falls from k = {floor} on, because {why}")


def _no_fall_from(e: Evidence) -> tuple[int, str]:
    """The k from which NDCG cannot fall, and the reason."""
    if e.truth is not None and len(e.truth):
        lengths = distinct(e.truth).lengths
        most = int(lengths.max(initial=0))
        if most == 0:
            raise NotApplicable("nothing is held out")
        return most, f"no user has more than {most} held-out item{'s' if most > 1 else ''}"
    stated = [
        (claim.mean, e.claims[f"recall@{k}"].mean, e.claims.get(f"precision@{k}"), k)
        for word, k, claim in ((*word_and_k(name), claim) for name, claim in e.claims.items())
        if word == "hit_rate" and k and f"recall@{k}" in e.claims
    ]
    within = 2.02 * rounding(claim.mean for claim in e.claims.values())
    alike = all(
        abs(hit - recall) <= within
        and (precision is None or abs(precision.mean * k - hit) <= within * k)
        for hit, recall, precision, k in stated
    )
    if "leave_last_out" in e.how or "leave-one-out" in e.how or (len(stated) >= 2 and alike):
        return 1, "every user has one held-out item"
    raise NotApplicable("how many items are held out a user is not known: NDCG may fall")


def _along_k(e: Evidence, words: tuple[str, ...]) -> dict[str, dict[int, float]]:
    """Curves over k, by their name: of the claims on test and validation, and of the last epoch."""
    last = {} if e.curve is None or not e.curve.epochs else dict(e.curve.epochs[-1].values)
    sources = {
        "": {n: c.mean for n, c in e.claims.items() if c.sampled is None},
        " (sampled)": {n: c.mean for n, c in e.claims.items() if c.sampled is not None},
        " (validation)": {n: c.mean for n, c in e.validation_claims.items()},
    }
    for name, value in last.items():  # "test recall@10" and "recall@10" are two curves
        head, _, metric = name.rpartition(" ")
        label = f" ({f'{head}, ' if head else ''}last epoch)"
        sources.setdefault(label, {})[metric_of(metric)[0]] = float(value)
    found: dict[str, dict[int, float]] = {}
    for source, values in sources.items():
        for name, value in values.items():
            word, k = word_and_k(name)
            if word in words and k is not None and np.isfinite(value):
                found.setdefault(word + source, {})[k] = value
    return {name: curve for name, curve in found.items() if len(curve) > 1}


def _falls(curves: dict[str, dict[int, float]]) -> list[Fall]:
    """Falls between neighbouring k that rounding cannot make, the deepest first."""
    falls: list[Fall] = []
    within = 2.02 * rounding(value for curve in curves.values() for value in curve.values())
    for name, curve in curves.items():
        ks = sorted(curve)
        falls += [
            (name, a, curve[a], b, curve[b])
            for a, b in pairwise(ks)
            if curve[a] - curve[b] > within
        ]
    return sorted(falls, key=lambda fall: fall[4] - fall[2])


def _seen(falls: list[Fall], threshold: str) -> Seen:
    name, k, high, longer, low = falls[0]
    word, _, source = name.partition(" ")
    return Seen(
        {f"{word}@{k}": high, f"{word}@{longer}": low, "falls": len(falls)},
        threshold,
        f"{word}{' ' + source if source else ''} goes from {high:.4f} at k = {k} to {low:.4f} at "
        f"k = {longer}, which is impossible for one set of lists.",
    )


RULES = (
    Rule("E303", "error", hits_fall),
    Rule("E305", "error", ndcg_falls),
)
