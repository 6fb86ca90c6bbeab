"""Rules about the order inside lists: whether the best stands first."""

import numpy as np

from tastemap.diagnosis.derived import is_yardstick
from tastemap.diagnosis.evidence import Evidence
from tastemap.diagnosis.finding import NotApplicable, Rule, Seen
from tastemap.diagnosis.recompute import need_lists, skill
from tastemap.diagnosis.shuffled import item_effect, sorted_by_id
from tastemap.metrics.ranking import ndcg
from tastemap.metrics.result import Estimate
from tastemap.recommend import discount
from tastemap.shapes import Bool, Float64, Int64

CHANCE = 2.0
"""Paired standard errors below which a difference is chance."""

CERTAIN = 3.0
"""Paired standard errors from which a difference in one run is an error: a run whose order means
nothing passes 2 of them once in 40 times."""

FEWEST = 20
"""Users whose value changes that a paired test needs."""


def scores_rise(e: Evidence) -> Seen | None:
    """Scores inside a list do not descend.

    Symptom
        An item stands below one with a lower score. Recall and hit rate at the full length are
        right, NDCG, MAP and MRR are too low.

    Usual cause
        1. The sign of the order: argsort sorts upwards, and the list was not reversed.
        2. argpartition was used for the top k; it finds them and leaves them unsorted.
        3. Lists were shuffled, sorted by id or grouped after ranking, for example by a join.
        4. The scores are those of another step than the one that ordered the lists (a re-ranker).

    How to confirm
        Print one list with its scores: they must never rise from one place to the next.

    Remedy
        1. Sort by falling score last of all: order = np.argsort(-scores, kind="stable")[:k].
        2. Let tastemap rank: model.recommend(users, k=10), or tm.evaluate(model, split).
        3. If a re-ranker made the order, give its scores instead.
    """
    assert e.lists is not None
    assert e.list_scores is not None
    first, second = e.list_scores[:, :-1], e.list_scores[:, 1:]
    pairs = np.isfinite(first) & np.isfinite(second)
    pairs &= (e.lists[:, :-1] >= 0) & (e.lists[:, 1:] >= 0)
    if not pairs.any():
        raise NotApplicable("no list has two scored items")
    finite = np.where(np.isfinite(e.list_scores), e.list_scores, np.nan)
    scored = ~np.isnan(finite).all(axis=1)
    slack = np.zeros(len(finite))
    rows = finite[scored]
    # What float32 and the order of sums can do, and what no list would notice.
    slack[scored] = 1e-5 * np.nanmax(abs(rows), axis=1)
    slack[scored] += 1e-3 * (np.nanmax(rows, axis=1) - np.nanmin(rows, axis=1))
    rises = pairs & (np.where(pairs, second, 0) - np.where(pairs, first, 0) > slack[:, None])
    if not rises.any():
        return None
    falls = pairs & (np.where(pairs, first, 0) - np.where(pairs, second, 0) > slack[:, None])
    row, place = np.argwhere(rises)[0]
    upwards = rises.sum() > 0.95 * (rises.sum() + falls.sum())
    share = float(rises.any(axis=1).sum() / pairs.any(axis=1).sum())
    numbers = {
        "lists with a rise": share,
        "rises": int(rises.sum()),
        "falls": int(falls.sum()),
        "first at": f"list {row}, place {place + 1}: {first[row, place]:.6g} then "
        f"{second[row, place]:.6g}",
    }
    if upwards and _is_better_than_reversed(e):
        return Seen(
            numbers,
            "scores that never rise from one place to the next",
            "Every list is ordered from the lowest score to the highest, and that order is the "
            "better one: these scores are distances, of which the lowest is best.",
            severity="tip",
            causes=("A distance was stored under the name of a score.",),
            remedies=("Store the negative distance as the score.",),
        )
    return Seen(
        numbers,
        "scores that never rise from one place to the next",
        f"{share:.1%} of the lists are not in the order of their scores"
        + (": they are exactly upside down." if upwards else "."),
        causes=(
            ("The lists are sorted upwards: argsort without a minus or without [::-1].",)
            if upwards
            else ()
        ),
    )


