"""Rules about the lists themselves: what must not stand in them."""

import numpy as np

from tastemap.diagnosis.evidence import Evidence, repeats
from tastemap.diagnosis.finding import NotApplicable, Rule, Seen
from tastemap.diagnosis.recompute import available, seen_of_rows

SHORT = 0.01
"""Share of lists that may be shorter than k although the catalogue has more."""


def seen_listed(e: Evidence) -> Seen | None:
    """Seen items are recommended although they are to be left out.

    Symptom
        Lists hold items of the user's own history. Places are wasted on items that are no
        possible hits, and every metric is too low.

    Usual cause
        1. The mask was applied to a copy, or before the scores of a later step were added.
        2. Masked items came back as filling where few candidates were left.
        3. The history passed to the model is not the one that the user has (rows out of step,
           validation events left out).

    How to confirm
        Intersect each list with its user's history: nothing may be left.

    Remedy
        1. model.recommend(users, exclude_seen=True) masks last of all.
        2. Mask by -inf in float scores, never by 0, and cut masked items from the list.
        3. If repeats are to be recommended, say so: exclude_seen=False.
    """
    assert e.lists is not None
    if not e.exclude_seen:
        raise NotApplicable("seen items may be listed")
    seen = seen_of_rows(e)
    if not seen.any():
        return None
    row, place = np.argwhere(seen)[0]
    listed = max(int((e.lists >= 0).sum()), 1)
    return Seen(
        {
            "seen items among the listed": float(seen.sum() / listed),
            "lists with one": float(seen.any(axis=1).mean()),
            "first": f"list {row}, place {place + 1}, item code {e.lists[row, place]}",
        },
        "no listed item in its user's history",
        f"{seen.sum() / listed:.1%} of the listed items are in the history of their user, who was "
        "to get new ones only.",
    )


def repeated_or_short(e: Evidence) -> Seen | None:
    """A list repeats an item, or ends early.

    Symptom
        The same item stands twice in one list, or lists hold fewer than k items although there
        are more to recommend. Missing places count as misses.

    Usual cause
        1. Lists of several candidate sources were joined without removing repeats.
        2. A catalogue with one item under two rows, which were merged after ranking.
        3. Too few candidates were asked for before seen items were filtered.
        4. The model scores only items that its neighbours know.

    How to confirm
        Count the distinct items of every list.

    Remedy
        1. Filter seen items and repeats first, cut to k last.
        2. Ask the index for k + length of the history candidates.
        3. Fill short lists with popular items.
    """
    assert e.lists is not None
    k = e.lists.shape[1]
    again = repeats(e.lists)
    if again.any():
        row, place = np.argwhere(again)[0]
        return Seen(
            {
                "lists with a repeat": float(again.any(axis=1).mean()),
                "repeats": int(again.sum()),
                "first": f"list {row}, place {place + 1}, item code {e.lists[row, place]}",
            },
            "every item once in a list",
            f"{again.any(axis=1).mean():.1%} of the lists name an item twice; counted as two hits "
            "it would lift recall above what is possible.",
        )
    listed = (e.lists >= 0).sum(axis=1)
    short = listed < np.minimum(k, available(e))
    share = float(short.mean()) if len(short) else 0.0
    if share <= SHORT:
        return None
    apart = _other_users(e, listed)
    if apart is not None:
        return apart
    strangers = short & (e.users < 0) if e.users is not None else np.zeros(len(short), dtype=bool)
    return Seen(
        {
            "short lists": share,
            "empty lists": float((listed == 0).mean()),
            "short lists of users unknown to train": int(strangers.sum()),
            "mean length of the short ones": float(listed[short].mean()),
        },
        f"{SHORT:.0%} of lists shorter than {k} while the catalogue has more",
        f"{share:.1%} of the lists hold fewer than {k} items although more could be recommended: "
        "their missing places count as misses.",
        severity="warning",
    )


def _other_users(e: Evidence, listed: np.ndarray) -> Seen | None:
    """The finding where most users with a truth have no list, and most lists have no truth."""
    if e.truth is None:
        return None
    held = e.truth.lengths > 0
    without_list = float((listed[held] == 0).mean()) if held.any() else 0.0
    without_truth = float((~held[listed > 0]).mean()) if (listed > 0).any() else 0.0
    if min(without_list, without_truth) <= 0.5:
        return None
    return Seen(
        {"users without a list": without_list, "lists without a truth": without_truth},
        "lists for the users who have held-out items",
        f"{without_list:.0%} of the users with held-out items have no list, and "
        f"{without_truth:.0%} of the lists are of users without any: the users' ids of lists and "
        "truth do not mean the same.",
        causes=(
            "User ids are spelled in two ways, or are codes in one table and ids in the other.",
        ),
        remedies=("Encode both by one vocabulary: log.users.encode(ids).",),
    )


RULES = (
    Rule(
        "E306",
        "error",
        seen_listed,
        needs=("lists", "seen", "exclude_seen"),
        explains=("E302", "E315"),
    ),
    Rule(
        "E307",
        "error",
        repeated_or_short,
        needs=("lists",),
        explains=("E302", "E310", "E315", "E316"),
    ),
)
