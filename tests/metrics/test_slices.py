import inspect

import numpy as np
import pytest

from tastemap.data.interactions import Interactions
from tastemap.data.split import Split
from tastemap.data.splits import holdout_users, leave_last_out, random_split
from tastemap.data.synthetic import popularity_only, taste_groups
from tastemap.errors import InputError, UsageError
from tastemap.metrics.evaluate import evaluate, evaluate_lists
from tastemap.metrics.slices import slices
from tastemap.models import ItemKNN, Popularity

# Users a, b, c, d know 1, 2, 3, 0 items; held out: 2, 1, 1, 1 events. Popularity lists tea first.
LOG = Interactions.of(
    [
        ("a", "tea", 1, 1),
        ("b", "tea", 1, 2),
        ("b", "milk", 1, 3),
        ("c", "tea", 1, 4),
        ("c", "milk", 1, 5),
        ("c", "rum", 1, 6),
        ("a", "milk", 1, 10),
        ("a", "ale", 1, 11),
        ("b", "rum", 1, 12),
        ("c", "ale", 1, 13),
        ("d", "tea", 1, 14),
    ]
)
SPLIT = Split(LOG[:6], None, LOG[6:], how="by hand")


def rows_of(table):
    return {row["slice"]: row for row in table.rows()}


@pytest.fixture(scope="module")
def popular():
    return Popularity().fit(SPLIT.train)


# Lists at k = 1: a milk (a hit, of 2), b rum (a hit), c ale (a hit: all else is seen), d tea.
def test_activity_by_hand(popular):
    rows = rows_of(slices(popular, SPLIT, "activity", "recall@1", bins=2))
    assert [*rows] == ["all", "0 to 1 events known", "2 to 3 events known"]
    assert rows["all"]["mean"] == (0.5 + 1 + 1 + 1) / 4
    few = rows["0 to 1 events known"]  # a and d
    assert (few["n"], few["mean"], few["ceiling"], few["difference"]) == (2, 0.75, 0.75, -0.125)
    assert few["stderr"] == pytest.approx(0.25)
    assert rows["2 to 3 events known"]["difference"] == 0.125


def test_cold_users_by_hand(popular):
    rows = rows_of(slices(popular, SPLIT, "cold_users", "recall@1"))
    assert (rows["without history"]["n"], rows["without history"]["mean"]) == (1, 1)
    assert np.isnan(rows["without history"]["stderr"])
    assert (rows["with history"]["n"], rows["with history"]["mean"]) == (3, pytest.approx(2.5 / 3))


def test_cold_items_count_only_hits_on_themselves(popular):
    rows = rows_of(slices(popular, SPLIT, "cold_items", "recall@1"))
    # Ale was never used: held out for a (not listed at rank 1) and c (listed).
    cold, warm = rows["never used in training"], rows["used in training"]
    assert (cold["n"], cold["mean"], cold["ceiling"]) == (2, 0.5, 1)
    assert (warm["n"], warm["mean"]) == (3, 1)  # a's milk, b's rum, d's tea


def test_popularity_by_hand(popular):
    # People: tea 3, milk 2, rum 1, ale 0. Held out: tea d; milk a; rum b; ale a, c.
    rows = rows_of(slices(popular, SPLIT, "popularity", "recall@1", bins=4))
    assert [*rows] == ["all", "group 1", "group 2", "group 3", "group 4"]
    assert [row["n"] for row in rows.values()] == [4, 1, 1, 1, 2]
    assert [row["mean"] for row in rows.values()] == [0.875, 1, 1, 1, 0.5]


def test_time_by_hand(popular):
    rows = rows_of(slices(popular, SPLIT, "time", "recall@1", bins=2))
    first, last = (
        "1970-01-01 00:00:10 to 1970-01-01 00:00:12",
        ("1970-01-01 00:00:13 to 1970-01-01 00:00:14"),
    )
    assert [*rows] == ["all", first, last]
    assert (rows[first]["n"], rows[first]["mean"]) == (2, 0.75)  # a .5, b 1
    assert (rows[last]["n"], rows[last]["mean"]) == (2, 1)  # c, d


def test_groups_of_users_make_up_the_whole():
    split = random_split(taste_groups(users=300, seed=3), test=0.3, seed=1)
    found = evaluate(ItemKNN().fit(split.train), split, ["ndcg@10", "auc", "novelty@10"])
    for by in ("activity", "cold_users"):
        for metric in ("ndcg@10", "auc", "recall@5"):
            whole, *parts = slices(found, split, by, metric).rows()
            assert sum(row["n"] for row in parts) == whole["n"]
            mean = sum(row["n"] * row["mean"] for row in parts) / whole["n"]
            assert mean == pytest.approx(whole["mean"])
            best = sum(row["n"] * row["ceiling"] for row in parts) / whole["n"]
            assert best == pytest.approx(whole["ceiling"])
    activity = slices(found, split, "activity", "novelty@10")
    assert activity.n_rows == 5
    assert np.isnan(activity["ceiling"]).all()
    # 75 each, as far as users with equally long histories can be parted.
    known = np.bincount(split.queries()[0].lengths)
    assert (np.abs(np.cumsum(activity["n"][1:]) - [75, 150, 225, 300]) <= known.max()).all()


