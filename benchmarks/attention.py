"""Attention forth and back on one thread: our kernel against torch's fused attention, in turns.

    python benchmarks/attention.py

torch's side adds the bias of the layer before, cuts the heads out of one matrix, and its gradient
puts them back. A table on the terminal; no page is written.
"""

import time

import numpy as np
import torch
import torch.nn.functional as F

from tastemap.neural.layers import by_head, distances
from tastemap.neural.operations import attention

HISTORIES, FACTORS, HEADS, TURNS = 64, 64, 2, 15


def fused(inputs, shift, starts, bias):
    """The same by torch; no padding here."""
    rows, length, wide = inputs.shape
    inputs = inputs + shift
    queries, keys, values = by_head(inputs, 3, HEADS)
    mask = None
    if bias.shape[1]:
        past = torch.ones(length, length, dtype=torch.bool).tril()
        mask = bias[:, distances(length)].masked_fill(~past, -torch.inf)
    mixed = F.scaled_dot_product_attention(
        queries, keys, values, attn_mask=mask, is_causal=mask is None
    )
    return mixed.transpose(1, 2).reshape(rows, length, wide // 3)


def seconds(way, inputs, shift, starts, bias, slopes) -> float:
    """One way forth and back."""
    start = time.perf_counter()
    of = inputs, shift, bias
    torch.autograd.grad(way(inputs, shift, starts, bias), of, slopes, allow_unused=True)
    return time.perf_counter() - start


def main() -> None:
    """Time all cases."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    starts = torch.zeros(HISTORIES, dtype=torch.int64)
    print(f"torch {torch.__version__}, {HISTORIES} histories, {FACTORS} factors, {HEADS} heads")
    for length in (50, 200):
        for with_bias in (False, True):
            inputs = torch.randn(HISTORIES, length, 3 * FACTORS, requires_grad=True)
            shift = torch.randn(3 * FACTORS, requires_grad=True)
            bias = torch.randn(HEADS, length if with_bias else 0, requires_grad=True)
            slopes = torch.randn(HISTORIES, length, FACTORS)
            given = inputs, shift, starts, bias, slopes
            found = [[seconds(way, *given) for way in (attention, fused)] for _ in range(TURNS)]
            ours, theirs = np.median(found[1:], axis=0) * 1e3
            ratios = np.divide(*np.transpose(found[1:])[::-1])
            print(
                f"{length} events, {'a' if with_bias else 'no'} bias: {ours:.1f} ms, torch's "
                f"{theirs:.1f} ms, {np.median(ratios):.2f} x ({ratios.min():.2f} to "
                f"{ratios.max():.2f})"
            )


if __name__ == "__main__":
    main()
