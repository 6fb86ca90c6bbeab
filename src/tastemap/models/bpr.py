"""BPR: learn to put a liked item above another one, pair by pair."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array

from tastemap.contracts import Recipe
from tastemap.data.interactions import Histories, Interactions
from tastemap.errors import InputError
from tastemap.kernels.bpr import bpr_epoch, bpr_fold_in
from tastemap.kernels.counter import stream_key
from tastemap.kernels.workers import deal, shares
from tastemap.models.factors import FactorModel
from tastemap.seeding import stream
from tastemap.shapes import Float32, Float64, Int32, Int64, UInt32
from tastemap.training import EMPTY, Monitor, TrainingLog, run_epochs

MIN_ITEMS, CACHED = 16, 1 << 19
"""A block of items holds at least so many, and where there are enough, at most so many bytes."""


class Blocks(NamedTuple):
    """The log cut into blocks of users and of items; how many depends on its size alone.

    `places` and `counts` are room for the events in the order of an epoch's blocks, written anew
    in each epoch.
    """

    starts: Int64[np.ndarray, " users+1"]
    items: Int32[np.ndarray, " n"]
    bounds: Int64[np.ndarray, " blocks+1"]
    item_bounds: Int64[np.ndarray, " blocks+1"]
    places: UInt32[np.ndarray, " n"]
    counts: UInt32[np.ndarray, "blocks users"]

    @classmethod
    def of(cls, matrix: csr_array, factors: int) -> "Blocks":
        """Blocks of users with equally many events, blocks of equally many items."""
        return cls.cut(matrix, n_blocks(*matrix.shape, matrix.nnz, factors))

    @classmethod
    def cut(cls, matrix: csr_array, blocks: int) -> "Blocks":
        """As many blocks as asked for; with one, others come from the whole catalogue."""
        n_users, n_items = matrix.shape
        starts = matrix.indptr.astype(np.int64)
        bounds = np.searchsorted(starts, np.linspace(0, matrix.nnz, blocks + 1))
        bounds[0], bounds[-1] = 0, n_users
        return cls(
            starts=starts,
            items=matrix.indices,
            bounds=bounds.astype(np.int64),
            item_bounds=np.linspace(0, n_items, blocks + 1).astype(np.int64),
            places=np.empty(matrix.nnz, dtype=np.uint32),
            counts=np.empty((blocks, n_users), dtype=np.uint32),
        )

    def epoch(
        self,
        order: Int64[np.ndarray, " items"],
        weights: Float64[np.ndarray, " weights"],
        learned: tuple[np.ndarray, np.ndarray, np.ndarray],
        rates: tuple[float, float, float, float],
        hardest_of: int,
        key: np.uint64,
    ) -> tuple[int, int]:
        """Visit every event once, in place; returns (ranked correctly, skipped).

        `order` lists all items, block by block; the kernel works on item vectors in that order.
        `weights` are those by which others are drawn, or empty where all are alike.
        """
        users, items, bias = learned
        block_of = np.repeat(np.arange(len(self.bounds) - 1), np.diff(self.item_bounds))
        slots = np.empty((len(order), 2), dtype=np.uint32)
        slots[order, 0] = block_of
        slots[order, 1] = np.arange(len(order)) - self.item_bounds[block_of]
        moved_items, moved_bias = items[order], bias[order]
        counted = bpr_epoch(
            (self.starts, self.items),
            (self.bounds, self.item_bounds, slots),
            (self.places, self.counts),
            (weights[order] if len(weights) else weights, hardest_of),
            (users, moved_items, moved_bias),
            _rates(*rates),
            key,
        )
        items[order], bias[order] = moved_items, moved_bias
        correct, skipped = counted.sum(axis=0).tolist()
        return correct, skipped


def n_blocks(users: int, items: int, events: int, factors: int) -> int:
    """Into how many blocks a log of this size is cut.

    Eights of them, to suit 1, 2, 4 or 8 threads. Beyond eight, no more than a user has events on
    average: else `counts` would be larger than the log.
    """
    fitting = -(-4 * factors * items // CACHED)
    eights = 8 * max(min(-(-fitting // 8), events // max(8 * users, 1)), 1)
    return min(eights, max(min(items // MIN_ITEMS, users), 1))


def _rates(rate: float, *regs: float) -> tuple[np.float32, ...]:
    """The step, and what one step keeps of each vector."""
    return tuple(np.float32(value) for value in (rate, *(1 - rate * reg for reg in regs)))


@dataclass(frozen=True)
class BPR(Recipe):
    """Matrix factorisation with item bias that maximises sum log sigmoid(s(u, i) - s(u, j)).

    i is an item of u's history; j is another item of the catalogue, and a draw whose j is in the
    history is skipped and counted. Source: Rendle et al., "BPR: Bayesian Personalized Ranking from
    Implicit Feedback", UAI 2009; for the three separate regularisations Milogradskii et al.,
    RecSys 2024.

    Parameters
    ----------
    factors
        Length d of the vectors.
    learning_rate
        Step of plain stochastic gradient ascent.
    reg_user, reg_liked, reg_other
        Weight of the squared length of the user's, the liked and the other item's parameters.
    epochs
        Passes; each visits every event once.
    popularity_power
        The other item is drawn in proportion to count^popularity_power; 0 is uniform.
    hardest_of
        Each step takes the other item with the highest score among so many draws (dynamic negative
        sampling, Zhang et al., SIGIR 2013); 1 is a plain draw. Draws that are in the history do
        not count. More draws serve the top of the list and cost time.

    Notes
    -----
    The training log holds, for each epoch, train_auc (the share of checked draws whose liked item
    scored above the other, before the step) and skipped (the share of draws that were skipped).
    train_auc depends on how others are drawn: by popularity it reads tens of points lower. Both
    are counted on the first draw alone, whatever `hardest_of`: it is uniform (or by popularity)
    and knows nothing of scores, so that train_auc still estimates the AUC. An event whose first
    draw is in the history is skipped whole.

    Examples
    --------
    >>> log = Interactions.of([("ann", "tea"), ("ann", "milk"), ("bob", "tea"), ("eve", "jam")])
    >>> BPR(factors=4, epochs=300).fit(log, seed=1).recommend(["bob"], k=1)["item"].tolist()
    ['milk']
    """

    factors: int = 64
    learning_rate: float = 0.05
    reg_user: float = 0.03
    reg_liked: float = 0.003
    reg_other: float = 0.03
    epochs: int = 100
    popularity_power: float = 0.0
    hardest_of: int = 1

    def __post_init__(self) -> None:
        self._require("factors", self.factors >= 1, "a whole number from 1 on")
        self._require("learning_rate", self.learning_rate > 0, "a number above 0")
        for field in ("reg_user", "reg_liked", "reg_other", "popularity_power"):
            self._require(field, getattr(self, field) >= 0, "a number from 0 on")
        for field in ("epochs", "hardest_of"):
            self._require(field, getattr(self, field) >= 1, "a whole number from 1 on")

    def fit(
        self, train: Interactions, *, seed: int = 0, monitor: Monitor | None = None
    ) -> FactorModel:
        """Draw and step, epoch by epoch; stops with an error where vectors stop being finite."""
        weights = self._weights(train)
        matrix = train.matrix()
        users = self._start(seed, "users", matrix.shape[0])
        items = self._start(seed, "items", matrix.shape[1])
        bias = np.zeros(matrix.shape[1], dtype=np.float32)
        blocks = Blocks.of(matrix, self.factors)
        n_events = matrix.nnz
        del matrix  # its weights are as large as its items, and not needed
        rates = (self.learning_rate, self.reg_user, self.reg_liked, self.reg_other)

        def epoch(number: int) -> dict[str, float]:
            order = stream(seed, "bpr", "blocks", number).permutation(len(bias))
            correct, skipped = blocks.epoch(
                order,
                weights,
                (users, items, bias),
                rates,
                self.hardest_of,
                np.uint64(stream_key(seed, number)),
            )
            if not all(np.isfinite(array).all() for array in (users, items, bias)):
                raise InputError(
                    f"BPR's vectors are no longer finite in epoch {number} "
                    f"(learning_rate={self.learning_rate})",
                    "a learning rate at which training converges",
                    f"try learning_rate={self.learning_rate / 10:g} or more regularisation",
                )
            checked = n_events - skipped
            return {
                "train_auc": correct / max(checked, 1),
                "skipped": skipped / max(n_events, 1),
            }

        drawn = "uniformly" if not self.popularity_power else f"by count^{self.popularity_power:g}"
        legend = (
            "train_auc: share of this epoch's checked draws with the liked item above the other "
            f"one, drawn {drawn} over the items not in the history; skipped: share of draws whose "
            "other item was in the history"
        )

        def model(log: TrainingLog, *learned: np.ndarray) -> FactorModel:
            names = ("user_vectors", "item_vectors", "item_bias")
            fields = dict(zip(names, learned, strict=True))
            return FactorModel(recipe=self, seed=seed, train=train, log=log, **fields)

        log = run_epochs(
            epoch,
            self.epochs,
            name="BPR",
            monitor=monitor,
            legend=legend,
            model=lambda: model(EMPTY, users.copy(), items.copy(), bias.copy()),
        )
        return model(log, users, items, bias)

    def _weights(self, train: Interactions) -> Float64[np.ndarray, " weights"]:
        """By which others are drawn; none where all are alike."""
        if not self.popularity_power:
            return np.empty(0)
        counts = train.item_counts()
        return np.asarray((counts / counts.max(initial=1)) ** self.popularity_power)  # at most 1

    def _start(self, seed: int, side: str, rows: int) -> Float32[np.ndarray, "rows d"]:
        drawn = stream(seed, "bpr", side).standard_normal((rows, self.factors), dtype=np.float32)
        drawn *= np.float32(0.1 / np.sqrt(self.factors))
        return np.asarray(drawn)

    def fold_in(self, model: FactorModel, histories: Histories) -> Float32[np.ndarray, "rows d"]:
        """The same ascent on the stranger's vector alone, from 0, items held fixed."""
        shown = histories.matrix(len(model.items))
        shown.sort_indices()
        starts = shown.indptr.astype(np.int64)
        rates = _rates(self.learning_rate, self.reg_user)
        key = np.uint64(stream_key(model.seed, 0))

        def fold(rows: slice) -> Float32[np.ndarray, "rows d"]:
            own = starts[rows.start : rows.stop + 1]
            learned = (model.item_vectors, model.item_bias)
            return np.asarray(bpr_fold_in(own, shown.indices, *learned, rates, self.epochs, key))

        steps = self.epochs * self.factors * len(shown.indices)
        nobody = np.empty((0, self.factors), dtype=np.float32)
        return np.concatenate([nobody, *deal(fold, shares(len(starts) - 1, steps))])

    def contributions(self, model: FactorModel, history: Histories, item: int) -> None:
        """A sum of steps cannot be told apart by event: None, so likenesses are used."""
        return None
