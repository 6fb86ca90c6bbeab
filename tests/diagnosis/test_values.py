"""Rules about the values stated, and about metrics along k."""

from dataclasses import replace

import numpy as np
import pytest

from handmade import claimed, healthy, lists_with, why_not
from tastemap.diagnosis.claims import metric_of, rounding
from tastemap.diagnosis.evidence import Claim
from tastemap.diagnosis.growth import hits_fall, ndcg_falls
from tastemap.diagnosis.values import not_reproduced, out_of_range, sampled_against_full
from tastemap.training import Epoch, TrainingLog

BARE = replace(lists_with([]), lists=None, truth=None, seen=None, users=None)

# names and digits


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("ndcg@10", "ndcg@10"),
        ("nDCG@10", "ndcg@10"),
        ("NDCG_at_10", "ndcg@10"),
        ("ndcg_cut_10", "ndcg@10"),
        ("HR@5", "hit_rate@5"),
        ("hit@5", "hit_rate@5"),
        ("HitRate@5", "hit_rate@5"),
        ("Precision@3", "precision@3"),
        ("P_5", "precision@5"),
        ("recall_20", "recall@20"),
        ("MAP@10", "map@10"),
        ("mrr", "mrr@7"),
        ("map_at_k", "map@7"),
        ("recall_capped@10", "recall_capped@10"),
        ("map_full@10", "map_full@10"),
        ("AUC", "auc"),
        ("auc_global", "auc_global"),
        ("train loss", "train loss"),
    ],
)
def test_names_of_other_libraries_are_understood(written, meant):
    assert metric_of(written, k=7) == (meant, None)


@pytest.mark.parametrize(
    ("written", "negatives"),
    [
        ("sampled_ndcg@10", 0),
        ("ndcg@10 (sampled)", 0),
        ("NDCG@10 (100 negatives)", 100),
        ("ndcg@10_99neg", 99),
        ("ndcg@10", None),
    ],
)
def test_names_that_say_sampled_are_heard(written, negatives):
    assert metric_of(written) == ("ndcg@10", negatives)


def test_digits_are_those_of_the_most_exact_value():
    assert rounding([0.3, 0.25]) == 0.005
    assert rounding([0.3]) == 0.05
    assert rounding([1 / 3, 0.5]) == 1e-6
    assert rounding([]) == 1e-6


# E303 and E305: along k


def test_hits_that_fall_with_k_are_found_and_equal_ones_are_not():
    found = hits_fall(claimed(BARE, hit_rate_at_5=0.30, hit_rate_at_10=0.25, hit_rate_at_20=0.4))
    assert found.numbers == {"hit_rate@5": 0.30, "hit_rate@10": 0.25, "falls": 1}
    assert hits_fall(claimed(BARE, recall_at_5=0.3, recall_at_10=0.3)) is None
    assert hits_fall(claimed(BARE, recall_at_5=0.301, recall_at_10=0.300)) is None  # rounding
    assert hits_fall(claimed(BARE, recall_at_5=0.303, recall_at_10=0.300)) is not None
    assert "at two k" in why_not(hits_fall, claimed(BARE, recall_at_5=0.3, ndcg_at_10=0.1))


def test_values_among_different_items_are_no_curve():
    mixed = claimed(BARE, recall_at_5=Claim(0.5, sampled=100), recall_at_10=0.2)
    assert "at two k" in why_not(hits_fall, mixed)


def test_the_last_epoch_of_the_curve_is_judged_too():
    log = TrainingLog((Epoch(1, 0, {"Recall@5": 0.1, "Recall@10": 0.05, "loss": 2.0}),))
    assert hits_fall(replace(BARE, curve=log)).numbers["recall@5"] == 0.1
    both = TrainingLog((Epoch(1, 0, {"test recall@5": 0.1, "train recall@10": 0.05}),))
    assert "at two k" in why_not(hits_fall, replace(BARE, curve=both))


