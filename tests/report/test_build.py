import json
from dataclasses import replace
from functools import partial

import pytest

import tastemap as tm
from tastemap.errors import InputError, UsageError
from tastemap.report import build_report
from tastemap.report.build import OPTIONAL

bare_report = partial(build_report, diagnose=False, leave_out=tuple(OPTIONAL))


def test_a_world_of_groups_is_a_win_and_the_table_holds_models_and_yardsticks(report):
    assert report.verdict.outcome == "better"
    assert f"{report.verdict.model} beats Popularity by" in report.verdict.sentence
    roles = {row.name: row.role for row in report.rows}
    assert roles.pop(report.verdict.model) == "chosen"
    assert {name for name, role in roles.items() if role == "yardstick"} == {
        "Random",
        "Popularity",
        "Popularity (4 days)",
    }
    assert set(roles.values()) == {"yardstick", "model"}
    means = [row.test["ndcg@10"].mean for row in report.rows]
    assert means == sorted(means, reverse=True)


def test_the_next_best_model_is_compared_with_the_chosen_one(report, world):
    runs, _, _ = world
    models = [run for run in runs if run.name != "Popularity"]
    models.sort(key=lambda run: -run.validation["ndcg@10"].mean)
    assert report.verdict.model == models[0].name
    assert f"The next best is {models[1].name}. {models[0].name} " in " ".join(
        report.verdict.details
    )


def test_rows_repeat_the_runs_numbers(report, world):
    runs, _, _ = world
    for run in runs:
        row = report.row(run.name)
        assert row.test["ndcg@10"].mean == pytest.approx(run["ndcg@10"].mean, rel=1e-5)
        assert row.test["ndcg@10"].stderr == pytest.approx(run["ndcg@10"].stderr, rel=1e-5)
        assert row.validation.mean == pytest.approx(run.validation["ndcg@10"].mean, rel=1e-5)
        assert row.recipe == repr(run.model.recipe)
    gap = report.row("EASE").gap
    base = report.row("Popularity").test["ndcg@10"].mean
    ease = report.row("EASE").test["ndcg@10"].mean
    assert gap.mean == pytest.approx(ease - base, abs=1e-5)
    assert gap.relative == pytest.approx(100 * (ease / base - 1), rel=1e-3)
    assert gap.low < gap.mean < gap.high
    assert report.row("Popularity").gap is None


def test_the_model_is_chosen_on_the_validation_part(world):
    runs, split, log = world
    by_name = {run.name: run for run in runs}
    # BPR is made to look best on the validation part alone.
    best = max(runs, key=lambda run: run.validation["ndcg@10"].mean)
    worst = by_name["BPR"]
    swapped = [
        replace(worst, validation=best.validation),
        replace(best, validation=worst.validation),
        by_name["Popularity"],
    ]
    assert bare_report(swapped, split, log, people=0).verdict.model == "BPR"
    blind = [replace(run, validation=None) for run in swapped]
    report = bare_report(blind, split, log, people=0)
    assert report.verdict.model == best.name
    assert "on the test part itself" in " ".join(report.verdict.details)


def test_without_taste_no_model_is_said_to_win(executed):
    log = tm.synthetic.popularity_only(users=200, items=60, seed=5)
    split = tm.random_split(log, seed=5)
    runs = executed([tm.RP3beta(beta=2.0)], split, ["ndcg@10"])
    report = bare_report(runs, split, log, people=1)
    assert report.verdict.outcome == "worse"
    assert "RP3beta is worse than Popularity by" in report.verdict.sentence


def test_popularity_under_another_name_cannot_be_told_apart(executed):
    log = tm.synthetic.popularity_only(users=200, items=60, seed=5)
    split = tm.random_split(log, seed=5)
    runs = executed([tm.Popularity(days=10_000)], split, ["ndcg@10"])
    report = bare_report(runs, split, log, people=1)
    assert report.verdict.sentence.startswith(
        "Popularity(days=10000) cannot be told apart from Popularity"
    )
    assert [row.role for row in report.rows].count("yardstick") == 3


def test_curves_over_k_end_where_the_table_stands_and_recall_never_falls(report, world):
    at_k = {one.metric: one for one in report.at_k}
    assert at_k["ndcg"].k == tuple(range(1, 11))
    for name, values in at_k["ndcg"].values.items():
        assert values[-1] == pytest.approx(report.row(name).test["ndcg@10"].mean, rel=1e-4)
    for values in at_k["recall"].values.values():
        assert list(values) == sorted(values)
    runs, _, _ = world
    first = runs[1].evaluation.ranking.hits[:, 0].mean()  # one held-out item: nDCG@1 is a hit
    assert at_k["ndcg"].values[runs[1].name][0] == pytest.approx(first, rel=1e-4)


def test_training_logs_with_values_become_curves(report, world):
    runs, _, _ = world
    curves = {one.name: one for one in report.training}
    assert set(curves) == {"ALS", "BPR"}
    assert set(curves["BPR"].values) == {"train_auc", "skipped"}
    written = next(run for run in runs if run.name == "BPR").model.log.curve("train_auc")
    assert curves["BPR"].values["train_auc"] == pytest.approx(written, rel=1e-4)
    assert curves["BPR"].epochs == (1, 2, 3, 4, 5, 6)


