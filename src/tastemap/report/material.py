"""What a report is made from: runs by name, their yardsticks, and which of them was chosen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tastemap.contracts import Model, Recipe
from tastemap.data.interactions import Interactions
from tastemap.data.split import Split
from tastemap.errors import InputError, UsageError
from tastemap.metrics.result import Evaluation
from tastemap.models import Popularity
from tastemap.runs import YARDSTICKS, Run

YARDSTICK, CHANCE = "Popularity", "Random"


@dataclass(frozen=True, eq=False)
class Material:
    """Runs on one split, and what every section reads of them.

    Parameters
    ----------
    judged
        The runs by names that tell them apart.
    yardsticks
        Evaluations of yardsticks that are no runs of their own.
    chosen, runner_up
        The best model and the next, by the validation part where all have it.
    metric
        The main metric.
    """

    log: Interactions
    split: Split
    judged: Mapping[str, Run]
    yardsticks: Mapping[str, Evaluation]
    chosen: str
    runner_up: str | None
    metric: str

    @property
    def subject(self) -> Run:
        """The run of the chosen model."""
        return self.judged[self.chosen]

    @cached_property
    def evaluations(self) -> dict[str, Evaluation]:
        """Of everybody: the runs and the yardsticks that are no runs."""
        return {name: run.evaluation for name, run in self.judged.items()} | dict(self.yardsticks)

    @property
    def popular(self) -> Evaluation:
        """That of Popularity."""
        return self.evaluations[YARDSTICK]

    @cached_property
    def popular_model(self) -> Model:
        """Popularity itself, fitted on the training part."""
        own = self.judged.get(YARDSTICK)
        return Popularity().fit(self.split.train) if own is None else own.model

    def is_yardstick(self, name: str) -> bool:
        """Whether this is what others are measured against."""
        return name not in self.judged or _is_yardstick(self.judged[name].model.recipe)

    @property
    def shown_beside(self) -> tuple[str, ...]:
        """The chosen model and then the yardsticks, Popularity first and chance last."""
        others = [n for n in self.evaluations if self.is_yardstick(n) and n != self.chosen]
        order = {YARDSTICK: 0, CHANCE: 2}
        return (self.chosen, *sorted(others, key=lambda name: order.get(name, 1)))

    @property
    def seen_left_out(self) -> bool:
        """Whether the chosen run's evaluation kept seen items out of the lists."""
        return "seen items kept in" not in self.subject.evaluation.how


def gather(runs: Sequence[Run], split: Split, log: Interactions, metric: str) -> Material:
    """Name the runs, find their yardsticks, choose a model.

    Errors
    ------
    UsageError
        For no runs, and for a metric that was not measured.
    InputError
        For runs on another split, or without the yardstick Popularity.
    """
    _require_runs(runs, split)
    judged = dict(zip(_names(runs), runs, strict=True))
    chosen, runner_up = _choose(judged, metric)
    return Material(log, split, judged, _yardsticks(judged), chosen, runner_up, metric)


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


def _choose(judged: Mapping[str, Run], metric: str) -> tuple[str, str | None]:
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
