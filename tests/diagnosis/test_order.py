"""Rules about the order inside lists."""

from dataclasses import replace

import numpy as np
import pytest

from handmade import K, claimed, healthy, lists_with, why_not
from tastemap.diagnosis.evidence import Claim
from tastemap.diagnosis.order import order_is_chance, reversed_better, scores_rise
from tastemap.diagnosis.reference import below_reference
from tastemap.diagnosis.shuffled import item_effect, sorted_by_id
from tastemap.seeding import stream

FALLING = np.linspace(1.0, 0.1, K)


def scored(evidence, row=FALLING):
    return replace(evidence, list_scores=np.tile(row, (len(evidence.lists), 1)))


def turned(evidence):
    return replace(evidence, lists=np.ascontiguousarray(evidence.lists[:, ::-1]))


def shuffled(evidence, seed=3):
    return replace(evidence, lists=stream(seed, "mixed").permuted(evidence.lists, axis=1))


# E301: scores inside a list


def test_falling_scores_are_fine_and_so_are_equal_ones():
    assert scores_rise(scored(healthy())) is None
    assert scores_rise(scored(healthy(), np.ones(K))) is None


def test_one_rise_in_one_list_is_found_with_its_place():
    evidence = scored(healthy())
    scores = evidence.list_scores.copy()
    scores[7, [3, 4]] = scores[7, [4, 3]]  # .7, .6 become .6, .7
    found = scores_rise(replace(evidence, list_scores=scores))
    assert found.severity is None
    assert found.numbers["rises"] == 1
    assert found.numbers["lists with a rise"] == pytest.approx(1 / 240)
    assert found.numbers["first at"] == "list 7, place 4: 0.6 then 0.7"


@pytest.mark.parametrize(("rise", "found"), [(0.5e-3, False), (2e-3, True)])
def test_a_rise_below_a_thousandth_of_the_lists_range_is_rounding(rise, found):
    row = FALLING.copy()
    row[5] = row[4] + rise * 0.9  # the range is .9
    assert (scores_rise(scored(healthy(), row)) is not None) == found


def test_lists_upside_down_are_told_from_shuffled_ones():
    upside_down = scores_rise(scored(lists_with([None] * 50), FALLING[::-1].copy()))
    assert "exactly upside down" in upside_down.means
    assert upside_down.causes == (
        "The lists are sorted upwards: argsort without a minus or without [::-1].",
    )
    assert "upside down" not in scores_rise(scored(healthy(), np.roll(FALLING, 5))).means


def test_distances_that_rise_along_better_lists_are_a_tip():
    found = scores_rise(scored(healthy(), FALLING[::-1].copy()))
    assert found.severity == "tip"
    assert "distances" in found.means


def test_unknown_scores_and_empty_places_are_no_rise():
    row = np.where(np.arange(K) % 2, np.nan, FALLING)
    assert why_not(scores_rise, scored(healthy(), row)) == "no list has two scored items"
    evidence = scored(healthy())
    lists, scores = evidence.lists.copy(), evidence.list_scores.copy()
    lists[:, 6:], scores[:, 6:] = -1, 9
    assert scores_rise(replace(evidence, lists=lists, list_scores=scores)) is None


# E302: the reversed list


def test_lists_with_early_hits_are_in_order():
    assert reversed_better(healthy()) is None


def test_reversed_lists_are_found_and_their_numbers_are_those_of_the_straight_ones():
    found = reversed_better(turned(healthy()))
    assert found.severity is None
    # Hits of 120 users at places 1 (48), 2 (36), 3 (24), 4 (12) of lists read from the end.
    straight = (48 + 36 / np.log2(3) + 24 / 2 + 12 / np.log2(5)) / 240
    assert found.numbers["ndcg@10 reversed"] == pytest.approx(straight)
    assert found.numbers["users whose value changes"] == 120


def test_a_gain_between_two_and_three_standard_errors_is_a_tip():
    # 66 hits at the end, 44 at the top: +.711 or -.711 a user.
    evidence = lists_with([9] * 66 + [0] * 44, n_items=200)
    found = reversed_better(evidence)
    assert 2 < found.numbers["paired standard errors"] < 3
    assert found.severity == "tip"
    assert reversed_better(lists_with([9] * 60 + [0] * 50, n_items=200)) is None


def test_lists_that_hit_by_chance_have_no_order_to_judge():
    evidence = lists_with([9 if r % 10 == 0 else None for r in range(240)])
    said = why_not(reversed_better, evidence)
    assert said.startswith("the lists hit 24 times and chance would hit 24.0 times")


def test_a_dozen_lists_are_too_few_to_call_reversed():
    assert why_not(reversed_better, lists_with([9] * 12)) == (
        "only 12 users' NDCG depends on the order, 20 are needed"
    )


def test_short_lists_are_turned_within_their_length():
    evidence = lists_with([0] * 60)
    lists = evidence.lists.copy()
    lists[:, 1:] = -1  # one item: it stays first
    assert "only 0 users" in why_not(reversed_better, replace(evidence, lists=lists))


def test_equal_gains_of_all_users_are_certain():
    found = reversed_better(lists_with([9] * 60))
    assert found.severity is None
    assert found.numbers["paired standard errors"] > 1000


