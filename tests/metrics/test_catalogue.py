import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference import gini_of, mean_shared
from tastemap.data.interactions import Histories, Interactions
from tastemap.errors import UsageError
from tastemap.metrics.catalogue import (
    CATALOGUE,
    Audience,
    coverage,
    gini,
    novelty,
    personalisation,
    popularity,
)
from tastemap.recommend import Ranking

ITEMS, K = 9, 4


def ranking_of(lists, k=K):
    padded = np.array([(list(one) + [-1] * k)[:k] for one in lists], dtype=np.int32)
    return Ranking.of(padded.reshape(len(lists), k), Histories.of_items([[0]] * len(lists)))


def audience_of(counts, users=16):
    return Audience(np.array(counts, dtype=np.int64), users)


EVERYBODY = audience_of([16, 8, 4, 2, 1, 0, 1, 1, 1])


def test_an_audience_counts_people_not_events():
    log = Interactions.of([("a", 1), ("a", 1), ("b", 1), ("b", 2)])
    audience = Audience.of(log)
    assert audience.counts.tolist() == [2, 1]
    assert audience.users == 2
    without_b = Audience.of(log[log.user == 0])
    assert without_b.counts.tolist() == [1, 0]
    assert without_b.users == 1


def test_hand_arithmetic():
    ranking = ranking_of([[0, 1], [0, 5], []])
    assert coverage(ranking, 2, EVERYBODY) == 3 / 9
    # log2(16/16) = 0, log2(16/8) = 1; item 5 was used by nobody and counts as used by one: 4 bits
    np.testing.assert_allclose(novelty(ranking, 2, EVERYBODY), [0.5, 2, np.nan])
    np.testing.assert_allclose(popularity(ranking, 2, EVERYBODY), [0.75, 0.5, np.nan])
    # Of three pairs of users one shares one place of two.
    assert personalisation(ranking, 2, EVERYBODY) == pytest.approx(1 - (1 / 2) / 3)
    # Places 0 six times, 1, 1, 2: (1*(2*7-10) + 1*(2*8-10) + 2*(2*9-10)) / (9*4)
    assert gini(ranking, 2, EVERYBODY) == pytest.approx(26 / 36)


def test_everybody_with_the_same_list_is_the_worst_spread():
    ranking = ranking_of([[0, 1, 2, 3]] * 5)
    assert personalisation(ranking, 4, EVERYBODY) == 0
    assert gini(ranking_of([[3]] * 5), 1, EVERYBODY) == pytest.approx(1 - 1 / ITEMS)


def test_places_spread_evenly_give_gini_0_and_coverage_1():
    ranking = ranking_of([[i] for i in range(ITEMS)])
    assert gini(ranking, 1, EVERYBODY) == 0
    assert coverage(ranking, 1, EVERYBODY) == 1
    assert personalisation(ranking, 1, EVERYBODY) == 1


def test_what_is_undefined_is_nan():
    nothing = ranking_of([[], []])
    assert np.isnan(gini(nothing, 2, EVERYBODY))
    assert np.isnan(personalisation(ranking_of([[1, 2]]), 2, EVERYBODY))
    assert np.isnan(novelty(nothing, 2, EVERYBODY)).all()
    assert coverage(nothing, 2, EVERYBODY) == 0


lists_of_items = st.lists(
    st.lists(st.integers(0, ITEMS - 1), max_size=K, unique=True), min_size=2, max_size=6
)


@given(lists=lists_of_items, k=st.integers(1, K))
def test_values_stay_in_their_range(lists, k):
    ranking = ranking_of(lists)
    for name, metric in CATALOGUE.items():
        values = np.atleast_1d(metric(ranking, k, EVERYBODY))
        values = values[~np.isnan(values)]
        assert (values >= 0).all(), name
        assert (values <= (4 if name == "novelty" else 1)).all(), name


@given(lists=lists_of_items, k=st.integers(1, K))
def test_gini_and_personalisation_equal_loops_over_pairs(lists, k):
    ranking, cut = ranking_of(lists), [one[:k] for one in lists]
    assert personalisation(ranking, k, EVERYBODY) == pytest.approx(1 - mean_shared(cut, k))
    counts = [sum(item in one for one in cut) for item in range(ITEMS)]
    if sum(counts):
        assert gini(ranking, k, EVERYBODY) == pytest.approx(gini_of(counts))


@given(lists=lists_of_items)
def test_coverage_never_falls_with_k(lists):
    values = [coverage(ranking_of(lists), k, EVERYBODY) for k in range(1, K + 1)]
    assert values == sorted(values)


@pytest.mark.parametrize("metric", CATALOGUE)
def test_what_does_not_fit_is_refused(metric):
    with pytest.raises(UsageError, match=r"k is 5 and item 1 is listed\n.*k from 1 to 4.*\n.*"):
        CATALOGUE[metric](ranking_of([[1]]), 5, EVERYBODY)
    with pytest.raises(UsageError, match=r"item 3 is listed\n.*items from 0 to 1\n"):
        CATALOGUE[metric](ranking_of([[3]]), 2, audience_of([1, 1]))
