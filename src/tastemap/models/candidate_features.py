"""What a second stage may know of a candidate: named numbers of user, item and the two together.

Times count from the end of the log that the models were fitted on, so that a feature means the
same while labels are made and in service.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.sparse import csr_array

from tastemap.contracts import HasVectors, Model, Recipe
from tastemap.data.interactions import Histories, Interactions
from tastemap.kernels.topk import top_k
from tastemap.models.item_to_item import ItemToItemModel
from tastemap.recommend import mask_seen, tie_order
from tastemap.shapes import Bool, Float32, Int32, Int64
from tastemap.training import Monitor

NEWEST = 5
"""How many of the newest events count as a user's last items."""

DAY = 86_400
Cells = Float32[np.ndarray, "rows candidates"]


@dataclass(frozen=True, eq=False)
class Sources:
    """The models and the log that features are made from.

    Parameters
    ----------
    retriever
        Whose best items are the candidates.
    others
        More models, whose scores are features; fitted on the same log.
    window
        Seconds that count as recent; None leaves all features of time out.
    """

    retriever: Model
    others: tuple[Model, ...] = ()
    window: int | None = None

    @classmethod
    def fit(
        cls,
        retrieve: Recipe,
        others: Sequence[Recipe],
        log: Interactions,
        window: int | None,
        *,
        seed: int,
        monitor: Monitor | None = None,
    ) -> "Sources":
        """All models, fitted on one log; the monitor watches the retriever."""
        retriever = retrieve.fit(log, seed=seed, monitor=monitor)
        return cls(retriever, tuple(one.fit(log, seed=seed) for one in others), window)

    @property
    def log(self) -> Interactions:
        """What the models were fitted on."""
        return self.retriever.train

    @cached_property
    def of_items(self) -> dict[str, Float32[np.ndarray, " items"]]:
        """Features of an item alone, by name."""
        return _of_items(self.log, self.window)

    @cached_property
    def labels(self) -> csr_array | None:
        """Which labels each item has, rare ones weighing more; None where no item has any."""
        return _label_matrix(self.log)

    def candidates(
        self, histories: Histories, number: int
    ) -> tuple[Int32[np.ndarray, "rows candidates"], Cells, Float32[np.ndarray, "rows items"]]:
        """The retriever's best unused items, best first (-1 where it runs out), their scores, and
        its scores of all items.
        """
        scores = np.asarray(self.retriever.score(histories), dtype=np.float32)
        masked = scores.copy()
        mask_seen(masked, histories)
        items, best = top_k(masked, tie_order(scores.shape[1]), min(number, scores.shape[1]))
        return items, best, scores

    def features(
        self, histories: Histories, items: Int32[np.ndarray, "rows candidates"], scores: Cells
    ) -> dict[str, Cells]:
        """Every feature of every candidate, by name; what is unknown is NaN.

        `<model>_score` and `<model>_place` (from 0, among the candidates) of the retriever and of
        the others; `<model>_last_items`, the score by the newest five events alone, of models that
        add up what item says of item; `likeness_last` and `likeness_newest`, the cosine of the
        retriever's vectors with the last item and the highest with the newest five;
        `item_popularity` (log of the count against the mean), the same in the window and in its
        last quarter; `item_trend`; `item_age` and `item_rest`, log days since its first and its
        last use; `user_events`, `user_rest`, `user_popularity` (mean of the used items');
        `label_match`, cosine of the item's labels with those of the user's items,
        `label_match_newest` with those of the newest five, and `label_known`, the share of the
        item's labels that she has used.
        """
        there = items >= 0
        codes = np.where(there, items, 0).astype(np.int64)
        newest = last_events(histories, NEWEST)
        names = model_names([self.retriever, *self.others])
        place = np.tile(np.arange(items.shape[1], dtype=np.float32), (len(items), 1))
        found = {f"{names[0]}_score": scores, f"{names[0]}_place": place}
        for name, other in zip(names[1:], self.others, strict=True):
            found |= _scored(name, other, (histories, newest), codes, there)
        if isinstance(self.retriever, HasVectors):
            found |= _likeness(self.retriever.item_vectors, newest, codes)
        found |= {name: values[codes] for name, values in self.of_items.items()}
        for name, of_user in self._of_users(histories).items():
            found[name] = np.repeat(of_user[:, None], items.shape[1], axis=1)
        if self.labels is not None:
            found |= _label_match(self.labels, (histories, newest), codes)
        return found

    def _of_users(self, histories: Histories) -> dict[str, Float32[np.ndarray, " rows"]]:
        lengths = histories.lengths
        row = np.repeat(np.arange(len(histories)), lengths)
        used = self.of_items["item_popularity"][histories.items]
        total = np.bincount(row, weights=used, minlength=len(histories))
        found = {
            "user_events": np.log1p(lengths),
            "user_popularity": np.where(lengths > 0, total / np.maximum(lengths, 1), np.nan),
        }
        if self.window is not None and self.log.time is not None:
            rest = np.full(len(histories), np.nan)
            if histories.time is not None:
                active = lengths > 0
                last = histories.time[histories.starts[1:][active] - 1]
                rest[active] = np.log1p(np.maximum(self.log.time.max() - last, 0) / DAY)
            found["user_rest"] = rest
        return {name: values.astype(np.float32) for name, values in found.items()}


def model_names(models: Sequence[Model]) -> list[str]:
    """A name for each model's features: its recipe's in small letters, numbered where repeated.

    >>> from tastemap.models.popularity import Popularity
    >>> log = Interactions.of([("ann", "tea", 1, 0)])
    >>> model_names([Popularity().fit(log), Popularity(days=1).fit(log)])
    ['popularity', 'popularity2']
    """
    names: list[str] = []
    for model in models:
        name = model.recipe.name.lower()
        before = sum(one.rstrip("0123456789") == name for one in names)
        names.append(f"{name}{before + 1}" if before else name)
    return names


