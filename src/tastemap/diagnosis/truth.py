"""Rules about the held-out items: whether hits are looked up in the right truth."""

from typing import Any

import numpy as np

from tastemap.diagnosis.evidence import Evidence, distinct
from tastemap.diagnosis.finding import NotApplicable, Rule, Seen, Severity
from tastemap.diagnosis.recompute import need_lists, recomputed
from tastemap.metrics.ranking import precision, recall, recall_capped
from tastemap.recommend import Ranking
from tastemap.shapes import Bool, Int32

UNKNOWN_IS_WRONG, UNKNOWN_IS_SUSPECT, UNKNOWN_IS_WORTH_SAYING = 0.5, 0.2, 0.01
"""Shares of held-out events of items that the catalogue does not have: error, warning, tip."""

SPELLED = 0.05
"""Share of held-out items whose id the catalogue has in another spelling."""


def wrong_truth(e: Evidence) -> Seen | None:
    """Precision and recall use different truths.

    Symptom
        Precision is good and recall is bad. Divided by their ceilings, both are hits / min(k, n)
        for every user, n being the number of held-out items; computed both ways they differ.

    Usual cause
        1. Repeated events were not made one: n counts them, hits do not.
        2. Held-out ids do not map to the catalogue (another type, another file, a lost item).
        3. Items were filtered from the lists, or from training, and not from the truth.
        4. Training pairs are left in the truth: they can never be listed.

    How to confirm
        Count the held-out items of one user by hand; compare with the n that recall divides by.

    Remedy
        1. Make one event of repeated pairs before splitting: tm.dedupe(log, rule="sum").
        2. Encode lists and truth by one vocabulary, and print the ids that it does not have.
        3. Let tastemap measure: tm.evaluate(model, split).
    """
    assert e.truth is not None
    if len(e.truth.items) == 0:
        raise NotApplicable("nothing is held out")
    clean = distinct(e.truth)
    given, known = len(e.truth.items), int((e.truth.items >= 0).sum())
    repeated, unknown = known - len(clean.items), given - known
    numbers = {
        "held-out events": given,
        "repeats": repeated,
        "unknown to the catalogue": unknown,
        **_two_ways(e),
    }
    spelled = len(e.lookalikes) / max(len(np.unique(e.truth.items)), len(e.lookalikes), 1)
    if spelled > SPELLED:
        (held, listed), *_ = e.lookalikes
        return Seen(
            {**numbers, "held-out ids in another spelling": len(e.lookalikes), "first": held},
            "lists and truth with the same ids",
            f"The truth says {held!r} where the lists say {listed!r}, and so for "
            f"{len(e.lookalikes):,} items: they never count as hits.",
            causes=("Ids were read as numbers in one table and as text in the other.",),
        )
    denominator = _recall_of_another_truth(e)
    allowed = "every held-out item once, and known to the catalogue"
    if repeated and not _confirmed(e):
        return Seen(
            numbers,
            allowed,
            f"{repeated / given:.1%} of the held-out events repeat an item of the same user: "
            "recall divides by them, and none of them can be hit twice.",
            causes=("Repeated events were not made one before the log was split.",),
        )
    if denominator is not None:
        return Seen(numbers, allowed, denominator)
    if unknown / given > UNKNOWN_IS_WORTH_SAYING:
        return _unknown_items(numbers, allowed, unknown / given)
    if repeated:
        return Seen(
            numbers,
            allowed,
            f"{repeated / given:.1%} of the held-out events repeat an item of the same user; the "
            "stated numbers count each once, as they should.",
            severity="tip",
        )
    return None


def _unknown_items(numbers: dict[str, Any], allowed: str, share: float) -> Seen:
    severity: Severity = "tip"
    if share > UNKNOWN_IS_SUSPECT:
        severity = "error" if share > UNKNOWN_IS_WRONG else "warning"
    return Seen(
        numbers,
        allowed,
        f"{share:.1%} of the held-out events are of items that the catalogue does not have: "
        "they count as misses, whatever the model.",
        severity=severity,
        causes=(
            "Ids of the truth were mapped by another vocabulary than those of the lists.",
            "Items that first appear after the cut: nobody can list them (a split by time).",
        ),
    )


