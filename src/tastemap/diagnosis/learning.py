"""How a model learns: AUC on training pairs and on held-out pairs, epoch by epoch, on one axis."""

from dataclasses import dataclass

import numpy as np

from tastemap.contracts import Model, Recipe
from tastemap.data.interactions import Histories, Interactions
from tastemap.data.split import Part, Split
from tastemap.data.table import Table
from tastemap.diagnosis import derived
from tastemap.diagnosis.evidence import Evidence, Sequences
from tastemap.errors import UsageError
from tastemap.metrics.result import Estimate
from tastemap.neural.sequence_model import SequenceModel
from tastemap.shapes import Float64, Int64
from tastemap.training import Epoch


@dataclass(frozen=True, eq=False)
class LearningCurve:
    """AUC of the same users on both sides, with the same negatives, as training goes on.

    Parameters
    ----------
    recipe
        What was trained, in words.
    part
        The part that `held_out` is measured on.
    epochs
        Shape (n,): after which epochs it was measured.
    train, held_out
        Shape (n,): mean AUC over users on training pairs and on held-out pairs.
    train_stderr, held_out_stderr
        Shape (n,): their standard errors.
    popular_train, popular_held_out
        What popularity reaches on either side.
    """

    recipe: str
    part: Part
    epochs: Int64[np.ndarray, " n"]
    train: Float64[np.ndarray, " n"]
    held_out: Float64[np.ndarray, " n"]
    train_stderr: Float64[np.ndarray, " n"]
    held_out_stderr: Float64[np.ndarray, " n"]
    popular_train: float
    popular_held_out: float

    def table(self) -> Table:
        """Columns epoch, train, held_out and their standard errors."""
        return Table(
            {
                "epoch": self.epochs,
                "train": self.train,
                "± train": self.train_stderr,
                "held_out": self.held_out,
                "± held_out": self.held_out_stderr,
            }
        )

    def __str__(self) -> str:
        return str(self.table())


def learning_curve(
    recipe: Recipe, split: Split, *, seed: int = 0, every: int = 5, part: Part | None = None
) -> LearningCurve:
    """Train once, and measure AUC on both sides after every `every` epochs.

    Both sides come from one function and one set of negatives, the items that a user neither
    used nor had held out, on at most 2,000 users; so the gap between them is over-fitting alone.
    A sequence model tells what comes next: its training side is each user's last training event,
    asked for with the events before it.

    Parameters
    ----------
    every
        Epochs between two measurements.
    part
        "validation" or "test"; None: validation where the split has one.

    Errors
    ------
    UsageError
        For a recipe that does not train in epochs, or `every` below 1.

    Examples
    --------
    >>> import tastemap as tm
    >>> split = tm.leave_last_out(tm.synthetic.taste_groups(users=60, items=40, seed=1))
    >>> curve = learning_curve(tm.BPR(factors=4, epochs=20), split, every=10)
    >>> curve.epochs.tolist(), bool(curve.train[-1] > curve.train[0])
    ([10, 20], True)
    """
    if every < 1:
        raise UsageError(f"every={every}", "a whole number from 1 on", "pass every=5, say")
    if part is None:
        part = "test" if split.validation is None or not len(split.validation) else "validation"
    seen, truth = split.queries(part)
    measured: list[tuple[int, derived.Aucs]] = []

    def measure(epoch: Epoch) -> None:
        if epoch.number % every or epoch.model is None:
            return
        model: Model = epoch.model()
        measured.append((epoch.number, _aucs(model, split.train, seen, truth)))

    recipe.fit(split.train, seed=seed, monitor=measure)
    if not measured:
        raise UsageError(
            f"{recipe} has no epoch to measure after",
            f"a recipe that trains in at least {every} epochs, such as BPR or ALS",
            "pass a smaller every, or another recipe",
        )
    sides = [[Estimate.of(getattr(a, side)) for _, a in measured] for side in ("train", "test")]
    means = [np.array([e.mean for e in side]) for side in sides]
    errors = [np.array([e.stderr or 0.0 for e in side]) for side in sides]
    return LearningCurve(
        recipe=str(recipe),
        part=part,
        epochs=np.array([number for number, _ in measured]),
        train=means[0],
        held_out=means[1],
        train_stderr=errors[0],
        held_out_stderr=errors[1],
        popular_train=derived.mean(measured[0][1].popular_train),
        popular_held_out=derived.mean(measured[0][1].popular_test),
    )


def _aucs(model: Model, train: Interactions, seen: Histories, truth: Histories) -> derived.Aucs:
    return derived.aucs(
        Evidence(
            name=model.recipe.name,
            n_items=len(model.items),
            train=train,
            users=truth.user,
            seen=seen,
            truth=truth,
            score=model.score,
            sequences=Sequences(**model.fed()) if isinstance(model, SequenceModel) else None,
        )
    )
