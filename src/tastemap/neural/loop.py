"""The training loop of every network: batches, steps, epochs, the best of them, and going on later.

Nothing is hidden in it: an epoch draws its batches and its dropout from (seed, epoch), so that a
run which was interrupted after any epoch goes on to the same bits from its checkpoint.

A batch is cut into parts, as many for one thread as for eight, which the threads share. Their
gradients are added in the order of the parts: the bits do not depend on how many threads there are.
"""

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tastemap.data.interactions import Interactions
from tastemap.errors import InputError, UsageError
from tastemap.kernels.workers import deal, one_blas_thread
from tastemap.neural.device import drawing, quietly_seeded, telling_of_memory
from tastemap.neural.running_mean import RunningMean
from tastemap.storage import Arrays, is_saved, read_folder, write_folder
from tastemap.training import Epoch, Monitor, TrainingLog, run_epochs

Measures = dict[str, tuple[float, float]]
"""What a step measured: name -> (sum, how many), added up over the epoch."""

Step = Callable[[Any], tuple[Tensor, int, Measures]]
"""From a part of a batch to its mean loss, the number of targets behind it, and measures."""

Batch = Sequence[Any]
"""The parts of a batch."""


@dataclass(frozen=True)
class Plan:
    """How to train.

    Parameters
    ----------
    name, seed
        Of the recipe, and of every draw.
    epochs, patience
        At most so many epochs; stop after so many without a better validation (0: never).
    learning_rate, reg, clip
        Of AdamW: the step, the decay of weights, and the largest length of a gradient (0: any).
    ema
        Decay of the running mean of the weights, which is judged and kept (0: the weights).
    mixed
        bfloat16 where that is safe: on a GPU alone.
    identity
        What a checkpoint must agree with: recipe, seed and data, as plain values.
    """

    name: str
    seed: int
    epochs: int
    patience: int
    learning_rate: float
    reg: float
    clip: float
    ema: float
    mixed: bool
    identity: Mapping[str, Any]
    remedy: str = "pass a smaller batch_size"

    @classmethod
    def of(
        cls,
        recipe: Any,
        log: Interactions,
        validation: Interactions | None,
        seed: int,
        remedy: str,
        mixed: bool = False,
    ) -> "Plan":
        """The plan of a recipe; a checkpoint may be gone on from with more epochs."""
        fields = {name: value for name, value in recipe.fields().items() if name != "epochs"}
        identity = {
            "recipe": fields,
            "seed": seed,
            "data": log.fingerprint(),
            "validation": None if validation is None else validation.fingerprint(),
        }
        return cls(
            name=recipe.name,
            seed=seed,
            epochs=recipe.epochs,
            patience=recipe.patience,
            learning_rate=recipe.learning_rate,
            reg=recipe.reg,
            clip=recipe.clip,
            ema=recipe.ema,
            mixed=mixed,
            identity=json.loads(json.dumps(identity)),  # tuples as the lists a file gives back
            remedy=remedy,
        )


@dataclass
class _State:
    """What changes while training, all of which a checkpoint keeps."""

    mean: RunningMean
    done: list[Epoch]
    best: float = -math.inf
    best_epoch: int = 0
    best_weights: dict[str, Tensor] | None = None


