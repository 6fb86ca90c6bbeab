"""Large logs that can be had by everyone: a real log multiplied, and a log of any length invented.

    python benchmarks/expand.py --log ratings.csv --out large.parquet       138,493 x 26,744
    python benchmarks/expand.py --events 100000000 --out huge.parquet       invented, to any length

Both are synthetic and are called so wherever their figures stand.
"""

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import duckdb
import numpy as np

import tastemap as tm
from tastemap.seeding import stream

GROUPS = 8
"""Hidden groups of cloned users, each with clones of items that it prefers."""
HOUR = 3600
START = 1_600_000_000


class Size(NamedTuple):
    """What an expansion aims at."""

    users: int
    items: int
    events: int


MEDIUM = Size(6_040, 3_706, 1_000_000)
"""The size of MovieLens-1M: for a look without a log."""
LARGE = Size(138_493, 26_744, 18_000_000)
"""The size of MovieLens-20M."""


def expand(log: tm.Interactions, size: Size = LARGE, seed: int = 0) -> tm.Interactions:
    """Clone users and items until the log has about this size.

    Every user becomes several people with the same history; every item becomes several, of which
    the first are the most popular (1 / rank). An event of a clone falls on one of the item's
    clones; hidden groups of people prefer different ones, so that there is something to learn
    that the real log did not hold. Events are left out, or happen more than once, by chance, until
    their number fits; an item that a user meets twice counts once (of the invented world, which is
    short of events, that leaves about two thirds of what was asked for).
    """
    rng = stream(seed, "expand")
    histories = log.histories()
    copies = np.full(len(log.items), size.items // len(log.items))
    copies[rng.permutation(len(log.items))[: size.items % len(log.items)]] += 1
    first = np.concatenate([[0], np.cumsum(copies)[:-1]]).astype(np.int32)
    chances = _chances(copies, rng)
    mean = size.events / (size.users / len(log.users) * len(log))
    parts = [
        _clones(histories, users, (first, chances), mean, rng)
        for users in np.array_split(np.arange(size.users), max(1, size.users // 6000))
    ]
    user, item, time = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    return tm.Interactions(
        user=user,
        item=item,
        weight=np.ones(len(user), dtype=np.float32),
        time=time.astype(np.int64),
        users=tm.Vocabulary(np.arange(size.users)),
        items=tm.Vocabulary(np.arange(int(copies.sum()))),
    )


def _chances(copies: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Running sums of each clone's chance, shape (groups, items, clones), the last one 1."""
    place = np.arange(copies.max())
    liking = np.exp(1.5 * rng.standard_normal((GROUPS, len(copies), len(place))))
    chance = liking / (1 + place) * (place < copies[:, None])
    running = np.cumsum(chance, axis=2) / chance.sum(axis=2, keepdims=True)
    running[:, place >= copies[:, None] - 1] = 1  # whatever the rounding, no clone beyond the last
    return running.astype(np.float32)


def _clones(
    histories: tm.Histories,
    users: np.ndarray,
    items: tuple[np.ndarray, np.ndarray],
    mean: float,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Events of some cloned users, oldest first a user: (user, item, time)."""
    first, chances = items
    told = histories.take(users % len(histories))
    repeats = np.full(len(told.items), int(mean))
    repeats += rng.random(len(repeats), dtype=np.float32) < mean % 1
    row = np.repeat(np.repeat(np.arange(len(users)), told.lengths), repeats).astype(np.int32)
    item = np.repeat(told.items, repeats)
    group = rng.integers(0, GROUPS, len(users))
    drawn = rng.random(len(item), dtype=np.float32)
    clone = (chances[group[row], item] <= drawn[:, None]).sum(axis=1, dtype=np.int32)
    item = first[item] + clone
    if mean > 1:
        _, kept = np.unique(row.astype(np.int64) << 32 | item, return_index=True)
        kept.sort()
        row, item = row[kept], item[kept]
    place = np.arange(len(row)) - np.searchsorted(row, row)
    joined = rng.integers(0, 500 * 24 * HOUR, len(users))
    time = START + joined[row] + place * 5 * HOUR + rng.integers(0, HOUR, len(row))
    return users[row].astype(np.int32), item.astype(np.int32), time.astype(np.int32)


def grow(path: Path, events: int, seed: int = 0, items: int = 20_000) -> None:
    """Write an invented log of exactly so many events, a hundred a user, to a Parquet file.

    Users belong to one of 50 groups. An event is of the user's group's own taste, or (one in
    three) of what is popular with all. Users come in chunks, so that memory does not grow with
    the number of events; DuckDB then puts the rows in order of time.
    """
    with tempfile.TemporaryDirectory(dir=path.parent) as folder, duckdb.connect() as database:
        database.execute("set threads = 2; set enable_progress_bar = false")
        database.execute("set memory_limit = '4GB'")
        database.execute(f"set temp_directory = '{folder}'")
        for number, columns in enumerate(_grown(events, items, stream(seed, "grow"))):
            chunk = dict(zip(("user", "item", "time"), columns, strict=True))  # noqa: F841
            database.execute(
                f"copy (select * from chunk) to '{folder}/{number:05}.parquet' (format parquet)"
            )
        part = path.with_suffix(".part")
        database.execute(
            f"copy (select user, item, time::bigint as time from '{folder}/*.parquet' "
            f"order by time) to '{part}' (format parquet)"
        )
    part.replace(path)


def _grown(
    events: int, items: int, rng: np.random.Generator
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Chunks of (user, item, time) of some 20,000 users each."""
    groups, step = 50, 20_000
    popularity = np.cumsum(1 / (np.arange(items) + 20.0))
    popularity /= popularity[-1]
    favourites = np.stack([rng.permutation(items) for _ in range(groups)]).astype(np.int32)
    first, left = 0, events
    while left:
        lengths = np.clip(rng.lognormal(4.3, 0.9, step), 10, 2000).astype(np.int64)
        row = np.repeat(np.arange(step, dtype=np.int32), lengths)
        place = np.searchsorted(popularity, rng.random(len(row))).astype(np.int32)
        group = rng.integers(0, groups, step)[row]
        own = rng.random(len(row), dtype=np.float32) < 2 / 3
        item = np.where(own, favourites[group, place], place)
        pairs = np.unique(row.astype(np.int64) << 32 | item)[:left]
        row, item = (pairs >> 32).astype(np.int32), (pairs & 0xFFFFFFFF).astype(np.int32)
        time = START + rng.integers(0, 365 * 24 * HOUR, len(row), dtype=np.int32)
        yield row + np.int32(first), item, time
        first, left = first + step, left - len(row)


def write(log: tm.Interactions, path: Path) -> None:
    """Write codes and times to a Parquet file, in order of time."""
    columns = {"user": log.user, "item": log.item, "time": log.time}  # noqa: F841
    with duckdb.connect() as database:
        part = path.with_suffix(".part")
        database.execute("set enable_progress_bar = false")
        database.execute(f"copy (select * from columns order by time) to '{part}' (format parquet)")
    part.replace(path)


def main() -> None:
    """Write one log."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--log", type=Path, help="a log to multiply; an invented one if left out")
    parser.add_argument("--events", type=int, help="invent a log of so many events instead")
    parser.add_argument("--out", type=Path, required=True)
    asked = parser.parse_args()
    if asked.events:
        grow(asked.out, asked.events)
        return
    log = tm.synthetic.demo_world() if asked.log is None else tm.read(asked.log)
    large = expand(log)
    print(large)
    write(large, asked.out)


if __name__ == "__main__":
    main()
