"""Rules about the held-out items, and about whom a metric is averaged over."""

from dataclasses import replace

import numpy as np
import pytest

from handmade import claimed, healthy, lists_with, why_not, with_truth
from tastemap.data.interactions import Histories
from tastemap.diagnosis.evidence import Claim
from tastemap.diagnosis.from_files import evidence_from
from tastemap.diagnosis.truth import many_relevant, never_listed, shifted_ids, wrong_truth
from tastemap.diagnosis.users import another_denominator, wrong_users

# E304: precision and recall use different truths


def test_a_clean_truth_is_fine():
    assert wrong_truth(healthy()) is None
    assert wrong_truth(healthy(held=30)) is None
    assert wrong_truth(claimed(healthy(), recall_at_10=0.5, precision_at_10=0.05)) is None


def test_repeats_in_the_truth_are_found_and_the_two_ways_are_computed():
    doubled = with_truth(healthy(), lambda r, items: items * 2)
    found = wrong_truth(doubled)
    assert found.severity is None
    assert found.numbers["repeats"] == 240
    assert found.numbers["held-out events"] == 480
    # Half of 240 users hit their only item: hits / min(k, 1) = .5, hits / min(k, 2) = .25.
    assert found.numbers["precision / its ceiling"] == 0.5
    assert found.numbers["recall / its ceiling"] == 0.25
    assert found.means.startswith("50.0% of the held-out events repeat")


def test_repeats_that_the_stated_numbers_do_not_count_are_a_tip():
    doubled = with_truth(healthy(), lambda r, items: items * 2)
    assert wrong_truth(claimed(doubled, recall_at_10=0.5)).severity == "tip"
    assert wrong_truth(claimed(doubled, recall_at_10=0.25)).severity is None


@pytest.mark.parametrize(
    ("share", "severity"), [(0.005, "none"), (0.1, "tip"), (0.3, "warning"), (0.6, "error")]
)
def test_unknown_ids_in_the_truth_weigh_by_their_share(share, severity):
    evidence = healthy(users=200)
    unknown = with_truth(evidence, lambda r, items: [-1] if r < share * 200 else items)
    found = wrong_truth(unknown)
    assert (found.severity if found else "none") == severity


def test_right_precision_and_wrong_recall_mean_another_denominator():
    # recall 120 hits / 240 users / 1 item = .5; stated is that of a truth of 4 items each.
    stated = claimed(healthy(), precision_at_10=0.05, recall_at_10=0.125)
    found = wrong_truth(stated)
    assert "precision@10 is right and recall@10 is not" in found.means
    assert wrong_truth(claimed(healthy(), precision_at_10=0.04, recall_at_10=0.125)) is None


def test_another_spelling_of_ids_is_found_with_an_example():
    evidence = replace(healthy(), lookalikes=tuple((f"{i}.0", str(i)) for i in range(60)))
    found = wrong_truth(evidence)
    assert found.severity is None
    assert "'0.0' where the lists say '0'" in found.means
    assert wrong_truth(replace(evidence, lookalikes=evidence.lookalikes[:3])) is None


# E319: more held-out items than places


def test_low_recall_by_its_ceiling_is_a_tip_with_both_ceilings():
    found = many_relevant(healthy(users=40, held=40))
    assert found.numbers["its ceiling"] == pytest.approx(10 / 40)
    assert found.numbers["its ceiling too"] == 1.0
    assert found.numbers["recall@10"] == pytest.approx(0.5 / 40)
    assert many_relevant(healthy()) is None
    assert many_relevant(lists_with([0] * 20, held=12)) is None  # 10 / 12 = .83


# E321: items that can never be listed


def test_held_out_items_among_the_seen_are_found():
    evidence = healthy(users=200)

    def seen(n):
        rows = [evidence.truth.row(r).tolist() if r < n else [] for r in range(200)]
        return replace(evidence, seen=Histories.of_items(rows, user=range(200)))

    assert never_listed(evidence) is None
    assert never_listed(seen(2)).severity == "warning"  # 1 %
    assert never_listed(seen(3)).severity == "error"
    assert never_listed(seen(100)).numbers["held-out items among the seen"] == 0.5
    assert never_listed(replace(seen(100), exclude_seen=False)) is None


def test_lists_that_avoid_the_truth_are_found():
    # Everybody gets items 0-10 less her own held-out one of them: 240 / 11 * 10 / 11... hits would
    # come by themselves.
    truth = [[r % 11] for r in range(240)]
    lists = np.array([[i for i in range(11) if i != r % 11] for r in range(240)], dtype=np.int32)
    evidence = replace(
        lists_with([None] * 240), lists=lists, truth=Histories.of_items(truth, user=range(240))
    )
    found = never_listed(evidence)
    # Each item is listed by 10 of 11 users and held out from 1 of 11.
    expected = found.numbers["hits if lists and truth had nothing to do with each other"]
    assert expected == pytest.approx(240 * 10 / 11, rel=0.01)
    assert never_listed(replace(evidence, lists=np.roll(lists, 1, axis=0))) is None


