"""The same numbers from other libraries, to 1e-9, wherever they define the same thing.

ranx compiles for half a minute, so it is asked once, for all that it defines. Without a partner
are `recall_capped` and `map` (the libraries divide by all held-out items only): `reference.py` has
their loops.
"""

import ir_measures
import numpy as np
import pytest
from ir_measures import AP, RR, P, R, Success, nDCG
from sklearn.metrics import (
    dcg_score,
    label_ranking_average_precision_score,
    ndcg_score,
    roc_auc_score,
)
from sklearn.metrics import roc_curve as sklearn_roc_curve

from tastemap.metrics.auc import auc_global, auc_per_user, roc_curve
from tastemap.metrics.ranking import TOPK
from tastemap.recommend import rank

EXACT = {"rtol": 0, "atol": 1e-9}


def ranking_of(world, k):
    return rank(world.score, world.histories, world.truth, world.n_items, k)


def without_seen(world):
    """Scores of unseen items, and which of them were held out: one pair of arrays a user."""
    for row, scores in enumerate(world.scores):
        unseen = np.ones(world.n_items, dtype=bool)
        unseen[world.histories.row(row)] = False
        held = np.zeros(world.n_items)
        inside = slice(world.truth.starts[row], world.truth.starts[row + 1])
        held[world.truth.items[inside]] = world.truth.weight[inside]
        yield scores[unseen], held[unseen]


def trec(world, ranking, measure):
    """The values of ir_measures, user by user; users without hits included."""
    qrels = [
        ir_measures.Qrel(str(row), str(world.truth.items[at]), int(world.truth.weight[at]))
        for row in range(len(world.truth))
        for at in range(world.truth.starts[row], world.truth.starts[row + 1])
    ]
    run = [
        ir_measures.ScoredDoc(str(row), str(item), float(-place))
        for row, items in enumerate(ranking.items)
        for place, item in enumerate(items)
        if item >= 0
    ]
    values = {m.query_id: m.value for m in ir_measures.iter_calc([measure], qrels, run)}
    return [values[str(row)] for row in range(len(world.truth))]


@pytest.mark.parametrize("k", [1, 5, 10])
@pytest.mark.parametrize(
    ("metric", "measure"),
    [
        ("precision", P),
        ("recall", R),
        ("hit_rate", Success),
        ("map_full", AP),
        ("mrr", RR),
    ],
)
def test_metrics_of_hits_agree_with_trec_eval(make_world, metric, measure, k):
    world = make_world(seed=11, users=50)
    ranking = ranking_of(world, 10)
    np.testing.assert_allclose(TOPK[metric](ranking, k), trec(world, ranking, measure @ k), **EXACT)


@pytest.mark.parametrize("k", [1, 5, 10])
@pytest.mark.parametrize(("metric", "weights"), [("ndcg", False), ("ndcg_graded", True)])
def test_ndcg_agrees_with_trec_eval_and_scikit_learn(make_world, metric, weights, k):
    world = make_world(seed=12, users=50, weights=weights)
    ranking = ranking_of(world, 10)
    values = TOPK[metric](ranking, k)
    np.testing.assert_allclose(values, trec(world, ranking, nDCG @ k), **EXACT)
    by_sklearn = [ndcg_score([held], [scores], k=k) for scores, held in without_seen(world)]
    np.testing.assert_allclose(values, by_sklearn, **EXACT)


# ranx imports packages that warn of their own old code.
@pytest.mark.filterwarnings("ignore")
def test_metrics_agree_with_ranx(make_world):
    import ranx

    world = make_world(seed=14, users=40)
    ranking = ranking_of(world, 10)
    names = {
        "precision": "precision",
        "recall": "recall",
        "hit_rate": "hit_rate",
        "map_full": "map",
        "mrr": "mrr",
        "ndcg": "ndcg",
    }
    truth = {
        str(row): {str(item): 1 for item in world.truth.row(row)} for row in range(len(world.truth))
    }
    lists = {
        str(row): {str(item): 10.0 - place for place, item in enumerate(items) if item >= 0}
        for row, items in enumerate(ranking.items)
    }
    run = ranx.Run(lists)
    asked = [f"{theirs}@{k}" for theirs in names.values() for k in (1, 5, 10)]
    ranx.evaluate(ranx.Qrels(truth), run, asked)
    for ours, theirs in names.items():
        for k in (1, 5, 10):
            found = [run.scores[f"{theirs}@{k}"][str(row)] for row in range(len(world.truth))]
            np.testing.assert_allclose(TOPK[ours](ranking, k), found, **EXACT)


@pytest.mark.parametrize("k", [1, 5, 10])
def test_dcg_agrees_with_scikit_learn(make_world, k):
    world = make_world(seed=13)
    by_sklearn = [dcg_score([held], [scores], k=k) for scores, held in without_seen(world)]
    np.testing.assert_allclose(TOPK["dcg"](ranking_of(world, 10), k), by_sklearn, **EXACT)


@pytest.mark.parametrize("metric", ["map", "map_full"])
def test_map_of_whole_lists_agrees_with_scikit_learn(make_world, metric):
    world = make_world(seed=14)
    by_sklearn = [
        label_ranking_average_precision_score([held > 0], [scores])
        for scores, held in without_seen(world)
    ]
    values = TOPK[metric](ranking_of(world, world.n_items), world.n_items)
    np.testing.assert_allclose(values, by_sklearn, **EXACT)


@pytest.mark.parametrize("levels", [3, 20, None])
def test_auc_agrees_with_scikit_learn(make_world, levels):
    world = make_world(seed=15, levels=levels)
    users = list(without_seen(world))
    by_sklearn = [roc_auc_score(held > 0, scores) for scores, held in users]
    values = auc_per_user(world.scores, world.truth, world.histories)
    np.testing.assert_allclose(values, by_sklearn, **EXACT)
    scores, held = (np.concatenate(part) for part in zip(*users, strict=True))
    pooled = auc_global(world.scores, world.truth, world.histories)
    assert pooled == pytest.approx(roc_auc_score(held > 0, scores), rel=0, abs=1e-9)


@pytest.mark.parametrize("levels", [3, 20, None])
def test_the_roc_curve_agrees_with_scikit_learn(make_world, levels):
    world = make_world(seed=16, levels=levels)
    scores, held = (np.concatenate(part) for part in zip(*without_seen(world), strict=True))
    fpr, tpr, _ = sklearn_roc_curve(held > 0, scores, drop_intermediate=False)
    curve = roc_curve(world.scores, world.truth, world.histories)
    ours = set(zip(curve.fpr.round(9), curve.tpr.round(9), strict=True))
    assert ours <= set(zip(fpr.round(9), tpr.round(9), strict=True))
    # A corner is missing nowhere: scikit-learn's points lie on our lines.
    along = curve.fpr + curve.tpr  # rises along the curve, upright pieces included
    np.testing.assert_allclose(np.interp(fpr + tpr, along, curve.fpr), fpr, **EXACT)
    np.testing.assert_allclose(np.interp(fpr + tpr, along, curve.tpr), tpr, **EXACT)
