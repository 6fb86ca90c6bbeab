"""ALS for implicit feedback: solve for all users, then for all items, again and again."""

from dataclasses import dataclass

import numpy as np

from tastemap.contracts import Recipe
from tastemap.data.compressed import Compressed
from tastemap.data.interactions import Histories, Interactions
from tastemap.kernels.als import Side, solve_cg
from tastemap.models.factors import FactorModel
from tastemap.seeding import stream
from tastemap.shapes import Float32
from tastemap.training import EMPTY, Monitor, TrainingLog, run_epochs

Users = Float32[np.ndarray, "users d"]
Items = Float32[np.ndarray, "items d"]


@dataclass(frozen=True)
class ALS(Recipe):
    """Weighted least squares on observed and unobserved pairs.

    Without `alpha0` it is Hu, Koren & Volinsky (ICDM 2008), with confidence c = 1 + alpha w:

        sum over all pairs c_ui (p_ui - x_u . y_i)^2 + reg (|x|^2 + |y|^2),   p = 1 if observed

    With `alpha0` it is iALS (Rendle et al., RecSys 2022), where unobserved pairs weigh alpha0:

        sum over observed alpha w_ui (1 - x_u . y_i)^2 + alpha0 sum over all pairs (x_u . y_i)^2
        + reg sum_u (n_u + alpha0 items)^reg_power |x_u|^2  (and the same for items)

    Parameters
    ----------
    factors
        Length d of the vectors.
    reg
        Weight of the squared lengths.
    alpha
        How much an event's weight counts. (implicit's `alpha` is c itself: an event of weight 1
        that weighs alpha there weighs 1 + alpha here without `alpha0`.)
    alpha0
        Weight of unobserved pairs; None for the first objective.
    reg_power
        0 regularises all rows alike, 1 in proportion to their number of events.
    epochs
        Iterations; each solves both sides once.
    solver
        "cg": `cg_steps` of preconditioned conjugate gradient, fast; "cholesky": exact.
    use_weights
        Use the log's weights; by default every event counts 1.
    show_loss
        Compute the loss after each iteration (costs one more pass over the events).

    Examples
    --------
    >>> log = Interactions.of([("ann", "tea"), ("ann", "milk"), ("bob", "tea"), ("eve", "jam")])
    >>> ALS(factors=2, alpha=10).fit(log, seed=1).recommend(["bob"], k=1)["item"].tolist()
    ['milk']
    """

    factors: int = 64
    reg: float = 0.01
    alpha: float = 1.0
    alpha0: float | None = 0.1
    reg_power: float = 1.0
    epochs: int = 15
    solver: str = "cg"
    cg_steps: int = 2
    use_weights: bool = False
    show_loss: bool = False

    def __post_init__(self) -> None:
        self._require("factors", self.factors >= 1, "a whole number from 1 on")
        self._require("reg", self.reg > 0, "a number above 0")
        self._require("alpha", self.alpha > 0, "a number above 0")
        self._require("alpha0", self.alpha0 is None or self.alpha0 > 0, "None, or above 0")
        self._require("reg_power", self.reg_power >= 0, "a number from 0 on")
        self._require("epochs", self.epochs >= 1, "a whole number from 1 on")
        self._require("solver", self.solver in ("cg", "cholesky"), "cg, cholesky")
        self._require("cg_steps", self.cg_steps >= 1, "a whole number from 1 on")

    def fit(
        self, train: Interactions, *, seed: int = 0, monitor: Monitor | None = None
    ) -> FactorModel:
        """Alternate between the two sides; bits do not depend on the number of threads."""
        by_user = train.compressed()
        if not self.use_weights:
            by_user = by_user._replace(values=np.ones_like(by_user.values))
        of_users, of_items = self._side(by_user), self._side(by_user.transposed())
        users = self._start(seed, "users", by_user.shape[0])
        items = self._start(seed, "items", by_user.shape[1])

        def iterate(_: int) -> dict[str, float]:
            self._solve(of_users, items, users)
            self._solve(of_items, users, items)
            return {"loss": self.loss(by_user, users, items)} if self.show_loss else {}

        def model(log: TrainingLog, *learned: np.ndarray) -> FactorModel:
            fields = dict(zip(("user_vectors", "item_vectors"), learned, strict=True))
            return FactorModel(recipe=self, seed=seed, train=train, log=log, **fields)

        log = run_epochs(
            iterate,
            self.epochs,
            name="ALS",
            monitor=monitor,
            model=lambda: model(EMPTY, users.copy(), items.copy()),
        )
        return model(log, users, items)

    def _start(self, seed: int, side: str, rows: int) -> Float32[np.ndarray, "rows d"]:
        # Vectors of length about 0.1: the first solve then starts near 0 but not at a saddle.
        drawn = stream(seed, "als", side).standard_normal((rows, self.factors), dtype=np.float32)
        return np.asarray(drawn * np.float32(0.1 / np.sqrt(self.factors)))

    @property
    def _unobserved(self) -> float:
        return 1.0 if self.alpha0 is None else self.alpha0

    @property
    def _base(self) -> float:
        return 1.0 if self.alpha0 is None else 0.0

    def _side(self, matrix: Compressed) -> Side:
        """What one side's systems need besides the vectors: the same in every iteration."""
        counts = np.diff(matrix.starts)
        reg = self.reg * (counts + self._unobserved * matrix.shape[1]) ** self.reg_power
        return Side(
            starts=matrix.starts,
            items=matrix.columns,
            weights=matrix.values if self.use_weights else np.empty(0, dtype=np.float32),
            order=np.argsort(-counts, kind="stable"),
            reg=reg.astype(np.float32),
        )

    def _solve(
        self,
        side: Side,
        fixed: Float32[np.ndarray, "columns d"],
        rows: Float32[np.ndarray, "rows d"],
    ) -> None:
        """Solve for `rows` in place; "cg" also turns both sides into other axes."""
        weights = (self.alpha, self._base, self._unobserved)
        if self.solver == "cg":
            solve_cg(side, weights, fixed, rows, self.cg_steps)
        else:
            from tastemap.kernels.als_cholesky import solve_cholesky  # here: it loads SciPy

            solve_cholesky(side, weights, fixed, rows)

    def loss(self, matrix: Compressed, users: Users, items: Items) -> float:
        """The objective divided by the number of events (see the class)."""
        unobserved = 1.0 if self.alpha0 is None else self.alpha0
        rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.starts))
        predicted = np.einsum("ed,ed->e", users[rows], items[matrix.columns], dtype=np.float64)
        extra = self.alpha * matrix.values.astype(np.float64)
        if self.alpha0 is None:  # (1 + alpha w)(1 - s)^2, less the s^2 that the Gram term counts
            observed = ((1 + extra) * (1 - predicted) ** 2 - predicted**2).sum()
        else:
            observed = (extra * (1 - predicted) ** 2).sum()
        grams = [side.T.astype(np.float64) @ side for side in (users, items)]
        total = observed + unobserved * (grams[0] * grams[1]).sum()
        for side, counts, others in (
            (users, np.diff(matrix.starts), matrix.shape[1]),
            (items, np.bincount(matrix.columns, minlength=matrix.shape[1]), matrix.shape[0]),
        ):
            scale = self.reg * (counts + unobserved * others) ** self.reg_power
            total += (scale * (side.astype(np.float64) ** 2).sum(axis=1)).sum()
        return float(total) / max(len(matrix.values), 1)

    def fold_in(self, model: FactorModel, histories: Histories) -> Float32[np.ndarray, "rows d"]:
        """Exact least squares for each stranger with the items held fixed."""
        shown = Compressed.of_scipy(histories.matrix(len(model.items)))
        if not self.use_weights:
            shown = shown._replace(values=np.ones_like(shown.values))
        exact = ALS(**{**self.fields(), "solver": "cholesky"})
        rows = np.zeros((len(histories), self.factors), dtype=np.float32)
        exact._solve(exact._side(shown), model.item_vectors, rows)
        return rows

    def contributions(
        self, model: FactorModel, history: Histories, item: int
    ) -> Float32[np.ndarray, " n"]:
        """Event j adds t_j y_i' A^-1 y_j, A being the user's system: exact for the full solve.

        That is the score of this history when it is folded in. The vector of a user whom training
        met was solved before the last step of the items, and by conjugate gradient near enough.
        """
        items = model.item_vectors.astype(np.float64)
        unobserved = self._unobserved
        first = history.first_events()
        extra = self.alpha * (history.weight if self.use_weights else first).astype(np.float64)
        target = extra + self._base * first
        reg = self.reg * (first.sum() + unobserved * len(items)) ** self.reg_power
        used = items[history.items]
        system = unobserved * items.T @ items + (used.T * extra) @ used
        system[np.diag_indices(self.factors)] += reg
        return (target * (used @ np.linalg.solve(system, items[item]))).astype(np.float32)