def train(
    network: nn.Module,
    batches: Callable[[int], Iterable[Batch]],
    step: Step,
    plan: Plan,
    *,
    validate: Callable[[], float] | None = None,
    model: Callable[[], Any] | None = None,
    monitor: Monitor | None = None,
    checkpoint: str | Path | None = None,
    legend: str = "",
) -> TrainingLog:
    """Train in place and leave the weights of the best epoch (by validation) or of the last.

    Parameters
    ----------
    batches
        The batches of an epoch, by its number from 1, each in parts; a pure function of it.
    step
        Mean loss of a part, its number of targets, and what was measured on the way. Several
        threads call it at a time; on a CPU it draws from `device.draws()` alone.
    validate
        NDCG on what was held out; higher is better.
    model
        Builds a model as the network stands, for the monitor.
    checkpoint
        A folder: written after every epoch, and where it is there, gone on from.

    Errors
    ------
    InputError
        A loss that is not finite; memory that ran out; a checkpoint of another recipe, seed or log.
    """
    optimiser = _optimiser(network, plan)
    state = _State(RunningMean(network, plan.ema), [])
    if checkpoint is not None and is_saved(checkpoint):
        _restore(checkpoint, network, optimiser, state, plan)
    before = len(state.done)

    def epoch(number: int) -> dict[str, float]:
        on_cpu = next(network.parameters()).device.type == "cpu"  # where `drawing` seeds all draws
        own = one_blas_thread() if on_cpu else quietly_seeded(plan.seed, plan.name, number)
        with own, telling_of_memory(plan.remedy):
            values = _epoch(network, batches(number), step, optimiser, state.mean, plan, number)
            if validate is not None:
                network.eval()
                values["validation_ndcg"] = validate()
        return values

    def after(done: Epoch) -> bool | str | None:
        now = done.values.get("validation_ndcg", -math.inf)
        state.done.append(Epoch(done.number, done.seconds, done.values))
        if now > state.best:
            state.best, state.best_epoch = now, done.number
            state.best_weights = {n: t.clone() for n, t in network.state_dict().items()}
        if checkpoint is not None:
            _save(checkpoint, network, optimiser, state, plan)
        said = monitor(done) if monitor else None
        waited = done.number - state.best_epoch
        if not said and validate is not None and plan.patience and waited >= plan.patience:
            return f"no better validation for {waited} epochs"
        return said

    # A run that stood still for `patience` epochs had ended before it was interrupted.
    ended = plan.patience and validate is not None and before - state.best_epoch >= plan.patience
    log = run_epochs(
        epoch,
        before if before and ended else plan.epochs,
        name=plan.name,
        monitor=after,
        legend=legend,
        model=model,
        first=before + 1,
    )
    if state.best_weights is not None:
        network.load_state_dict(state.best_weights)
    network.eval()
    return TrainingLog(tuple(state.done), (*log.notes, *_said(state, plan)))


def _said(state: _State, plan: Plan) -> list[str]:
    """Which weights were kept, and why."""
    if state.best_weights is not None:
        kept = f"weights of epoch {state.best_epoch}: NDCG@10 {state.best:.4f}"
        return [f"{kept} on what was held out"]
    if plan.patience:
        return [f"nothing could be held out to stop by: trained for {plan.epochs} epochs"]
    return []


def _optimiser(network: nn.Module, plan: Plan) -> torch.optim.Optimizer:
    """AdamW that lets matrices decay, and neither biases nor scales."""
    decayed = [p for p in network.parameters() if p.ndim > 1]
    plain = [p for p in network.parameters() if p.ndim <= 1]
    return torch.optim.AdamW(
        [{"params": decayed, "weight_decay": plan.reg}, {"params": plain, "weight_decay": 0.0}],
        lr=plan.learning_rate,
        betas=(0.9, 0.98),
        fused=True,
    )


def _epoch(
    network: nn.Module,
    batches: Iterable[Batch],
    step: Step,
    optimiser: torch.optim.Optimizer,
    mean: RunningMean,
    plan: Plan,
    number: int,
) -> dict[str, float]:
    """One pass: the mean loss and whatever the steps measured. Leaves the mean in the network."""
    mean.hide()
    network.train()
    totals: dict[str, list[float]] = {}
    for place, batch in enumerate(batches):
        measured = _descend(network, batch, step, plan, (number, place))
        if plan.clip:
            nn.utils.clip_grad_norm_(network.parameters(), plan.clip, foreach=True)
        optimiser.step()
        mean.step()
        for name, (total, count) in measured:
            sums = totals.setdefault(name, [0.0, 0.0])
            sums[0] += total
            sums[1] += count
    mean.show()
    values = {name: total / max(count, 1) for name, (total, count) in totals.items()}
    if not math.isfinite(values.get("loss", 0.0)):
        raise InputError(
            f"{plan.name}'s loss is no longer finite in epoch {number} "
            f"(learning_rate={plan.learning_rate})",
            "a learning rate at which training converges",
            f"try learning_rate={plan.learning_rate / 10:g}, or clip=1.0",
        )
    return values


def _descend(
    network: nn.Module, batch: Batch, step: Step, plan: Plan, epoch_and_place: tuple[int, int]
) -> list[tuple[str, tuple[float, float]]]:
    """Leave the gradient of the mean loss of a batch in the weights; what each part measured."""
    weights = [p for p in network.parameters() if p.requires_grad]
    on_cpu = weights[0].device.type == "cpu"

    total = _Total(len(weights))

    def work(part: int) -> tuple[float, int, Measures]:
        own = drawing(plan.seed, plan.name, *epoch_and_place, part) if on_cpu else nullcontext()
        with own, torch.autocast("cuda", torch.bfloat16, enabled=plan.mixed):
            loss, n, measured = step(batch[part])
        slopes = torch.autograd.grad(loss * n, weights, allow_unused=True)
        total.add(part, slopes)
        return loss.item(), n, measured

    found = deal(work, range(len(batch)))
    targets = sum(n for _, n, _ in found)
    for weight, slope in zip(weights, total.slopes, strict=True):
        weight.grad = None if slope is None else slope.div_(targets)
    losses = [("loss", (loss * n, n)) for loss, n, _ in found]
    return [*losses, *(one for *_, measured in found for one in measured.items())]


