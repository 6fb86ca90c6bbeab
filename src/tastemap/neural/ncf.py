"""User-item networks: MF, GMF, MLP and NeuMF, one table of options, any ranking loss."""

from abc import abstractmethod
from dataclasses import dataclass, fields
from typing import Any, ClassVar

from tastemap.contracts import Recipe
from tastemap.data.interactions import Histories, Interactions
from tastemap.errors import MissingExtra
from tastemap.neural.pair_model import PairModel
from tastemap.neural.sasrec import CHOICES
from tastemap.training import Monitor


@dataclass(frozen=True)
class UserItemNetwork(Recipe):
    """What GMF, MLP, NeuMF and MF have in common.

    A list to train on is an event of a user, with `liked - 1` more of her events drawn by chance,
    and `negatives` items that she has not used. Source: He et al., Neural collaborative filtering,
    WWW 2017.

    Parameters
    ----------
    factors
        Length of the vectors that are multiplied (MF, GMF).
    layers
        Widths of the tower (MLP, NeuMF); user and item vectors have half of the first each.
    dropout
        Share of the tower's states that are set to 0 in training.
    loss
        Any of `tastemap.neural.losses.LOSSES`.
    liked, negatives
        Used and drawn items of a list.
    popularity_power
        Negatives are drawn in proportion to count^power; 0 is uniform.
    calibration
        t of gBCE.
    learning_rate, reg, clip
        Step of AdamW, decay of vectors and matrices, longest gradient (0: any).
    ema
        Decay of the running mean of the weights over steps, which is judged and kept (0: the
        weights themselves): it takes the noise of single steps away.
    batch_size
        Lists a step.
    epochs, patience
        At most so many passes over all events; stop after so many without a better NDCG@10 on
        what is held out (0: train all epochs on everything).
    validation_users
        How many users that is measured on: those of `validation`, or else the last event of so
        many drawn users, which is then not trained on.
    device
        "auto" is a CUDA GPU where there is one.

    Notes
    -----
    The training log holds loss, train_auc (share of pairs of a used and a drawn item with the used
    one above), skipped (share of draws that were drawn again since the user knew the item) and
    validation_ndcg.
    """

    factors: int = 32
    layers: tuple[int, ...] = (64, 32, 16)
    dropout: float = 0.0
    loss: str = "bce"
    liked: int = 1
    negatives: int = 4
    popularity_power: float = 0.0
    calibration: float = 0.75
    learning_rate: float = 1e-3
    reg: float = 0.0
    clip: float = 0.0
    ema: float = 0.0
    batch_size: int = 2048
    epochs: int = 50
    patience: int = 5
    validation_users: int = 2000
    device: str = "auto"

    uses_validation: ClassVar[bool] = True

    def __post_init__(self) -> None:
        for field in ("factors", "liked", "negatives", "batch_size", "epochs", "validation_users"):
            self._require(field, getattr(self, field) >= 1, "a whole number from 1 on")
        tower = len(self.layers) > 0 and all(width >= 1 for width in self.layers)
        self._require("layers", tower and self.layers[0] % 2 == 0, "widths, the first one even")
        for field in ("popularity_power", "reg", "clip", "patience"):
            self._require(field, getattr(self, field) >= 0, "a number from 0 on")
        for field in ("dropout", "ema"):
            self._require(field, 0 <= getattr(self, field) < 1, "a share from 0 to below 1")
        self._require("calibration", 0 <= self.calibration <= 1, "a share from 0 to 1")
        self._require("learning_rate", self.learning_rate > 0, "a number above 0")
        for field in ("loss", "device"):
            self._require(field, getattr(self, field) in CHOICES[field], ", ".join(CHOICES[field]))

    @abstractmethod
    def parts(self) -> tuple[str, ...]:
        """What the score is a sum of: "dot", "gmf", "mlp"."""

    def fit(
        self,
        train: Interactions,
        *,
        seed: int = 0,
        monitor: Monitor | None = None,
        validation: Interactions | None = None,
        checkpoint: Any = None,
    ) -> PairModel:
        """Train, and keep the weights that are best on what is held out.

        `validation` and `checkpoint` are as in `SASRec.fit`.

        Errors
        ------
        InputError
            A user who has used all items; a loss that is not finite; memory that ran out; a
            checkpoint of another run.
        MissingExtra
            torch is not installed.
        """
        return _torch(self).fit(
            self, train, seed, monitor=monitor, validation=validation, checkpoint=checkpoint
        )

    def fold_in(self, model: PairModel, histories: Histories) -> dict[str, Any]:
        """Vectors of people whom the model never met: the same loss, all else held fixed."""
        return _torch(self).fold_in(model, histories)


@dataclass(frozen=True)
class MF(UserItemNetwork):
    """score = x_u . y_i + b_i: matrix factorisation, here to try any loss on it.

    Examples
    --------
    >>> from tastemap import synthetic
    >>> log = synthetic.taste_groups(users=40, items=20, seed=1)
    >>> model = MF(factors=8, epochs=2, patience=0).fit(log, seed=1)
    >>> model.recommend([log.users.ids[0]], k=3).n_rows
    3
    """

    def parts(self) -> tuple[str, ...]:
        """One inner product."""
        return ("dot",)


@dataclass(frozen=True)
class GMF(UserItemNetwork):
    """score = h . (x_u * y_i) + b_i, * element by element: a product with learned weights h."""

    def parts(self) -> tuple[str, ...]:
        """One weighted product."""
        return ("gmf",)


@dataclass(frozen=True)
class MLP(UserItemNetwork):
    """score = a tower of ReLU layers over the user's and the item's vector, side by side."""

    def parts(self) -> tuple[str, ...]:
        """One tower."""
        return ("mlp",)


@dataclass(frozen=True)
class NeuMF(UserItemNetwork):
    """score = GMF + MLP, each with vectors of its own.

    Parameters
    ----------
    pretrain
        Train GMF and MLP by themselves first, and start from half of each one's output weights.
    """

    pretrain: bool = False

    def parts(self) -> tuple[str, ...]:
        """Both."""
        return ("gmf", "mlp")

    def pretrained(self) -> tuple[UserItemNetwork, ...]:
        """The recipes to start from."""
        shared = {f.name: getattr(self, f.name) for f in fields(UserItemNetwork)}
        return (GMF(**shared), MLP(**shared)) if self.pretrain else ()


def _torch(recipe: Recipe) -> Any:
    try:
        from tastemap.neural import pair_fit
    except ImportError as error:
        raise MissingExtra(f"{recipe.name} (torch)", "neural") from error
    return pair_fit
