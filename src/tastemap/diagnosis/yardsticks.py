"""Rules that hold a model against simpler ones: chance, popularity, counting models."""

import math

import numpy as np

from tastemap.diagnosis import derived
from tastemap.diagnosis.evidence import Evidence
from tastemap.diagnosis.finding import NotApplicable, Rule, Seen, Severity

TOO_GOOD, TIMES = 0.8, 5.0
"""nDCG, and how many times a counting model's, that call for a look for leaks."""

ALIKE = 0.1
"""Personalisation below which everybody gets nearly the same list."""

NARROW = 0.05
"""Coverage below which only a sliver of the catalogue is ever listed."""


def not_above_popularity(e: Evidence) -> Seen | None:
    """The model is not above Popularity.

    Symptom
        The paired 95 % interval of nDCG(model) - nDCG(Popularity) includes 0 or lies below it.

    Usual cause
        1. Training failed or memorised the log: see the findings about training.
        2. Ids of users or items were mixed up between fitting, scoring and truth.
        3. There is no taste beyond popularity in this log, or too little of it.
        4. The test set is too small to tell.

    How to confirm
        tm.compare the model with Popularity, user by user; look at ten users as people.

    Remedy
        1. Put tm.ItemKNN() beside it: if that is above Popularity, there is something to learn.
        2. Tune regularisation and factors on validation.
    """
    derived.require_no_yardstick(e)
    return _against(e, "Popularity", derived.popularity_ndcg(e))


def not_above_recent(e: Evidence) -> Seen | None:
    """The model is below recent Popularity.

    Symptom
        What was popular lately predicts the test events better than the model, beyond noise.

    Usual cause
        1. Taste in this log moves with time (news, seasons), and the model does not know when.
        2. Test is later than train by a long gap.

    How to confirm
        Compare the most popular items of train's first and last month.

    Remedy
        1. Train on recent events only, or weigh them more.
        2. Add recent popularity as a candidate source or a feature of a second stage.
    """
    derived.require_no_yardstick(e)
    recent = [name for name in e.yardsticks if name.startswith("Popularity") and "(" in name]
    if not recent:
        raise NotApplicable("the run has no yardstick of recent popularity")
    found = derived.yardstick(e, recent[0])
    if found is None:
        raise NotApplicable("recent popularity has no value for each user")
    gap = derived.paired(derived.ndcg(e), found)
    return _against(e, recent[0], found) if gap.mean < -2 * gap.stderr else None


def _against(e: Evidence, name: str, other: np.ndarray) -> Seen | None:
    mine = derived.ndcg(e)
    gap = derived.paired(mine, other)
    if gap.mean > 1.96 * gap.stderr:
        return None
    below = gap.mean < -1.96 * gap.stderr
    severity: Severity = "warning" if gap.mean <= 0 else "tip"
    if math.isinf(gap.stderr) or (gap.mean == 0 and not mine.any()):
        raise NotApplicable("too few hits to compare anything")
    k = derived.depth(e)
    low, high = gap.mean - 1.96 * gap.stderr, gap.mean + 1.96 * gap.stderr
    verdict = "is below" if below else ("is not above" if gap.mean <= 0 else "may not be above")
    return Seen(
        {
            f"ndcg@{k}": float(mine.mean()),
            f"{name}'s": float(other.mean()),
            "difference": gap.mean,
            "95 % interval": f"{low:.4f} to {high:.4f}",
            "users": gap.users,
        },
        "an interval above 0",
        f"{e.name} {verdict} {name}: the same list for everybody does "
        f"{'better' if below else 'as well'} on these {gap.users:,} users.",
        severity=severity,
    )


