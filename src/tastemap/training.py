"""What every iterative model shares: epochs, their log, the progress bar, when to stop."""

import sys
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from typing import Any


@dataclass(frozen=True)
class Epoch:
    """One pass over the data: its number (from 1), its seconds and what was measured in it.

    While it is shown to a monitor, `model()` builds the model as it stands after this epoch, so
    that it can be judged; a log keeps the numbers alone.
    """

    number: int
    seconds: float
    values: Mapping[str, float]
    model: Callable[[], Any] | None = field(default=None, compare=False, repr=False)


Monitor = Callable[[Epoch], bool | str | None]
"""Called after each epoch; a true value ends training, and a text is kept as the reason."""


@dataclass(frozen=True)
class TrainingLog:
    """All epochs of a fit, and remarks such as why it stopped."""

    epochs: tuple[Epoch, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def seconds(self) -> float:
        """Seconds that all epochs took together."""
        return sum(epoch.seconds for epoch in self.epochs)

    def curve(self, name: str) -> list[float]:
        """The value called `name` epoch by epoch; epochs that lack it are left out."""
        return [epoch.values[name] for epoch in self.epochs if name in epoch.values]

    def last(self, name: str) -> float | None:
        """The newest value called `name`, or None."""
        curve = self.curve(name)
        return curve[-1] if curve else None

    def to_json(self) -> dict[str, Any]:
        """The log as plain dictionaries and lists."""
        epochs = [
            {"number": e.number, "seconds": e.seconds, "values": dict(e.values)}
            for e in self.epochs
        ]
        return {"epochs": epochs, "notes": list(self.notes)}

    @classmethod
    def from_json(cls, written: Mapping[str, Any]) -> "TrainingLog":
        """The log that `to_json` wrote."""
        epochs = tuple(Epoch(**epoch) for epoch in written["epochs"])
        return cls(epochs, tuple(written["notes"]))


@dataclass
class Convergence:
    """A monitor that stops once a value gains less than `min_gain` between checks.

    Parameters
    ----------
    min_gain
        The smallest gain that counts, in the value's own unit (.005 = half a point of AUC).
    patience
        How many checks in a row gain less before training stops. BPR's train_auc often rests for
        a few epochs near popularity's before the vectors begin to matter: 1 may stop there.
    value
        The name of what is watched; higher must be better.
    every
        Epochs between two checks.

    Examples
    --------
    >>> stop = Convergence(min_gain=0.005, patience=1, every=1)
    >>> stop(Epoch(1, 0.1, {"train_auc": 0.90})), stop(Epoch(2, 0.1, {"train_auc": 0.92}))
    (None, None)
    >>> stop(Epoch(3, 0.1, {"train_auc": 0.921}))
    'converged: train_auc gained less than 0.005 in 1 check (92.10%)'
    """

    min_gain: float = 0.005
    patience: int = 2
    value: str = "train_auc"
    every: int = 5
    _best: float = field(default=float("-inf"), init=False, repr=False)
    _waited: int = field(default=0, init=False, repr=False)

    def __call__(self, epoch: Epoch) -> str | None:
        """Return the reason to stop, or None to go on."""
        if epoch.number == 1:  # a monitor may serve several fits
            self._best, self._waited = float("-inf"), 0
        if self.value not in epoch.values or epoch.number % self.every:
            return None
        now = epoch.values[self.value]
        if now >= self._best + self.min_gain:
            self._best, self._waited = now, 0
            return None
        self._waited += 1
        if self._waited < self.patience:
            return None
        checks = f"{self.patience} check{'s' if self.patience > 1 else ''}"
        return f"converged: {self.value} gained less than {self.min_gain} in {checks} ({now:.2%})"


EMPTY = TrainingLog()
"""The log of a model that is still being trained."""

PERCENTAGES = ("train_auc", "skipped")
"""Values that the bar shows as percentages."""


def run_epochs(
    step: Callable[[int], Mapping[str, float]],
    epochs: int,
    *,
    name: str,
    monitor: Monitor | None = None,
    legend: str = "",
    model: Callable[[], Any] | None = None,
    first: int = 1,
) -> TrainingLog:
    """Call `step(number)` for each epoch, show a bar, ask the monitor, keep the log.

    Parameters
    ----------
    step
        Trains one epoch and returns what it measured.
    name
        Stands before the bar, which is silent unless stderr is a terminal or a notebook.
    legend
        One line that explains the bar's values; printed once a process, above the first bar.
    model
        Builds the model as it stands, from copies; only called where the monitor asks.
    first
        The number of the first epoch: above 1 where an interrupted fit goes on.
    """
    done: list[Epoch] = []
    notes: tuple[str, ...] = ()
    with _bar(epochs, first, name) if _watched() else nullcontext() as bar:
        if bar is not None and legend and legend not in _shown:
            _shown.add(legend)
            bar.write(legend, file=sys.stderr)
        for number in range(first, epochs + 1):
            start = time.perf_counter()
            values = step(number)
            done.append(Epoch(number, time.perf_counter() - start, values))
            if bar is not None:
                bar.bar_format = _format(values or {"s/iteration": done[-1].seconds})
                bar.update()
            reason = monitor(replace(done[-1], model=model)) if monitor else None
            if reason:
                said = reason if isinstance(reason, str) else "stopped by the monitor"
                notes = (f"{said}, after epoch {number} of {epochs}",)
                bar.write(f"{name}: {notes[0]}", file=sys.stderr) if bar is not None else None
                break
    return TrainingLog(tuple(done), notes)


_shown: set[str] = set()


def _watched() -> bool:
    return sys.stderr.isatty() or "ipykernel" in sys.modules


def _bar(epochs: int, first: int, name: str) -> Any:
    from tqdm.auto import tqdm  # here: it loads asyncio, .025 s that a silent run saves

    return tqdm(total=epochs, initial=first - 1, desc=name, bar_format=_format({}))


def _format(values: Mapping[str, float]) -> str:
    shown = ", ".join(
        f"{name}={value:.2%}" if name in PERCENTAGES else f"{name}={value:.4g}"
        for name, value in values.items()
    )
    return "{desc}: {percentage:3.0f}%|{bar:10}| {n_fmt}/{total_fmt} [" + shown + "]"
