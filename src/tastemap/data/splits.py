"""The ways to cut a log into train, validation and test.

All parts of a split share the vocabularies of the log, every event is in exactly one part, and
no (user, item) pair stands on two sides. A split depends on the log, the arguments and the seed
alone.
"""

import math
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Literal

import numpy as np

from tastemap.data.interactions import Interactions
from tastemap.data.split import Split as Split
from tastemap.data.table import iso_time
from tastemap.errors import InputError, UsageError
from tastemap.seeding import stream
from tastemap.shapes import Float64, Int8, Int64

TRAIN, VALIDATION, TEST, FOLD_IN = range(4)


def leave_last_out(log: Interactions, validation: bool = True) -> Split:
    """Hold out everybody's newest event for test, and the one before it for validation.

    Equal times, and logs without times, go by the order of the file. A user with one event stays
    in train; one with two has no validation event.

    Examples
    --------
    >>> log = Interactions.of([("ann", i, 1, t) for i, t in (("tea", 1), ("milk", 2), ("rum", 3))])
    >>> leave_last_out(log)
    Split(train 1, validation 1, test 1; leave_last_out(validation=True))
    """
    require_events(log)
    ages, lengths = _ages(log), log.user_counts()[log.user]
    side = np.full(len(log), TRAIN, dtype=np.int8)
    side[(ages == 0) & (lengths >= 2)] = TEST
    if validation:
        side[(ages == 1) & (lengths >= 3)] = VALIDATION
    how = f"leave_last_out(validation={validation})"
    if log.time is None:
        how += ", in file order as the log has no times"
    if validation and not (side == VALIDATION).any():
        how += ", without validation as no user has three events"
    return split_of(log, side, how)


Cut = float | int | datetime


def split_by_time(log: Interactions, test: Cut = 0.2, validation: Cut = 0.0) -> Split:
    """Cut the log at one moment: every event at or after it is test, for all users alike.

    Equal times are never parted, so that the test part is a little larger than asked for where
    many events share the time of the cut.

    Parameters
    ----------
    test
        Share of the newest events (a fraction between 0 and 1), or the moment of the cut: whole
        seconds since 1970, or a datetime (UTC where it has no zone).
    validation
        The same for the events before the test part; 0 means none.

    Examples
    --------
    >>> log = Interactions.of([("ann", item, 1, 100 * item) for item in range(1, 11)])
    >>> split_by_time(log, test=0.2)
    Split(train 8, test 2; split_by_time(test=0.2), test from 1970-01-01 00:15:00 UTC)
    """
    require_events(log)
    if log.time is None:
        raise InputError(
            "split_by_time of a log without times",
            "a log with a time for every event",
            "name the time column when reading (time=...), or use random_split(log)",
        )
    cut = _moment(log.time, log.time, "test", test)
    side = np.where(log.time >= cut, TEST, TRAIN).astype(np.int8)
    how = f"split_by_time(test={test}), test from {iso_time(cut)} UTC"
    if validation:
        earlier = log.time[side == TRAIN]
        start = _moment(log.time, earlier, "validation", validation)
        side[(log.time >= start) & (side == TRAIN)] = VALIDATION
        how = (
            f"split_by_time(test={test}, validation={validation}), validation from "
            f"{iso_time(start)} UTC, test from {iso_time(cut)} UTC"
        )
    return split_of(log, side, how, needs_validation=bool(validation))


