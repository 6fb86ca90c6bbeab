"""Single steps of a network, as modules of torch; on a CPU by kernels of our own."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tastemap.neural.device import draws
from tastemap.neural.operations import dropped, linear
from tastemap.shapes import Float


class Dropout(nn.Module):
    """Set a share of the numbers to 0 and scale the others up to keep the mean.

    On a CPU by our own kernel (`kernels/dropout.py`: torch's takes a seventh of a whole step); the
    share is rounded to 1/256 there.
    """

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share, self.level = share, min(round(256 * share), 255)

    def forward(self, x: Float[Tensor, "*shape"]) -> Tensor:
        """The numbers that stay."""
        if not self.training or not self.share:
            return x
        if x.device.type != "cpu":
            return F.dropout(x, self.share)
        return dropped(x, *self.draw())

    def draw(self) -> tuple[int, int]:
        """The key of one pass, and its level; (0, 0) where nothing is dropped."""
        if not self.training or not self.level:
            return 0, 0
        key = torch.empty((), dtype=torch.int64).random_(generator=draws()).item()
        return int(key), self.level


class End(NamedTuple):
    """What follows a part: dropout, then the residual that it is added to; None: neither."""

    dropout: Dropout | None = None
    onto: Float[Tensor, "*rows d"] | None = None

    def __call__(self, found: Float[Tensor, "*rows d"]) -> Tensor:
        """onto + dropout(found)."""
        found = found if self.dropout is None else self.dropout(found)
        return found if self.onto is None else self.onto + found


PLAIN = End()


class Linear(nn.Linear):
    """A matrix and a bias, and what follows them: on a CPU in one pass (`kernels/finish.py`)."""

    def forward(
        self, x: Float[Tensor, "*rows d"], relu: bool = False, end: End = PLAIN
    ) -> Float[Tensor, "*rows wide"]:
        """onto + dropout(relu(x W^T + b))."""
        if x.device.type == "cpu":
            drop = (0, 0) if end.dropout is None else end.dropout.draw()
            return linear(x, self.weight, self.bias, relu, drop, end.onto)
        found = super().forward(x)
        return end(F.relu(found) if relu else found)
