from dataclasses import replace

import numpy as np
import pytest

from tastemap import Histories, Interactions
from tastemap.data.interactions import ItemTable
from tastemap.models import ALS, EASE, ItemKNN, Popularity
from tastemap.models.candidate_features import DAY, Sources, last_events, model_names
from worlds import log_of, noise

EVENTS = [  # user, item, day
    (0, 0, 0),
    (1, 0, 1),
    (2, 0, 2),
    (0, 1, 6),
    (1, 2, 8),
    (2, 2, 10),
]


def timed(**changes):
    user, item, day = np.array(EVENTS).T
    return replace(log_of(user, item, time=day * DAY), **changes)


def found(log, items, histories=None, others=(), window=4 * DAY, retrieve=None):
    first = (retrieve or Popularity()).fit(log, seed=1)
    sources = Sources(first, tuple(one.fit(log, seed=1) for one in others), window)
    histories = log.histories() if histories is None else histories
    items = np.array(items, dtype=np.int32)
    codes = np.maximum(items, 0).astype(np.int64)
    scores = np.take_along_axis(first.score(histories), codes, axis=1)
    return sources.features(histories, items, scores)


def test_popularity_is_the_log_of_counts_against_the_mean():
    features = found(timed(), [[0, 1, 2]] * 3)
    np.testing.assert_allclose(
        features["item_popularity"][0], np.log([4 / 3, 2 / 3, 3 / 3]), rtol=1e-6
    )
    recent = np.log(np.array([1, 1, 3]) / (2 / 3 + 1))  # days 7 to 10 hold item 2 twice
    np.testing.assert_allclose(features["item_popularity_recent"][1], recent, rtol=1e-6)
    newest = np.log(np.array([1, 1, 2]) / (1 / 3 + 1))  # the last day holds it once
    np.testing.assert_allclose(features["item_popularity_newest"][2], newest, rtol=1e-6)
    np.testing.assert_allclose(
        features["item_trend"][0], recent - features["item_popularity"][0], rtol=1e-6
    )


def test_ages_count_from_the_end_of_the_log():
    log = timed()
    unused = replace(log, items=log_of([0], [3]).items)
    features = found(unused, [[0, 1, 2, 3]] * 3)
    np.testing.assert_allclose(features["item_age"][0, :3], np.log1p([10, 4, 2]), rtol=1e-6)
    np.testing.assert_allclose(features["item_rest"][0, :3], np.log1p([8, 4, 0]), rtol=1e-6)
    assert np.isnan(features["item_age"][:, 3]).all()


def test_users_are_told_by_their_events_and_when_they_were():
    log = timed()
    features = found(log, [[1, 2]] * 3)
    np.testing.assert_allclose(features["user_events"][:, 1], np.log([3, 3, 3]), rtol=1e-6)
    np.testing.assert_allclose(features["user_rest"][:, 0], np.log1p([4, 2, 0]), rtol=1e-6)
    np.testing.assert_allclose(
        features["user_popularity"][0, 0], np.log([4 / 3, 2 / 3]).mean(), rtol=1e-6
    )
    strangers = found(log, [[1, 2]] * 2, Histories.of_items([[], [0]]))
    assert np.isnan(strangers["user_rest"]).all()
    assert np.isnan(strangers["user_popularity"][0]).all()
    np.testing.assert_allclose(strangers["user_events"][:, 0], np.log([1, 2]), rtol=1e-6)


def test_no_feature_of_time_without_times_or_window():
    timeless = {"popularity_score", "popularity_place", "item_popularity", "user_events"}
    for features in (found(timed(), [[0]] * 3, window=None), found(timed(time=None), [[0]] * 3)):
        assert set(features) == timeless | {"user_popularity"}


def test_labels_match_the_users_profile():
    labels = (("a",), ("a", "b"), ("c",))
    titles = np.array(["x", "y", "z"], dtype=object)
    log = timed(table=ItemTable(titles, labels))
    features = found(log, [[0, 1, 2]] * 2, Histories.of_items([[0], []]))
    rarity = {"a": np.log(1 + 3 / 2), "b": np.log(1 + 3), "c": np.log(1 + 3)}
    both = rarity["a"] / np.hypot(rarity["a"], rarity["b"])
    np.testing.assert_allclose(features["label_match"][0], [1, both, 0], rtol=1e-5)
    np.testing.assert_allclose(features["label_match_newest"][0], [1, both, 0], rtol=1e-5)
    np.testing.assert_allclose(features["label_known"][0], [1, 0.5, 0], rtol=1e-5)
    assert (features["label_match"][1] == 0).all()


