"""Rules about scores: finite, repeatable, a user's own, and able to tell items apart."""

import numpy as np

from tastemap.diagnosis.derived import is_yardstick
from tastemap.diagnosis.evidence import Evidence
from tastemap.diagnosis.finding import NotApplicable, Rule, Seen
from tastemap.seeding import stream
from tastemap.shapes import Bool, Float64, Int64

SAMPLE = 24
"""Users whose scores are asked for several times."""

TIES = 0.10
"""Share of equal neighbours in the lists above which the order is arbitrary."""

OWN = 0.2
"""Distinct values a tie above which ties are taken to be items that are alike in the data."""

LEAST_PAIRS = 50
"""Neighbouring places that a share of ties needs."""


def ties(e: Evidence) -> Seen | None:
    """Many scores are equal.

    Symptom
        Neighbours in the lists have exactly the same score. Which of them stands first is decided
        by ids, rows or threads, and so are NDCG and, at the end of the list, recall.

    Usual cause
        1. Scores were rounded, stored as float16 or int8, or written with few decimals.
        2. A sigmoid is saturated: everything is 1.0 in float32.
        3. A model of few distinct values (counts, a tree with few leaves).

    How to confirm
        Count the distinct scores of one user's catalogue.

    Remedy
        1. Rank the raw scores: logits before the sigmoid, float32 without rounding.
        2. Break ties by a fixed order that knows nothing, as tm.evaluate does, never by id.
    """
    values = _listed_scores(e)
    both = np.isfinite(values[:, :-1]) & np.isfinite(values[:, 1:])
    met = np.ones(len(values), dtype=bool) if e.users is None else e.users >= 0
    if met.any():
        both &= met[:, None]  # strangers get what is popular, and that ties
    # The last score of a list is often that of all items about which nothing is known; so is 0.
    last = np.where(np.isfinite(values), values, np.inf).min(axis=1, keepdims=True)
    first = np.where(np.isfinite(values), values, -np.inf).max(axis=1, keepdims=True)
    known = np.isfinite(first) & np.isfinite(last)
    span = np.where(known, np.where(known, first, 0) - np.where(known, last, 0), 0)
    both &= values[:, :-1] > last + 1e-5 * span
    if both.sum() < LEAST_PAIRS:
        raise NotApplicable(f"{both.sum()} scored neighbours, {LEAST_PAIRS} are needed")
    equal = both & (values[:, :-1] == values[:, 1:]) & (values[:, 1:] != 0)
    share = float(equal.sum() / both.sum())
    if share <= TIES:
        return None
    # Rounded or saturated scores are the same few numbers in all lists. Where ties have values of
    # their own, items are alike in the data, and equal scores are right.
    alike = len(np.unique(values[:, 1:][equal])) > OWN * equal.sum()
    finite = values[np.isfinite(values)]
    counts = bool((finite == np.round(finite)).all() and np.ptp(finite) > 1)
    general = _same_for_all(e, values)
    innocent = alike or counts or general or is_yardstick(e) or not _hits_tie(e, values)
    return Seen(
        {
            "equal neighbours": share,
            "distinct scores": len(np.unique(finite)),
            "listed scores": len(finite),
        },
        f"{TIES:.0%} of neighbours with equal scores",
        f"{share:.0%} of the neighbours in the lists have equal scores: their order is arbitrary"
        + (
            ", as it is for whoever counts."
            if counts or is_yardstick(e)
            else ", the same for everybody."
            if general
            else " among items that are alike, or among misses."
            if innocent
            else "."
        ),
        severity="tip" if innocent else None,
    )


def _hits_tie(e: Evidence, values: Float64[np.ndarray, "rows k"]) -> bool:
    """Whether hits share their score with a neighbour, so that metrics depend on the ties.

    True where there are too few hits to know.
    """
    if e.truth is None or len(e.judged) == 0:
        return True
    mine = values[e.judged]
    equal = mine[:, :-1] == mine[:, 1:]
    tied = np.zeros(mine.shape, dtype=bool)
    tied[:, :-1] |= equal
    tied[:, 1:] |= equal
    hits = e.ranking.hits & np.isfinite(mine)
    return bool(hits.sum() < 10 or tied[hits].mean() > TIES)


