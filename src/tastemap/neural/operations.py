"""Kernels as operations of torch on a CPU: the way forth, and the way back for gradients."""

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from tastemap.kernels import dropout
from tastemap.kernels.attention import attended, attended_slopes
from tastemap.kernels.listed import listed_scores, listed_slopes
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
        attended(*_numpy(inputs, starts, bias), len(bias), out.numpy())
        return out

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor, None, Tensor]:
        inputs, starts, bias = ctx.saved_tensors
        found = torch.empty(inputs.shape), torch.zeros(bias.shape)
        given = _numpy(inputs, starts, bias, slopes[0])
        attended_slopes(*given[:3], len(bias), given[3], *_numpy(*found))
        return found[0], None, found[1]


def listed(
    states: Float[Tensor, "n d"], vectors: Float[Tensor, "items d"], lists: Int[Tensor, "n m"]
) -> Float[Tensor, "n m"]:
    """Scores of each state's own list of items; on a CPU by our own kernel."""
    if states.device.type == "cpu":
        return _Listed.apply(states, vectors, lists)
    return (F.embedding(lists, vectors) * states[:, None]).sum(dim=2)


class _Listed(torch.autograd.Function):
    """The kernel, and its gradient."""

    @staticmethod
    def forward(
        ctx: Any,
        states: Float[Tensor, "n d"],
        vectors: Float[Tensor, "items d"],
        lists: Int[Tensor, "n m"],
    ) -> Float[Tensor, "n m"]:
        ctx.save_for_backward(states, vectors, lists)
        scores = torch.empty(lists.shape)
        listed_scores(*_numpy(states, vectors, lists, scores))
        return scores

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor, Tensor, None]:
        states, vectors, lists = ctx.saved_tensors
        found = torch.zeros(states.shape), torch.zeros(vectors.shape)
        listed_slopes(*_numpy(slopes[0], states, vectors, lists, *found))
        return *found, None


def dropped(x: Float[Tensor, "*shape"], key: int, level: int) -> Float[Tensor, "*shape"]:
    """Zeros instead of level / 256 of the numbers, drawn from the key; the others scaled up."""
    return _Dropped.apply(x, key, level)


class _Dropped(torch.autograd.Function):
    """The kernel, and its gradient: the same draws, from the same key."""

    @staticmethod
    def forward(ctx: Any, x: Float[Tensor, "*shape"], key: int, level: int) -> Tensor:
        ctx.draws = key, level
        out = torch.empty(x.shape)
        scale = np.float32(256 / (256 - level))
        flat = _numpy(x)[0].reshape(-1)
        dropout.dropped(flat, np.uint64(key), np.uint8(level), scale, out.view(-1).numpy())
        return out

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor, None, None]:
        return _Dropped.apply(slopes[0], *ctx.draws), None, None


def _numpy(*tensors: Tensor) -> list[np.ndarray]:
    """Their numbers, side by side in memory, without history."""
    return [tensor.detach().contiguous().numpy() for tensor in tensors]
