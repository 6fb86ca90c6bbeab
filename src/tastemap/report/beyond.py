"""Beyond accuracy: what the chosen model's lists are like beside those of the yardsticks."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tastemap.contracts import HasVectors
from tastemap.data.split import Split
from tastemap.metrics.beyond import beyond_accuracy
from tastemap.metrics.catalogue import CATALOGUE, Audience
from tastemap.metrics.result import Estimate, Evaluation
from tastemap.report.figures import decimals_of, figure, percent
from tastemap.report.material import YARDSTICK, Material
from tastemap.report.measured import Measured, measured

DEPTH = 10
"""Lists are looked at to this place, or to their end where they are shorter."""


@dataclass(frozen=True)
class Aspect:
    """One measure: the value of the chosen model and of each yardstick, and what it says."""

    metric: str
    values: Mapping[str, Measured]
    reading: str


@dataclass(frozen=True)
class Beyond:
    """All measures that the data allow; `names` are the columns, the chosen model first."""

    k: int
    names: tuple[str, ...]
    aspects: tuple[Aspect, ...]
    vectors_of: str | None
    without_labels: bool


def beyond_of(material: Material) -> Beyond:
    """Measure the lists of the chosen model and of the yardsticks on the test part."""
    names = material.shown_beside
    evaluations = [material.evaluations[name] for name in names]
    k = min(DEPTH, *(one.ranking.k for one in evaluations))
    table = material.split.train.table
    bare = table is None or not any(table.labels)
    lender = _lender(material) if bare else None
    vectors = None if lender is None else np.asarray(material.judged[lender].model.item_vectors)  # type: ignore[attr-defined]
    audience = Audience.of(material.split.train)
    found = [_values(one, material.split, k, audience, vectors) for one in evaluations]
    metrics = [metric for metric in READINGS if metric in found[0]]
    aspects = []
    for metric in metrics:
        values = {name: one[metric] for name, one in zip(names, found, strict=True)}
        aspects.append(Aspect(f"{metric}@{k}", values, _reading(metric, values, names[0], k)))
    return Beyond(k, names, tuple(aspects), lender, bare)


def pictures(beyond: Beyond | None) -> dict[str, Any] | None:
    """The decimals of each row; the table needs no more."""
    if beyond is None:
        return None
    return {"places": {one.metric: _places(one) for one in beyond.aspects}}


def _places(aspect: Aspect) -> int:
    """Decimals that leave the largest value four digits, and at least two."""
    known = [one.mean for one in aspect.values.values() if one.mean]
    return max(2, min((decimals_of(mean) for mean in known), default=2))


def _lender(material: Material) -> str | None:
    """A model other than the chosen one whose vectors say what is alike."""
    return next(
        (
            name
            for name, run in material.judged.items()
            if name != material.chosen and isinstance(run.model, HasVectors)
        ),
        None,
    )


def _values(
    found: Evaluation, split: Split, k: int, audience: Audience, vectors: np.ndarray | None
) -> dict[str, Measured]:
    values: dict[str, Measured] = {}
    for name, function in CATALOGUE.items():
        value = function(found.ranking, k, audience)
        one = Estimate(value, None, len(found.users)) if isinstance(value, float) else None
        values[name] = measured(one or Estimate.of(value))  # type: ignore[arg-type]
    table = beyond_accuracy(found, split, k, vectors)
    columns = (table[column] for column in ("metric", "mean", "stderr", "n"))
    for name, mean, stderr, n in zip(*columns, strict=True):
        error = None if np.isnan(stderr) else float(stderr)
        values[str(name).partition("@")[0]] = measured(Estimate(float(mean), error, int(n)))
    return values


Words = Callable[[float, int], str]
"""A value and k -> the value in words."""


def _lift(value: float, k: int) -> str:
    if abs(value) < 0.05:
        return "about as popular as"
    return f"{percent(abs(value), 0)} {'more' if value > 0 else 'less'} popular than"


def _spread(value: float, k: int) -> str:
    if value > 0.9:
        return "nearly all places go to a few items"
    return "most places go to a minority of items" if value > 0.6 else "places are spread widely"


def _mix(value: float, k: int) -> str:
    if value < 0.1:
        return "nearly the user’s own"
    return "somewhat off the user’s own" if value < 0.5 else "far from the user’s own"


READINGS: dict[str, tuple[str, Words]] = {
    "coverage": ("{} of the catalogue is shown to somebody", lambda v, k: percent(v)),
    "gini": ("{}", _spread),
    "personalisation": ("Two users’ lists share {} items", lambda v, k: f"{(1 - v) * k:.1f}"),
    "novelty": ("A listed item is known to {}", lambda v, k: f"one user in {2**v:,.2g}"),
    "popularity": ("A listed item was used by {} of the users", lambda v, k: percent(v, 0)),
    "popularity_lift": ("A list is {} what its user used before", _lift),
    "calibration_kl": ("The mix of labels is {}", _mix),
    "diversity_labels": (
        "Two items of a list share {} of their labels",
        lambda v, k: percent(max(0.0, 1 - v), 0),
    ),
    "diversity_vectors": (
        "Two items of a list have a cosine of {} in another model",
        lambda v, k: figure(1 - v, 2),
    ),
    "unexpectedness": (
        f"{{}} of the places hold what {YARDSTICK} would not list",
        lambda v, k: percent(v, 0),
    ),
    "serendipity": (
        f"{{}} of the places are hits that {YARDSTICK} would not list",
        lambda v, k: percent(v),
    ),
}
"""What each measure says, in the order of the page: a sentence, and the value in words."""
NEEDS_NO_OTHER = ("unexpectedness", "serendipity")
"""Measured against Popularity, whose own value says nothing."""


def _reading(metric: str, values: Mapping[str, Measured], model: str, k: int) -> str:
    """The chosen model's value in words, and Popularity's beside it."""
    sentence, words = READINGS[metric]
    mine, popular = (
        None if one.mean is None else words(one.mean, k)
        for one in (values[model], values[YARDSTICK])
    )
    said = "undefined" if mine is None else sentence.format(mine)
    said = said[0].upper() + said[1:]
    if model == YARDSTICK or metric in NEEDS_NO_OTHER:
        return f"{said}."
    beside = "the same" if mine == popular else (popular or "undefined").removesuffix(" than")
    return f"{said} ({YARDSTICK}: {beside})."
