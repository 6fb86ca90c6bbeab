"""Rules about the rows of a log: unreadable, repeated, too few."""

import numpy as np

from tastemap.data.passport import resolution
from tastemap.diagnosis.finding import Rule, Seen
from tastemap.diagnosis.log_facts import (
    SHOWN,
    LogFacts,
    percent,
    require_events,
)
from tastemap.diagnosis.log_weights import ratings_scale

EXACT = 0.001
"""Share of identical rows from which they are no double click but a second copy."""

UNREADABLE = 0.05
"""Share of unreadable rows from which the whole log must be read in another way."""

FEW_EVENTS, MANY_USERS = 3, 0.5
"""More than this share of the users have fewer events than this."""


def repeated_pairs(f: LogFacts) -> Seen | None:
    """The same user and item stand together more than once.

    Symptom
        A (user, item) pair has several rows; identical rows (same time and weight too) are
        counted apart from rows at other times.

    Usual cause
        1. The same export was appended twice, or a join multiplied the rows.
        2. People come back: plays, visits and purchases repeat by nature.
        3. People change their ratings.

    How to confirm
        Look at the lines named; identical rows that stand far apart are a second copy.

    Remedy
        1. Second copies: tm.read(LOG, repeats="last") keeps one event a pair.
        2. Plays and purchases: tm.read(LOG, repeats="sum") counts them as strength.
    """
    require_events(f)
    n = len(f.log)
    extra = n - len(f.distinct)
    if extra == 0:
        return None
    copies, originals = _identical(f)
    again = extra - len(copies)
    share = len(copies) / n
    numbers: dict[str, object] = {
        "repeats of a pair": extra,
        "share of the rows": percent(extra / n),
    }
    numbers["identical rows"] = len(copies)
    numbers["rows with another time or weight"] = again
    if len(copies) == 0:
        copies, originals = _again(f)
    numbers["the first"] = _examples(f, copies, originals)
    grave = share >= EXACT and not _may_coincide(f)
    counted = f"{extra:,} of {n:,} rows repeat the (user, item) pair of an earlier row"
    if grave:
        means = f"{counted}; {percent(share)} of all rows are identical copies, and count twice."
    elif again:
        means = f"{counted}: a log of plays or purchases is like that, one of likes is not."
    else:
        means = f"{counted}; the log cannot tell copies from people who came back."
    return Seen(
        numbers,
        f"identical rows under {percent(EXACT)} of all",
        means,
        severity="warning" if grave else "tip",
        causes=() if grave else ("People come back: plays, visits and purchases repeat.",),
        remedies=()
        if grave
        else (
            'tm.read(LOG, repeats="sum") counts repeats as strength, "last" keeps the newest.',
            "If every pair should be there once, look at the lines named.",
        ),
    )


def _may_coincide(f: LogFacts) -> bool:
    """Whether equal rows may well be different events: days instead of moments, no times."""
    if f.log.time is None:
        return not (f.weighted and ratings_scale(f) is not None)
    return resolution(f.log.time) == "day"


def _identical(f: LogFacts) -> tuple[np.ndarray, np.ndarray]:
    """Rows that equal an earlier one in every column, and the row that each of them equals."""
    log = f.log
    columns = [log.user, log.item, log.weight.view(np.int32)]
    columns += [] if log.time is None else [log.time]
    # One sort of a hash takes a third of the time of a sort by four columns.
    mixed = np.zeros(len(log), dtype=np.uint64)
    for column, odd in zip(columns, _ODD, strict=False):
        mixed = (mixed ^ column.astype(np.uint64)) * np.uint64(odd)
        mixed ^= mixed >> np.uint64(29)
    order = np.argsort(mixed, kind="stable")
    at = np.flatnonzero(mixed[order][1:] == mixed[order][:-1])
    copies, originals = order[at + 1], order[at]
    for column in columns:  # rows that differ may share a hash
        equal = column[copies] == column[originals]
        copies, originals = copies[equal], originals[equal]
    by_row = np.argsort(copies)
    return copies[by_row], originals[by_row]


_ODD = (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB, 0xD6E8FEB86659FD93)


def _again(f: LogFacts) -> tuple[np.ndarray, np.ndarray]:
    """Rows that repeat the pair of an earlier row, and the row just before in that pair."""
    order, pairs = f.in_pairs
    at = np.flatnonzero(pairs[1:] == pairs[:-1])
    by_row = np.argsort(order[at + 1])
    return order[at + 1][by_row], order[at][by_row]


def _examples(f: LogFacts, copies: np.ndarray, originals: np.ndarray) -> tuple[str, ...]:
    copies, originals = copies[:3], originals[:3]
    places = f.where(np.concatenate([copies, originals]))
    users = f.log.users.decode(f.log.user[copies]).tolist()
    items = f.log.items.decode(f.log.item[copies]).tolist()
    return tuple(
        f"{copy} repeats {original} (user {user!r}, item {item!r})"
        for copy, original, user, item in zip(
            places[: len(copies)], places[len(copies) :], users, items, strict=True
        )
    )


