"""The layers of the SASRec family, in reading order: embed, mix over time, transform, repeat.

A batch of histories is a matrix of items, padded on the left: row r is (0, 0, i1, i2, ..., in),
items are their code + 1, and the last column is the newest. An encoder turns it into hidden states
of the same shape plus d; the state at a place knows that item and those before it, and is compared
with item vectors to tell what comes next.

Padding costs little (batches hold histories of like length) and counts for nothing: no state
attends to it, its vector is zero and stays zero.
"""

import math
from functools import cached_property
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tastemap.errors import InputError
from tastemap.neural.operations import attention
from tastemap.neural.steps import PLAIN, Dropout, End, Linear
from tastemap.shapes import Bool, Float, Int

if TYPE_CHECKING:
    from tastemap.neural.sasrec import SASRec

START = 0.02
"""Standard deviation of all vectors and matrices at the start, as in BERT and its heirs."""
TIME_BUCKETS = 32
"""Gaps between two events: bucket b holds those of 2^b seconds or less; the last is unknown."""


class Encoder(nn.Module):
    """Hidden states of histories: embeddings, then the blocks, then a last normalisation."""

    def __init__(self, recipe: "SASRec", n_items: int) -> None:
        super().__init__()
        d = recipe.factors
        self.max_len = recipe.max_len
        self.items = nn.Embedding(n_items + 1, d, padding_idx=0)
        # A vector for each age, 0 being the newest place; none where mixers know how far back.
        self.ages = nn.Embedding(recipe.max_len, d) if recipe.positions == "ages" else None
        self.outputs = None if recipe.tied else nn.Embedding(n_items, d)
        self.dropout = Dropout(recipe.dropout)
        self.embedded = nn.Identity() if recipe.norm_first else Norm(recipe.norm, d)
        self.blocks = nn.ModuleList(Block(recipe) for _ in range(recipe.blocks))
        self.last = Norm(recipe.norm, d) if recipe.norm_first else nn.Identity()
        self.apply(_start)
        with torch.no_grad():
            self.items.weight[0] = 0

    def forward(
        self, items: Int[Tensor, "rows len"], times: Int[Tensor, "rows len"] | None = None
    ) -> Float[Tensor, "rows len d"]:
        """States at every place; those at padding mean nothing."""
        there = items > 0
        x = self.items(items)
        if self.ages is not None:
            x = x + self.ages(torch.arange(items.shape[1] - 1, -1, -1, device=items.device))
        x = self.dropout(_norm(self.embedded, x, there))
        context = Context(there, times)
        for block in self.blocks:
            x = block(x, context)
        return _norm(self.last, x, there)

    def item_vectors(self) -> Float[Tensor, "items d"]:
        """What states are compared with: the embeddings themselves where tied."""
        return self.items.weight[1:] if self.outputs is None else self.outputs.weight


class Context:
    """What all blocks of a pass share: where items are, who may see whom, how long ago it was."""

    def __init__(
        self, there: Bool[Tensor, "rows len"], times: Int[Tensor, "rows len"] | None
    ) -> None:
        self.there, self.times = there, times
        self.starts = (~there).sum(dim=1)  # the first place of each row that is no padding

    @cached_property
    def full(self) -> bool:
        """Whether nothing is padded."""
        return bool(self.there.all())

    @cached_property
    def visible(self) -> Bool[Tensor, "... len len"]:
        """(len, len), the past, where nothing is padded; else (rows, 1, len, len), without that."""
        length = self.there.shape[1]
        past = torch.ones(length, length, dtype=torch.bool, device=self.there.device).tril()
        return past if self.full else past & self.there[:, None, None, :]

    @cached_property
    def mask(self) -> Bool[Tensor, "... len len"]:
        """The same, where a padded place sees itself alone: a softmax over nothing is NaN."""
        length = self.there.shape[1]
        return self.visible | torch.eye(length, dtype=torch.bool, device=self.there.device)


class Block(nn.Module):
    """One block: mix over time, then transform each place; both with a residual.

    Before each part ("pre") or after its residual ("post") stands a normalisation. With `gate`,
    a part is let through as far as a sigmoid of the block's input says (LiGR, as in eSASRec).
    """

    def __init__(self, recipe: "SASRec") -> None:
        super().__init__()
        d = recipe.factors
        self.pre_norm = recipe.norm_first
        mixers = {"softmax": Attention, "pointwise": Pointwise, "filter": Filter, "both": Both}
        parts: list[nn.Module] = [mixers[recipe.mixer](recipe)]
        if recipe.feed_forward != "none":
            parts.append(FeedForward(recipe))
        self.parts = nn.ModuleList(parts)
        self.norms = nn.ModuleList(Norm(recipe.norm, d) for _ in parts)
        self.gates = nn.ModuleList(Linear(d, d) for _ in parts) if recipe.gate else None
        self.dropout = Dropout(recipe.dropout)

    def forward(self, x: Float[Tensor, "rows len d"], context: Context) -> Tensor:
        """The block's output, of the shape of its input."""
        for place, (part, norm) in enumerate(zip(self.parts, self.norms, strict=True)):
            inner = norm(x, context.there) if self.pre_norm else x
            if self.gates is None:
                x = part(inner, context, End(self.dropout, x))
            else:
                found = part(inner, context, End(self.dropout))
                x = x + found * torch.sigmoid(self.gates[place](x))
            if not self.pre_norm:
                x = norm(x, context.there)
        return x


