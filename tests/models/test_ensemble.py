"""Ensembles: scores by hand, seeds of equal members, what is gained, what is kept."""

from dataclasses import replace

import numpy as np
import pytest

import tastemap as tm
from tastemap.data import synthetic
from tastemap.models import ALS, BPR, Ensemble, ItemKNN, Popularity, TwoStage, load
from tastemap.models.ensemble import standardised
from tastemap.neural import SASRec
from worlds import withheld

MEMBERS = (ALS(factors=4, epochs=3), ItemKNN(neighbours=9), ALS(factors=4, epochs=3))
TINY = SASRec(factors=8, blocks=1, epochs=2, patience=5, batch_size=16, dropout=0)


def test_scores_are_the_weighted_mean_of_standard_scores():
    log, _ = withheld()
    model = Ensemble(MEMBERS, weights=(1, 2, 3)).fit(log, seed=4)
    shown = log.histories()
    expected = 0
    for weight, member in zip((1, 2, 3), model.members, strict=True):
        scores = member.score(shown).astype(np.float64)
        for row in scores:
            row -= row.mean()
            row /= np.sqrt((row**2).mean())
        expected = expected + weight / 6 * scores
    np.testing.assert_allclose(model.score(shown), expected, rtol=1e-4, atol=1e-5)
    alike = Ensemble(MEMBERS).fit(log, seed=4)
    even = sum(standardised(member.score(shown)) for member in model.members) / 3
    np.testing.assert_allclose(alike.score(shown), even, rtol=1e-4, atol=1e-5)


def test_a_row_of_equal_scores_says_nothing():
    assert standardised(np.full((2, 5), 0.1, np.float32)).std() < 1e-6
    assert standardised(np.zeros((0, 5), np.float32)).shape == (0, 5)


def test_equal_members_learn_from_seeds_of_their_own():
    log, _ = withheld()
    model = Ensemble(MEMBERS).fit(log, seed=4)
    assert [member.seed for member in model.members] == [4, 4, 5]
    for member, recipe in zip(model.members, MEMBERS, strict=True):
        alone = recipe.fit(log, seed=member.seed)
        shown = log.histories()
        np.testing.assert_array_equal(member.score(shown), alone.score(shown))
    assert model.log.notes[2].startswith("member 3, ALS: seed 5")


def test_several_that_hardly_learned_know_more_together_than_the_best_of_them():
    log, missing = withheld()
    member = BPR(factors=2, epochs=10)

    def found(model):
        return (log.items.encode(model.recommend(k=1)["item"]) == missing).mean()

    alone = [found(member.fit(log, seed=seed)) for seed in range(6)]
    assert found(Ensemble((member,) * 6).fit(log)) > max(alone)


def test_likeness_is_the_members_mean():
    log, _ = withheld()
    model = Ensemble(MEMBERS[:2], weights=[3, 1]).fit(log, seed=4)
    items = np.array([5, 9], dtype=np.int32)
    first, second = (member.similarity(items) for member in model.members)
    np.testing.assert_allclose(model.similarity(items), (3 * first + second) / 4, atol=1e-6)


def test_members_that_stop_by_validation_are_given_it_and_a_folder_each(tmp_path):
    split = tm.leave_last_out(synthetic.markov_chain(items=20, seed=1))
    recipe = Ensemble((TINY, Popularity(), TINY))
    seen = []
    model = recipe.fit(
        split.train,
        seed=1,
        validation=split.validation,
        checkpoint=tmp_path / "kept",
        monitor=lambda epoch: seen.append(epoch.number),
    )
    assert seen == [1, 2, 1, 2]
    assert sorted(one.name for one in (tmp_path / "kept").iterdir()) == ["1", "3"]
    for member in (model.members[0], model.members[2]):
        alone = TINY.fit(split.train, seed=member.seed, validation=split.validation)
        assert member.log.curve("validation_ndcg") == alone.log.curve("validation_ndcg")
    again = load(model.save(tmp_path / "model"))
    assert again.members[2].log.to_json() == model.members[2].log.to_json()
    assert again.members[0].train is again.train
    shown = split.train.histories([3, -1])
    np.testing.assert_array_equal(again.score(shown), model.score(shown))


def test_runs_like_any_other_recipe():
    log = synthetic.taste_groups(seed=1)
    split = tm.leave_last_out(log)
    recipe = Ensemble([ALS(factors=4, epochs=n) for n in range(1, 6)])
    run = tm.execute(recipe, split, seed=1)
    report = tm.build_report([run], split, log)
    assert repr(recipe) in [row.recipe for row in report.rows]  # whole: numbers come from it again
    assert run["ndcg@10"].mean > run.yardsticks["Popularity"]["ndcg@10"].mean
    assert not any(outcome.state == "crashed" for outcome in tm.diagnose(run).outcomes)


def test_holds_no_recipe_that_holds_others():
    for held in (Ensemble(), TwoStage()):
        with pytest.raises(tm.UsageError, match="recipes of one stage"):
            replace(Ensemble(), members=(held,))
        with pytest.raises(tm.UsageError, match="recipes of one stage"):
            TwoStage(retrieve=held)