def random_split(
    log: Interactions,
    test: float = 0.25,
    validation: float = 0.0,
    by: Literal["user", "item"] | None = "user",
    seed: int = 0,
    variant: Literal["stratified", "microsoft"] = "stratified",
) -> Split:
    """Hold out a share of each user's events (or each item's, or of the log) at random.

    Parameters
    ----------
    test, validation
        Shares between 0 and 1. Counts are rounded to the nearest whole number, half to even.
    by
        Take the shares of each user's events, of each item's, or, with None, of all events. In
        the "stratified" variant every user (or item) keeps at least one event in train.
    variant
        "microsoft" repeats `python_stratified_split` of Microsoft's Recommenders to the event:
        NumPy's legacy generator in file order, and no event reserved for train.

    Examples
    --------
    >>> log = Interactions.of([(user, item) for user in "ab" for item in range(8)])
    >>> random_split(log, test=0.25, seed=1)
    Split(train 12, test 4; random_split(test=0.25, validation=0.0, by='user', seed=1))
    """
    require_events(log)
    _require_shares(test=test, validation=validation)
    _require_seed(seed)
    groups = {"user": log.user, "item": log.item, None: np.zeros(len(log), dtype=np.int32)}
    known = variant in ("stratified", "microsoft") and by in groups
    if not known or (variant == "microsoft" and by is None):
        raise UsageError(
            f"by={by!r}, variant={variant!r}",
            "by='user' or 'item', and None with variant='stratified'; variant='stratified' or "
            "'microsoft'",
            "pass by='user', say",
        )
    group = groups[by]
    size = np.bincount(group)[group]
    said = f"random_split(test={test}, validation={validation}, by={by!r}, seed={seed})"
    if variant == "microsoft":
        legacy = np.random.RandomState(seed)  # the generator of that procedure
        rank = _rank(group, legacy.rand(len(log)))
        # Shares are decimals: without rounding, 1 - .7 is a hair above .3.
        n_train = np.round(round(1 - test - validation, 12) * size)
        n_validation = np.round(round(1 - test, 12) * size) - n_train
        said = said.replace(")", ", variant='microsoft')")
    else:
        rank = _rank(group, stream(seed, "random_split").random(len(log)))
        n_test = np.minimum(np.round(test * size), size - 1)
        n_validation = np.minimum(np.round(validation * size), size - 1 - n_test)
        n_train = size - n_test - n_validation
    side = np.where(
        rank < n_train, TRAIN, np.where(rank < n_train + n_validation, VALIDATION, TEST)
    )
    return split_of(log, side.astype(np.int8), said, needs_validation=validation > 0)


def holdout_users(
    log: Interactions,
    test_users: float | int = 0.1,
    validation_users: float | int = 0,
    fold_in: float = 0.8,
    seed: int = 0,
) -> Split:
    """Hold out whole users: models never meet them and are told a part of their history.

    This is called strong generalisation. Only users with two or more events can be held out; the
    others are in train.

    Parameters
    ----------
    test_users, validation_users
        How many of them: a share (a fraction between 0 and 1) or a whole number.
    fold_in
        The share of a held-out user's events that models are told; the rest, and never less
        than one event, is asked for. The oldest are told where the log has times; else they are
        drawn at random.

    Examples
    --------
    >>> log = Interactions.of([(user, item) for user in range(10) for item in range(5)])
    >>> holdout_users(log, test_users=2).parts().keys()
    dict_keys(['train', 'fold_in', 'test'])
    """
    require_events(log)
    _require_shares(fold_in=fold_in)
    _require_seed(seed)
    counts = log.user_counts()
    able = np.flatnonzero(counts >= 2)
    n_test = _number_of_users("test_users", test_users, len(able), len(able))
    n_validation = _number_of_users(
        "validation_users", validation_users, len(able), len(able) - n_test
    )
    drawn = stream(seed, "holdout_users").permutation(able)
    role = np.full(len(counts), TRAIN, dtype=np.int8)
    role[drawn[:n_test]] = TEST
    role[drawn[n_test : n_test + n_validation]] = VALIDATION
    side = role[log.user]
    n_told = np.clip(np.round(fold_in * counts), 1, np.maximum(counts - 1, 1))[log.user]
    if log.time is not None:
        place = counts[log.user] - 1 - _ages(log)
    else:
        place = _rank(log.user, stream(seed, "holdout_users", "fold_in").random(len(log)))
    side[(side != TRAIN) & (place < n_told)] = FOLD_IN
    return split_of(
        log,
        side,
        f"holdout_users(test_users={test_users}, validation_users={validation_users}, "
        f"fold_in={fold_in}, seed={seed})",
    )


def k_fold(log: Interactions, folds: int = 5, seed: int = 0) -> Iterator[Split]:
    """Cut the events into `folds` parts at random; each is the test part of one split.

    Each user's events are spread over the folds as evenly as can be, and so are all events. The
    splits are made one at a time; `list(k_fold(log))` keeps them all.

    Examples
    --------
    >>> log = Interactions.of([(user, item) for user in range(4) for item in range(5)])
    >>> [len(split.test) for split in k_fold(log, folds=5)]
    [4, 4, 4, 4, 4]
    """
    require_events(log)
    _require_seed(seed)
    if not 2 <= folds <= len(log):
        raise UsageError(
            f"folds is {folds}",
            f"a whole number from 2 to the number of events, {len(log):,}",
            "pass folds=5, say",
        )
    rng = stream(seed, "k_fold")
    by_user = rng.permutation(len(log.users))[log.user]
    fold = np.empty(len(log), dtype=np.int64)
    fold[np.lexsort((rng.random(len(log)), by_user))] = np.arange(len(log)) % folds
    return (
        split_of(
            log,
            np.where(fold == number, TEST, TRAIN).astype(np.int8),
            f"k_fold(folds={folds}, seed={seed}), fold {number + 1}",
        )
        for number in range(folds)
    )


