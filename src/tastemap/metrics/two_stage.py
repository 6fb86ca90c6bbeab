"""Both stages of a retrieve-then-rank model: what the first can reach, and what both do."""

from dataclasses import dataclass
from textwrap import fill
from typing import Protocol, runtime_checkable

from tastemap.contracts import Model
from tastemap.data.split import Part, Split
from tastemap.errors import UsageError
from tastemap.metrics.compare import Difference, paired_difference
from tastemap.metrics.evaluate import evaluate
from tastemap.metrics.result import Estimate, Evaluation
from tastemap.models.two_stage import TwoStageModel


@runtime_checkable
class HasModel(Protocol):
    """A run, or whatever else knows its model and its split."""

    @property
    def model(self) -> Model:
        """The fitted model."""

    @property
    def split(self) -> Split:
        """What it was judged on."""


@dataclass(frozen=True, eq=False)
class TwoStageReport:
    """What the stages of one model are worth on held-out events.

    Parameters
    ----------
    k, candidates
        Length of the lists; how many items the retriever hands over, at most all of them.
    retriever, whole
        Evaluations of the retriever alone (with recall@candidates) and of both stages.
    difference
        Both stages less the retriever alone, in NDCG@k, over the same users, with an interval.
    on
        Whether the second stage is on.
    """

    k: int
    candidates: int
    retriever: Evaluation
    whole: Evaluation
    difference: Difference
    on: bool

    @property
    def ceiling(self) -> Estimate:
        """recall@candidates of the retriever: what no order of the candidates can exceed."""
        return self.retriever[f"recall@{self.candidates}"]

    def __str__(self) -> str:
        recall, ndcg = f"recall@{self.candidates}", f"ndcg@{self.k}"
        head = f"{recall} (ceiling)"
        rows = [
            ("", "retriever", "both stages"),
            (head, str(self.ceiling), ""),
            (ndcg, str(self.retriever[ndcg]), str(self.whole[ndcg])),
        ]
        table = [f"{name:{len(head)}}  {a:>15}  {b:>15}".rstrip() for name, a, b in rows]
        lines = [fill(self.whole.how, 79), "", *table, "", f"difference  {self.difference}"]
        if not self.on:
            lines.append("the second stage is off: the retriever ranks alone")
        return "\n".join(lines)


def two_stage_report(
    model: Model | HasModel, split: Split | None = None, *, part: Part = "test"
) -> TwoStageReport:
    """Recall of the retriever's candidates beside NDCG@k of the retriever and of both stages.

    Parameters
    ----------
    model
        A fitted `TwoStage` model, or a run of one.
    split
        Left out for a run, which knows its own.
    part
        "test" or "validation".

    Errors
    ------
    UsageError
        For a model of one stage, or a model without a split.

    Examples
    --------
    >>> import tastemap as tm
    >>> from tastemap.models import TwoStage
    >>> split = tm.leave_last_out(tm.synthetic.taste_groups(seed=1))
    >>> recipe = TwoStage(tm.ALS(factors=8), tm.Random(), candidates=20, always=True)
    >>> report = two_stage_report(recipe.fit(split.train), split)
    >>> bool(report.ceiling.mean > 0.9), bool(report.difference.high < 0)    # chance spoils it
    (True, True)
    """
    fitted = model if isinstance(model, Model) else model.model
    judged = split if split is not None or isinstance(model, Model) else model.split
    if not isinstance(fitted, TwoStageModel):
        raise UsageError(
            f"a report on two stages of {fitted.recipe.name}, which has one",
            "a model that TwoStage(...) fitted, or a run of one",
            "judge it with tm.evaluate(model, split)",
        )
    if judged is None:
        raise UsageError(
            "a report on two stages without a split",
            "a model and a split, or a run",
            "write two_stage_report(model, split)",
        )
    k, candidates = fitted.k, min(fitted.candidates, len(fitted.items))
    ndcg = f"ndcg@{k}"
    retriever = evaluate(fitted.retriever, judged, [f"recall@{candidates}", ndcg], part=part)
    whole = evaluate(fitted, judged, [ndcg], part=part)
    return TwoStageReport(
        k=k,
        candidates=candidates,
        retriever=retriever,
        whole=whole,
        difference=paired_difference(whole, retriever, ndcg),
        on=fitted.ranker is not None,
    )
