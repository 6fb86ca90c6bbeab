"""What an evaluation cannot use, and how it says so."""

import numpy as np

from tastemap.contracts import Model
from tastemap.data.interactions import Histories
from tastemap.data.split import Part, Split
from tastemap.errors import InputError
from tastemap.kernels.lists import repeated, shared_items
from tastemap.kernels.workers import deal, shares
from tastemap.recommend import Ranking, require_codes
from tastemap.shapes import Int32


def require_same_ids(model: Model, split: Split) -> None:
    """Refuse a model of another log: its codes mean other users and items."""
    pairs = {"items": (model.items, split.train.items), "users": (model.users, split.train.users)}
    for what, (fitted, held) in pairs.items():
        if fitted is not held and not np.array_equal(fitted.ids, held.ids):
            raise InputError(
                f"the model knows {len(fitted):,} {what}, the split {len(held):,}, "
                "and they are not the same",
                f"a model fitted on a part of this split: the same {what} in the same order",
                "fit on split.train",
            )


def require_same_users(users: Int32[np.ndarray, " rows"], truth: Histories, part: Part) -> None:
    """Refuse an evaluation of other users than those of the part it is held against."""
    if not np.array_equal(users, truth.user):
        raise InputError(
            f"an evaluation of {len(users):,} users, and a {part} part of {len(truth):,} "
            "users who are not the same",
            "an evaluation made by evaluate(model, split) on this part of this split",
            "pass the model instead, and it is evaluated",
        )


def require_fit(histories: Histories, truth: Histories, n_items: int, exclude_seen: bool) -> None:
    """Refuse histories and truth that cannot belong together."""
    if len(histories) != len(truth):
        raise InputError(
            f"{len(histories)} histories and {len(truth)} rows of held-out items",
            "the same users in both, row by row",
            "take both from split.queries(part)",
        )
    other = (histories.user >= 0) & (truth.user >= 0) & (histories.user != truth.user)
    if other.any():
        row = int(np.argmax(other))
        raise InputError(
            f"row {row}: history of user {histories.user[row]}, truth of user {truth.user[row]}",
            "the same users in both, row by row",
            "take both from split.queries(part)",
        )
    require_codes(histories, n_items)
    require_codes(truth, n_items, "truth")
    if len(truth.items) == 0:
        raise nothing_held_out(len(truth))
    if exclude_seen:
        _require_unseen(histories, truth, n_items)


def _require_unseen(histories: Histories, truth: Histories, n_items: int) -> None:
    given = (histories.starts, histories.items, truth.starts, truth.items)
    rows = [np.require(array, requirements=["C", "W"]) for array in given]
    n_pairs, row, item = shared_items(*rows, np.empty(n_items, dtype=np.int64))
    if n_pairs:
        raise InputError(
            f"row {row}: item {item} is held out and in the history ({n_pairs} such pairs)",
            "held-out items that are not in the history, for seen items are never listed",
            "make the split without shared pairs, or pass exclude_seen=False",
        )


def require_no_repeats(ranking: Ranking) -> None:
    """Refuse lists that hold an item twice: they would hit twice."""
    lists = np.require(ranking.items, np.int32, ["C", "W"])
    width = 1 + int(lists.max(initial=0))

    def look(rows: slice) -> tuple[int, int]:
        row, item = repeated(lists[rows], np.empty(width, dtype=np.int64))
        return (rows.start + row, item) if row >= 0 else (-1, -1)

    for row, item in deal(look, shares(len(lists), lists.size, most=8)):
        if row >= 0:
            raise InputError(
                f"list {row}: item {item} stands in it twice",
                "every item at most once a list; -1 fills lists that end early",
                "take repeated items out of the lists",
            )


def nothing_held_out(rows: int) -> InputError:
    """The complaint about an empty truth."""
    return InputError(
        f"{rows} users, and nothing is held out for any of them",
        "at least one held-out event",
        "hold out more events, or check how the log was split",
    )
