import inspect

import numpy as np
import pytest
import scipy.stats

from tastemap.data.interactions import Histories
from tastemap.errors import InputError, UsageError
from tastemap.metrics.compare import (
    Difference,
    compare,
    minimum_detectable_effect,
    paired_difference,
)
from tastemap.metrics.evaluate import evaluate_lists
from tastemap.metrics.result import Estimate, Evaluation
from tastemap.recommend import Ranking
from tastemap.seeding import stream


def evaluation_of(values, metric="ndcg@10", users=None, relevant=None):
    """An evaluation with these values a user."""
    values = np.asarray(values, dtype=np.float64)
    n = len(values)
    empty = Ranking.of(np.full((n, 1), -1, dtype=np.int32), Histories.of_items([[0]] * n))
    if relevant is not None:
        empty = Ranking(
            empty.items, empty.hits, np.array(relevant, np.int64), empty.gains, empty.ideal
        )
    return Evaluation(
        estimates={metric: Estimate.of(values), "auc_global": Estimate(0.5, None, n)},
        per_user={metric: values},
        users=np.arange(n, dtype=np.int32) if users is None else np.array(users, np.int32),
        ranking=empty,
        without_truth=0,
        cold_users=0,
        seconds=0.0,
        how="",
    )


@pytest.fixture
def pair():
    rng = np.random.default_rng(0)
    base = rng.random(400)
    return evaluation_of(base + rng.normal(0.05, 0.2, 400)), evaluation_of(base)


def test_the_interval_is_that_of_a_plain_bootstrap_loop(pair):
    a, b = (one.per_user["ndcg@10"] for one in pair)
    rng = stream(3, "bootstrap")
    gaps, shares = [], []
    for _ in range(500):
        drawn = rng.integers(400, size=400)
        gaps.append(np.mean(a[drawn]) - np.mean(b[drawn]))
        shares.append(100 * gaps[-1] / np.mean(b[drawn]))
    found = paired_difference(*pair, samples=500, seed=3, confidence=0.9)
    assert found.mean == pytest.approx(a.mean() - b.mean())
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(gaps, [0.05, 0.95])))
    assert found.relative == pytest.approx(100 * (a.mean() / b.mean() - 1))
    low_high = tuple(np.quantile(shares, [0.05, 0.95]))
    assert (found.relative_low, found.relative_high) == pytest.approx(low_high)
    assert found.n == 400


def test_many_users_give_the_interval_of_the_normal_law(pair):
    gaps = pair[0].per_user["ndcg@10"] - pair[1].per_user["ndcg@10"]
    stderr = gaps.std(ddof=1) / np.sqrt(400)
    found = paired_difference(*pair, samples=20_000)
    assert found.low == pytest.approx(gaps.mean() - 1.96 * stderr, abs=0.1 * stderr)
    assert found.high == pytest.approx(gaps.mean() + 1.96 * stderr, abs=0.1 * stderr)


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(4)
    covered = 0
    for _ in range(200):
        base = rng.random(60)
        found = paired_difference(
            evaluation_of(base + rng.normal(0.1, 0.3, 60)), evaluation_of(base), samples=300
        )
        covered += found.low <= 0.1 <= found.high
    assert 0.88 <= covered / 200 <= 0.99


def test_pairing_tells_apart_what_unpaired_errors_do_not(pair):
    found = paired_difference(*pair)
    assert found.low > 0
    means, errors = zip(*((e["ndcg@10"].mean, e["ndcg@10"].stderr) for e in pair), strict=True)
    assert means[0] - 1.96 * errors[0] < means[1] + 1.96 * errors[1]


def test_a_model_is_no_better_than_itself(pair):
    assert paired_difference(pair[0], pair[0]) == Difference(0, 0, 0, 0, 0, 0, 400, 0)


def test_swapping_the_two_turns_the_interval_round(pair):
    there, back = paired_difference(*pair), paired_difference(*reversed(pair))
    assert (back.mean, back.low, back.high) == pytest.approx((-there.mean, -there.high, -there.low))


def test_the_seed_decides_the_draw(pair):
    assert paired_difference(*pair, seed=1) == paired_difference(*pair, seed=1)
    assert paired_difference(*pair, seed=1).low != paired_difference(*pair, seed=2).low


@pytest.mark.parametrize("size", [1, 8 * 400 * 7])
def test_memory_is_bounded_and_changes_nothing(pair, monkeypatch, size):
    whole = paired_difference(*pair, samples=100)
    monkeypatch.setattr("tastemap.metrics.resampling.SAMPLE_BYTES", size)
    cut = paired_difference(*pair, samples=100)
    assert (cut.low, cut.high) == pytest.approx((whole.low, whole.high), rel=1e-12)
    assert cut.relative_high == pytest.approx(whole.relative_high, rel=1e-12)


