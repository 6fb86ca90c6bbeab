import pytest

from tastemap.report.learning import Learning, pictures
from tastemap.report.measured import Measured


def test_held_out_auc_of_the_finished_model_stands_beside_the_curve(world, report):
    runs, _, _ = world
    bpr = next(one for one in report.training if one.name == "BPR")
    run = next(run for run in runs if run.name == "BPR")
    assert bpr.held_out.mean == pytest.approx(run.validation["auc"].mean, rel=1e-5)
    assert bpr.held_out_on == "validation"
    als = next(one for one in report.training if one.name == "ALS")
    assert als.held_out is None  # its loss has no counterpart on held-out data


def test_the_gap_between_both_sides_is_said_in_points():
    curve = Learning(
        "BPR", (1, 2), {"train_auc": (0.8, 0.95)}, (), Measured(0.9, 0.01, 50), "validation"
    )
    (_, (panel,)) = pictures([curve], {"BPR": "s0"})["models"][0]
    assert panel.last == "95.0 % in epoch 2"
    assert "90.0 %, which training did not see: the curve ends 5.0 points above it" in panel.beside
    assert "held out" in panel.chart
    assert panel.chart.count("<path") == 4  # two lines, and what leads to their names


def test_without_held_out_data_there_is_one_line():
    curve = Learning("BPR", (1, 2), {"train_auc": (0.8, 0.95)}, ())
    (_, (panel,)) = pictures([curve], {"BPR": "s0"})["models"][0]
    assert panel.beside == ""
    assert "held out" not in panel.chart
