import numpy as np
import pytest

import tastemap as tm
from tastemap.metrics.compare import paired_difference
from tastemap.models import EASE, Popularity
from tastemap.models.log_parts import held_out
from tastemap.models.trial import hold_trial, interval
from worlds import noise


@pytest.fixture(scope="module")
def judged():
    split = tm.leave_last_out(tm.synthetic.taste_groups(seed=2), validation=False)
    first, whole = Popularity().fit(split.train), EASE(reg=5).fit(split.train)
    asked = held_out(split.train, split.test)
    return split, first, whole, hold_trial(first, whole, asked, 5, 30, seed=0)


def test_numbers_are_those_of_an_evaluation(judged):
    split, first, whole, trial = judged
    alone = tm.evaluate(first, split, ["ndcg@5", "recall@30"])
    both = tm.evaluate(whole, split, ["ndcg@5"])
    difference = paired_difference(both, alone, "ndcg@5")
    assert trial.first == pytest.approx(alone["ndcg@5"].mean)
    assert trial.whole == pytest.approx(both["ndcg@5"].mean)
    assert trial.ceiling == pytest.approx(alone["recall@30"].mean)
    assert trial.difference == pytest.approx(difference.mean)
    width = difference.high - difference.low
    assert trial.low == pytest.approx(difference.low, abs=0.1 * width)
    assert trial.high == pytest.approx(difference.high, abs=0.1 * width)
    assert trial.won


def test_says_the_numbers(judged):
    trial = judged[3]
    assert str(trial).startswith(f"NDCG@5 {trial.whole:.4f} against the retriever's ")
    assert f"[{trial.low:+.4f}, {trial.high:+.4f}] on 200 users" in str(trial)
    assert "the best 30 candidates hold " in str(trial)


def test_a_difference_that_may_be_chance_does_not_win():
    log, _ = noise()
    split = tm.leave_last_out(log, validation=False)
    first, whole = Popularity().fit(split.train), EASE(reg=5).fit(split.train)
    trial = hold_trial(first, whole, held_out(split.train, split.test), 10, 20, seed=0)
    assert not trial.won


def test_interval_holds_the_mean_95_times_of_100():
    rng = np.random.default_rng(1)
    held = 0
    for number in range(100):
        low, high = interval(rng.normal(0.3, 1, 200), seed=number)
        held += low <= 0.3 <= high
    assert 89 <= held <= 99


def test_lists_longer_than_the_candidates_are_judged_whole():
    split = tm.leave_last_out(tm.synthetic.taste_groups(seed=2), validation=False)
    model = Popularity().fit(split.train)
    trial = hold_trial(model, model, held_out(split.train, split.test), 10, 3, seed=0)
    found = tm.evaluate(model, split, ["ndcg@10", "recall@3"])
    assert trial.first == pytest.approx(found["ndcg@10"].mean)
    assert trial.ceiling == pytest.approx(found["recall@3"].mean)


def test_nobody_to_ask_is_no_trial():
    log = tm.Interactions.of([("ann", "tea"), ("bob", "rum")])
    model = Popularity().fit(log)
    assert hold_trial(model, model, held_out(log, log), 10, 3, seed=0) is None
