"""A running mean of a network's weights: what is judged and kept where steps are noisy."""

import torch
from torch import nn


class RunningMean:
    """mean <- decay mean + (1 - decay) weights, after every step.

    The first steps are soon forgotten: step t counts with min(decay, (1 + t) / (10 + t)). Sources:
    Polyak & Juditsky, SIAM J. Control and Optimization 1992; the ramp is that of TensorFlow's
    ExponentialMovingAverage.

    Parameters
    ----------
    network
        Whose parameters are averaged. It trains with the weights themselves and is judged with
        their mean: `show` and `hide` exchange the two in place.
    decay
        From 0, where the mean is the weights, to below 1.

    `hidden` holds, by name, whichever of the two is not in the network.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.network, self.decay, self.steps, self.shown = network, decay, 0, False
        self.hidden = (
            {n: p.detach().clone() for n, p in network.named_parameters()} if decay else {}
        )

    def step(self) -> None:
        """Take the weights as they are now into the mean."""
        if not self.decay:
            return
        self.steps += 1
        share = 1 - min(self.decay, (1 + self.steps) / (10 + self.steps))
        for name, parameter in self.network.named_parameters():
            self.hidden[name].lerp_(parameter.detach(), share)

    def show(self) -> None:
        """Put the mean into the network."""
        self._exchange(to=True)

    def hide(self) -> None:
        """Put the weights themselves back."""
        self._exchange(to=False)

    def _exchange(self, to: bool) -> None:
        if self.shown == to or not self.decay:
            return
        with torch.no_grad():
            for name, parameter in self.network.named_parameters():
                kept = parameter.detach().clone()
                parameter.copy_(self.hidden[name])
                self.hidden[name] = kept
        self.shown = to