def short_histories(f: LogFacts) -> Seen | None:
    """More than half of the users have fewer than three events.

    Symptom
        The median user has one or two events.

    Usual cause
        1. Most visitors come once; nothing is wrong.
        2. Ids change from visit to visit: sessions or cookies instead of accounts.
        3. The log is a sample of rows instead of a sample of users.

    How to confirm
        Count the events of an account that you know.

    Remedy
        1. Learn and judge on those with a history: tm.k_core(log, 5), or core=5 (--core 5).
        2. Serve the others by popularity, or by what is in their basket.
        3. If there is a steadier id than this, read it as user= (--user).
    """
    require_events(f)
    counts = f.counts["user"]
    share = float(np.mean(counts < FEW_EVENTS))
    if share <= MANY_USERS:
        return None
    once = float(np.mean(counts == 1))
    return Seen(
        {
            "users with fewer than 3 events": percent(share),
            "with one": percent(once),
            "users with 5 or more": int(np.count_nonzero(counts >= 5)),
        },
        f"{percent(MANY_USERS)} of the users",
        f"{percent(share)} of {len(counts):,} users have one or two events: whoever has one can "
        "be learned from or judged by, not both.",
    )


def unreadable_rows(f: LogFacts) -> Seen | None:
    """Rows that cannot be read.

    Symptom
        Rows with too few or too many fields, without a user or an item, with a weight that is no
        number or a time that is no time.

    Usual cause
        1. A separator or a quote inside a field that is not quoted.
        2. Missing values, or a line of totals at the end.
        3. An export that was cut off, or two files of different form in one.

    How to confirm
        Look at the lines named.

    Remedy
        1. Correct the lines named, or export the log again as Parquet or with quotes.
        2. Go on without them: tm.read(LOG, skip_bad=True), or run --skip-bad.
    """
    bad = f.rejects.count + f.lost
    if bad == 0:
        return None
    rows = f.rows + f.lost
    missing = sum(n for why, n in f.reasons.items() if why.endswith("is missing"))
    damaged = (bad - missing) / rows
    numbers: dict[str, object] = {"unreadable rows": bad, "share": percent(bad / rows)}
    numbers |= f.reasons
    if f.lost:
        numbers["lines lost behind an open quote"] = f.lost
    numbers["the first"] = f.rejects.shown[:SHOWN]
    means = f"{bad:,} of {rows:,} rows ({percent(bad / rows)}) cannot be read; tm.read stops."
    if f.lost:
        means += f" {f.lost:,} of them vanish behind a quote that is never closed."
    if damaged > UNREADABLE:
        means += " So many mean that the file has another form than it seems, or was damaged."
    only_missing = missing == bad
    return Seen(
        numbers,
        f"none; above {percent(UNREADABLE)} (missing values apart) it is an error",
        means,
        severity="error" if damaged > UNREADABLE or bad == rows else "warning",
        causes=_MISSING if only_missing else (),
        remedies=("Go on without them: tm.read(LOG, skip_bad=True), or run --skip-bad.",)
        if only_missing
        else (),
    )


_MISSING = (
    "Events of people who were not logged in, or of things without an id.",
    "A line of totals at the end.",
)


def nothing_to_learn(f: LogFacts) -> Seen | None:
    """There is nothing to learn from.

    Symptom
        The log has a single user or a single item, or no user has two different items.

    Usual cause
        1. The wrong column was read as user: the id of a row, an event or an order.
        2. The log was filtered or cut to nothing.

    How to confirm
        Look at the ids that were read; a user id should come back.

    Remedy
        1. Name the right columns: user= and item= (--user, --item).
        2. Read more events.
    """
    require_events(f)
    users, items = len(f.log.users), len(f.log.items)
    per_user = np.bincount(f.distinct // max(items, 1), minlength=users)
    several = int(np.count_nonzero(per_user >= 2))
    if users >= 2 and items >= 2 and several:
        return None
    role = "user" if users < 2 else "item"
    means = (
        "No user has two different items: what goes with what cannot be told."
        if users >= 2 and items >= 2
        else f"There is one {role} only: nothing is left to choose from."
    )
    return Seen(
        {"users": users, "items": items, "users with two items or more": several},
        "two users, two items, and somebody who used two items",
        means,
    )


ROW_RULES: tuple[Rule, ...] = (
    Rule("D101", "warning", repeated_pairs),
    Rule("D105", "tip", short_histories),
    Rule("D107", "warning", unreadable_rows),
    Rule("D109", "error", nothing_to_learn, explains=("D105",)),
)