def worse_than_chance(e: Evidence) -> Seen | None:
    """The model is worse than chance.

    Symptom
        Held-out items score below most others: AUC under one half beyond noise, or hits far
        fewer than lists drawn at random would have.

    Usual cause
        1. The scores are upside down: a distance used as a score, ascending order, a wrong sign in
           the loss or the gradient.
        2. The mask of seen items takes the held-out items out of the lists.
        3. Item ids of the truth and of the model differ.

    How to confirm
        Negate the scores: if the numbers become good, it was the sign.

    Remedy
        1. Turn the sign of the score, or sort descending.
        2. Mask the training history only, row by row the right user's.
    """
    derived.require_no_yardstick(e)
    numbers: dict[str, object] = {}
    try:
        found = derived.aucs(e).test
        found = found[~np.isnan(found)]
        if len(found) > 10:
            error = float(found.std(ddof=1) / math.sqrt(len(found)))
            if found.mean() < 0.5 - 4 * error and found.mean() < 0.45:
                numbers = {"test AUC": float(found.mean()), "standard error": error}
    except NotApplicable:
        found = None
    expected, hits = _chance(e)
    # Poisson: under chance so few hits happen less than once in 10,000 runs.
    few = expected > 0 and hits < expected - 3.9 * math.sqrt(expected) and expected >= 16
    if few:
        numbers |= {"hits": hits, "hits of random lists": expected}
    if not numbers or (few and "test AUC" not in numbers and _auc_is_fine(found)):
        return None
    return Seen(
        numbers,
        "AUC of one half, and as many hits as random lists have, within noise",
        "A coin would recommend better: what the model puts first is what users do not take.",
    )


def _auc_is_fine(found: np.ndarray | None) -> bool:
    return found is not None and len(found) > 10 and bool(found.mean() > 0.5)


def _chance(e: Evidence) -> tuple[float, int]:
    """Hits that random lists of unseen items would have, and hits that the lists have."""
    if e.n_items is None:
        raise NotApplicable("the run does not say: n_items")
    derived.ndcg(e)  # says why where there are no lists
    ranking = e.ranking
    k = ranking.items.shape[1]
    try:
        seen = derived.asked(e, e.judged).lengths
    except NotApplicable:
        seen = np.zeros(len(e.judged), dtype=np.int64)
    open_items = np.maximum(e.n_items - (seen if e.exclude_seen is not False else 0), 1)
    expected = np.minimum(k / open_items, 1) * ranking.relevant
    return float(expected.sum()), int(ranking.hits.sum())


def too_good(e: Evidence) -> Seen | None:
    """The numbers are too good: look for a leak.

    Symptom
        nDCG above .8 or more than five times that of models that count which items go together
        or follow each other.

    Usual cause
        1. Test events are in the training log, in a feature, or in the history that is shown.
        2. A feature knows the future: the item's later popularity, the rating of the event itself.
        3. Candidates contain the held-out item and little else.

    How to confirm
        Train on half of the history only: numbers that hardly fall come from a leak.

    Remedy
        1. Join every table that the model saw with the test pairs; the join must be empty.
        2. Rank the whole catalogue, not a sample of it.
    """
    found = derived.ndcg(e)
    mine = float(found.mean())
    simple = derived.simple_models(e)
    best = max(simple.together, simple.after, float(derived.popularity_ndcg(e).mean()))
    noise = 2 * float(found.std() / math.sqrt(len(found)))
    high = mine > TOO_GOOD and best < 0.5 * mine
    many = mine > TIMES * best and mine > 0.1 and mine - noise > TIMES * best / 2
    if not (high or many):
        return None
    return Seen(
        {
            f"ndcg@{derived.depth(e)}": mine,
            "items that go together": simple.together,
            "items that follow each other": simple.after,
        },
        f"at most {TOO_GOOD} and {TIMES:g} times the best counting model",
        f"nDCG is {mine:.3f}, {mine / max(best, 1e-9):.1f} times what counting reaches: such a gap "
        "is a leak far more often than a breakthrough.",
    )


