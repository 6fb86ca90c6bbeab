import numpy as np
import pytest

import tastemap as tm
from tastemap.errors import UsageError
from tastemap.report import choose_people, person

DAY = 86_400


def small_split():
    """Ann's three events in train, one in validation and two in test; five others as company."""
    events = [("ann", "tea", 1, 0), ("ann", "milk", 1, DAY), ("ann", "rum", 1, 2 * DAY)]
    events += [("ann", "jam", 1, 3 * DAY), ("ann", "ale", 1, 4 * DAY), ("ann", "gin", 1, 5 * DAY)]
    for n in range(5):
        taken = ("tea", "milk", "jam", "ale") if n < 3 else ("rum", "oat")
        events += [(f"u{n}", item, 1, n * DAY) for item in taken]
    log = tm.Interactions.of(events)
    train = np.r_[0:3, 6 : len(log)]
    return tm.Split(log[train], log[3:4], log[4:6], how="by hand"), log


def test_a_history_is_all_that_was_known_newest_first_with_days():
    split, log = small_split()
    ann = int(log.users.encode(["ann"])[0])
    told = person(tm.EASE(reg=1).fit(split.train), split, ann)
    assert [(past.title, past.date) for past in told.history] == [
        ("jam", "1970-01-04"),
        ("rum", "1970-01-03"),
        ("milk", "1970-01-02"),
        ("tea", "1970-01-01"),
    ]
    assert told.more == 0
    assert [past.title for past in told.later] == ["ale", "gin"]


def test_recommendations_leave_out_what_is_known_and_mark_what_came_true():
    split, log = small_split()
    ann = int(log.users.encode(["ann"])[0])
    told = person(tm.EASE(reg=1).fit(split.train), split, ann, k=3)
    assert [(one.title, one.hit) for one in told.recommendations[:1]] == [("ale", True)]
    assert {one.title for one in told.recommendations} == {"ale", "oat", "gin"}
    assert {one.title: one.hit for one in told.recommendations}["oat"] is False
    assert (told.found, told.held_out) == (2, 2)


def test_reasons_are_the_largest_parts_of_the_score():
    split, log = small_split()
    ann = int(log.users.encode(["ann"])[0])
    model = tm.EASE(reg=1).fit(split.train)
    told = person(model, split, ann)
    known = log.items.encode(["tea", "milk", "rum", "jam"])
    parts = np.maximum(model.strength[known, log.items.encode(["ale"])[0]], 0)
    order = np.argsort(-parts)[:2]
    reasons = told.recommendations[0].because
    assert {one.title for one in reasons} == {("tea", "milk", "rum", "jam")[i] for i in order}
    assert [one.share for one in reasons] == pytest.approx(parts[order] / parts.sum(), abs=1e-4)
    assert told.because_of == "because of"


def test_likenesses_are_not_called_reasons():
    split, _ = small_split()
    for recipe in (tm.BPR(factors=2, epochs=3), tm.Popularity()):
        told = person(recipe.fit(split.train, seed=1), split, 0)
        assert told.because_of == "like"
    for recipe in (tm.ALS(factors=2, epochs=3), tm.SVD(factors=2), tm.ItemKNN()):
        assert person(recipe.fit(split.train, seed=1), split, 0).because_of == "because of"


def test_long_histories_are_cut_and_counted():
    events = [("ann", f"i{n:02}", 1, n * DAY) for n in range(20)]
    log = tm.Interactions.of([*events, ("bob", "i00", 1, 0), ("bob", "zoo", 1, 1)])
    split = tm.Split(log[:20], None, log[20:], how="by hand")
    told = person(tm.Popularity().fit(split.train), split, 0)
    assert [past.title for past in told.history] == [f"i{n:02}" for n in range(19, 11, -1)]
    assert told.more == 12


