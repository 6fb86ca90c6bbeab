"""For whom, and for what, a model is good: the same metric by groups of users, items and time.

Two kinds of groups. Groups of users (by activity, cold users) average each user's value, so that
they make up the whole. Groups of held-out events (by popularity, cold items, time) count as if
only these had been held out: a hit on another group's item is no hit, and users without an event
in the group take no part. Recall by popularity decile says what share of the rare items that
people went on to use was found.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from tastemap.contracts import Model
from tastemap.data.interactions import Histories
from tastemap.data.split import Part, Split
from tastemap.data.table import Table, iso_time
from tastemap.errors import UsageError
from tastemap.metrics.catalogue import Audience
from tastemap.metrics.ceilings import ceiling
from tastemap.metrics.evaluate import evaluate
from tastemap.metrics.inputs import require_same_users
from tastemap.metrics.ranking import TOPK, parse
from tastemap.metrics.result import Estimate, Evaluation
from tastemap.recommend import Ranking
from tastemap.shapes import Bool, Float64, Int64

By = Literal["activity", "cold_users", "popularity", "cold_items", "time"]
"""What to cut by."""


@dataclass(frozen=True, eq=False)
class Asked:
    """What groups are made from.

    Parameters
    ----------
    histories, truth
        What was known of each user and what was held out, row by row the same users.
    counts
        Shape (items,): how many people used each item in training.
    bins
        Into how many groups.
    """

    histories: Histories
    truth: Histories
    counts: Int64[np.ndarray, " items"]
    bins: int


Groups = list[tuple[str, Bool[np.ndarray, " n"]]]
"""Named groups: which users, or which held-out events, are in it."""


def slices(
    found: Evaluation | Model,
    split: Split,
    by: By = "activity",
    metric: str = "recall@10",
    bins: int | None = None,
    *,
    part: Part = "test",
) -> Table:
    """A metric by groups of users or of held-out events, each with its error and its ceiling.

    Parameters
    ----------
    found
        An evaluation on this split that measured the metric (or lists as long), or a fitted
        model, which is then evaluated.
    by
        Groups of users: "activity" (as many users in each, by the length of what is known of
        them), "cold_users" (with and without a history). Groups of held-out events:
        "popularity" (of the item: decile 1 are the tenth of the catalogue that most people
        used), "cold_items" (used in training or not), "time" (as many events in each, oldest
        first).
    metric
        A metric that has a value for each user; for groups of events one of lists ("recall@10").
    bins
        Number of groups: 4, and 10 for popularity, unless told otherwise. Equal values are never
        parted, so there may be fewer.

    Returns
    -------
    Table
        A row for the whole and one for each group that is not empty: slice, n (users), mean,
        stderr (NaN for a single user), ceiling (what perfect lists would reach; NaN for a metric
        without), difference (mean less that of the whole).

    Errors
    ------
    UsageError
        For an unknown `by` or metric, a k beyond the lists, bins < 1, or "time" without times.
    InputError
        For an evaluation of other users than the split's, or of lists whose users are unknown.

    >>> from tastemap.data.splits import leave_last_out
    >>> from tastemap.data.synthetic import popularity_only
    >>> from tastemap.models import Popularity
    >>> split = leave_last_out(popularity_only(seed=1))
    >>> table = slices(Popularity().fit(split.train), split, by="popularity")
    >>> table["slice"][:2].tolist(), bool(table["mean"][1] > table["mean"][0])
    (['all', 'decile 1'], True)
    """
    if by not in GROUPS:
        raise UsageError(f"by={by!r}", ", ".join(map(repr, GROUPS)), "pass by='activity', say")
    if bins is not None and bins < 1:
        raise UsageError(f"bins is {bins}", "a whole number from 1 on", "leave it out")
    if isinstance(found, Model):
        found = evaluate(found, split, [metric], part=part)
    histories, truth = split.queries(part)
    require_same_users(found.users, truth, part)
    counts = Audience.of(split.train).counts
    asked = Asked(histories, truth, counts, bins or (10 if by == "popularity" else 4))
    make, of_events = GROUPS[by]
    whole = _values(found, metric)
    possible = _ceilings(found, metric, whole)
    rows = [("all", Estimate.of(whole), _mean(possible))]
    for name, chosen in make(asked):
        if not chosen.any():
            continue
        if of_events:
            ranking = _as_if_only(found.ranking, truth, chosen, metric)
            values = TOPK[parse(metric)[0]](ranking, _k(metric))
            best = ceiling(ranking, metric)
        else:
            values, best = whole[chosen], None if possible is None else possible[chosen]
        rows.append((name, Estimate.of(values), _mean(best)))
    return Table(
        {
            "slice": [name for name, _, _ in rows],
            "n": [one.n for _, one, _ in rows],
            "mean": [one.mean for _, one, _ in rows],
            "stderr": [np.nan if one.stderr is None else one.stderr for _, one, _ in rows],
            "ceiling": [best for _, _, best in rows],
            "difference": [one.mean - rows[0][1].mean for _, one, _ in rows],
        }
    )


def by_activity(asked: Asked) -> Groups:
    """Users in groups of about equal size, by how many events are known of them."""
    lengths = asked.histories.lengths
    group = _quantile_groups(lengths, asked.bins)
    return _labelled(group, lengths, lambda low, high: f"{_range(low, high)} events known")


def cold_users(asked: Asked) -> Groups:
    """Users without any history, and the others."""
    cold = asked.histories.lengths == 0
    return [("without history", cold), ("with history", ~cold)]


def by_popularity(asked: Asked) -> Groups:
    """Held-out events by the item's place in the catalogue: decile 1 are the most used items.

    An item's place is the share of the items that more people used, so that items used by
    equally many stand together.
    """
    counts = asked.counts
    better = len(counts) - np.searchsorted(np.sort(counts), counts, side="right")
    group = better * asked.bins // len(counts)
    what = "decile" if asked.bins == 10 else "group"
    of_event = group[asked.truth.items]
    return [(f"{what} {one + 1}", of_event == one) for one in range(asked.bins)]


def cold_items(asked: Asked) -> Groups:
    """Held-out events on items that nobody used in training, and on the others."""
    cold = asked.counts[asked.truth.items] == 0
    return [("never used in training", cold), ("used in training", ~cold)]


def by_time(asked: Asked) -> Groups:
    """Held-out events in periods with about equally many of them, oldest first."""
    times = asked.truth.time
    if times is None:
        raise UsageError(
            "by='time' of a log without times",
            ", ".join(repr(name) for name in GROUPS if name != "time"),
            "name the time column when reading: read(..., time='...')",
        )
    group = _quantile_groups(times, asked.bins)
    return _labelled(group, times, lambda low, high: f"{iso_time(low)} to {iso_time(high)}")


GROUPS: dict[str, tuple[Callable[[Asked], Groups], bool]] = {
    "activity": (by_activity, False),
    "cold_users": (cold_users, False),
    "popularity": (by_popularity, True),
    "cold_items": (cold_items, True),
    "time": (by_time, True),
}
"""How to make groups, and whether they are of held-out events (else of users)."""


def _values(found: Evaluation, metric: str) -> Float64[np.ndarray, " users"]:
    """Each user's value of a metric, from the evaluation or from its lists."""
    if metric in found.per_user:
        return found.per_user[metric]
    if metric in found.estimates:
        raise UsageError(
            f"metric {metric!r} has no value a user",
            ", ".join(found.per_user),
            "choose one of these",
        )
    return TOPK[parse(metric)[0]](found.ranking, _k(metric))


