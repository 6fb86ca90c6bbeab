"""How training went: what models measured epoch by epoch, and where they ended on held-out data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from tastemap.data.shown import shown
from tastemap.report import figures
from tastemap.report.charts import Line, line_chart
from tastemap.report.figures import rounded
from tastemap.report.material import Material
from tastemap.report.measured import Measured, measured, thinned
from tastemap.runs import Run
from tastemap.training import PERCENTAGES

MOST_POINTS = 100
"""Longer curves are thinned to about so many points."""
FROM_ZERO = ("skipped",)
"""Training values whose axis starts at 0: level ones, whose noise would fill the picture."""
SCORED = "train_auc"
"""The training value whose counterpart on held-out data is the metric "auc"."""


@dataclass(frozen=True)
class Learning:
    """What one model's training measured, epoch by epoch (some epochs, where there are many).

    Parameters
    ----------
    held_out
        AUC of the finished model on pairs that it did not learn from, where it was measured, and
        on which part ("validation", else "test").
    """

    name: str
    epochs: tuple[int, ...]
    values: Mapping[str, tuple[float | None, ...]]
    notes: tuple[str, ...]
    held_out: Measured | None = None
    held_out_on: str = ""


@dataclass(frozen=True)
class Panel:
    """A picture of one training value: its heading, the picture, and what it says of held-out."""

    value: str
    last: str
    chart: Markup
    beside: str


def learning_of(material: Material) -> tuple[Learning, ...]:
    """The curves of all runs whose training measured something."""
    return tuple(
        _learning(name, run)
        for name, run in material.judged.items()
        if any(epoch.values for epoch in run.model.log.epochs)
    )


def pictures(curves: Sequence[Learning], styles: Mapping[str, str]) -> dict[str, Any] | None:
    """For each model a picture of everything that was measured by epoch."""
    told = [(one, _panels(one, styles)) for one in curves]
    return {"models": told} if told else None


def _learning(name: str, run: Run) -> Learning:
    epochs = [epoch for epoch in run.model.log.epochs if epoch.values]
    kept = [epochs[place - 1] for place in thinned(len(epochs), MOST_POINTS)]
    names = dict.fromkeys(value for epoch in kept for value in epoch.values)
    values: dict[str, Any] = {
        value: tuple(rounded(epoch.values.get(value), 5) for epoch in kept) for value in names
    }
    notes = tuple(shown(note, 200) for note in run.model.log.notes[:10])
    on = "test" if run.validation is None else "validation"
    judged = run.evaluation if run.validation is None else run.validation
    held_out = measured(judged.estimates["auc"]) if "auc" in judged.estimates else None
    if SCORED not in values or held_out is None or held_out.mean is None:
        return Learning(name, tuple(e.number for e in kept), values, notes)
    return Learning(name, tuple(e.number for e in kept), values, notes, held_out, on)


def _panels(one: Learning, styles: Mapping[str, str]) -> list[Panel]:
    found = []
    for value, curve in one.values.items():
        points = [(e, v) for e, v in zip(one.epochs, curve, strict=True) if v is not None]
        if not points:
            continue
        percentage = value in PERCENTAGES
        written = figures.percent if percentage else figures.figure
        beside = one.held_out if value == SCORED else None
        chart = line_chart(
            _lines(value, points, beside, styles[one.name]),
            title=f"{value} of {one.name} by epoch",
            x_label="epoch",
            y_label="AUC" if beside else value,
            percent=percentage,
            from_zero=value in FROM_ZERO,
        )
        last = f"{written(points[-1][1])} in epoch {points[-1][0]}"
        found.append(Panel(value, last, chart, _beside(one, points[-1][1]) if beside else ""))
    return found


def _lines(
    value: str, points: list[tuple[int, float]], held_out: Measured | None, style: str
) -> list[Line]:
    if held_out is None or held_out.mean is None:
        return [Line("", points, style)]
    level = [(points[0][0], held_out.mean), (points[-1][0], held_out.mean)]
    return [Line(value, points, style), Line("held out", level, f"{style} level")]


def _beside(one: Learning, last: float) -> str:
    assert one.held_out is not None
    mean = one.held_out.mean or 0.0
    apart = 100 * (last - mean)
    points = f"{abs(apart):.1f} points {'above' if apart > 0 else 'below'}"
    return (
        f"The dashed line is the finished model’s AUC on the {one.held_out_on} part, "
        f"{figures.percent(mean)}, which training did not see: the curve ends {points} it. The "
        "one counts draws and the other users, so a gap of a few points is no over-fitting."
    )
