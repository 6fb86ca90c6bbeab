"""Searches, seeds and stages made by hand."""

import numpy as np
import pytest

from tastemap.diagnosis.evidence import Claim, Evidence, Searched, Stages
from tastemap.diagnosis.finding import NotApplicable
from tastemap.diagnosis.tuning import best_at_edge, low_ceiling, noisy_seeds, stage_saw_labels


@pytest.mark.parametrize(
    ("tried", "best", "found"),
    [
        ((1, 2, 4), 2, False),
        ((1, 2, 4), 4, True),
        ((4, 2, 1), 1, True),
        ((0, 0.1, 1), 0, False),  # nothing lies below 0
        ((1, 2), 2, False),  # two values are no range
    ],
)
def test_a_best_value_at_the_edge_is_found(tried, best, found):
    run = Evidence(name="ALS", searched=(Searched("factors", tried, best),))
    assert (best_at_edge(run) is not None) == found


def with_seeds(values, other) -> Evidence:
    reference = Evidence(name="other", claims={"ndcg@10": Claim(other)})
    return Evidence(name="BPR", seeds={"ndcg@10": values}, references=(reference,))


def test_seeds_that_spread_more_than_the_models_differ_are_found():
    # spread of .28, .30, .32 is .02; distance to .31 is .01
    seen = noisy_seeds(with_seeds((0.28, 0.30, 0.32), 0.31))
    assert seen is not None
    assert seen.numbers["spread over seeds"] == pytest.approx(0.02)
    assert noisy_seeds(with_seeds((0.28, 0.30, 0.32), 0.35)) is None


def test_two_seeds_are_too_few_to_judge():
    with pytest.raises(NotApplicable, match="three seeds"):
        noisy_seeds(with_seeds((0.28, 0.32), 0.31))


def test_labels_that_the_first_stage_knew_are_found():
    first = np.array([[0, 1], [0, 2], [1, 1]])
    fresh = np.array([[1, 2], [2, 1]])
    assert stage_saw_labels(Evidence(name="two", stages=Stages(first, fresh))) is None
    half = np.array([[1, 2], [0, 2]])
    seen = stage_saw_labels(Evidence(name="two", stages=Stages(first, half)))
    assert seen is not None
    assert seen.severity == "error"
    assert seen.numbers["labels that the first stage was fitted on"] == 0.5


def test_a_first_stage_that_finds_less_than_half_is_a_low_ceiling():
    assert low_ceiling(Evidence(name="two", stages=Stages(candidate_recall=0.5))) is None
    assert low_ceiling(Evidence(name="two", stages=Stages(candidate_recall=0.49))) is not None
    with pytest.raises(NotApplicable):
        low_ceiling(Evidence(name="two", stages=Stages()))
