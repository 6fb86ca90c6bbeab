"""Rules about scores and about the lists themselves."""

from dataclasses import replace

import numpy as np
import pytest

from handmade import K, healthy, lists_with, why_not
from tastemap.data.interactions import Histories
from tastemap.diagnosis.lists import repeated_or_short, seen_listed
from tastemap.diagnosis.scores import batch_dependent, constant, not_finite, ties, unrepeatable
from tastemap.seeding import stream


def with_scores(scores, evidence=None):
    evidence = healthy() if evidence is None else evidence
    return replace(evidence, list_scores=np.broadcast_to(scores, evidence.lists.shape).copy())


def personal(users=240):
    """Falling scores, other ones for everybody."""
    return np.sort(stream(0, "scores").random((users, K)), axis=1)[:, ::-1]


# E306: seen items


def test_a_seen_item_in_a_list_is_found_with_its_place():
    evidence = healthy()
    histories = [[int(evidence.lists[r, 4])] if r == 3 else [] for r in range(240)]
    found = seen_listed(replace(evidence, seen=Histories.of_items(histories, user=range(240))))
    assert found.numbers["lists with one"] == pytest.approx(1 / 240)
    assert found.numbers["first"].startswith("list 3, place 5, item code ")
    assert seen_listed(evidence) is None


def test_a_seen_item_of_somebody_else_or_where_seen_may_be_listed_is_fine():
    evidence = healthy()
    histories = [[int(evidence.lists[r - 1, 0])] for r in range(240)]
    histories = [h if h[0] not in evidence.lists[r] else [] for r, h in enumerate(histories)]
    assert seen_listed(replace(evidence, seen=Histories.of_items(histories))) is None
    own = Histories.of_items([[int(row[0])] for row in evidence.lists])
    assert why_not(seen_listed, replace(evidence, seen=own, exclude_seen=False)) == (
        "seen items may be listed"
    )


# E307: repeats and short lists


def test_one_repeat_in_one_list_is_found():
    evidence = healthy()
    lists = evidence.lists.copy()
    lists[5, 8] = lists[5, 2]
    found = repeated_or_short(replace(evidence, lists=lists))
    assert found.severity is None
    assert found.numbers["repeats"] == 1
    assert found.numbers["first"].startswith("list 5, place 9, ")
    assert repeated_or_short(evidence) is None


@pytest.mark.parametrize(("short", "found"), [(2, False), (3, True)])
def test_more_than_one_list_in_a_hundred_that_ends_early_is_a_warning(short, found):
    evidence = healthy(users=200)
    lists = evidence.lists.copy()
    lists[:short, 7:] = -1
    seen = repeated_or_short(replace(evidence, lists=lists))
    assert (seen is not None) == found
    if seen:
        assert seen.severity == "warning"
        assert seen.numbers["mean length of the short ones"] == 7


def test_lists_are_short_by_right_where_the_catalogue_is_exhausted():
    evidence = lists_with([0] * 50, n_items=12)
    lists = evidence.lists.copy()
    lists[:, 8:] = -1
    histories = [np.setdiff1d(np.arange(12), row)[:4] for row in lists[:, :8]]
    short = replace(evidence, lists=lists, seen=Histories.of_items(histories))
    assert repeated_or_short(short) is None
    assert repeated_or_short(replace(short, exclude_seen=False)) is not None


def test_lists_of_other_users_than_the_truth_are_an_error():
    evidence = healthy()
    lists = evidence.lists.copy()
    lists[:200] = -1
    truth = Histories.of_items([[1] if r < 200 else [] for r in range(240)])
    found = repeated_or_short(replace(evidence, lists=lists, truth=truth))
    assert found.severity is None
    assert found.numbers == {"users without a list": 1.0, "lists without a truth": 1.0}


# E308: ties


def test_different_scores_are_fine_and_rounded_ones_tie():
    assert ties(with_scores(personal())) is None
    found = ties(with_scores(np.round(personal(), 1)))
    assert found.severity is None
    assert found.numbers["equal neighbours"] > 0.3
    assert found.numbers["distinct scores"] == 11


@pytest.mark.parametrize(("tied", "found"), [(48, False), (49, True)])
def test_a_tenth_of_equal_neighbours_is_allowed(tied, found):
    evidence = replace(healthy(), truth=None)
    # Each list has two scores and an end: 480 neighbours, `tied` of them equal.
    scores = np.full((240, K), np.nan)
    scores[:, :2] = personal()[:, :2] + 1
    scores[:, 2] = 0
    scores[:tied, 1] = scores[:tied, 0]
    assert (ties(with_scores(scores, evidence)) is not None) == found


