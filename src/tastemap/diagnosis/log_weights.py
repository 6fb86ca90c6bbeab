"""The rule about weights: ratings, zeros and negative values that would count as liking."""

import numpy as np

from tastemap.diagnosis.finding import NotApplicable, Rule, Seen, Severity
from tastemap.diagnosis.log_facts import Aspect, LogFacts, joined, percent
from tastemap.shapes import Int64

LIKED = 0.7
"""A rating from this share of the highest on is taken for liking: 4 of 5, 7 of 10."""

STRAY = 0.001
"""Share of zero weights below which they are strays."""


def ratings_scale(f: LogFacts) -> float | None:
    """The highest rating where the weights look like ratings and not like counts, else None."""
    log = f.log
    values, counts = _levels(log.weight[log.weight > 0])
    if not (3 <= len(values) <= 21 and 4 <= values[-1] <= 10 and (values * 2 % 1 == 0).all()):
        return None
    # Counts are mostly 1; ratings are mostly in the upper half of their scale.
    upper = counts[values >= 0.6 * values[-1]].sum() / counts.sum()
    return float(values[-1]) if upper >= 0.5 else None


def _levels(weight: np.ndarray) -> tuple[np.ndarray, Int64[np.ndarray, " n"]]:
    """Different values in increasing order, and how often each stands."""
    ordered = np.sort(weight)
    first = np.flatnonzero(np.diff(ordered, prepend=np.float32(-1)))
    return ordered[first], np.diff(first, append=len(ordered))


def misleading_weights(f: LogFacts) -> Seen | None:
    """Ratings, zeros or negative weights would count as liking.

    Symptom
        Weights lie on a scale with most of them in its upper half (ratings), or some are 0 or
        negative.

    Usual cause
        1. Explicit ratings are passed to a model of implicit feedback: a 1-star rating becomes
           an event like any other.
        2. Dislikes, returns or cancellations are written as 0 or as negative numbers.

    How to confirm
        Look at what the lowest weights mean in the software that wrote the log.

    Remedy
        1. Ratings become likes with a threshold: tm.read(LOG, threshold=4), or --threshold 4.
        2. Leave rows of 0 and below out before reading, or subtract returns from purchases.
    """
    if not f.weighted:
        raise NotApplicable("the log has no weights")
    if len(f.log) == 0 and not f.negative:
        raise NotApplicable("no row could be read")
    return joined(
        [*_negative(f), *_zeros(f), *_ratings(f)],
        "weights above 0 that count something, or a threshold",
    )


def _negative(f: LogFacts) -> list[Aspect]:
    if not f.negative:
        return []
    return [
        Aspect(
            "warning",
            {"negative weights": f.negative, "negative at": f.negative_at},
            f"{f.negative:,} of {f.rows:,} rows have a weight below 0: an event that speaks "
            "against the item would count for it; tm.read refuses them.",
            causes=("Dislikes, returns or cancellations are written as negative numbers.",),
            remedies=(
                "Leave these rows out: tm.read(LOG, skip_bad=True), or run --skip-bad; or subtract "
                "returns from purchases before reading.",
            ),
        )
    ]


def _zeros(f: LogFacts) -> list[Aspect]:
    zero = f.log.weight == 0
    n = int(np.count_nonzero(zero))
    if n == 0:
        return []
    share = n / len(f.log)
    severity: Severity = "warning" if share >= STRAY else "tip"
    return [
        Aspect(
            severity,
            {"weights of 0": n, "share of 0": percent(share), "0 at": f.first(zero)},
            f"{n:,} of {len(f.log):,} rows ({percent(share)}) have the weight 0 and would count "
            "as events.",
            causes=("0 stands for a dislike, for no rating, or for what never happened.",),
            remedies=(_let_count(_lowest(f)),),
        )
    ]


def _lowest(f: LogFacts) -> float:
    """The threshold that leaves zeros out, and dislikes where the weights are ratings."""
    threshold = _liked(f)
    positive = f.log.weight[f.log.weight > 0]
    return threshold or (float(positive.min()) if len(positive) else 1.0)


def _liked(f: LogFacts) -> float | None:
    """The lowest rating that is taken for liking, where the weights are ratings."""
    top = ratings_scale(f)
    if top is None:
        return None
    values, _ = _levels(f.log.weight)
    return float(values[values >= LIKED * top][0])


def _ratings(f: LogFacts) -> list[Aspect]:
    threshold = _liked(f)
    if threshold is None:
        return []
    below = float(np.mean(f.log.weight < threshold))
    if below == 0:
        return []
    values, _ = _levels(f.log.weight)
    return [
        Aspect(
            "tip",
            {
                "ratings": f"{values[0]:g} to {values[-1]:g}",
                f"below {threshold:g}": percent(below),
            },
            f"The weights look like ratings; without a threshold the {percent(below)} below "
            f"{threshold:g} count as liking too, only less.",
            causes=("Explicit ratings are passed to models of implicit feedback.",),
            remedies=(_let_count(threshold),),
        )
    ]


def _let_count(least: float) -> str:
    return f"Let only {least:g} and more count: tm.read(LOG, threshold={least:g}), or --threshold."


WEIGHT_RULES: tuple[Rule, ...] = (Rule("D106", "tip", misleading_weights),)
