"""Pictures hold the numbers that were measured: read back from the lines of the figure."""

import numpy as np
import pytest

import tastemap as tm
from tastemap import UsageError, learning_curve
from tastemap.metrics.ranking import ndcg
from tastemap.report.pictures import learning_picture, metrics_picture, roc_picture


@pytest.fixture(scope="module")
def run():
    split = tm.leave_last_out(tm.synthetic.taste_groups(users=80, items=60, seed=1))
    return tm.execute(tm.ItemKNN(), split, seed=1, metrics=["ndcg@10", "auc_global"])


def lines_of(figure, panel=0):
    return {line.get_label(): line.get_xydata() for line in figure.axes[panel].get_lines()}


def test_the_area_under_the_roc_picture_is_the_global_auc(run):
    label, corners = next(iter(lines_of(roc_picture([run])).items()))
    x, y = corners.T
    area = float(((x[1:] - x[:-1]) * (y[1:] + y[:-1]) / 2).sum())
    assert area == pytest.approx(run["auc_global"].mean, abs=1e-9)
    assert label == f"ItemKNN: {area:.3f}"


def test_metrics_are_drawn_at_every_k(run, tmp_path):
    path = tmp_path / "k.svg"
    figure = metrics_picture({"ItemKNN": run.evaluation}, ["ndcg"], path)
    drawn = lines_of(figure)["ItemKNN"]
    assert drawn[:, 0].tolist() == list(range(1, 11))
    assert drawn[4, 1] == pytest.approx(ndcg(run.evaluation.ranking, 5).mean())
    assert "<svg" in path.read_text()


def test_unknown_metrics_and_empty_pictures_are_refused(run):
    with pytest.raises(UsageError, match="'speed'"):
        metrics_picture({"ItemKNN": run.evaluation}, ["speed"])
    with pytest.raises(UsageError, match="nothing to draw"):
        roc_picture([])


@pytest.fixture(scope="module")
def memorising():
    """No taste to find: what is gained on training pairs is lost on others."""
    split = tm.leave_last_out(tm.synthetic.noise(users=60, items=60, seed=1))
    return learning_curve(tm.BPR(factors=32, epochs=60, reg_user=0.001), split, every=20)


def test_over_fitting_shows_as_a_gap_on_one_axis(memorising):
    assert memorising.epochs.tolist() == [20, 40, 60]
    assert memorising.part == "validation"
    assert memorising.train[-1] > 0.95
    assert abs(memorising.held_out[-1] - 0.5) < 0.15
    drawn = lines_of(learning_picture(memorising))
    np.testing.assert_allclose(drawn["training pairs"][:, 1], memorising.train)
    np.testing.assert_allclose(drawn["held-out pairs (validation)"][:, 1], memorising.held_out)


def test_the_curve_ends_where_the_finished_model_stands(memorising):
    split = tm.leave_last_out(tm.synthetic.noise(users=60, items=60, seed=1))
    once = learning_curve(tm.BPR(factors=32, epochs=60, reg_user=0.001), split, every=60)
    assert once.train[-1] == memorising.train[-1]  # looking on does not change training


def test_a_recipe_without_epochs_has_no_curve():
    split = tm.leave_last_out(tm.synthetic.taste_groups(users=40, items=40, seed=1))
    with pytest.raises(UsageError, match="no epoch"):
        learning_curve(tm.ItemKNN(), split)
    with pytest.raises(UsageError, match="every=0"):
        learning_curve(tm.BPR(), split, every=0)
