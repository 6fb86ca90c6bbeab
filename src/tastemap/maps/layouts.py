"""The layouts of a map: made, turned onto an older map, and measured."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np

from tastemap.maps.align import in_both, turn_onto
from tastemap.maps.fidelity import fidelity
from tastemap.maps.item_map import ItemMap, Layout
from tastemap.maps.neighbours import Similarity, nearest, unit_rows
from tastemap.maps.pca import pca
from tastemap.maps.settle import NEIGHBOURS, best_of, pulls, settle
from tastemap.maps.shape import shape
from tastemap.maps.subject import Subject
from tastemap.maps.tsne import Near, tsne
from tastemap.maps.umap import umap
from tastemap.recommend import tie_order
from tastemap.shapes import Bool, Float32, Int64

SAMPLE = 50_000
"""t-SNE is fitted on so many items at most, and the others are placed among these."""

GRAPH = 15
"""Neighbours in the graph of UMAP, the item itself among them."""

Made = tuple[Float32[np.ndarray, "n 2"], Mapping[str, Any]]


@dataclass(frozen=True)
class Settings:
    """What t-SNE was asked for."""

    perplexity: float
    iterations: int
    learning_rate: float | Literal["auto"]
    sample: int


@dataclass(frozen=True, eq=False)
class Drawing:
    """What every layout is made of.

    Parameters
    ----------
    near
        The nearest items, as many as any layout needs.
    k
        Neighbours an item that the map keeps.
    old
        The map where layouts begin; None to begin at principal components.
    """

    of: Subject
    near: Near
    k: int
    similarity: Similarity
    seed: int
    settings: Settings
    old: ItemMap | None

    @cached_property
    def lists(self) -> Near:
        """The k nearest."""
        places, likeness = (np.ascontiguousarray(one[:, : self.k]) for one in self.near)
        return places, likeness

    @cached_property
    def rows(self) -> Float32[np.ndarray, "n d"]:
        """Vectors whose inner product is the likeness."""
        vectors = unit_rows(self.of.vectors) if self.similarity == "cosine" else self.of.vectors
        return np.ascontiguousarray(vectors, dtype=np.float32)


def neighbours_for(name: str, n: int, settings: Settings) -> int:
    """How many neighbours of each of all n items a layout is made of."""
    wanted = {"t-SNE": int(3 * settings.perplexity), "UMAP": GRAPH - 1}.get(name, 0)
    if name == "t-SNE" and n > settings.sample:
        return 0
    return min(wanted, n - 1)


def make(name: str, drawing: Drawing, notes: list[str]) -> Layout:
    """One layout of all items; what is left out or chosen is added to the notes."""
    began = time.perf_counter()
    xy, settings = MAKERS[name](drawing, notes)
    if drawing.old is not None:
        xy = _onto(name, xy, drawing.of, drawing.old)
    of = drawing.of
    seconds = time.perf_counter() - began
    kept = fidelity(
        drawing.lists[0], xy, vectors=of.vectors, similarity=drawing.similarity, seed=drawing.seed
    )
    looks = shape(xy, users=of.users, labels=of.labels, seed=drawing.seed)
    method = {"method": name, "similarity": drawing.similarity, "seed": drawing.seed}
    return Layout(name, xy, kept, looks, method | dict(settings), seconds)


def _pca(drawing: Drawing, notes: list[str]) -> Made:
    return pca(drawing.of.vectors, components=2).xy, {}


def _tsne(drawing: Drawing, notes: list[str]) -> Made:
    asked, n = drawing.settings, len(drawing.of.kept)
    options: dict[str, Any] = {
        "perplexity": asked.perplexity,
        "iterations": asked.iterations,
        "learning_rate": asked.learning_rate,
    }
    start = _begin("t-SNE", drawing)
    said = options | {"start": _named(start), "fitted": min(n, asked.sample)}
    options |= {"similarity": drawing.similarity, "seed": drawing.seed}
    if n <= asked.sample:
        return tsne(drawing.of.vectors, near=drawing.near, start=start, **options), said
    chosen = evenly(drawing.of.users, n, asked.sample)
    near = nearest(
        drawing.of.vectors[chosen], int(3 * asked.perplexity), similarity=drawing.similarity
    )
    fitted = tsne(
        drawing.of.vectors[chosen],
        near=near,
        start=None if start is None else start[chosen],
        **options,
    )
    there = np.zeros(n, dtype=bool)
    there[chosen] = True
    notes.append(
        f"t-SNE is fitted on {len(chosen):,} of {n:,} items, evenly drawn along popularity; the "
        "others are placed among them"
    )
    return _filled(fitted, there, drawing), said


def _umap(drawing: Drawing, notes: list[str]) -> Made:
    start = _begin("UMAP", drawing)
    neighbours = min(GRAPH, len(drawing.of.kept))
    xy = umap(
        drawing.of.vectors,
        neighbours=neighbours,
        similarity=drawing.similarity,
        seed=drawing.seed,
        start=start,
        near=drawing.near,
    )
    return xy, {"neighbours": neighbours, "min_dist": 0.1, "start": _named(start)}


MAKERS: dict[str, Callable[[Drawing, list[str]], Made]] = {
    "PCA": _pca,
    "t-SNE": _tsne,
    "UMAP": _umap,
}


def evenly(users: Int64[np.ndarray, " n"] | None, n: int, sample: int) -> Int64[np.ndarray, " _"]:
    """Rows of a sample that has its share of famous and of rare items: every so-manieth of them.

    A sample of the first or the most famous items would be a map of something else.

    >>> evenly(np.array([9, 8, 7, 6, 5, 4]), 6, 3).tolist()
    [0, 2, 4]
    """
    counts = np.zeros(n, dtype=np.int64) if users is None else users
    order = np.lexsort((tie_order(n), -counts))
    return np.sort(order[np.arange(sample) * n // sample])


def _begin(name: str, drawing: Drawing) -> Float32[np.ndarray, "n 2"] | None:
    """Where a layout begins: at the old map's places, newcomers among them; None without one."""
    old = None
    if drawing.old is not None:
        old = next((one for one in drawing.old.layouts if one.name == name), None)
    if old is None or drawing.old is None:
        return None
    mine, theirs = in_both(drawing.of.ids, drawing.old.ids)
    there = np.zeros(len(drawing.of.kept), dtype=bool)
    there[mine] = True
    return _filled(old.xy[theirs], there, drawing)