def split_of(
    log: Interactions, side: Int8[np.ndarray, " n"], how: str, needs_validation: bool = False
) -> Split:
    """The split that puts every event on its side."""
    for part, name in ((TEST, "test"), (TRAIN, "train"), (VALIDATION, "validation")):
        if not (side == part).any() and (part != VALIDATION or needs_validation):
            raise InputError(
                f"no event is left for {name}: {how} of a log of {len(log):,} events of "
                f"{np.count_nonzero(log.user_counts()):,} users",
                "a log and arguments that leave events for every part",
                "change the arguments, or use a log with more events a user",
            )
    has = {part: (side == part).any() for part in (VALIDATION, FOLD_IN)}
    return Split(
        train=log[side == TRAIN],
        validation=log[side == VALIDATION] if has[VALIDATION] else None,
        test=log[side == TEST],
        how=how,
        fold_in=log[side == FOLD_IN] if has[FOLD_IN] else None,
        known=log[side <= VALIDATION] if has[VALIDATION] else None,
    )


def _ages(log: Interactions) -> Int64[np.ndarray, " n"]:
    """How many newer events the same user has, for each event."""
    order = np.lexsort((log.user,) if log.time is None else (log.time, log.user))
    ends = np.cumsum(log.user_counts())
    ages = np.empty(len(log), dtype=np.int64)
    ages[order] = ends[log.user[order]] - 1 - np.arange(len(log))
    return ages


def _rank(group: np.ndarray, value: Float64[np.ndarray, " n"]) -> Int64[np.ndarray, " n"]:
    """The place, from 0, of each event among those of its group in increasing order of value."""
    order = np.lexsort((value, group))
    counts = np.bincount(group)
    rank = np.empty(len(group), dtype=np.int64)
    rank[order] = np.arange(len(group)) - (np.cumsum(counts) - counts)[group[order]]
    return rank


def _moment(
    times: Int64[np.ndarray, " n"], left: Int64[np.ndarray, " m"], argument: str, cut: Cut
) -> int:
    """The first second of a part that takes the newest of the times that are left."""
    if isinstance(cut, datetime):
        aware = cut if cut.tzinfo is not None else cut.replace(tzinfo=UTC)
        return math.ceil(aware.timestamp())
    if isinstance(cut, int | np.integer) and not isinstance(cut, bool):
        return int(cut)
    if not isinstance(cut, float | np.floating) or not 0 < cut < 1:
        raise UsageError(
            f"{argument}={cut!r}",
            "a fraction between 0 and 1, or a moment: whole seconds since 1970, or a datetime",
            f"pass {argument}=0.2, say",
        )
    wanted = min(max(1, round(float(cut) * len(times))), len(left))
    return int(np.sort(left)[len(left) - wanted])


def _number_of_users(argument: str, asked: float | int, able: int, left: int) -> int:
    """How many of the users that can be held out; `left` of them are not held out yet."""
    if isinstance(asked, int | np.integer):
        number = int(asked)
    else:
        number = max(round(asked * able), asked > 0) if 0 <= asked < 1 else -1
    if not (argument == "test_users") <= number <= left:
        raise UsageError(
            f"{argument}={asked!r}",
            f"a fraction between 0 and 1, or a whole number of users up to {left:,}: so many "
            "with two or more events are there to hold out",
            f"pass {argument}=0.1, say",
        )
    return number


def require_events(log: Interactions) -> None:
    """Refuse a log without any event."""
    if len(log) == 0:
        raise InputError("a log without events to split", "at least two events", "read another log")


def _require_shares(**shares: float) -> None:
    """Refuse shares that leave nothing; only `validation` may be 0."""
    for name, share in shares.items():
        if not (0 <= share < 1 and (share > 0 or name == "validation")):
            raise UsageError(f"{name}={share!r}", "a fraction between 0 and 1", f"pass {name}=0.2")
    if sum(shares.values()) >= 1:
        raise UsageError(
            " and ".join(f"{name}={share!r}" for name, share in shares.items()),
            "fractions that add up to less than 1, so that some events are left for train",
            "lower one of them",
        )


def _require_seed(seed: int) -> None:
    if not 0 <= seed < 2**32:
        raise UsageError(f"seed is {seed}", "a whole number from 0 to 2**32 - 1", "pass seed=0")
