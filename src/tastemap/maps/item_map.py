"""A map of items: where they stand in the plane, what is true of them in the model, what colours
them.

`ItemMap` is what everything else reads: the viewer, the pictures, the exports and the report.
`draw.item_map` makes one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from tastemap.shapes import Float32, Int32, Int64

Kind = Literal["count", "number", "category"]


@dataclass(frozen=True, eq=False)
class Colour:
    """One thing that items can be coloured by.

    Parameters
    ----------
    name
        What it is called, such as "users" or "genre".
    kind
        "count" (0 or more, shown on a log scale), "number" (a linear scale) or "category".
    values
        Shape (n,): float32, NaN where unknown; of a category the place in `categories`, and -1
        where unknown, as int32.
    categories
        Names, the commonest first; empty unless the kind is "category".
    """

    name: str
    kind: Kind
    values: Float32[np.ndarray, " n"] | Int32[np.ndarray, " n"]
    categories: tuple[str, ...] = ()


@dataclass(frozen=True)
class Fidelity:
    """How far a map may be believed: neighbours in the plane against neighbours in the model.

    Parameters
    ----------
    k
        Neighbours an item.
    kept
        Mean share of an item's k nearest in the model that are among its k nearest on the map.
    trustworthiness, continuity
        From 0 to 1 (Venna & Kaski 2001): 1 less what false neighbours on the map, and what
        neighbours lost from it, weigh by their ranks.
    compared
        How many items were looked at.
    """

    k: int
    kept: float
    trustworthiness: float
    continuity: float
    compared: int


Form = Literal["scatter", "collapsed", "grid", "gradient", "clusters", "cloud"]


@dataclass(frozen=True)
class Shape:
    """What a map looks like, judged by numbers.

    Parameters
    ----------
    form
        "scatter" (evenly random), "collapsed" (nearly all in a corner), "grid" (rows and columns),
        "gradient" (popularity runs across it), "clusters" (groups that labels or gaps confirm),
        or "cloud" (none of these).
    sentence
        The verdict in words, with its numbers.
    numbers
        What was measured, by name.
    """

    form: Form
    sentence: str
    numbers: Mapping[str, float]


@dataclass(frozen=True, eq=False)
class Layout:
    """Places of all items in the plane by one method.

    Parameters
    ----------
    name
        "PCA", "t-SNE" or "UMAP".
    xy
        Shape (n, 2).
    fidelity
        What the map keeps of the neighbours in the model.
    shape
        What it looks like.
    settings
        How it was made: method, perplexity, iterations, seed and so on, as plain values.
    seconds
        What making it took.
    """

    name: str
    xy: Float32[np.ndarray, "n 2"]
    fidelity: Fidelity
    shape: Shape
    settings: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def honesty(self) -> str:
        """The line that stands on every picture: what the map keeps, and what means nothing."""
        kept = self.fidelity
        return (
            f"This {self.name} map keeps {100 * kept.kept:.0f} % of each item's {kept.k} nearest "
            f"neighbours (trustworthiness {kept.trustworthiness:.2f}). "
            "Distances between groups and sizes of groups mean nothing."
        )


@dataclass(frozen=True, eq=False)
class Traveller:
    """A user on the map of items.

    Parameters
    ----------
    name
        The user's outside id, as text.
    xy
        Shape (layouts, 2): where the user stands in each layout.
    history
        Places (rows of the map) of items used, oldest first.
    recommended
        Places of the items recommended, best first.
    because
        For each item recommended the place in the map of the item of the history that speaks most
        for it; -1 where none does or it is not on the map.
    """

    name: str
    xy: Float32[np.ndarray, "layouts 2"]
    history: Int32[np.ndarray, " past"]
    recommended: Int32[np.ndarray, " found"]
    because: Int32[np.ndarray, " found"]


@dataclass(frozen=True, eq=False)
class ItemMap:
    """Items in the plane.

    Row r of every array is one item; rows are called places.

    Parameters
    ----------
    title
        What the map is of.
    ids
        Shape (n,): outside ids.
    titles
        Shape (n,), text: the title, or the id where none is known. Whatever the user's table
        says, of any length and any characters.
    users
        Shape (n,): how many users used each item; None where no log is known.
    vectors
        Shape (n, d): the vectors of the model.
    similarity
        What makes neighbours in the model: "cosine" or "dot".
    near, likeness
        Shape (n, k): places of the nearest items in the model, nearest first, and their
        similarity.
    layouts
        The one to show first stands first.
    colours
        The one to show first stands first.
    travellers
        Users drawn on it.
    seed
        Seed of every draw.
    notes
        What was left out or chosen automatically, in words.
    """

    title: str
    ids: np.ndarray
    titles: np.ndarray
    users: Int64[np.ndarray, " n"] | None
    vectors: Float32[np.ndarray, "n d"]
    similarity: str
    near: Int32[np.ndarray, "n k"]
    likeness: Float32[np.ndarray, "n k"]
    layouts: tuple[Layout, ...]
    colours: tuple[Colour, ...]
    travellers: tuple[Traveller, ...] = ()
    seed: int = 0
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, name: str) -> Layout:
        """The layout of this name; see `lookup.layout_of`."""
        from tastemap.maps.lookup import layout_of

        return layout_of(self, name)

    def neighbours(self, item: Any, k: int = 10, layout: str | None = None) -> Any:
        """Nearest items on the map beside nearest in the model; see `lookup.neighbours`."""
        from tastemap.maps.lookup import neighbours

        return neighbours(self, item, k, layout)

    def save(self, path: str | Path, **options: Any) -> Path:
        """Write the map in the form that the name asks for; see `files.save_map`."""
        from tastemap.maps.files import save_map

        return save_map(self, path, **options)

    def _repr_html_(self) -> str:
        from tastemap.maps.viewer import inline

        return inline(self)

    def __str__(self) -> str:
        lines = [f"{self.title}: {len(self):,} items"]
        lines += [f"{one.name}: {one.shape.sentence} {one.honesty}" for one in self.layouts]
        return "\n".join([*lines, *self.notes])
