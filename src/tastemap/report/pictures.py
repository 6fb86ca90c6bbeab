"""Pictures of an evaluation, by matplotlib (extra `maps`): ROC, metrics against k, learning.

Each takes runs or their parts, and returns a matplotlib figure, which is also written where `path`
is given (.png, .svg, .pdf). Colours can be told apart by colour-blind readers (Okabe & Ito 2008).
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tastemap.diagnosis.learning import LearningCurve
from tastemap.errors import MissingExtra, UsageError
from tastemap.metrics.evaluate import Evaluation, roc
from tastemap.metrics.ranking import TOPK
from tastemap.metrics.result import Estimate
from tastemap.runs import Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")


def roc_picture(runs: Sequence[Run], path: str | Path | None = None) -> "Figure":
    """ROC curves of runs over all (user, item) pairs of the test part, with the areas under them.

    The diagonal is chance. The area is "auc_global", exact, with ties counted as half.
    """
    _require(runs)
    figure, axes = _figure()
    for colour, run in zip(_colours(len(runs)), runs, strict=True):
        curve = roc(run.model, run.split)
        area = float(np.trapezoid(curve.tpr, curve.fpr))
        axes.plot(curve.fpr, curve.tpr, color=colour, label=f"{run.name}: {area:.3f}")
    axes.plot([0, 1], [0, 1], color="#999999", linestyle=":", label="chance: 0.500")
    axes.set(xlim=(0, 1), ylim=(0, 1), aspect="equal")
    axes.set(xlabel="share of the other items", ylabel="share of the held-out items")
    axes.set_title("ROC: found among the first items of all lists")
    axes.legend(title="area under the curve", loc="lower right", frameon=False)
    return _written(figure, path)


def metrics_picture(
    evaluations: Mapping[str, Evaluation],
    metrics: Sequence[str] = ("ndcg", "recall", "precision"),
    path: str | Path | None = None,
) -> "Figure":
    """Metrics against k, one panel each, with one standard error over users as a band.

    Parameters
    ----------
    evaluations
        By name, such as {run.name: run.evaluation}; curves end at the largest k that was asked
        for.
    metrics
        Names without k: any of the metrics of lists.
    """
    unknown = [name for name in metrics if name not in TOPK]
    if unknown or not metrics:
        given = repr(unknown[0]) if unknown else "no metric"
        raise UsageError(given, ", ".join(TOPK), 'pass metrics=["ndcg"], say')
    _require(list(evaluations))
    figure, panels = _figure(len(metrics))
    for axes, metric in zip(np.atleast_1d(panels), metrics, strict=True):
        for colour, (name, found) in zip(
            _colours(len(evaluations)), evaluations.items(), strict=True
        ):
            ks = np.arange(1, found.ranking.k + 1)
            at = [Estimate.of(TOPK[metric](found.ranking, int(k))) for k in ks]
            mean = np.array([e.mean for e in at])
            error = np.array([e.stderr or 0.0 for e in at])
            axes.plot(ks, mean, color=colour, label=name)
            axes.fill_between(ks, mean - error, mean + error, color=colour, alpha=0.2, lw=0)
        axes.set(xlabel="k", title=f"{metric}@k", ylim=(0, None))
        axes.locator_params(axis="x", integer=True)
    np.atleast_1d(panels)[0].legend(frameon=False)
    return _written(figure, path)


def learning_picture(curve: LearningCurve, path: str | Path | None = None) -> "Figure":
    """AUC on training pairs and on held-out pairs against epochs, on one axis.

    Dotted lines are what popularity reaches on either side.
    """
    figure, axes = _figure()
    sides = (
        ("training pairs", curve.train, curve.train_stderr, curve.popular_train),
        (
            f"held-out pairs ({curve.part})",
            curve.held_out,
            curve.held_out_stderr,
            curve.popular_held_out,
        ),
    )
    for colour, (name, mean, error, popular) in zip(COLOURS, sides, strict=False):
        axes.plot(curve.epochs, mean, color=colour, label=name)
        axes.fill_between(curve.epochs, mean - error, mean + error, color=colour, alpha=0.2, lw=0)
        axes.axhline(popular, color=colour, linestyle=":", label=f"popularity on {name}")
    axes.set(xlabel="epoch", ylabel="AUC", title="Learning: what is known and what is new")
    axes.locator_params(axis="x", integer=True)
    figure.legend(frameon=False, loc="outside lower center", ncols=2)
    return _written(figure, path)


def _figure(panels: int = 1) -> tuple["Figure", Any]:
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtra("a picture by matplotlib", "maps") from error
    figure = Figure(figsize=(1.5 + 4.5 * panels, 4.5), layout="constrained", dpi=150)
    axes = figure.subplots(1, panels)
    for one in np.atleast_1d(axes):
        _plain(one)
    return figure, axes


def _plain(axes: "Axes") -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="#e5e5e5", linewidth=0.6)
    axes.set_axisbelow(True)


def _colours(n: int) -> list[str]:
    return [COLOURS[i % len(COLOURS)] for i in range(n)]


def _written(figure: "Figure", path: str | Path | None) -> "Figure":
    if path is not None:
        figure.savefig(path)
    return figure


def _require(shown: Sequence[Any]) -> None:
    if not shown:
        raise UsageError("nothing to draw", "at least one run", "pass [run]")