class _Total:
    """Sums of the gradients of parts, in the order of the parts, whoever is done first.

    What came too early waits: no more than there are threads, so that not all parts of a large
    batch hold a gradient of the whole item table at once.
    """

    def __init__(self, n: int) -> None:
        self.slopes: list[Tensor | None] = [None] * n
        self.waiting: dict[int, Sequence[Tensor | None]] = {}
        self.next, self.lock = 0, Lock()

    def add(self, part: int, slopes: Sequence[Tensor | None]) -> None:
        """Add those of one part, and those that waited for it."""
        with self.lock:
            self.waiting[part] = slopes
            while self.next in self.waiting:
                for place, slope in enumerate(self.waiting.pop(self.next)):
                    so_far = self.slopes[place]
                    if so_far is None:
                        self.slopes[place] = slope
                    elif slope is not None:
                        so_far += slope
                self.next += 1


def _save(
    path: str | Path,
    network: nn.Module,
    optimiser: torch.optim.Optimizer,
    state: _State,
    plan: Plan,
) -> None:
    """Weights, their mean, the best, both moments of Adam and the log: two files, no pickle."""
    arrays: Arrays = {f"now.{n}": _array(t) for n, t in network.state_dict().items()}
    arrays |= {f"hidden.{n}": _array(t) for n, t in state.mean.hidden.items()}
    for name, tensor in (state.best_weights or {}).items():
        arrays[f"best.{name}"] = _array(tensor)
    for place, moments in optimiser.state_dict()["state"].items():
        arrays |= {f"adam.{place}.{n}": _array(t) for n, t in moments.items()}
    manifest = {
        "kind": "checkpoint",
        "identity": dict(plan.identity),
        "training": TrainingLog(tuple(state.done)).to_json(),
        "best": state.best if math.isfinite(state.best) else None,
        "best_epoch": state.best_epoch,
        "steps": state.mean.steps,
    }
    write_folder(path, manifest, arrays)


def _restore(
    path: str | Path,
    network: nn.Module,
    optimiser: torch.optim.Optimizer,
    state: _State,
    plan: Plan,
) -> None:
    manifest, arrays = read_folder(path)
    if manifest.get("kind") != "checkpoint":
        raise UsageError(
            f"{path} holds a {manifest.get('kind')}, not a checkpoint",
            "a new folder, or one that an interrupted fit wrote",
            "choose another path",
        )
    differing = [
        f"{name} {manifest['identity'].get(name)!r} (now {value!r})"
        for name, value in plan.identity.items()
        if manifest["identity"].get(name) != value
    ]
    if differing:
        raise InputError(
            f"a checkpoint of another run: {'; '.join(differing)}",
            "the same recipe, seed and log (more epochs are fine)",
            "choose another folder, or delete this one",
        )
    network.load_state_dict(_tensors(arrays, "now."))
    state.mean.hidden = _tensors(arrays, "hidden.")
    state.mean.steps, state.mean.shown = manifest["steps"], bool(plan.ema)
    state.best_weights = _tensors(arrays, "best.") or None
    state.best = -math.inf if manifest["best"] is None else manifest["best"]
    state.best_epoch = manifest["best_epoch"]
    state.done = list(TrainingLog.from_json(manifest["training"]).epochs)
    moments: dict[int, dict[str, Tensor]] = {}
    for name, tensor in _tensors(arrays, "adam.").items():
        place, _, which = name.partition(".")
        moments.setdefault(int(place), {})[which] = tensor
    groups = optimiser.state_dict()["param_groups"]
    optimiser.load_state_dict({"state": moments, "param_groups": groups})


def _array(tensor: Tensor) -> np.ndarray:
    return tensor.detach().cpu().numpy().copy()


def _tensors(arrays: Arrays, prefix: str) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): torch.from_numpy(array.copy())
        for name, array in arrays.items()
        if name.startswith(prefix)
    }
