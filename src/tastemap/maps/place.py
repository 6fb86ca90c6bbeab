"""New items on an old map: nothing that stands there moves."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple, cast

import numpy as np
from scipy.linalg import orthogonal_procrustes

from tastemap.contracts import HasVectors, Model
from tastemap.errors import InputError, UsageError
from tastemap.kernels.workers import one_blas_thread
from tastemap.maps.axes import known_of
from tastemap.maps.fidelity import fidelity
from tastemap.maps.inputs import examined
from tastemap.maps.item_map import Colour, ItemMap, Layout
from tastemap.maps.neighbours import Similarity, unit_rows
from tastemap.maps.settle import (
    NEIGHBOURS,
    Lists,
    best_of,
    project,
    projection,
    pulls,
    settle,
)
from tastemap.shapes import Float, Float32, Int64


class _Newcomers(NamedTuple):
    """Items to be placed, and how their vectors came into the map's space (or "")."""

    vectors: Float32[np.ndarray, "new d"]
    ids: np.ndarray
    titles: np.ndarray
    users: Int64[np.ndarray, " new"] | None
    how: str


def place(
    item_map: ItemMap,
    given: Model | HasVectors | np.ndarray,
    ids: Sequence[Any] | np.ndarray | None = None,
    titles: Sequence[str] | None = None,
    users: Sequence[int] | np.ndarray | None = None,
) -> ItemMap:
    """The map with new items on it; places of the old ones stay the same to the bit.

    On PCA they are projected like the others; on t-SNE and UMAP they go to where the pulls of
    their 25 nearest items are in balance, see `settle`. Lists of true neighbours are brought up to
    date on both sides, and what each layout keeps of them is measured again.

    Parameters
    ----------
    given
        Vectors of the new items, shape (new, d), in the space of the map's; or a model: all its
        items that the map lacks are placed. A model trained anew has axes of its own: its vectors
        are turned onto the map's by the items that both know (orthogonal Procrustes).
    ids
        Their ids, none of them on the map yet; a model brings its own.
    titles
        Their titles, by default their ids.
    users
        How many users used each; 0 by default, as the map's log does not know them.

    Raises
    ------
    InputError
        Vectors of another length; no new item; a model that shares too few items with the map.
    UsageError
        Ids that are on the map already, or not one for each vector.
    """
    new = _newcomers(item_map, given, ids, titles, users)
    n, similarity = len(item_map), cast(Similarity, item_map.similarity)
    vectors = np.concatenate([item_map.vectors, new.vectors])
    rows = unit_rows(vectors) if similarity == "cosine" else vectors
    rows = np.ascontiguousarray(rows, dtype=np.float32)
    near, likeness = _lists(item_map, rows)
    drawn_by = best_of(rows[n:], rows[:n], min(NEIGHBOURS, n))
    layouts = []
    for one in item_map.layouts:
        xy = np.concatenate([one.xy, _places(one, item_map, new.vectors, drawn_by)])
        kept = fidelity(near, xy, vectors=vectors, similarity=similarity, seed=item_map.seed)
        layouts.append(replace(one, xy=xy, fidelity=kept))
    note = f"{len(new.ids):,} items placed later; those that were there did not move{new.how}"
    return replace(
        item_map,
        ids=np.concatenate([item_map.ids, new.ids]),
        titles=np.concatenate([item_map.titles, new.titles]),
        users=None if item_map.users is None else np.concatenate([item_map.users, new.users]),
        vectors=vectors,
        near=near,
        likeness=likeness,
        layouts=tuple(layouts),
        colours=tuple(_longer(one, new) for one in item_map.colours),
        notes=(*item_map.notes, note),
    )


def _places(
    layout: Layout, item_map: ItemMap, vectors: Float32[np.ndarray, "new d"], drawn_by: Lists
) -> Float32[np.ndarray, "new 2"]:
    if layout.name == "PCA":
        return project(projection(item_map.vectors, layout.xy), vectors)
    return settle(layout.xy, drawn_by[0], pulls(drawn_by[1]))


def _lists(item_map: ItemMap, rows: Float32[np.ndarray, "n d"]) -> Lists:
    """Neighbours of old and new items, from the old lists and the rows of both."""
    n, k = len(item_map), item_map.near.shape[1]
    found, value = best_of(rows[:n], rows[n:], min(k, len(rows) - n))
    near = np.concatenate([item_map.near, found + n], axis=1)
    likeness = np.concatenate([item_map.likeness, value], axis=1)
    order = np.argsort(-likeness, axis=1, kind="stable")[:, :k]  # equal ones: the old first
    old = np.take_along_axis(near, order, 1), np.take_along_axis(likeness, order, 1)
    new = best_of(rows[n:], rows, k, first=n)
    return (
        np.concatenate([old[0], new[0]]).astype(np.int32),
        np.concatenate([old[1], new[1]]).astype(np.float32),
    )


