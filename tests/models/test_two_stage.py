import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

import tastemap as tm
from ageing import ageing
from tastemap import Histories, UsageError, load, threads
from tastemap.diagnosis.evidence import Evidence, Stages
from tastemap.diagnosis.tuning import low_ceiling, stage_saw_labels
from tastemap.metrics.compare import paired_difference
from tastemap.models import ALS, BPR, EASE, ItemKNN, Lambdarank, Popularity, Random, TwoStage
from tastemap.models.candidate_features import Sources
from tastemap.models.lambdarank import Queries, Trees
from tastemap.models.log_parts import held_out, log_parts
from tastemap.recommend import top_items
from tastemap.storage import read_folder
from worlds import noise

RETRIEVE = ALS(factors=8, epochs=5)
TREES = Lambdarank(trees=40, min_rows=50)
RECIPE = TwoStage(RETRIEVE, TREES, candidates=120)
SMALL = TwoStage(RETRIEVE, Lambdarank(trees=20, min_rows=20), candidates=30, always=True)


@pytest.fixture(scope="module")
def world():
    return tm.split_by_time(ageing(), test=0.1)


@pytest.fixture(scope="module")
def model(world):
    return RECIPE.fit(world.train, seed=1)


@pytest.fixture(scope="module")
def small():
    return SMALL.fit(noise()[0], seed=1)


def ndcg(model, split):
    return tm.evaluate(model, split, ["ndcg@10"])


def test_wins_where_time_decides_and_beats_recent_popularity(world, model):
    assert model.ranker is not None
    assert model.log.notes[0].startswith("second stage on: NDCG@10 ")
    both = ndcg(model, world)
    assert paired_difference(both, ndcg(model.retriever, world)).low > 0.03
    recent = ndcg(Popularity(days=15).fit(world.train), world)
    assert paired_difference(both, recent).low > 0


def test_says_what_the_trees_gain_by_and_time_comes_first(model):
    table = model.importance()
    assert table["gain"].sum() == pytest.approx(1)
    assert (np.diff(table["gain"]) <= 0).all()
    assert table["feature"][0] in ("item_age", "item_trend", "item_popularity_newest")
    assert f"what the trees gain by: {table['feature'][0]} " in model.log.notes[-1]


def test_labels_that_the_first_stage_was_fitted_on_make_worse_trees(world, model):
    parts = log_parts(world.train, RECIPE.share)
    asked = held_out(parts.earlier, parts.labels)
    leaky = Sources.fit(RETRIEVE, TREES.others, parts.before_validation, parts.window, seed=1)
    fitted_on = Queries.of(leaky, *asked, 120, 1)
    trees = Trees(TREES.grow([fitted_on], 10, 1), model.ranker.sources)
    assert ndcg(replace(model, ranker=trees), world)["ndcg@10"].mean < (
        0.7 * ndcg(model, world)["ndcg@10"].mean
    )


def test_no_label_is_known_to_the_models_that_score_it(monkeypatch):
    log, made, real = ageing(users=80, per_user=12), [], Queries.of

    def watched(sources, known, truth, *rest):
        made.append((sources.log, known, truth))
        return real(sources, known, truth, *rest)

    monkeypatch.setattr(Queries, "of", watched)
    replace(RECIPE, always=True).fit(log)
    assert len(made) == 2
    for fitted_on, known, truth in made:
        pairs = set(zip(fitted_on.user.tolist(), fitted_on.item.tolist(), strict=True))
        labels = set(zip(np.repeat(truth.user, truth.lengths), truth.items, strict=True))
        assert labels
        assert not pairs & labels
        assert known.time.max() <= fitted_on.time.max()


@pytest.mark.parametrize("seed", range(3))
def test_switches_itself_off_where_there_is_no_signal(seed):
    log, _ = noise(seed=seed)
    model = replace(SMALL, always=False).fit(log, seed=seed)
    assert model.ranker is None
    assert model.log.notes[0].startswith(
        "second stage off, the retriever ranks alone: no interval above 0: NDCG@10 "
    )
    alone = RETRIEVE.fit(log, seed=seed)
    np.testing.assert_array_equal(model.score(log.histories()), alone.score(log.histories()))


