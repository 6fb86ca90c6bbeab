"""The parts of a split: what they refuse, and what they show."""

from dataclasses import replace

import numpy as np
import pytest

from tastemap.data.interactions import Interactions
from tastemap.data.split import Split
from tastemap.data.splits import leave_last_out
from tastemap.errors import InputError, UsageError


@pytest.fixture
def log():
    """200 events of 20 users and 40 items with rising times."""
    rng = np.random.default_rng(3)
    pairs = rng.choice(20 * 40, 200, replace=False).tolist()
    return Interactions.of([(p // 40, p % 40, 1, 1000 + row) for row, p in enumerate(pairs)])


def test_a_split_made_by_hand_shows_train_and_validation_together(log):
    split = Split(log[100:], log[50:100], log[:50], how="by hand")
    seen, _ = split.queries("test")
    assert seen.lengths.sum() == sum(
        int((log.user[50:] == user).sum()) for user in set(log.user[:50].tolist())
    )


def test_a_split_refuses_a_pair_on_two_sides(log):
    with pytest.raises(InputError, match=r"stand in train and in test \(1 such repeats"):
        Split(log[:51], None, log[50:], how="by hand")
    with pytest.raises(InputError, match=r"stand twice in train \(2 such"):
        Split(log[np.array([0, 0, 1, 1])], None, log[50:], how="by hand")


def test_a_split_refuses_parts_of_different_logs(log):
    with pytest.raises(InputError, match="train and test have different vocabularies"):
        Split(log[:100], None, log[100:101].compact(), how="by hand")
    with pytest.raises(InputError, match="train has times and test has none"):
        Split(log[:100], None, replace(log[100:], time=None), how="by hand")
    same_ids = replace(log[100:], users=replace(log.users), items=replace(log.items))
    assert Split(log[:100], None, same_ids, how="by hand").test is same_ids


def test_a_split_refuses_fold_in_users_that_train_knows(log):
    with pytest.raises(InputError, match=r"is in train and in fold_in \(\d+ such users\)"):
        Split(log[:100], None, log[150:], how="by hand", fold_in=log[100:150])


def test_queries_of_a_part_that_is_not_there_is_an_error(log):
    split = leave_last_out(log, validation=False)
    with pytest.raises(
        UsageError, match=r"part='validation' of a split made by leave_.*\n.*: test"
    ):
        split.queries("validation")
