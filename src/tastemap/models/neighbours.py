"""Item neighbourhoods: ItemKNN (shared users) and RP3beta (a random walk of three steps)."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from tastemap.contracts import Recipe
from tastemap.data.interactions import Interactions
from tastemap.kernels.topk import top_k
from tastemap.models.item_to_item import ItemToItemModel
from tastemap.recommend import tie_order
from tastemap.shapes import Float64
from tastemap.training import Monitor

BLOCK = 512
"""Columns of the (items, items) product that are dense at a time."""


@dataclass(frozen=True)
class ItemKNN(Recipe):
    """An item is as good as its likeness to what the user used.

    The likeness of items i and j is the cosine of their (weighted) columns, times
    n / (n + shrink) for n shared users; each item keeps its nearest neighbours only. Sources:
    Sarwar et al., WWW 2001; for the weights Robertson & Zaragoza 2009 (BM25).

    Parameters
    ----------
    neighbours
        How many neighbours an item keeps.
    weighting
        "cosine" as it is; "tfidf" counts an event of a user with a long history for less; "bm25"
        in addition saturates weights and counts events of popular items for less.
    shrink
        Pulls likenesses that few users vouch for towards 0 (in users).
    use_weights
        Use the log's weights; by default every event counts 1.
    decay
        When lists are made, an event counts decay^(how many of the user's events came after it):
        below 1 for logs in which the newest events tell most. Learning knows no order.

    Examples
    --------
    >>> log = Interactions.of([("ann", "tea"), ("ann", "milk"), ("bob", "tea"), ("eve", "jam")])
    >>> ItemKNN().fit(log).recommend(["bob"], k=1)["item"].tolist()
    ['milk']
    """

    neighbours: int = 100
    weighting: str = "tfidf"
    shrink: float = 10.0
    use_weights: bool = False
    decay: float = 1.0

    def __post_init__(self) -> None:
        self._require("decay", 0 < self.decay <= 1, "a number above 0, up to 1")
        self._require("neighbours", self.neighbours >= 1, "a whole number from 1 on")
        self._require("weighting", self.weighting in WEIGHTINGS, ", ".join(WEIGHTINGS))
        self._require("shrink", self.shrink >= 0, "a number from 0 on")

    def fit(
        self, train: Interactions, *, seed: int = 0, monitor: Monitor | None = None
    ) -> ItemToItemModel:
        """Compare all pairs of columns, some columns at a time; no randomness."""
        binary = _matrix(train, use_weights=False)
        weighted = WEIGHTINGS[self.weighting](_matrix(train, self.use_weights)).tocsc()
        lengths = np.sqrt(weighted.multiply(weighted).sum(axis=0))
        weighted.data /= np.repeat(np.where(lengths > 0, lengths, 1), np.diff(weighted.indptr))
        shared = binary.tocsc()

        def columns(part: slice) -> Float64[np.ndarray, "items block"]:
            cosine = (weighted.T @ weighted[:, part]).toarray()
            if self.shrink:
                together = (shared.T @ shared[:, part]).toarray()
                cosine *= together / (together + self.shrink)
            return cosine

        return _nearest(self, seed, train, columns)


@dataclass(frozen=True)
class RP3beta(Recipe):
    """A walk user -> item -> user -> item whose popular ends are discounted.

    strength[j, i] = (P_iu^alpha P_ui^alpha)[j, i] / count_i^beta. Source: Paudel et al., ACM
    TiiS 2017.

    Parameters
    ----------
    alpha
        Power of the transition probabilities.
    beta
        Power of the item's count in the discount; 0 is P3alpha.
    neighbours
        How many items may speak for an item.

    Examples
    --------
    >>> log = Interactions.of([("ann", "tea"), ("ann", "milk"), ("bob", "tea"), ("eve", "jam")])
    >>> RP3beta().fit(log).recommend(["bob"], k=1)["item"].tolist()
    ['milk']
    """

    alpha: float = 1.0
    beta: float = 0.3
    neighbours: int = 100

    def __post_init__(self) -> None:
        self._require("alpha", self.alpha > 0, "a number above 0")
        self._require("beta", self.beta >= 0, "a number from 0 on")
        self._require("neighbours", self.neighbours >= 1, "a whole number from 1 on")

    def fit(
        self, train: Interactions, *, seed: int = 0, monitor: Monitor | None = None
    ) -> ItemToItemModel:
        """Multiply the two steps of the walk, some columns at a time; no randomness."""
        matrix = _matrix(train, use_weights=False)
        counts = train.item_counts()
        to_item = _row_shares(matrix, self.alpha).tocsc()
        to_user = _row_shares(matrix.T.tocsr(), self.alpha)
        discount = np.maximum(counts, 1) ** self.beta

        def columns(part: slice) -> Float64[np.ndarray, "items block"]:
            walked = (to_user @ to_item[:, part]).toarray()
            return np.asarray(walked / discount[part])

        return _nearest(self, seed, train, columns)


def _nearest(recipe, seed, train, columns) -> ItemToItemModel:  # type: ignore[no-untyped-def]
    """Keep the strongest `recipe.neighbours` entries of each column, the diagonal left out."""
    n_items = len(train.items)
    kept = min(recipe.neighbours, max(n_items - 1, 1))
    ties = tie_order(n_items)
    found = [np.empty((0, kept), dtype=np.int32)]
    strengths = [np.empty((0, kept), dtype=np.float32)]
    for start in range(0, n_items, BLOCK):
        part = slice(start, min(start + BLOCK, n_items))
        block = columns(part).T.astype(np.float32)  # one row a target item
        block[block <= 0] = -np.inf
        block[np.arange(len(block)), np.arange(part.start, part.stop)] = -np.inf
        items, values = top_k(np.ascontiguousarray(block), ties, kept)
        found.append(items)
        strengths.append(values)
    speaks = np.concatenate(found)
    strength = np.concatenate(strengths)
    present = speaks >= 0
    targets = np.nonzero(present)[0]
    shape = (n_items, n_items)
    return ItemToItemModel(
        recipe=recipe,
        seed=seed,
        train=train,
        strength=csr_array((strength[present], (speaks[present], targets)), shape=shape),
    )


def _matrix(train: Interactions, use_weights: bool) -> csr_array:
    matrix = train.matrix().astype(np.float64)
    if not use_weights:
        matrix.data = np.ones_like(matrix.data)
    return matrix


def _row_shares(matrix: csr_array, power: float) -> csr_array:
    """Each row divided by its sum, to the power of `power`."""
    sums = np.asarray(matrix.sum(axis=1))
    shares = matrix.copy()
    shares.data = (shares.data / np.repeat(sums, np.diff(shares.indptr))) ** power
    return shares


def _cosine(matrix: csr_array) -> csr_array:
    return matrix


def _tfidf(matrix: csr_array) -> csr_array:
    """sqrt(weight) * log((1 + items) / (1 + length of the user's history))."""
    lengths = np.diff(matrix.indptr)
    rarity = np.log((1 + matrix.shape[1]) / (1 + lengths))
    weighted = matrix.copy()
    weighted.data = np.sqrt(matrix.data) * np.repeat(rarity, lengths)
    return weighted


def _bm25(matrix: csr_array) -> csr_array:
    """BM25 with k1 = 1.2 and b = 0.75: items are the documents, users the terms."""
    lengths = np.diff(matrix.indptr)
    rarity = np.log((1 + matrix.shape[1]) / (1 + lengths))
    size = np.asarray(matrix.sum(axis=0))
    norm = 0.25 + 0.75 * size / max(size.mean(), 1e-12)
    weighted = matrix.copy()
    saturated = matrix.data * 2.2 / (matrix.data + 1.2 * norm[matrix.indices])
    weighted.data = saturated * np.repeat(rarity, lengths)
    return weighted


WEIGHTINGS = {"cosine": _cosine, "tfidf": _tfidf, "bm25": _bm25}
"""What an event counts for, by the name that `ItemKNN(weighting=...)` takes."""