# E315: the order is chance


def test_an_order_that_gains_is_fine():
    assert order_is_chance(healthy()) is None


def ordered_lists(users=400):
    """Items of which the low ones stand high, in lists of 10 of 40; hits early more often."""
    rng = stream(5, "ordered")
    places = [None if r % 2 else int(rng.triangular(0, 0, 10)) for r in range(users)]
    evidence = lists_with(places, n_items=200)
    target = np.sort(rng.integers(0, 40, size=evidence.lists.shape), axis=1)
    lists, truth = target.astype(np.int32), []
    for r, place in enumerate(places):
        row = np.sort(rng.permutation(40)[:K])
        lists[r] = row
        truth.append([int(row[place])] if place is not None else [199])
    return replace(
        evidence,
        lists=lists,
        truth=type(evidence.truth).of_items(truth, user=range(users)),
        seen=None,
    )


def test_shuffled_lists_are_found_without_scores():
    evidence = ordered_lists()
    assert order_is_chance(evidence) is None
    found = order_is_chance(shuffled(evidence))
    assert found is not None
    assert abs(found.numbers["standard errors above chance"]) < 2
    assert found.severity is None  # the rule's own: a warning


def test_lists_sorted_by_id_are_found_where_ids_are_not_ranks_of_popularity():
    evidence = healthy(users=120)
    by_id = replace(evidence, lists=np.sort(evidence.lists, axis=1))
    assert "sorted by id" in order_is_chance(by_id).means
    popular = replace(by_id, lists=np.tile(np.arange(K, dtype=np.int32), (120, 1)))
    truth = type(evidence.truth).of_items([[r % 3] for r in range(120)], user=range(120))
    assert order_is_chance(replace(popular, truth=truth)) is None


def test_few_lists_are_too_few_to_call_shuffled():
    assert "too few to judge the order" in why_not(order_is_chance, lists_with(list(range(10)) * 3))


def test_items_that_keep_their_places_have_an_effect_and_shuffled_ones_none():
    evidence = ordered_lists()
    assert item_effect(evidence.lists) > 20
    for seed in range(5):
        assert abs(item_effect(shuffled(evidence, seed).lists)) < 3
    assert item_effect(np.arange(1000, dtype=np.int32).reshape(100, 10)) is None


def test_lists_sorted_upwards_or_downwards_are_both_sorted():
    lists = np.sort(stream(1, "s").permuted(np.tile(np.arange(30), (60, 1)), axis=1)[:, :8])
    lists = lists.astype(np.int32)
    assert sorted_by_id(lists) == sorted_by_id(np.ascontiguousarray(lists[:, ::-1])) == 1.0
    lists[:15, :2] = lists[:15, 1::-1]
    assert sorted_by_id(lists) == 0.75
    assert sorted_by_id(lists[:49]) is None


# E318: against a reference


def test_the_same_items_in_a_worse_order_than_the_reference_are_found():
    reference = healthy()
    found = below_reference(replace(turned(reference), references=(reference,)))
    assert found.numbers["recall@10"] == found.numbers["recall@10 of the reference"] == 0.5
    assert found.numbers["paired standard errors"] > 2
    assert below_reference(replace(reference, references=(turned(reference),))) is None
    assert below_reference(replace(reference, references=(reference,))) is None


def test_a_loss_with_a_lower_recall_is_another_matter():
    reference = healthy()
    lists = reference.lists.copy()
    lists[:, 0] = -1  # 48 of 120 hits are lost
    assert below_reference(replace(reference, lists=lists, references=(reference,))) is None


def test_another_model_or_another_test_part_is_no_reference():
    evidence = turned(healthy())
    other = replace(healthy(), name="Another")
    assert why_not(below_reference, replace(evidence, references=(other,))) == (
        "Another is another model than Handmade"
    )
    other = healthy(seed=9)
    assert "other users or held-out items" in why_not(
        below_reference, replace(evidence, references=(other,))
    )


def test_claims_alone_are_compared_with_the_errors_that_they_state():
    def bare(ndcg, stderr=0.01, users=None, recall=0.4):
        evidence = replace(lists_with([]), lists=None, truth=None)
        return claimed(
            evidence, recall_at_10=recall, ndcg_at_10=Claim(ndcg, stderr=stderr, users=users)
        )

    def compared(mine, theirs):
        return below_reference(replace(mine, references=(theirs,)))

    assert compared(bare(0.20), bare(0.24)) is not None  # .04 = 2.8 errors of .0141
    assert compared(bare(0.20), bare(0.22)) is None  # 1.4 errors
    assert compared(bare(0.20, 0.001), bare(0.209, 0.001)) is None  # 4.3 % lower
    assert compared(bare(0.20, recall=0.39), bare(0.24)) is None  # recall is 2.5 % lower
    # Values between 0 and 1 with mean .2 vary by .4 at most: .004 for 10,000 users.
    assert compared(bare(0.20, None, 10_000), bare(0.24, None, 10_000)) is not None
    assert compared(bare(0.20, None, 100), bare(0.24, None, 100)) is None
    lacking = replace(bare(0.20, None), references=(bare(0.24, None),))
    assert "neither lists nor standard errors" in why_not(below_reference, lacking)