def test_hits_by_popularity_add_up_to_all_hits():
    split = random_split(popularity_only(seed=1), test=0.3, seed=1)
    model = Popularity().fit(split.train)
    # precision@k counts hits alone, so the groups' hits are those of the whole.
    table = slices(model, split, "popularity", "precision@10")
    hits = table["n"] * table["mean"]
    assert hits[1:].sum() == pytest.approx(hits[0])
    # Rare items that equally many people used stand together, so a decile may be missing.
    deciles = [int(name.removeprefix("decile ")) for name in table["slice"][1:]]
    assert deciles[:7] == [1, 2, 3, 4, 5, 6, 7]
    assert deciles == sorted(deciles)


def test_popularity_finds_popular_items_and_no_rare_ones():
    split = random_split(popularity_only(users=400, seed=1), test=0.3, seed=1)
    table = slices(Popularity().fit(split.train), split, "popularity")
    assert table["mean"][1] > 0.5
    assert (table["mean"][3:] == 0).all()


def test_the_groups_do_not_depend_on_the_names_of_the_items():
    log = popularity_only(seed=2)
    events = zip(log.user.tolist(), log.item.tolist(), log.time.tolist(), strict=True)
    other = Interactions.of([(user, 10_000 - 7 * item, 1.0, time) for user, item, time in events])
    tables = []
    for one in (log, other):
        split = leave_last_out(one, validation=False)
        table = slices(Popularity().fit(split.train), split, "popularity", "recall@120")
        tables.append((table["slice"].tolist(), table["n"].tolist(), table["mean"].tolist()))
    assert tables[0] == tables[1]


def test_held_out_users_can_be_sliced():
    split = holdout_users(taste_groups(seed=1), test_users=0.3, validation_users=0.2, seed=1)
    model = ItemKNN().fit(split.train)
    for part in ("test", "validation"):
        rows = slices(model, split, "activity", "recall@10", part=part).rows()
        assert rows[0]["n"] == len(split.queries(part)[1])
        assert sum(row["n"] for row in rows[1:]) == rows[0]["n"]


def test_an_evaluation_of_others_is_refused(popular):
    other = leave_last_out(LOG, validation=False)
    said = r"an evaluation of 4 users, and a test part of 3 users who are not the same\n.*\n.*model"
    with pytest.raises(InputError, match=said):
        slices(evaluate(popular, SPLIT, ["recall@1"]), other, metric="recall@1")
    lists = evaluate_lists(evaluate(popular, SPLIT, ["recall@1"]).ranking, ["recall@1"])
    with pytest.raises(InputError, match="an evaluation of 4 users, and a test part of 4 users"):
        slices(lists, SPLIT, metric="recall@1")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"by": "age"}, r"by='age'\n.*'activity', 'cold_users', 'popularity'"),
        ({"bins": 0}, r"bins is 0\n.*from 1 on"),
        ({"metric": "nope@1"}, r"unknown metric 'nope@1'\n"),
        ({"metric": "recall@0"}, r"'recall@0' with k = '0'\n"),
        ({"metric": "recall@2"}, r"k is 2, and the lists hold 1 places\n"),
        ({"metric": "coverage@1"}, r"'coverage@1' has no value a user\n.*recall@1, novelty@1"),
        ({"by": "popularity", "metric": "auc"}, r"'auc' by groups of held-out events\n.*recall@k"),
        ({"by": "time", "metric": "novelty@1"}, r"'novelty@1' by groups of held-out events\n"),
    ],
)
def test_wrong_arguments_are_refused(popular, options, said):
    found = evaluate(popular, SPLIT, ["recall@1", "novelty@1", "coverage@1", "auc"])
    with pytest.raises(UsageError, match=said):
        inspect.unwrap(slices)(found, SPLIT, **({"metric": "recall@1"} | options))


def test_time_needs_times():
    log = Interactions.of([("a", "x"), ("a", "y"), ("b", "x"), ("b", "y")])
    split = leave_last_out(log)
    with pytest.raises(UsageError, match=r"by='time' of a log without times\n.*'activity'"):
        slices(Popularity().fit(split.train), split, "time")
