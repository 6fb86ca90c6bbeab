"""Rules about the times of a log: impossible, too coarse, in bursts, with gaps."""

import numpy as np

from tastemap.data.passport import STEPS, resolution
from tastemap.data.table import iso_time
from tastemap.diagnosis.finding import NotApplicable, Rule, Seen
from tastemap.diagnosis.log_facts import Aspect, LogFacts, joined, percent, require_events, some
from tastemap.shapes import Int64

DAY = 86_400
OLD = 631_152_000
"""1990-01-01: hardly any log is older."""

COUNTER = 100_000_000
"""Below this (March 1973), all times of a log are hardly moments."""

ALIKE = 0.5
"""Share of users whose events all have one time from which the order inside them is unknown."""

BURST, SECONDS = 300, 60
"""So many events of one user within so many seconds are no person's."""

NEW = 0.3
"""Share of the last events on items never seen before from which the catalogue is renewed."""

GAP = 0.25
"""Share of the range without any event from which it is a gap."""

ENOUGH = 1000
"""Rules about the shape of time need this many events."""


def wrong_times(f: LogFacts) -> Seen | None:
    """Times that cannot be right, or that are too coarse to give an order.

    Symptom
        Times in the future or before 1990, seconds mixed with milliseconds, one time for all
        events, days without a time of day, or users whose events all have the same second.

    Usual cause
        1. Two sources with different units were put together.
        2. Missing times were written as 0 (1970-01-01) or as a far date.
        3. The time is that of the import, not of the event.
        4. The log keeps days only.

    How to confirm
        Look at the lines named, and at the range of times in the passport.

    Remedy
        1. Bring all times into one unit, best ISO 8601 or seconds since 1970, in UTC.
        2. Leave rows with impossible times out before reading.
        3. Where there is no order, split at random: tm.random_split(log).
    """
    aspects = []
    if f.trouble is not None:
        aspects.append(
            Aspect(
                "error",
                {"times": f.trouble.given},
                "The times cannot be trusted: tm.read stops at them.",
                remedies=(f"{f.trouble.remedy[:1].upper()}{f.trouble.remedy[1:]}.",),
            )
        )
        if f.log.time is None:
            return joined(aspects, f.trouble.allowed)
    time = f.time
    aspects += [*_future(f, time), *_old(f, time)]
    step = resolution(time)
    if step is None:
        aspects += _constant(time)
    else:
        aspects += _coarse(f, step)
    return joined(aspects, "times from 1990 to today, in one unit, fine enough to give an order")


def _future(f: LogFacts, time: Int64[np.ndarray, " n"]) -> list[Aspect]:
    late = time > f.now + 2 * DAY
    n = int(np.count_nonzero(late))
    if n == 0:
        return []
    return [
        Aspect(
            "warning",
            {"in the future": n, "latest": iso_time(int(time.max())), "future at": f.first(late)},
            f"{n:,} of the events lie in the future: the newest of their users' histories, they "
            "would be the ones that are held out.",
            causes=(
                "A far date stands for a missing one, or a day and a month were swapped.",
                "Times were written in another unit than they are read in.",
            ),
            remedies=("Leave rows with impossible times out before reading.",),
        )
    ]


def _old(f: LogFacts, time: Int64[np.ndarray, " n"]) -> list[Aspect]:
    old = time < OLD
    n = int(np.count_nonzero(old))
    if n == 0:
        return []
    if time.max() < COUNTER and time.min() >= 0:
        return [
            Aspect(
                "tip",
                {"times": f"{time.min():,} to {time.max():,}"},
                "The times are small numbers, positions or days perhaps; as an order they serve, "
                "as moments they lie in 1970 to 1973.",
                causes=("The time is a position, or counts from a beginning of its own.",),
                remedies=("Nothing is to be done, unless dates matter to you.",),
            )
        ]
    if n > len(time) / 2:  # an old log, and nothing to be said of single lines
        return []
    return [
        Aspect(
            "warning",
            {"before 1990": n, "earliest": iso_time(int(time.min())), "old at": f.first(old)},
            f"{n:,} of the events lie before 1990: the oldest of their users' histories, whatever "
            "they are.",
            causes=("Missing times were written as 0, which is 1970-01-01.",),
            remedies=("Leave rows with impossible times out before reading.",),
        )
    ]


