"""Embedding health: are the item vectors trained, and do they use their dimensions?"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tastemap.contracts import HasVectors, Model
from tastemap.errors import InputError
from tastemap.maps.health import Health, health
from tastemap.maps.thresholds import THRESHOLDS, Light, Threshold
from tastemap.report.figures import figure, rounded
from tastemap.report.material import Material
from tastemap.report.strips import Strip, strip_chart
from tastemap.seeding import stream

LARGE = 20_000
"""With more items there are no ticks of other models: each takes as long as the first."""

WORDS: dict[Light, str] = {"good": "good", "warn": "worth a look", "fail": "broken"}

MEASURES: dict[str, tuple[str, str]] = {
    "zero_share": ("Vectors that are zero", "share of the items; nothing was learned of these"),
    "mean_cosine": ("Pointing one way", "mean cosine of two items; near 1 all have collapsed"),
    "id_shift_gain": ("Rows moved against ids", "gain from moving all rows by a few places"),
    "co_lift_matched": ("Neighbours share users", "times what equally popular items share"),
    "alignment_gap": ("Users near their items", "how much nearer than to items at random"),
    "popularity_share": ("Nothing but popularity", "share of the layout that it explains"),
    "evr1": ("One direction only", "share of the variance along the first"),
    "directions_used": ("Directions used", "of those that the log confirms"),
    "hub_skew": ("Neighbours of everybody", "skew of how often items are neighbours"),
    "antihub_share": ("Nobody’s neighbours", "share of the items"),
    "tail_lift": ("Less used half", "neighbours share users, times chance"),
    "rare_lift": ("Least used fifth", "neighbours share users, times chance"),
    "label_lift": ("Neighbours share labels", "times chance"),
}
"""What each judged measure is called, and what its number is."""


@dataclass(frozen=True)
class Judged:
    """One measure of the vectors.

    Parameters
    ----------
    value, light, threshold, reason
        As `Health` says; `reason` is why there is no light.
    random
        The value of random vectors of the same shape.
    best, best_of
        The best value among the models of this report, and whose it is; None where there is one
        model only.
    """

    measure: str
    value: float | None
    light: Light | None
    threshold: str
    reason: str
    random: float | None
    best: float | None
    best_of: str | None


@dataclass(frozen=True)
class Vectors:
    """The health of one model's item vectors, beside random ones and the best of the report."""

    model: str
    chosen: bool
    verdict: str
    random_verdict: str
    light: Light | None
    items: int
    d: int
    k: int
    similarity: str
    readings: tuple[Judged, ...]
    numbers: Mapping[str, float | None]
    notes: tuple[str, ...]


def vectors_of(material: Material) -> Vectors | None:
    """Examine the chosen model's vectors, or those of the best model that has some."""
    models = {
        name: run.model
        for name, run in material.judged.items()
        if isinstance(run.model, HasVectors)
    }
    if not models:
        return None
    order = sorted(models, key=lambda name: (name != material.chosen, -_mean(material, name)))
    name = order[0]
    examined = {one: _examined(models[one]) for one in _some(order, models[name])}
    found = examined[name]
    if found is None:
        return None
    random = _random(models[name])
    readings = tuple(
        _judged(reading.name, name, examined, random, reading)
        for reading in found.readings
        if reading.name in MEASURES
    )
    return Vectors(
        model=name,
        chosen=name == material.chosen,
        verdict=found.verdict,
        random_verdict="" if random is None else random.verdict,
        light=found.light,
        items=found.items,
        d=found.d,
        k=found.k,
        similarity=found.similarity,
        readings=readings,
        numbers={n: rounded(getattr(found, n)) for n in ("effective_rank", "co_lift", "log_lift")},
        notes=found.notes,
    )


