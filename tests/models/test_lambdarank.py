import sys
from dataclasses import replace

import numpy as np
import pytest

from tastemap import Histories, InputError, MissingExtra, UsageError, load, threads
from tastemap.models import ALS, ItemKNN, Lambdarank, Popularity, TwoStage
from tastemap.models import lambdarank as module
from tastemap.models.candidate_features import Sources
from tastemap.models.lambdarank import Queries, Trees, row_blocks
from tastemap.seeding import stream
from worlds import noise


def drawn(users=60, each=40, seed=0):
    """Queries whose labels follow the first of three features, the last upside down."""
    rng = stream(seed, "drawn")
    features = rng.random((users * each, 3), dtype=np.float32)
    labels = (features[:, 0] + 0.1 * rng.random(users * each) > 0.9).astype(np.int32)
    return Queries(features, labels, np.full(users, each), ("told", "chance", "more"))


def sources(log):
    return Sources(Popularity().fit(log), (ItemKNN().fit(log),), None)


def test_trees_learn_the_order_and_say_what_they_learned_it_from():
    trees = Trees(Lambdarank(trees=30, min_rows=20).grow([drawn()], 10, 1), sources(noise()[0]))
    fresh = drawn(seed=1)
    said = trees._booster.predict(fresh.features)
    assert np.mean(said[fresh.labels == 1]) > np.mean(said[fresh.labels == 0]) + 1
    table = trees.importance()
    assert table["feature"][0] == "told"
    assert table["gain"][0] > 0.9


def test_bits_do_not_depend_on_the_number_of_threads(monkeypatch):
    monkeypatch.setattr(module, "MANY_ROWS", 0)
    recipe = Lambdarank(trees=20, min_rows=20)
    queries = drawn(users=200)
    with threads(1):
        one = recipe.grow([queries], 10, 1)
    with threads(2):
        two = recipe.grow([queries], 10, 1)
    np.testing.assert_array_equal(one, two)
    assert b"num_threads" not in one.tobytes()


@pytest.mark.parametrize(
    "changes",
    [{"trees": 9}, {"leaves": 3}, {"learning_rate": 0.3}, {"min_rows": 300}, {"reg": 500.0}],
    ids=str,
)
def test_every_hyper_parameter_reaches_the_trees(changes):
    recipe = Lambdarank(trees=10, min_rows=20)
    plain, changed = (r.grow([drawn()], 10, 1) for r in (recipe, replace(recipe, **changes)))
    assert not np.array_equal(plain, changed)


def test_pairs_beyond_the_list_do_not_count():
    recipe = Lambdarank(trees=10, min_rows=20)
    assert not np.array_equal(recipe.grow([drawn()], 1, 1), recipe.grow([drawn()], 20, 1))


def test_queries_are_each_users_candidates_with_what_she_went_on_to_use():
    log, held_out = noise()
    known = log.histories()
    truth = Histories.of_items(list(held_out[:, None]), user=range(150))
    made_from = sources(log)
    queries = Queries.of(made_from, known, truth, 30, 0)
    items, scores, _ = made_from.candidates(known, 30)
    hit = items == held_out[:, None]
    assert queries.sizes.tolist() == [30] * int(hit.any(axis=1).sum())
    wanted = hit[hit.any(axis=1)]
    np.testing.assert_array_equal(queries.labels.reshape(-1, 30), wanted)
    column = queries.names.index("popularity_score")
    np.testing.assert_array_equal(
        queries.features[:, column].reshape(-1, 30), scores[hit.any(axis=1)]
    )


def test_queries_do_not_depend_on_the_blocks(monkeypatch):
    log, held_out = noise()
    truth = Histories.of_items(list(held_out[:, None]), user=range(150))
    whole = Queries.of(sources(log), log.histories(), truth, 30, 0)
    monkeypatch.setattr(module, "CELLS", 200)
    parts = Queries.of(sources(log), log.histories(), truth, 30, 0)
    np.testing.assert_array_equal(whole.features, parts.features)
    np.testing.assert_array_equal(whole.labels, parts.labels)
    np.testing.assert_array_equal(whole.sizes, parts.sizes)


def test_of_too_many_users_some_are_drawn(monkeypatch):
    log, held_out = noise()
    truth = Histories.of_items(list(held_out[:, None]), user=range(150))
    monkeypatch.setattr(module, "ROWS", 80 * 40)
    some = Queries.of(sources(log), log.histories(), truth, 80, 0)
    assert len(some.sizes) == 40
    other = Queries.of(sources(log), log.histories(), truth, 80, 1)
    assert not np.array_equal(some.features, other.features)


def test_no_candidate_used_is_no_query():
    log, _ = noise()
    nothing = Histories.of_items([[]] * 150, user=range(150))
    assert Queries.of(sources(log), log.histories(), nothing, 30, 0) is None


def test_row_blocks_cover_all_rows_and_keep_cells_few(monkeypatch):
    monkeypatch.setattr(module, "CELLS", 1000)
    parts = list(row_blocks(105, 100, 5000))
    assert [row for part in parts for row in range(part.start, part.stop)] == list(range(105))
    assert max(part.stop - part.start for part in parts) == 10


def test_a_missing_lightgbm_is_named_with_its_extra(monkeypatch, tmp_path):
    log, _ = noise()
    recipe = TwoStage(ALS(factors=4, epochs=2), Lambdarank(trees=3, min_rows=5), 20, always=True)
    path = recipe.fit(log).save(tmp_path / "model")
    monkeypatch.setitem(sys.modules, "lightgbm", None)
    with pytest.raises(MissingExtra, match=r"pip install 'tastemap\[rank\]'"):
        recipe.fit(log)
    with pytest.raises(MissingExtra, match=r"Lambdarank \(LightGBM\) needs packages"):
        load(path).recommend([100])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Lambdarank(trees=0), r"Lambdarank\(trees=0\)"),
        (lambda: Lambdarank(learning_rate=0), "a number above 0"),
        (lambda: Lambdarank(leaves=1), "a whole number from 2 on"),
        (lambda: Lambdarank(min_rows=0), r"min_rows=0"),
        (lambda: Lambdarank(reg=-1), "a number from 0 on"),
    ],
)
def test_refuses_hyper_parameters_that_cannot_work(make, message):
    with pytest.raises(UsageError, match=message):
        make()


def test_refuses_more_candidates_than_a_query_may_hold():
    with pytest.raises(InputError, match=r"10,001 candidates a user for Lambdarank"):
        TwoStage(candidates=10_001)
    assert TwoStage(rank=ALS(), candidates=10_001).candidates == 10_001