def _two_ways(e: Evidence) -> dict[str, float]:
    """hits / min(k, n) of the truth as it should be and as it was given."""
    if e.lists is None or e.truth is None or len(e.judged) == 0:
        return {}
    r, k = e.ranking, e.ranking.k
    raw = e.truth.lengths[e.judged]
    hits = r.hits.sum(axis=1)
    return {
        "precision / its ceiling": float(recall_capped(r, k).mean()),
        "recall / its ceiling": float((hits / np.minimum(raw, k)).mean()),
    }


def _confirmed(e: Evidence) -> bool:
    """Whether the stated numbers are right with every item counted once."""
    if e.lists is None or not e.claims or len(e.judged) == 0:
        return False
    found = recomputed(e)
    return bool(found.checked) and not found.mismatches


def _recall_of_another_truth(e: Evidence) -> str | None:
    """What is wrong where the claimed precision is right and the claimed recall is not."""
    if e.lists is None or not e.claims or len(e.judged) == 0:
        return None
    found = recomputed(e)
    wrong = {one.metric for one in found.mismatches}
    for one in found.mismatches:
        word, _, k = one.metric.partition("@")
        pair = f"precision@{k}"
        if word != "recall" or one.over or one.convention:
            continue
        if pair in found.checked and pair not in wrong:
            said = "smaller" if one.claimed > one.found else "larger"
            return (
                f"precision@{k} is right and recall@{k} is not ({one.claimed:.4g} stated, "
                f"{one.found:.4g} found): recall divides by another, {said} truth."
            )
    return None


def many_relevant(e: Evidence) -> Seen | None:
    """Recall is low because users have more held-out items than places.

    Symptom
        recall@k looks bad beside precision@k. Both are right: a user with n > k held-out items
        cannot reach a recall above k / n.

    Usual cause
        1. A share of every user's events was held out, and some users are very active.

    How to confirm
        Divide recall by its ceiling, the mean of min(1, k / n).

    Remedy
        1. Read recall beside its ceiling, or measure recall_capped@k, which divides by min(k, n).
        2. Choose a larger k for recall.
    """
    need_lists(e)
    k, n = e.ranking.k, e.ranking.relevant
    ceiling = float(np.minimum(1, k / n).mean())
    if ceiling >= 0.8:
        return None
    mean = float(recall(e.ranking, k).mean())
    return Seen(
        {
            f"recall@{k}": mean,
            "its ceiling": ceiling,
            f"precision@{k}": float(precision(e.ranking, k).mean()),
            "its ceiling too": float(np.minimum(1, n / k).mean()),
            "users with more than k": float((n > k).mean()),
        },
        "a ceiling of .8 or more",
        f"recall@{k} is {mean:.3f} of {ceiling:.3f} possible: {np.mean(n > k):.0%} of the users "
        f"have more than {k} held-out items. Nothing is wrong.",
    )


def never_listed(e: Evidence) -> Seen | None:
    """Held-out items can never be listed.

    Symptom
        Hits are fewer than they could be, or none at all: the mask that keeps seen items out of
        the lists also covers held-out items.

    Usual cause
        1. The mask was built from the whole log instead of what was known before the test.
        2. Held-out pairs are also in train, and seen items are left out of the lists.
        3. Masked scores are those of the wrong rows or columns.

    How to confirm
        For one user, intersect the held-out items with the items that are masked: nothing may be
        left.

    Remedy
        1. Mask what the model may know only: seen, truth = split.queries("test").
        2. Make one event of repeated pairs before splitting: tm.dedupe(log, rule="sum").
    """
    assert e.truth is not None
    clean = distinct(e.truth)
    if len(clean.items) == 0:
        raise NotApplicable("no held-out item is known to the catalogue")
    if e.exclude_seen and e.seen is not None:
        covered = float(_in_seen(e).mean())
        if covered:
            return Seen(
                {"held-out items among the seen": covered, "held-out items": len(clean.items)},
                "none: seen items are left out of the lists",
                f"{covered:.1%} of the held-out items are in the history that is left out of the "
                "lists: they can never be hit.",
                severity="error" if covered > 0.01 else "warning",
            )
    if e.lists is None:
        raise NotApplicable("the run does not say: lists, or exclude_seen and seen")
    need_lists(e)
    found, expected = int(e.ranking.hits.sum()), _hits_if_independent(e)
    if found or expected < 12:
        return None
    return Seen(
        {"hits": found, "hits if lists and truth had nothing to do with each other": expected},
        "hits, where the listed items are held out as often as here",
        f"No list has a hit, though its items are held out for other users so often that "
        f"{expected:.0f} hits would come by themselves: something keeps the held-out items out.",
    )


