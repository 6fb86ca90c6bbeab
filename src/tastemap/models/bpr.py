"""BPR: learn to put a liked item above another one, pair by pair."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64

from tastemap.contracts import Recipe
from tastemap.data.interactions import Histories, Interactions
from tastemap.errors import InputError
from tastemap.kernels.bpr import bpr_epoch, bpr_fold_in
from tastemap.models.factors import FactorModel
from tastemap.seeding import stream
from tastemap.training import Monitor, run_epochs


@dataclass(frozen=True)
class BPR(Recipe):
    """Matrix factorisation with item bias that maximises sum log sigmoid(s(u, i) - s(u, j)).

    i is an item of u's history; j is drawn from the catalogue, and a draw whose j is in the
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
        Passes; each makes as many draws as there are events.
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
        starts = matrix.indptr.astype(np.int64)
        rows = np.repeat(np.arange(matrix.shape[0], dtype=np.int32), np.diff(starts))
        users = self._start(seed, "users", matrix.shape[0])
        items = self._start(seed, "items", matrix.shape[1])
        bias = np.zeros(matrix.shape[1], dtype=np.float32)
        others = self._others(train)

        def epoch(number: int) -> dict[str, float]:
            correct, skipped = bpr_epoch(
                rows,
                starts,
                matrix.indices,
                users,
                items,
                bias,
                others,
                np.float32(self.learning_rate),
                np.float32(self.reg_user),
                np.float32(self.reg_liked),
                np.float32(self.reg_other),
                seed,
                number,
            )
            if not (np.isfinite(bias).all() and np.isfinite(users).all()):
                raise InputError(
                    f"BPR's vectors are no longer finite in epoch {number} "
                    f"(learning_rate={self.learning_rate})",
                    "a learning rate at which training converges",
                    f"try learning_rate={self.learning_rate / 10:g} or more regularisation",
                )
            checked = len(rows) - skipped
            return {
                "train_auc": correct / max(checked, 1),
                "skipped": skipped / max(len(rows), 1),
            }

        drawn = "uniformly" if not self.popularity_power else f"by count^{self.popularity_power:g}"
        legend = (
            "train_auc: share of this epoch's checked draws with the liked item above the other "
            f"one, drawn {drawn} over items not in the history; skipped: share of draws whose "
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

    def _others(self, train: Interactions) -> Float64[np.ndarray, " n"]:
        """Steps from 0 to 1 by which other items are drawn; empty for uniform draws."""
        if not self.popularity_power:
            return np.empty(0, dtype=np.float64)
        steps = np.cumsum(train.item_counts().astype(np.float64) ** self.popularity_power)
        return np.asarray(steps / steps[-1])

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