def _named(start: Float32[np.ndarray, "n 2"] | None) -> str:
    return "PCA" if start is None else "an older map"


def _filled(
    xy: Float32[np.ndarray, "known 2"], there: Bool[np.ndarray, " n"], drawing: Drawing
) -> Float32[np.ndarray, "n 2"]:
    """Places of all items: those that are there, and the others settled among them."""
    found = np.empty((len(there), 2), dtype=np.float32)
    found[there] = xy
    if not there.all():
        places, likeness = best_of(
            drawing.rows[~there], drawing.rows[there], min(NEIGHBOURS, len(xy))
        )
        found[~there] = settle(xy, places, pulls(likeness))
    return found


def _onto(
    name: str, xy: Float32[np.ndarray, "n 2"], of: Subject, old: ItemMap
) -> Float32[np.ndarray, "n 2"]:
    """The layout turned onto the old map's; of PCA axes keep their meaning and may only flip."""
    layout = next((one for one in old.layouts if one.name == name), None)
    if layout is None:
        return xy
    mine, theirs = in_both(of.ids, old.ids)
    before = layout.xy[theirs].astype(np.float64)
    if name != "PCA":
        return turn_onto(xy[mine], before).of(xy)
    now = xy[mine].astype(np.float64)
    along = ((now - now.mean(axis=0)) * (before - before.mean(axis=0))).sum(axis=0)
    return xy * np.where(along < 0, np.float32(-1), np.float32(1))
