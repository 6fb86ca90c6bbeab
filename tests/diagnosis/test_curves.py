"""Curves drawn by hand, judged by the rules about curves."""

import numpy as np
import pytest

from tastemap import Epoch, TrainingLog
from tastemap.diagnosis.curves import diverged, falling_curve, still_rising
from tastemap.diagnosis.evidence import Evidence
from tastemap.diagnosis.finding import NotApplicable


def run_with(values, name="train_auc", notes=(), **more) -> Evidence:
    epochs = tuple(Epoch(n + 1, 0.1, {name: v}) for n, v in enumerate(values))
    return Evidence(name="BPR", curve=TrainingLog(epochs, notes), **more)


def saturating(n=40):
    return list(0.95 - 0.4 * np.exp(-np.arange(n) / 4))


def test_a_curve_that_levels_out_is_fine():
    assert still_rising(run_with(saturating())) is None
    assert falling_curve(run_with(saturating())) is None


def test_a_straight_rise_wants_more_epochs():
    seen = still_rising(run_with(list(np.linspace(0.5, 0.8, 30))))
    assert seen is not None
    assert seen.numbers["gain in the last 3 epochs"] == pytest.approx(3 * 0.3 / 29)
    assert "epochs=60" in seen.remedies[0]


def test_a_run_that_a_monitor_ended_is_not_asked_for_more():
    rising = list(np.linspace(0.5, 0.8, 30))
    assert still_rising(run_with(rising, notes=("converged, after epoch 30 of 100",))) is None


def test_a_short_log_is_not_judged():
    with pytest.raises(NotApplicable, match="fewer than ten epochs"):
        still_rising(run_with([0.5, 0.6, 0.7]))


def test_a_fall_of_five_points_is_found_and_four_are_not():
    flat = [0.9] * 8
    assert falling_curve(run_with([*flat, 0.86])) is None
    seen = falling_curve(run_with([*flat, 0.84], recipe={"learning_rate": 0.3}))
    assert seen is not None
    assert seen.remedies == ("Try learning_rate=0.1.",)


def test_a_loss_of_nan_is_found_with_its_first_epoch():
    seen = diverged(run_with([1.0, 0.5, float("nan"), float("nan")], name="loss"))
    assert seen is not None
    assert seen.numbers == {"loss is nan in epoch": 3}


def test_a_loss_that_grows_tenfold_diverged_and_one_that_falls_did_not():
    assert diverged(run_with([1.0, 0.5, 0.2], name="loss")) is None
    seen = diverged(run_with([1.0, 0.5, 40.0], name="loss"))
    assert seen is not None
    assert seen.numbers["lowest loss"] == 0.5


def test_vectors_that_are_not_finite_are_counted():
    vectors = np.ones((5, 2), np.float32)
    vectors[3, 1] = np.inf
    seen = diverged(Evidence(name="ALS", item_vectors=vectors))
    assert seen is not None
    assert seen.numbers == {"rows of item_vectors not finite": 1}
    assert diverged(Evidence(name="ALS", item_vectors=np.ones((5, 2), np.float32))) is None
