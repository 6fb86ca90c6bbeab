import itertools

import numpy as np
import pytest
import scipy.stats

from tastemap.errors import UsageError
from tastemap.metrics.resampling import bootstrap_interval, bootstrap_p, permutation_p
from tastemap.seeding import stream


def gaps_of(n, shift, seed=0):
    return np.random.default_rng(seed).normal(shift, 1, n)


def test_the_interval_is_that_of_scipy():
    values = np.random.default_rng(1).exponential(size=300)
    ours = bootstrap_interval(values, samples=20_000, confidence=0.9)
    theirs = scipy.stats.bootstrap(
        (values,), np.mean, n_resamples=20_000, confidence_level=0.9, method="percentile", rng=2
    ).confidence_interval
    stderr = values.std(ddof=1) / np.sqrt(300)
    assert tuple(ours) == pytest.approx(tuple(theirs), abs=0.06 * stderr)


def test_the_interval_leaves_out_undefined_values_and_is_undefined_without_any():
    values = np.array([0.0, np.nan, 1.0, 1.0, np.nan])
    assert bootstrap_interval(values) == bootstrap_interval(values[[0, 2, 3]])
    assert np.isnan(bootstrap_interval(np.array([np.nan]))).all()


def test_few_users_get_the_exact_p_of_scipy():
    gaps = np.array([0.3, 0.1, 0.0, 0.25, -0.1, 0.25, 0.4, 0.0, 0.15])  # ties and zeros too
    theirs = scipy.stats.permutation_test(
        (gaps, np.zeros(9)), lambda a, b: np.mean(a - b), permutation_type="samples"
    )
    assert permutation_p(gaps[None], samples=512)[0] == pytest.approx(theirs.pvalue, abs=1e-12)


def test_few_users_get_the_share_of_all_sign_patterns():
    gaps = np.array([0.1, 0.2, 0.3, -0.4, 0.5])
    means = [abs(np.dot(signs, gaps)) for signs in itertools.product((-1, 1), repeat=5)]
    expected = np.mean([one >= abs(gaps.sum()) - 1e-12 for one in means])
    assert permutation_p(gaps[None]).tolist() == [expected]


@pytest.mark.parametrize("shift", [0.0, 0.1, 0.2])
def test_many_users_get_about_the_p_of_scipy_and_of_the_normal_law(shift):
    gaps = gaps_of(300, shift, seed=5)
    ours = permutation_p(gaps[None], samples=20_000)[0]
    theirs = scipy.stats.permutation_test(
        (gaps, np.zeros(300)),
        lambda a, b, axis: np.mean(a - b, axis=axis),
        permutation_type="samples",
        n_resamples=20_000,
        vectorized=True,
        rng=1,
    ).pvalue
    assert ours == pytest.approx(theirs, abs=0.015)
    assert ours == pytest.approx(scipy.stats.ttest_1samp(gaps, 0).pvalue, abs=0.02)


def test_the_p_of_the_bootstrap_is_the_level_whose_interval_ends_at_0():
    drawn = np.random.default_rng(0).normal(0.02, 0.01, size=(1, 4999))
    p = bootstrap_p(drawn)[0]
    for level, inside in ((0.9 * p, True), (1.1 * p, False)):
        low, high = np.quantile(drawn, [level / 2, 1 - level / 2])
        assert (low <= 0 <= high) == inside
    # 2 standard errors: .0455 by the normal law.
    assert p == pytest.approx(0.0455, abs=0.01)
    assert bootstrap_p(np.zeros((1, 99)))[0] == 1
    assert bootstrap_p(np.ones((1, 99)))[0] == 2 / 100


def test_false_alarms_come_as_often_as_the_level_says():
    rng = np.random.default_rng(3)
    gaps = rng.exponential(1, (400, 40)) * rng.choice([-1, 1], (400, 40))
    assert np.mean(permutation_p(gaps, samples=999) <= 0.1) == pytest.approx(0.1, abs=0.045)


def test_p_is_never_0_and_1_without_a_difference():
    assert permutation_p(np.full((1, 100), 0.5), samples=999)[0] == 1 / 1000
    assert permutation_p(np.zeros((1, 100)), samples=999)[0] == 1
    assert permutation_p(np.zeros((2, 3))).tolist() == [1, 1]


def test_the_sign_of_the_difference_and_its_unit_do_not_matter():
    gaps = gaps_of(200, 0.15)
    p = permutation_p(np.stack([gaps, -gaps, 1000 * gaps]), samples=999)
    assert p[0] == p[1] == p[2]


def test_the_seed_decides_and_the_size_of_the_blocks_does_not(monkeypatch):
    gaps = np.stack([gaps_of(130, 0.1), gaps_of(130, 0.2, seed=1)])
    whole = permutation_p(gaps, samples=500, seed=4)
    assert permutation_p(gaps, samples=500, seed=5).tolist() != whole.tolist()
    few = permutation_p(gaps[:, :8])
    for size in (1, 9 * 130 * 7):
        monkeypatch.setattr("tastemap.metrics.resampling.SAMPLE_BYTES", size)
        assert permutation_p(gaps, samples=500, seed=4).tolist() == whole.tolist()
        assert permutation_p(gaps[:, :8]).tolist() == few.tolist()


def test_signs_are_drawn_from_their_own_stream():
    # A slow twin of the draw: 64-bit words, lowest bit first.
    gaps = gaps_of(70, 0.1)
    rng = stream(9, "permutation")
    far = 0
    for _ in range(200):
        words = [int(word) for word in rng.integers(2**64, size=2, dtype=np.uint64)]
        signs = [1 if words[user // 64] >> user % 64 & 1 else -1 for user in range(70)]
        far += abs(np.dot(signs, gaps)) >= abs(gaps.sum())
    assert far > 5
    assert permutation_p(gaps[None], samples=200, seed=9)[0] == (1 + far) / 201


@pytest.mark.parametrize(("samples", "confidence"), [(0, 0.95), (10, 1.0), (10, 0.0)])
def test_wrong_numbers_are_refused(samples, confidence):
    said = rf"samples={samples}, confidence={confidence}\n.*1 or more.*\n.*defaults"
    with pytest.raises(UsageError, match=said):
        bootstrap_interval(np.array([1.0, 2.0]), samples, confidence=confidence)
