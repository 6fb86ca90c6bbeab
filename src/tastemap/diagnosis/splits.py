"""Rules about the split: what training saw of what it is judged on."""

import numpy as np

from tastemap.data.interactions import Interactions
from tastemap.diagnosis import derived
from tastemap.diagnosis.evidence import Evidence
from tastemap.diagnosis.finding import NotApplicable, Rule, Seen

POWER = 2.8
"""Standard errors that an effect needs to be found in 80 of 100 tests at the 5 % level."""


def pairs_in_train(e: Evidence) -> Seen | None:
    """The same pair is in train and in test.

    Symptom
        A (user, item) pair that is held out was also trained on. The model has seen the answer, or,
        where seen items are left out of the lists, the answer can never be listed.

    Usual cause
        1. Repeated pairs were not made one event before the log was cut.
        2. The model was fitted on the whole log instead of the training part.
        3. The test part was concatenated to train when features were built.

    How to confirm
        Join train and test on user and item: the join must be empty.

    Remedy
        1. Fit on split.train only; the splits of tastemap (tm.leave_last_out(log), ...) refuse
           shared pairs.
        2. Make one event of repeated pairs before splitting: tm.dedupe(log, rule="sum").
    """
    assert e.train is not None
    held, said = _held_pairs(e)
    width = max(len(e.train.items), 1)
    known = e.train.user.astype(np.int64) * width + e.train.item
    both = np.isin(held, known)
    if not both.any():
        return None
    if e.exclude_seen is False and e.train.time is not None and both.mean() < 0.5:
        raise NotApplicable("seen items may be listed: held-out repeats are part of the protocol")
    first = int(held[np.argmax(both)])
    return Seen(
        {
            "pairs on both sides": int(both.sum()),
            "of held-out pairs": len(held),
            "first": f"user {e.train.users.ids[first // width]}, "
            f"item {e.train.items.ids[first % width]}",
        },
        "no pair on both sides",
        f"{both.mean():.1%} of the pairs in {said} were trained on: the numbers of this run say "
        "nothing about new items.",
    )


def _held_pairs(e: Evidence) -> tuple[np.ndarray, str]:
    """Held-out pairs as one number each."""
    assert e.train is not None
    width = max(len(e.train.items), 1)
    if e.test is not None:
        return e.test.user.astype(np.int64) * width + e.test.item, "test"
    if e.truth is None or e.users is None:
        raise NotApplicable("the run does not say: test, or truth and users")
    user = np.repeat(e.users, e.truth.lengths).astype(np.int64)
    fine = (user >= 0) & (e.truth.items >= 0)
    return user[fine] * width + e.truth.items[fine], "the truth"


def later_than_cut(e: Evidence) -> Seen | None:
    """Train has events later than the cut.

    Symptom
        Test begins at one moment, as in a split by time, and training events are later than it.

    Usual cause
        1. The filter on time was left out for one table, or compares seconds with milliseconds.
        2. Train was sampled from the whole log before the cut.
        3. Validation or late events were added to train for the final fit.

    How to confirm
        Compare train's last time with test's first time.

    Remedy
        1. Cut once: split = tm.split_by_time(log, ...), and fit on split.train.
        2. Drop training events from test's first time on.
    """
    train, test = e.train, e.test
    assert train is not None
    assert test is not None
    if train.time is None or test.time is None or len(test) == 0 or len(train) == 0:
        raise NotApplicable("events have no times")
    cut = int(test.time.min())
    late = float((train.time >= cut).mean())
    if train.time.max() < cut or not _by_time(e, train, test):
        return None
    return Seen(
        {
            "training events from the cut on": late,
            "cut": cut,
            "last training time": int(train.time.max()),
        },
        "none: every training event is before the first test event",
        f"{late:.1%} of the training events happened after testing began: the model knows the "
        "future it is asked about.",
        severity="error" if late > 0.001 else "warning",
    )


def _by_time(e: Evidence, train: Interactions, test: Interactions) -> bool:
    """Whether the split is meant to be one at a moment for all.

    In such a split test's events crowd at the end of time. Leave-last-out and random splits spread
    them, and say so.
    """
    assert train.time is not None
    assert test.time is not None
    if any(word in e.how for word in ("leave", "last", "random", "k_fold", "holdout", "fold")):
        return False
    if any(word in e.how for word in ("split_by_time", "time", "window", "cut", "global")):
        return True
    middle = float((train.time < np.median(test.time)).mean())
    early = float((train.time < test.time.min()).mean())
    return middle > 0.9 and early > 0.6


def future_of_others(e: Evidence) -> Seen | None:
    """Training knows the future of other users.

    Symptom
        Users' test events are later than their own history, but other users' training events are
        later still.

    Usual cause
        1. The last event of every user was held out, whenever it was: usual, and not a bug.
        2. The log was cut at random.

    How to confirm
        Count the training events later than the median test event.

    Remedy
        1. For a number that holds for tomorrow, judge once more on tm.split_by_time(log, ...).
    """
    train, test = e.train, e.test
    assert train is not None
    assert test is not None
    if train.time is None or test.time is None or len(test) == 0 or len(train) == 0:
        raise NotApplicable("events have no times")
    late = float((train.time > np.median(test.time)).mean())
    if late < 0.1:
        return None
    return Seen(
        {"training events later than the median test event": late},
        "under 10 %",
        f"{late:.0%} of the training events are later than the median test event, so trends that "
        "nobody could know yet help every model alike: compare models by these numbers, do not "
        "promise them for tomorrow.",
    )


