"""Planted worlds: the planted answer is there, and only where it should be."""

import numpy as np
import pytest

from tastemap.data.synthetic import (
    demo_world,
    markov_chain,
    noise,
    popularity_only,
    taste_groups,
)
from tastemap.errors import UsageError

WORLDS = [taste_groups, noise, popularity_only, markov_chain, demo_world]
every_world = pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.__name__)


@every_world
def test_worlds_have_unique_pairs_rising_times_and_titles(world):
    log = world()
    pairs = log.user.astype(np.int64) * len(log.items) + log.item
    assert len(np.unique(pairs)) == len(log)
    assert (np.diff(log.time) >= 0).all()
    of_user = log.histories()
    for row in range(len(of_user)):
        times = of_user.time[of_user.starts[row] : of_user.starts[row + 1]]
        assert (np.diff(times) >= 0).all()
    assert (log.user_counts() > 0).all()
    assert len(log.table.titles) == len(log.table.labels) == len(log.items)
    assert len(set(log.table.titles.tolist())) == len(log.items)
    for vocabulary in (log.users, log.items):
        ids = vocabulary.ids.tolist()
        assert ids == sorted(set(ids))


@every_world
def test_a_world_is_a_function_of_its_seed(world):
    assert world(seed=3).fingerprint() == world(seed=3).fingerprint()
    assert world(seed=3).fingerprint() != world(seed=4).fingerprint()
    with pytest.raises(UsageError, match="seed=-1\n  allowed: a whole number from 0 on"):
        world(seed=-1)


def off_diagonal_cosines(log):
    matrix = log.matrix().toarray()
    lengths = np.maximum(np.sqrt((matrix**2).sum(axis=0)), 1)
    cosines = (matrix.T @ matrix) / np.outer(lengths, lengths)
    return cosines[~np.eye(len(cosines), dtype=bool)]


def test_taste_groups_never_leave_their_group_and_have_something_left_to_recommend():
    log = taste_groups(users=60, items=50, groups=5, per_user=4, seed=2)
    assert (log.user % 5 == log.item % 5).all()
    assert [label for (label,) in log.table.labels[:6]] == [
        "group 0", "group 1", "group 2", "group 3", "group 4", "group 0",
    ]  # fmt: skip
    assert log.user_counts().max() <= 6
    counts = log.item_counts()
    assert counts[:10].sum() > 2 * counts[40:].sum()  # some are more popular


def test_noise_has_no_structure():
    log = noise(users=400, items=50, per_user=10, seed=1)
    counts = log.item_counts()
    # 80 expected each, standard deviation 8.
    assert 80 - 4.5 * 8 < counts.min() <= counts.max() < 80 + 4.5 * 8
    # Independent columns have cosine 9/49, standard deviation about .05.
    assert np.abs(off_diagonal_cosines(log) - 9 / 49).max() < 0.25
    assert (log.user_counts() == 10).all()


def test_popularity_only_is_skewed_as_promised_and_has_no_taste():
    log = popularity_only(users=3000, items=50, per_user=1, exponent=1.0)
    expected = 1 / np.arange(1, 51)
    expected *= 3000 / expected.sum()
    distance = ((log.item_counts() - expected) ** 2 / expected).sum()
    assert distance < 49 + 5 * np.sqrt(2 * 49)
    uniform = popularity_only(users=2000, items=20, per_user=4, exponent=0.0, seed=1)
    assert np.abs(off_diagonal_cosines(uniform) - 3 / 19).max() < 0.15


def test_markov_chain_goes_from_an_item_to_the_next():
    log = markov_chain(users=300, items=40, length=10, stray=0.2, seed=5)
    histories = log.histories()
    rows = np.array([log.histories().row(row) for row in range(300)])
    assert rows.shape == (300, 10)
    follows = (rows[:, 1:] - rows[:, :-1]) % 40 == 1
    # A stray hits the successor by chance once in some 35 times; used items add a little.
    assert 0.76 < follows.mean() < 0.84
    assert (histories.lengths == 10).all()
    straight = markov_chain(users=20, items=40, length=40, stray=0).histories()
    assert all((np.diff(straight.row(row)) % 40 == 1).all() for row in range(20))


def test_a_chain_without_memory_follows_nothing():
    rows = (
        markov_chain(users=300, items=40, length=10, stray=1.0).histories().items.reshape(300, 10)
    )
    assert ((rows[:, 1:] - rows[:, :-1]) % 40 == 1).mean() < 0.05


def test_the_demo_world_looks_like_a_film_log():
    log = demo_world()
    assert len(log.users) == 900
    assert len(log.items) == 1200
    assert 60_000 <= len(log) <= 100_000
    assert sorted(np.unique(log.weight).tolist()) == [1, 2, 3, 4, 5]
    assert 0.3 < (log.weight >= 4).mean() < 0.7
    assert log.user_counts().min() >= 20
    days = (log.time.max() - log.time.min()) / 86400
    assert 100 < days < 220
    assert all(title.endswith(")") and title[-6] == "(" for title in log.table.titles)
    assert all(1 <= len(labels) <= 3 for labels in log.table.labels)
    assert log.notes == ("an invented film club, made by demo_world(seed=0)",)


def test_films_of_a_kind_are_watched_by_the_same_people_in_the_demo_world():
    log = demo_world()
    watched = (log.matrix().toarray() > 0).astype(np.float32)
    lengths = np.sqrt(watched.sum(axis=0))
    cosines = (watched.T @ watched) / np.outer(lengths, lengths)
    np.fill_diagonal(cosines, -1)
    genres = [set(labels) for labels in log.table.labels]
    nearest = cosines.argmax(axis=1)
    alike = np.mean([bool(genres[i] & genres[j]) for i, j in enumerate(nearest)])
    shuffled = np.random.default_rng(0).permutation(len(genres))
    chance = np.mean([bool(genres[i] & genres[j]) for i, j in enumerate(shuffled)])
    assert alike > 0.7
    assert chance < 0.4


def test_two_halves_of_the_people_agree_which_films_of_the_demo_world_are_good():
    log = demo_world()
    means = []
    for half in (log[log.user % 2 == 0], log[log.user % 2 == 1]):
        counts = np.bincount(half.item, minlength=1200)
        means.append(np.bincount(half.item, half.weight, minlength=1200) / np.maximum(counts, 1))
    often = log.item_counts() > 50
    assert np.corrcoef(means[0][often], means[1][often])[0, 1] > 0.6


def test_worlds_refuse_sizes_that_cannot_be():
    with pytest.raises(UsageError, match="items=7\n  allowed: a whole number from 8 on"):
        taste_groups(items=7, groups=4)
    with pytest.raises(UsageError, match=r"items=3\n.*from 5 on"):
        noise(items=3, per_user=5)
    with pytest.raises(UsageError, match="users=0\n"):
        popularity_only(users=0)
    with pytest.raises(UsageError, match="length=0\n"):
        markov_chain(length=0)
    with pytest.raises(UsageError, match=r"stray=1\.5\n.*from 0 to 1"):
        markov_chain(stray=1.5)
