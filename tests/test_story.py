"""The whole job on a small planted world."""

import json
from html.parser import HTMLParser

import duckdb
import numpy as np
import pytest

import tastemap as tm
from tastemap.models import ALS, BPR, EASE, SVD, ItemKNN, Popularity, Random
from tastemap.story import LINE_UP, comparison, tell

RECIPES = (
    Random(),
    Popularity(),
    ItemKNN(),
    EASE(reg=20),
    SVD(factors=8),
    ALS(factors=8, epochs=5),
)


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    world = tm.synthetic.taste_groups(users=120, items=60, seed=3)
    return tell(world, tmp_path_factory.mktemp("out"), recipes=RECIPES, seed=7)


def test_the_line_up_is_the_one_that_is_promised():
    assert [r.name for r in LINE_UP] == [
        "Random",
        "Popularity",
        "ItemKNN",
        "EASE",
        "SVD",
        "ALS",
        "BPR",
    ]


def test_everybody_who_was_kept_gets_ten_items_they_have_not_used(story):
    path = story.files["recommendations"]
    rows = duckdb.sql(f"select * from '{path}'").fetchnumpy()
    train = story.model.train
    assert len(rows["user"]) == 10 * len(train.users)
    used = set(
        zip(
            train.users.decode(train.user).tolist(),
            train.items.decode(train.item).tolist(),
            strict=True,
        )
    )
    listed = set(zip(rows["user"].tolist(), rows["item"].tolist(), strict=True))
    assert not used & listed
    assert len(listed) == len(rows["user"])


def test_the_chosen_model_is_the_best_on_validation_and_is_fitted_on_all_events(story):
    chosen = story.report.verdict.model
    personal = [run for run in story.runs if run.name not in ("Random", "Popularity")]
    best = max(personal, key=lambda run: run.validation["ndcg@10"].mean)
    assert chosen == best.name
    assert story.model.recipe == best.model.recipe
    assert len(story.model.train) == sum(len(part) for part in story.split.parts().values())


def test_saved_models_give_the_same_answers(story):
    again = tm.load(story.files["model"])
    users = story.model.users.ids[:5].tolist()
    assert again.recommend(users)["item"].tolist() == story.model.recommend(users)["item"].tolist()
    manifest = json.loads((story.files["model"] / "manifest.json").read_text())
    assert manifest["metrics"]["ndcg@10"] == pytest.approx(
        next(r for r in story.runs if r.name == story.report.verdict.model)["ndcg@10"].mean
    )


def test_saved_runs_come_back_whole(story):
    run = story.runs[-1]
    again = tm.Run.load(story.files["runs"] / run.name)
    assert str(again) == str(run)
    assert again.how == run.how
    for part, log in run.split.parts().items():
        assert again.split.parts()[part].fingerprint() == log.fingerprint()
    assert again.split.known.fingerprint() == run.split.known.fingerprint()
    assert again.yardsticks["Popularity"]["ndcg@10"] == run.yardsticks["Popularity"]["ndcg@10"]
    np.testing.assert_array_equal(
        again.validation.per_user["ndcg@10"], run.validation.per_user["ndcg@10"]
    )
    model = tm.load(story.files["runs"] / run.name)
    histories = run.model.train.histories()
    np.testing.assert_array_equal(model.score(histories), run.model.score(histories))


def test_a_model_without_a_run_is_not_a_run(story):
    with pytest.raises(tm.UsageError, match="holds a model without a run"):
        tm.Run.load(story.files["model"])


def test_the_comparison_fits_80_columns_and_names_every_model(story):
    text = comparison(story.report)
    assert max(map(len, text.splitlines())) <= 80
    for recipe in RECIPES:
        assert recipe.name in text


def test_the_report_is_one_page_without_outside_references(story):
    text = story.files["report"].read_text()
    assert len(text.encode()) < 400_000
    references = []

    class Finder(HTMLParser):
        def handle_starttag(self, tag, attrs):
            references.extend(v for k, v in attrs if k in ("src", "href") and not v.startswith("#"))

    Finder().feed(text)
    assert references == []


def test_a_person_is_shown_by_title_with_reasons(story):
    person = story.person()
    titles = set(story.model.train.table.titles)
    assert {past.title for past in person.history} <= titles
    assert any(one.because for one in person.recommendations)


def test_a_recipe_that_cannot_be_trained_is_left_out_and_said_so(tmp_path):
    said = []
    world = tm.synthetic.taste_groups(users=40, items=30, seed=3)
    story = tell(
        world, tmp_path, recipes=[Popularity(), ItemKNN(), SVD(factors=500)], say=said.append
    )
    assert [run.name for run in story.runs] == ["Popularity", "ItemKNN"]
    assert any("SVD is left out: SVD(factors=500)" in line for line in said)


def test_the_same_seed_writes_the_same_lists(tmp_path):
    world = tm.synthetic.taste_groups(users=60, items=40, seed=3)
    recipes = [Popularity(), ALS(factors=4, epochs=3), BPR(factors=4, epochs=10)]
    lists = [
        tell(world, tmp_path / name, recipes=recipes, seed=1).model.recommend()["item"].tolist()
        for name in ("a", "b")
    ]
    assert lists[0] == lists[1]
