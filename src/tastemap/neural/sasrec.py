"""The SASRec family: one recipe whose options are the published variants."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from tastemap.contracts import Recipe
from tastemap.data.interactions import Interactions
from tastemap.errors import MissingExtra
from tastemap.neural.sequence_model import SequenceModel
from tastemap.training import Monitor

CHOICES = {
    "mixer": ("softmax", "pointwise", "filter", "both"),
    "positions": ("ages", "back"),
    "norm": ("layer", "rms", "batch"),
    "feed_forward": ("relu", "gelu", "swiglu", "none"),
    "loss": (
        "softmax",
        "bce",
        "gbce",
        "squared",
        "bpr",
        "hinge",
        "warp",
        "listnet",
        "lambdarank",
    ),
    "precision": ("float32", "mixed"),
    "device": ("auto", "cpu", "cuda", "mps"),
}


@dataclass(frozen=True)
class SASRec(Recipe):
    """A causal transformer over each user's history that tells the next item.

    score(history, i) = h . y_i, with h the last hidden state. Sources: Kang & McAuley, ICDM 2018;
    that the full softmax is the loss to train it with: Klenitskiy & Vasilev, RecSys 2023.
    Variants are options: `gsasrec`, `esasrec`, `hstu` and `bsarec` fill them in.

    Parameters
    ----------
    factors
        Hidden size d, a multiple of `heads`.
    blocks, heads
        Blocks of the network, heads of attention.
    max_len
        Newest events that are looked at; older ones are left out, in training and in use.
    dropout, attention_dropout
        Shares of states, and of attention weights, that are set to 0 in training. With the
        second, attention takes the long way, which holds all weights.
    mixer
        How a place takes from those before it: "softmax" attention, "pointwise" attention of HSTU
        with biases of place and time, a frequency "filter", or "both" (filter and softmax).
    positions
        "ages": a vector for each place, counted from the newest. "back": softmax attention adds a
        number for each distance instead, and every place sees its past alike, as in `prefixes`.
    filter_share
        Weight of the filter in "both".
    feed_forward, expansion
        "relu", "gelu", "swiglu" or "none", and how many times wider it is than d.
    norm, norm_first
        "layer", "rms" or "batch" normalisation, before each part or after its residual.
    gate
        Let each part through as far as a sigmoid of the block's input says (LiGR).
    tied
        Compare states with the same vectors that stand for items in the history.
    loss
        Any of `tastemap.neural.losses.LOSSES`. BCE and gBCE see scores plus the log odds of a
        target among `negatives`, on which no list depends.
    negatives, shared
        Items drawn for a part of a batch (64 histories; on a GPU all of it) and shared by all its
        targets, or for each target by itself; 0 is the whole catalogue ("softmax" alone). SASRec
        as first published is loss="bce", negatives=1, shared=False.
    negatives_power
        They are drawn in proportion to count^power; 0 is uniform.
    logq
        Correct sampled softmax for how often each negative is drawn.
    calibration
        t of gBCE.
    scale
        None: plain inner products; else cosines of states and vectors, times this.
    prefixes
        Train on every prefix of a history by itself, its last place alone being asked, instead of
        on all places of a history at once: the network then only ever sees what it sees in use,
        at the price of as many samples as there are events.
    learning_rate, reg, clip
        Step of AdamW, decay of weight matrices, longest gradient (0: any).
    ema
        Decay of the running mean of the weights over steps, which is judged and kept (0: the
        weights themselves): it takes the noise of single steps away.
    batch_size
        Histories a step.
    epochs, patience
        At most so many passes; stop after so many without a better NDCG@10 on what is held out
        (0: train all epochs on everything).
    validation_users
        How many users that is measured on: those of `validation`, or else the last event of so
        many drawn users, which is then not trained on.
    precision, device
        "mixed" is bfloat16 on a GPU, and no change on a CPU; "auto" is a CUDA GPU where there is
        one.

    Notes
    -----
    The training log holds loss and validation_ndcg and, where negatives are drawn, train_auc: the
    share of (target, negative) pairs of the epoch with the target above.

    Examples
    --------
    >>> from tastemap import synthetic
    >>> log = synthetic.markov_chain(seed=1)
    >>> model = SASRec(factors=16, blocks=1, epochs=3, patience=0).fit(log, seed=1)
    >>> model.recommend(baskets=[[log.items.ids[0]]], k=3).n_rows
    3
    """

    factors: int = 64
    blocks: int = 2
    heads: int = 1
    max_len: int = 50
    dropout: float = 0.2
    attention_dropout: float = 0.0
    mixer: str = "softmax"
    positions: str = "ages"
    filter_share: float = 0.7
    feed_forward: str = "gelu"
    expansion: int = 4
    norm: str = "layer"
    norm_first: bool = True
    gate: bool = False
    tied: bool = True
    loss: str = "softmax"
    negatives: int = 0
    shared: bool = True
    negatives_power: float = 0.0
    logq: bool = True
    calibration: float = 0.75
    scale: float | None = None
    prefixes: bool = False
    learning_rate: float = 1e-3
    reg: float = 0.0
    clip: float = 1.0
    ema: float = 0.0
    batch_size: int = 128
    epochs: int = 100
    patience: int = 10
    validation_users: int = 2000
    precision: str = "float32"
    device: str = "auto"

    uses_validation: ClassVar[bool] = True

    def __post_init__(self) -> None:
        for field in ("factors", "blocks", "heads", "max_len", "expansion", "batch_size", "epochs"):
            self._require(field, getattr(self, field) >= 1, "a whole number from 1 on")
        self._require("heads", self.factors % self.heads == 0, f"a divisor of {self.factors}")
        for field in ("dropout", "attention_dropout", "ema"):
            self._require(field, 0 <= getattr(self, field) < 1, "a share from 0 to below 1")
        for field in ("filter_share", "calibration"):
            self._require(field, 0 <= getattr(self, field) <= 1, "a share from 0 to 1")
        for field in ("negatives_power", "reg", "clip", "patience", "negatives"):
            self._require(field, getattr(self, field) >= 0, "a number from 0 on")
        self._require("learning_rate", self.learning_rate > 0, "a number above 0")
        self._require("scale", self.scale is None or self.scale > 0, "None, or above 0")
        self._require("validation_users", self.validation_users >= 1, "a whole number from 1 on")
        for field, names in CHOICES.items():
            self._require(field, getattr(self, field) in names, ", ".join(names))
        enough = self.loss == "softmax" or self.negatives >= 1
        self._require("negatives", enough, f"1 or more for loss={self.loss!r}")

    def fit(
        self,
        train: Interactions,
        *,
        seed: int = 0,
        monitor: Monitor | None = None,
        validation: Interactions | None = None,
        checkpoint: str | Path | None = None,
    ) -> SequenceModel:
        """Train, and keep the weights that are best on what is held out.

        Parameters
        ----------
        validation
            What the users of `train` did next, to stop by; without it, last events of `train`.
        checkpoint
            A folder that is written after each epoch; if it is there, training goes on from it,
            to the same bits.

        Errors
        ------
        InputError
            Histories in which nothing follows anything, or whose order is that of the item ids; a
            loss that is not finite; memory that ran out; a checkpoint of another run.
        MissingExtra
            torch is not installed.
        """
        try:
            from tastemap.neural.sequence_fit import fit
        except ImportError as error:
            raise MissingExtra(f"{self.name} (torch)", "neural") from error
        return fit(self, train, seed, monitor=monitor, validation=validation, checkpoint=checkpoint)


def gsasrec(negatives: int = 256, **options: Any) -> SASRec:
    """gSASRec: many negatives and a loss calibrated for them (Petrov & Macdonald, RecSys 2023)."""
    return _variant(options, loss="gbce", negatives=negatives)


def esasrec(negatives: int = 256, **options: Any) -> SASRec:
    """eSASRec: gated blocks with SwiGLU (LiGR) and a sampled softmax (RecSys 2025)."""
    return _variant(options, gate=True, feed_forward="swiglu", negatives=negatives, logq=False)


def hstu(**options: Any) -> SASRec:
    """HSTU: pointwise attention with biases of place and time (Zhai et al., ICML 2024)."""
    return _variant(options, mixer="pointwise", feed_forward="none", negatives=128, scale=20.0)


def bsarec(**options: Any) -> SASRec:
    """BSARec: attention and frequency filter side by side, trained on prefixes (AAAI 2024)."""
    return _variant(options, mixer="both", prefixes=True, norm_first=False, dropout=0.5)


def _variant(options: dict[str, Any], **variant: Any) -> SASRec:
    """The variant's options, but for those that the caller chose."""
    return SASRec(**variant | options)
