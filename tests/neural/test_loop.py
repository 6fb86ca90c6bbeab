"""The sum of the gradients of a batch's parts."""

from itertools import permutations

import torch

from tastemap.neural.loop import _Total


def test_gradients_are_added_in_the_order_of_the_parts_whoever_is_done_first():
    # 1e8 + 1 - 1e8 in float32 is 0 in this order, and 1 in another.
    parts = [1e8, 1.0, -1e8]
    for order in permutations(range(3)):
        total = _Total(2)
        for part in order:
            total.add(part, [torch.tensor([parts[part]]), None])
        assert total.waiting == {}
        assert total.slopes[0].item() == 0.0
        assert total.slopes[1] is None
