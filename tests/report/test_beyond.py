from dataclasses import replace

import pytest

import tastemap as tm
from tastemap.report.beyond import READINGS, _reading, beyond_of
from tastemap.report.material import gather
from tastemap.report.measured import Measured


@pytest.fixture
def material(world):
    runs, split, log = world
    return gather(runs, split, log, "ndcg@10")


def test_measures_of_model_and_yardsticks_repeat_the_metrics_own(material):
    told = beyond_of(material)
    assert told.names == (material.chosen, "Popularity", "Popularity (4 days)", "Random")
    found = {one.metric: one for one in told.aspects}
    for name in (material.chosen, "Popularity"):
        table = tm.beyond_accuracy(material.evaluations[name], material.split, 10)
        means = dict(zip(table["metric"], table["mean"], strict=True))
        for metric in ("popularity_lift@10", "serendipity@10", "unexpectedness@10"):
            assert found[metric].values[name].mean == pytest.approx(means[metric], rel=1e-5)
        coverage = material.evaluations[name]["coverage@10"].mean
        assert found["coverage@10"].values[name].mean == pytest.approx(coverage, rel=1e-5)


def test_without_labels_likeness_is_that_of_another_models_vectors(material):
    told = beyond_of(material)  # the hostile world has no labels
    assert told.without_labels
    assert told.vectors_of is not None
    assert told.vectors_of != material.chosen
    metrics = [one.metric for one in told.aspects]
    assert "diversity_vectors@10" in metrics
    assert "calibration_kl@10" not in metrics


def test_labels_bring_calibration_and_diversity(executed):
    log = tm.synthetic.taste_groups(users=40, items=40, seed=1)
    split = tm.leave_last_out(log)
    material = gather(executed([tm.EASE()], split), split, log, "ndcg@10")
    told = beyond_of(material)
    found = {one.metric: one for one in told.aspects}
    # Every list and every history is of one group: the mix is kept, and nothing differs.
    assert found["diversity_labels@10"].values["Popularity"].mean > 0
    assert found["calibration_kl@10"].values["EASE"].mean is not None
    assert told.vectors_of is None


@pytest.mark.parametrize(
    ("metric", "value", "said"),
    [
        ("coverage", 0.25, "25.0 % of the catalogue is shown to somebody"),
        ("gini", 0.95, "nearly all places go to a few items"),
        ("gini", 0.7, "most places go to a minority of items"),
        ("gini", 0.2, "places are spread widely"),
        ("personalisation", 0.8, "Two users’ lists share 2.0 items"),
        ("novelty", 3.0, "A listed item is known to one user in 8"),
        ("popularity_lift", 0.48, "A list is 48 % more popular than what its user used before"),
        ("popularity_lift", -0.3, "A list is 30 % less popular than what its user used before"),
        ("popularity_lift", 0.01, "A list is about as popular as what its user used before"),
        ("calibration_kl", 0.05, "The mix of labels is nearly the user’s own"),
        ("calibration_kl", 0.9, "The mix of labels is far from the user’s own"),
        ("serendipity", 0.008, "0.8 % of the places are hits that Popularity would not list"),
    ],
)
def test_each_measure_is_read_in_plain_words(metric, value, said):
    sentence, words = READINGS[metric]
    assert sentence.format(words(value, 10)) == said


def test_an_undefined_value_is_said_to_be_undefined():
    none = Measured(None, None, 0)
    values = {"EASE": none, "Popularity": Measured(0.5, None, 9)}
    assert _reading("coverage", values, "EASE", 10) == "Undefined (Popularity: 50.0 %)."


def test_shorter_lists_are_measured_to_their_end(executed):
    log = tm.synthetic.taste_groups(users=30, items=20, groups=2, per_user=5)
    split = tm.leave_last_out(replace(log, table=None))
    runs = executed([tm.EASE()], split, ["ndcg@5"])
    assert beyond_of(gather(runs, split, log, "ndcg@5")).k == 5
