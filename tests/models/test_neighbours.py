"""Neighbourhood models against dense formulas."""

import numpy as np
import pytest
from scipy.spatial.distance import cosine

from tastemap import Histories
from tastemap.models import ItemKNN, RP3beta
from worlds import noise, withheld


def dense():
    log, _ = noise()
    return log, log.matrix().toarray().astype(np.float64)


def test_cosine_equals_scipy_s_for_every_kept_pair():
    log, x = dense()
    strength = ItemKNN(neighbours=79, weighting="cosine", shrink=0).fit(log).strength.toarray()
    for i, j in [(0, 1), (5, 40), (79, 3)]:
        assert strength[i, j] == pytest.approx(1 - cosine(x[:, i], x[:, j]), abs=1e-6)
    assert np.diag(strength).tolist() == [0.0] * 80


def test_shrink_multiplies_by_shared_users_over_shared_plus_shrink():
    log, x = dense()
    plain = ItemKNN(neighbours=79, weighting="cosine", shrink=0).fit(log).strength.toarray()
    shrunk = ItemKNN(neighbours=79, weighting="cosine", shrink=10).fit(log).strength.toarray()
    shared = x.T @ x
    np.testing.assert_allclose(shrunk, plain * shared / (shared + 10), atol=1e-6)


def test_each_item_keeps_its_strongest_neighbours():
    log, _ = dense()
    whole = ItemKNN(neighbours=79, weighting="cosine", shrink=0).fit(log).strength.toarray()
    cut = ItemKNN(neighbours=5, weighting="cosine", shrink=0).fit(log).strength.toarray()
    assert ((cut > 0).sum(axis=0) == 5).all()
    for i in range(80):
        kept = cut[:, i][cut[:, i] > 0]
        np.testing.assert_allclose(np.sort(kept), np.sort(whole[:, i])[-5:], atol=1e-7)


def test_tfidf_counts_events_of_long_histories_for_less():
    log, x = dense()
    log = log[(log.user >= 75) | (log.item % 2 == 0)]
    x = log.matrix().toarray().astype(np.float64)
    weighted = x * np.log(81 / (1 + x.sum(1)))[:, None]
    found = ItemKNN(neighbours=79, shrink=0, weighting="tfidf").fit(log).strength.toarray()
    assert found[0, 2] == pytest.approx(1 - cosine(weighted[:, 0], weighted[:, 2]), abs=1e-6)


def test_bm25_equals_its_formula_on_weights():
    log, _ = dense()
    weight = (1 + log.item % 4 + log.user % 3).astype(np.float32)
    log = type(log)(log.user, log.item, weight, log.time, log.users, log.items)
    x = log.matrix().toarray().astype(np.float64)
    idf = np.log(81 / (1 + (x > 0).sum(1)))[:, None]
    size = x.sum(0) / x.sum(0).mean()
    weighted = idf * x * 2.2 / (x + 1.2 * (0.25 + 0.75 * size))
    recipe = ItemKNN(neighbours=79, shrink=0, weighting="bm25", use_weights=True)
    found = recipe.fit(log).strength.toarray()
    assert found[0, 2] == pytest.approx(1 - cosine(weighted[:, 0], weighted[:, 2]), abs=1e-6)


def test_rp3beta_equals_the_walk_by_matrix_products():
    log, x = dense()
    to_item = (x / x.sum(1, keepdims=True)) ** 1.3
    to_user = (x.T / x.T.sum(1, keepdims=True)) ** 1.3
    walked = to_user @ to_item / x.sum(0) ** 0.4
    np.fill_diagonal(walked, 0)
    found = RP3beta(alpha=1.3, beta=0.4, neighbours=79).fit(log).strength.toarray()
    np.testing.assert_allclose(found, walked, atol=1e-6)


@pytest.mark.parametrize("use_weights", [False, True])
def test_contributions_add_up_where_an_item_was_used_twice(use_weights):
    log, _ = withheld()
    model = ItemKNN(neighbours=20, use_weights=use_weights).fit(log)
    history = Histories.of_items([[3, 17, 3, 40]])
    expected = float(model.score(history)[0, 6])
    assert model.contributions(history, 6).sum() == pytest.approx(expected, rel=1e-5)
    once = float(model.score(Histories.of_items([[3, 17, 40]]))[0, 6])
    assert (expected == pytest.approx(once)) is not use_weights


def test_newer_events_count_more_where_older_ones_decay():
    log, _ = withheld()
    plain = ItemKNN(neighbours=20, shrink=0).fit(log)
    fading = ItemKNN(neighbours=20, shrink=0, decay=0.5).fit(log)
    histories = Histories.of_items([[3, 17, 40], [5]])
    by_hand = sum(
        weight * plain.score(Histories.of_items([[item]]))[0]
        for item, weight in ((3, 0.25), (17, 0.5), (40, 1.0))
    )
    np.testing.assert_allclose(fading.score(histories)[0], by_hand, rtol=1e-5)
    np.testing.assert_array_equal(fading.score(histories)[1], plain.score(histories)[1])
    parts = fading.contributions(histories.take(slice(0, 1)), 6)
    assert parts.sum() == pytest.approx(by_hand[6], rel=1e-5)
