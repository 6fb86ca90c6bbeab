"""Causal softmax attention on a CPU by our own kernel, as an operation of torch."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from tastemap.kernels.attention import attended, attended_slopes
from tastemap.shapes import Float, Int


def attention(
    inputs: Float[Tensor, "rows len wide"],
    starts: Int[Tensor, " rows"],
    bias: Float[Tensor, "heads distances"],
) -> Float[Tensor, "rows len d"]:
    """What each place takes from itself and those before it, head after head.

    Parameters
    ----------
    inputs
        Queries, keys and values side by side; wide = 3 d.
    starts
        The first place of each row that is no padding.
    bias
        What is added to scores at each distance; (heads, 0): nothing.
    """
    return _Attended.apply(inputs, starts, bias)


class _Attended(torch.autograd.Function):
    """The kernel, and its gradient."""

    @staticmethod
    def forward(
        ctx: Any,
        inputs: Float[Tensor, "rows len wide"],
        starts: Int[Tensor, " rows"],
        bias: Float[Tensor, "heads distances"],
    ) -> Float[Tensor, "rows len d"]:
        ctx.save_for_backward(inputs, starts, bias)
        rows, length, wide = inputs.shape
        out = torch.empty(rows, length, wide // 3)
        attended(*as_numpy(inputs, starts, bias), len(bias), out.numpy())
        return out

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor, None, Tensor]:
        inputs, starts, bias = ctx.saved_tensors
        found = torch.empty(inputs.shape), torch.zeros(bias.shape)
        given = as_numpy(inputs, starts, bias, slopes[0])
        attended_slopes(*given[:3], len(bias), given[3], *as_numpy(*found))
        return found[0], None, found[1]


def as_numpy(*tensors: Tensor) -> list[np.ndarray]:
    """Their numbers, side by side in memory, without history."""
    return [tensor.detach().contiguous().numpy() for tensor in tensors]
