"""The rule about weights: ratings, zeros and negative values."""

import numpy as np
import pytest

import messy
from tastemap.data.interactions import Interactions
from tastemap.diagnosis.log import check


@pytest.fixture
def path(tmp_path):
    return tmp_path / "log.csv"


def of_weights(path, weights):
    rows = messy.healthy()
    weights = np.resize(weights, len(rows)).tolist()
    return messy.write(path, [(u, i, w, t) for (u, i, _, t), w in zip(rows, weights, strict=True)])


@pytest.mark.parametrize(
    ("weights", "threshold"),
    [
        ([5, 4, 3, 4, 5, 2, 1], "4"),
        ([0.5, 3.5, 4, 4.5, 5, 3, 2.5], "3.5"),
        ([10, 8, 7, 6, 9, 3, 1], "7"),
    ],
)
def test_ratings_are_a_tip_that_names_the_threshold(weights, threshold, path):
    finding = messy.found(check(of_weights(path, weights)), "D106")
    assert finding.severity == "tip"
    assert f"threshold={threshold})" in finding.remedies[0]


@pytest.mark.parametrize(
    "weights",
    [[1], [1, 1, 1, 1, 2, 1, 3, 2, 1, 4, 5], [3.7, 120, 0.4, 18], [4, 5], [1, 3, 5, 1, 1, 1, 1]],
    ids=["ones", "counts", "hours", "likes only", "strengths"],
)
def test_counts_and_strengths_are_no_ratings(weights, path):
    assert messy.found(check(of_weights(path, weights)), "D106") is None


@pytest.mark.parametrize("share", [0.49, 0.5])
def test_ratings_have_half_of_their_mass_in_the_upper_half(share):
    n = int(1000 * share)
    weights = [5] * (n - 100) + [3] * 100 + [1] * (1000 - n)
    events = [(k % 40, k // 40, w) for k, w in enumerate(weights)]
    assert (messy.found(check(Interactions.of(events)), "D106") is not None) == (share >= 0.5)


def test_negative_weights_are_a_warning_with_lines_and_no_unreadable_rows(path):
    rows = messy.healthy(ratings=True)
    for n in (4, 9):
        rows[n] = (*rows[n][:2], -1, rows[n][3])
    checkup = check(messy.write(path, rows))
    finding = messy.found(checkup, "D106")
    assert finding.severity == "warning"
    assert finding.numbers["negative weights"] == 2
    assert finding.numbers["negative at"] == ("line 6", "line 11")
    assert messy.found(checkup, "D107") is None
    assert checkup.passport.events == len(rows) - 2


@pytest.mark.parametrize(("zeros", "severity"), [(1, "tip"), (2, "warning")])
def test_zeros_are_a_warning_from_one_in_a_thousand_on(zeros, severity, path):
    rows = messy.healthy(users=400, items=200)[:2000]
    rows[:zeros] = [(*row[:2], 0, row[3]) for row in rows[:zeros]]
    finding = messy.found(check(messy.write(path, rows)), "D106")
    assert finding.severity == severity
    assert finding.numbers["weights of 0"] == zeros
    assert finding.numbers["0 at"][0] == "line 2"
    assert "threshold=1)" in finding.remedies[0]


def test_a_log_without_weights_cannot_be_judged(path):
    checkup = check(messy.write(path, messy.healthy(), header=messy.HEADER[:2]))
    outcome = next(o for o in checkup.diagnosis.outcomes if o.code == "D106")
    assert (outcome.state, outcome.reason) == ("not applicable", "the log has no weights")
