"""A run: one recipe, fitted and judged, with all that is needed to believe and repeat it."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from tastemap.contracts import Model, Recipe
from tastemap.data.interactions import Interactions
from tastemap.data.split import Split
from tastemap.environment import environment
from tastemap.errors import InputError, UsageError
from tastemap.metrics.evaluate import DEFAULT_METRICS, Evaluation, evaluate
from tastemap.models import Popularity, Random, load
from tastemap.shapes import Bool
from tastemap.storage import Arrays, read_folder, write_folder
from tastemap.training import Monitor

YARDSTICKS: tuple[Recipe, ...] = (Random(), Popularity())
"""What every run is measured against: chance, and the same list for everybody."""

RECENT_DAYS = 30
"""The window of recent popularity in a log of four months or more; a quarter of shorter ones."""

DAY = 86_400
COLUMNS = ("user", "item", "weight", "time")


@dataclass(frozen=True, eq=False)
class Run:
    """One recipe on one split: the model, its numbers and their yardsticks.

    Parameters
    ----------
    model
        The fitted model (with recipe, seed, training log and the training data).
    split
        What it was fitted and judged on, all parts.
    evaluation
        On the test part; read single numbers as `run["ndcg@10"]`.
    validation
        On the validation part, where the split has one: what choices are to be made on.
    yardsticks
        Evaluations of `yardsticks_of` the training part (Random, Popularity and, where there are
        times, recent popularity) on the same test part.
    seconds
        What fitting and evaluating took.
    environment
        Versions, cores and threads.
    """

    model: Model
    split: Split
    evaluation: Evaluation
    validation: Evaluation | None
    yardsticks: Mapping[str, Evaluation]
    seconds: Mapping[str, float]
    environment: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The recipe's name."""
        return self.model.recipe.name

    @property
    def how(self) -> str:
        """The split, in words."""
        return self.split.how

    def __getitem__(self, metric: str) -> Any:
        return self.evaluation[metric]

    def __str__(self) -> str:
        lines = [
            f"{self.model.recipe}, seed {self.model.seed}, {self.how}",
            f"fitted in {self.seconds['fit']:.2f} s, judged in {self.seconds['evaluate']:.2f} s",
            str(self.evaluation),
        ]
        shared = [name for name in self.evaluation.estimates if name.startswith("ndcg@")]
        for name, yardstick in self.yardsticks.items():
            said = ", ".join(f"{metric} {yardstick[metric]}" for metric in shared)
            lines.append(f"yardstick {name}: {said}")
        return "\n".join(lines)

    def save(self, path: str | Path) -> Path:
        """Write the folder `path`: the model and the run's numbers; `tm.load` reads the model."""
        manifest, arrays = self.model.packed()
        parts = {"test": self.evaluation, **_named("yardstick", self.yardsticks)}
        if self.validation is not None:
            parts["validation"] = self.validation
        for part, evaluation in parts.items():
            arrays |= {f"run.{part}.{name}": a for name, a in evaluation.arrays().items()}
        arrays |= _packed_split(self.split, self.model.train)
        run = {
            "how": self.how,
            "evaluations": {part: evaluation.to_json() for part, evaluation in parts.items()},
            "seconds": dict(self.seconds),
            "environment": dict(self.environment),
        }
        metrics = self.evaluation.means()
        return write_folder(
            path, manifest | {"kind": "run", "metrics": metrics, "run": run}, arrays
        )

    @classmethod
    def load(cls, path: str | Path) -> "Run":
        """The run that `save` wrote; refuses one that was saved without its split."""
        manifest, arrays = read_folder(path)
        if "run" not in manifest:
            raise UsageError(
                f"{path} holds a model without a run",
                "a folder written by run.save(...)",
                "read it with tm.load(path)",
            )
        run = manifest["run"]
        parts = {
            part: Evaluation.from_json(
                written, {n: a for n, a in _below(f"run.{part}.", arrays).items()}
            )
            for part, written in run["evaluations"].items()
        }
        model = load(path)
        return cls(
            model=model,
            split=_unpacked_split(path, run["how"], model.train, arrays),
            evaluation=parts["test"],
            validation=parts.get("validation"),
            yardsticks={
                part.removeprefix("yardstick "): evaluation
                for part, evaluation in parts.items()
                if part.startswith("yardstick ")
            },
            seconds=run["seconds"],
            environment=run["environment"],
        )


def is_run(path: str | Path) -> bool:
    """Whether a saved folder holds a run, and not a model alone."""
    return "run" in read_folder(path)[0]


