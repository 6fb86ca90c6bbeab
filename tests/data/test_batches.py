"""Padding and negatives: against slow twins, and against the distribution that was promised."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tastemap.data.batches import Negatives, left_padded
from tastemap.data.interactions import Histories, Interactions
from tastemap.errors import InputError, UsageError
from tastemap.seeding import stream


@settings(max_examples=60)
@given(
    baskets=st.lists(st.lists(st.integers(0, 9), max_size=6), max_size=6),
    max_len=st.integers(1, 7),
)
def test_padding_equals_the_slow_twin(baskets, max_len):
    expected = []
    for basket in baskets:
        row = [item + 1 for item in basket][max(0, len(basket) - max_len) :]
        expected.append([0] * (max_len - len(row)) + row)
    padded = left_padded(Histories.of_items(baskets), max_len)
    assert padded.shape == (len(baskets), max_len)
    assert padded.dtype == np.int32
    assert padded.tolist() == expected


def test_padding_reads_histories_oldest_first():
    log = Interactions.of([("a", "x", 1, 30), ("a", "y", 1, 10), ("a", "z", 1, 20)])
    assert left_padded(log.histories(), 4).tolist() == [[0, 2, 3, 1]]


def test_padding_refuses_a_length_of_nothing():
    with pytest.raises(UsageError, match="max_len is 0\n  allowed: a whole number from 1 on"):
        left_padded(Histories.of_items([[1]]), 0)


def log_of(histories, items):
    """A log in which user u used these items, with a catalogue of `items`."""
    events = [(user, item) for user, used in enumerate(histories) for item in used]
    # Rows that only name users and items: cut off again, they leave the codes equal to the ids.
    names = [(user, 0) for user in range(len(histories))] + [(0, item) for item in range(items)]
    return Interactions.of(events + names)[: len(events)]


@settings(max_examples=60)
@given(
    histories=st.lists(st.sets(st.integers(0, 6), max_size=6), min_size=1, max_size=5),
    beta=st.sampled_from([0.0, 0.75, 1.0]),
    n=st.integers(1, 9),
    seed=st.integers(0, 9),
)
def test_negatives_are_never_in_the_history(histories, beta, n, seed):
    everything = [set(range(7))]  # so that each item has an event and can be drawn by popularity
    log = log_of(histories + everything, items=7)
    users = np.append(np.arange(len(histories), dtype=np.int32).repeat(2), np.int32(-1))
    before = log.fingerprint()
    items, rejected = Negatives(log, beta).draw(users, n, stream(seed, "test"))
    assert items.shape == (len(users), n)
    assert items.dtype == np.int32
    assert rejected >= 0
    assert ((items >= 0) & (items < 7)).all()
    for user, drawn in zip(users.tolist(), items.tolist(), strict=True):
        assert user < 0 or not set(drawn) & histories[user]
    assert log.fingerprint() == before


def chi_square(drawn, weight):
    """Distance of drawn counts from the promised shares, and how many cells can vary."""
    expected = weight / weight.sum() * drawn.sum()
    possible = expected > 0
    assert (drawn[~possible] == 0).all()
    return ((drawn - expected)[possible] ** 2 / expected[possible]).sum(), possible.sum() - 1


@pytest.mark.parametrize("beta", [0.0, 0.75, 2.0])
@pytest.mark.parametrize("used", [[], [0, 3], [0, 1, 2, 4, 5, 6, 7]])
def test_negatives_have_the_promised_distribution(beta, used):
    others = [list(range(10))] + [list(range(size)) for size in range(1, 11)] * 2
    log = log_of([used, *others], items=10)
    rng = stream(7, "test")
    items, _ = Negatives(log, beta).draw(np.zeros(400, dtype=np.int32), 50, rng)
    weight = log.item_counts().astype(float) ** beta
    weight[used] = 0
    distance, freedom = chi_square(np.bincount(items.ravel(), minlength=10), weight)
    # Mean `freedom`, standard deviation sqrt(2 freedom): five of these are never reached.
    assert distance < freedom + 5 * np.sqrt(2 * freedom)
    # A draw is as good in any column: the first column alone has the same shares.
    distance, freedom = chi_square(np.bincount(items[:, 0], minlength=10), weight)
    assert distance < freedom + 5 * np.sqrt(2 * freedom)


class Edge(np.random.Generator):
    """A generator that always draws the same number."""

    def __init__(self, value):
        super().__init__(np.random.PCG64(0))
        self.value = value

    def random(self, size):
        return np.full(size, self.value)


def test_items_without_events_are_not_drawn_even_at_the_edges_of_the_range():
    log = log_of([[], [1, 2]], items=4)  # items 0 and 3 have no event
    sampler = Negatives(log, beta=1.0)
    nobody = np.array([0], dtype=np.int32)
    assert sampler.draw(nobody, 1, Edge(0.0))[0].tolist() == [[1]]
    assert sampler.draw(nobody, 1, Edge(1.0))[0].tolist() == [[2]]


def test_who_used_nearly_everything_is_served_exactly_and_soon():
    # Three items of 4,000 are left; one has twice the events of the two others.
    used = [item for item in range(4000) if item not in (5, 700, 3999)]
    log = log_of([used, [5, 700, 3999], [700]], items=4000)
    items, rejected = Negatives(log, 1.0).draw(np.zeros(20, np.int32), 100, stream(1, "test"))
    counts = np.bincount(items.ravel(), minlength=4000)
    distance, freedom = chi_square(counts[[5, 700, 3999]], np.array([1.0, 2.0, 1.0]))
    assert counts.sum() == 2000
    assert distance < freedom + 5 * np.sqrt(2 * freedom)
    assert rejected > 2000


def test_the_share_of_rejected_draws_is_the_share_of_used_items():
    log = log_of([range(25)], items=100)
    _, rejected = Negatives(log).draw(np.zeros(500, dtype=np.int32), 20, stream(3, "test"))
    share = rejected / (rejected + 10_000)
    assert abs(share - 0.25) < 5 * np.sqrt(0.25 * 0.75 / 13_333)
    _, none = Negatives(log).draw(np.full(9, -1, dtype=np.int32), 20, stream(3, "test"))
    assert none == 0


def test_equal_streams_draw_equal_items_and_others_do_not():
    log = log_of([range(5), range(3, 9)], items=50)
    users = np.array([0, 1, 0, 1], dtype=np.int32)
    sampler = Negatives(log)
    first, _ = sampler.draw(users, 10, stream(1, "test"))
    again, _ = sampler.draw(users, 10, stream(1, "test"))
    other, _ = sampler.draw(users, 10, stream(2, "test"))
    assert first.tolist() == again.tolist()
    assert first.tolist() != other.tolist()


def test_no_users_draw_nothing():
    items, rejected = Negatives(log_of([[0]], items=2)).draw(
        np.empty(0, dtype=np.int32), 3, stream(1, "test")
    )
    assert items.shape == (0, 3)
    assert rejected == 0


def test_a_user_who_used_everything_is_an_error():
    log = log_of([[0, 1], [0]], items=3)
    users = np.array([1, 0], dtype=np.int32)
    assert Negatives(log).draw(users, 4, stream(1, "test"))[0][1].tolist() == [2] * 4
    message = r"user 0 has used every item that can be drawn \(1 such users, beta=1\)\n.*\n.*beta=0"
    with pytest.raises(InputError, match=message):
        Negatives(log, beta=1.0).draw(users, 4, stream(1, "test"))  # item 2 has no event
    with pytest.raises(InputError, match=r"power=1\)\n.*\n.*leave these users out, .*power=0"):
        Negatives(log, 1.0, "power").draw(users, 4, stream(1, "test"))
    full = np.array([0], dtype=np.int32)
    with pytest.raises(InputError, match=r"beta=0\)\n.*\n.*leave these users out$"):
        Negatives(log_of([[0, 1]], items=2)).draw(full, 4, stream(1, "test"))
    with pytest.raises(InputError, match="somebody new has used every item"):
        Negatives(log[:0], beta=1.0).draw(np.array([-1], np.int32), 1, stream(1, "test"))


def test_wrong_arguments_are_named():
    sampler = Negatives(log_of([[0]], items=3))
    with pytest.raises(UsageError, match=r"beta=-1.*\n.*uniform"):
        Negatives(sampler.log, beta=-1)
    with pytest.raises(UsageError, match="n is 0\n"):
        sampler.draw(np.array([0], dtype=np.int32), 0, stream(1, "test"))
    with pytest.raises(UsageError, match=r"user code 7\n.*codes below 1, or -1"):
        sampler.draw(np.array([0, 7], dtype=np.int32), 1, stream(1, "test"))
    with pytest.raises(UsageError, match="user code -2\n"):
        sampler.draw(np.array([-2], dtype=np.int32), 1, stream(1, "test"))