def test_ndcg_may_not_fall_with_one_held_out_item_and_may_with_many():
    falling = {"ndcg_at_5": 0.30, "ndcg_at_10": 0.25}
    assert ndcg_falls(claimed(healthy(), **falling)) is not None
    assert ndcg_falls(claimed(healthy(held=30), **falling)) is None
    assert ndcg_falls(claimed(healthy(), ndcg_at_5=0.25, ndcg_at_10=0.30)) is None


@pytest.mark.parametrize(("most", "found"), [(4, True), (5, True), (6, False)])
def test_ndcg_may_not_fall_from_the_largest_number_of_held_out_items_on(most, found):
    stated = claimed(healthy(held=most), ndcg_at_5=0.30, ndcg_at_10=0.25)
    assert (ndcg_falls(stated) is not None) == found


def test_without_a_truth_equal_hit_rate_and_recall_tell_of_one_item_a_user():
    falling = {"ndcg_at_5": 0.21, "ndcg_at_10": 0.20}
    one = {"hit_rate_at_5": 0.31, "recall_at_5": 0.31, "hit_rate_at_10": 0.42, "recall_at_10": 0.42}
    assert ndcg_falls(claimed(BARE, ndcg_at_5=0.29, ndcg_at_10=0.20, **one)) is not None
    assert "not known" in why_not(ndcg_falls, claimed(BARE, **falling))
    assert "not known" in why_not(
        ndcg_falls, claimed(BARE, **falling, **{**one, "recall_at_5": 0.2})
    )
    assert ndcg_falls(replace(claimed(BARE, ndcg_at_5=0.31, ndcg_at_10=0.2), how="leave-one-out"))


# E309: sampled


def test_a_sampled_value_beside_a_full_one_is_found_either_way():
    sampled, full = Claim(0.6, sampled=100), Claim(0.1)
    beside = replace(claimed(BARE, ndcg_at_10=sampled), yardsticks={"Pop": {"ndcg@10": full}})
    assert "among 100 sampled negatives, that of Pop among the whole" in (
        sampled_against_full(beside).means
    )
    per_user = {"Pop": {"ndcg@10": np.array([0.1, 0.3])}}
    assert sampled_against_full(replace(beside, yardsticks=per_user)) is not None
    turned = replace(claimed(BARE, ndcg_at_10=full), yardsticks={"Pop": {"ndcg@10": sampled}})
    assert sampled_against_full(turned).severity is None
    reference = claimed(BARE, ndcg_at_10=full)
    assert sampled_against_full(replace(beside, yardsticks={}, references=(reference,)))


def test_sampled_values_among_themselves_are_a_tip_and_full_ones_fine():
    sampled, full = Claim(0.6, sampled=100), Claim(0.1)
    alike = replace(claimed(BARE, ndcg_at_10=sampled), yardsticks={"Pop": {"ndcg@10": sampled}})
    assert sampled_against_full(alike).severity == "tip"
    alike = replace(claimed(BARE, ndcg_at_10=full), yardsticks={"Pop": {"ndcg@10": full}})
    assert sampled_against_full(alike) is None


def scoring(n_items=2000, users=300, place=60):
    """Evidence with scores: the held-out item of each user stands at `place` of n_items."""
    evidence = lists_with([None] * users, n_items=n_items)
    scores = np.empty((users, n_items), dtype=np.float32)
    for r in range(users):
        order = np.random.default_rng(r).permutation(n_items)
        held = evidence.truth.row(r)[0]
        order = order[order != held]
        order = np.insert(order, place, held)
        scores[r, order] = np.linspace(1, 0, n_items)
    lists = np.argsort(-scores, axis=1)[:, :10].astype(np.int32)
    return replace(evidence, lists=lists, score=lambda histories: scores[histories.user])


def test_a_value_that_only_sampling_explains_is_found():
    # Place 60 of 2000: 100 negatives hold 100 * 60 / 1999 = 3 better ones, rarely ten.
    stated = claimed(scoring(), hit_rate_at_10=0.9991)
    found = sampled_against_full(stated)
    assert found.numbers["whole catalogue"] == 0.0
    assert "sampled negatives about" in found.means
    assert sampled_against_full(claimed(scoring(), hit_rate_at_10=0.0)) is None
    assert sampled_against_full(claimed(scoring(place=5), hit_rate_at_10=1.0)) is None
    assert sampled_against_full(claimed(scoring(place=1500), hit_rate_at_10=0.5)) is None


