"""Planted worlds: logs with a known answer, so that a model can be seen to find it.

Each returns a log without repeated pairs, in order of time, and depends on its arguments alone.
"""

from collections.abc import Sequence

import numpy as np

from tastemap.data.interactions import Interactions, ItemTable, Vocabulary
from tastemap.errors import UsageError
from tastemap.seeding import stream
from tastemap.shapes import Float64, Int64

_START = 1_700_000_000
"""When the worlds begin: 2023-11-14 22:13:20 UTC."""
_HOUR = 3600


def taste_groups(
    users: int = 200, items: int = 120, groups: int = 4, per_user: int = 12, seed: int = 0
) -> Interactions:
    """Users who like only the items of their own group, some of these more often than others.

    User u and item i belong to groups u % groups and i % groups; an item's label names its group.
    Each user has about `per_user` events (half to three halves of it, and never the whole
    group). The right answer: every recommendation is of the user's own group.

    Examples
    --------
    >>> log = taste_groups(users=8, items=20, groups=2, per_user=4)
    >>> bool((log.user % 2 == log.item % 2).all()), log.table.labels[3]
    (True, ('group 1',))
    """
    _require(users=(users, 1), groups=(groups, 1), per_user=(per_user, 1), seed=(seed, 0))
    _require(items=(items, 2 * groups))
    rng = stream(seed, "taste_groups")
    rank = np.arange(items) // groups
    liked = np.arange(users)[:, None] % groups == np.arange(items) % groups
    weight = np.where(liked, 1.0 / (rank + 2), 0)
    lengths = _lengths(users, per_user, rng)
    labels = [(f"group {i % groups}",) for i in range(items)]
    return _world(weight, np.minimum(lengths, liked.sum(axis=1) - 1), labels, rng)


def noise(users: int = 200, items: int = 120, per_user: int = 12, seed: int = 0) -> Interactions:
    """Users who take items at random: there is nothing to learn, not even popularity.

    The right answer: no model is better than chance.

    Examples
    --------
    >>> noise(users=8, items=20, per_user=4)
    Interactions(32 events, 8 users, 20 items, with times)
    """
    _require(users=(users, 1), per_user=(per_user, 1), items=(items, per_user), seed=(seed, 0))
    rng = stream(seed, "noise")
    return _world(np.ones((users, items)), np.full(users, per_user), None, rng)


def popularity_only(
    users: int = 200,
    items: int = 120,
    per_user: int = 12,
    exponent: float = 1.0,
    seed: int = 0,
) -> Interactions:
    """Users without any taste of their own: item i is taken in proportion to 1 / (i + 1)**exponent.

    The right answer: no model is better than popularity.

    Examples
    --------
    >>> counts = popularity_only(users=500, items=40, per_user=5).item_counts()
    >>> bool(counts[0] > counts[5] > counts[30])
    True
    """
    _require(users=(users, 1), per_user=(per_user, 1), items=(items, per_user), seed=(seed, 0))
    rng = stream(seed, "popularity_only")
    weight = np.tile((np.arange(items) + 1.0) ** -exponent, (users, 1))
    return _world(weight, np.full(users, per_user), None, rng)


def markov_chain(
    users: int = 200, items: int = 60, length: int = 12, stray: float = 0.1, seed: int = 0
) -> Interactions:
    """Users whose next item depends on the last one: after item i comes item (i + 1) % items.

    With probability `stray`, or where that item is used already, a random unused one comes
    instead. The right answer: the successor of the newest item comes next.

    Examples
    --------
    >>> markov_chain(users=1, items=20, length=4, stray=0).histories().row(0)
    array([14, 15, 16, 17], dtype=int32)
    """
    _require(users=(users, 1), length=(length, 1), items=(items, length), seed=(seed, 0))
    if not 0 <= stray <= 1:
        raise UsageError(f"stray={stray!r}", "a fraction from 0 to 1", "pass stray=0.1")
    rng = stream(seed, "markov_chain")
    everyone = np.arange(users)
    unused = np.ones((users, items), dtype=bool)
    chain = np.empty((users, length), dtype=np.int64)
    for step in range(length):
        anything = np.where(unused, rng.random((users, items)), -1).argmax(axis=1)
        follower = (chain[:, step - 1] + 1) % items if step else anything
        goes_on = unused[everyone, follower] & (rng.random(users) >= stray)
        chain[:, step] = np.where(goes_on, follower, anything)
        unused[everyone, chain[:, step]] = False
    return _log(np.repeat(everyone, length), chain.ravel(), users, items, None, rng)


