"""What a direction among items means: what it goes along with, and the items at its ends."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array

from tastemap.data.interactions import Interactions
from tastemap.maps.agreement import label_matrix, users_of_items
from tastemap.maps.years import years_of
from tastemap.shapes import Float32, Float64, Int64, Shaped

NAMED = 0.6
"""A component is named after what it goes along with from this size of correlation on."""
LABELLED = 20
"""A label, or the year, is looked at where so many items have it and, of a label, so many lack it.

At 20 items chance alone gives a correlation of 0.13 (one standard deviation).
"""
ENDS = 5
"""Items that are listed at each end."""


@dataclass(frozen=True)
class Axis:
    """One principal component.

    Parameters
    ----------
    number
        1 for the first.
    share, so_far
        Share of the variance that it holds, and that it and all before it hold.
    popularity, year
        Rank correlation (Spearman) of the scores with the number of users of an item and with its
        release year, -1 to 1; None where that is not known or the same of all.
    labels
        Rank-biserial correlation with having a label, -1 to 1: the chance that an item with the
        label scores higher than one without, less the chance that it scores lower.
    top, bottom
        Titles at the high and at the low end, the outermost first.
    """

    number: int
    share: float
    so_far: float
    popularity: float | None = None
    year: float | None = None
    labels: Mapping[str, float] = field(default_factory=dict)
    top: tuple[str, ...] = ()
    bottom: tuple[str, ...] = ()

    @property
    def name(self) -> str | None:
        """What the component goes along with by more than 0.6 either way; else None.

        "popularity" before "year" before the label with the largest correlation.
        """
        if self.popularity is not None and abs(self.popularity) > NAMED:
            return "popularity"
        if self.year is not None and abs(self.year) > NAMED:
            return "year"
        label = max(self.labels, key=lambda one: abs(self.labels[one]), default=None)
        return label if label is not None and abs(self.labels[label]) > NAMED else None


class Known(NamedTuple):
    """What is known of n items beside their vectors.

    Parameters
    ----------
    titles
        Shape (n,): titles, ids where there is none.
    users
        Shape (n,): how many users used each item, or None.
    years
        Shape (n,): release years, NaN where unknown.
    labels, held
        Names of labels, and which item has which, shape (n, labels).
    """

    titles: np.ndarray
    users: Int64[np.ndarray, " n"] | None
    years: Float32[np.ndarray, " n"]
    labels: tuple[str, ...]
    held: csr_array


def known_of(train: Interactions | None, kept: Int64[np.ndarray, " n"]) -> Known:
    """What a log knows of the items with these codes; row numbers for titles without a log."""
    if train is None:
        titles = np.array([f"row {code}" for code in kept.tolist()], dtype=object)
        nothing = csr_array((len(kept), 0))
        return Known(titles, None, np.full(len(kept), np.nan, dtype=np.float32), (), nothing)
    ids = train.items.decode(kept).tolist()
    given = [""] * len(ids) if train.table is None else train.table.titles[kept].tolist()
    titles = np.array([a or str(b) for a, b in zip(given, ids, strict=True)], dtype=object)
    labels, held = label_matrix(train.table, kept)
    held = held if labels else csr_array((len(kept), 0))
    users = np.diff(users_of_items(train).indptr)[kept].astype(np.int64)
    return Known(titles, users, years_of(titles), tuple(labels), held)


def axes_of(
    scores: Float32[np.ndarray, "n k"], shares: Float64[np.ndarray, " d"], known: Known
) -> tuple[Axis, ...]:
    """Every component with what is known of the items.

    Parameters
    ----------
    scores
        Where the items stand along each component.
    shares
        Share of the variance of all components.
    known
        What the log knows of the same items.
    """
    so_far = np.minimum(np.cumsum(shares), 1.0)
    famous = None if known.users is None else mean_ranks(known.users)
    dated = np.flatnonzero(np.isfinite(known.years))
    ranked = famous is not None or len(known.labels) > 0
    axes = []
    for c, column in enumerate(scores.T):
        ranks = mean_ranks(column) if ranked else np.zeros(0)  # a third of the time of all
        axes.append(
            Axis(
                number=c + 1,
                share=float(shares[c]),
                so_far=float(so_far[c]),
                popularity=None if famous is None else _correlation(ranks, famous),
                year=_of_years(column[dated], known.years[dated]),
                labels=_of_labels(ranks, known) if known.labels else {},
                top=tuple(known.titles[_lowest(-column)].tolist()),
                bottom=tuple(known.titles[_lowest(column)].tolist()),
            )
        )
    return tuple(axes)


def _correlation(a: Float64[np.ndarray, " n"], b: Float64[np.ndarray, " n"]) -> float | None:
    """Pearson's r, None where one side is constant."""
    a, b = a - a.mean(), b - b.mean()
    size = float(np.sqrt((a @ a) * (b @ b)))
    return float(np.clip(a @ b / size, -1, 1)) if size > 0 else None


def _of_years(column: Float32[np.ndarray, " n"], years: Float32[np.ndarray, " n"]) -> float | None:
    if len(years) < LABELLED:
        return None
    return _correlation(mean_ranks(column), mean_ranks(years))


def _of_labels(ranks: Float64[np.ndarray, " n"], known: Known) -> dict[str, float]:
    """Labels that enough items have and lack, the most frequent first."""
    n, sizes = len(ranks), np.asarray(known.held.sum(axis=0)).ravel()
    sums = known.held.T @ ranks
    found = {}
    for place in np.argsort(-sizes, kind="stable").tolist():
        has = float(sizes[place])
        if min(has, n - has) >= LABELLED:
            # Mean rank with the label less mean rank without it, over its largest value n / 2.
            with_it = float(sums[place]) / has
            without = (float(ranks.sum()) - float(sums[place])) / (n - has)
            found[known.labels[place]] = 2 * (with_it - without) / n
    return found


def _lowest(column: Float32[np.ndarray, " n"]) -> Int64[np.ndarray, " ends"]:
    """Rows of the lowest values, lowest first, equal ones in order; at most half of all rows."""
    ends = max(min(ENDS, len(column) // 2), 1)
    line = np.partition(column, ends - 1)[ends - 1]
    rows = np.flatnonzero(column <= line)
    return rows[np.argsort(column[rows], kind="stable")][:ends]


def mean_ranks(values: Shaped[np.ndarray, " n"]) -> Float64[np.ndarray, " n"]:
    """Ranks from 1 on, equal values sharing their mean rank.

    As `scipy.stats.rankdata`, in a fifth of its time for a million values.

    >>> mean_ranks(np.array([30, 10, 30, 20])).tolist()
    [3.5, 1.0, 3.5, 2.0]
    """
    order = np.argsort(values)
    ordered = values[order]
    new = np.concatenate([[True], ordered[1:] != ordered[:-1]])
    starts = np.append(np.flatnonzero(new), len(values))
    means = (starts[:-1] + 1 + starts[1:]) / 2
    ranks = np.empty(len(values))
    ranks[order] = np.repeat(means, np.diff(starts))
    return ranks
