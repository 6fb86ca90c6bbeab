import re
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest

import tastemap as tm
from tastemap.maps.thresholds import THRESHOLDS, Threshold
from tastemap.report.material import gather
from tastemap.report.render import render
from tastemap.report.strips import Strip, strip_chart
from tastemap.report.vectors import MEASURES, Judged, _zones, pictures, vectors_of


@pytest.fixture(scope="module")
def grouped(request):
    log = tm.synthetic.taste_groups(users=150, items=80, seed=1)
    split = tm.leave_last_out(log)
    recipes = [tm.EASE(), tm.SVD(factors=8), tm.ALS(factors=8, epochs=4)]
    runs = [tm.execute(one, split, seed=1, metrics=["ndcg@10"]) for one in recipes]
    return gather(runs, split, log, "ndcg@10")


@pytest.fixture(scope="module")
def told(grouped):
    return vectors_of(grouped)


def test_every_judged_measure_has_words():
    assert set(MEASURES) == set(THRESHOLDS)


def test_the_chosen_models_vectors_are_examined_or_those_of_the_best_that_has_some(grouped, told):
    means = {n: run["ndcg@10"].mean for n, run in grouped.judged.items() if n != "EASE"}
    best = max(means, key=means.get)
    assert told.model == (grouped.chosen if grouped.chosen != "EASE" else best)
    assert told.chosen == (told.model == grouped.chosen)
    found = tm.health(grouped.judged[told.model].model)
    assert told.verdict == found.verdict
    assert told.light == found.light
    values = {one.measure: one.value for one in told.readings}
    assert values["evr1"] == pytest.approx(found.evr1, rel=1e-5)


def test_random_vectors_and_the_best_model_are_the_ticks_beside_it(grouped, told):
    by_measure = {one.measure: one for one in told.readings}
    lift = by_measure["co_lift_matched"]
    assert lift.random == pytest.approx(1, abs=0.3)  # random vectors know nothing of the log
    others = {n: tm.health(grouped.judged[n].model).co_lift_matched for n in ("SVD", "ALS")}
    assert lift.best == pytest.approx(max(others.values()), rel=1e-5)
    assert lift.best_of == max(others, key=others.get)
    evr1 = by_measure["evr1"]  # a high share is bad: the best is the lowest
    assert evr1.best <= evr1.value
    assert "do not fit the log" in told.random_verdict


def test_without_a_factor_model_there_is_no_such_section(executed, report):
    log = tm.synthetic.taste_groups(users=40, items=40, seed=1)
    split = tm.leave_last_out(log)
    assert vectors_of(gather(executed([tm.EASE()], split), split, log, "ndcg@10")) is None
    assert pictures(None) is None
    assert 'id="health"' not in render(replace(report, health=None))


def test_too_few_items_have_no_health(executed):
    log = tm.synthetic.taste_groups(users=40, items=8, groups=2, per_user=3)
    split = tm.leave_last_out(log)
    runs = executed([tm.SVD(factors=2)], split, ["ndcg@5"])
    assert vectors_of(gather(runs, split, log, "ndcg@5")) is None


def test_zones_stand_in_the_order_of_values():
    both = Threshold(warn=1.4, fail=1.2, bad="below")
    assert _zones(both) == [(1.2, "fail"), (1.4, "warn"), (np.inf, "good")]
    assert _zones(Threshold(None, 1.25, "above")) == [(1.25, "good"), (np.inf, "fail")]


def test_marks_stand_in_the_zone_that_their_value_lies_in():
    lines, ticks = [(1.0, "fail"), (np.inf, "good")], [(0.5, "random"), (2.0, "this good")]
    strip = Strip("x", "2.00", "good", lines, ticks)
    tree = ElementTree.fromstring(strip_chart([strip], title="t"))
    fail, good = (one for one in tree.iter("rect"))
    ends = [float(one.get("x")) + float(one.get("width")) for one in (fail, good)]
    this = [float(one.get("cx")) for one in tree.iter("circle") if "this" in one.get("class")]
    random = [float(one.get("x1")) for one in tree.iter("line")]
    assert random[0] < ends[0] < this[0] < ends[1]
    assert float(good.get("x")) == pytest.approx(ends[0], abs=0.11)


def test_lights_are_said_in_words_too_and_unjudged_measures_with_their_reason(report, told):
    judged = told.readings[0]
    few = "3 dimensions (judged from 8 on)"
    readings = (
        replace(judged, measure="evr1", value=0.95, light="fail", reason=""),
        Judged("hub_skew", 3.0, None, "warn > 5", few, None, None, None),
    )
    drawn = pictures(replace(told, readings=readings))
    assert re.search(r">0\.95  ?broken<", drawn["chart"])
    assert drawn["left_out"] == [("Neighbours of everybody", "3 dimensions (judged from 8 on)")]
    page = render(replace(report, health=replace(told, light="fail", readings=readings)))
    assert "✗ Broken" in page
    assert "3 dimensions (judged from 8 on)" in page