def test_lists_of_items_that_are_held_out_from_nobody_prove_nothing():
    lists = np.tile(np.arange(10, dtype=np.int32), (240, 1))
    truth = Histories.of_items([[50 + r % 20] for r in range(240)], user=range(240))
    assert never_listed(replace(lists_with([None] * 240), lists=lists, truth=truth)) is None


# E322: shifted ids


@pytest.mark.parametrize("step", [1, -1])
def test_item_codes_moved_by_one_are_found(step):
    evidence = healthy()
    moved = ((evidence.lists + step) % 100).astype(np.int32)
    found = shifted_ids(replace(evidence, lists=moved))
    assert found.numbers[f"hits with every item code {-step:+d}"] >= 115
    assert found.numbers["standard errors"] > 4
    assert shifted_ids(evidence) is None


def test_outside_ids_moved_by_one_are_found():
    lists = {100 + u: [10 + (3 * u) % 50, 70, 71] for u in range(60)}
    truth = {100 + u: [11 + (3 * u) % 50] for u in range(60)}
    catalogue = list(range(10, 80))
    evidence = evidence_from({"lists": lists, "truth": truth, "catalogue": catalogue})
    found = shifted_ids(evidence)
    assert found.numbers["hits with every item code +1"] == 60


def test_lists_of_the_next_user_are_found():
    evidence = healthy()
    found = shifted_ids(replace(evidence, lists=np.roll(evidence.lists, 1, axis=0)))
    assert found.numbers["hits with every list given to user -1"] == 120


def test_few_lists_or_few_items_prove_no_shift():
    assert why_not(shifted_ids, lists_with([0] * 9)) == "9 judged lists, 10 are needed"
    # All truth is item 5 and all lists have item 4: one item stands beside another.
    truth = Histories.of_items([[5]] * 100, user=range(100))
    lists = np.tile(np.arange(6, 16, dtype=np.int32), (100, 1))
    lists[:, 0] = 4
    assert shifted_ids(replace(lists_with([None] * 100), lists=lists, truth=truth)) is None


# E311: another denominator


def test_the_mean_over_users_with_held_out_items_is_right():
    assert another_denominator(claimed(healthy(), hit_rate_at_10=0.5)) is None


def test_dropped_misses_are_an_error_and_added_zeros_a_warning():
    dropped = another_denominator(claimed(healthy(), hit_rate_at_10=1.0, mrr_at_10=0.7083))
    # Of the hits at places 1 to 4 (4, 3, 2, 1 of 10): (4 + 3 / 2 + 2 / 3 + 1 / 4) / 10 = .6417.
    assert dropped is None
    dropped = another_denominator(claimed(healthy(), hit_rate_at_10=1.0, mrr_at_10=0.6417))
    assert dropped.severity == "error"
    assert "users with at least one hit (120)" in dropped.means
    half = with_truth(healthy(), lambda r, items: items if r < 120 else [])
    added = another_denominator(claimed(half, hit_rate_at_10=0.25))
    assert added.severity == "warning"
    assert added.numbers["divided by"] == 240
    assert added.numbers["users with held-out items"] == 120
    assert another_denominator(claimed(half, hit_rate_at_10=0.5)) is None


def test_users_without_a_list_may_not_be_dropped():
    evidence = healthy()
    lists = evidence.lists.copy()
    lists[::2] = -1  # those without a hit anyway
    found = another_denominator(claimed(replace(evidence, lists=lists), recall_at_5=1.0))
    assert found.severity == "error"


def test_users_unknown_to_train_may_not_be_dropped():
    users = np.where(np.arange(240) % 4 == 0, -1, np.arange(240)).astype(np.int32)
    evidence = replace(healthy(), users=users)  # 60 users without a hit are strangers
    found = another_denominator(claimed(evidence, recall_at_10=0.6667))
    assert "users who are in train (180)" in found.means


def test_without_a_claim_of_lists_there_is_nothing_to_confirm():
    assert "no claim" in why_not(another_denominator, claimed(healthy(), auc=0.9))


# E320: another number of users


def test_a_mean_over_fewer_users_is_found_and_the_right_number_is_not():
    def said(users, mean=0.5):
        return wrong_users(claimed(healthy(), ndcg_at_10=Claim(mean, users=users)))

    ndcg = (48 + 36 / np.log2(3) + 24 / 2 + 12 / np.log2(5)) / 240
    assert said(240) is None
    assert said(100).numbers == {
        "claimed over": 100,
        "users with held-out items": 240,
        "metric": "ndcg@10",
    }
    assert said(100).severity is None
    assert "users with at least one hit" in said(120).means
    assert said(943, float(ndcg)).severity == "tip"  # the lists may be part of more
    assert "over how many users" in why_not(wrong_users, claimed(healthy(), ndcg_at_10=0.4))
