"""From runs to the report's data object."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

import numpy as np

from tastemap.contracts import Recipe
from tastemap.data.interactions import Interactions
from tastemap.data.split import Split
from tastemap.errors import InputError, UsageError
from tastemap.metrics.compare import paired_difference
from tastemap.metrics.ranking import TOPK
from tastemap.metrics.result import Estimate, Evaluation
from tastemap.report.contents import contents
from tastemap.report.figures import rounded
from tastemap.report.page import AtK, Gap, Learning, Measured, Origin, Report, Row
from tastemap.report.people import choose_people, person
from tastemap.report.text import shown
from tastemap.report.verdict import YARDSTICK, judge
from tastemap.runs import YARDSTICKS, Run

AT_K = ("ndcg", "recall")
"""Metrics that are drawn against k."""
MOST_POINTS = 100
"""Longer curves are thinned to about so many points."""
ENVIRONMENT = (
    "python",
    "platform",
    "libraries",
    "cores",
    "blas",
    "numba_threading_layer",
    "numba_threads",
)
"""What of a run's environment belongs in a file that is handed on: no paths, no names."""


def build_report(
    runs: Sequence[Run],
    split: Split,
    log: Interactions,
    *,
    metric: str = "ndcg@10",
    title: str | None = None,
    command: str | None = None,
    prepared_notes: Sequence[str] | None = None,
    people: int = 10,
    date: str | None = None,
) -> Report:
    """Collect what a report says, from runs on one split.

    Parameters
    ----------
    runs
        All on `split`. A run of the recipe Random() or Popularity() is a yardstick; where there
        is none, the runs' own yardsticks are shown.
    log
        What the split was cut from.
    metric
        The main metric; one with a value a user, measured by all runs.
    title, command
        The heading, and the command that made the runs.
    prepared_notes
        What preparing did, in words; the log's notes where left out.
    people
        How many users are shown as people.
    date
        The day to print; today (UTC) where left out.

    Errors
    ------
    UsageError
        For no runs, and for a metric that was not measured or has no value a user.
    InputError
        For runs on another split.

    Examples
    --------
    >>> import tastemap as tm
    >>> log = tm.synthetic.taste_groups(seed=1)
    >>> split = tm.leave_last_out(log)
    >>> report = build_report([tm.execute(tm.EASE(), split, seed=1)], split, log)
    >>> report.verdict.outcome, [row.name for row in report.rows]
    ('better', ['EASE', 'Popularity (5 days)', 'Popularity', 'Random'])
    """
    _require_runs(runs, split)
    judged = dict(zip(_names(runs), runs, strict=True))
    yardsticks = _yardsticks(judged)
    chosen, runner_up = _choose(judged, yardsticks, metric)
    rows = _rows(judged, yardsticks, chosen, metric)
    next_gap = (
        (runner_up, _gap(judged[chosen].evaluation, judged[runner_up].evaluation, metric))
        if runner_up is not None
        else None
    )
    evaluations = {row.name: _evaluation(row.name, judged, yardsticks) for row in rows}
    subject = judged[chosen]
    return Report(
        title=shown(title or "Run report", 160),
        date=date or datetime.now(UTC).strftime("%Y-%m-%d"),
        metric=metric,
        verdict=judge(rows, metric, subject.evaluation.how, next_gap),
        data=contents(log, prepared_notes),
        rows=rows,
        at_k=_at_k(evaluations),
        training=tuple(
            _learning(name, run)
            for name, run in judged.items()
            if any(epoch.values for epoch in run.model.log.epochs)
        ),
        people=tuple(
            person(subject.model, split, code)
            for code in choose_people(subject.evaluation, split, people)
        ),
        origin=Origin(
            command=None if command is None else shown(command, 1000),
            split=split.how,
            fingerprint=log.fingerprint(),
            environment={
                name: subject.environment[name]
                for name in ENVIRONMENT
                if name in subject.environment
            },
        ),
    )


def _require_runs(runs: Sequence[Run], split: Split) -> None:
    if not runs:
        raise UsageError("no runs", "at least one run", "make one: execute(recipe, split)")
    for run in runs:
        if run.how != split.how:
            raise InputError(
                f"a run of {run.name} on another split: {run.how}",
                f"runs on the split given: {split.how}",
                "execute all recipes on one split, and pass that split",
            )


def _names(runs: Sequence[Run]) -> list[str]:
    """A name for each run: the recipe's, and what tells it from others of that name."""
    names: list[str] = []
    for run in runs:
        name = run.name
        if not _is_yardstick(run.model.recipe):
            twins = [one for one in runs if one.name == run.name]
            recipes = [*(one.model.recipe for one in twins), *YARDSTICKS]
            fields = [one.fields() for one in recipes if one.name == run.name]
            differing = [
                f"{field}={value}"
                for field, value in run.model.recipe.fields().items()
                if any(value != other[field] for other in fields)
            ]
            if any(one.model.seed != run.model.seed for one in twins):
                differing.append(f"seed={run.model.seed}")
            name += f"({', '.join(differing)})" if differing else ""
        before = sum(one.partition(" #")[0] == name for one in names)
        names.append(f"{name} #{before + 1}" if before else name)
    return names


def _is_yardstick(recipe: Recipe) -> bool:
    return recipe in YARDSTICKS


