"""The logs that the tables are measured on: one of MovieLens-1M's size, and L, its expansion.

Both are cut once: a random fifth of each user's events is the test, and a sample of users is
asked. Everything is kept as files in benchmarks/.logs, so that every table sees the same events.
"""

import inspect
import zlib
from dataclasses import dataclass
from pathlib import Path

import expand
import numpy as np

import tastemap as tm
from tastemap.metrics.evaluate import evaluate_histories
from tastemap.recommend import top_items

LOGS = Path(__file__).parent / ".logs"
MADE_BY = {
    "expand": (expand.expand, expand._chances, expand._clones),
    "grow": (expand.grow, expand._grown),
}
"""Code whose change makes a log another one."""
ASKED = 10_000
"""So many users, at most, are asked when quality is measured."""


@dataclass(frozen=True)
class Log:
    """A log, cut.

    Parameters
    ----------
    size
        "S" (as given) or "L" (expanded).
    name
        What it is, in words.
    train
        File of the training events: user, item (int32, in order of users) and shape.
    parquet
        File of all events: user, item, time (whole numbers).
    histories, truth
        What a sample of users had and what was held out of it.
    """

    size: str
    name: str
    train: Path
    parquet: Path
    shape: tuple[int, int]
    events: int
    histories: tm.Histories
    truth: tm.Histories
    popularity: float

    def ndcg(self, users: np.ndarray, items: np.ndarray, bias: np.ndarray | float = 0) -> float:
        """nDCG@10 of vectors on the held-out events of the sample."""

        def score(asked: tm.Histories) -> np.ndarray:
            return np.asarray(users[asked.user] @ items.T + bias, dtype=np.float32)

        return _ndcg(score, self.histories, self.truth, self.shape[1])

    def ndcg_of(self, file: Path) -> float:
        """The same of vectors that a worker saved."""
        with np.load(file) as saved:
            return self.ndcg(saved["users"], saved["items"], saved["bias"])

    def __str__(self) -> str:
        return (
            f"{self.name}: {self.events:,} training events, {self.shape[0]:,} users, "
            f"{self.shape[1]:,} items; Popularity's nDCG@10 is {self.popularity:.4f}"
        )


def small(source: Path | None, name: str | None = None) -> Log:
    """The log as given, or an invented one of MovieLens-1M's size."""
    return _cut("S", _named(source, name), lambda: _given(source), _key(source))


def large(source: Path | None, name: str | None = None) -> Log:
    """The log multiplied to the size of MovieLens-20M: synthetic."""
    what = f"synthetic, {_named(source, name)} expanded (benchmarks/expand.py)"
    return _cut("L", what, lambda: expand.expand(_given(source)), _key(source))


def judged(log: Log) -> Path:
    """A file for tables about metrics: vectors of a quick ALS, everybody's top 20, and the truth.

    Arrays: users, items (vectors), lists, scores (users, 20), seen.starts, seen.items and
    truth.starts, truth.items: one row a user who has held-out events.
    """
    path = log.train.with_suffix(".judged.npz")
    if path.exists():
        return path
    with np.load(log.train) as kept, np.load(_held(log.train)) as held:
        asked, starts, items = held["user"], held["starts"], held["items"]
        train = tm.Interactions(
            user=kept["user"],
            item=kept["item"],
            weight=np.ones(log.events, dtype=np.float32),
            time=None,
            users=tm.Vocabulary(np.arange(log.shape[0])),
            items=tm.Vocabulary(np.arange(log.shape[1])),
        )
    model = tm.ALS(factors=64, alpha=2, alpha0=None, reg_power=0, epochs=4).fit(train)
    users, goods = (_exact(side) for side in (model.user_vectors[asked], model.item_vectors))
    seen = train.histories(asked)
    place = np.full(log.shape[0], -1)
    place[asked] = np.arange(len(asked))
    lists, scores = top_items(
        lambda some: users[place[some.user]] @ goods.T, seen, log.shape[1], 20
    )
    np.savez(
        path,
        users=users,
        items=goods,
        lists=lists,
        scores=scores,
        **{"seen.starts": seen.starts, "seen.items": seen.items},
        **{"truth.starts": starts, "truth.items": items},
    )
    return path


