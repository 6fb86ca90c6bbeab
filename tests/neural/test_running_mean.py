"""The running mean of weights, against the sum written out."""

import pytest
import torch

from tastemap.neural.running_mean import RunningMean


def walked(decay):
    """A network of one number that walks 0, 1, 2, ..., 20, and its running mean."""
    network = torch.nn.Linear(1, 1, bias=False)
    with torch.no_grad():
        network.weight.fill_(0.0)
    mean = RunningMean(network, decay)
    for step in range(1, 21):
        with torch.no_grad():
            network.weight.fill_(float(step))
        mean.step()
    return network, mean


@pytest.mark.parametrize("decay", [0.3, 0.9])
def test_shows_the_mean_and_hides_it_again(decay):
    expected = 0.0
    for step in range(1, 21):
        kept = min(decay, (1 + step) / (10 + step))
        expected = kept * expected + (1 - kept) * step
    network, mean = walked(decay)
    assert network.weight.item() == 20
    mean.show()
    mean.show()
    assert network.weight.item() == pytest.approx(expected, rel=1e-5)
    mean.hide()
    assert network.weight.item() == 20


def test_of_decay_0_is_the_weights_themselves():
    network, mean = walked(0.0)
    mean.show()
    assert network.weight.item() == 20
