"""Item maps made by hand, for tests: places and neighbours come from plain NumPy."""

from dataclasses import replace

import numpy as np

from tastemap.maps.item_map import Colour, Fidelity, ItemMap, Layout, Shape, Traveller

GENRES = ("Drama", "Comedy", "Western", "Crime", "Musical", "Horror")
FAMOUS = ("Toy Story (1995)", "Amélie (2001)", "Fargo (1996)", "Batman (1989)")
HOSTILE = (
    "<script>alert(1)</script>",
    "</script><img src=x onerror=alert(1)>",
    "\"quotes\" & 'apostrophes' <b>bold</b>",
    "👩‍👩‍👧‍👦 family 🎬",
    "فيلم عربي طويل",
    "hidden \u202e turned",
    "lone \ud800 surrogate",
    "null \x00 byte",
    "<!-- comment ]]> &lt;",
    "x" * 10_000,
    "",
    "line\nbreak\u2028and more",
)


def drawn_map(n=240, k=10, titles=None, travellers=True) -> ItemMap:
    """Six groups of items in two layouts, three colours, two users; the first items are famous."""
    rng = np.random.default_rng(7)
    group = np.arange(n) % len(GENRES)
    centres = rng.normal(size=(len(GENRES), 8)) * 3
    vectors = (centres[group] + rng.normal(size=(n, 8))).astype(np.float32)
    near, likeness = by_cosine(vectors, k)
    angle = 2 * np.pi * group / len(GENRES)
    ring = np.stack([10 * np.cos(angle), 10 * np.sin(angle)], axis=1)
    grouped = (ring + rng.normal(size=(n, 2))).astype(np.float32)
    line = rng.normal(size=(n, 2)).astype(np.float32) * [9, 2]
    names = [*FAMOUS, *(f"Film {i} ({1950 + i % 60})" for i in range(len(FAMOUS), n))]
    users = np.maximum(1, 5_000 // (np.arange(n) + 1)).astype(np.int64)
    years = np.where(np.arange(n) % 11 == 5, np.nan, 1950 + np.arange(n) % 60)
    return ItemMap(
        title="Films",
        ids=np.arange(n, dtype=np.int64) + 1000,
        titles=np.array(names[:n] if titles is None else titles, dtype=object),
        users=users,
        vectors=vectors,
        similarity="cosine",
        near=near,
        likeness=likeness,
        layouts=(layout("t-SNE", grouped), layout("PCA", line.astype(np.float32))),
        colours=(
            Colour("genre", "category", np.where(years > 0, group, -1).astype(np.int32), GENRES),
            Colour("users", "count", users.astype(np.float32)),
            Colour("year", "number", years.astype(np.float32)),
        ),
        travellers=(traveller("196", 3), traveller("<b>eve</b>", 8)) if travellers else (),
    )


def hostile_map() -> ItemMap:
    """A map whose titles, ids, names and notes are out to break a page."""
    bad = np.array([*HOSTILE, *HOSTILE], dtype=object)
    plain = drawn_map(len(bad), 5, bad)
    colours = (Colour(HOSTILE[1], "category", np.arange(len(bad), dtype=np.int32), tuple(bad)),)
    return replace(plain, title=HOSTILE[0], ids=bad[::-1].copy(), colours=colours, notes=HOSTILE)


def layout(name, xy) -> Layout:
    """A layout of invented fidelity."""
    fidelity = Fidelity(10, 0.34, 0.93, 0.9, len(xy))
    return Layout(name, xy, fidelity, Shape("cloud", f"{name} looks like a cloud.", {}))


def traveller(name, start) -> Traveller:
    """A user with four items of history and three recommendations, one of them unexplained."""
    return Traveller(
        name=name,
        xy=np.array([[1, 2], [3, 4]], dtype=np.float32),
        history=np.arange(start, start + 4, dtype=np.int32),
        recommended=np.arange(start + 6, start + 9, dtype=np.int32),
        because=np.array([start, start + 1, -1], dtype=np.int32),
    )


def by_cosine(vectors, k):
    """Places and cosines of the k nearest others, nearest first, ties by place."""
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    cosines = (unit @ unit.T).astype(np.float32)
    np.fill_diagonal(cosines, -np.inf)
    near = np.argsort(-cosines, axis=1, kind="stable")[:, :k].astype(np.int32)
    return near, np.take_along_axis(cosines, near, axis=1)