def demo_world(seed: int = 0) -> Interactions:
    """A film club: 900 people, 1,200 invented films, some 80,000 ratings over seven months.

    Films have one to three genres (their labels), a fame and a quality. People watch in
    proportion to a film's fame and to how much they care for its genres, mostly two or three of
    them, and rate from 1 to 5 by quality and taste. Ids are whole numbers from 1.

    Examples
    --------
    >>> log = demo_world()
    >>> log.table.titles[:2].tolist()
    ['The Lonely Convoy (2005)', 'Hidden Asylum (1993)']
    """
    _require(seed=(seed, 0))
    users, items, genres = 900, 1200, list(_NOUNS)
    rng = stream(seed, "demo_world")
    belongs, titles = _films(items, rng)
    labels = tuple(tuple(genres[g] for g in np.flatnonzero(row)) for row in belongs)
    belongs = belongs / belongs.sum(axis=1, keepdims=True)
    fame = -1.6 * np.log(rng.permutation(items) + 30.0)
    quality = rng.normal(0, 0.45, items) + 0.12 * (fame - fame.mean())
    # A small concentration gives most people two or three genres that they care for.
    taste = rng.dirichlet(np.full(len(genres), 0.35), users)
    match = np.sqrt(taste @ belongs.T)
    lengths = np.clip(rng.lognormal(4.1, 0.8, users), 20, 500).astype(np.int64)
    user, item = _drawn(np.exp(fame + 7 * match), lengths, rng)
    rating = 2.9 + quality[item] + 1.6 * match[user, item] + rng.normal(0, 0.4, users)[user]
    rating = np.clip(np.round(rating + rng.normal(0, 0.7, len(user))), 1, 5)
    time = _START + _sessions(lengths, 210 * 24 * _HOUR, rng)
    order = np.argsort(time, kind="stable")
    return Interactions(
        user=user[order].astype(np.int32),
        item=item[order].astype(np.int32),
        weight=rating[order].astype(np.float32),
        time=time[order],
        users=Vocabulary(np.arange(1, users + 1)),
        items=Vocabulary(np.arange(1, items + 1)),
        table=ItemTable(np.array(titles, dtype=object), labels),
        notes=(f"an invented film club, made by demo_world(seed={seed})",),
    ).compact()


def _world(
    weight: Float64[np.ndarray, "users items"],
    lengths: Int64[np.ndarray, " users"],
    labels: Sequence[tuple[str, ...]] | None,
    rng: np.random.Generator,
) -> Interactions:
    """The log of users who each draw so many different items, in proportion to the weights."""
    users, items = weight.shape
    return _log(*_drawn(weight, lengths, rng), users, items, labels, rng)


def _drawn(
    weight: Float64[np.ndarray, "users items"],
    lengths: Int64[np.ndarray, " users"],
    rng: np.random.Generator,
) -> tuple[Int64[np.ndarray, " n"], Int64[np.ndarray, " n"]]:
    """Users and items of weighted draws without replacement, in the order of drawing.

    The smallest of exponential waiting times with these rates is a weighted draw, the second
    smallest the next one from what is left, and so on.
    """
    waiting = rng.standard_exponential(weight.shape)
    with np.errstate(divide="ignore"):
        order = np.argsort(waiting / weight, axis=1)
    user, place = np.nonzero(np.arange(weight.shape[1]) < lengths[:, None])
    return user, order[user, place]