def grown(events: int) -> Path:
    """The Parquet file of an invented log of so many events."""
    LOGS.mkdir(exist_ok=True)
    path = LOGS / f"grown-{events}-{_code('grow')}.parquet"
    if not path.exists():
        expand.grow(path, events)
    return path


def _exact(vectors: np.ndarray) -> np.ndarray:
    """Vectors rounded so that every way of multiplying them gives the same bits, ties included.

    A product of two multiples of 1 / 128 below 2 in size fits in 14 bits after the point, and the
    sum of 64 of them in the 24 bits of a float32: values of metrics can then be compared exactly.
    """
    return np.clip(np.round(vectors * 128) / 128, -2, 2).astype(np.float32)


def _named(source: Path | None, name: str | None) -> str:
    return name or ("an invented world" if source is None else source.stem)


def _key(source: Path | None) -> str:
    """Changes with the log and with the way that it is expanded."""
    given = b"" if source is None else source.read_bytes()
    return f"{zlib.crc32(given):08x}-{_code('expand')}"


def _code(what: str) -> str:
    made = "".join(inspect.getsource(part) for part in MADE_BY[what])
    return f"{zlib.crc32(made.encode()):08x}"


def _given(source: Path | None) -> tm.Interactions:
    if source is None:
        return expand.expand(tm.synthetic.demo_world(), expand.MEDIUM)
    return tm.k_core(tm.read(source, quiet=True), 5)


def _cut(size: str, name: str, make, key: str) -> Log:
    LOGS.mkdir(exist_ok=True)
    train = LOGS / f"{size}-{key}.npz"
    parquet = train.with_suffix(".parquet")
    if not (train.exists() and _held(train).exists()):
        _prepare(make(), train, parquet)
    with np.load(train) as kept:
        asked = {what: _ragged(kept, what) for what in ("histories", "truth")}
        shape = tuple(kept["shape"].tolist())
        events, popularity = len(kept["user"]), float(kept["popularity"])
    return Log(size, name, train, parquet, shape, events, **asked, popularity=popularity)


def _prepare(log: tm.Interactions, train: Path, parquet: Path) -> None:
    """Hold out, sample, write."""
    split = tm.random_split(log, test=0.2, seed=0)
    histories, truth = everybody = split.queries("test")
    some = tm.stream(0, "asked").permutation(len(truth))[:ASKED]
    histories, truth = histories.take(np.sort(some)), truth.take(np.sort(some))
    counts = split.train.item_counts().astype(np.float32)
    popularity = _ndcg(
        lambda asked: np.tile(counts, (len(asked), 1)), histories, truth, len(counts)
    )
    order = np.argsort(split.train.user, kind="stable")
    if log.time is None:  # the order of the file, as times
        log = tm.Interactions(
            log.user, log.item, log.weight, np.arange(len(log)), log.users, log.items
        )
    expand.write(log, parquet)
    arrays = {"user": split.train.user[order], "item": split.train.item[order]}
    arrays |= {"shape": np.array([len(log.users), len(log.items)]), "popularity": popularity}
    for what, ragged in (("histories", histories), ("truth", truth)):
        arrays |= {
            f"{what}.user": ragged.user,
            f"{what}.starts": ragged.starts,
            f"{what}.items": ragged.items,
        }
    held = everybody[1]
    np.savez(_held(train), user=held.user, starts=held.starts, items=held.items)
    np.savez(train, **arrays)


def _held(train: Path) -> Path:
    return train.with_suffix(".held.npz")


def _ragged(kept, what: str) -> tm.Histories:
    items = kept[f"{what}.items"]
    weight = np.ones(len(items), dtype=np.float32)
    return tm.Histories(kept[f"{what}.user"], kept[f"{what}.starts"], items, weight)


def _ndcg(score, histories: tm.Histories, truth: tm.Histories, n_items: int) -> float:
    return evaluate_histories(score, histories, truth, n_items, ["ndcg@10"])["ndcg@10"].mean