def reversed_better(e: Evidence) -> Seen | None:
    """The reversed list scores better.

    Symptom
        Recall and hit rate are those of a good model; NDCG, MAP and MRR are lower than those of
        the same lists read from the end.

    Usual cause
        1. Lists are sorted upwards: argsort without a minus or without [::-1].
        2. Distances are taken for scores, so that the farthest of the candidates stands first.
        3. The sign of the loss or of its gradient is wrong and the candidates came from elsewhere.

    How to confirm
        Reverse every list and measure NDCG again: it must fall, not rise.

    Remedy
        1. Sort by falling score: order = np.argsort(-scores, kind="stable")[:k].
        2. Negate distances before ranking.
    """
    need_lists(e)
    _require_skill(e)
    straight, upside_down = _both_ways(e)
    gain = Estimate.of(upside_down - straight)
    changed = int((upside_down != straight).sum())
    if changed < FEWEST or gain.stderr is None:
        raise NotApplicable(f"only {changed} users' NDCG depends on the order, {FEWEST} are needed")
    if gain.mean <= CHANCE * gain.stderr:
        return None
    k = e.ranking.k
    sure = gain.mean > CERTAIN * gain.stderr
    return Seen(
        {
            f"ndcg@{k}": float(straight.mean()),
            f"ndcg@{k} reversed": float(upside_down.mean()),
            "paired standard errors": gain.mean / max(gain.stderr, 1e-6),
            "users whose value changes": changed,
        },
        f"a gain of {CHANCE:g} paired standard errors at most ({CERTAIN:g}: an error)",
        f"Read from the end, the lists reach NDCG@{k} {upside_down.mean():.4f} instead of "
        f"{straight.mean():.4f}: "
        + ("they are upside down." if sure else "this may still be chance; look at the scores."),
        severity=None if sure else "tip",
    )


def order_is_chance(e: Evidence) -> Seen | None:
    """The order inside the lists is no better than chance.

    Symptom
        The lists hit far more often than chance, but hits stand at the top no more often than at
        the end: NDCG is the mean over all orders of the same items.

    Usual cause
        1. Lists were shuffled, sorted by id or put into a set after ranking.
        2. The top k were found with argpartition and never sorted.
        3. The scores inside a list are all alike (a candidate generator without a ranker).

    How to confirm
        Shuffle the items of every list and measure NDCG again: it must fall.

    Remedy
        1. Sort by falling score last of all: order = np.argsort(-scores, kind="stable")[:k].
        2. Let tastemap rank: model.recommend(users, k=10), or tm.evaluate(model, split).
        3. If a candidate generator made the lists, add a ranker behind it.
    """
    need_lists(e)
    _require_skill(e)
    ranking = e.ranking
    listed, hits = (ranking.items >= 0).sum(axis=1), ranking.hits.sum(axis=1)
    open_ = (hits > 0) & (hits < listed)
    places = discount(ranking.k)
    ideal = np.concatenate([[0], places.cumsum()])
    best = ideal[np.minimum(ranking.relevant, ranking.k)]
    by_chance = hits / np.maximum(listed, 1) * ideal[listed] / best
    straight = ndcg(ranking, ranking.k)
    gain = Estimate.of((straight - by_chance)[open_])
    reachable = Estimate.of((ideal[hits] / best - by_chance)[open_])
    why = _sorted_by_id(e)
    if why is None and (gain.stderr is None or gain.n < FEWEST):
        raise NotApplicable(f"only {gain.n} lists have hits and misses, {FEWEST} are needed")
    why = why or _why_no_order(e, gain, reachable.mean)
    if why is None:
        return None
    return Seen(
        {
            f"ndcg@{ranking.k}": float(straight[open_].mean()),
            "mean over all orders": float(by_chance[open_].mean()),
            "best order": float((ideal[hits] / best)[open_].mean()),
            "standard errors above chance": gain.mean / max(gain.stderr or 0.0, 1e-12),
            "lists": gain.n,
            why[0]: why[1],
        },
        f"hits that stand higher than chance by {CHANCE:g} standard errors, or items that have "
        "their places across lists",
        f"The lists hit {skill(e).found:,} times, where chance would hit "
        f"{skill(e).expected:,.0f} times, but hits stand no higher than misses: {why[0]}.",
    )