def _constant(time: Int64[np.ndarray, " n"]) -> list[Aspect]:
    if len(time) < 10:
        return []
    return [
        Aspect(
            "warning",
            {"the only time": iso_time(int(time[0]))},
            "All events have the same time: what came first is unknown.",
            causes=("The time is that of the import, not of the event.",),
            remedies=("Name another column as time= (--time), or split by tm.random_split(log).",),
        )
    ]


def _coarse(f: LogFacts, step: str) -> list[Aspect]:
    if step == "day":
        return [
            Aspect(
                "tip",
                {"resolution": "1 day"},
                "The times are days: the order of a user's events within a day is that of the "
                "rows.",
                causes=("The log keeps days only.",),
                remedies=(
                    "Split by time on whole days (tm.split_by_time), or keep the rows in order.",
                ),
            )
        ]
    order = f.by_user_time
    user, time = f.log.user[order], f.time[order]
    starts = np.flatnonzero(np.diff(user, prepend=-1))
    ends = np.append(starts[1:], len(user)) - 1
    several = ends - starts >= 2
    alike = several & (time[starts] == time[ends])
    share = float(alike.sum() / max(several.sum(), 1))
    if alike.sum() < 5 or share <= ALIKE:
        return []
    ids = f.log.users.ids[user[starts[alike]]].tolist()
    return [
        Aspect(
            "tip",
            {"users with one time for all events": percent(share), "such users": some(ids)},
            f"Of the users with three events or more, {percent(share)} have them all in the same "
            f"{step}: what came first inside these is unknown.",
            causes=("The events were imported or sent in one go: a basket, a form, a migration.",),
            remedies=("Do not hold out the last event of a user: tm.random_split(log).",),
        )
    ]


def bursts(f: LogFacts) -> Seen | None:
    """One user has hundreds of events in a minute.

    Symptom
        300 events of one user within 60 seconds.

    Usual cause
        1. A robot, or a program that uses somebody's account.
        2. A whole library was imported in one go.

    How to confirm
        Look at the user's rows in order of time: steady pauses are no person's.

    Remedy
        1. Leave the users named out before reading, or keep their first events only.
    """
    time = f.time
    step = resolution(time)
    if step is None or STEPS[step] > 1:
        raise NotApplicable("the times are coarser than seconds")
    order = f.by_user_time
    user, time = f.log.user[order], time[order]
    last = np.arange(BURST - 1, len(user))
    first = last - (BURST - 1)
    fast = (user[last] == user[first]) & (time[last] - time[first] <= SECONDS)
    codes = np.unique(user[last[fast]])
    if len(codes) == 0:
        return None
    begins = time[first[fast]][0]
    return Seen(
        {
            "users": len(codes),
            "ids": some(f.log.users.decode(codes).tolist()),
            "first burst": iso_time(int(begins)),
        },
        f"fewer than {BURST} events of one user in {SECONDS} seconds",
        f"{len(codes):,} users have {BURST} events within {SECONDS} seconds: no person does that.",
    )