def _longer(colour: Colour, new: _Newcomers) -> Colour:
    """A colour with what is known of the newcomers: their users; else nothing."""
    if colour.name == "users" and new.users is not None:
        values = new.users.astype(np.float32)
    elif colour.kind == "category":
        values = np.full(len(new.ids), -1, dtype=np.int32)
    else:
        values = np.full(len(new.ids), np.nan, dtype=np.float32)
    return replace(colour, values=np.concatenate([colour.values, values]))


def _newcomers(
    item_map: ItemMap,
    given: Any,
    ids: Sequence[Any] | np.ndarray | None,
    titles: Sequence[str] | None,
    users: Sequence[int] | np.ndarray | None,
) -> _Newcomers:
    known = examined(given)
    how = ""
    vectors, d = known.items, item_map.vectors.shape[1]
    if vectors.shape[1] != d:
        raise InputError(
            f"vectors of {vectors.shape[1]} numbers for a map of vectors of {d}",
            f"vectors of {d} numbers",
            "place items of a model with as many factors, or draw a new map with start=",
        )
    if ids is None and known.train is not None:
        vectors, fresh, how = _turned(item_map, vectors, known.train.items.ids)
        about = known_of(known.train, fresh)
        vectors, ids = vectors[fresh], known.train.items.ids[fresh]
        titles, users = about.titles.tolist(), about.users
    if ids is None or len(ids) != len(vectors):
        raise UsageError(
            f"{'no' if ids is None else len(ids)} ids for {len(vectors):,} vectors",
            "an id for each new item",
            "pass ids=[...]",
        )
    named = _ids(item_map, ids)
    for what, values in (("titles", titles), ("users", users)):
        if values is not None and len(values) != len(named):
            raise UsageError(
                f"{len(values)} {what} for {len(named):,} new items",
                "one for each new item",
                f"leave {what} out, or pass as many as ids",
            )
    names = [str(one) for one in named.tolist()] if titles is None else [str(t) for t in titles]
    counts = None
    if item_map.users is not None:
        counts = np.zeros(len(named), np.int64) if users is None else np.asarray(users, np.int64)
    return _Newcomers(vectors.astype(np.float32), named, np.array(names, dtype=object), counts, how)


def _ids(item_map: ItemMap, ids: Sequence[Any] | np.ndarray) -> np.ndarray:
    """The new ids in the form of the old ones; refuses those that are there."""
    there = set(item_map.ids.tolist())
    as_text = item_map.ids.dtype == object
    named = [str(one) if as_text else int(one) for one in np.asarray(ids).tolist()]
    twice = [one for one in named if one in there]
    if twice or len(set(named)) < len(named) or not named:
        raise UsageError(
            f"{len(twice):,} of {len(named):,} ids are on the map already, such as {twice[0]!r}"
            if twice
            else "an id that is given twice"
            if named
            else "no new item: the map has them all",
            "ids that the map lacks, each once",
            "leave known items out: they do not move",
        )
    return np.array(named, dtype=item_map.ids.dtype)


def _turned(
    item_map: ItemMap, vectors: Float[np.ndarray, "items d"], ids: np.ndarray
) -> tuple[np.ndarray, Int64[np.ndarray, " new"], str]:
    """A model's vectors in the space of the map, and which of them are new."""
    row_of = {one: row for row, one in enumerate(item_map.ids.tolist())}
    rows = np.array([row_of.get(one, -1) for one in ids.tolist()])
    fresh = np.flatnonzero(rows < 0)
    mine, theirs = vectors[rows >= 0], item_map.vectors[rows[rows >= 0]]
    d = vectors.shape[1]
    if len(mine) < d:
        raise InputError(
            f"a model that shares {len(mine):,} items with the map",
            f"{d} items or more, as many as a vector has numbers: its axes are turned by them",
            "draw a new map: item_map(model)",
        )
    if np.array_equal(mine.astype(np.float32), theirs):  # the model that the map is of
        return vectors, fresh, ""
    with one_blas_thread():
        turn, _ = orthogonal_procrustes(mine.astype(np.float64), theirs.astype(np.float64))
        moved = vectors @ turn
    cosine = (unit_rows(moved[rows >= 0]) * unit_rows(theirs.astype(np.float64))).sum(axis=1).mean()
    how = f"; the other model's vectors were turned onto the map's (mean cosine {cosine:.2f})"
    return moved, fresh, how