def execute(
    recipe: Recipe,
    split: Split,
    seed: int = 0,
    *,
    metrics: Sequence[str] = DEFAULT_METRICS,
    monitor: Monitor | None = None,
    yardsticks: Mapping[str, Evaluation] | None = None,
) -> Run:
    """Fit a recipe on the split's training part and judge it on the others.

    A recipe that stops training by validation (neural ones) is given that part to do so.

    Parameters
    ----------
    metrics
        Names such as "ndcg@10"; see docs/metrics.md.
    monitor
        Called after each epoch; a true value ends training.
    yardsticks
        Those of an earlier run on the same split; computed where left out.

    Examples
    --------
    >>> import tastemap as tm
    >>> split = tm.leave_last_out(tm.synthetic.taste_groups(seed=1))
    >>> run = tm.execute(tm.ItemKNN(), split, seed=1)
    >>> run["ndcg@10"].mean > run.yardsticks["Popularity"]["ndcg@10"].mean
    True
    """
    start = time.perf_counter()
    also: dict[str, Any] = {"validation": split.validation} if recipe.uses_validation else {}
    model = recipe.fit(split.train, seed=seed, monitor=monitor, **also)
    fitted = time.perf_counter()
    evaluation = evaluate(model, split, metrics)
    judged = time.perf_counter()
    validation = None
    if split.validation is not None and len(split.validation):
        validation = evaluate(model, split, metrics, part="validation")
    if yardsticks is None:
        yardsticks = {
            name: evaluate(yardstick.fit(split.train, seed=seed), split, metrics)
            for name, yardstick in yardsticks_of(split.train).items()
        }
    return Run(
        model=model,
        split=split,
        evaluation=evaluation,
        validation=validation,
        yardsticks=yardsticks,
        seconds={"fit": fitted - start, "evaluate": judged - fitted},
        environment=environment(),
    )


def yardsticks_of(train: Interactions) -> dict[str, Recipe]:
    """What a run on this training part is measured against, by name.

    Random, Popularity and, where the log has times, popularity in its last 30 days, or in the
    last quarter of a log that is shorter than 120 days; the name says how long.

    >>> import tastemap as tm
    >>> list(yardsticks_of(tm.synthetic.taste_groups(seed=1)))
    ['Random', 'Popularity', 'Popularity (5 days)']
    """
    named = {recipe.name: recipe for recipe in YARDSTICKS}
    if train.time is None or len(train) == 0:
        return named
    days = (int(train.time.max()) - int(train.time.min())) / DAY
    window = min(float(RECENT_DAYS), days / 4)
    # Whole days or hours or minutes, so that the name says what is done.
    for unit, seconds in (("day", DAY), ("hour", 3600), ("minute", 60)):
        number = int(window * DAY / seconds)
        if number:
            name = f"{Popularity().name} ({number} {unit}{'s' if number > 1 else ''})"
            return named | {name: Popularity(days=number * seconds / DAY)}
    return named


def _packed_split(split: Split, fitted_on: Interactions) -> Arrays:
    """The parts of a split as arrays; the training part only where the model has another one.

    Vocabularies are those of the model. What is known of the users (train and validation in the
    order of the log) is kept as one mark an event.
    """
    parts = split.parts()
    if split.train is fitted_on or _same_events(split.train, fitted_on):
        del parts["train"]
    arrays = {
        f"split.{part}.{column}": getattr(log, column)
        for part, log in parts.items()
        for column in COLUMNS
        if getattr(log, column) is not None
    }
    if split.validation is not None and split.known is not None:
        width = len(split.train.items)
        known, validation = (
            log.user.astype(np.int64) * width + log.item for log in (split.known, split.validation)
        )
        arrays["split.known.is_validation"] = np.isin(known, validation)
    return arrays


def _unpacked_split(path: str | Path, how: str, train: Interactions, arrays: Arrays) -> Split:
    """The split that `_packed_split` packed."""
    if "split.test.user" not in arrays:
        raise InputError(
            f"{path} holds a run without its split: it was saved by an earlier version",
            "a run saved with the parts that it was judged on",
            "execute the recipe again and save the run; tm.load(path) still reads the model",
        )

    def part(name: str) -> Interactions | None:
        if f"split.{name}.user" not in arrays:
            return None
        columns = {column: arrays.get(f"split.{name}.{column}") for column in COLUMNS}
        return replace(train, notes=(), **columns)  # type: ignore[arg-type]

    test, trained, validation = part("test"), part("train") or train, part("validation")
    assert test is not None
    known = None
    if validation is not None:
        known = _interleaved(trained, validation, arrays["split.known.is_validation"])
    return Split(trained, validation, test, how, fold_in=part("fold_in"), known=known)


def _interleaved(
    first: Interactions, second: Interactions, of_second: Bool[np.ndarray, " n"]
) -> Interactions:
    """The events of both in one log, in the order that the marks tell."""
    order = np.empty(len(of_second), dtype=np.int64)
    order[~of_second] = np.arange(len(first))
    order[of_second] = len(first) + np.arange(len(second))
    columns: dict[str, Any] = {
        column: np.concatenate([getattr(first, column), getattr(second, column)])[order]
        for column in COLUMNS
        if getattr(first, column) is not None
    }
    return replace(first, **columns)


def _same_events(a: Interactions, b: Interactions) -> bool:
    return all(
        np.array_equal(getattr(a, column), getattr(b, column))
        if getattr(a, column) is not None and getattr(b, column) is not None
        else getattr(a, column) is getattr(b, column)
        for column in COLUMNS
    )


def _named(prefix: str, parts: Mapping[str, Evaluation]) -> dict[str, Evaluation]:
    return {f"{prefix} {name}": evaluation for name, evaluation in parts.items()}


def _below(prefix: str, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {n.removeprefix(prefix): a for n, a in arrays.items() if n.startswith(prefix)}