def strangers_in_test(e: Evidence) -> Seen | None:
    """Test asks about users or items that training never saw.

    Symptom
        Held-out events of users or items without a single training event.

    Usual cause
        1. A split by time: new users and items come along. That is life, and not a bug.
        2. Ids of test and train were encoded by different vocabularies.
        3. A filter removed their training events.

    How to confirm
        Look the ids up in the raw log before the cut.

    Remedy
        1. Report cold users and items apart (tm.slices), or filter with tm.k_core before the split.
        2. Encode once, then split.
    """
    train, test = e.train, e.test
    assert train is not None
    assert test is not None
    if len(test) == 0:
        raise NotApplicable("test is empty")
    cold_users = float((train.user_counts()[test.user] == 0).mean())
    cold_items = float((train.item_counts()[test.item] == 0).mean())
    if max(cold_users, cold_items) < 0.05 or (cold_users == 1 and "users" in e.how):
        return None
    return Seen(
        {"test events of new users": cold_users, "of new items": cold_items},
        "under 5 %",
        f"{cold_users:.0%} of the test events are of users and {cold_items:.0%} of items without "
        "training events: no model that learns from ids alone can rank a new item well.",
    )


def small_test(e: Evidence) -> Seen | None:
    """Test is too small to tell models apart.

    Symptom
        A difference of a tenth of the value would not be found in 80 of 100 such tests.

    Usual cause
        1. Few users have held-out events.
        2. One held-out event a user: each user's value is nearly all or nothing.

    How to confirm
        Compare the smallest difference that this test set can show with the difference claimed.

    Remedy
        1. Hold out more: more users, more events a user, or several folds (tm.k_fold).
        2. Claim no smaller difference than the one shown here; compare with tm.compare.
    """
    found = derived.ndcg(e)
    if len(found) < 2:
        raise NotApplicable("fewer than two users are judged")
    try:
        popular = derived.popularity_ndcg(e)
        spread = derived.paired(found, popular).stderr
    except NotApplicable:
        spread = float(found.std(ddof=1) / np.sqrt(len(found)))
    smallest = POWER * spread
    if smallest <= 0.1 * found.mean() or found.mean() == 0:
        return None
    return Seen(
        {
            f"ndcg@{derived.depth(e)}": float(found.mean()),
            "users": len(found),
            "smallest difference": smallest,
        },
        "a smallest difference under a tenth of the value",
        f"On {len(found):,} users only differences of {smallest:.4f} and more will be found "
        f"reliably; the value itself is {found.mean():.4f}.",
    )


def validation_is_test(e: Evidence) -> Seen | None:
    """Validation and test are the same events.

    Symptom
        Pairs of the validation part stand in the test part too.

    Usual cause
        1. The test part was passed for early stopping or for choosing hyper-parameters.
        2. Both parts were drawn with the same seed from the same rows.

    How to confirm
        Join validation and test on user and item: the join must be empty.

    Remedy
        1. Cut a validation part out of train: tm.leave_last_out(log, validation=True).
        2. Choose on validation again, then report on test once.
    """
    validation, test = e.validation, e.test
    assert validation is not None
    assert test is not None
    width = max(len(validation.items), len(test.items), 1)
    held = test.user.astype(np.int64) * width + test.item
    both = np.isin(validation.user.astype(np.int64) * width + validation.item, held)
    if not both.any():
        return None
    return Seen(
        {"pairs on both sides": int(both.sum()), "of validation pairs": len(both)},
        "no pair on both sides",
        f"{both.mean():.1%} of the validation pairs are test pairs: what was chosen on validation "
        "was chosen on test, and the test numbers are too good.",
    )


def core_on_test(e: Evidence) -> Seen | None:
    """The k-core was taken with the test events in it.

    Symptom
        The whole log is a k-core, and the training part alone is not.

    Usual cause
        1. Users and items were filtered before the log was cut: usual in papers, and not a bug.

    How to confirm
        Count the users and items with fewer than k training events.

    Remedy
        1. For a number that holds in service, cut first, then filter train alone.
    """
    assert e.train is not None
    assert e.test is not None
    parts = [part for part in (e.train, e.validation, e.test) if part is not None]
    users = np.sum([part.user_counts() for part in parts], axis=0)
    items = np.sum([part.item_counts() for part in parts], axis=0)
    core = min(int(users[users > 0].min()), int(items[items > 0].min()))
    alone = e.train.item_counts()[items > 0]
    below = int((alone < core).sum())
    if core < 3 or below == 0:
        return None
    return Seen(
        {"core of the whole log": core, "items below it in train": below},
        "train is a k-core by itself",
        f"Every user and item has {core} events or more only if test events count, so rare items "
        "were chosen with a look at the future. All models profit alike.",
    )


RULES = (
    Rule("S201", "error", pairs_in_train, ("train",), explains=("M409", "M404", "E321", "E306")),
    Rule("S202", "error", later_than_cut, ("train", "test"), explains=("M409", "S207")),
    Rule("S203", "tip", strangers_in_test, ("train", "test")),
    Rule("S204", "tip", small_test, ("lists", "truth")),
    Rule("S205", "error", validation_is_test, ("validation", "test"), explains=("M409",)),
    Rule("S206", "tip", core_on_test, ("train", "test")),
    Rule("S207", "tip", future_of_others, ("train", "test")),
)
