"""Training of the SASRec family: what one step does, and how histories become states."""

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from tastemap.data.interactions import Histories, Interactions
from tastemap.kernels.workers import deal
from tastemap.neural.device import device_of, draws, quietly_seeded
from tastemap.neural.layers import Encoder, arrays_of
from tastemap.neural.loop import Measures, Plan, train
from tastemap.neural.losses import LOSSES, linear_softmax, positive_weight
from tastemap.neural.operations import listed
from tastemap.neural.sequence_model import SequenceModel
from tastemap.neural.sequences import Part, Windows, newest, require_order, shown_and_held
from tastemap.neural.validation import ndcg
from tastemap.seeding import stream
from tastemap.shapes import Float, Float32, Int
from tastemap.training import EMPTY, Monitor, TrainingLog

if TYPE_CHECKING:
    from tastemap.neural.sasrec import SASRec

ROWS = 256
"""Histories that are turned into states at a time."""
PART = 64
"""Histories of a part of a batch: enough that Python's share of a step is small."""
NEVER = -1e4
"""Score of a negative that is the target itself: no loss feels it (squared error: see there)."""
LEGEND = (
    "loss: mean over targets; train_auc: share of pairs of a target and a drawn item with the "
    "target above; validation_ndcg: NDCG@10 over the whole catalogue on what was held out"
)


def fit(
    recipe: "SASRec",
    log: Interactions,
    seed: int,
    *,
    monitor: Monitor | None,
    validation: Interactions | None,
    checkpoint: str | Path | None,
) -> SequenceModel:
    """See `SASRec.fit`."""
    note = require_order(log)
    device = device_of(recipe.device)
    rng = stream(seed, "sasrec", "validation") if recipe.patience else None
    histories, held_out = shown_and_held(log, validation, recipe.validation_users, rng)
    windows = Windows.of(histories, recipe.max_len, recipe.prefixes)
    with quietly_seeded(seed, "sasrec", "start"):
        network = Encoder(recipe, len(log.items)).to(device)
    counts = log.item_counts()
    losing = Losing(recipe, counts, seed)

    # On a GPU, and where a batch is normalised as a whole, it is one part.
    whole = device.type != "cpu" or recipe.norm == "batch"
    most = recipe.batch_size if whole else PART

    def batches(epoch: int) -> Iterator[list[Part]]:
        rng = stream(seed, "sasrec", "batches", epoch)
        return windows.batches(rng, recipe.batch_size, most)

    def step(part: Part) -> tuple[Tensor, int, Measures]:
        items = torch.from_numpy(part.items).to(device)
        times = None if part.times is None else torch.from_numpy(part.times).to(device)
        targets = torch.from_numpy(part.targets).to(device).long()
        states, targets = with_target(network(items, times).flatten(0, 1), targets.view(-1))
        return losing(states, network.item_vectors(), targets - 1)

    def model(training: TrainingLog = EMPTY) -> SequenceModel:
        return SequenceModel(
            recipe=recipe, seed=seed, train=log, log=training, weights=arrays_of(network)
        )

    mixed = recipe.precision == "mixed" and device.type == "cuda"
    remedy = (
        f"pass batch_size={max(recipe.batch_size // 2, 1)}, fewer negatives, or a "
        f"max_len below {recipe.max_len}"
    )
    training = train(
        network,
        batches,
        step,
        Plan.of(recipe, log, validation, seed, remedy, mixed),
        validate=None if held_out is None else lambda: ndcg(model(), *held_out),
        model=model,
        monitor=monitor,
        checkpoint=checkpoint,
        legend=LEGEND,
    )
    notes = (*([] if note is None else [note]), *training.notes)
    return model(TrainingLog(training.epochs, notes)).with_user_states()


def with_target(
    states: Float[Tensor, "n d"], targets: Int[Tensor, " n"]
) -> tuple[Float[Tensor, "m d"], Int[Tensor, " m"]]:
    """Those places where a target is asked for, the only ones that are compared with items.

    `embedding` picks rows as an index does, and its gradient takes a fifth of the time.
    """
    asked = torch.nonzero(targets)[:, 0]
    if len(asked) == len(targets):
        return states, targets
    return F.embedding(asked, states), targets[asked]