def last_events(histories: Histories, number: int) -> Histories:
    """The newest events of each history, told by strangers.

    >>> last_events(Histories.of_items([[1, 2, 3], [4]]), 2).items
    array([2, 3, 4], dtype=int32)
    """
    rows = np.repeat(np.arange(len(histories)), histories.lengths)
    kept = histories.starts[1:][rows] - 1 - np.arange(len(rows)) < number
    lengths = np.minimum(histories.lengths, number)
    return Histories(
        user=np.full(len(histories), -1, dtype=np.int32),
        starts=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        items=histories.items[kept],
        weight=histories.weight[kept],
    )


def _scored(
    name: str,
    model: Model,
    histories: tuple[Histories, Histories],
    codes: Int64[np.ndarray, "rows candidates"],
    there: Bool[np.ndarray, "rows candidates"],
) -> Mapping[str, Cells]:
    scores = np.take_along_axis(model.score(histories[0]), codes, axis=1)
    order = np.argsort(np.where(there, -scores, np.inf), axis=1, kind="stable")
    place = np.empty(order.shape, dtype=np.float32)
    every = np.broadcast_to(np.arange(order.shape[1], dtype=np.float32), order.shape)
    np.put_along_axis(place, order, every, axis=1)
    found = {f"{name}_score": scores, f"{name}_place": place}
    if isinstance(model, ItemToItemModel):
        by_newest = model.score(histories[1])
        found[f"{name}_last_items"] = np.take_along_axis(by_newest, codes, axis=1)
    return found


def _likeness(
    vectors: Float32[np.ndarray, "items d"],
    newest: Histories,
    codes: Int64[np.ndarray, "rows candidates"],
) -> Mapping[str, Cells]:
    lengths = np.sqrt(np.einsum("id,id->i", vectors, vectors))
    unit = vectors / np.where(lengths > 0, lengths, 1)[:, None]
    likeness = np.full((NEWEST, *codes.shape), np.nan, dtype=np.float32)
    shown = unit[codes]
    for back in range(NEWEST):
        rows = np.flatnonzero(newest.lengths > back)
        used = unit[newest.items[newest.starts[1:][rows] - 1 - back]]
        # Not by BLAS, whose last bits depend on how many rows are asked at a time.
        likeness[back, rows] = np.einsum("rcd,rd->rc", shown[rows], used)
    return {"likeness_last": likeness[0], "likeness_newest": np.fmax.reduce(likeness)}


def _of_items(log: Interactions, window: int | None) -> dict[str, Float32[np.ndarray, " items"]]:
    n_items = len(log.items)

    def against_mean(codes: Int32[np.ndarray, " n"]) -> np.ndarray:
        counts = np.bincount(codes, minlength=n_items)
        return np.log((counts + 1) / (len(codes) / n_items + 1))

    found = {"item_popularity": against_mean(log.item)}
    if window is not None and log.time is not None and len(log):
        now = int(log.time.max())
        recent = against_mean(log.item[log.time > now - window])
        first = np.full(n_items, np.inf)
        last = np.full(n_items, -np.inf)
        np.minimum.at(first, log.item, log.time)
        np.maximum.at(last, log.item, log.time)
        used = np.isfinite(last)
        found |= {
            "item_popularity_recent": recent,
            "item_popularity_newest": against_mean(log.item[log.time > now - window / 4]),
            "item_trend": recent - found["item_popularity"],
            "item_age": np.where(used, np.log1p((now - np.where(used, first, now)) / DAY), np.nan),
            "item_rest": np.where(used, np.log1p((now - np.where(used, last, now)) / DAY), np.nan),
        }
    return {name: values.astype(np.float32) for name, values in found.items()}


def _label_matrix(log: Interactions) -> csr_array | None:
    if log.table is None or not any(log.table.labels):
        return None
    number = {
        label: n for n, label in enumerate(sorted({x for row in log.table.labels for x in row}))
    }
    counts = [len(row) for row in log.table.labels]
    columns = np.array([number[label] for row in log.table.labels for label in row], dtype=np.int32)
    rarity = np.log(1 + len(counts) / np.bincount(columns, minlength=len(number)))
    starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    shape = (len(counts), len(number))
    return csr_array((rarity[columns].astype(np.float32), columns, starts), shape=shape)


def _label_match(
    labels: csr_array,
    histories: tuple[Histories, Histories],
    codes: Int64[np.ndarray, "rows candidates"],
) -> Mapping[str, Cells]:
    found = {}
    of_items = _unit(labels)
    for name, some in zip(("label_match", "label_match_newest"), histories, strict=True):
        profile = some.matrix(labels.shape[0])
        profile.data = np.ones_like(profile.data)
        profile = profile @ labels
        match = (_unit(profile) @ of_items.T).toarray()
        found[name] = np.take_along_axis(match, codes, axis=1).astype(np.float32)
        if name == "label_match":
            profile.data = np.ones_like(profile.data)
            parts = labels.copy()
            parts.data = np.repeat(1 / np.maximum(np.diff(parts.indptr), 1), np.diff(parts.indptr))
            known = (profile @ parts.T).toarray()
            found["label_known"] = np.take_along_axis(known, codes, axis=1).astype(np.float32)
    return found


def _unit(matrix: csr_array) -> csr_array:
    """The rows at length 1."""
    unit = matrix.tocsr(copy=True)
    counts = np.diff(unit.indptr)
    row = np.repeat(np.arange(len(counts)), counts)
    length = np.sqrt(np.bincount(row, weights=unit.data**2, minlength=len(counts)))
    unit.data = (unit.data / length[row]).astype(np.float32)
    return unit