def constant(e: Evidence) -> Seen | None:
    """All items of a list have the same score.

    Symptom
        The model cannot tell the listed items apart: one score stands for all of them.

    Usual cause
        1. Training diverged or never moved: vectors are 0, or the output is saturated.
        2. The score of the user was written beside each item, or of the batch.
        3. Labels were predicted instead of scores (0 and 1).

    How to confirm
        Print the smallest and the largest score of one user's catalogue.

    Remedy
        1. Look at the training log: a lower learning_rate, a smaller reg.
        2. Return raw scores (logits, inner products), not classes.
    """
    if is_yardstick(e):
        raise NotApplicable(f"{e.name} may well score items alike")
    values = _listed_scores(e)
    scored = np.isfinite(values).sum(axis=1) > 1
    if scored.sum() < 5:
        raise NotApplicable(f"{scored.sum()} lists with two scores, 5 are needed")
    rows = np.where(np.isfinite(values), values, np.nan)[scored]
    flat = np.nanmax(rows, axis=1) == np.nanmin(rows, axis=1)
    if flat.mean() <= 0.5:
        return None
    return Seen(
        {"lists with one score": float(flat.mean()), "score": float(np.nanmin(rows[flat][0]))},
        "half of the lists",
        f"In {flat.mean():.0%} of the lists every item has the same score: their order comes from "
        "the order of the ids, not from the model.",
    )


def not_finite(e: Evidence) -> Seen | None:
    """Scores are not finite.

    Symptom
        NaN or infinite scores. Sorting puts them anywhere, and comparisons with NaN are false.

    Usual cause
        1. Training diverged: the learning rate is too high, or gradients overflow.
        2. A logarithm or a division of 0 in the score.
        3. Seen items were masked with -inf inside the score, not after it.

    How to confirm
        np.isfinite(model.score(histories)).all()

    Remedy
        1. Lower learning_rate, or clip gradients; raise reg.
        2. Mask after scoring; score itself returns finite numbers.
    """
    if e.score is None and e.list_scores is None:
        raise NotApplicable("the run does not say: score, or list_scores")
    seen: dict[str, object] = {}
    if e.list_scores is not None and e.lists is not None:
        told = np.isfinite(e.list_scores).any(axis=1)
        if not told.any():
            told[:] = True  # not one number: the scores are all lost, not unknown
        bad = told[:, None] & (e.lists >= 0) & ~np.isfinite(e.list_scores)
        if bad.any():
            row, place = np.argwhere(bad)[0]
            seen = {
                "listed scores that are not finite": int(bad.sum()),
                "first": f"list {row}, place {place + 1}: {e.list_scores[row, place]}",
            }
    if not seen and e.score is not None and e.seen is not None:
        scores = np.asarray(e.score(e.seen.take(_drawn(e, 10 * SAMPLE))))
        share = float((~np.isfinite(scores)).mean())
        if share:
            seen = {"scores that are not finite": share}
    if not seen:
        return None
    return Seen(
        seen, "finite scores only", "Some scores are NaN or infinite: their order means nothing."
    )


def unrepeatable(e: Evidence) -> Seen | None:
    """Scores change from call to call.

    Symptom
        The same users, asked twice, get other scores. Every evaluation gives another number.

    Usual cause
        1. Dropout is left on: the network was not put into evaluation mode.
        2. Scores draw random numbers without a seed (sampled neighbours, random features).
        3. The model goes on training while it is asked.

    How to confirm
        Call model.score(histories) twice and compare.

    Remedy
        1. network.eval() and torch.no_grad() around scoring.
        2. Draw from a generator that is seeded by the user: tm.stream(seed, "scores", user).
    """
    rows = _drawn(e, SAMPLE)
    histories = e.seen.take(rows) if e.seen is not None else None
    if histories is None or e.score is None or len(rows) == 0:
        raise NotApplicable("no user to ask")
    once, again = (np.array(e.score(histories), dtype=np.float64) for _ in range(2))
    moved = _moved(once, again)
    if not moved.any():
        return None
    return Seen(
        {"users whose scores changed": float(moved.mean()), "asked": len(rows)},
        "the same scores for the same users",
        f"Asked twice, {moved.mean():.0%} of {len(rows)} users got other scores.",
    )


