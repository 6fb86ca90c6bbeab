"""A run: one recipe, fitted and judged, with all that is needed to believe and repeat it."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tastemap.contracts import Model, Recipe
from tastemap.data.splits import Split
from tastemap.environment import environment
from tastemap.errors import UsageError
from tastemap.metrics.evaluate import DEFAULT_METRICS, Evaluation, evaluate
from tastemap.models import Popularity, Random, load
from tastemap.storage import read_folder, write_folder
from tastemap.training import Monitor

YARDSTICKS: tuple[Recipe, ...] = (Random(), Popularity())
"""What every run is measured against: chance, and the same list for everybody."""


@dataclass(frozen=True, eq=False)
class Run:
    """One recipe on one split: the model, its numbers and their yardsticks.

    Parameters
    ----------
    model
        The fitted model (with recipe, seed, training log and the training data).
    how
        The split, in words.
    evaluation
        On the test part; read single numbers as `run["ndcg@10"]`.
    validation
        On the validation part, where the split has one: what choices are to be made on.
    yardsticks
        Evaluations of Random and Popularity on the same test part.
    seconds
        What fitting and evaluating took.
    environment
        Versions, cores and threads.
    """

    model: Model
    how: str
    evaluation: Evaluation
    validation: Evaluation | None
    yardsticks: Mapping[str, Evaluation]
    seconds: Mapping[str, float]
    environment: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The recipe's name."""
        return self.model.recipe.name

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
        """The run that `save` wrote."""
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
        return cls(
            model=load(path),
            how=run["how"],
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

    Parameters
    ----------
    metrics
        Names such as "ndcg@10"; see docs/metrics.md.
    monitor
        Called after each epoch; a true value ends training.
    yardsticks
        Evaluations of Random and Popularity from an earlier run on the same split; computed
        where left out.

    Examples
    --------
    >>> import tastemap as tm
    >>> split = tm.leave_last_out(tm.synthetic.taste_groups(seed=1))
    >>> run = tm.execute(tm.ItemKNN(), split, seed=1)
    >>> run["ndcg@10"].mean > run.yardsticks["Popularity"]["ndcg@10"].mean
    True
    """
    start = time.perf_counter()
    model = recipe.fit(split.train, seed=seed, monitor=monitor)
    fitted = time.perf_counter()
    evaluation = evaluate(model, split, metrics)
    judged = time.perf_counter()
    validation = None
    if split.validation is not None and len(split.validation):
        validation = evaluate(model, split, metrics, part="validation")
    if yardsticks is None:
        yardsticks = {
            yardstick.name: evaluate(yardstick.fit(split.train, seed=seed), split, metrics)
            for yardstick in YARDSTICKS
        }
    return Run(
        model=model,
        how=split.how,
        evaluation=evaluation,
        validation=validation,
        yardsticks=yardsticks,
        seconds={"fit": fitted - start, "evaluate": judged - fitted},
        environment=environment(),
    )


def _named(prefix: str, parts: Mapping[str, Evaluation]) -> dict[str, Evaluation]:
    return {f"{prefix} {name}": evaluation for name, evaluation in parts.items()}


def _below(prefix: str, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {n.removeprefix(prefix): a for n, a in arrays.items() if n.startswith(prefix)}
