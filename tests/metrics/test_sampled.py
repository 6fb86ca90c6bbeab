import inspect

import numpy as np
import pytest

from tastemap.data.interactions import Interactions
from tastemap.data.split import Split
from tastemap.data.splits import leave_last_out, random_split
from tastemap.data.synthetic import popularity_only, taste_groups
from tastemap.errors import UsageError
from tastemap.kernels.jit import threads
from tastemap.metrics.compare import compare
from tastemap.metrics.evaluate import evaluate
from tastemap.metrics.sampled import evaluate_sampled
from tastemap.models import ItemKNN, Popularity, Random


@pytest.fixture(scope="module")
def split():
    return leave_last_out(taste_groups(users=300, seed=2))


@pytest.fixture(scope="module")
def model(split):
    return ItemKNN().fit(split.train)


def test_names_say_how_and_the_full_figure_stands_beside(split, model):
    both = evaluate_sampled(model, split, ["ndcg@10", "recall@5"], negatives=50)
    assert [*both.sampled.estimates] == ["ndcg@10[50 uniform]", "recall@5[50 uniform]"]
    full = evaluate(model, split, ["ndcg@10", "recall@5"])
    assert both.full.estimates == full.estimates
    assert both.sampled["ndcg@10[50 uniform]"].mean > full["ndcg@10"].mean
    line = str(both).splitlines()[0]
    assert line == (
        f"ndcg@10[50 uniform]: {both.sampled['ndcg@10[50 uniform]']}; "
        f"full ranking ndcg@10: {full['ndcg@10']}"
    )
    assert "held-out items ranked among 50 others a user, drawn uniform" in both.sampled.how


def test_a_sampled_metric_cannot_be_compared_with_a_full_one(split, model):
    both = evaluate_sampled(model, split)
    with pytest.raises(UsageError, match=r"'ndcg@10' was not measured \(sampled\)\n"):
        compare({"full": both.full, "sampled": both.sampled}, "ndcg@10")


def test_with_all_items_drawn_it_is_the_full_ranking(split, model):
    for drawn in ("uniform", "popular"):
        both = evaluate_sampled(model, split, ["ndcg@10", "mrr@3"], 120, drawn=drawn)
        for full, sampled in zip(both.full.per_user, both.sampled.per_user, strict=True):
            values = both.sampled.per_user[sampled]
            np.testing.assert_array_equal(both.full.per_user[full], values)


def test_a_scorer_that_knows_nothing_finds_one_in_twenty(split):
    both = evaluate_sampled(Random().fit(split.train, seed=3), split, ["recall@1"], negatives=19)
    found = both.sampled["recall@1[19 uniform]"]
    assert found.mean == pytest.approx(1 / 20, abs=3.5 * (0.05 * 0.95 / found.n) ** 0.5)


def test_among_one_other_item_recall_at_1_is_the_auc(split, model):
    # The chance to stand above one item drawn at random is the AUC of the user.
    full = evaluate(model, split, ["auc"])["auc"].mean
    hits = [
        evaluate_sampled(model, split, ["recall@1"], 1, seed=seed).sampled["recall@1[1 uniform]"]
        for seed in range(5)
    ]
    spread = (full * (1 - full) / (5 * hits[0].n)) ** 0.5
    assert np.mean([one.mean for one in hits]) == pytest.approx(full, abs=4 * spread + 0.01)


def test_drawing_by_popularity_is_harder_for_popularity():
    split = random_split(popularity_only(users=300, items=200, seed=1), test=0.2, seed=1)
    popular = Popularity().fit(split.train)
    uniform, by_count = (
        evaluate_sampled(popular, split, ["mrr@5"], 20, drawn=drawn).sampled
        for drawn in ("uniform", "popular")
    )
    assert by_count["mrr@5[20 popular]"].mean < 0.7 * uniform["mrr@5[20 uniform]"].mean


def test_items_are_drawn_in_proportion_to_their_users():
    # Used by 60, 30 and 10 people; what is drawn first for each of 600 who know only x.
    regulars = [
        (n, item) for item, people in (("c", 60), ("b", 30), ("a", 10)) for n in range(people)
    ]
    strangers = [(user, item) for user in range(1000, 1600) for item in ("x", "y")]
    log = Interactions.of(regulars + strangers)
    held = log.item == log.items.encode(["y"])[0]
    split = Split(log[~held], None, log[held], how="by hand")
    model = Popularity().fit(split.train)
    found = evaluate_sampled(model, split, ["recall@2"], 1, drawn="popular").sampled
    y = log.items.encode(["y"])[0]
    drawn = found.ranking.items[found.ranking.items != y]
    counts = np.bincount(drawn, minlength=5)[log.items.encode(["a", "b", "c"])]
    assert counts.sum() == 600
    expected = np.array([60, 180, 360])
    assert ((counts - expected) ** 2 / expected).sum() < 13.8  # chi-square, 2 degrees: p = .001


def test_nothing_seen_or_held_out_is_drawn_and_nothing_twice():
    split = random_split(taste_groups(seed=4), test=0.3, seed=4)
    both = evaluate_sampled(ItemKNN().fit(split.train), split, ["recall@60"], 40)
    histories, truth = split.queries()
    items = both.sampled.ranking.items
    for row in range(len(truth)):
        listed = items[row][items[row] >= 0].tolist()
        assert len(listed) == len(set(listed)) == 40 + len(truth.row(row))
        assert not set(listed) & set(histories.row(row))
        assert set(truth.row(row)) <= set(listed)


def test_the_seed_decides_and_blocks_and_threads_do_not(split, model, monkeypatch):
    def values(seed=0):
        found = evaluate_sampled(model, split, ["ndcg@10"], 20, seed).sampled
        return found.per_user["ndcg@10[20 uniform]"].tolist()

    whole = values()
    assert values(seed=1) != whole
    with threads(1):
        assert values() == whole
    monkeypatch.setattr("tastemap.recommend.BLOCK_BYTES", 7 * 4 * len(model.items))
    assert values() == whole


def test_the_ceiling_is_there_too(split, model):
    both = evaluate_sampled(model, split, ["precision@10"])
    assert both.sampled.ceilings["precision@10[99 uniform]"].mean == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"negatives": 0}, r"negatives=0, drawn='uniform', 2 metrics\n.*one or more negatives"),
        ({"drawn": "at random"}, r"drawn='at random'.*\n.*'uniform' or 'popular'"),
        ({"metrics": ()}, r"0 metrics\n"),
        ({"metrics": ["auc"]}, r"unknown metric 'auc'\n.*precision@k"),
        ({"metrics": ["ndcg@0"]}, r"'ndcg@0' with k = '0'"),
    ],
)
def test_wrong_arguments_are_refused(split, model, options, said):
    with pytest.raises(UsageError, match=said):
        inspect.unwrap(evaluate_sampled)(model, split, **options)
