"""What no network of the family may do: look ahead, attend to padding, learn a padding vector."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from tastemap.errors import InputError
from tastemap.neural.layers import Context, Encoder, Norm
from tastemap.neural.sasrec import SASRec
from tastemap.neural.steps import Dropout, End, Linear

SMALL = {"factors": 8, "blocks": 2, "heads": 2, "max_len": 9, "dropout": 0.0}
VARIANTS = {
    "sasrec": {},
    "post": {"norm_first": False},
    "rms": {"norm": "rms"},
    "ligr": {"gate": True, "feed_forward": "swiglu"},
    "hstu": {"mixer": "pointwise", "feed_forward": "none"},
    "filter": {"mixer": "filter", "feed_forward": "relu"},
    "both": {"mixer": "both", "norm_first": False},
    "untied": {"tied": False},
    "back": {"positions": "back"},
}
each_variant = pytest.mark.parametrize("options", VARIANTS.values(), ids=VARIANTS)


def network(options, items=20):
    torch.manual_seed(3)
    made = Encoder(SASRec(**SMALL, **options), items).eval()
    for parameter in made.parameters():  # larger than at the start, so that everything matters
        parameter.data.add_(torch.randn_like(parameter) * 0.3)
    made.items.weight.data[0] = 0
    return made


def padded(rows, width):
    return torch.tensor([[0] * (width - len(row)) + row for row in rows])


@each_variant
def test_a_later_item_changes_no_earlier_state(options):
    encoder = network(options)
    items = padded([[3, 7, 1, 4, 9], [2, 5, 6]], 6)
    times = torch.tensor([[0, 10, 20, 500, 600, 9000], [0, 0, 0, 1, 2, 3]])
    before = encoder(items, times)
    changed = items.clone()
    changed[:, -1] = 11
    later = times.clone()
    later[:, -1] += 10**6
    after = encoder(changed, later)
    torch.testing.assert_close(before[:, :-1][items[:, :-1] > 0], after[:, :-1][items[:, :-1] > 0])
    assert not torch.allclose(before[:, -1], after[:, -1], atol=1e-3)


@each_variant
def test_more_padding_changes_nothing(options):
    encoder = network(options)
    rows = [[3, 7, 1, 4], [2, 5]]
    times = [[100, 200, 205, 9000], [5, 7]]
    narrow = encoder(padded(rows, 4), padded(times, 4))
    wide = encoder(padded(rows, 9), padded(times, 9))
    torch.testing.assert_close(narrow[0], wide[0, -4:])
    torch.testing.assert_close(narrow[1, -2:], wide[1, -2:])


@each_variant
def test_a_history_alone_has_the_states_that_it_has_in_a_batch(options):
    encoder = network(options)
    together = encoder(padded([[3, 7, 1, 4], [2, 5]], 4))
    torch.testing.assert_close(together[1, -2:], encoder(padded([[2, 5]], 2))[0])


@each_variant
def test_the_order_of_the_past_matters(options):
    encoder = network(options)
    ab, ba = encoder(padded([[3, 7, 1]], 3)), encoder(padded([[7, 3, 1]], 3))
    assert not torch.allclose(ab[0, -1], ba[0, -1], atol=1e-3)


def test_times_matter_to_pointwise_attention_alone():
    items, times = padded([[3, 7, 1, 4]], 4), torch.tensor([[0, 10, 10**5, 10**6]])
    for name, differs in (("hstu", True), ("sasrec", False)):
        encoder = network(VARIANTS[name])
        assert torch.allclose(encoder(items), encoder(items, times), atol=1e-4) != differs


def test_softmax_attention_is_the_textbook_sum():
    encoder = network({})
    x = torch.randn(1, 5, 8)
    there = torch.ones(1, 5, dtype=torch.bool)
    attention = encoder.blocks[0].parts[0]
    q, k, v = (part.view(5, 2, 4) for part in attention.inputs(x)[0].chunk(3, dim=1))
    expected = torch.zeros(5, 2, 4)
    for i in range(5):
        for head in range(2):
            weights = torch.softmax(k[: i + 1, head] @ q[i, head] / 2.0, dim=0)  # sqrt(4)
            expected[i, head] = weights @ v[: i + 1, head]
    expected = attention.output(expected.reshape(5, 8))
    torch.testing.assert_close(attention(x, Context(there, None))[0], expected)


def test_the_filter_is_a_causal_convolution():
    encoder = network({"mixer": "filter"})
    layer = encoder.blocks[0].parts[0]
    x = torch.randn(1, 6, 8)
    low = torch.zeros(6, 8)
    for t in range(6):
        for back in range(t + 1):
            low[t] += layer.taps[back] * x[0, t - back]
    expected = low + layer.high[0] ** 2 * (x[0] - low)
    found = layer(x, Context(torch.ones(1, 6, dtype=torch.bool), None))[0]
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_batch_normalisation_leaves_padding_out_and_refuses_a_batch_of_one():
    norm = Norm("batch", 4).train()
    x = torch.randn(2, 3, 4)
    there = torch.tensor([[False, True, True], [True, True, True]])
    found = norm(x, there)[there]
    assert found.mean(dim=0).abs().max() < 1e-6
    assert (found.std(dim=0, unbiased=False) - 1).abs().max() < 1e-3
    with pytest.raises(InputError, match="a batch with one event"):
        norm(x[:1, :1], torch.ones(1, 1, dtype=torch.bool))


def test_layer_normalisation_has_a_learnable_scale_and_shift_and_the_epsilon_of_the_reference():
    norm = Norm("layer", 4).norm
    assert norm.eps == 1e-12
    assert norm.weight.requires_grad
    assert norm.bias.requires_grad


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_dropout_sets_its_share_to_zero_and_keeps_the_mean(share):
    torch.manual_seed(0)
    layer = Dropout(share).train()
    x = torch.ones(300, 40, 10, requires_grad=True)
    found = layer(x)
    assert (found == 0).float().mean().item() == pytest.approx(share, abs=0.005)
    assert found.mean().item() == pytest.approx(1, abs=0.01 / (1 - share))
    found.sum().backward()
    torch.testing.assert_close(x.grad, found.detach())  # what is dropped has no gradient
    rows = (found == 0).float().mean(dim=(1, 2))
    assert rows.std() < 1.3 * (share * (1 - share) / 400) ** 0.5  # no pattern along an axis
    assert layer.eval()(x) is x


@pytest.mark.parametrize(("relu", "added"), [(False, False), (True, False), (False, True)])
def test_a_matrix_and_what_follows_it_is_each_of_them_in_turn_with_its_gradient(relu, added):
    torch.manual_seed(0)
    layer, dropout = Linear(6, 5), Dropout(0.3).train()
    x, onto = torch.randn(4, 7, 6, requires_grad=True), torch.randn(4, 7, 5, requires_grad=True)
    nn.init.normal_(layer.bias)
    torch.manual_seed(1)
    found = layer(x, relu=relu, end=End(dropout, onto if added else None))
    plain = F.linear(x, layer.weight, layer.bias)
    torch.manual_seed(1)  # the same draws
    expected = dropout(plain.relu() if relu else plain) + (onto if added else 0)
    torch.testing.assert_close(found, expected)
    assert (expected == 0).any() or added
    of = [x, layer.weight, layer.bias, *([onto] if added else [])]
    slopes = torch.randn(found.shape)
    for ours, theirs in zip(
        *(torch.autograd.grad(y, of, slopes) for y in (found, expected)), strict=True
    ):
        torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("positions", ["ages", "back"])
@pytest.mark.parametrize("row", [[3, 7, 1, 4, 9], [3, 7]], ids=["full", "padded"])
def test_attention_that_drops_weights_is_the_fused_one_where_none_fall(positions, row):
    encoder = network({"positions": positions, "attention_dropout": 0.001})  # rounded to 0 of 256
    rows = padded([[2, 5, 6, 8, 10], row], 5)
    torch.testing.assert_close(
        encoder.train()(rows)[rows > 0], encoder.eval()(rows)[rows > 0], rtol=1e-4, atol=1e-5
    )


def test_with_distances_every_place_sees_its_past_as_a_prefix_by_itself():
    encoder = network({"positions": "back", "mixer": "both"})
    row = [3, 7, 1, 4, 9]
    whole = encoder(padded([row], 5))[0]
    for end in range(1, 6):
        torch.testing.assert_close(whole[end - 1], encoder(padded([row[:end]], end))[0, -1])
    ages = network({"mixer": "both"})
    whole = ages(padded([row], 5))[0]
    assert not torch.allclose(whole[1], ages(padded([row[:2]], 2))[0, -1], atol=1e-3)
