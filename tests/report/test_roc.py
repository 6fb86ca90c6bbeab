import numpy as np
import pytest

from tastemap.metrics.evaluate import roc
from tastemap.report.material import gather
from tastemap.report.render import model_styles
from tastemap.report.roc import MOST_POINTS, _bends, pictures, roc_of


@pytest.fixture
def material(world):
    runs, split, log = world
    return gather(runs, split, log, "ndcg@10")


def test_the_area_is_that_of_all_corners_and_a_thin_curve_keeps_it(material):
    for one in roc_of(material):
        model = material.judged[one.name].model
        whole = roc(model, material.split)
        area = np.trapezoid(whole.tpr, whole.fpr)
        assert one.area == pytest.approx(area, rel=1e-5)
        assert np.trapezoid(one.tpr, one.fpr) == pytest.approx(area, abs=0.005)
        assert len(one.fpr) <= MOST_POINTS
        assert (one.fpr[0], one.tpr[0], one.fpr[-1], one.tpr[-1]) == (0, 0, 1, 1)
        assert list(one.fpr) == sorted(one.fpr)


def test_the_chosen_model_and_popularity_are_drawn_with_their_areas(material, report):
    curves = roc_of(material)
    assert [one.name for one in curves] == [material.chosen, "Popularity"]
    drawn = pictures(curves, model_styles(report))
    for one in curves:
        assert f"{one.name}: area {one.area:.4f}" in drawn["chart"]
    assert "chance: area 0.5" in drawn["chart"]


def test_what_is_found_near_the_start_is_read_off_the_curve(material):
    curve = roc_of(material)[0]
    assert curve.near == pytest.approx(np.interp(0.1, curve.fpr, curve.tpr), abs=0.01)


def test_thinning_goes_by_the_way_along_the_curve():
    x = np.linspace(0, 1, 10_001)
    y = np.minimum(1, 50 * x)  # a steep rise of a fiftieth of the width
    kept = _bends(x, y)
    assert {0, 10_000} <= set(kept.tolist())
    assert 40 <= (x[kept] < 0.02).sum() <= 60  # half of the way is the rise
    few = np.linspace(0, 1, 7)
    assert _bends(few, few).tolist() == list(range(7))