class Losing:
    """The loss of states against the items that came next: over the catalogue, or over draws."""

    def __init__(self, recipe: "SASRec", counts: np.ndarray, seed: int) -> None:
        self.recipe, self.n_items = recipe, len(counts)
        self.function: Callable[..., Tensor] = LOSSES[recipe.loss]
        self.start = self._start()
        power = counts.astype(np.float64) ** recipe.negatives_power
        self.odds = torch.from_numpy(power / power.sum())

    def __call__(
        self,
        states: Float[Tensor, "n d"],
        vectors: Float[Tensor, "items d"],
        targets: Int[Tensor, " n"],
    ) -> tuple[Tensor, int, Measures]:
        """Mean loss, number of targets, and train_auc where negatives are drawn."""
        n, scale = len(targets), self.recipe.scale
        if scale is not None:
            states, vectors = scale * F.normalize(states, dim=1), F.normalize(vectors, dim=1)
        if not self.recipe.negatives:
            return linear_softmax(states, vectors, targets), n, {}
        many = self.recipe.negatives * (1 if self.recipe.shared else n)
        drawn = torch.multinomial(self.odds, many, replacement=True, generator=draws())
        drawn = drawn.to(states.device)
        if self.recipe.shared:  # one product for all targets
            liked = (states * F.embedding(targets, vectors)).sum(dim=1, keepdim=True)
            scores = torch.cat([liked, states @ F.embedding(drawn, vectors).T], dim=1)
            drawn = drawn.expand(n, -1)
        else:
            drawn = drawn.view(n, -1)
            scores = listed(states, vectors, torch.cat([targets[:, None], drawn], dim=1))
        relevance = torch.zeros_like(scores)
        relevance[:, 0] = 1
        same = targets[:, None] == drawn
        none = 0.0 if self.recipe.loss == "squared" else NEVER
        scores = scores + self.start if self.start else scores
        scores = scores.masked_fill(F.pad(same, (1, 0)), none)
        loss = self.function(scores, relevance, **self._context(scores, drawn))
        with torch.no_grad():
            above = ((scores[:, :1] > scores[:, 1:]) & ~same).sum().item()
            pairs = same.numel() - int(same.sum())
        return loss, n, {"train_auc": (above, pairs)}

    def _start(self) -> float:
        """What is added to scores in a pointwise loss, so that 0 means the base rate of targets.

        Of 256 negatives and a target most are no targets. Without this all scores have to fall
        first, and they do so in one direction, which all item vectors then share: gSASRec on
        Beauty stood at a validation NDCG@10 of .005 for 24 epochs, and has .051 after 10 with it.
        No list changes by it. Source: Lin et al., Focal Loss, ICCV 2017, who start a bias so.
        """
        recipe, weight = self.recipe, 1.0
        if recipe.loss not in ("bce", "gbce"):
            return 0.0
        if recipe.loss == "gbce":
            weight = positive_weight(self._share(), recipe.calibration)
        return math.log(weight / recipe.negatives)

    def _share(self) -> float:
        """Share of the other items that is drawn for a target."""
        return min(self.recipe.negatives / max(self.n_items - 1, 1), 1.0)

    def _context(self, scores: Float[Tensor, "n m"], drawn: Int[Tensor, "n k"]) -> dict[str, Any]:
        """What some losses want to know of the draws."""
        recipe = self.recipe
        if recipe.loss == "gbce":
            return {"sampled_share": self._share(), "calibration": recipe.calibration}
        if recipe.loss == "warp":
            return {"n_items": self.n_items}
        if recipe.loss == "softmax" and recipe.logq:
            logq = torch.log(self.odds.to(scores) * recipe.negatives)[drawn]
            return {"logq": torch.cat([logq.new_zeros(len(logq), 1), logq], dim=1)}
        return {}


def rebuilt(model: SequenceModel) -> Encoder:
    """The network of a fitted model, ready to be asked."""
    from tastemap.neural.sasrec import SASRec

    assert isinstance(model.recipe, SASRec)
    with quietly_seeded(0, "rebuilt"):
        network = Encoder(model.recipe, len(model.items))
    network.load_state_dict({n: torch.from_numpy(a.copy()) for n, a in model.weights.items()})
    return network.eval()


def states(network: Encoder, histories: Histories) -> Float32[np.ndarray, "rows d"]:
    """The last hidden state of each history, computed in blocks of like length."""
    d = network.items.weight.shape[1]
    out = np.zeros((len(histories), d), dtype=np.float32)
    lengths = np.minimum(histories.lengths, network.max_len)
    order = np.argsort(lengths, kind="stable")
    order = order[lengths[order] > 0]

    def some(start: int) -> None:
        rows = order[start : start + ROWS]
        items, times = newest(histories, rows, network.max_len)
        given = None if times is None else torch.from_numpy(times)
        with torch.inference_mode():
            out[rows] = network(torch.from_numpy(items), given)[:, -1].numpy()

    deal(some, range(0, len(order), ROWS))
    return out