def same_lists(e: Evidence) -> Seen | None:
    """Everybody gets nearly the same list.

    Symptom
        Two users share more than nine tenths of their lists.

    Usual cause
        1. The item bias or the popularity direction outweighs taste.
        2. All users were scored with one vector: unknown ids, a mean, a batch dimension mixed up.
        3. Training stopped near its start, where only popularity is learned.

    How to confirm
        Look at the lists of ten users with different histories.

    Remedy
        1. Check that user ids reach the model as the codes it was trained with.
        2. Train longer; lower the weight of the bias.
    """
    derived.require_no_yardstick(e)
    assert e.lists is not None
    assert e.n_items is not None
    if len(e.lists) < 10 or e.n_items < 3 * derived.depth(e):
        raise NotApplicable("fewer than ten lists, or a catalogue of fewer than three lists")
    lists = _before_masking(e)
    users, k = lists.shape
    counts = np.bincount(lists[lists >= 0], minlength=e.n_items).astype(np.float64)
    alike = float((counts * (counts - 1)).sum() / (k * users * (users - 1)))
    if 1 - alike >= ALIKE:
        return None
    return Seen(
        {"personalisation": 1 - alike, "items in all lists together": int((counts > 0).sum())},
        f"personalisation of {ALIKE} or more",
        f"Two users share {alike:.0%} of their lists on average: the model hardly tells users "
        "apart.",
    )


def _before_masking(e: Evidence) -> np.ndarray:
    """Lists of some users without the mask of seen items, where the model can be asked.

    The mask alone makes lists differ; before it, a model that knows the users differs most.
    """
    assert e.lists is not None
    k = derived.depth(e)
    if e.score is None or (e.seen is None and e.train is None):
        return e.lists[:, :k]
    rows = derived.sample(np.arange(len(e.lists)), 200)
    scores = np.asarray(e.score(derived.asked(e, rows)))
    if not np.isfinite(scores).all():
        raise NotApplicable("scores are not finite")
    return np.argpartition(-scores, k - 1, axis=1)[:, :k]


def narrow_coverage(e: Evidence) -> Seen | None:
    """Only a sliver of the catalogue is ever recommended.

    Symptom
        Coverage under 5 %, though there are lists enough to show far more.

    Usual cause
        1. The model follows popularity.
        2. Few factors, or vectors that collapsed into few directions.

    How to confirm
        Draw the count of lists against the popularity of items.

    Remedy
        1. More factors, less regularisation for rare items (ALS: reg_power below 1).
        2. Re-rank for diversity, if the business needs the tail.
    """
    derived.require_no_yardstick(e)
    assert e.lists is not None
    assert e.n_items is not None
    lists = e.lists[:, : derived.depth(e)]
    covered = int(np.count_nonzero(np.bincount(lists[lists >= 0], minlength=e.n_items)))
    possible = min(1.0, int((lists >= 0).sum()) / e.n_items)
    share = covered / e.n_items
    if share >= NARROW or share >= 0.2 * possible or covered >= 500:
        return None
    gap = derived.paired(derived.ndcg(e), derived.popularity_ndcg(e))
    return Seen(
        {"coverage": share, "items listed": covered, "of": e.n_items},
        f"{NARROW:.0%} or more",
        f"{covered:,} of {e.n_items:,} items are all that is ever recommended.",
        severity="tip" if gap.mean > 2 * gap.stderr else "warning",
    )


RULES = (
    Rule("M401", "warning", not_above_popularity, ("lists", "truth")),
    Rule("M402", "warning", not_above_recent, ("lists", "truth", "yardsticks")),
    Rule("M409", "warning", too_good, ("lists", "truth", "train")),
    Rule("M410", "warning", same_lists, ("lists", "n_items"), ("M401", "M411")),
    Rule("M411", "warning", narrow_coverage, ("lists", "truth", "n_items", "train")),
    Rule("M415", "error", worse_than_chance, ("lists", "truth", "n_items"), ("M401", "M402")),
)
