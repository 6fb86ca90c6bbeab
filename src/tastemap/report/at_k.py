"""Longer and shorter lists: the same models judged at every k."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from tastemap.metrics.ceilings import ceiling
from tastemap.metrics.ranking import TOPK
from tastemap.metrics.result import Estimate
from tastemap.report import wording
from tastemap.report.charts import Line, line_chart
from tastemap.report.comparison import IN_SIGHT
from tastemap.report.figures import rounded
from tastemap.report.material import Material
from tastemap.report.measured import thinned

AT_K = ("ndcg", "recall")
"""Metrics that are drawn against k."""
MOST_LENGTHS = 50


@dataclass(frozen=True)
class AtK:
    """One metric for growing k: a value a k for each model, and what perfect lists would reach."""

    metric: str
    k: tuple[int, ...]
    values: Mapping[str, tuple[float | None, ...]]
    ceiling: tuple[float | None, ...] = ()


def at_k_of(material: Material, names: Sequence[str]) -> tuple[AtK, ...]:
    """The metrics of `AT_K` for every k that all lists reach."""
    evaluations = {name: material.evaluations[name] for name in names}
    longest = min(one.ranking.k for one in evaluations.values())
    k = tuple(thinned(longest, MOST_LENGTHS))
    some = material.subject.evaluation.ranking
    return tuple(
        AtK(
            metric=word,
            k=k,
            values={
                name: tuple(rounded(Estimate.of(TOPK[word](one.ranking, at)).mean, 5) for at in k)
                for name, one in evaluations.items()
            },
            ceiling=tuple(_most(ceiling(some, f"{word}@{at}")) for at in k),
        )
        for word in AT_K
    )


def pictures(curves: Sequence[AtK], styles: Mapping[str, str]) -> dict[str, Any] | None:
    """A chart a metric, with a line a model; None where lists have a single place."""
    charts = [(one, _chart(one, styles), _at_the_top(one)) for one in curves if len(one.k) > 1]
    return {"charts": charts} if charts else None


def _most(best: Any) -> float | None:
    return None if best is None else rounded(Estimate.of(best).mean, 5)


def _highest(one: AtK) -> float:
    return max((v for values in one.values.values() for v in values if v is not None), default=0.0)


def _in_sight(one: AtK) -> bool:
    """Whether the ceiling can be drawn without pressing all lines to the ground."""
    known = [value for value in one.ceiling if value is not None]
    return bool(known) and max(known) <= IN_SIGHT * _highest(one)


def _at_the_top(one: AtK) -> str:
    """The ceiling in words."""
    known = [value for value in one.ceiling if value is not None]
    if not known:
        return ""
    if min(known) == max(known) == 1:
        return "A perfect list would reach 1 at every k."
    low, high = (f"{value:.3g}" for value in (known[0], known[-1]))
    drawn = " (the dashed line)" if _in_sight(one) else ""
    return f"Perfect lists would reach {low} at k = {one.k[0]} and {high} at {one.k[-1]}{drawn}."


def _chart(one: AtK, styles: Mapping[str, str]) -> Markup:
    label = wording.wording(one.metric).label
    lines = [
        Line(name, [(k, v) for k, v in zip(one.k, values, strict=True) if v is not None], style)
        for name, values in one.values.items()
        for style in [styles[name]]
    ]
    if _in_sight(one):
        best = [(k, v) for k, v in zip(one.k, one.ceiling, strict=True) if v is not None]
        lines.append(Line("perfect lists", best, "ceiling"))
    return line_chart(
        [line for line in lines if line.points],
        title=f"{label} against the length of the list",
        x_label="k, length of the list",
        y_label=f"{label}@k",
    )
