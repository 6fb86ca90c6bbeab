"""Small logs with a known answer, for tests."""

import numpy as np

from tastemap import Interactions, Vocabulary
from tastemap.seeding import stream


def log_of(user, item, weight=None, time=None) -> Interactions:
    """A log from codes; outside ids are 100 + user code and "i0", "i1", ... in code order."""
    user, item = np.asarray(user, dtype=np.int32), np.asarray(item, dtype=np.int32)
    names = [f"i{code:03d}" for code in range(item.max(initial=0) + 1)]
    return Interactions(
        user=user,
        item=item,
        weight=np.ones(len(user), np.float32) if weight is None else np.float32(weight),
        time=None if time is None else np.asarray(time, dtype=np.int64),
        users=Vocabulary(np.arange(user.max(initial=0) + 1, dtype=np.int64) + 100),
        items=Vocabulary(np.array(names, dtype=object)),
    )


def withheld(groups=4, users=12, items=12) -> tuple[Interactions, np.ndarray]:
    """Each user has all items of her group but one; the right recommendation is that one.

    Returns the log and the withheld item code of each user. Every item is withheld from one user
    of its group, so all items are equally popular.
    """
    pairs, missing = [], []
    for user in range(groups * users):
        group, place = user % groups, (user // groups) % items
        missing.append(group * items + place)
        pairs += [(user, group * items + i) for i in range(items) if i != place]
    user, item = np.array(pairs).T
    return log_of(user, item, time=np.arange(len(pairs))), np.array(missing)


def noise(users=150, items=80, each=12, seed=0) -> tuple[Interactions, np.ndarray]:
    """Users with items drawn by chance; the last item of each is held out and returned."""
    rows = [
        stream(seed, "noise", u).choice(items, size=each + 1, replace=False) for u in range(users)
    ]
    drawn = np.array(rows)
    user = np.repeat(np.arange(users), each)
    return log_of(user, drawn[:, :-1].ravel(), time=np.arange(users * each)), drawn[:, -1]