def test_counts_and_scores_that_are_the_same_for_all_tie_innocently():
    counts = with_scores(np.sort(stream(1, "c").integers(1, 6, (240, K)), axis=1)[:, ::-1] * 1.0)
    assert ties(counts).severity == "tip"
    evidence = healthy()
    by_item = np.round(4 * stream(2, "i").random(100)) / 4
    general = replace(evidence, list_scores=by_item[evidence.lists])
    assert ties(general).severity == "tip"
    named = replace(with_scores(np.round(personal(), 1)), name="Popularity (30 days)")
    assert ties(named).severity == "tip"


def test_the_tail_of_items_that_nothing_is_known_of_is_no_tie():
    scores = personal()
    scores[:, 4:] = 0.0
    assert ties(with_scores(scores)) is None


def test_few_scores_are_too_few_for_a_share_of_ties():
    few = with_scores(np.linspace(1, 0, K), lists_with([0] * 5))
    assert why_not(ties, few) == "45 scored neighbours, 50 are needed"


# E317: constant


@pytest.mark.parametrize(("flat", "found"), [(120, False), (121, True)])
def test_more_than_half_of_the_lists_with_one_score_are_found(flat, found):
    scores = personal()
    scores[:flat] = 0.5
    assert (constant(with_scores(scores)) is not None) == found


def test_popularity_may_score_alike():
    flat = replace(with_scores(np.ones(K)), name="Popularity")
    assert why_not(constant, flat) == "Popularity may well score items alike"


# E314: not finite


def test_a_listed_score_that_is_infinite_or_missing_among_others_is_found():
    for bad in (np.inf, np.nan):
        scores = personal()
        scores[2, 3] = bad
        found = not_finite(with_scores(scores))
        assert found.numbers["first"] == f"list 2, place 4: {bad}"
    assert not_finite(with_scores(personal())) is None


def test_lists_that_were_not_scored_are_unknown_and_all_nan_is_a_loss():
    scores = personal()
    scores[100:] = np.nan
    assert not_finite(with_scores(scores)) is None
    assert not_finite(with_scores(np.full(K, np.nan))) is not None
    assert "score, or list_scores" in why_not(not_finite, healthy())


# models that can be asked


WEIGHTS = stream(7, "weights").standard_normal((240, 100)).astype(np.float32)


def steady(histories):
    return WEIGHTS[histories.user]


def asked(score):
    return replace(healthy(), score=score)


def test_a_steady_model_is_fine():
    for rule in (not_finite, unrepeatable, batch_dependent):
        assert rule(asked(steady)) is None


def test_rounding_between_batches_is_fine():
    def rounded(histories):
        return steady(histories) + np.float32(1e-6 * len(histories))

    assert batch_dependent(asked(rounded)) is None


def test_scores_that_change_between_calls_are_found():
    rng = stream(3, "dropout")

    def dropout(histories):
        scores = steady(histories).copy()
        scores[rng.random(scores.shape) < 0.1] = 0
        return scores

    assert unrepeatable(asked(dropout)).numbers["users whose scores changed"] == 1.0


def batch_norm(histories):
    scores = steady(histories)
    return (scores - scores.mean(axis=0)) / (scores.std(axis=0) + np.float32(1e-3))


def softmax_over_users(histories):
    exp = np.exp(steady(histories))
    return exp / exp.sum(axis=0)


def longest(histories):
    return steady(histories) * np.float32(1 + histories.user.max() / 240)


@pytest.mark.parametrize("score", [batch_norm, softmax_over_users, longest])
def test_scores_that_depend_on_the_batch_are_found(score):
    assert unrepeatable(asked(score)) is None
    found = batch_dependent(asked(score))
    assert found.numbers["users whose scores depend on the batch"] > 0.5


def test_nan_scores_of_a_model_are_found():
    def broken(histories):
        scores = steady(histories).copy()
        scores[:, 3] = np.nan
        return scores

    assert not_finite(asked(broken)).numbers["scores that are not finite"] == pytest.approx(0.01)


def test_a_single_user_cannot_be_asked_apart():
    alone = replace(lists_with([0]), score=steady)
    assert why_not(batch_dependent, alone) == "two users are needed to ask them apart"
