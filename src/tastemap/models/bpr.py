"""BPR: learn to put a liked item above another one, pair by pair."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Float64, Int32, Int64
from scipy.sparse import csr_array

from tastemap.contracts import Recipe
from tastemap.data.interactions import Histories, Interactions
from tastemap.errors import InputError
from tastemap.kernels.bpr import bpr_fold_in, bpr_round, deal_events
from tastemap.kernels.counter import stream_key
from tastemap.models.factors import FactorModel
from tastemap.seeding import stream
from tastemap.training import Monitor, run_epochs

MIN_ITEMS, CACHED = 16, 1 << 19
"""A block of items holds at least so many, and where there are enough, at most so many bytes."""


class Blocks(NamedTuple):
    """The log cut into blocks of users and of items; how many depends on its size alone."""

    users: Int32[np.ndarray, " n"]
    starts: Int64[np.ndarray, " users+1"]
    items: Int32[np.ndarray, " n"]
    bounds: Int64[np.ndarray, " blocks+1"]
    item_bounds: Int64[np.ndarray, " blocks+1"]

    @classmethod
    def of(cls, matrix: csr_array, factors: int) -> "Blocks":
        """Blocks of users with equally many events, blocks of equally many items."""
        n_users, n_items = matrix.shape
        fitting = -(-4 * factors * n_items // CACHED)
        most = max(min(n_items // MIN_ITEMS, n_users), 1)
        n_blocks = min(8 * max(-(-fitting // 8), 1), most)  # eights, to suit 1, 2, 4 or 8 threads
        starts = matrix.indptr.astype(np.int64)
        bounds = np.searchsorted(starts, np.linspace(0, matrix.nnz, n_blocks + 1))
        bounds[0], bounds[-1] = 0, n_users
        return cls(
            users=np.repeat(np.arange(n_users, dtype=np.int32), np.diff(starts)),
            starts=starts,
            items=matrix.indices,
            bounds=bounds.astype(np.int64),
            item_bounds=np.linspace(0, n_items, n_blocks + 1).astype(np.int64),
        )

    def epoch(
        self,
        shuffled: Int32[np.ndarray, " items"],
        steps: Float64[np.ndarray, " steps"],
        learned: tuple[np.ndarray, np.ndarray, np.ndarray],
        rates: tuple[np.float32, ...],
        key: np.uint64,
    ) -> tuple[int, int]:
        """Visit every event once, in place; returns (ranked correctly, skipped)."""
        n_blocks = len(self.bounds) - 1
        place_of = np.empty(len(shuffled), dtype=np.int32)
        place_of[shuffled] = np.arange(len(shuffled), dtype=np.int32)
        block_of = (np.searchsorted(self.item_bounds, place_of, side="right") - 1).astype(np.int32)
        dealt = np.empty(len(self.items), dtype=np.int64)
        cuts = np.empty((n_blocks, n_blocks + 1), dtype=np.int64)
        deal_events(self.starts, self.items, self.bounds, block_of, dealt, cuts)
        log = (self.users, self.items, dealt, cuts)
        draws = (shuffled, place_of, self.item_bounds, steps)
        counted = np.zeros(2, dtype=np.int64)
        for number in range(n_blocks):
            counted += bpr_round(number, *log, *draws, *learned, rates, key).sum(axis=0)
        return int(counted[0]), int(counted[1])


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

    Notes
    -----
    The training log holds, for each epoch, train_auc (the share of checked draws whose liked item
    scored above the other, before the step) and skipped (the share of draws that were skipped).
    train_auc depends on how others are drawn: by popularity it reads tens of points lower.

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

    def __post_init__(self) -> None:
        self._require("factors", self.factors >= 1, "a whole number from 1 on")
        self._require("learning_rate", self.learning_rate > 0, "a number above 0")
        for field in ("reg_user", "reg_liked", "reg_other", "popularity_power"):
            self._require(field, getattr(self, field) >= 0, "a number from 0 on")
        self._require("epochs", self.epochs >= 1, "a whole number from 1 on")

    def fit(
        self, train: Interactions, *, seed: int = 0, monitor: Monitor | None = None
    ) -> FactorModel:
        """Draw and step, epoch by epoch; stops with an error where vectors stop being finite."""
        matrix = train.matrix()
        users = self._start(seed, "users", matrix.shape[0])
        items = self._start(seed, "items", matrix.shape[1])
        bias = np.zeros(matrix.shape[1], dtype=np.float32)
        blocks = Blocks.of(matrix, self.factors)
        weights = train.item_counts().astype(np.float64) ** self.popularity_power
        rates = [self.learning_rate, self.reg_user, self.reg_liked, self.reg_other]

        def epoch(number: int) -> dict[str, float]:
            shuffled = stream(seed, "bpr", "blocks", number).permutation(len(bias))
            steps = np.concatenate([[0.0], np.cumsum(weights[shuffled])])
            correct, skipped = blocks.epoch(
                shuffled.astype(np.int32),
                steps if self.popularity_power else steps[:0],
                (users, items, bias),
                tuple(np.float32(rate) for rate in rates),
                np.uint64(stream_key(seed, number)),
            )
            if not (np.isfinite(bias).all() and np.isfinite(users).all()):
                raise InputError(
                    f"BPR's vectors are no longer finite in epoch {number} "
                    f"(learning_rate={self.learning_rate})",
                    "a learning rate at which training converges",
                    f"try learning_rate={self.learning_rate / 10:g} or more regularisation",
                )
            checked = matrix.nnz - skipped
            return {
                "train_auc": correct / max(checked, 1),
                "skipped": skipped / max(matrix.nnz, 1),
            }

        drawn = "uniformly" if not self.popularity_power else f"by count^{self.popularity_power:g}"
        legend = (
            "train_auc: share of this epoch's checked draws with the liked item above the other "
            f"one, drawn {drawn} over the items not in the history; skipped: share of draws whose "
            "other item was in the history"
        )
        log = run_epochs(epoch, self.epochs, name="BPR", monitor=monitor, legend=legend)
        return FactorModel(
            recipe=self,
            seed=seed,
            train=train,
            log=log,
            user_vectors=users,
            item_vectors=items,
            item_bias=bias,
        )

    def _start(self, seed: int, side: str, rows: int) -> Float32[np.ndarray, "rows d"]:
        drawn = stream(seed, "bpr", side).standard_normal((rows, self.factors), dtype=np.float32)
        return np.asarray(drawn * np.float32(0.1 / np.sqrt(self.factors)))

    def fold_in(self, model: FactorModel, histories: Histories) -> Float32[np.ndarray, "rows d"]:
        """The same ascent on the stranger's vector alone, from 0, items held fixed."""
        shown = histories.matrix(len(model.items))
        shown.sort_indices()
        return np.asarray(
            bpr_fold_in(
                shown.indptr.astype(np.int64),
                shown.indices,
                model.item_vectors,
                model.item_bias,
                np.float32(self.learning_rate),
                np.float32(self.reg_user),
                self.epochs,
                model.seed,
            )
        )

    def contributions(self, model: FactorModel, history: Histories, item: int) -> None:
        """A sum of steps cannot be told apart by event: None, so likenesses are used."""
        return None