def _why_no_order(e: Evidence, gain: Estimate, reachable: float) -> tuple[str, float] | None:
    """What shows that the order means nothing, and its number; None where it may mean something."""
    assert gain.stderr is not None
    reached, error = gain.mean / max(reachable, 1e-12), gain.stderr / max(reachable, 1e-12)
    if reached > CHANCE * error:
        return None
    if gain.n >= ENOUGH_LISTS and error <= PRECISE and reached + CHANCE * error < ORDERED:
        return "share of what the best order would gain", reached
    assert e.lists is not None
    lists = e.lists[e.judged]
    if len(lists) < ENOUGH_LISTS:
        raise NotApplicable(f"{gain.n} lists with hits and misses are too few to judge the order")
    effect = item_effect(lists)
    if effect is not None and effect < EXCHANGEABLE:
        return "the same item stands anywhere, as in shuffled lists", effect
    return None


def _sorted_by_id(e: Evidence) -> tuple[str, float] | None:
    """Whether all lists are in the order of the ids, and cannot be those of popularity.

    Where ids are numbered by popularity, popular lists are sorted by id: no id in them is larger
    than the number of listed and seen items.
    """
    assert e.lists is not None
    share = sorted_by_id(e.lists[e.judged])
    if share is None or share < 0.95 or e.seen is None or is_yardstick(e):
        return None
    listed = (e.lists >= 0).sum(axis=1)
    beyond = e.lists.max(axis=1) >= listed + e.seen.lengths
    return ("the lists are sorted by id", share) if beyond.mean() > 0.5 else None


ORDERED, PRECISE = 0.04, 0.03
"""Share of the possible gain that the order of healthy lists reaches, and the standard error at
which to judge it; measured on healthy runs of all models: .08 to .8 on logs with an order."""

EXCHANGEABLE = 3.0
"""Standard deviations of `item_effect` that shuffled lists stay below (2.5 in 100 of them); healthy
ones of ML-100K have 8 to 390."""

ENOUGH_LISTS = 50
"""Lists that `item_effect` needs."""


def _require_skill(e: Evidence) -> None:
    found = skill(e)
    if not found.beyond_chance:
        raise NotApplicable(
            f"the lists hit {found.found:,} times and chance would hit {found.expected:,.1f} "
            "times: the order of lists that know nothing says nothing"
        )


def _both_ways(e: Evidence) -> tuple[Float64[np.ndarray, " users"], Float64[np.ndarray, " users"]]:
    """NDCG of each judged list, and of the same list read from its end."""
    ranking = e.ranking
    listed = (e.lists[e.judged] >= 0).sum(axis=1) if e.lists is not None else None
    assert listed is not None
    back = listed[:, None] - 1 - np.arange(ranking.k)
    turned = np.take_along_axis(ranking.hits, np.maximum(back, 0), axis=1) & (back >= 0)
    return _ndcg(ranking.hits, ranking.relevant), _ndcg(turned, ranking.relevant)


def _ndcg(
    hits: Bool[np.ndarray, "users k"], relevant: Int64[np.ndarray, " users"]
) -> Float64[np.ndarray, " users"]:
    places = discount(hits.shape[1])
    ideal = np.concatenate([[0], places.cumsum()])
    return np.asarray((hits * places).sum(axis=1) / ideal[np.minimum(relevant, hits.shape[1])])


def _is_better_than_reversed(e: Evidence) -> bool:
    if e.truth is None or len(e.judged) == 0 or not skill(e).beyond_chance:
        return False
    straight, upside_down = _both_ways(e)
    gain = Estimate.of(straight - upside_down)
    return gain.stderr is not None and gain.mean > CHANCE * gain.stderr


RULES = (
    Rule(
        "E301",
        "error",
        scores_rise,
        needs=("lists", "list_scores"),
        explains=("E302", "E315", "E318", "E316"),
    ),
    Rule(
        "E302",
        "error",
        reversed_better,
        needs=("lists", "truth"),
        explains=("E315", "E318"),
    ),
    Rule("E315", "warning", order_is_chance, needs=("lists", "truth"), explains=("E318",)),
)
