"""One map at several perplexities, side by side: what stays is in the model, what goes is not."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tastemap.contracts import HasVectors, Model
from tastemap.data.interactions import Interactions
from tastemap.errors import UsageError
from tastemap.maps.dots import Painted, draw, key, limits, painted, size_and_alpha
from tastemap.maps.fidelity import fidelity
from tastemap.maps.item_map import Colour, Layout
from tastemap.maps.lettering import called, wrapped, write
from tastemap.maps.neighbours import Similarity, nearest, require_similarity
from tastemap.maps.picture import DPI, KEY, MARGIN, foot, new_figure, require_picture, written
from tastemap.maps.shape import shape
from tastemap.maps.subject import Judged, subject
from tastemap.maps.tsne import most_perplexity, tsne

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

K = 10
"""Neighbours that a map is judged by."""
MOST_PANELS = 6
PANEL, LINE, HEAD = 3.6, 0.155, 1.0
"""Inches: a side of a panel, a line under it, the heading."""
HOW_TO_READ = (
    "Same vectors, same start, same seed: only the perplexity differs. Groups that stand in all "
    "panels are in the model; groups that one panel alone shows are made by its perplexity. "
    "Distances between groups and sizes of groups mean nothing."
)


@dataclass(frozen=True, eq=False)
class Sweep:
    """Maps of the same items at several perplexities.

    Parameters
    ----------
    title
        What they are of.
    perplexities
        Of each layout.
    layouts
        The maps, with what they keep and what they look like.
    figure
        The picture, for matplotlib.
    notes
        What was left out, in words.
    """

    title: str
    perplexities: tuple[float, ...]
    layouts: tuple[Layout, ...]
    figure: "Figure"
    notes: tuple[str, ...] = ()

    @property
    def best(self) -> float:
        """The perplexity whose map keeps most neighbours."""
        kept = [one.fidelity.kept for one in self.layouts]
        return self.perplexities[int(np.argmax(kept))]

    def __str__(self) -> str:
        lines = [f"{self.title}: t-SNE at {len(self.layouts)} perplexities"]
        lines += [
            f"perplexity {perplexity:g}: {kept_of(one)} {one.shape.sentence}"
            for perplexity, one in zip(self.perplexities, self.layouts, strict=True)
        ]
        return "\n".join([*lines, HOW_TO_READ, *self.notes])

    def _repr_png_(self) -> bytes:
        from io import BytesIO

        buffer = BytesIO()
        self.figure.savefig(buffer, format="png")
        return buffer.getvalue()


def perplexity_sweep(
    given: Model | HasVectors | Judged | np.ndarray,
    train: Interactions | None = None,
    perplexities: Sequence[float] = (5, 30, 50),
    *,
    path: str | Path | None = None,
    similarity: Similarity = "cosine",
    min_events: int = 5,
    most_items: int | None = 10_000,
    iterations: int = 750,
    title: str | None = None,
    seed: int = 0,
) -> Sweep:
    """Draw t-SNE of the same items at several perplexities, in one picture.

    Neighbours are found once, for the largest perplexity. Equal arguments give equal bits.

    Parameters
    ----------
    given, train
        As for `draw.item_map`: a model, a run, or an array of shape (items, d) with its log.
    perplexities
        One to six, from 1 to a third of the other items.
    path
        A name that ends in .png, .svg or .pdf; nothing is written where left out.
    similarity
        "cosine" or "dot".
    min_events, most_items
        Items that fewer people used are left out; then the most used are drawn, so many.
    iterations, seed
        Of each t-SNE.
    title
        What the map is of.

    Raises
    ------
    UsageError
        For a perplexity out of its range, none, or more than six.
    MissingExtra
        Without the extra `maps`.
    """
    target = None if path is None else require_picture(path)
    of = subject(given, train, min_events=min_events, most_items=most_items)
    asked = _required(perplexities, len(of.vectors))
    require_similarity(similarity)
    n = len(of.vectors)
    figure = new_figure((_width(len(asked), of.users is not None), 2 * PANEL))
    width = max(min(K, n - 1), min(n - 1, int(3 * max(asked))))
    near = nearest(of.vectors, width, similarity=similarity)
    lists = np.ascontiguousarray(near[0][:, : min(K, n - 1)])
    layouts = []
    for perplexity in asked:
        begun = time.perf_counter()
        settings: dict[str, Any] = {"similarity": similarity, "seed": seed}
        xy = tsne(of.vectors, perplexity=perplexity, iterations=iterations, near=near, **settings)
        layouts.append(
            Layout(
                name="t-SNE",
                xy=xy,
                fidelity=fidelity(lists, xy, vectors=of.vectors, **settings),
                shape=shape(xy, users=of.users, labels=of.labels, seed=seed),
                settings={"perplexity": perplexity, "iterations": iterations, **settings},
                seconds=time.perf_counter() - begun,
            )
        )
    sweep = Sweep(
        title=called(of.title if title is None else title, "Items", 70),
        perplexities=asked,
        layouts=tuple(layouts),
        figure=figure,
        notes=tuple(of.notes),
    )
    users = None if of.users is None else Colour("users", "count", of.users.astype(np.float32))
    _drawn(sweep, users, painted(users, n, seed))
    written(figure, target)
    return sweep


def kept_of(layout: Layout) -> str:
    """What a map keeps, short enough to stand under a panel."""
    kept = layout.fidelity
    return (
        f"It keeps {100 * kept.kept:.0f} % of each item's {kept.k} nearest neighbours "
        f"(trustworthiness {kept.trustworthiness:.2f})."
    )


def _required(perplexities: Sequence[float], n: int) -> tuple[float, ...]:
    asked = tuple(perplexities)
    if not 1 <= len(asked) <= MOST_PANELS:
        raise UsageError(
            f"{len(asked)} perplexities",
            f"from 1 to {MOST_PANELS}: a panel each",
            "leave them out: (5, 30, 50)",
        )
    most = most_perplexity(n)
    for one in asked:
        if not 1 <= one <= most:
            raise UsageError(
                f"perplexity={one:g} for {n:,} items",
                f"from 1 to {np.floor(10 * most) / 10:g}, a third of the other items",
                f"pass perplexities=({min(5, int(most))}, {int(most)}), say",
            )
    return asked


def _width(panels: int, with_key: bool) -> float:
    return 2 * MARGIN + panels * PANEL + (panels - 1) * MARGIN + (KEY if with_key else 0)


def _drawn(sweep: Sweep, colour: Colour | None, look: Painted) -> None:
    """Panels side by side, under each what it keeps and looks like, at the end the key."""
    figure = sweep.figure
    wide = float(figure.get_size_inches()[0])
    ruler = write(figure, 0, 0, "", fontsize=8)
    under = [
        wrapped(f"{kept_of(one)} {one.shape.sentence}", PANEL * DPI, ruler) for one in sweep.layouts
    ]
    sentences = [HOW_TO_READ, *sweep.notes[:3]]
    low = foot(figure, sentences, MARGIN, wide - 2 * MARGIN)
    bottom = low + 0.3 + LINE * max(map(len, under))
    high = bottom + PANEL + HEAD
    for text in list(figure.texts):  # they stand by shares of a height that is known only now
        text.remove()
    figure.set_figheight(high)
    foot(figure, sentences, MARGIN, wide - 2 * MARGIN)
    style: dict[str, Any] = {"fontsize": 13, "weight": "bold", "va": "top"}
    write(figure, MARGIN / wide, 1 - 0.18 / high, sweep.title, **style)
    said = f"t-SNE of {len(look.order):,} items at {len(sweep.layouts)} perplexities"
    write(figure, MARGIN / wide, 1 - 0.46 / high, said, fontsize=9, color="#444444", va="top")
    for number, (layout, lines) in enumerate(zip(sweep.layouts, under, strict=True)):
        left = MARGIN + number * (PANEL + MARGIN)
        axes = figure.add_axes((left / wide, bottom / high, PANEL / wide, PANEL / high))
        _panel(axes, layout, look)
        head = f"perplexity {sweep.perplexities[number]:g}"
        write(figure, left / wide, (bottom + PANEL + 0.08) / high, head, fontsize=10, weight="bold")
        for row, line in enumerate(lines):
            y = (bottom - 0.1 - LINE * row) / high
            write(figure, left / wide, y, line, fontsize=8, color="#444444", va="top")
    if colour is not None:
        left = MARGIN + len(sweep.layouts) * (PANEL + MARGIN) - MARGIN + 0.2
        size = ((KEY - 0.05) / wide, PANEL / high)
        key(figure.add_axes((left / wide, bottom / high, *size)), colour, look)


def _panel(axes: "Axes", layout: Layout, look: Painted) -> None:
    axes.set(xticks=[], yticks=[])
    for spine in axes.spines.values():
        spine.set(color="#cccccc", linewidth=0.8)
    side = 72 * PANEL
    x_ends, y_ends = limits(layout.xy, side, side)
    axes.set(xlim=x_ends, ylim=y_ends)
    area, alpha = size_and_alpha(layout.xy, side, side)
    draw(axes, layout.xy, look, area=area, alpha=alpha)
