"""Training of MF, GMF, MLP and NeuMF: the network, what one step does, and strangers."""

from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tastemap.data.batches import Negatives
from tastemap.data.interactions import Histories, Interactions
from tastemap.kernels.workers import one_blas_thread
from tastemap.neural.device import device_of, quietly_seeded
from tastemap.neural.loop import Measures, Plan, train
from tastemap.neural.losses import LOSSES
from tastemap.neural.pair_model import PairModel
from tastemap.neural.sequences import shown_and_held
from tastemap.neural.steps import Dropout
from tastemap.neural.validation import ndcg
from tastemap.seeding import stream
from tastemap.shapes import Float, Int, Int32
from tastemap.training import EMPTY, Monitor, TrainingLog

if TYPE_CHECKING:
    from tastemap.neural.ncf import UserItemNetwork

START = 0.01
"""Standard deviation of vectors at the start, as in the paper's code."""
PART = 512
"""Lists of a part of a batch; on a GPU a batch is one part."""
FOLD_STEPS, FOLD_RATE = 60, 0.05
"""Steps of Adam, and their size, for the vector of a stranger."""
LEGEND = (
    "loss: mean over lists; train_auc: share of pairs of a used and a drawn item with the used "
    "one above; skipped: share of draws that were drawn again; validation_ndcg: NDCG@10 over the "
    "whole catalogue on what was held out"
)


class Lists(NamedTuple):
    """Lists to train on: the user, used items first, then drawn ones."""

    user: Int32[np.ndarray, " rows"]
    items: Int32[np.ndarray, "rows m"]
    rejected: int


class PairNetwork(nn.Module):
    """Scores of users and items: the sum of the recipe's parts and a bias of the item."""

    def __init__(self, recipe: "UserItemNetwork", n_users: int, n_items: int) -> None:
        super().__init__()
        self.users, self.items = nn.ModuleDict(), nn.ModuleDict()
        half = recipe.layers[0] // 2
        for part in recipe.parts():
            d = half if part == "mlp" else recipe.factors
            self.users[part] = nn.Embedding(n_users, d)
            self.items[part] = nn.Embedding(n_items, d)
            nn.init.normal_(self.users[part].weight, std=START)
            nn.init.normal_(self.items[part].weight, std=START)
        self.bias = nn.Parameter(torch.zeros(n_items))
        if "gmf" in recipe.parts():
            self.weights = nn.Parameter(torch.empty(recipe.factors).uniform_(-1, 1))
        if "mlp" in recipe.parts():
            widths = [recipe.layers[0], *recipe.layers]
            self.tower = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(widths))
            self.output = nn.Parameter(torch.empty(recipe.layers[-1]).uniform_(-1, 1))
            self.output.data /= recipe.layers[-1] ** 0.5
        self.dropout = Dropout(recipe.dropout)

    def forward(
        self, users: dict[str, Float[Tensor, "n _"]], items: Int[Tensor, "n m"]
    ) -> Float[Tensor, "n m"]:
        """Scores of some items for each row, given the row's user vectors by part."""
        scores = F.embedding(items, self.bias[:, None])[:, :, 0]  # an index, with a fast gradient
        for part, user in users.items():
            item = self.items[part](items)  # (n, m, d)
            if part == "mlp":
                state = torch.cat([user[:, None].expand_as(item), item], dim=2)
                for layer in self.tower:
                    state = self.dropout(torch.relu(layer(state)))
                scores = scores + state @ self.output
            else:
                weighted = user * self.weights if part == "gmf" else user
                scores = scores + (item @ weighted[:, :, None])[:, :, 0]
        return scores

    def arrays(self) -> dict[str, Tensor]:
        """All weights under the names that `PairModel` uses."""
        found: dict[str, Tensor] = {"bias": self.bias}
        for part in self.users:
            found[f"{part}.users"] = self.users[part].weight
            found[f"{part}.items"] = self.items[part].weight
        if "gmf" in self.users:
            found["gmf.weights"] = self.weights
        if "mlp" in self.users:
            found["mlp.output"] = self.output
            for place, layer in enumerate(self.tower):
                found |= {f"mlp.{place}.weight": layer.weight, f"mlp.{place}.bias": layer.bias}
        return found

    def take(self, weights: Mapping[str, np.ndarray], share: float = 1.0) -> None:
        """Take weights over; those of the last step of a part, and biases, count by `share`."""
        own = self.arrays()
        with torch.no_grad():
            for name, array in weights.items():
                last = name in ("bias", "gmf.weights", "mlp.output")
                given = torch.from_numpy(array.copy()).to(self.bias) * (share if last else 1.0)
                own[name].copy_(own[name] + given if name == "bias" else given)