def test_a_table_of_models_has_the_best_first(pair):
    a, b = pair
    worse = evaluation_of(b.per_user["ndcg@10"] / 2)
    table = compare({"Popularity": b, "Random": worse, "EASE": a})
    assert list(table) == [
        "model",
        "mean",
        "stderr",
        "difference",
        "low",
        "high",
        "relative",
        "relative_low",
        "relative_high",
        "p",
        "p_holm",
        "detectable",
    ]
    assert table["model"].tolist() == ["EASE", "Popularity", "Random"]
    assert table["mean"].tolist() == [e["ndcg@10"].mean for e in (a, b, worse)]
    assert table["stderr"].tolist() == [e["ndcg@10"].stderr for e in (a, b, worse)]
    best, itself, half = table.rows()
    alone = paired_difference(a, b)
    for column in ("low", "high", "relative", "relative_low", "relative_high"):
        assert best[column] == pytest.approx(getattr(alone, column))
    assert best["difference"] == pytest.approx(alone.mean)
    assert [itself[c] for c in ("difference", "low", "high", "relative")] == [0, 0, 0, 0]
    assert half["relative_low"] == pytest.approx(-50)
    assert half["relative_high"] == pytest.approx(-50)


def test_another_baseline_can_be_named(pair):
    a, b = pair
    table = compare({"Popularity": b, "EASE": a}, baseline="EASE")
    assert table["difference"][0] == 0
    assert table["difference"][1] == pytest.approx(b["ndcg@10"].mean - a["ndcg@10"].mean)


def test_no_share_of_nothing():
    found = paired_difference(evaluation_of([1, 0, 0]), evaluation_of([0, 0, 0]))
    assert found.mean == pytest.approx(1 / 3)
    assert np.isnan([found.relative, found.relative_low, found.relative_high]).all()
    # One user in ten with a hit: some resamples have none, so the share has no interval.
    rare = paired_difference(evaluation_of([1] * 10), evaluation_of([1] + [0] * 9))
    assert rare.relative == pytest.approx(900)
    assert np.isnan([rare.relative_low, rare.relative_high]).all()


def test_users_without_a_value_are_left_out_of_both():
    a, b = evaluation_of([1, np.nan, 0.5, 0.5]), evaluation_of([0, 1, 0, np.nan])
    found = paired_difference(a, b)
    assert (found.mean, found.n) == (0.75, 2)
    with pytest.raises(InputError, match=r"'ndcg@10' is defined for none of the users\n"):
        paired_difference(evaluation_of([np.nan, 1]), evaluation_of([1, np.nan]))


def test_one_user_has_no_standard_error_and_an_interval_of_no_width():
    table = compare({"a": evaluation_of([0.5]), "b": evaluation_of([1.0])})
    assert np.isnan(table["stderr"]).all()
    assert table.rows()[0]["low"] == table.rows()[0]["high"] == 0.5


def test_real_evaluations_can_be_compared():
    truth = Histories.of_items([[0], [1], [2]])
    good, bad = (
        evaluate_lists(Ranking.of(np.int32(lists), truth), ["mrr@2"])
        for lists in ([[0, 1], [1, 0], [0, 2]], [[1, 0], [2, 0], [0, 1]])
    )
    assert paired_difference(good, bad, "mrr@2").mean == pytest.approx(2 / 3)


def test_a_difference_prints_in_one_line():
    shown = str(Difference(0.0123, 0.0081, 0.0165, 12.34, 8.1, 16.5, 1943, 0.002))
    assert shown == "+0.0123 [+0.0081, +0.0165], +12.3 % [+8.1, +16.5], 1,943 users"


def test_different_users_are_refused(pair):
    a, b = evaluation_of([1, 2]), evaluation_of([1, 2, 3])
    said = r"b with 3 users, a with 2\n.*same users and held-out items.*\n.*on one split"
    with pytest.raises(InputError, match=said):
        paired_difference(a, b)
    other = evaluation_of([1, 2], users=[0, 7])
    with pytest.raises(InputError, match=r"y with 2, 1 of them not the same or with other held"):
        compare({"x": a, "y": other})
    more = evaluation_of([1, 2], relevant=[1, 4])
    with pytest.raises(InputError, match="1 of them not the same or with other held-out items"):
        compare({"x": a, "y": more})


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"metric": "mrr@5"}, r"'mrr@5' was not measured \(x\)\n.*ndcg@10\n"),
        ({"metric": "auc_global"}, r"'auc_global' has no value a user \(x\)\n.*ndcg@10\n"),
        ({"baseline": "z"}, r"baseline 'z'\n.*x\n"),
        ({"samples": 0}, r"samples=0, confidence=0.95\n.*1 or more"),
        ({"confidence": 1.0}, r"confidence=1.0\n"),
    ],
)
def test_wrong_arguments_are_refused(options, said):
    with pytest.raises(UsageError, match=said):
        compare({"x": evaluation_of([1, 2])}, **options)


def test_nothing_to_compare_is_refused():
    with pytest.raises(UsageError, match=r"no evaluation\n.*at least one"):
        compare({})


