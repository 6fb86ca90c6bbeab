"""What a model learns from and what it is asked about: the parts of one log."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from tastemap.data.interactions import UNKNOWN, Histories, Interactions
from tastemap.errors import InputError, UsageError

Part = Literal["test", "validation"]


@dataclass(frozen=True, eq=False)
class Split:
    """A log cut into train, validation and test, with the same vocabularies in all parts.

    Parameters
    ----------
    train
        What models are fitted on.
    validation
        What hyper-parameters are chosen on, or None.
    test
        What results are reported on.
    how
        The words that describe the split: the call that made it.
    fold_in
        Strong generalisation only: what held-out users (none of them in `train`) are known by
        when their events in `validation` or `test` are asked for.
    known
        Train and validation together, in the order of the log: all that is known of a user when
        the test part is asked for. Put together from the two parts if it is left out.

    Raises
    ------
    InputError
        Where a (user, item) pair stands on two sides or is repeated, or where the parts do not
        share their vocabularies.

    Examples
    --------
    >>> log = Interactions.of([("ann", "tea"), ("ann", "milk"), ("bob", "tea")])
    >>> split = Split(log[:1], None, log[1:2], how="by hand")
    >>> seen, truth = split.queries()
    >>> log.items.decode(seen.items).tolist(), log.items.decode(truth.items).tolist()
    (['tea'], ['milk'])
    """

    train: Interactions
    validation: Interactions | None
    test: Interactions
    how: str
    fold_in: Interactions | None = None
    known: Interactions | None = None

    def __post_init__(self) -> None:
        parts = self.parts()
        for name, part in parts.items():
            require_same_log(self.train, part, name)
        _require_unique_pairs(parts)
        if self.fold_in is not None:
            _require_strangers(self.train, self.fold_in)
        if self.known is None:
            known = self.train if self.validation is None else _joined(self.train, self.validation)
            object.__setattr__(self, "known", known)

    def __repr__(self) -> str:
        sizes = ", ".join(f"{name} {len(part):,}" for name, part in self.parts().items())
        return f"Split({sizes}; {self.how})"

    def parts(self) -> dict[str, Interactions]:
        """The parts that exist, by name; together they are the log, each event once."""
        named = {
            "train": self.train,
            "fold_in": self.fold_in,
            "validation": self.validation,
            "test": self.test,
        }
        return {name: part for name, part in named.items() if part is not None}

    def queries(self, part: Part = "test") -> tuple[Histories, Histories]:
        """What a model may see of the users of a part, and what they really did in it.

        For "test" a model may see the train and validation events of a user, for "validation"
        the train events alone, and in a split with `fold_in` the user's events there.

        Returns
        -------
        (Histories, Histories)
            What may be seen and the truth, row by row the same users: those with at least one
            event in the part, in code order. The truth names each by her code; what may be seen
            says -1 for users without any event in train, whom no model met.
        """
        asked = self._part(part)
        users = np.flatnonzero(asked.user_counts()).astype(np.int32)
        if self.fold_in is not None:
            return self.fold_in.histories(users).as_strangers(), asked.histories(users)
        shown = self.train if part == "validation" or self.known is None else self.known
        met = self.train.user_counts()[users] > 0
        seen = replace(shown.histories(users), user=np.where(met, users, UNKNOWN).astype(np.int32))
        return seen, asked.histories(users)

    def users_without_truth(self, part: Part = "test") -> int:
        """How many users of the log have no event in this part and so cannot be asked about."""
        present = sum(one.user_counts() for one in self.parts().values()) > 0
        return int((present & (self._part(part).user_counts() == 0)).sum())

    def _part(self, part: Part) -> Interactions:
        parts = self.parts()
        if part not in ("test", "validation") or part not in parts:
            there = [name for name in ("validation", "test") if name in parts]
            raise UsageError(
                f"part={part!r} of a split made by {self.how}",
                f"a held-out part that this split has: {', '.join(there)}",
                'pass part="test", or make a split with a validation part',
            )
        return parts[part]


def require_same_log(train: Interactions, part: Interactions, name: str) -> None:
    """Refuse parts of different logs: codes would mean different things."""
    for one, other in ((train.users, part.users), (train.items, part.items)):
        if one is not other and not np.array_equal(one.ids, other.ids):
            raise InputError(
                f"train and {name} have different vocabularies "
                f"({len(train.users):,} users, {len(train.items):,} items against "
                f"{len(part.users):,} users, {len(part.items):,} items)",
                "parts of one log, with the vocabularies of that log",
                "cut the parts from one log: log[rows]",
            )
    if (train.time is None) != (part.time is None):
        with_times, without = ("train", name) if part.time is None else (name, "train")
        raise InputError(
            f"{with_times} has times and {without} has none",
            "parts of one log: all with times, or all without",
            "cut the parts from one log: log[rows]",
        )


def _require_unique_pairs(parts: dict[str, Interactions]) -> None:
    """Refuse a (user, item) pair that stands twice, in two parts or in one."""
    log = parts["train"]
    width = len(log.items)
    pairs = np.concatenate([p.user.astype(np.int64) * width + p.item for p in parts.values()])
    order = np.argsort(pairs, kind="stable")
    twice = np.flatnonzero(pairs[order][1:] == pairs[order][:-1])
    if len(twice) == 0:
        return
    side = np.repeat(np.arange(len(parts)), [len(part) for part in parts.values()])
    names = list(parts)
    here, there = (names[side[order[twice[0] + place]]] for place in (0, 1))
    pair = pairs[order[twice[0]]]
    user = log.users.ids.tolist()[pair // width]
    item = log.items.ids.tolist()[pair % width]
    where = f"twice in {here}" if here == there else f"in {here} and in {there}"
    raise InputError(
        f"user {user!r} and item {item!r} stand {where} ({len(twice):,} such repeats in all)",
        "every (user, item) pair once, on one side only",
        'make one event of repeated pairs before splitting: dedupe(log, rule="sum")',
    )


def _require_strangers(train: Interactions, fold_in: Interactions) -> None:
    """Refuse a fold-in part whose users are in train: that would be no strong generalisation."""
    both = np.flatnonzero((train.user_counts() > 0) & (fold_in.user_counts() > 0))
    if len(both):
        raise InputError(
            f"user {train.users.ids.tolist()[both[0]]!r} is in train and in fold_in "
            f"({len(both):,} such users)",
            "fold_in users of whom train has no event",
            "make the split with holdout_users(log)",
        )


def _joined(first: Interactions, second: Interactions) -> Interactions:
    both = (first, second)
    times = [part.time for part in both if part.time is not None]
    return replace(
        first,
        user=np.concatenate([part.user for part in both]),
        item=np.concatenate([part.item for part in both]),
        weight=np.concatenate([part.weight for part in both]),
        time=np.concatenate(times) if times else None,
    )
