"""What other software wrote, read as evidence."""

import json
import re
from pathlib import Path

import numpy as np
import pandas
import pytest

import tastemap as tm
from tastemap.diagnosis import diagnose
from tastemap.diagnosis.columns import plain_id
from tastemap.diagnosis.evidence import Claim, Searched
from tastemap.diagnosis.from_files import evidence_from
from tastemap.errors import InputError

PAGE = Path(__file__).parents[2] / "docs" / "diagnose-format.md"
LISTS = {"ann": ["tea", "rum"], "bob": ["rum"]}
TRUTH = {"ann": ["rum"], "bob": ["milk", "milk"]}


def documented():
    return json.loads(re.search(r"```json\n(.*?)```", PAGE.read_text("utf-8"), re.S)[1])


def test_the_documented_example_is_read_whole_and_healthy(tmp_path):
    (tmp_path / "run.json").write_text(json.dumps(documented()), "utf-8")
    evidence = evidence_from(tmp_path / "run.json")
    assert evidence.name == "my model"
    assert evidence.seed == 42
    assert evidence.recipe == {"factors": 16, "epochs": 3}
    assert evidence.exclude_seen is True
    assert evidence.n_items == 6  # beer, cola, milk, rum, tea, wine
    assert len(evidence.train) == 10
    assert evidence.train.time.tolist() == list(range(1, 11))
    assert evidence.lists[2].tolist() == [2, 1, 0]  # cid: milk, cola, beer
    assert evidence.list_scores[2].tolist() == [0.6, 0.3, 0.1]
    assert evidence.truth.row(2).tolist() == [5, 2]  # wine, milk, as written
    assert evidence.seen.row(2).tolist() == [3, 4]  # rum, tea, oldest first
    assert evidence.claims["recall@3"] == Claim(0.75, users=6)
    assert evidence.claims["hit_rate@3"] == Claim(0.8333)
    assert evidence.validation_claims == {"ndcg@3": Claim(0.64)}
    assert evidence.curve.curve("train_auc") == [0.55, 0.81, 0.9]
    assert [epoch.number for epoch in evidence.curve.epochs] == [1, 2, 3]
    assert evidence.yardsticks["Popularity"]["hit_rate@3"] == Claim(0.8, users=6)
    assert evidence.searched == (Searched("reg", (0.001, 0.01, 0.1), 0.01),)
    assert evidence.seeds == {"ndcg@3": (0.68, 0.69, 0.68)}
    found = diagnose(tmp_path / "run.json")
    # 5 of 6 hit; cid finds 1 of 2; NDCG: 1, 1, 1 / (1 + .6309), 0, 1 / 2, 1.
    assert not [one for one in found if one.code.startswith("E")]
    wrong = documented() | {"metrics": {"ndcg@3": 0.75}}
    assert "E316" in diagnose(wrong).codes


def test_every_documented_part_is_known_and_every_known_part_documented():
    from tastemap.diagnosis.from_files import KEYS, OTHER_NAMES

    text = PAGE.read_text("utf-8")
    for name in (*KEYS, *OTHER_NAMES):
        assert f"`{name}`" in text, name


TABLE = [
    {"user": "ann", "item": "rum", "rank": 2, "score": 0.25},
    {"user": "ann", "item": "tea", "rank": 1, "score": 0.5},
    {"user": "bob", "item": "rum", "rank": 1, "score": 0.75},
]


