import pytest

import tastemap as tm
from tastemap.metrics.compare import paired_difference
from tastemap.metrics.two_stage import two_stage_report
from tastemap.models import ALS, EASE, Popularity, Random, TwoStage


@pytest.fixture(scope="module")
def split():
    return tm.leave_last_out(tm.synthetic.taste_groups(seed=3))


@pytest.fixture(scope="module")
def model(split):
    return TwoStage(Popularity(), EASE(reg=5), candidates=40, k=5, always=True).fit(split.train)


def test_shows_the_ceiling_and_both_ndcgs_side_by_side(model, split):
    report = two_stage_report(model, split)
    alone = tm.evaluate(model.retriever, split, ["recall@40", "ndcg@5"])
    both = tm.evaluate(model, split, ["ndcg@5"])
    assert report.ceiling == alone["recall@40"]
    assert report.retriever["ndcg@5"] == alone["ndcg@5"]
    assert report.whole["ndcg@5"] == both["ndcg@5"]
    assert report.difference == paired_difference(both, alone, "ndcg@5")
    text = str(report)
    assert f"recall@40 (ceiling)  {alone['recall@40']}" in text
    assert f"ndcg@5               {alone['ndcg@5']}  {both['ndcg@5']}" in text
    assert f"difference  {report.difference}" in text
    assert "off" not in text.split("\n\n", 1)[1]


def test_no_list_exceeds_the_ceiling(model, split):
    report = two_stage_report(model, split)
    assert report.whole["ndcg@5"].mean <= report.ceiling.mean


def test_reads_a_run_and_another_part(split):
    recipe = TwoStage(Popularity(), EASE(reg=5), candidates=40, always=True)
    run = tm.execute(recipe, split)
    assert two_stage_report(run).whole["ndcg@10"] == run["ndcg@10"]
    part = two_stage_report(run, part="validation")
    assert part.whole["ndcg@10"] == run.validation["ndcg@10"]


def test_says_that_the_second_stage_is_off(split):
    model = TwoStage(ALS(factors=8), Random(), candidates=500).fit(split.train)
    report = two_stage_report(model, split)
    assert not report.on
    assert report.difference.mean == 0
    assert report.candidates == len(split.train.items)
    assert str(report).endswith("the second stage is off: the retriever ranks alone")


def test_refuses_a_model_of_one_stage_and_a_model_without_a_split(model, split):
    with pytest.raises(tm.UsageError, match="two stages of Popularity, which has one"):
        two_stage_report(Popularity().fit(split.train), split)
    with pytest.raises(tm.UsageError, match="a report on two stages without a split"):
        two_stage_report(model)