def test_another_recipe_as_ranker_must_win_too():
    log = tm.synthetic.taste_groups(seed=1)
    better = TwoStage(Popularity(), EASE(reg=5), candidates=40).fit(log)
    assert better.ranker.recipe == EASE(reg=5)
    assert better.log.notes[0].startswith("second stage on")
    worse = TwoStage(EASE(reg=5), Random(), candidates=40).fit(log)
    assert worse.ranker is None
    kept = TwoStage(EASE(reg=5), Random(), candidates=40, always=True).fit(log)
    assert kept.ranker is not None
    assert kept.log.notes[0].startswith("second stage kept (always=True) although it did not win")


def test_the_trial_is_told_in_numbers_that_an_evaluation_gives_too():
    log = ageing(users=80, per_user=12)
    model = TwoStage(RETRIEVE, Random(), candidates=20, k=5, always=True).fit(log, seed=2)
    parts = log_parts(log, 0.15)
    split = tm.Split(parts.before_validation, None, parts.validation, how="the trial")
    alone = tm.evaluate(RETRIEVE.fit(split.train, seed=2), split, ["ndcg@5", "recall@20"])
    assert model.trial.first == pytest.approx(alone["ndcg@5"].mean)
    assert model.trial.ceiling == pytest.approx(alone["recall@20"].mean)
    assert model.trial.users == alone["ndcg@5"].n
    assert f"the best 20 candidates hold {alone['recall@20'].mean:.1%}" in model.log.notes[0]


def test_candidates_come_first_in_the_rankers_order_then_the_retrievers():
    log, _ = noise()
    recipe = TwoStage(ALS(factors=8), ItemKNN(neighbours=20), candidates=15, always=True)
    model = recipe.fit(log, seed=1)
    histories = log.histories()
    scores = model.score(histories)
    first = model.retriever.score(histories)
    said = model.ranker.score(histories)
    lists, _ = top_items(model.retriever.score, histories, 80, 15)
    for user in (0, 77, 149):
        chosen = set(lists[user].tolist())
        wanted = sorted(lists[user].tolist(), key=lambda item: -said[user, item])
        seen = histories.row(user)
        got = np.array([i for i in np.argsort(-scores[user]) if i not in seen])
        assert [said[user, i] for i in got[:15]] == [said[user, i] for i in wanted]
        assert set(got[:15].tolist()) == chosen
        assert not chosen & set(seen.tolist())
        rest = np.setdiff1d(np.arange(80), [*lists[user], *seen])
        np.testing.assert_array_equal(scores[user, rest], first[user, rest])
        # What was used stays between the candidates between which the retriever has it.
        listed = first[user, lists[user]]
        for item in seen:
            above = (scores[user, lists[user]] > scores[user, item]).sum()
            if scores[user, item] != first[user, item]:
                assert above == (listed > first[user, item]).sum()
            else:
                assert (listed > first[user, item]).all()


def test_scores_keep_their_order_above_huge_retriever_scores():
    log, _ = noise()
    recipe = TwoStage(Popularity(), Random(), candidates=60, always=True)
    model = recipe.fit(log, seed=1)
    huge = replace(model.retriever, item_scores=model.retriever.item_scores * np.float32(1e8))
    asked = log.histories()
    scores = replace(model, retriever=huge).score(asked)
    assert np.isfinite(scores).all()
    scores[np.repeat(np.arange(len(asked)), asked.lengths), asked.items] = -np.inf
    assert (np.sort(scores, axis=1)[:, -60:-1] < np.sort(scores, axis=1)[:, -59:]).all()


def test_serves_people_it_never_met(small):
    strangers = Histories.of_items([[], [3], [1, 2, 3, 4, 5, 6, 7]])
    scores = small.score(strangers)
    assert scores.dtype == np.float32
    assert np.isfinite(scores).all()
    assert small.recommend(["nobody"], k=5).n_rows == 5
    assert small.recommend(baskets=[["i003"], []], k=80).n_rows == 79 + 80


def test_same_bits_with_one_thread_or_two(small):
    log = small.train
    with threads(1):
        one = SMALL.fit(log, seed=1)
        scores = one.score(log.histories())
    with threads(2):
        two = SMALL.fit(log, seed=1)
        np.testing.assert_array_equal(two.score(log.histories()), scores)
    assert one._learned().keys() == two._learned().keys()
    for name, array in one._learned().items():
        np.testing.assert_array_equal(array, two._learned()[name])
    assert not np.array_equal(SMALL.fit(log, seed=2).score(log.histories()), scores)


def test_a_row_does_not_depend_on_who_else_is_asked(small):
    histories = small.train.histories()
    whole = small.score(histories)
    for rows in ([7], [3, 140, 20]):
        np.testing.assert_array_equal(small.score(histories.take(np.array(rows))), whole[rows])