def test_p_values_are_corrected_for_the_number_of_models_compared(pair):
    a, b = pair
    rng = np.random.default_rng(2)
    models = {"base": b, "a": a}
    for name, shift in (("x", 0.0), ("y", 0.02), ("z", 0.03)):
        models[name] = evaluation_of(b.per_user["ndcg@10"] + rng.normal(shift, 0.2, 400))
    table = compare(models, samples=5000)
    rows = {row["model"]: row for row in table.rows()}
    assert np.isnan([rows["base"]["p"], rows["base"]["p_holm"]]).all()
    others = [name for name in models if name != "base"]
    p = {name: rows[name]["p"] for name in others}
    for name in others:
        gaps = models[name].per_user["ndcg@10"] - b.per_user["ndcg@10"]
        assert p[name] == pytest.approx(scipy.stats.ttest_1samp(gaps, 0).pvalue, abs=0.03)
    # Holm by hand: the smallest of four times 4, the next times 3, never falling.
    bound = 0.0
    for step, name in enumerate(sorted(others, key=p.get)):
        bound = min(1.0, max(bound, p[name] * (4 - step)))
        assert rows[name]["p_holm"] == pytest.approx(bound)


def test_two_models_need_no_correction_and_the_same_model_is_no_difference(pair):
    table = compare({"b": pair[1], "again": pair[1]})
    assert table.rows()[1]["p"] == table.rows()[1]["p_holm"] == 1
    table = compare({"b": pair[1], "a": pair[0]})
    assert table["p"][0] == table["p_holm"][0] < 0.01


def test_the_bootstrap_test_agrees_with_the_interval(pair):
    base = pair[1].per_user["ndcg@10"]
    rng = np.random.default_rng(7)
    for shift in (0.0, 0.015, 0.02, 0.03, 0.05):
        other = evaluation_of(base + rng.normal(shift, 0.2, 400))
        models = {"b": pair[1], "other": other}
        row = next(r for r in compare(models, test="bootstrap").rows() if r["model"] == "other")
        assert (row["low"] > 0 or row["high"] < 0) == (row["p"] <= 0.05)


def test_the_seed_decides_p_too(pair):
    noise = np.random.default_rng(3).normal(0.01, 0.2, 400)
    models = {"b": pair[1], "x": evaluation_of(pair[1].per_user["ndcg@10"] + noise)}
    for test in ("permutation", "bootstrap"):
        once, again, other = (compare(models, seed=s, test=test)["p"] for s in (1, 1, 2))
        np.testing.assert_array_equal(once, again)
        assert np.nanmax(once) != np.nanmax(other)


def test_what_is_detectable_follows_from_the_paired_standard_error(pair):
    gaps = pair[0].per_user["ndcg@10"] - pair[1].per_user["ndcg@10"]
    expected = 2.801585 * gaps.std(ddof=1) / 20
    assert minimum_detectable_effect(*pair) == pytest.approx(expected, rel=1e-6)
    assert paired_difference(*pair).detectable == pytest.approx(expected, rel=1e-6)
    table = compare({"b": pair[1], "a": pair[0]})
    assert table["detectable"][0] == pytest.approx(expected, rel=1e-6)
    assert table["detectable"][1] == 0  # nothing varies between a model and itself


def test_before_there_is_a_second_model_its_likeness_is_assumed(pair):
    one = pair[1]
    stderr = one["ndcg@10"].stderr
    assert minimum_detectable_effect(one) == pytest.approx(2.801585 * stderr, rel=1e-6)
    unlike = minimum_detectable_effect(one, correlation=0)
    assert unlike == pytest.approx(2.801585 * stderr * 2**0.5, rel=1e-6)
    assert np.isnan(minimum_detectable_effect(evaluation_of([0.5])))


def test_the_assumption_is_the_formula_of_two_correlated_models():
    rng = np.random.default_rng(0)
    common, own = rng.normal(size=40_000), rng.normal(size=(2, 40_000))
    a, b = (evaluation_of(0.8**0.5 * common + 0.2**0.5 * one) for one in own)  # correlation .8
    assumed = minimum_detectable_effect(a, correlation=0.8)
    assert assumed == pytest.approx(minimum_detectable_effect(a, b), rel=0.03)


def test_impossible_tests_and_assumptions_are_refused(pair):
    with pytest.raises(UsageError, match=r"test='wilcoxon'\n.*'permutation' or 'bootstrap'"):
        inspect.unwrap(compare)({"a": pair[0], "b": pair[1]}, test="wilcoxon")
    for correlation in (1.0, -1.5):
        with pytest.raises(UsageError, match=rf"correlation={correlation}\n.*from -1 to below 1"):
            minimum_detectable_effect(pair[0], correlation=correlation)
    with pytest.raises(UsageError, match=r"level=0, power=0\.8\n"):
        minimum_detectable_effect(*pair, level=0)
    with pytest.raises(InputError, match=r"a with 2 users|b with 3 users"):
        minimum_detectable_effect(evaluation_of([1, 2]), evaluation_of([1, 2, 3]))
