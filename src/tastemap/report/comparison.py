"""The models side by side: rows of a table, the most that can be reached, and a ladder of dots."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from tastemap.data.shown import shown
from tastemap.metrics.result import Evaluation
from tastemap.report import figures, wording
from tastemap.report.figures import rounded
from tastemap.report.material import YARDSTICK, Material
from tastemap.report.measured import Gap, Measured, gap_of, measured, reach
from tastemap.report.row_charts import Dot, dot_chart

MOST_RECIPE = 5000
"""Characters of a recipe: several networks whole, as the report says how to get its numbers."""
IN_SIGHT = 1.7
"""A ceiling at most so many times the highest value is drawn beside the values."""


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


def rows_of(material: Material) -> tuple[Row, ...]:
    """Models and yardsticks, best first by the main metric on the test part."""
    popular, metric = material.popular, material.metric
    rows = []
    for name, run in material.judged.items():
        role: Literal["chosen", "model"] = "chosen" if name == material.chosen else "model"
        rows.append(
            Row(
                name=name,
                recipe=shown(repr(run.model.recipe), MOST_RECIPE),
                seed=run.model.seed,
                role="yardstick" if material.is_yardstick(name) else role,
                test=_all_measured(run.evaluation),
                validation=None if run.validation is None else measured(run.validation[metric]),
                gap=None if run.evaluation is popular else gap_of(run.evaluation, popular, metric),
                fit_seconds=rounded(run.seconds["fit"], 4),
                judge_seconds=rounded(run.seconds["evaluate"], 4),
            )
        )
    for name, evaluation in material.yardsticks.items():
        gap = None if evaluation is popular else gap_of(evaluation, popular, metric)
        test = _all_measured(evaluation)
        rows.append(Row(name, _called(name), None, "yardstick", test, None, gap, None, None))
    return tuple(sorted(rows, key=lambda row: -(row.test[metric].mean or 0.0)))


def ceilings_of(material: Material) -> dict[str, float | None]:
    """What perfect lists would reach, by metric: the same for all models, of metrics that have it.

    A ceiling depends on what was held out alone.
    """
    best = {name: one.mean for name, one in material.subject.evaluation.ceilings.items()}
    return {name: rounded(mean) for name, mean in best.items()}


def pictures(
    rows: tuple[Row, ...],
    metric: str,
    ceilings: Mapping[str, float | None],
    styles: Mapping[str, str],
) -> dict[str, Any]:
    """The ladder: a dot with its interval for each model, from the best to chance."""
    dots = []
    for row in rows:
        one = row.test[metric]
        if one.mean is not None:
            said = figures.figure(one.mean)
            dots.append(Dot(row.name, *reach(one), said, styles[row.name]))
    if not dots:
        return {"ladder": None, "top": None}
    top, highest = ceilings.get(metric), max(dot.high for dot in dots)
    near = top is not None and top <= IN_SIGHT * highest
    ladder = dot_chart(
        dots,
        title=f"{wording.labelled(metric)} of each model with its 95 % interval",
        x_label=f"{wording.labelled(metric)} on the test part",
        reference=next((row.test[metric].mean for row in rows if row.name == YARDSTICK), 0.0),
        ceiling=top if near else None,
    )
    return {"ladder": ladder, "top": top}


def _called(name: str) -> str:
    """A yardstick's name as a call: "Popularity (30 days)" is a kind of Popularity.

    >>> _called("Random"), _called("Popularity (30 days)")
    ('Random()', 'Popularity(30 days)')
    """
    kind, _, window = name.partition(" (")
    return f"{kind}({window or ')'}"


def _all_measured(evaluation: Evaluation) -> dict[str, Measured]:
    return {name: measured(one) for name, one in evaluation.estimates.items()}
