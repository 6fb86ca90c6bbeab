"""Which numbers of a table of vectors are judged, where the lines are, and when they do not apply.

Lines were drawn between healthy and broken tables, measured.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Light = Literal["good", "warn", "fail"]
Numbers = Mapping[str, Any]
Spared = Callable[[Numbers], str | None]
"""Why a table with these numbers is not judged, or None."""


@dataclass(frozen=True)
class Threshold:
    """Where a measure turns from good to warn and from warn to fail.

    Parameters
    ----------
    warn, fail
        The lines; None where there is no such light.
    bad
        Which side of the lines is bad.
    spared
        Why a table with these numbers is not judged by the measure, or None.
    """

    warn: float | None
    fail: float | None
    bad: Literal["above", "below"]
    spared: Spared = lambda numbers: None

    def light(self, value: float) -> Light:
        """The light of a value.

        >>> Threshold(warn=0.5, fail=0.9, bad="above").light(0.7)
        'warn'
        """
        sign = 1 if self.bad == "above" else -1
        for line, light in ((self.fail, "fail"), (self.warn, "warn")):
            if line is not None and sign * value > sign * line:
                return light  # type: ignore[return-value]
        return "good"

    def __str__(self) -> str:
        sign = ">" if self.bad == "above" else "<"
        lines = [("warn", self.warn), ("fail", self.fail)]
        return ", ".join(f"{name} {sign} {line:g}" for name, line in lines if line is not None)


def _all_of(*reasons: Spared) -> Spared:
    """The first reason that holds."""

    def spared(numbers: Numbers) -> str | None:
        return next((found for reason in reasons if (found := reason(numbers))), None)

    return spared


def _dimensions(least: int) -> Spared:
    def spared(numbers: Numbers) -> str | None:
        if numbers["d"] >= least:
            return None
        return f"{numbers['d']} dimensions (judged from {least} on)"

    return spared


def _items(least: int) -> Spared:
    def spared(numbers: Numbers) -> str | None:
        if numbers["items"] >= least:
            return None
        return f"{numbers['items']} items (judged from {least} on)"

    return spared


def _directions(least: int) -> Spared:
    """Where the log confirms fewer directions, vectors cannot be asked to show more."""

    def spared(numbers: Numbers) -> str | None:
        known = numbers["log_directions"]
        if known is None or known >= least - 0.5:
            return None
        return f"the log confirms {known:.0f} directions of taste (judged from {least} on)"

    return spared


def _room(numbers: Numbers) -> str | None:
    """Where the log has more directions than the vectors, some items must go without."""
    known = numbers["log_directions"]
    if known is None or numbers["d"] >= known + 1:
        return None
    return f"{numbers['d']} dimensions for a log that confirms {known:.0f} directions"


def _confirmed(name: str, what: str) -> Spared:
    """Where neighbours by common users are no better in the other half of the users."""

    def spared(numbers: Numbers) -> str | None:
        known = numbers[name]
        if known is not None and known >= LOG_LIFT:
            return None
        shown = "none" if known is None else f"{known:.2f}"
        return (
            f"the log confirms no neighbours {what} (its lift is {shown}, judged from {LOG_LIFT})"
        )

    return spared


def _cosine(numbers: Numbers) -> str | None:
    if numbers["similarity"] == "cosine":
        return None
    return "by inner product, popular items are neighbours of all in good models too"


LOG_LIFT = 1.3
"""Lifts are judged where the log's own neighbours, confirmed by other users, reach this lift."""

THRESHOLDS: dict[str, Threshold] = {
    "zero_share": Threshold(0.01, 0.5, "above", _room),
    "mean_cosine": Threshold(0.75, 0.9, "above", _dimensions(8)),
    "id_shift_gain": Threshold(None, 1.25, "above", _dimensions(4)),
    "co_lift_matched": Threshold(
        1.25, 1.2, "below", _all_of(_dimensions(4), _confirmed("log_lift", "at all"))
    ),
    "alignment_gap": Threshold(0.1, 0.03, "below", _dimensions(4)),
    "popularity_share": Threshold(
        0.5, 0.75, "above", _all_of(_dimensions(8), _items(40), _directions(2))
    ),
    "evr1": Threshold(0.6, 0.9, "above", _all_of(_dimensions(8), _items(40), _directions(3))),
    "directions_used": Threshold(
        0.5, 0.25, "below", _all_of(_dimensions(8), _items(40), _directions(2))
    ),
    "hub_skew": Threshold(
        5.0, 10.0, "above", _all_of(_cosine, _dimensions(8), _items(40), _directions(2))
    ),
    "antihub_share": Threshold(
        0.3, 0.6, "above", _all_of(_cosine, _dimensions(8), _items(40), _directions(2), _room)
    ),
    "tail_lift": Threshold(
        1.4, 1.2, "below", _all_of(_dimensions(4), _confirmed("log_tail_lift", "of rare items"))
    ),
    "rare_lift": Threshold(
        1.4, 1.2, "below", _all_of(_dimensions(4), _confirmed("log_rare_lift", "of rare items"))
    ),
    "label_lift": Threshold(
        1.1, None, "below", _all_of(_dimensions(4), _confirmed("log_label_lift", "by label"))
    ),
}
"""The measures that are judged, the gravest first; all others are only reported."""


@dataclass(frozen=True)
class Reading:
    """One number and its light.

    Parameters
    ----------
    name, value
        The measure and its number, None where there is none.
    light
        None where the number is missing or not judged here.
    threshold
        Where the lines are, in words.
    reason
        Why there is no light; "" where there is one.
    """

    name: str
    value: float | None
    light: Light | None
    threshold: str
    reason: str


def read_all(
    thresholds: Mapping[str, Threshold], numbers: Numbers, missing: Mapping[str, str]
) -> tuple[Reading, ...]:
    """Judge every measure of a table of thresholds."""
    readings = []
    for name, threshold in thresholds.items():
        value = numbers[name]
        reason = missing.get(name, "missing") if value is None else threshold.spared(numbers)
        light = None if reason else threshold.light(value)
        readings.append(Reading(name, value, light, str(threshold), reason or ""))
    return tuple(readings)


def worst(readings: Sequence[Reading]) -> Light | None:
    """The worst light of all; None where nothing was judged."""
    order: tuple[Light, ...] = ("fail", "warn", "good")
    return next((light for light in order if any(r.light == light for r in readings)), None)
