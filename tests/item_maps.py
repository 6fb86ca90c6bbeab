"""Item maps made by hand, without any layout library."""

import numpy as np

from tastemap.maps.item_map import Colour, Fidelity, ItemMap, Layout, Shape, Traveller

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "$\\frac{1}{0$",
    "__hidden $x$",
    "👩‍👩‍👧‍👦 family",
    "مرحبا بالعالم \u202e turned",
    "x" * 10_000,
    "several\nlines\x00\x1b[31m\tand a tab",
    "\ud800 half",
    "",
    "日本語のタイトル",
)


def layout(name, xy, kept=0.42):
    shape = Shape("cloud", f"A cloud by {name}: no groups (0.12).", {"lift": 0.12})
    return Layout(name, np.float32(xy), Fidelity(3, kept, 0.91, 0.88, len(xy)), shape)


def hand_map(n=60, titles=None, seed=0, **more):
    """Items on a plane: vectors of which the first two numbers vary most, three neighbours each."""
    rng = np.random.default_rng(seed)
    vectors = (rng.standard_normal((n, 6)) * [4, 2, 1, 1, 1, 1]).astype(np.float32)
    near = np.argsort(((vectors[:, None] - vectors[None]) ** 2).sum(axis=2), axis=1)[:, 1:4]
    users = np.arange(n, 0, -1).astype(np.int64) ** 2
    kinds = np.arange(n, dtype=np.int32) % 4 - 1
    years = np.float32(1950 + np.arange(n) % 50)
    years[0] = np.nan
    made = {
        "title": "A map by hand",
        "ids": np.arange(100, 100 + n),
        "titles": np.array(
            [f"Film {i}" if titles is None else titles[i % len(titles)] for i in range(n)],
            dtype=object,
        ),
        "users": users,
        "vectors": vectors,
        "similarity": "cosine",
        "near": near.astype(np.int32),
        "likeness": np.tile(np.float32([0.9, 0.8, 0.7])[: near.shape[1]], (n, 1)),
        "layouts": (
            layout("t-SNE", rng.uniform(-9, 9, (n, 2))),
            layout("PCA", vectors[:, :2], 0.1),
        ),
        "colours": (
            Colour("users", "count", users.astype(np.float32)),
            Colour("genre", "category", kinds, ("Drama", "Comedy", "War")),
            Colour("year", "number", years),
        ),
    }
    return ItemMap(**(made | more))


def traveller(name="user 7", layouts=2):
    return Traveller(
        name=name,
        xy=np.full((layouts, 2), 1.5, dtype=np.float32),
        history=np.int32([3, 4, 5]),
        recommended=np.int32([10, 11]),
        because=np.int32([4, -1]),
    )
