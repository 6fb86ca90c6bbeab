"""One call for any run: what is read, what is said, what is hidden under its cause."""

import json
from dataclasses import replace

import numpy as np
import pytest

import tastemap as tm
import worlds
from handmade import healthy
from tastemap.diagnosis import diagnose, run_rules
from tastemap.diagnosis.evidence import distinct, repeats
from tastemap.diagnosis.finding import SECTIONS
from tastemap.diagnosis.from_run import evidence_of
from tastemap.diagnosis.rules import RULES
from tastemap.diagnosis.sources import evidence_of_anything
from tastemap.errors import UsageError

MINE = tuple(rule for rule in RULES if rule.code.startswith("E"))
METRICS = ["ndcg@5", "ndcg@10", "recall@5", "recall@10", "precision@10", "hit_rate@10", "map@10"]


def split_of(log, kind):
    splits = {
        "last": tm.leave_last_out,
        "random": lambda one: tm.random_split(one, test=0.3, seed=2),
        "time": lambda one: tm.split_by_time(one, test=0.2),
        "strong": lambda one: tm.holdout_users(one, test_users=0.3, seed=2),
    }
    return splits[kind](log)


WORLDS = {
    "groups": lambda: tm.synthetic.taste_groups(users=120, items=80, seed=4),
    "a dozen": lambda: tm.synthetic.taste_groups(users=12, items=16, groups=2, per_user=6, seed=4),
    "noise": lambda: tm.synthetic.noise(users=120, items=80, seed=4),
    "popularity": lambda: tm.synthetic.popularity_only(users=120, items=60, seed=4),
    "withheld": lambda: worlds.withheld()[0],
}


def alarms(found):
    """Errors and warnings of the rules about evaluation, and whatever crashed."""
    return [
        (one.code, one.state, one.reason or one.finding.means)
        for one in found.outcomes
        if one.code.startswith("E")
        and (one.state == "crashed" or (one.finding and one.finding.severity != "tip"))
    ]


@pytest.mark.parametrize("kind", ["last", "random", "time", "strong"])
@pytest.mark.parametrize("world", WORLDS)
def test_healthy_runs_raise_no_alarm(world, kind):
    split = split_of(WORLDS[world](), kind)
    shared = None
    for recipe in (
        tm.Random(),
        tm.Popularity(),
        tm.ItemKNN(),
        tm.ALS(factors=4, epochs=3),
    ):
        run = tm.execute(recipe, split, seed=5, metrics=METRICS, yardsticks=shared)
        shared = run.yardsticks
        assert alarms(run_rules(run.name, evidence_of(run, against=[run]), MINE)) == []


@pytest.mark.parametrize("users", [2, 3, 12])
@pytest.mark.parametrize("items", [3, 6, 12])
def test_no_rule_crashes_on_a_catalogue_shorter_than_a_list(users, items):
    events = [(f"u{u}", f"i{(u + t) % items}", 1, t) for u in range(users) for t in range(3)]
    split = tm.leave_last_out(tm.Interactions.of(events))
    for recipe in (tm.ItemKNN(), tm.EASE(), tm.ALS(factors=2, epochs=2), tm.BPR(epochs=2)):
        found = diagnose(tm.execute(recipe, split, metrics=METRICS))
        assert [(o.code, o.reason) for o in found.outcomes if o.state == "crashed"] == []


@pytest.fixture(scope="module")
def run():
    split = tm.leave_last_out(tm.synthetic.taste_groups(seed=1))
    return tm.execute(tm.EASE(), split, seed=1, metrics=METRICS)


def test_a_run_its_folder_and_its_evidence_are_judged_alike(run, tmp_path):
    path = run.save(tmp_path / "run")
    said = [json.dumps(diagnose(one).to_json()) for one in (run, path, str(path), evidence_of(run))]
    assert len(set(said)) == 1


def test_a_run_with_its_lists_reversed_is_found_by_its_scores_and_hides_the_symptoms(run):
    ranking = run.evaluation.ranking
    turned = replace(
        ranking,
        items=np.ascontiguousarray(ranking.items[:, ::-1]),
        hits=np.ascontiguousarray(ranking.hits[:, ::-1]),
        gains=np.ascontiguousarray(ranking.gains[:, ::-1]),
    )
    evaluation = replace(run.evaluation, ranking=turned)
    found = diagnose(replace(run, evaluation=evaluation), against=[run])
    first = found.findings[0]
    assert first.code == "E301"
    assert {"E302", "E316", "E318"} <= set(first.also)
    assert found.exit_code() == 1
    assert "upside down" in str(found)
    assert max(map(len, str(found).splitlines())) < 80


def test_rules_can_be_ignored_and_slow_ones_left_out(run):
    found = diagnose(run, ignore=["E301"])
    assert next(o for o in found.outcomes if o.code == "E301").state == "skipped"
    with pytest.raises(UsageError, match="ignore='E999'"):
        diagnose(run, ignore=["E999"])


@pytest.mark.parametrize("what", [3, None, ["lists"]])
def test_what_is_no_run_is_refused(what):
    with pytest.raises(UsageError, match=r"a run of type .*\n.*a Run, the folder.*\n.*docs"):
        evidence_of_anything(what)


def test_references_that_are_not_in_a_list_are_refused(run):
    with pytest.raises(UsageError, match=r"against=Run\n.*a list of runs"):
        diagnose(run, against=run)


def test_the_function_stays_a_function_after_its_module_is_loaded():
    import tastemap.diagnosis
    import tastemap.diagnosis.diagnose

    assert callable(tastemap.diagnosis.diagnose)


def test_findings_are_plain_json(run):
    evidence = replace(evidence_of(run), lists=np.full((200, 10), 3, dtype=np.int32))
    written = diagnose(evidence).to_json()
    assert json.loads(json.dumps(written)) == written


@pytest.mark.parametrize("rule", MINE, ids=lambda rule: rule.code)
def test_every_rule_has_a_title_and_the_four_sections(rule):
    assert 10 < len(rule.title) < 90
    for section in SECTIONS:
        assert rule.section(section), section
    assert all(len(one) > 15 for one in rule.section("Remedy"))


def test_codes_are_unique_and_in_order():
    codes = [rule.code for rule in RULES]
    assert len(set(codes)) == len(codes)
    assert [c for c in codes if c[0] == "E"] == sorted(c for c in codes if c[0] == "E")


def test_an_item_that_a_list_repeats_counts_once():
    lists = np.array([[4, 2, 4, -1, -1], [1, 1, 1, 2, 2]], dtype=np.int32)
    assert repeats(lists).astype(int).tolist() == [[0, 0, 1, 0, 0], [0, 1, 1, 0, 1]]
    evidence = healthy(users=20)
    same = np.repeat(evidence.lists[:, :1], 10, axis=1)
    assert replace(evidence, lists=same).ranking.hits.sum(axis=1).max() == 1


def test_the_truth_without_repeats_and_unknown_ids_keeps_its_order():
    truth = tm.Histories.of_items([[5, 3, 5, -1], [-1], []])
    assert [distinct(truth).row(r).tolist() for r in range(3)] == [[5, 3], [], []]