def test_long_training_is_thinned_and_keeps_its_ends(executed):
    log = tm.synthetic.taste_groups(users=30, items=20, groups=2, per_user=5)
    split = tm.leave_last_out(log)
    report = bare_report(
        executed([tm.BPR(factors=2, epochs=400)], split, ["ndcg@5"]),
        split,
        log,
        metric="ndcg@5",
        people=1,
    )
    assert len(report.training[0].epochs) <= 100
    assert (report.training[0].epochs[0], report.training[0].epochs[-1]) == (1, 400)


def test_runs_of_one_recipe_get_names_that_tell_them_apart(executed):
    log = tm.synthetic.taste_groups(users=30, items=20, groups=2, per_user=5)
    split = tm.leave_last_out(log)
    recipes = [tm.EASE(reg=1), tm.EASE(reg=5), tm.ItemKNN(), tm.ItemKNN(), tm.Random()]
    report = bare_report(executed(recipes, split, ["ndcg@10"]), split, log, people=1)
    assert {row.name for row in report.rows} == {
        "EASE(reg=1)",
        "EASE(reg=5)",
        "ItemKNN",
        "ItemKNN #2",
        "Random",
        "Popularity",
        "Popularity (1 day)",
    }
    assert report.row("Popularity (1 day)").recipe == "Popularity(1 day)"


def test_yardsticks_alone_make_a_report_without_a_verdict(world, executed):
    _, split, log = world
    report = bare_report(executed([tm.Popularity()], split, ["ndcg@10"]), split, log, people=1)
    assert report.verdict.outcome == "none"
    assert "no model to judge" in report.verdict.sentence


def test_what_is_needed_to_repeat_is_there_and_no_path_of_this_machine(report, world):
    runs, split, log = world
    assert report.origin.fingerprint == log.fingerprint()
    assert report.origin.split == split.how
    assert report.origin.environment["libraries"]["numpy"]
    assert runs[0].environment["executable"] not in json.dumps(report.to_json())


def test_ten_people_come_with_the_chosen_models_lists(report):
    assert len(report.people) == 10
    assert {one.model for one in report.people} == {report.verdict.model}
    assert all(one.held_out for one in report.people)


def test_the_data_object_is_plain_and_equal_for_equal_runs(report, world):
    runs, split, log = world
    again = build_report(
        runs, split, log, title="<i>title</i>", command='tastemap run "a&b.csv"', date="2026-01-02"
    )
    assert again == report
    assert json.loads(json.dumps(report.to_json(), allow_nan=False)) == report.to_json()


def test_no_runs_are_refused(world):
    _, split, log = world
    with pytest.raises(UsageError, match=r"no runs\n.*at least one run"):
        bare_report([], split, log)


def test_runs_on_another_split_are_refused(world):
    runs, split, log = world
    other = replace(split, how="random_split(test=0.5)")
    with pytest.raises(InputError, match=r"another split: leave_last_out.*\n.*random_split"):
        bare_report(runs, other, log)


def test_runs_without_popularity_are_refused(world):
    runs, split, log = world
    bare = [replace(run, yardsticks={}) for run in runs if run.name == "EASE"]
    with pytest.raises(InputError, match=r"without the yardstick Popularity"):
        bare_report(bare, split, log)


def test_a_metric_that_was_not_measured_is_refused(world):
    runs, split, log = world
    with pytest.raises(UsageError, match=r"'map@7' was not measured"):
        bare_report(runs, split, log, metric="map@7")


def test_a_metric_without_a_value_a_user_is_refused(world):
    runs, split, log = world
    with pytest.raises(UsageError, match=r"'coverage@10' has no value a user"):
        bare_report(runs, split, log, metric="coverage@10")


def test_sections_can_be_left_out_and_unknown_ones_are_refused(world):
    runs, split, log = world
    bare = bare_report(runs, split, log, people=0)
    assert (bare.findings, bare.split_parts, bare.served, bare.beyond, bare.health) == (None,) * 5
    assert bare.roc == ()
    with pytest.raises(UsageError, match=r"leave_out='speed'\n.*split_parts, roc, served"):
        build_report(runs, split, log, leave_out=["speed"])


def test_ceilings_are_those_of_perfect_lists(report, world):
    # One held-out item a user: a perfect list has it first.
    assert report.ceilings["ndcg@10"] == report.ceilings["recall@10"] == 1
    assert "coverage@10" not in report.ceilings
    assert all(at_k.ceiling == (1,) * 10 for at_k in report.at_k)


def test_format_2_keeps_the_names_of_format_1(report):
    written = report.to_json()
    assert written["format"] == 2
    assert {"title", "date", "metric", "verdict", "data", "rows", "at_k", "training", "people",
            "origin"} <= set(written)  # fmt: skip
    assert "item_map" not in written