def batch_dependent(e: Evidence) -> Seen | None:
    """Scores of a user depend on who else is in the batch.

    Symptom
        A user scored alone gets other scores than among others. Metrics change with batch_size,
        and what is served differs from what was measured.

    Usual cause
        1. BatchNorm over users in training mode: it uses the batch's mean.
        2. A softmax, a mean or a norm is taken along users, not along items.
        3. Padding to the longest history of the batch leaks into the scores (no mask).

    How to confirm
        Compare model.score(histories) with the rows scored one by one.

    Remedy
        1. network.eval() before scoring, or LayerNorm instead of BatchNorm.
        2. Check the axis: axis=1 for items.
        3. Mask padding in attention and pooling; pad on the left.
    """
    rows = _drawn(e, SAMPLE)
    if e.score is None or e.seen is None or len(rows) < 2:
        raise NotApplicable("two users are needed to ask them apart")
    together = np.array(e.score(e.seen.take(rows)), dtype=np.float64)
    alone = np.concatenate(
        [np.array(e.score(e.seen.take(rows[at : at + 1])), np.float64) for at in range(len(rows))]
    )
    half = rows[: max(len(rows) // 2, 1)][::-1].copy()
    halved = np.array(e.score(e.seen.take(half)), dtype=np.float64)[::-1]
    moved = _moved(together, alone)
    moved[: len(half)] |= _moved(together[: len(half)], halved)
    if not moved.any():
        return None
    gap = float(np.nanmax(abs(together - alone)))
    return Seen(
        {
            "users whose scores depend on the batch": float(moved.mean()),
            "asked": len(rows),
            "largest difference": gap,
        },
        "the same scores alone and among others, but for the last digits",
        f"{moved.mean():.0%} of {len(rows)} users get other scores when they are asked alone.",
    )


def _moved(a: Float64[np.ndarray, "n items"], b: Float64[np.ndarray, "n items"]) -> np.ndarray:
    """Which rows differ by more than float32 and the order of sums can explain."""
    fine = np.isfinite(a) & np.isfinite(b)
    gap = np.where(fine, abs(np.where(fine, a, 0) - np.where(fine, b, 0)), 0).max(axis=1)
    there = np.where(fine, a, np.nan)
    known = fine.any(axis=1)
    slack = np.zeros(len(a))
    rows = there[known]
    slack[known] = np.maximum(
        1e-3 * (np.nanmax(rows, axis=1) - np.nanmin(rows, axis=1)),
        1e-4 * np.nanmax(abs(rows), axis=1),
    )
    return (gap > slack) | (np.isnan(a) != np.isnan(b)).any(axis=1)


def _drawn(e: Evidence, most: int) -> Int64[np.ndarray, " n"]:
    """Rows of the run's histories, drawn by a fixed seed."""
    n = 0 if e.seen is None else len(e.seen)
    return np.sort(stream(0, "scores").permutation(n)[:most])


def _listed_scores(e: Evidence) -> Float64[np.ndarray, "rows k"]:
    """Scores of listed items, NaN elsewhere."""
    assert e.lists is not None
    assert e.list_scores is not None
    return np.where(e.lists >= 0, e.list_scores, np.nan)


def _same_for_all(e: Evidence, values: Float64[np.ndarray, "rows k"]) -> bool:
    """Whether each item has one score, whoever is asked: the model is not personal."""
    assert e.lists is not None
    fine: Bool[np.ndarray, "rows k"] = np.isfinite(values)
    items, scores = e.lists[fine], values[fine]
    order = np.lexsort((scores, items))
    same = np.diff(items[order]) == 0
    return bool(same.any() and (np.diff(scores[order])[same] == 0).all())


RULES = (
    Rule("E308", "warning", ties, needs=("lists", "list_scores")),
    Rule(
        "E312",
        "error",
        batch_dependent,
        needs=("score", "seen"),
        explains=("E301", "E302", "E315", "E316"),
    ),
    Rule(
        "E313",
        "error",
        unrepeatable,
        needs=("score", "seen"),
        explains=("E301", "E302", "E312", "E315", "E316"),
    ),
    Rule("E314", "error", not_finite, explains=("E301", "E308", "E312", "E313", "E317")),
    Rule(
        "E317",
        "warning",
        constant,
        needs=("lists", "list_scores"),
        explains=("E308", "E315", "M410", "M411"),
    ),
)