def test_saved_and_loaded_it_scores_the_same_bits_here_and_elsewhere(small, tmp_path):
    path = small.save(tmp_path / "model")
    again = load(path)
    assert again.recipe == small.recipe
    assert again.log.to_json() == small.log.to_json()
    assert again.trial == small.trial
    histories = small.train.histories()
    np.testing.assert_array_equal(again.score(histories), small.score(histories))
    assert str(again.importance()) == str(small.importance())
    code = (
        "import sys, json, tastemap as tm\n"
        "print(json.dumps(tm.load(sys.argv[1]).recommend([103], k=9)['item'].tolist()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == small.recommend([103], k=9)["item"].tolist()


def test_a_saved_folder_holds_the_log_once_and_the_recipes_as_plain_values(small, tmp_path):
    manifest, arrays = read_folder(small.save(tmp_path / "model"))
    assert [name for name in arrays if name.endswith("log.user")] == ["log.user"]
    assert manifest["recipe"]["fields"]["retrieve"] == {"name": "ALS", "fields": RETRIEVE.fields()}
    assert set(manifest["parts"]) == {"retriever", "other0"}
    assert bytes(arrays["trees"][:4]) == b"tree"
    assert "lightgbm" in manifest["libraries"]


def test_an_unknown_recipe_within_a_saved_one_is_named(small, tmp_path):
    path = small.save(tmp_path / "model")
    manifest = json.loads((path / "manifest.json").read_text())
    manifest["recipe"]["fields"]["retrieve"]["name"] = "Future"
    (path / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(tm.InputError, match="a recipe called 'Future'"):
        load(path)


def test_a_run_of_two_stages_is_saved_and_read(tmp_path):
    split = tm.leave_last_out(noise()[0])
    run = tm.execute(TwoStage(RETRIEVE, EASE(reg=5), candidates=20, always=True), split)
    again = tm.Run.load(run.save(tmp_path / "run"))
    assert again.model.recipe == run.model.recipe
    assert again["ndcg@10"] == run["ndcg@10"]


def test_the_doctor_sees_honest_labels_and_a_low_ceiling(world, model):
    facts = model.stages()
    evidence = Evidence(name="TwoStage", stages=Stages(**facts))
    assert stage_saw_labels(evidence) is None
    assert (low_ceiling(evidence) is None) == (model.trial.ceiling >= 0.5)
    low = Evidence(name="TwoStage", stages=Stages(**facts | {"candidate_recall": 0.2}))
    assert low_ceiling(low).numbers == {"candidate recall": 0.2, "candidates": 120}
    leaky = Stages(**facts | {"first": facts["labels"]})
    assert stage_saw_labels(Evidence(name="TwoStage", stages=leaky)) is not None
    assert len(facts["labels"]) == len(held_out(*two_parts(world.train))[1].items)


def two_parts(log):
    parts = log_parts(log, RECIPE.share)
    return parts.earlier, parts.labels


def test_the_monitor_watches_the_retriever_of_the_last_fit():
    log, _ = noise()
    seen = []
    model = replace(SMALL, retrieve=BPR(factors=4, epochs=3)).fit(
        log, seed=1, monitor=lambda epoch: seen.append(epoch.number)
    )
    assert seen == [1, 2, 3]
    assert len(model.log.curve("train_auc")) == 3


def test_importance_needs_trees_that_are_on():
    log, _ = noise()
    off = replace(SMALL, always=False).fit(log, seed=0)
    with pytest.raises(UsageError, match=r"importance\(\) of a second stage that is switched off"):
        off.importance()
    other = TwoStage(RETRIEVE, EASE(reg=5), candidates=9, always=True).fit(log)
    with pytest.raises(UsageError, match="a second stage that is EASE"):
        other.importance()
    assert set(other.stages()) == {"candidate_recall", "candidates"}


def test_a_log_too_small_for_labels_leaves_the_stage_off():
    log = tm.Interactions.of([("ann", "tea"), ("bob", "milk"), ("eve", "tea")])
    model = TwoStage(ALS(factors=2), TREES, always=True).fit(log)
    assert model.ranker is None
    assert model.trial is None
    assert model.log.notes[0].startswith(
        "second stage off: no candidate was used in the label part"
    )
    assert model.recommend(["ann"], k=3)["item"].tolist() == ["milk"]
    tried = TwoStage(ALS(factors=2), EASE()).fit(log)
    assert "nobody has a new item in the validation part" in tried.log.notes[0]
