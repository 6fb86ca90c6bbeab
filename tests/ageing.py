"""A world where time matters: items are born, taken while they are new, and forgotten."""

import numpy as np

from tastemap import Interactions, Vocabulary
from tastemap.seeding import stream

DAY = 86_400


def ageing(users=400, items=250, groups=2, per_user=25, days=200, life=20, seed=0) -> Interactions:
    """Users take unused items of their group (mostly) in proportion to exp(-age / life).

    Items are born evenly over the days, so that all-time popularity says nothing of what is taken
    next and recent use says much.
    """
    rng = stream(seed, "ageing")
    born = np.sort(rng.uniform(-3 * life, days, items))
    fits = np.where(np.arange(users)[:, None] % groups == np.arange(items) % groups, 1.0, 0.1)
    when = np.sort(rng.uniform(0, days, users * per_user))
    who = rng.integers(0, users, len(when))
    unused = np.ones((users, items), dtype=bool)
    events = []
    for user, now in zip(who, when, strict=True):
        age = now - born
        wanted = fits[user] * np.exp(-np.maximum(age, 0) / life) * (age >= 0) * unused[user]
        item = np.searchsorted(np.cumsum(wanted), rng.random() * wanted.sum(), side="right")
        unused[user, item] = False
        events.append((user, item, int(now * DAY)))
    user, item, time = np.array(events).T
    names = np.array([f"i{code:03d}" for code in range(items)], dtype=object)
    return Interactions(
        user=user.astype(np.int32),
        item=item.astype(np.int32),
        weight=np.ones(len(user), dtype=np.float32),
        time=time.astype(np.int64),
        users=Vocabulary(np.arange(users, dtype=np.int64)),
        items=Vocabulary(names),
    )
