"""Users on a map of items: where they stand, what they used, what is recommended and because of
what.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from tastemap.contracts import Model
from tastemap.data.interactions import UNKNOWN, Histories
from tastemap.errors import InputError, UsageError, require_k
from tastemap.kernels.topk import top_k
from tastemap.kernels.workers import one_blas_thread
from tastemap.maps.item_map import ItemMap, Traveller
from tastemap.maps.neighbours import unit_rows
from tastemap.maps.settle import NEIGHBOURS, project, projection, pulls, settle
from tastemap.recommend import tie_order, top_items
from tastemap.shapes import Float32, Float64, Int32


def with_users(item_map: ItemMap, model: Model, users: Iterable[Any], k: int = 10) -> ItemMap:
    """The map with users on it: their place, their history, their k recommendations and reasons.

    Where a model has user vectors in the space of the map's item vectors, a user is drawn like an
    item: on PCA by the same projection (the vector brought to the typical length of an item's, as
    only its direction says what is liked), on other layouts to where the pulls of the 25 items most
    like the vector are in balance, see `settle`. Where it has none, what is recommended draws, each
    item alike.

    Parameters
    ----------
    model
        The model that recommends; its ids are those of the map.
    users
        Outside ids of users whom the model knows.
    k
        Recommendations each. Items that are not on the map are left out of history and list.

    Raises
    ------
    UsageError
        Users whom the model does not know.
    InputError
        A model whose items are not those of the map.
    """
    if isinstance(users, str | int | np.integer):
        raise UsageError(f"users={users!r}", "a list of ids", f"write with_users(..., [{users!r}])")
    asked = list(users)
    codes = model.users.encode(asked)
    _require_known(model, asked, codes)
    spot = _spots(item_map, model)
    histories = model.train.histories(codes)
    lists, _ = top_items(model.score, histories, len(model.items), require_k(k))
    places = _where(item_map, model, histories, lists, spot)
    with one_blas_thread():  # small products: several threads only wait for each other
        travellers = [
            _traveller(
                model,
                str(name),
                places[:, row],
                histories.take(slice(row, row + 1)),
                lists[row],
                spot,
            )
            for row, name in enumerate(asked)
        ]
    return replace(item_map, travellers=(*item_map.travellers, *travellers))


def _traveller(
    model: Model,
    name: str,
    xy: Float32[np.ndarray, "layouts 2"],
    history: Histories,
    listed: Int32[np.ndarray, " k"],
    spot: Int32[np.ndarray, " items"],
) -> Traveller:
    listed = listed[listed >= 0]
    shown = listed[spot[listed] >= 0]
    because = [_speaks_most(model, history, item, spot) for item in shown.tolist()]
    past = spot[history.items]
    return Traveller(
        name=name,
        xy=xy,
        history=past[past >= 0],
        recommended=spot[shown],
        because=np.array(because, dtype=np.int32),
    )


def _speaks_most(
    model: Model, history: Histories, item: int, spot: Int32[np.ndarray, " items"]
) -> int:
    """The place of the past item that speaks most for this one; -1 where none does."""
    if not len(history.items):
        return -1
    parts = model.reasons(history, item)
    best = int(np.argmax(parts))
    return int(spot[history.items[best]]) if parts[best] > 0 else -1


def _where(
    item_map: ItemMap,
    model: Model,
    histories: Histories,
    lists: Int32[np.ndarray, "rows k"],
    spot: Int32[np.ndarray, " items"],
) -> Float32[np.ndarray, "layouts rows 2"]:
    """Where each user stands in each layout."""
    vectors = _vectors(item_map, model, histories)
    drawn_by, pull = (
        _listed(item_map, lists, spot) if vectors is None else _alike(item_map, vectors)
    )
    found = []
    for one in item_map.layouts:
        if one.name == "PCA" and vectors is not None:
            lengths = np.linalg.norm(item_map.vectors, axis=1)
            typical = np.float32(np.median(lengths[lengths > 0]))
            found.append(
                project(projection(item_map.vectors, one.xy), unit_rows(vectors) * typical)
            )
        else:
            found.append(settle(one.xy, drawn_by, pull))
    return np.array(found, dtype=np.float32)


def _vectors(
    item_map: ItemMap, model: Model, histories: Histories
) -> Float32[np.ndarray, "rows d"] | None:
    """The users' vectors, if they live in the space of the items on the map."""
    of = getattr(model, "vectors", None)
    if of is None:
        return None
    found = np.asarray(of(histories), dtype=np.float32)
    return found if found.shape[1] == item_map.vectors.shape[1] else None


def _alike(
    item_map: ItemMap, vectors: Float32[np.ndarray, "rows d"]
) -> tuple[Int32[np.ndarray, "rows k"], Float64[np.ndarray, "rows k"]]:
    """The items most like each vector, by the map's own likeness, and how much each draws."""
    rows = item_map.vectors
    if item_map.similarity == "cosine":
        rows, vectors = unit_rows(rows), unit_rows(vectors)
    scores = (vectors @ rows.T).astype(np.float32)
    places, likeness = top_k(scores, tie_order(len(rows)), min(NEIGHBOURS, len(rows)))
    return places, pulls(likeness)


def _listed(
    item_map: ItemMap, lists: Int32[np.ndarray, "rows k"], spot: Int32[np.ndarray, " items"]
) -> tuple[Int32[np.ndarray, "rows k"], Float64[np.ndarray, "rows k"]]:
    """What is recommended, each item alike; everything on the map where nothing of it is."""
    places = np.where(lists >= 0, spot[np.maximum(lists, 0)], -1)
    pull = (places >= 0).astype(np.float64)
    if not pull.any(axis=1).all():
        raise InputError(
            "a user of whose recommendations none is on the map",
            "users with a recommended item on the map",
            "draw a map of more items (min_events=1), or ask for a larger k",
        )
    return np.maximum(places, 0).astype(np.int32), pull / pull.sum(axis=1, keepdims=True)


def _spots(item_map: ItemMap, model: Model) -> Int32[np.ndarray, " items"]:
    """The place on the map of each item code; -1 where it is not on it."""
    row_of = {one: row for row, one in enumerate(item_map.ids.tolist())}
    found = [row_of.get(one, -1) for one in model.items.ids.tolist()]
    spot = np.array(found, dtype=np.int32)
    if not (spot >= 0).any():
        raise InputError(
            f"a model of items such as {model.items.ids[:1].tolist()} for a map of items such as "
            f"{item_map.ids[:1].tolist()}",
            "a model and a map that share ids",
            "pass the model that the map was drawn of",
        )
    return spot


def _require_known(model: Model, asked: list[Any], codes: Int32[np.ndarray, " users"]) -> None:
    if (codes == UNKNOWN).any() or not asked:
        stranger = asked[int(np.argmax(codes == UNKNOWN))] if asked else None
        raise UsageError(
            f"user {stranger!r} is not among the model's {len(model.users):,} users"
            if asked
            else "no users",
            f"ids like {', '.join(repr(one) for one in model.users.ids[:3].tolist())}",
            "check the id's spelling; model.users.ids lists all",
        )