def test_somebody_without_history_still_gets_a_list():
    log = tm.Interactions.of([("ann", "tea"), ("ann", "rum"), ("bob", "tea")])
    split = tm.Split(log[:2], None, log[2:], how="by hand")
    told = person(tm.EASE().fit(split.train), split, 1)
    assert told.history == ()
    assert [one.title for one in told.recommendations] != []
    assert told.recommendations[0].because == ()
    assert "nothing so far" in str(told)


def test_without_times_there_are_no_days_and_without_titles_there_are_ids():
    log = tm.Interactions.of([(7, 10), (8, 10), (8, 20), (8, 30), (7, 20)])
    split = tm.Split(log[:4], None, log[4:], how="by hand")
    told = person(tm.EASE(reg=1).fit(split.train), split, 0)
    assert told.id == "7"
    assert (told.history[0].title, told.history[0].date) == ("10", None)
    assert "None" not in str(told)


def test_held_out_users_are_told_by_their_fold_in_part():
    split = tm.holdout_users(tm.synthetic.taste_groups(users=60, items=40, seed=2), seed=2)
    user = int(split.test.user[0])
    told = person(tm.EASE().fit(split.train), split, user)
    assert len(told.history) + told.more == int((split.fold_in.user == user).sum())
    assert told.held_out == int((split.test.user == user).sum())


def test_the_list_is_the_one_that_was_evaluated():
    split = tm.leave_last_out(tm.synthetic.taste_groups(seed=3))
    run = tm.execute(tm.ALS(factors=4, epochs=3), split, seed=3, metrics=["ndcg@10"])
    for row in (0, 17, 80):
        told = person(run.model, split, int(run.evaluation.users[row]))
        assert [one.hit for one in told.recommendations] == run.evaluation.ranking.hits[
            row
        ].tolist()
        listed = run.evaluation.ranking.items[row]
        titles = split.train.table.titles[listed].tolist()
        assert [one.title for one in told.recommendations] == titles


def test_a_user_code_out_of_range_is_refused():
    split, _ = small_split()
    with pytest.raises(UsageError, match=r"user code 99\n.*0 to 5"):
        person(tm.Popularity().fit(split.train), split, 99)


def world_of_rising_activity(users=100):
    """User n has n + 2 events, the last one in test."""
    log = tm.Interactions.of([(n, item) for n in range(users) for item in range(n + 2)])
    last = np.flatnonzero(np.diff(log.user, append=-1))
    before = np.setdiff1d(np.arange(len(log)), last)
    return tm.Split(log[before], None, log[last], how="by hand")


def test_people_are_spread_over_the_tenths_of_activity():
    split = world_of_rising_activity()
    chosen = choose_people(tm.evaluate(tm.Random().fit(split.train), split, ["ndcg@5"]), split)
    assert [code // 10 for code in chosen] == list(range(10))
    assert all((split.test.user == code).any() for code in chosen)


def test_the_choice_of_people_does_not_depend_on_the_model():
    split = world_of_rising_activity()
    found = [
        choose_people(tm.evaluate(recipe.fit(split.train), split, ["ndcg@5"]), split, n=7)
        for recipe in (tm.Random(), tm.Popularity())
    ]
    assert found[0] == found[1]
    assert len(set(found[0])) == 7


def test_a_small_world_shows_everybody_it_has():
    split = world_of_rising_activity(users=4)
    chosen = choose_people(tm.evaluate(tm.Random().fit(split.train), split, ["ndcg@1"]), split)
    assert chosen == (0, 1, 2, 3)


def test_a_person_as_text_is_lines_without_control_characters(titled):
    log = titled(tm.synthetic.taste_groups(users=40, items=40, seed=1))
    split = tm.leave_last_out(log)
    text = str(person(tm.EASE().fit(split.train), split, 5))
    assert all(ord(one) >= 32 or one == "\n" for one in text)
    assert "\u202e" not in text
    assert len(max(text.splitlines(), key=len)) < 200