@pytest.mark.parametrize(
    "write",
    [
        lambda folder: TABLE,
        lambda folder: pandas.DataFrame(TABLE),
        lambda folder: tm.Table({n: [row[n] for row in TABLE] for n in TABLE[0]}),
        lambda folder: _written(folder / "l.csv", "user_id,itemId,rank,prediction", ","),
        lambda folder: _written(folder / "l.tsv", "user\titem\tposition\tscore", "\t"),
        lambda folder: _written(folder / "bare.tsv", None, "\t"),
        lambda folder: _as_parquet(folder),
        lambda folder: _as_lines(folder),
    ],
    ids=["rows", "pandas", "table", "csv", "tsv", "no header", "parquet", "jsonl"],
)
def test_lists_are_read_from_any_table_and_sorted_by_rank(tmp_path, write, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = evidence_from({"lists": write(tmp_path), "truth": TRUTH})
    assert found.lists.tolist() == [[2, 1], [1, -1]]  # milk, rum, tea
    np.testing.assert_array_equal(found.list_scores, [[0.5, 0.25], [0.75, np.nan]])


def _written(path, header, separator):
    lines = [separator.join(str(value) for value in row.values()) for row in TABLE]
    path.write_text("\n".join([header, *lines] if header else lines) + "\n", "utf-8")
    return path.name


def _as_parquet(folder):
    return (
        tm.Table({n: [row[n] for row in TABLE] for n in TABLE[0]}).write(folder / "l.parquet").name
    )


def _as_lines(folder):
    (folder / "l.jsonl").write_text("\n".join(map(json.dumps, TABLE)) + "\n", "utf-8")
    return "l.jsonl"


def test_tables_are_relative_to_the_json_file(tmp_path):
    (tmp_path / "deep").mkdir()
    _written(tmp_path / "deep" / "l.csv", "user,item,rank,score", ",")
    (tmp_path / "deep" / "run.json").write_text(json.dumps({"lists": "l.csv", "truth": TRUTH}))
    assert evidence_from(tmp_path / "deep" / "run.json").lists.tolist() == [[2, 1], [1, -1]]


def test_lists_in_order_go_with_the_users_named_or_numbered():
    found = evidence_from({"lists": [["tea"], ["rum"]], "truth": [["rum"], ["rum"]]})
    assert found.lists.tolist() == [[1], [0]]
    named = evidence_from({"users": [9, 5], "lists": [["tea"], ["rum"]], "truth": {5: ["rum"]}})
    assert named.lists.tolist() == [[0], [1]]  # user 5 first
    assert named.truth.lengths.tolist() == [1, 0]
    arrays = {"lists": np.array([[3, 1], [2, 3]]), "truth": [[1], [4]]}
    assert evidence_from(arrays).lists.tolist() == [[2, 0], [1, 2]]


def test_scores_may_stand_beside_the_lists():
    scores = {"ann": [2, None], "bob": [1]}
    found = evidence_from({"lists": LISTS, "scores": scores, "truth": TRUTH})
    np.testing.assert_array_equal(found.list_scores, [[2, np.nan], [1, np.nan]])
    with pytest.raises(InputError, match=r"scores: 1 for user 'ann'.*\n.*one score for every"):
        evidence_from({"lists": LISTS, "scores": {"ann": [2], "bob": [1]}})


def test_the_truth_is_kept_raw_with_repeats_and_unknown_ids():
    log = {"ann": ["tea", "rum"], "bob": ["tea"]}
    found = evidence_from({"lists": LISTS, "truth": TRUTH, "train": log})
    assert found.n_items == 2  # rum, tea: milk is not in the catalogue
    assert found.truth.items.tolist() == [0, -1, -1]
    assert found.test.item.tolist() == [0]
    whole = evidence_from({"lists": LISTS, "truth": TRUTH, "catalogue": ["milk", "rum", "tea", 7]})
    assert whole.n_items == 4
    assert -1 not in whole.truth.items
    assert evidence_from({"lists": LISTS, "truth": TRUTH}).n_items is None
    assert evidence_from({"lists": LISTS, "truth": TRUTH, "n_items": 50}).n_items == 50


def test_everybody_in_lists_or_truth_is_a_row_and_who_is_not_in_train_is_a_stranger():
    found = evidence_from(
        {
            "lists": {"ann": ["tea"], "cid": ["tea"]},
            "truth": {"ann": ["rum"], "bob": ["tea"]},
            "train": {"ann": ["milk"], "dan": ["rum", "tea"]},
        }
    )
    assert found.users.tolist() == [0, -1, -1]
    assert found.lists.tolist() == [[2], [-1], [2]]
    assert found.truth.lengths.tolist() == [1, 1, 0]
    assert found.seen.lengths.tolist() == [1, 0, 0]


def test_numbers_and_their_text_are_one_id_and_other_spellings_are_not():
    assert [plain_id("", one) for one in (7, "7", 7.0, np.int64(7))] == [7, 7, 7, 7]
    assert [plain_id("", one) for one in ("07", "7.0", " 7", "-0")] == ["07", "7.0", " 7", "-0"]
    found = evidence_from({"lists": {"1": [7, 8]}, "truth": {1: ["8"]}})
    assert found.ranking.hits.tolist() == [[False, True]]


def test_a_truth_that_spells_its_ids_otherwise_is_found():
    users = range(30)
    lists = {u: [u % 7, 10 + u % 5] for u in users}
    truth = {u: [f"{u % 7}.0"] for u in users}
    found = diagnose({"lists": lists, "truth": truth})
    assert found.findings[0].code == "E304"
    assert "in another spelling" in str(found.findings[0].numbers)
    right = diagnose({"lists": lists, "truth": {u: [u % 7] for u in users}})
    assert "E304" not in right.codes


@pytest.mark.parametrize(
    "training",
    [
        [{"epoch": 1, "loss": 0.7, "note": "x"}, {"epoch": 2, "loss": 0.6}],
        {"loss": [0.7, 0.6]},
        {
            "epochs": [
                {"number": n, "seconds": 1, "values": {"loss": v}} for n, v in ((1, 0.7), (2, 0.6))
            ]
        },
        "log.csv",
    ],
    ids=["rows", "curves", "own", "table"],
)
def test_training_logs_are_read_in_any_form(tmp_path, training):
    (tmp_path / "log.csv").write_text("epoch,loss\n1,0.7\n2,0.6\n")
    (tmp_path / "run.json").write_text(json.dumps({"training": training}))
    found = evidence_from(tmp_path / "run.json").curve
    assert found.curve("loss") == [0.7, 0.6]
    assert [epoch.number for epoch in found.epochs] == [1, 2]


def test_vectors_sequences_and_stages_are_read(tmp_path):
    np.save(tmp_path / "v.npy", np.eye(3))
    given = {
        "item_vectors": "v.npy",
        "user_vectors": [[1, 2, 5], [3, 4, 6]],
        "sequences": {"inputs": [[0, 1, 2]], "targets": [3], "padding_vector": [0.0, 0.0]},
        "stages": {"labels": [{"user": "ann", "item": "rum"}], "candidate_recall": 0.4},
        "lists": LISTS,
        "truth": TRUTH,
    }
    (tmp_path / "run.json").write_text(json.dumps(given))
    found = evidence_from(tmp_path / "run.json")
    assert found.item_vectors.dtype == np.float32
    assert found.user_vectors.shape == (2, 3)
    assert found.sequences.targets.tolist() == [3]
    assert found.stages.labels.tolist() == [[0, 1]]
    assert found.stages.candidate_recall == 0.4


def test_values_of_yardsticks_go_by_user_in_the_order_of_the_rows():
    given = {"lists": LISTS, "truth": TRUTH}
    by_user = {"Pop": {"ndcg@2": {"bob": 0.5, "ann": 0.25}, "recall@2": [0.1, 0.2]}}
    found = evidence_from(given | {"yardsticks": by_user}).yardsticks["Pop"]
    assert found["ndcg@2"].tolist() == [0.25, 0.5]
    assert found["recall@2"].tolist() == [0.1, 0.2]
    with pytest.raises(InputError, match=r"has 1 values, and there are 2 users"):
        evidence_from(given | {"yardsticks": {"Pop": {"ndcg@2": [0.25]}}})


def test_times_may_be_dates_or_milliseconds():
    def times(*given):
        rows = [{"user": 1, "item": n, "time": t} for n, t in enumerate(given)]
        return evidence_from({"train": rows}).train.time.tolist()

    assert times(1_700_000_000, 1_700_000_001) == [1_700_000_000, 1_700_000_001]
    assert times(1_700_000_000_000, 1_700_000_001_000) == [1_700_000_000, 1_700_000_001]
    assert times("1970-01-02", "1970-01-01 00:01:00") == [86_400, 60]


BAD = {
    "unknown key": ({"list": LISTS}, r"the key 'list'\n.*lists.*\n.*did you mean 'lists'\?"),
    "no file": ({"lists": "gone.csv"}, r"lists: there is no file gone\.csv\n.*CSV, TSV"),
    "a number": ({"lists": 3}, r"lists: 3\n.*a file's path"),
    "text as a list": ({"lists": {"ann": "tea"}}, r"lists: 'tea' for user 'ann'"),
    "three in a pair": ({"lists": {"ann": [[1, 2, 3]]}}, r"lists: \[1, 2, 3\] for user 'ann'"),
    "flat": ({"lists": [1, 2]}, r"lists: a list of int"),
    "no item": ({"truth": [{"user": 1, "film": None}]}, r"truth: the id None\n.*whole numbers"),
    "no column": ({"truth": [{"user": 1}]}, r"truth: no column of items among user"),
    "bad score": ({"lists": {"ann": [["tea", "x"]]}}, r"lists: 'x' where a number is expected"),
    "bad time": (
        {"train": [{"user": 1, "item": 2, "time": "noon"}]},
        r"train: the time 'noon'\n.*seconds since 1970",
    ),
    "twice": ({"truth": TRUTH, "ground_truth": TRUTH}, r"'truth' twice, once as 'ground_truth'"),
    "exclude_seen": ({"exclude_seen": "yes"}, r"exclude_seen: 'yes'\n.*true where seen items"),
    "metrics": ({"metrics": [0.3]}, r"metrics: \[0\.3\]\n.*metrics by name"),
    "a metric": ({"metrics": {"ndcg@10": "high"}}, r"metrics: ndcg@10 is 'high'\n.*a number"),
    "training": ({"training": [1, 2]}, r"training: neither rows nor curves"),
    "searched": ({"searched": [{"name": "reg"}]}, r"searched: .*\n.*tried"),
    "seeds": ({"seeds": [0.1]}, r"seeds: \[0\.1\]\n.*values by metric"),
    "vectors": ({"item_vectors": [1, 2]}, r"item_vectors of shape \(2,\)\n.*2 axes"),
    "widths": (
        {"item_vectors": [[1, 2]], "user_vectors": [[1, 2, 3]]},
        r"different widths: item_vectors 2, user_vectors 3",
    ),
    "ragged": ({"item_vectors": [[1], [1, 2]]}, r"item_vectors cannot be read"),
    "sequences": ({"sequences": {}}, r"sequences without inputs\n.*padded rows"),
    "users": ({"users": [1], "lists": [[1], [2]]}, r"lists: 2 lists for 1 users"),
}


@pytest.mark.parametrize(("given", "said"), BAD.values(), ids=BAD)
def test_what_cannot_be_read_is_refused_in_three_parts(given, said):
    with pytest.raises(InputError, match=said) as refused:
        evidence_from(given)
    assert "allowed:" in str(refused.value)
    assert "to do:" in str(refused.value)


@pytest.mark.parametrize(
    ("text", "said"), [("{", "is no JSON"), ("[]", "holds a list"), (None, "there is no file")]
)
def test_files_that_are_no_json_object_are_refused(tmp_path, text, said):
    if text is not None:
        (tmp_path / "run.json").write_text(text)
    with pytest.raises(InputError, match=said):
        evidence_from(tmp_path / "run.json")


def test_references_are_objects_or_paths(tmp_path):
    (tmp_path / "other.json").write_text(json.dumps({"name": "other", "metrics": {"ndcg@2": 0.5}}))
    given = {"name": "mine", "references": ["other.json", {"name": "third"}]}
    (tmp_path / "run.json").write_text(json.dumps(given))
    found = evidence_from(tmp_path / "run.json")
    assert [one.name for one in found.references] == ["other", "third"]


def test_a_catalogue_may_be_a_file_of_ids(tmp_path):
    (tmp_path / "items.txt").write_text("tea\nrum\nmilk\ngin\n")
    (tmp_path / "run.json").write_text(json.dumps({"lists": LISTS, "catalogue": "items.txt"}))
    assert evidence_from(tmp_path / "run.json").n_items == 4