def test_newest_labels_forget_old_items():
    labels = tuple((x,) for x in "abbbbb")
    log = replace(
        noise()[0], table=ItemTable(np.array([""] * 80, dtype=object), labels + ((),) * 74)
    )
    features = found(log, [[0, 1]], Histories.of_items([[0, 1, 2, 3, 4, 5]]))
    assert features["label_match"][0, 0] > 0
    assert features["label_match_newest"][0].tolist() == [0, 1]


def test_likeness_is_the_cosine_with_the_newest_items():
    log, _ = noise()
    model = ALS(factors=4, epochs=3)
    histories = Histories.of_items([[9, 3, 4, 5, 6, 7], [8], []])
    features = found(log, [[0, 1, 2]] * 3, histories, retrieve=model)
    cosine = model.fit(log, seed=1).similarity(np.arange(80, dtype=np.int32))
    np.testing.assert_allclose(features["likeness_last"][0], cosine[7, :3], atol=1e-6)
    np.testing.assert_allclose(
        features["likeness_newest"][0], cosine[3:8, :3].max(axis=0), atol=1e-6
    )
    np.testing.assert_allclose(features["likeness_newest"][1], cosine[8, :3], atol=1e-6)
    assert np.isnan(features["likeness_last"][2]).all()


def test_other_models_give_scores_places_and_what_the_last_items_say():
    log, _ = noise()
    histories = log.histories([4, 9])
    items = [[5, 60, 7, -1], [70, 2, 3, 4]]
    features = found(log, items, histories, others=(EASE(reg=5), Popularity()))
    ease = EASE(reg=5).fit(log)
    scores = ease.score(histories)
    np.testing.assert_array_equal(features["ease_score"][1], scores[1, [70, 2, 3, 4]])
    wanted = np.argsort(np.argsort(-scores[1, [70, 2, 3, 4]]))
    assert features["ease_place"][1].tolist() == wanted.tolist()
    assert sorted(features["ease_place"][0, :3].tolist()) == [0, 1, 2]
    newest = [histories.row(r)[-5:] for r in (0, 1)]
    np.testing.assert_allclose(
        features["ease_last_items"][1],
        ease.score(Histories.of_items(newest))[1, [70, 2, 3, 4]],
        rtol=1e-6,
    )
    assert "popularity2_last_items" not in features
    assert {"popularity_score", "popularity2_score"} <= set(features)


def test_candidates_are_the_retrievers_best_unused_items():
    log = timed()
    items, scores, every = Sources(Popularity().fit(log)).candidates(log.histories(), 2)
    assert items.tolist() == [[2, -1], [1, -1], [1, -1]]
    assert scores[0].tolist() == [2, -np.inf]
    assert every[0].tolist() == [3, 1, 2]


def test_fits_all_models_on_one_log_and_the_monitor_watches_the_retriever():
    log, _ = noise()
    seen = []
    sources = Sources.fit(
        ALS(factors=4, epochs=2),
        (ALS(factors=4, epochs=5), ItemKNN()),
        log,
        None,
        seed=3,
        monitor=lambda epoch: seen.append(epoch.number),
    )
    assert seen == [1, 2]
    assert all(model.seed == 3 and model.train is log for model in sources.others)
    assert model_names([sources.retriever, *sources.others]) == ["als", "als2", "itemknn"]


@pytest.mark.parametrize("number", [1, 3, 10])
def test_last_events_are_the_end_of_each_history(number):
    histories = Histories.of_items([[4, 5, 6, 7], [], [1, 2]])
    cut = last_events(histories, number)
    assert [cut.row(r).tolist() for r in range(3)] == [
        histories.row(r).tolist()[-number:] for r in range(3)
    ]
    assert (cut.user == -1).all()


def test_a_log_without_labels_has_no_feature_of_labels():
    log = Interactions.of([("ann", "tea"), ("bob", "milk")])
    blank = replace(log, table=ItemTable(np.array(["", ""], dtype=object), ((), ())))
    assert not [name for name in found(blank, [[0]] * 2) if "label" in name]