# E310: out of range


@pytest.mark.parametrize("value", [1.0001, -0.1, 31.2, float("nan")])
def test_values_outside_0_to_1_are_found(value):
    found = out_of_range(claimed(BARE, ndcg_at_10=value))
    assert found.numbers["ndcg@10"] is value or found.numbers["ndcg@10"] == value
    assert ("percentage" in found.means) == (value > 1)


def test_values_at_the_ends_of_the_range_and_unbounded_ones_are_fine():
    assert out_of_range(claimed(BARE, ndcg_at_10=1.0, recall_at_10=0.0, hit_rate_at_10=1.0)) is None
    assert out_of_range(claimed(BARE, dcg_at_10=2.5, novelty_at_10=9.0)) is None


def test_nothing_is_above_the_hit_rate():
    found = out_of_range(claimed(BARE, recall_at_10=0.41, hit_rate_at_10=0.30))
    assert "hit_rate@10 is lower" in found.means
    assert out_of_range(claimed(BARE, recall_at_10=0.31, hit_rate_at_10=0.31)) is None
    assert out_of_range(claimed(BARE, recall_at_5=0.41, hit_rate_at_10=0.30)) is None
    mixed = claimed(BARE, recall_at_10=0.41, hit_rate_at_10=Claim(0.3, sampled=100))
    assert out_of_range(mixed) is None


def test_precision_and_recall_have_ceilings():
    # One held-out item: precision@10 is .1 at most. 40 of them: recall@10 is .25 at most.
    assert out_of_range(claimed(healthy(), precision_at_10=0.11)).numbers["limit"] == (
        pytest.approx(0.1)
    )
    assert out_of_range(claimed(healthy(), precision_at_10=0.05)) is None
    many = healthy(users=40, held=40)
    assert out_of_range(claimed(many, recall_at_10=0.26)).numbers["limit"] == 0.25
    assert out_of_range(claimed(many, recall_at_10=0.0125)) is None


# E316: measured again


def test_stated_values_are_measured_again():
    ndcg = (48 + 36 / np.log2(3) + 24 / 2 + 12 / np.log2(5)) / 240
    assert not_reproduced(claimed(healthy(), ndcg_at_10=float(ndcg))) is None
    assert not_reproduced(claimed(healthy(), ndcg_at_10=round(float(ndcg), 4))) is None
    found = not_reproduced(claimed(healthy(), ndcg_at_10=0.3))
    assert found.severity is None
    assert found.numbers["found"]["ndcg@10"] == pytest.approx(ndcg)
    assert "no claim" in why_not(not_reproduced, claimed(healthy(), ndcg_at_20=0.3))


def test_another_formula_is_a_tip_that_names_it_and_another_name_a_warning():
    evidence = healthy(users=40, held=4)  # 20 of 40 users hit 1 of 4
    # 8 of 40 users hit with their first item, 1 of min(1, 4).
    fine = not_reproduced(claimed(evidence, recall_at_1=0.2, mrr_at_10=0.3208))
    assert fine.severity == "tip"
    assert "min(k, n)" in fine.means
    named = not_reproduced(claimed(evidence, recall_at_10=0.5))
    assert named.severity == "warning"
    assert "hit rate, under the name of recall" in named.means
    by_k = not_reproduced(claimed(evidence, map_at_10=0.0321))
    # Average precision (4 + 3 / 2 + 2 / 3 + 1 / 4) / 10 = .6417 for half: / 2 / 10 = .0321.
    assert by_k.severity == "tip"
    assert "divided by k" in by_k.means


def test_a_value_that_another_denominator_explains_is_left_to_its_own_rule():
    assert not_reproduced(claimed(healthy(), hit_rate_at_10=1.0)) is None


def test_sampled_values_and_means_over_other_users_are_not_measured_again():
    stated = claimed(
        healthy(), ndcg_at_10=Claim(0.9, sampled=100), recall_at_10=Claim(0.2, users=77)
    )
    assert "no claim" in why_not(not_reproduced, stated)
