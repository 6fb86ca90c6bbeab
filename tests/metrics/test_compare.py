import numpy as np
import pytest

from tastemap.data.interactions import Histories
from tastemap.errors import InputError, UsageError
from tastemap.metrics.compare import Difference, compare, paired_difference
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
    assert paired_difference(pair[0], pair[0]) == Difference(0, 0, 0, 0, 0, 0, 400)


def test_swapping_the_two_turns_the_interval_round(pair):
    there, back = paired_difference(*pair), paired_difference(*reversed(pair))
    assert (back.mean, back.low, back.high) == pytest.approx((-there.mean, -there.high, -there.low))


def test_the_seed_decides_the_draw(pair):
    assert paired_difference(*pair, seed=1) == paired_difference(*pair, seed=1)
    assert paired_difference(*pair, seed=1).low != paired_difference(*pair, seed=2).low


@pytest.mark.parametrize("size", [1, 8 * 400 * 7])
def test_memory_is_bounded_and_changes_nothing(pair, monkeypatch, size):
    whole = paired_difference(*pair, samples=100)
    monkeypatch.setattr("tastemap.metrics.compare.SAMPLE_BYTES", size)
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
    shown = str(Difference(0.0123, 0.0081, 0.0165, 12.34, 8.1, 16.5, 1943))
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
