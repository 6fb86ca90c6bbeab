"""Everything that a report says, as plain data: the template adds words and pictures, no numbers.

All numbers carry six significant digits at most; None stands where one is undefined.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from tastemap.report.people import Person

FORMAT = 1
"""Version of the data in the file."""


@dataclass(frozen=True)
class Measured:
    """A mean over users, its standard error and the number of users."""

    mean: float | None
    stderr: float | None
    n: int


@dataclass(frozen=True)
class Gap:
    """A paired difference to another model and its 95 % interval; relative ones in percent."""

    mean: float | None
    low: float | None
    high: float | None
    relative: float | None
    relative_low: float | None
    relative_high: float | None
    n: int


Outcome = Literal["better", "open", "worse", "none"]


@dataclass(frozen=True)
class Headline:
    """One of the numbers beside the verdict: of the chosen model and of Popularity."""

    metric: str
    model: Measured
    yardstick: Measured


@dataclass(frozen=True)
class Verdict:
    """The result in words.

    Parameters
    ----------
    outcome
        Whether the chosen model is better than Popularity, worse, or cannot be told apart (open);
        "none" where there is no model but the yardsticks.
    sentence, details
        The verdict, and what has to be known to read it.
    model, gap
        Who was chosen, and its difference to Popularity in the main metric.
    numbers
        Up to three.
    """

    outcome: Outcome
    sentence: str
    details: tuple[str, ...]
    model: str
    gap: Gap | None
    numbers: tuple[Headline, ...]


@dataclass(frozen=True)
class Data:
    """What is in the log.

    Parameters
    ----------
    passport
        As `tastemap.describe` counts it.
    notes
        What reading and preparing did, in words.
    by_rank
        (rank, events) of some items, most used first.
    over_time
        (start of the period, events), or None where the log has no times.
    period
        What a period is: "month", say.
    """

    passport: Mapping[str, Any]
    notes: tuple[str, ...]
    by_rank: tuple[tuple[int, int], ...]
    over_time: tuple[tuple[str, int], ...] | None
    period: str


@dataclass(frozen=True)
class Row:
    """One model in the comparison.

    Parameters
    ----------
    name
        Unlike every other row's.
    recipe, seed
        How it was made; seed None for a yardstick that was not a run of its own.
    role
        "chosen", "model" or "yardstick".
    test
        Every metric, on the test part.
    validation
        The main metric on the validation part, where there is one.
    gap
        Difference to Popularity in the main metric on the test part.
    fit_seconds, judge_seconds
        None for a yardstick that was not a run of its own.
    """

    name: str
    recipe: str
    seed: int | None
    role: Literal["chosen", "model", "yardstick"]
    test: Mapping[str, Measured]
    validation: Measured | None
    gap: Gap | None
    fit_seconds: float | None
    judge_seconds: float | None


@dataclass(frozen=True)
class AtK:
    """One metric for growing k: a value a k for each model."""

    metric: str
    k: tuple[int, ...]
    values: Mapping[str, tuple[float | None, ...]]


@dataclass(frozen=True)
class Learning:
    """What one model's training measured, epoch by epoch (some epochs, where there are many)."""

    name: str
    epochs: tuple[int, ...]
    values: Mapping[str, tuple[float | None, ...]]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Origin:
    """What is needed to get the same numbers again."""

    command: str | None
    split: str
    fingerprint: str
    environment: Mapping[str, Any]


@dataclass(frozen=True)
class Report:
    """A whole report; `render` turns it into a page.

    Parameters
    ----------
    title, date
        The heading and the day it was made (UTC).
    metric
        The main metric, by which models are chosen and compared.
    rows
        Models and yardsticks, best first.
    """

    title: str
    date: str
    metric: str
    verdict: Verdict
    data: Data
    rows: tuple[Row, ...]
    at_k: tuple[AtK, ...]
    training: tuple[Learning, ...]
    people: tuple[Person, ...]
    origin: Origin
    format: int = FORMAT

    def to_json(self) -> dict[str, Any]:
        """The report as dictionaries, lists, texts and numbers."""
        return plain(self)

    def row(self, name: str) -> Row:
        """The row of a model by its name."""
        return next(row for row in self.rows if row.name == name)


def plain(value: Any) -> Any:
    """Frozen dataclasses, mappings and tuples as what JSON knows."""
    if dataclasses.is_dataclass(value):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, tuple | list):
        return [plain(one) for one in value]
    return value
