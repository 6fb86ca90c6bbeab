"""The evidence of a run."""

from dataclasses import replace

import numpy as np
import pytest

import tastemap as tm
from tastemap.diagnosis import diagnose
from tastemap.diagnosis.from_run import evidence_of

METRICS = ["ndcg@5", "recall@5", "hit_rate@5", "auc", "coverage@5"]


@pytest.fixture(scope="module")
def run():
    split = tm.leave_last_out(tm.synthetic.taste_groups(users=80, items=48, seed=1))
    return tm.execute(tm.BPR(factors=4, epochs=5), split, seed=3, metrics=METRICS)


def test_the_evidence_holds_what_the_run_was_judged_on(run):
    found = evidence_of(run)
    seen, truth = run.split.queries("test")
    assert (found.name, found.seed, found.recipe["factors"]) == ("BPR", 3, 4)
    assert found.train is run.split.train
    assert found.test is run.split.test
    assert found.validation is run.split.validation
    np.testing.assert_array_equal(found.truth.items, truth.items)
    np.testing.assert_array_equal(found.seen.items, seen.items)
    np.testing.assert_array_equal(found.ranking.hits, run.evaluation.ranking.hits)
    assert found.exclude_seen is True
    assert found.claims["ndcg@5"].mean == run["ndcg@5"].mean
    assert found.claims["ndcg@5"].users == run["ndcg@5"].n
    assert found.validation_claims["auc"].mean == run.validation["auc"].mean
    assert found.curve is run.model.log
    assert found.item_vectors.shape == (48, 4)
    assert found.user_vectors.shape == (80, 4)


def test_yardsticks_have_a_value_a_user_where_there_is_one(run):
    pop = evidence_of(run).yardsticks["Popularity"]
    np.testing.assert_array_equal(pop["ndcg@5"], run.yardsticks["Popularity"].per_user["ndcg@5"])
    assert pop["coverage@5"].mean == run.yardsticks["Popularity"]["coverage@5"].mean


def test_listed_scores_are_those_of_the_listed_items(run):
    found = evidence_of(run)
    scores = run.model.score(found.seen)
    for r in (0, 7, 79):
        np.testing.assert_allclose(found.list_scores[r], scores[r, found.lists[r]], rtol=1e-5)


def test_a_model_without_vectors_or_training_has_none():
    split = tm.leave_last_out(tm.synthetic.taste_groups(users=30, items=24, seed=1))
    found = evidence_of(tm.execute(tm.Popularity(), split))
    assert found.item_vectors is None
    assert found.curve is None


def test_lists_end_early_without_scores_where_the_catalogue_does():
    split = tm.leave_last_out(tm.synthetic.taste_groups(users=20, items=12, groups=2, per_user=4))
    found = evidence_of(tm.execute(tm.Popularity(), split))
    short = found.lists < 0
    assert short.any()
    assert np.isnan(found.list_scores[short]).all()
    assert not np.isnan(found.list_scores[~short]).any()


def test_runs_to_compare_with_become_references(run):
    found = evidence_of(run, against=[run, evidence_of(run)])
    assert [one.name for one in found.references] == ["BPR", "BPR"]


def test_a_model_that_cannot_be_asked_any_more_does_not_stop_the_others(run):
    class Broken(type(run.model)):
        def score(self, histories):
            raise RuntimeError("out of order")

    model = run.model
    fields = {name: getattr(model, name) for name in model.__dataclass_fields__}
    found = diagnose(replace(run, model=Broken(**fields)))
    states = {outcome.code: outcome for outcome in found.outcomes}
    assert states["E313"].state == "crashed"
    assert "out of order" in states["E313"].reason
    assert states["E307"].state == "ok"


def test_seen_items_kept_in_are_said(run):
    evaluation = tm.evaluate(run.model, run.split, METRICS, exclude_seen=False)
    assert evidence_of(replace(run, evaluation=evaluation)).exclude_seen is False