class Norm(nn.Module):
    """Normalisation of each place ("layer", "rms"), or over all true places of a batch ("batch").

    LayerNorm has a learnable scale and shift, and eps 1e-12 as in the reference code. BatchNorm
    mixes people with each other and past with future: it is here to compare with.
    """

    def __init__(self, kind: str, d: int) -> None:
        super().__init__()
        self.kind = kind
        self.norm: nn.Module = {
            "layer": lambda: nn.LayerNorm(d, eps=1e-12),
            "rms": lambda: nn.RMSNorm(d, eps=1e-6),
            "batch": lambda: nn.BatchNorm1d(d),
        }[kind]()

    def forward(self, x: Float[Tensor, "rows len d"], there: Bool[Tensor, "rows len"]) -> Tensor:
        """The normalised states."""
        if self.kind != "batch":
            return self.norm(x)
        if self.training and int(there.sum()) < 2:
            raise InputError(
                "a batch with one event and norm='batch'",
                "batches of two events or more: the variance of one is 0",
                "pass a larger batch_size, or norm='layer'",
            )
        out = torch.zeros_like(x)
        out[there] = self.norm(x[there])
        return out


class Attention(nn.Module):
    """Causal softmax attention: on a CPU by our own kernel, on a GPU by torch's fused one.

    With positions "back" a learned number for each head and distance is added to the scores: the
    layer then sees the past alike from every place, so that training on all places of a history at
    once is training on each of its prefixes.
    """

    def __init__(self, recipe: "SASRec") -> None:
        super().__init__()
        d = recipe.factors
        self.heads, self.dropout = recipe.heads, Dropout(recipe.attention_dropout)
        self.inputs = Linear(d, 3 * d)
        self.output = Linear(d, d)
        back = recipe.positions == "back"
        self.back = nn.Parameter(torch.zeros(recipe.heads, recipe.max_len)) if back else None

    def forward(self, x: Float[Tensor, "rows len d"], context: Context, end: End = PLAIN) -> Tensor:
        """What each place takes from itself and those before it."""
        rows, length, d = x.shape
        drops = self.training and self.dropout.share
        if x.device.type == "cpu" and not drops:
            bias = x.new_zeros(self.heads, 0) if self.back is None else self.back
            inputs = F.linear(x, self.inputs.weight)
            mixed = attention(inputs, self.inputs.bias, context.starts, bias)
            return self.output(mixed, end=end)
        inputs = self.inputs(x)
        hidden = ~context.mask
        bias = None if self.back is None else self.back[:, distances(length)]  # (heads, len, len)
        queries, keys, values = by_head(inputs, 3, self.heads)
        if drops:  # torch's would draw from its own state
            scores = queries @ keys.transpose(2, 3) / (d // self.heads) ** 0.5
            scores = scores if bias is None else scores + bias
            weights = scores.masked_fill(hidden, -math.inf).softmax(dim=3)
            mixed = self.dropout(weights) @ values
        else:
            causal = context.full and bias is None
            mask = context.mask if bias is None else bias.masked_fill(hidden, -math.inf)
            mixed = F.scaled_dot_product_attention(
                queries, keys, values, attn_mask=None if causal else mask, is_causal=causal
            )
        mixed = mixed.transpose(1, 2).reshape(rows, length, d)
        return self.output(mixed, end=end)


class Pointwise(nn.Module):
    """Attention of HSTU: silu instead of softmax, biases of place and time, a gate of its own.

    a_ij = silu(q_i . k_j + p(i - j) + t(gap)) / max_len, so that how often something was used
    survives, which a softmax divides away. The gap is that between the two events, never that to
    the target. Source: Zhai et al., "Actions Speak Louder than Words", ICML 2024.
    """

    def __init__(self, recipe: "SASRec") -> None:
        super().__init__()
        d = recipe.factors
        self.heads, self.max_len = recipe.heads, recipe.max_len
        self.inputs = Linear(d, 4 * d)
        self.output = Linear(d, d)
        self.norm = nn.LayerNorm(d)
        self.dropout = Dropout(recipe.attention_dropout)
        self.places = nn.Parameter(torch.zeros(recipe.heads, recipe.max_len))
        self.gaps = nn.Parameter(torch.zeros(recipe.heads, TIME_BUCKETS))

    def forward(self, x: Float[Tensor, "rows len d"], context: Context, end: End = PLAIN) -> Tensor:
        """What each place takes from itself and those before it."""
        rows, length, d = x.shape
        gate, values, queries, keys = by_head(F.silu(self.inputs(x)), 4, self.heads)
        scores = queries @ keys.transpose(2, 3) + self._bias(length, context)
        weights = F.silu(scores) / self.max_len * context.visible
        mixed = (self.dropout(weights) @ values).transpose(1, 2).reshape(rows, length, d)
        gated = self.norm(mixed) * gate.transpose(1, 2).reshape(rows, length, d)
        return self.output(gated, end=end)

    def _bias(self, length: int, context: Context) -> Tensor:
        """(heads, len, len) of places, plus (rows, heads, len, len) of times where known."""
        bias = self.places[:, distances(length)]
        if context.times is None:
            return bias
        between = (context.times[:, :, None] - context.times[:, None, :]).clamp(min=1)
        bucket = between.double().log2().ceil().long().clamp(max=TIME_BUCKETS - 1)
        return bias + self.gaps[:, bucket].transpose(0, 1)


class Filter(nn.Module):
    """A learnable frequency filter: a causal convolution by FFT, one kernel a dimension.

    FMLP-Rec multiplies the spectrum of the whole history, which lets the future into the past;
    here the kernel has past taps alone, so that every place may be trained on. As in BSARec the
    output is the low part plus a learned share of the rest: it starts as a moving average that
    forgets. Sources: Zhou et al., WWW 2022; Shin et al., AAAI 2024.
    """

    def __init__(self, recipe: "SASRec") -> None:
        super().__init__()
        forgets = 0.5 ** torch.arange(recipe.max_len, dtype=torch.float32)[:, None]
        self.taps = nn.Parameter((forgets / forgets.sum()).repeat(1, recipe.factors))
        self.high = nn.Parameter(torch.randn(1, 1, recipe.factors) * START)

    def forward(self, x: Float[Tensor, "rows len d"], context: Context, end: End = PLAIN) -> Tensor:
        """The filtered history."""
        length = x.shape[1]
        x = x * context.there[:, :, None]
        whole = 2 * length  # room for the taps: nothing wraps around
        spectrum = torch.fft.rfft(x, whole, dim=1) * torch.fft.rfft(
            self.taps[:length], whole, dim=0
        )
        low = torch.fft.irfft(spectrum, whole, dim=1)[:, :length]
        return end(low + self.high**2 * (x - low))


class Both(nn.Module):
    """A fixed share of the frequency filter, the rest attention (BSARec)."""

    def __init__(self, recipe: "SASRec") -> None:
        super().__init__()
        self.share = recipe.filter_share
        self.filter, self.attention = Filter(recipe), Attention(recipe)

    def forward(self, x: Float[Tensor, "rows len d"], context: Context, end: End = PLAIN) -> Tensor:
        """The weighted sum of both."""
        filtered, attended = self.filter(x, context), self.attention(x, context)
        return end(self.share * filtered + (1 - self.share) * attended)


class FeedForward(nn.Module):
    """Two matrices with a bend between them; of "swiglu" the bend is a gate (Shazeer 2020)."""

    def __init__(self, recipe: "SASRec") -> None:
        super().__init__()
        d, wide = recipe.factors, recipe.expansion * recipe.factors
        self.kind = recipe.feed_forward
        self.inner = Linear(d, 2 * wide if self.kind == "swiglu" else wide)
        self.outer = Linear(wide, d)
        self.dropout = Dropout(recipe.dropout)

    def forward(self, x: Float[Tensor, "rows len d"], context: Context, end: End = PLAIN) -> Tensor:
        """Each place by itself."""
        if self.kind == "relu":
            return self.outer(self.inner(x, relu=True, end=End(self.dropout)), end=end)
        if self.kind == "swiglu":
            gate, value = self.inner(x).chunk(2, dim=2)
            inner = F.silu(gate) * value
        else:
            inner = F.gelu(self.inner(x))
        return self.outer(self.dropout(inner), end=end)


def by_head(x: Float[Tensor, "rows len wide"], n: int, heads: int) -> list[Tensor]:
    """Columns as n tensors of shape (rows, heads, len, d / heads).

    Cut first and viewed then, so that gradients are put side by side in one copy; `view` of all
    and `unbind` took three.
    """
    return [part.unflatten(2, (heads, -1)).transpose(1, 2) for part in x.chunk(n, dim=2)]


def distances(length: int) -> Int[Tensor, "len len"]:
    """How far back each place lies from each; 0 for later ones."""
    place = torch.arange(length)
    return (place[:, None] - place[None, :]).clamp(min=0)


def _norm(layer: nn.Module, x: Tensor, there: Tensor) -> Tensor:
    return layer(x, there) if isinstance(layer, Norm) else x


def _start(module: nn.Module) -> None:
    """Small random matrices, biases of zero."""
    if isinstance(module, nn.Linear | nn.Embedding):
        nn.init.normal_(module.weight, std=START)
    if isinstance(module, nn.Linear) and module.bias is not None:
        nn.init.zeros_(module.bias)


def arrays_of(module: nn.Module) -> dict[str, Any]:
    """Copies of all weights as NumPy arrays, by name."""
    return {name: t.detach().cpu().numpy().copy() for name, t in module.state_dict().items()}
