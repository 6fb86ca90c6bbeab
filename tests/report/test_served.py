import pytest

from tastemap.metrics.slices import slices
from tastemap.report.material import gather
from tastemap.report.measured import Measured
from tastemap.report.render import model_styles
from tastemap.report.served import Cut, Served, Slice, _label, _said, pictures, served_by


@pytest.fixture
def material(world):
    runs, split, log = world
    return gather(runs, split, log, "ndcg@10")


def test_groups_repeat_what_slices_says_of_model_and_popularity(material):
    cuts = {one.by: one for one in served_by(material).cuts}
    assert {"popularity", "activity", "time"} <= set(cuts)
    for by, cut in cuts.items():
        mine = slices(material.subject.evaluation, material.split, by, "ndcg@10")
        popular = slices(material.popular, material.split, by, "ndcg@10")
        assert [one.model.mean for one in cut.slices] == pytest.approx(mine["mean"][1:], rel=1e-5)
        assert [one.yardstick.mean for one in cut.slices] == pytest.approx(
            popular["mean"][1:], rel=1e-5
        )
        assert [one.n for one in cut.slices] == mine["n"][1:].tolist()
        assert all(one.ceiling == 1 for one in cut.slices)  # one held-out event a user


def test_a_cut_that_tells_nothing_is_named_instead(material):
    told = served_by(material)
    assert "every test user has a history" in told.alike
    assert "cold_users" not in [one.by for one in told.cuts]


def test_groups_of_events_need_a_metric_of_lists(world):
    runs, split, log = world
    cuts = {one.by: one for one in served_by(gather(runs, split, log, "auc")).cuts}
    assert cuts["activity"].metric == "auc"
    assert cuts["popularity"].metric == "recall@10"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("decile 1", "tenth 1, most used"),
        ("decile 4", "tenth 4"),
        ("decile 10", "tenth 10, least used"),
        ("18 to 32 events known", "18 to 32 events known"),
        ("2024-01-01 10:00:00 to 2024-01-01 12:00:00",) * 2,
        ("2024-01-01 10:00:00 to 2024-02-01 12:00:00", "2024-01-01 – 2024-02-01"),
    ],
)
def test_groups_are_named_for_readers(name, said):
    assert _label(name, 10) == said


def group(label, mean, popular, n=100):
    return Slice(label, n, Measured(mean, 0.01, n), Measured(popular, 0.01, n), 0.5)


def test_best_worst_and_where_popularity_wins_are_said():
    cut = Cut("activity", False, "ndcg@10", (group("few", 0.3, 0.1), group("many", 0.1, 0.2, 70)))
    said = _said(cut, "EASE")
    assert "does best for “few” (0.3000) and worst for “many” (0.1000, 70 users)" in said
    assert "Popularity has the higher mean for “many”" in said


def test_differences_within_the_noise_are_not_called_best_and_worst():
    cut = Cut("time", True, "ndcg@10", (group("old", 0.30, 0.1), group("new", 0.27, 0.2)))
    assert _said(cut, "EASE") == (
        "No group stands out: from 0.2700 to 0.3000, with intervals that overlap."
    )


def test_groups_in_which_nothing_is_found_are_counted_with_their_users():
    slices_ = (group("a", 0.2, 0.1), group("b", 0.0, 0.0, 30), group("c", 0.0, 0.0, 12))
    said = _said(Cut("popularity", True, "ndcg@10", slices_), "EASE")
    assert "finds nothing in 2 of 3 groups, which hold 42 users" in said


def test_ceilings_are_drawn_where_they_are_in_sight(report):
    name = report.verdict.model
    near = Cut("activity", False, "ndcg@10", (group("few", 0.4, 0.1), group("many", 0.1, 0.2)))
    far = Cut("activity", False, "ndcg@10", (group("few", 0.04, 0.01), group("many", 0.01, 0.0)))
    for cut, marks in ((near, 2), (far, 0)):
        drawn = pictures(Served(name, (cut,), ()), model_styles(report))
        chart = drawn["charts"][0][3]
        assert chart.count("mark ceiling") == marks
        assert chart.count("<circle") == 4
