"""Kernels as operations of torch on a CPU: the way forth, and the way back for gradients."""

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from tastemap.kernels import dropout
from tastemap.kernels.attention import attended, attended_slopes
from tastemap.kernels.finish import finished, finished_slopes
from tastemap.kernels.listed import listed_scores, listed_slopes
from tastemap.shapes import Float, Int


def linear(
    x: Float[Tensor, "*rows d"],
    weight: Float[Tensor, "wide d"],
    bias: Float[Tensor, " wide"],
    relu: bool = False,
    drop: tuple[int, int] = (0, 0),
    onto: Float[Tensor, "*rows wide"] | None = None,
) -> Float[Tensor, "*rows wide"]:
    """onto + dropout(relu(x W^T + b)): a product, and all that follows it in one pass.

    Parameters
    ----------
    x, weight, bias
        As in `torch.nn.functional.linear`.
    relu
        Whether there is one; not together with `onto`.
    drop
        Key and level of `dropped`; level 0: no dropout.
    onto
        What the result is added to, or None.
    """
    assert onto is None or not relu
    return _Linear.apply(x, weight, bias, relu, drop, onto)


class _Linear(torch.autograd.Function):
    """torch's product, then the kernel in place; and the gradient."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Float[Tensor, "*rows d"],
        weight: Float[Tensor, "wide d"],
        bias: Float[Tensor, " wide"],
        relu: bool,
        drop: tuple[int, int],
        onto: Float[Tensor, "*rows wide"] | None,
    ) -> Float[Tensor, "*rows wide"]:
        out = x.reshape(-1, x.shape[-1]) @ weight.T
        added = out[:0] if onto is None else onto.reshape(out.shape)
        key, level = drop
        finished(out.numpy(), *_numpy(bias), relu, np.uint64(key), np.uint8(level), *_numpy(added))
        nothing = out.new_empty(0, 0)  # a view of `out` would keep it alive
        ctx.save_for_backward(x, weight, out if relu else nothing)
        ctx.drop, ctx.added = drop, onto is not None
        return out.view(*x.shape[:-1], -1)

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, kept = ctx.saved_tensors
        flat = slopes[0].reshape(-1, len(weight))
        key, level = ctx.drop
        if level or len(kept):
            found, to_bias = torch.empty(flat.shape), torch.zeros(len(weight))
            draws = np.uint64(key), np.uint8(level)
            finished_slopes(*_numpy(flat, kept), *draws, *_numpy(found, to_bias))
        else:
            found, to_bias = flat, flat.sum(dim=0)
        to_x = (found @ weight).view(x.shape)
        to_weight = found.T @ x.reshape(-1, x.shape[-1])
        return to_x, to_weight, to_bias, None, None, slopes[0] if ctx.added else None


def attention(
    inputs: Float[Tensor, "rows len wide"],
    shift: Float[Tensor, " wide"],
    starts: Int[Tensor, " rows"],
    bias: Float[Tensor, "heads distances"],
) -> Float[Tensor, "rows len d"]:
    """What each place takes from itself and those before it, head after head.

    Parameters
    ----------
    inputs
        Queries, keys and values side by side; wide = 3 d.
    shift
        Added to the inputs of each place first.
    starts
        The first place of each row that is no padding.
    bias
        What is added to scores at each distance; (heads, 0): nothing.
    """
    return _Attended.apply(inputs, shift, starts, bias)


class _Attended(torch.autograd.Function):
    """The kernel, and its gradient."""

    @staticmethod
    def forward(
        ctx: Any,
        inputs: Float[Tensor, "rows len wide"],
        shift: Float[Tensor, " wide"],
        starts: Int[Tensor, " rows"],
        bias: Float[Tensor, "heads distances"],
    ) -> Float[Tensor, "rows len d"]:
        ctx.save_for_backward(inputs, shift, starts, bias)
        rows, length, wide = inputs.shape
        out = torch.empty(rows, length, wide // 3)
        attended(*_numpy(inputs, shift, starts, bias), len(bias), out.numpy())
        return out

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor, Tensor, None, Tensor]:
        inputs, shift, starts, bias = ctx.saved_tensors
        found = torch.empty(inputs.shape), torch.zeros(shift.shape), torch.zeros(bias.shape)
        given = _numpy(inputs, shift, starts, bias)
        attended_slopes(*given, len(bias), *_numpy(slopes[0], *found))
        return found[0], found[1], None, found[2]


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
        flat = _numpy(x)[0].reshape(-1)
        dropout.dropped(flat, np.uint64(key), np.uint8(level), out.view(-1).numpy())
        return out

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor, None, None]:
        return _Dropped.apply(slopes[0], *ctx.draws), None, None


def _numpy(*tensors: Tensor) -> list[np.ndarray]:
    """Their numbers, side by side in memory, without history."""
    return [tensor.detach().contiguous().numpy() for tensor in tensors]