def renewed_catalogue(f: LogFacts) -> Seen | None:
    """The newest events go to items that were never seen before.

    Symptom
        More than 30 % of the last tenth of the events go to items without an earlier event, and
        that is more than chance gives with so many rare items.

    Usual cause
        1. The catalogue lives by novelty: news, offers, videos.
        2. Items got new ids: a relaunch, a migration.
        3. The log was put together from two shops or countries.

    How to confirm
        Look at the first event of the items that are used most today.

    Remedy
        1. Judge by time, so that you see it: tm.split_by_time(log).
        2. Do not expect these items from a model of the past: show them by rule, or by content.
        3. If ids changed, map old ids to new ones before reading.
    """
    time = f.time
    n = len(time)
    if n < ENOUGH or time.min() == time.max():
        raise NotApplicable(f"it takes {ENOUGH:,} events at different times")
    order = np.argsort(time, kind="stable")
    cut = n - n // 10
    late = f.log.item[order[cut:]]
    known = np.zeros(len(f.log.items), dtype=bool)
    known[f.log.item[order[:cut]]] = True
    share = float(np.mean(~known[late]))
    # With c events, the others of an item all fall into the last tenth with chance .1^(c - 1).
    by_chance = float(np.mean(0.1 ** (f.counts["item"][late] - 1.0)))
    if share <= NEW or share <= by_chance + NEW / 2:
        return None
    half = f.log.item[order[: n // 2]], f.log.item[order[n // 2 :]]
    both = np.intersect1d(*half)
    overlap = len(both) / max(len(np.unique(half[1])), 1)
    return Seen(
        {
            "late events on new items": percent(share),
            "by chance": percent(by_chance),
            "items of the second half known in the first": percent(overlap),
        },
        f"{percent(NEW)} of the last tenth of the events",
        f"{percent(share)} of the newest events go to items that a model of the time before "
        "cannot know.",
    )


def gap_in_time(f: LogFacts) -> Seen | None:
    """A long time without any event.

    Symptom
        A quarter of the range or more has no event.

    Usual cause
        1. Two exports were put together, and what lies between is missing.
        2. Collecting stopped for a while.
        3. A few wrong times stand far from the others.

    How to confirm
        Count the events of each month.

    Remedy
        1. Export what is missing, or keep the part after the gap.
    """
    time = f.time
    if len(time) < ENOUGH:
        raise NotApplicable(f"it takes {ENOUGH:,} events")
    ordered = np.sort(time)
    pauses = np.diff(ordered)
    at = int(pauses.argmax())
    span = int(ordered[-1] - ordered[0])
    if span == 0:
        raise NotApplicable("all events have the same time")
    share = pauses[at] / span
    before = (at + 1) / len(ordered)
    if share < GAP or pauses[at] < 2 * DAY:
        return None
    smaller = min(before, 1 - before)
    return Seen(
        {
            "gap": f"{iso_time(int(ordered[at]))} to {iso_time(int(ordered[at + 1]))}",
            "share of the range": percent(float(share)),
            "events before it": percent(before),
        },
        f"{percent(GAP)} of the range",
        f"{percent(float(share))} of the range of times have no event; {percent(smaller)} of the "
        f"events stand {'before' if before <= 0.5 else 'after'} the gap.",
    )


def order_is_by_item(f: LogFacts) -> Seen | None:
    """The rows stand in the order of the items, and there are no times.

    Symptom
        The log has no times, and inside each user the rows go from low to high item ids.

    Usual cause
        1. The log was written from a matrix, or sorted for tidiness.

    How to confirm
        Look at the rows of one user.

    Remedy
        1. Hold events out at random: tm.random_split(log) instead of tm.leave_last_out(log).
        2. Export the log again with its times.
    """
    require_events(f)
    if f.log.time is not None:
        raise NotApplicable("the log has times")
    order = np.argsort(f.log.user, kind="stable")
    user, item = f.log.user[order], f.log.item[order]
    inside = user[1:] == user[:-1]
    n = int(inside.sum())
    if n < 100:
        raise NotApplicable("too few users have several events")
    rising = float(np.mean(item[1:][inside] >= item[:-1][inside]))
    if rising < 0.99:
        return None
    return Seen(
        {"rows that follow a lower item id of the same user": percent(rising)},
        "99 %; half of them by chance",
        "The last row of a user is the one with the highest item id, not the newest: holding it "
        "out measures nothing that anybody wants to know.",
    )


TIME_RULES: tuple[Rule, ...] = (
    Rule("D104", "warning", wrong_times, explains=("D112", "D111")),
    Rule("D110", "tip", bursts),
    Rule("D111", "tip", renewed_catalogue),
    Rule("D112", "tip", gap_in_time),
    Rule("D115", "tip", order_is_by_item),
)