def _yardsticks(judged: Mapping[str, Run]) -> dict[str, Evaluation]:
    """Evaluations of the yardsticks that are no runs of their own; Popularity is always there."""
    own = {run.name for run in judged.values() if _is_yardstick(run.model.recipe)}
    found: dict[str, Evaluation] = {}
    for run in judged.values():
        found |= {name: one for name, one in run.yardsticks.items() if name not in own}
    if YARDSTICK not in found and YARDSTICK not in own:
        raise InputError(
            f"runs without the yardstick {YARDSTICK}",
            "runs made by execute(...), which measures it beside every model",
            "leave yardsticks out, or pass an evaluation of Popularity among them",
        )
    return found


def _evaluation(
    name: str, judged: Mapping[str, Run], yardsticks: Mapping[str, Evaluation]
) -> Evaluation:
    return judged[name].evaluation if name in judged else yardsticks[name]


def _choose(
    judged: Mapping[str, Run], yardsticks: Mapping[str, Evaluation], metric: str
) -> tuple[str, str | None]:
    """The best model and the next: by validation where all have it, else by test."""
    models = [name for name, run in judged.items() if not _is_yardstick(run.model.recipe)]
    among = models or list(judged)

    def value(name: str) -> float:
        run = judged[name]
        on = run.evaluation if by_test or run.validation is None else run.validation
        mean = on[metric].mean
        return float("-inf") if np.isnan(mean) else mean

    by_test = any(judged[name].validation is None for name in among)
    ordered = sorted(among, key=lambda name: -value(name))
    return ordered[0], ordered[1] if len(models) > 1 else None


def _rows(
    judged: Mapping[str, Run], yardsticks: Mapping[str, Evaluation], chosen: str, metric: str
) -> tuple[Row, ...]:
    """Models and yardsticks, best first by the main metric on the test part."""
    popular = yardsticks.get(YARDSTICK) or next(
        run.evaluation
        for run in judged.values()
        if run.name == YARDSTICK and _is_yardstick(run.model.recipe)
    )
    rows = []
    for name, run in judged.items():
        role: Literal["chosen", "model", "yardstick"] = "chosen" if name == chosen else "model"
        own = _is_yardstick(run.model.recipe)
        rows.append(
            Row(
                name=name,
                recipe=shown(repr(run.model.recipe), 300),
                seed=run.model.seed,
                role="yardstick" if own else role,
                test=_all_measured(run.evaluation),
                validation=None if run.validation is None else _measured(run.validation[metric]),
                gap=None if run.evaluation is popular else _gap(run.evaluation, popular, metric),
                fit_seconds=rounded(run.seconds["fit"], 4),
                judge_seconds=rounded(run.seconds["evaluate"], 4),
            )
        )
    for name, evaluation in yardsticks.items():
        gap = None if evaluation is popular else _gap(evaluation, popular, metric)
        test = _all_measured(evaluation)
        rows.append(Row(name, _called(name), None, "yardstick", test, None, gap, None, None))
    return tuple(sorted(rows, key=lambda row: -(row.test[metric].mean or 0.0)))


def _called(name: str) -> str:
    """A yardstick's name as a call: "Popularity (30 days)" is a kind of Popularity.

    >>> _called("Random"), _called("Popularity (30 days)")
    ('Random()', 'Popularity(30 days)')
    """
    kind, _, window = name.partition(" (")
    return f"{kind}({window or ')'}"


def _all_measured(evaluation: Evaluation) -> dict[str, Measured]:
    return {name: _measured(one) for name, one in evaluation.estimates.items()}


def _measured(one: Estimate) -> Measured:
    return Measured(rounded(one.mean), rounded(one.stderr), one.n)


def _gap(a: Evaluation, b: Evaluation, metric: str) -> Gap:
    found = paired_difference(a, b, metric)
    return Gap(
        mean=rounded(found.mean),
        low=rounded(found.low),
        high=rounded(found.high),
        relative=rounded(found.relative),
        relative_low=rounded(found.relative_low),
        relative_high=rounded(found.relative_high),
        n=found.n,
    )


def _at_k(evaluations: Mapping[str, Evaluation]) -> tuple[AtK, ...]:
    """The metrics of `AT_K` for every k that all lists reach."""
    longest = min(one.ranking.k for one in evaluations.values())
    k = tuple(int(one) for one in _thinned(longest, 50))
    return tuple(
        AtK(
            metric=word,
            k=k,
            values={
                name: tuple(rounded(Estimate.of(TOPK[word](one.ranking, at)).mean, 5) for at in k)
                for name, one in evaluations.items()
            },
        )
        for word in AT_K
    )


def _learning(name: str, run: Run) -> Learning:
    epochs = [epoch for epoch in run.model.log.epochs if epoch.values]
    kept = [epochs[place - 1] for place in _thinned(len(epochs), MOST_POINTS)]
    measured = dict.fromkeys(value for epoch in kept for value in epoch.values)
    values: dict[str, Any] = {
        value: tuple(rounded(epoch.values.get(value), 5) for epoch in kept) for value in measured
    }
    notes = tuple(shown(note, 200) for note in run.model.log.notes[:10])
    return Learning(name, tuple(epoch.number for epoch in kept), values, notes)


def _thinned(n: int, most: int) -> list[int]:
    """1 to n, or about `most` of these, evenly spread, both ends kept."""
    return np.unique(np.round(np.linspace(1, n, min(n, most))).astype(int)).tolist()
