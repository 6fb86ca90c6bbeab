"""The evidence of a `Run`: everything that the rules may look at."""

from collections.abc import Mapping, Sequence

import numpy as np

from tastemap.contracts import HasVectors
from tastemap.data.interactions import Histories
from tastemap.diagnosis.evidence import Claim, Evidence, Sequences, Stages
from tastemap.metrics.result import Evaluation
from tastemap.models import TwoStageModel
from tastemap.models.nested import written
from tastemap.neural import SequenceModel
from tastemap.recommend import Score
from tastemap.runs import Run
from tastemap.seeding import stream
from tastemap.shapes import Float64, Int32

SCORED = 2_000
"""Users whose listed items are scored again."""

BLOCK_BYTES = 32 << 20


def evidence_of(run: Run, against: Sequence["Run | Evidence"] = ()) -> Evidence:
    """Everything that is known of a run.

    Parameters
    ----------
    run
        As `tm.execute` made it or `Run.load` read it.
    against
        Runs on the same test part to compare with.

    Examples
    --------
    >>> import tastemap as tm
    >>> split = tm.leave_last_out(tm.synthetic.taste_groups(seed=1))
    >>> evidence = evidence_of(tm.execute(tm.EASE(), split, seed=1))
    >>> evidence.name, evidence.lists.shape, sorted(evidence.yardsticks)
    ('EASE', (200, 10), ['Popularity', 'Popularity (5 days)', 'Random'])
    """
    model, split = run.model, run.split
    seen, truth = split.queries("test")
    lists = run.evaluation.ranking.items
    return Evidence(
        name=run.name,
        seed=model.seed,
        recipe={name: written(value) for name, value in model.recipe.fields().items()},
        how=run.evaluation.how or run.how,
        n_items=len(model.items),
        train=model.train,  # what it was fitted on, which need not be the split's
        validation=split.validation,
        test=split.test,
        users=seen.user,
        lists=lists,
        list_scores=_listed_scores(model.score, seen, lists),
        seen=seen,
        truth=truth,
        exclude_seen="seen items kept in" not in run.evaluation.how,
        score=model.score,
        claims=_claims(run.evaluation),
        validation_claims={} if run.validation is None else _claims(run.validation),
        curve=model.log if model.log.epochs else None,
        yardsticks={name: _values(one) for name, one in run.yardsticks.items()},
        references=tuple(one if isinstance(one, Evidence) else evidence_of(one) for one in against),
        item_vectors=model.item_vectors if isinstance(model, HasVectors) else None,
        user_vectors=getattr(model, "user_vectors", None),
        sequences=Sequences(**model.fed()) if isinstance(model, SequenceModel) else None,
        stages=Stages(**model.stages()) if isinstance(model, TwoStageModel) else None,
    )


def _claims(evaluation: Evaluation) -> dict[str, Claim]:
    return {
        name: Claim(one.mean, one.stderr, one.n)
        for name, one in evaluation.estimates.items()
        if one.n
    }


def _values(evaluation: Evaluation) -> Mapping[str, Float64[np.ndarray, " rows"] | Claim]:
    claims: dict[str, Float64[np.ndarray, " rows"] | Claim] = {**_claims(evaluation)}
    return claims | dict(evaluation.per_user)


def _listed_scores(
    score: Score, seen: Histories, lists: Int32[np.ndarray, "rows k"]
) -> Float64[np.ndarray, "rows k"] | None:
    """Scores of the listed items for a sample of the users, NaN for the others.

    None where the model cannot be asked: rules that ask it again say why.
    """
    found = np.full(lists.shape, np.nan)
    if len(lists) != len(seen):
        return None
    rows = np.sort(stream(0, "listed scores").permutation(len(lists))[:SCORED])
    at = 0
    size = 256
    try:
        while at < len(rows):
            part = rows[at : at + size]
            scores = np.asarray(score(seen.take(part)), dtype=np.float64)
            size = max(1, BLOCK_BYTES // max(scores[0].nbytes, 1))
            items = lists[part]
            values = np.take_along_axis(scores, np.maximum(items, 0).astype(np.int64), axis=1)
            found[part] = np.where(items >= 0, values, np.nan)
            at += len(part)
    except Exception:  # a broken model must not keep the other rules from judging
        return None
    return found