def _lengths(users: int, mean: int, rng: np.random.Generator) -> Int64[np.ndarray, " users"]:
    return rng.integers(max(1, mean // 2), mean + mean // 2 + 1, users)


def _log(
    user: Int64[np.ndarray, " n"],
    item: Int64[np.ndarray, " n"],
    users: int,
    items: int,
    labels: Sequence[tuple[str, ...]] | None,
    rng: np.random.Generator,
) -> Interactions:
    """Name users and items, and give each user's events, which stand together, growing times."""
    pauses = rng.integers(1, 48 * _HOUR, len(user))
    running = np.cumsum(pauses)
    first = np.flatnonzero(np.diff(user, prepend=-1))
    counts = np.diff(first, append=len(user))
    time = _START + running - np.repeat(running[first] - pauses[first], counts)
    order = np.argsort(time, kind="stable")
    titles = [f"Item {i} ({'/'.join(labels[i])})" if labels else f"Item {i}" for i in range(items)]
    return Interactions(
        user=user[order].astype(np.int32),
        item=item[order].astype(np.int32),
        weight=np.ones(len(user), dtype=np.float32),
        time=time[order],
        users=Vocabulary(_numbered("user", users)),
        items=Vocabulary(_numbered("item", items)),
        table=ItemTable(np.array(titles, dtype=object), tuple(labels or [()] * items)),
    )


def _numbered(noun: str, n: int) -> np.ndarray:
    """Ids whose alphabetical order is their numerical order."""
    width = len(str(max(n - 1, 0)))
    return np.array([f"{noun} {i:0{width}}" for i in range(n)], dtype=object)


def _sessions(
    lengths: Int64[np.ndarray, " users"], span: int, rng: np.random.Generator
) -> Int64[np.ndarray, " n"]:
    """Growing times within `span` seconds: evenings of a few films' ratings, weeks apart."""
    user = np.repeat(np.arange(len(lengths)), lengths)
    joined = rng.random(len(lengths)) ** 1.5 * 0.9 * span
    evenings = rng.integers(1, 9, len(lengths))
    evening = np.floor(rng.random(len(user)) * evenings[user]) / evenings[user]
    time = joined[user] + evening * (span - joined[user]) * 0.97 + rng.random(len(user)) * 2 * _HOUR
    return time[np.lexsort((time, user))].astype(np.int64)


def _films(items: int, rng: np.random.Generator) -> tuple[np.ndarray, list[str]]:
    """Which genres each film has, shape (items, genres), and its title."""
    nouns = list(_NOUNS.values())
    belongs = np.zeros((items, len(nouns)))
    pairs = [
        (genre, noun, adjective)
        for genre, words in enumerate(nouns)
        for noun in words.split()
        for adjective in _ADJECTIVES.split()
    ]
    titles = []
    for film, at in enumerate(rng.permutation(len(pairs))[:items].tolist()):
        genre, noun, adjective = pairs[at]
        belongs[film, genre] = 1
        belongs[film, rng.integers(0, len(nouns), rng.integers(0, 3))] = 1
        article = "The " if rng.random() < 0.5 else ""
        titles.append(f"{article}{adjective} {noun} ({2005 - int(rng.exponential(14))})")
    return belongs, titles


def _require(**arguments: tuple[int, int]) -> None:
    """Refuse a number below its minimum."""
    for name, (value, minimum) in arguments.items():
        if value < minimum:
            raise UsageError(
                f"{name}={value}", f"a whole number from {minimum} on", f"pass {name}={minimum}"
            )


_ADJECTIVES = (
    "Amber Borrowed Broken Crooked Distant Electric Fading Frozen Gilded Hidden Hollow Hungry "
    "Ivory Lonely Marble Misplaced Nameless Paper Patient Quiet Restless Seventh Sleepless "
    "Stubborn Tangled Unwritten Velvet Wandering Winter Yellow"
)
_NOUNS = {
    "Action": "Ambush Convoy Detonator Getaway Gauntlet Rampart Ricochet Strike",
    "Adventure": "Caravan Compass Expedition Lagoon Monsoon Summit Treasure Voyage",
    "Animation": "Badger Hedgehog Kettle Lantern Marionette Puddle Scarecrow Teapot",
    "Comedy": "Bachelor Butler Cousin Honeymoon Landlord Moustache Reunion Trombone",
    "Crime": "Alibi Blackmail Docklands Heist Informer Ledger Motive Verdict",
    "Documentary": "Archive Coastline Factory Glacier Harvest Migration Orchestra Railway",
    "Drama": "Confession Daughter Harbour Inheritance Letter Orchard Silence Staircase",
    "Horror": "Asylum Cellar Crypt Effigy Graveyard Plague Seance Whisper",
    "Musical": "Ballad Cabaret Chorus Encore Melody Overture Serenade Waltz",
    "Romance": "Bouquet Embrace Garden Locket Promise Rendezvous Valentine Wedding",
    "Science Fiction": "Android Colony Comet Nebula Orbit Satellite Signal Starship",
    "Western": "Canyon Frontier Marshal Mustang Outlaw Prairie Saloon Stagecoach",
}