def pictures(vectors: Vectors | None) -> dict[str, Any] | None:
    """The judged measures as strips, and those that are not judged in words."""
    if vectors is None:
        return None
    drawn = [one for one in vectors.readings if one.value is not None and one.light is not None]
    left_out = [
        (MEASURES[one.measure][0], one.reason) for one in vectors.readings if one.light is None
    ]
    chart = strip_chart([_strip(one) for one in drawn], title="Lights of the item vectors")
    best = any(one.best is not None for one in drawn)
    measures = [(*MEASURES[one.measure], one.threshold) for one in drawn]
    return {"chart": chart if drawn else None, "left_out": left_out, "best": best} | {
        "measures": measures
    }


def _mean(material: Material, name: str) -> float:
    mean = material.judged[name].evaluation[material.metric].mean
    return float("-inf") if np.isnan(mean) else mean


def _some(order: list[str], model: Model) -> list[str]:
    return order if len(model.items) <= LARGE else order[:1]


def _examined(model: Model) -> Health | None:
    """Its health; None where too few items are left to say anything."""
    try:
        return health(model)
    except InputError:
        return None


def _random(model: Model) -> Health | None:
    """Random vectors of the same shape on the same log: what knowing nothing looks like."""
    if len(model.items) > LARGE:
        return None
    items = np.asarray(model.item_vectors)  # type: ignore[attr-defined]
    users = getattr(model, "user_vectors", None)
    draws = stream(0, "report", "random vectors")
    drawn = draws.standard_normal(items.shape).astype(np.float32)
    shape = None if users is None else np.asarray(users).shape
    drawn_users = None if shape is None else draws.standard_normal(shape).astype(np.float32)
    try:
        return health(drawn, model.train, user_vectors=drawn_users)
    except InputError:
        return None


def _judged(
    measure: str,
    name: str,
    examined: Mapping[str, Health | None],
    random: Health | None,
    reading: Any,
) -> Judged:
    sign = 1 if THRESHOLDS[measure].bad == "below" else -1
    values = {one: getattr(found, measure) for one, found in examined.items() if found is not None}
    known = {one: value for one, value in values.items() if value is not None}
    best = max(known, key=lambda one: sign * known[one]) if len(known) > 1 else None
    return Judged(
        measure=measure,
        value=rounded(reading.value),
        light=reading.light,
        threshold=reading.threshold,
        reason=reading.reason,
        random=None if random is None else rounded(getattr(random, measure)),
        best=None if best is None else rounded(known[best]),
        best_of=best,
    )


def _strip(one: Judged) -> Strip:
    ticks = [(one.random, "random"), (one.best, "best"), (one.value, f"this {one.light}")]
    return Strip(
        label=MEASURES[one.measure][0],
        said=f"{_value(one.value)}  {WORDS[one.light or 'good']}",
        light=one.light or "",
        lines=_zones(THRESHOLDS[one.measure]),
        ticks=[(value, style) for value, style in ticks if value is not None],
    )


def _value(value: float | None) -> str:
    return figure(0.0 if value is not None and abs(value) < 0.005 else value, 2)


def _zones(threshold: Threshold) -> list[tuple[float, str]]:
    """Where each zone ends, from the lowest values to the highest.

    >>> _zones(Threshold(warn=0.5, fail=0.9, bad="above"))
    [(0.5, 'good'), (0.9, 'warn'), (inf, 'fail')]
    >>> _zones(Threshold(warn=1.1, fail=None, bad="below"))
    [(1.1, 'warn'), (inf, 'good')]
    """
    known = [(line, name) for name, line in _lines(threshold) if line is not None]
    if threshold.bad == "above":
        ends = [line for line, _ in known]
        names = ["good", *(name for _, name in known)]
    else:
        ends = [line for line, _ in reversed(known)]
        names = [*(name for _, name in reversed(known)), "good"]
    return list(zip([*ends, float("inf")], names, strict=True))


def _lines(threshold: Threshold) -> list[tuple[str, float | None]]:
    return [("warn", threshold.warn), ("fail", threshold.fail)]