def fit(
    recipe: "UserItemNetwork",
    log: Interactions,
    seed: int,
    *,
    monitor: Monitor | None,
    validation: Interactions | None,
    checkpoint: str | Path | None,
) -> PairModel:
    """See `UserItemNetwork.fit`."""
    name, device = recipe.name, device_of(recipe.device)
    rng = stream(seed, name, "validation") if recipe.patience else None
    histories, held_out = shown_and_held(log, validation, recipe.validation_users, rng)
    with quietly_seeded(seed, name, "start"):
        network = PairNetwork(recipe, len(log.users), len(log.items)).to(device)
    started = []
    for first in recipe.pretrained() if hasattr(recipe, "pretrained") else ():
        half = first.fit(log, seed=seed, validation=validation)
        network.take(half.weights, share=0.5)
        started.append(f"started from {first.name} ({len(half.log.epochs)} epochs)")
    most = PART if device.type == "cpu" else recipe.batch_size
    lists = Sampler(recipe, log, histories, seed, most)

    def step(part: Lists) -> tuple[Tensor, int, Measures]:
        users = torch.from_numpy(part.user).to(device).long()
        items = torch.from_numpy(part.items).to(device).long()
        scores = network({part: table(users) for part, table in network.users.items()}, items)
        return _losing(recipe, scores, len(log.items), part.rejected)

    def model(training: TrainingLog = EMPTY) -> PairModel:
        weights = {n: t.detach().cpu().numpy().copy() for n, t in network.arrays().items()}
        return PairModel(recipe=recipe, seed=seed, train=log, log=training, weights=weights)

    training = train(
        network,
        lists.batches,
        step,
        Plan.of(recipe, log, validation, seed, f"pass batch_size={max(recipe.batch_size // 2, 1)}"),
        validate=None if held_out is None else lambda: ndcg(model(), *held_out),
        model=model,
        monitor=monitor,
        checkpoint=checkpoint,
        legend=LEGEND,
    )
    return model(TrainingLog(training.epochs, (*started, *training.notes)))


class Sampler:
    """Draws the lists of an epoch: every event once, with drawn company."""

    def __init__(
        self,
        recipe: "UserItemNetwork",
        log: Interactions,
        histories: Histories,
        seed: int,
        most: int,
    ) -> None:
        self.recipe, self.histories, self.seed, self.most = recipe, histories, seed, most
        self.negatives = Negatives(log, recipe.popularity_power, "popularity_power")
        self.owner = np.repeat(histories.user, histories.lengths)
        self.first = np.repeat(histories.starts[:-1], histories.lengths)
        self.length = np.repeat(histories.lengths, histories.lengths)

    def batches(self, epoch: int) -> Iterator[list[Lists]]:
        """Lists in random order, `batch_size` at a time, in parts of up to `most`."""
        rng = stream(self.seed, self.recipe.name, "lists", epoch)
        order = rng.permutation(len(self.owner))
        for start in range(0, len(order), self.recipe.batch_size):
            rows = order[start : start + self.recipe.batch_size]
            cuts = range(0, len(rows), self.most)
            yield [self._lists(rows[first : first + self.most], rng) for first in cuts]

    def _lists(self, rows: Int[np.ndarray, " rows"], rng: np.random.Generator) -> Lists:
        """These events, each with its company."""
        users = self.owner[rows]
        liked = self.histories.items[rows][:, None]
        if self.recipe.liked > 1:
            more = rng.random((len(rows), self.recipe.liked - 1)) * self.length[rows, None]
            drawn = self.histories.items[self.first[rows, None] + more.astype(np.int64)]
            liked = np.concatenate([liked, drawn], axis=1)
        others, rejected = self.negatives.draw(users, self.recipe.negatives, rng)
        return Lists(users, np.concatenate([liked, others], axis=1), rejected)