def _in_seen(e: Evidence) -> np.ndarray:
    """Which distinct held-out items stand in their row's history."""
    assert e.truth is not None
    assert e.seen is not None
    clean = distinct(e.truth)
    width = 1 + max(int(clean.items.max(initial=0)), int(e.seen.items.max(initial=0)))
    known = np.repeat(np.arange(len(e.seen)), e.seen.lengths) * width + e.seen.items
    held = np.repeat(np.arange(len(clean)), clean.lengths) * width + clean.items
    return np.isin(held, known)


def _hits_if_independent(e: Evidence) -> float:
    """Hits that lists would have if every item were held out from anybody alike."""
    assert e.truth is not None
    r = e.ranking
    held = distinct(e.truth.take(e.judged)).items
    size = 1 + max(int(held.max(initial=0)), int(r.items.max(initial=0)))
    listed = np.bincount(r.items[r.items >= 0], minlength=size)
    return float(listed @ np.bincount(held, minlength=size)) / max(len(r.items), 1)


def shifted_ids(e: Evidence) -> Seen | None:
    """Ids are shifted by one between lists and truth.

    Symptom
        Hits are near chance, and jump when every listed id is moved by one, or every list is
        handed to the next user.

    Usual cause
        1. Ids that start at 1 meet codes that start at 0 (padding takes code 0, or a file does).
        2. A header, a dropped first row or a reset index moved one of two tables.
        3. Users were sorted in one table and not in the other.

    How to confirm
        Print one list beside the truth with titles, not numbers.

    Remedy
        1. Decode the lists to outside ids before comparing: log.items.decode(codes).
        2. Keep item code + 1 inside the padded sequences only, and subtract 1 from what the model
           returns.
    """
    need_lists(e)
    r = e.ranking
    if len(r.items) < 10:
        raise NotApplicable(f"{len(r.items)} judged lists, 10 are needed")
    straight = r.hits.sum(axis=1)
    # Lists that never hit, because the truth is masked, gain by any move: up to what is listed and
    # held out independently of each other.
    base = max(float(straight.sum()), _hits_if_independent(e))
    best = None
    for said, items, hit, margin in _moved(e):
        gain = hit.sum(axis=1) - straight
        z = float(gain.mean()) * np.sqrt(len(gain)) / max(float(gain.std(ddof=1)), 0.1)
        # Many items must gain: a few popular ones may stand beside each other.
        enough = hit.sum() >= margin * base and len(np.unique(items[hit])) >= 10
        if enough and z >= 4:
            best = max(best or (0.0, "", 0), (z, said, int(hit.sum())))
    if best is None:
        return None
    z, said, hits_then = best
    return Seen(
        {
            "hits": int(straight.sum()),
            f"hits with {said}": hits_then,
            "standard errors": z,
        },
        "no shift that raises the hits by half and by 4 paired standard errors",
        f"With {said} the lists hit {hits_then:,} times instead of {int(straight.sum()):,}: the "
        "ids of lists and truth do not mean the same.",
    )


Moved = tuple[str, Int32[np.ndarray, "users k"], Bool[np.ndarray, "users k"], float]


def _moved(e: Evidence) -> list[Moved]:
    """Lists moved in some way, where they hit, and how many times more hits would tell."""
    assert e.truth is not None
    lists, truth = e.ranking.items, distinct(e.truth.take(e.judged))
    moved = []
    for step in (1, -1):  # codes follow the ids: where id + 1 exists, it is code + 1
        by_code = np.where(lists >= 0, lists + step, -1)
        moved.append((f"every item code {step:+d}", by_code, 1.5))
        moved.append((f"every list given to user {step:+d}", np.roll(lists, step, axis=0), 1.3))
    return [
        (said, items := np.maximum(new, -1).astype(np.int32), Ranking.of(items, truth).hits, margin)
        for said, new, margin in moved
    ]


RULES = (
    Rule("E304", "error", wrong_truth, needs=("truth",), explains=("E310", "E311", "E316")),
    Rule("E319", "tip", many_relevant, needs=("lists", "truth")),
    Rule("E321", "error", never_listed, needs=("truth",), explains=("M401", "M402", "E316")),
    Rule(
        "E322",
        "error",
        shifted_ids,
        needs=("lists", "truth"),
        explains=("E306", "E321", "M401", "M402", "M404", "V501", "E316"),
    ),
)
