"""A time axis in calendar periods that bars can stand on."""

from dataclasses import dataclass

import numpy as np

from tastemap.data.table import iso_time
from tastemap.shapes import Float64, Int64

MOST_PERIODS = 60
FALLBACK = 40
"""So many equal parts cut a span that is too long for calendar years."""
_UNITS = {"hour": "h", "day": "D", "week": "W", "month": "M", "year": "Y"}


@dataclass(frozen=True, eq=False)
class TimeAxis:
    """Periods, one after the other, without a gap.

    Parameters
    ----------
    period
        What each is: "month", say.
    starts
        When each begins (UTC), as text.
    edges
        Shape (n + 1,): seconds at which periods begin, and at which the last one ends.
    """

    period: str
    starts: tuple[str, ...]
    edges: Float64[np.ndarray, " edges"]

    @classmethod
    def of(cls, time: Int64[np.ndarray, " n"]) -> "TimeAxis":
        """The shortest calendar periods of which at most 60 hold all these seconds.

        >>> TimeAxis.of(np.array([0, 3600, 7300])).starts
        ('1970-01-01 00:00', '1970-01-01 01:00', '1970-01-01 02:00')
        """
        low, high = int(time.min()), int(time.max())
        for period, unit in _UNITS.items():
            ends = np.array([low, high]).astype("datetime64[s]").astype(f"datetime64[{unit}]")
            n = int((ends[1] - ends[0]).astype(np.int64)) + 1
            if n <= MOST_PERIODS:
                moments = ends[0] + np.arange(n + 1)
                edges = moments.astype("datetime64[s]").astype(np.float64)
                hours = ":00" * (unit == "h")
                starts = tuple(str(one).replace("T", " ") + hours for one in moments[:-1])
                return cls(period, starts, edges)
        edges = np.linspace(low, high, FALLBACK + 1)
        starts = tuple(iso_time(int(edge))[:10] for edge in edges[:-1])
        return cls("fortieth of the time span", starts, edges)

    def at(self, time: Int64[np.ndarray, " n"]) -> Float64[np.ndarray, " n"]:
        """Places on the axis, in periods from its start.

        >>> TimeAxis("hour", ("a", "b"), np.array([0.0, 60.0, 120.0])).at(np.array([30, 90]))
        array([0.5, 1.5])
        """
        return np.interp(time, self.edges, np.arange(len(self.edges), dtype=np.float64))

    def counts(self, time: Int64[np.ndarray, " n"]) -> tuple[int, ...]:
        """How many of these seconds lie in each period."""
        n = len(self.starts)
        place = np.searchsorted(self.edges, time.astype(np.float64), side="right") - 1
        return tuple(np.bincount(np.clip(place, 0, n - 1), minlength=n).tolist())
