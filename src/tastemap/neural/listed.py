"""Scores of a list of items for each state of a network, as torch sees them."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from tastemap.kernels.listed import listed_scores, listed_slopes
from tastemap.neural.attended import as_numpy
from tastemap.shapes import Float, Int


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
        listed_scores(*as_numpy(states, vectors, lists, scores))
        return scores

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor, Tensor, None]:
        states, vectors, lists = ctx.saved_tensors
        found = torch.zeros(states.shape), torch.zeros(vectors.shape)
        listed_slopes(*as_numpy(slopes[0], states, vectors, lists, *found))
        return *found, None
