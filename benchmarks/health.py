"""Seconds that the health of item vectors takes, alone and against a log.

    python benchmarks/health.py                     100,000 items x 64, 2,000,000 events
    python benchmarks/health.py --items 10000       another catalogue

Vectors and log share invented groups, so that every measure has something to find. Kernels are
warmed up first. Neighbours are found among 20,000 items drawn by chance, as `health` does by
itself; `--sample 100000` finds them among all.
"""

import argparse
import sys
import time

import numpy as np

import tastemap as tm
from tastemap.maps.health import Health, health
from tastemap.seeding import stream

Tables = tuple[np.ndarray, np.ndarray, tm.Interactions]


def world(items: int, d: int, events: int, groups: int = 50) -> Tables:
    """Item and user vectors around the centre of their group, and users who mostly use theirs."""
    rng = stream(0, "benchmark", "health")
    users = max(events // 20, 1)
    centres = rng.standard_normal((groups, d))
    things, people = (
        (centres[np.arange(n) % groups] + 0.7 * rng.standard_normal((n, d))).astype(np.float32)
        for n in (items, users)
    )
    user = np.repeat(np.arange(users), 20)[:events]
    place = rng.random(len(user)) ** 2 * (items // groups)  # some items of a group are famous
    own = rng.random(len(user)) < 0.8
    group = np.where(own, user % groups, rng.integers(0, groups, len(user)))
    log = tm.Interactions(
        user=user.astype(np.int32),
        item=(place.astype(np.int64) * groups + group).astype(np.int32),
        weight=np.ones(len(user), dtype=np.float32),
        time=None,
        users=tm.Vocabulary(np.arange(users)),
        items=tm.Vocabulary(np.arange(items)),
    )
    return things, people, log


def seconds(tables: Tables, sample: int, with_log: bool) -> tuple[float, Health]:
    """How long one call takes, and what it found."""
    things, people, log = tables
    start = time.perf_counter()
    if with_log:
        found = health(things, log, user_vectors=people, sample=sample)
    else:
        found = health(things, sample=sample)
    return time.perf_counter() - start, found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--factors", type=int, default=64)
    parser.add_argument("--events", type=int, default=2_000_000)
    parser.add_argument("--sample", type=int, default=20_000)
    parser.add_argument("--threads", type=int, default=2)
    asked = parser.parse_args()
    with tm.threads(asked.threads):
        seconds(world(500, 16, 10_000), 20_000, with_log=True)
        tables = world(asked.items, asked.factors, asked.events)
        alone, _ = seconds(tables, asked.sample, with_log=False)
        whole, found = seconds(tables, asked.sample, with_log=True)
    sys.stdout.write(
        f"{asked.items:,} items x {asked.factors}, {asked.threads} threads\n"
        f"vectors alone           {alone:6.1f} s\n"
        f"with {asked.events:,} events  {whole:6.1f} s\n\n{found}\n"
    )


if __name__ == "__main__":
    main()