def _losing(
    recipe: "UserItemNetwork", scores: Float[Tensor, "n m"], n_items: int, rejected: int = 0
) -> tuple[Tensor, int, Measures]:
    """Mean loss of lists whose first `liked` items were used, and what it measured."""
    relevance = torch.zeros_like(scores)
    relevance[:, : recipe.liked] = 1
    context: dict[str, float] = {}
    if recipe.loss == "gbce":
        share = min(recipe.negatives / max(n_items - 1, 1), 1.0)
        context = {"sampled_share": share, "calibration": recipe.calibration}
    if recipe.loss == "warp":
        context = {"n_items": n_items}
    loss = LOSSES[recipe.loss](scores, relevance, **context)
    with torch.no_grad():
        liked, others = scores[:, :1], scores[:, recipe.liked :]
        above, drawn = (liked > others).sum().item(), others.numel()
    measured = {"train_auc": (above, drawn), "skipped": (rejected, drawn + rejected)}
    return loss, len(scores), measured


def rebuilt(model: PairModel) -> PairNetwork:
    """The network of a fitted model, held fixed."""
    from tastemap.neural.ncf import UserItemNetwork

    assert isinstance(model.recipe, UserItemNetwork)
    with quietly_seeded(0, "rebuilt"):
        network = PairNetwork(model.recipe, len(model.users), len(model.items)).eval()
    network.take(model.weights)
    return network.requires_grad_(False)


def fold_in(model: PairModel, histories: Histories) -> dict[str, np.ndarray]:
    """User vectors of strangers: Adam on them alone, each event against drawn items.

    What is drawn is a function of the model's seed, the step and the place in a history: who else
    is asked at the same time moves no more than the last bits.
    """
    vectors = {
        part: torch.zeros(len(histories), table.weight.shape[1], requires_grad=True)
        for part, table in model.network.users.items()
    }
    if len(histories.items):
        with one_blas_thread():
            _ascend(model, vectors, histories)
    return {part: tensor.detach().numpy() for part, tensor in vectors.items()}


def _ascend(model: PairModel, vectors: dict[str, Tensor], histories: Histories) -> None:
    """Steps of Adam on the vectors; a drawn item that the stranger used is not counted."""
    from tastemap.neural.ncf import UserItemNetwork

    recipe, network, n_items = model.recipe, model.network, len(model.items)
    assert isinstance(recipe, UserItemNetwork)
    place = np.arange(len(histories.items)) - np.repeat(histories.starts[:-1], histories.lengths)
    shape = (int(place.max(initial=-1)) + 1, recipe.negatives)
    row = torch.from_numpy(np.repeat(np.arange(len(histories)), histories.lengths))
    liked = torch.from_numpy(histories.items.astype(np.int64))[:, None]
    used = torch.zeros(len(histories), n_items, dtype=torch.bool)
    used[row, liked[:, 0]] = True
    optimiser = torch.optim.Adam(vectors.values(), lr=FOLD_RATE)
    for step in range(FOLD_STEPS):
        drawn = stream(model.seed, "fold_in", step).integers(n_items, size=shape)
        others = torch.from_numpy(drawn[place])
        items = torch.cat([liked.expand(-1, recipe.liked), others], dim=1)
        scores = network({part: own[row] for part, own in vectors.items()}, items)
        known = used[row[:, None], others]
        scores[:, recipe.liked :].masked_fill_(known, 0.0 if recipe.loss == "squared" else -1e4)
        loss, n, _ = _losing(recipe, scores, n_items)
        optimiser.zero_grad()
        # The mean over all events: undone, so that who else is asked does not change the step.
        (loss * n).backward()
        optimiser.step()
