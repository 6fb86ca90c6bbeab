"""Rules about whom a metric was averaged over."""

from tastemap.diagnosis.claims import word_and_k
from tastemap.diagnosis.evidence import Evidence
from tastemap.diagnosis.finding import NotApplicable, Rule, Seen
from tastemap.diagnosis.recompute import STANDARD, denominators, need_lists, recomputed
from tastemap.metrics.ranking import TOPK


def another_denominator(e: Evidence) -> Seen | None:
    """The claimed means are over other users than those with held-out items.

    Symptom
        The claimed value is not the mean over the users with held-out items, but it is exactly
        the mean over others: all users with 0 for those without truth, only users with a hit, only
        users who got a list.

    Usual cause
        1. Users without truth were kept and counted as 0: the mean is too low.
        2. Users without a list or without a hit were dropped by an inner join: it is too high.
        3. Users unknown to train were dropped.

    How to confirm
        Divide the sum of the users' values by the number of users with held-out items.

    Remedy
        1. Fix the denominator by the test users: left join the lists to the truth, fill with 0.
        2. Let tastemap measure: tm.evaluate(model, split).
    """
    found = recomputed(e)
    if not found.checked:
        raise NotApplicable("no claim is there that lists and truth could confirm")
    over = found.over
    if over is None:
        return None
    kept, number = denominators(e)[over]
    wrong = [one for one in found.mismatches if over in one.over]
    first = wrong[0]
    dropped = not kept.all()
    return Seen(
        {
            "claimed": {one.metric: one.claimed for one in wrong},
            "over users with held-out items": {one.metric: one.found for one in wrong},
            "users with held-out items": len(kept),
            "divided by": number,
        },
        "means over all users with held-out items, a missing list counted as misses",
        f"{first.metric} is claimed as {first.claimed:.4g}. That is the mean over {over} "
        f"({number:,}); over the {len(kept):,} users with held-out items it is {first.found:.4g}.",
        severity="error" if dropped else "warning",
    )


def wrong_users(e: Evidence) -> Seen | None:
    """The metric was averaged over a number of users that are not those of the test.

    Symptom
        The claim says how many users it is a mean of, and that is not the number of users with
        held-out items.

    Usual cause
        1. The mean was taken over train's users, over one batch, or over the last batch only.
        2. Users were lost in a join of lists and truth (ids of different types).
        3. Values of several folds or epochs were put into one mean.

    How to confirm
        Count the users with held-out items, and the values that the mean is taken of.

    Remedy
        1. Take the mean over all users with held-out items.
        2. Let tastemap measure: tm.evaluate(model, split).
    """
    need_lists(e)
    claims = {
        name: claim
        for name, claim in e.claims.items()
        if claim.users is not None and word_and_k(name)[0] in TOPK and "graded" not in name
    }
    if not claims:
        raise NotApplicable("no claim says over how many users it is a mean")
    expected = denominators(e)[STANDARD][1]
    asked = denominators(e)["users with held-out items, those unknown to the catalogue included"][1]
    wrong = {n: c for n, c in claims.items() if c.users not in (expected, asked)}
    if not wrong:
        return None
    name, claim = next(iter(wrong.items()))
    assert claim.users is not None
    known = [said for said, (_, n) in denominators(e).items() if n == claim.users]
    if claim.users > len(e.judged) and not known and not _differs(e):
        severity, why = "tip", "perhaps only part of the lists was given"
    else:
        severity, why = None, known[0] if known else "no group of users known here is of that size"
    return Seen(
        {"claimed over": claim.users, "users with held-out items": expected, "metric": name},
        f"a mean over the {expected:,} users with held-out items",
        f"{name} is a mean over {claim.users:,} users, while {expected:,} have held-out items: "
        f"{why}.",
        severity="tip" if severity else None,
    )


def _differs(e: Evidence) -> bool:
    return bool(recomputed(e).mismatches)


RULES = (
    Rule(
        "E311",
        "warning",
        another_denominator,
        needs=("lists", "truth", "claims"),
        explains=("E316", "E320", "E310"),
    ),
    Rule("E320", "error", wrong_users, needs=("lists", "truth", "claims"), explains=("E316",)),
)
