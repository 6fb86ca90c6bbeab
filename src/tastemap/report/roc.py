"""ROC of the chosen model and of Popularity over all pairs of the test part."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from markupsafe import Markup

from tastemap.contracts import Model
from tastemap.metrics.evaluate import roc
from tastemap.report.charts import frame
from tastemap.report.figures import figure, percent, rounded
from tastemap.report.material import YARDSTICK, Material
from tastemap.report.svg import LINE_HEIGHT, Canvas, Scale, text_width
from tastemap.shapes import Float64

MOST_POINTS = 100
WIDTH, HEIGHT = 440, 420
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 16, 30, 42
NEAR = 0.1
"""What a reader is told of: the share found among this share of the others."""


@dataclass(frozen=True)
class RocCurve:
    """One curve: about 100 of its corners, and the exact area under all of it.

    Parameters
    ----------
    fpr, tpr
        Share of the other items, and of the held-out ones, that score at least some threshold.
    area
        That is "auc_global"; 0.5 is chance.
    near
        `tpr` where `fpr` is 0.1.
    """

    name: str
    fpr: tuple[float, ...]
    tpr: tuple[float, ...]
    area: float | None
    near: float | None


def roc_of(material: Material) -> tuple[RocCurve, ...]:
    """The curves of the chosen model and of Popularity."""
    found = [_curve(material.chosen, material.subject.model, material)]
    if material.chosen != YARDSTICK:
        found.append(_curve(YARDSTICK, material.popular_model, material))
    return tuple(found)


def pictures(curves: Sequence[RocCurve], styles: Mapping[str, str]) -> dict[str, Any] | None:
    """The curves in one square, with chance as the diagonal."""
    if not curves:
        return None
    said = [f"{percent(one.near)} for {one.name}" for one in curves]
    return {"chart": _chart(curves, styles), "near": " and ".join(said), "at": percent(NEAR, 0)}


def _curve(name: str, model: Model, material: Material) -> RocCurve:
    curve = roc(model, material.split, exclude_seen=material.seen_left_out)
    kept = _bends(curve.fpr, curve.tpr)
    return RocCurve(
        name=name,
        fpr=tuple(round(float(one), 5) for one in curve.fpr[kept]),
        tpr=tuple(round(float(one), 5) for one in curve.tpr[kept]),
        area=rounded(float(np.trapezoid(curve.tpr, curve.fpr))),
        near=rounded(float(np.interp(NEAR, curve.fpr, curve.tpr)), 4),
    )


def _bends(x: Float64[np.ndarray, " n"], y: Float64[np.ndarray, " n"]) -> np.ndarray:
    """Places of about 100 corners, evenly spread along the curve, both ends kept."""
    if len(x) <= MOST_POINTS:
        return np.arange(len(x))
    length = np.concatenate([[0.0], np.hypot(np.diff(x), np.diff(y)).cumsum()])
    wanted = np.linspace(0, length[-1], MOST_POINTS)
    return np.unique(np.searchsorted(length, wanted).clip(0, len(x) - 1))


def _chart(curves: Sequence[RocCurve], styles: Mapping[str, str]) -> Markup:
    x = Scale(0, 100, _LEFT, WIDTH - _RIGHT)
    y = Scale(0, 100, HEIGHT - _BOTTOM, _TOP)
    canvas = Canvas(WIDTH, HEIGHT, "ROC curves on the test part")
    frame(canvas, x, y, "other items ranked as high, %", "held-out items found, %", left=_LEFT)
    canvas.line(x(0), y(0), x(100), y(100), "mark")
    for one in reversed(curves):  # the chosen model on top
        points = [(x(100 * a), y(100 * b)) for a, b in zip(one.fpr, one.tpr, strict=True)]
        canvas.path(points, f"line {styles[one.name]}")
    keys = [(f"{one.name}: area {figure(one.area)}", f"line {styles[one.name]}") for one in curves]
    keys.append(("chance: area 0.5", "mark"))
    left = x.end - 36 - max(text_width(said) for said, _ in keys)
    for place, (said, style) in enumerate(keys):
        at = y(0) - 14 - LINE_HEIGHT * 1.15 * (len(keys) - 1 - place)
        canvas.line(left, at, left + 24, at, style)
        canvas.text(left + 32, at + 4.5, said, "label halo")
    return canvas.markup()