def _ceilings(
    found: Evaluation, metric: str, values: Float64[np.ndarray, " users"]
) -> Float64[np.ndarray, " users"] | None:
    if metric in found.per_user:
        return found.ceilings_per_user.get(metric)
    best = ceiling(found.ranking, metric)
    return None if best is None else np.where(np.isnan(values), np.nan, best)


def _mean(values: Float64[np.ndarray, " n"] | None) -> float:
    return float("nan") if values is None else Estimate.of(values).mean


def _k(metric: str) -> int:
    _, k = parse(metric)
    assert k is not None  # every metric of lists takes a k
    return k


def _as_if_only(
    ranking: Ranking, truth: Histories, chosen: Bool[np.ndarray, " n"], metric: str
) -> Ranking:
    """The lists of users with a chosen event, as if these events alone had been held out."""
    if metric.partition("@")[0] not in TOPK:
        raise UsageError(
            f"metric {metric!r} by groups of held-out events",
            ", ".join(f"{name}@k" for name in TOPK),
            "choose one of these, or cut by='activity'",
        )
    of_row = np.repeat(np.arange(len(truth)), truth.lengths)
    lengths = np.bincount(of_row[chosen], minlength=len(truth))
    kept = lengths > 0
    only = Histories(
        user=truth.user[kept],
        starts=np.concatenate([[0], lengths[kept].cumsum()]).astype(np.int64),
        items=truth.items[chosen],
        weight=truth.weight[chosen],
    )
    return Ranking.of(ranking.items[kept], only)


def _quantile_groups(values: Int64[np.ndarray, " n"], bins: int) -> Int64[np.ndarray, " n"]:
    """The number of each value's group; groups are about equally large, equal values together."""
    below = np.searchsorted(np.sort(values), values, side="left")
    return (below * bins // len(values)).astype(np.int64)


def _labelled(
    group: Int64[np.ndarray, " n"],
    values: Int64[np.ndarray, " n"],
    label: Callable[[int, int], str],
) -> Groups:
    found = []
    for one in np.flatnonzero(np.bincount(group)):
        inside = group == one
        found.append((label(int(values[inside].min()), int(values[inside].max())), inside))
    return found


def _range(low: int, high: int) -> str:
    return f"{low}" if low == high else f"{low} to {high}"
