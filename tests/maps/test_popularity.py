"""How much of a layout is popularity, against SciPy and scikit-learn."""

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.decomposition import PCA
from sklearn.linear_model import LinearRegression

from tastemap.maps.popularity import pc1_popularity, popularity_pull, popularity_share, spearman
from tastemap.seeding import stream

RNG = stream(0, "popularity")
COUNTS = RNG.geometric(0.05, 300)
NOISE = RNG.standard_normal((300, 8))
FAMOUS = np.outer(np.log1p(COUNTS), RNG.standard_normal(8))


def test_spearman_is_that_of_scipy_with_ties():
    a, b = RNG.integers(0, 9, 80), RNG.integers(0, 5, 80)
    assert spearman(a, b) == pytest.approx(spearmanr(a, b).statistic)
    assert spearman(a, np.ones(80)) is None


def test_the_share_is_the_r_squared_of_a_regression_on_log_counts():
    vectors = NOISE + FAMOUS
    log = np.log1p(COUNTS)[:, None]
    explained = LinearRegression().fit(log, vectors).predict(log).var(axis=0).sum()
    share = explained / vectors.var(axis=0).sum()
    assert popularity_share(vectors, COUNTS) == pytest.approx(share)
    assert 0.1 < share < 0.9


def test_the_share_is_whole_for_popularity_alone_and_none_for_noise():
    assert popularity_share(FAMOUS + 5, COUNTS) == pytest.approx(1)
    assert popularity_share(NOISE, COUNTS) < 0.02
    assert popularity_share(np.ones((300, 3)), COUNTS) is None
    assert popularity_share(NOISE, np.full(300, 7)) is None


def test_pc1_popularity_is_spearman_with_the_first_component():
    vectors = NOISE + 0.5 * FAMOUS
    first = PCA(1).fit_transform(vectors)[:, 0]
    truth = abs(spearmanr(first, COUNTS).statistic)
    assert pc1_popularity(vectors, COUNTS) == pytest.approx(truth, abs=1e-6)
    assert truth > 0.7


def test_pull_is_the_correlation_with_the_neighbours_counts():
    order = np.argsort(COUNTS, kind="stable")
    place = np.empty(300, dtype=int)
    place[order] = np.arange(300)
    beside = order[np.clip(place[:, None] + [-1, 1], 0, 299)].astype(np.int32)
    assert popularity_pull(beside, COUNTS) > 0.98
    anyone = RNG.integers(0, 300, (300, 10)).astype(np.int32)
    assert abs(popularity_pull(anyone, COUNTS)) < 0.2
