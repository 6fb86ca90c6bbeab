"""What is in the log, counted for the report."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int64

from tastemap.data.interactions import Interactions
from tastemap.data.passport import describe
from tastemap.data.table import iso_time
from tastemap.report.page import Data, plain
from tastemap.report.text import shown

MOST_PERIODS = 60
MOST_NOTES = 20
NOTE_LENGTH = 300

_PERIODS = {"hour": "h", "day": "D", "week": "W", "month": "M", "year": "Y"}


def contents(log: Interactions, notes: Sequence[str] | None = None) -> Data:
    """Passport, notes and the two pictures of a log; its own notes where none are given."""
    told = log.notes if notes is None else notes
    said = [shown(note, NOTE_LENGTH) for note in told[:MOST_NOTES]]
    if len(told) > MOST_NOTES:
        said.append(f"and {len(told) - MOST_NOTES:,} more such notes")
    periods = None if log.time is None else over_time(log.time)
    return Data(
        passport=plain(describe(log)),
        notes=tuple(said),
        by_rank=by_rank(log.item_counts()),
        over_time=None if periods is None else periods[1],
        period="" if periods is None else periods[0],
    )


def by_rank(counts: Int64[np.ndarray, " items"], points: int = 80) -> tuple[tuple[int, int], ...]:
    """(rank from 1, events) of items that somebody used, most used first, thinned evenly in log.

    >>> by_rank(np.array([0, 3, 7, 1]))
    ((1, 7), (2, 3), (3, 1))
    """
    ordered = np.sort(counts[counts > 0])[::-1]
    ranks = np.unique(np.round(np.geomspace(1, len(ordered), points)).astype(int))
    return tuple((int(rank), int(ordered[rank - 1])) for rank in ranks)


def over_time(
    time: Int64[np.ndarray, " n"],
) -> tuple[str, tuple[tuple[str, int], ...]]:
    """Events by calendar period, the shortest one that needs at most 60 bars, empty ones included.

    >>> over_time(np.array([0, 3600, 7300]))
    ('hour', (('1970-01-01 00:00', 1), ('1970-01-01 01:00', 1), ('1970-01-01 02:00', 1)))
    """
    for period, unit in _PERIODS.items():
        moments = time.astype("datetime64[s]").astype(f"datetime64[{unit}]")
        first, last = moments.min(), moments.max()
        n = int((last - first).astype(np.int64)) + 1
        if n <= MOST_PERIODS:
            counts = np.bincount((moments - first).astype(np.int64), minlength=n)
            starts = first + np.arange(n)
            return period, tuple(
                (str(start).replace("T", " ") + ":00" * (unit == "h"), int(count))
                for start, count in zip(starts, counts, strict=True)
            )
    counts, edges = np.histogram(time.astype(np.float64), bins=40)
    starts_at = [iso_time(int(edge))[:10] for edge in edges[:-1]]
    return "fortieth of the time span", tuple(zip(starts_at, counts.tolist(), strict=True))
