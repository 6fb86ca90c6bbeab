import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tastemap import Interactions
from tastemap.models.log_parts import held_out, log_parts
from worlds import log_of


def pairs(log):
    return list(zip(log.user.tolist(), log.item.tolist(), strict=True))


def test_cuts_all_users_at_the_same_moments():
    log = log_of([0, 1] * 10, np.arange(20) // 2, time=np.arange(20) * 100)
    parts = log_parts(log, 0.2)
    assert parts.earlier.time.max() == 1100
    assert (parts.labels.time.min(), parts.labels.time.max()) == (1200, 1500)
    assert parts.validation.time.min() == 1600
    assert parts.window == 400
    assert parts.how == (
        "labels from 1970-01-01 00:20:00 UTC, validation from 1970-01-01 00:26:40 UTC"
    )
    assert pairs(parts.before_validation) == pairs(log)[:16]


def test_equal_times_stay_together():
    times = [0, 0, 0, 1, 1, 1, 1, 1, 2, 2]
    parts = log_parts(log_of([0, 1] * 5, np.arange(10) // 2, time=times), 0.15)
    assert parts.earlier.time.tolist() == [0, 0, 0]
    assert parts.labels.time.tolist() == [1] * 5
    assert parts.validation.time.tolist() == [2, 2]


def test_without_times_each_users_newest_events_are_cut():
    user = np.repeat([0, 1, 2], [10, 4, 2])
    item = np.concatenate([np.arange(10), np.arange(4), np.arange(2)])
    parts = log_parts(log_of(user, item), 0.2)
    assert pairs(parts.validation) == [(0, 8), (0, 9), (1, 3)]
    assert pairs(parts.labels) == [(0, 6), (0, 7), (1, 2)]
    assert pairs(parts.earlier) == [(0, i) for i in range(6)] + [(1, 0), (1, 1), (2, 0), (2, 1)]
    assert parts.window is None
    assert "newest 20% for validation and 20% before it, as the log has no times" in parts.how


def test_users_who_come_one_after_another_are_cut_by_their_own_order():
    user = np.repeat(np.arange(30), 5)
    parts = log_parts(log_of(user, np.tile(np.arange(5), 30), time=np.arange(150)), 0.1)
    assert len(parts.validation) == 30
    assert (parts.validation.item == 4).all()
    assert (parts.labels.item == 3).all()
    assert "hardly anybody has events on both sides of a cut in time" in parts.how


def test_held_out_items_are_new_and_stand_once():
    before = Interactions.of([("ann", "tea"), ("bob", "tea"), ("bob", "rum"), ("eve", "jam")])
    later = before[:0]
    code = {name: before.items.encode([name])[0] for name in ("tea", "rum", "jam")}
    rows = [("ann", "tea"), ("ann", "rum"), ("ann", "rum"), ("bob", "jam"), ("eve", "jam")]
    later = Interactions(
        user=before.users.encode([u for u, _ in rows]),
        item=np.array([code[i] for _, i in rows], dtype=np.int32),
        weight=np.ones(5, dtype=np.float32),
        time=None,
        users=before.users,
        items=before.items,
    )
    known, truth = held_out(before, later)
    assert before.users.decode(truth.user).tolist() == ["ann", "bob"]
    assert [truth.row(r).tolist() for r in (0, 1)] == [[code["rum"]], [code["jam"]]]
    assert [known.row(r).tolist() for r in (0, 1)] == [[code["tea"]], [code["tea"], code["rum"]]]
    assert known.user.tolist() == truth.user.tolist()
    stranger, wanted = held_out(before[before.user != truth.user[0]], later)
    assert stranger.user[0] == -1
    assert set(wanted.row(0).tolist()) == {code["tea"], code["rum"]}


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 8), st.integers(0, 20)), min_size=1),
    st.sampled_from([0.1, 0.2, 1 / 3]),
)
def test_parts_are_the_log_each_event_once(events, share):
    user, item, time = np.array(events).T
    log = log_of(user, item, time=time)
    parts = log_parts(log, share)
    three = [parts.earlier, parts.labels, parts.validation]
    assert sorted(pair for part in three for pair in pairs(part)) == sorted(pairs(log))
    assert sorted(pairs(parts.before_validation)) == sorted(pairs(three[0]) + pairs(three[1]))
