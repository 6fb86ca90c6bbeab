"""Drawing a map: from a model, a run or an array to an `ItemMap`."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np

from tastemap.contracts import HasVectors, Model
from tastemap.data.interactions import Interactions
from tastemap.errors import MissingExtra, UsageError, require_k
from tastemap.maps.clusters import clusters
from tastemap.maps.colours import colours_of
from tastemap.maps.item_map import ItemMap
from tastemap.maps.layouts import SAMPLE, Drawing, Settings, make, neighbours_for
from tastemap.maps.neighbours import Similarity, nearest, require_similarity
from tastemap.maps.subject import Judged, subject
from tastemap.maps.tsne import most_perplexity, require_tsne

Method = Literal["auto", "pca", "tsne", "umap"]

NAMES = {"pca": "PCA", "tsne": "t-SNE", "umap": "UMAP"}

UMAP_FROM = 100_000
"""From so many items on UMAP is chosen, and t-SNE of all of them refused."""

TSNE_SECONDS = 2.4e-6
"""An iteration of t-SNE by interpolation takes so long an item (50,000 items, 750 iterations)."""

PERPLEXITY = 30.0


def item_map(
    given: Model | HasVectors | Judged | np.ndarray,
    train: Interactions | None = None,
    *,
    method: Method | Sequence[Method] = "auto",
    similarity: Similarity = "cosine",
    min_events: int = 5,
    most_items: int | None = None,
    perplexity: float | None = None,
    iterations: int = 750,
    learning_rate: float | Literal["auto"] = "auto",
    sample: int = SAMPLE,
    k: int = 10,
    colours: Mapping[str, Any] | None = None,
    start: ItemMap | None = None,
    title: str | None = None,
    seed: int = 0,
) -> ItemMap:
    """Draw items in the plane: near each other where the model finds them alike.

    Equal arguments give equal maps, bit for bit, whatever the number of threads.

    Parameters
    ----------
    given
        A model with item vectors, an array of shape (items, d), or a run, which adds the colour
        "missed in test": the share of an item's test users whose list misses it.
    train
        The log the vectors were learned from, its items in the order of the rows; by default the
        model's own. Without one there are no titles, labels or numbers of users.
    method
        The layouts to make, the one to show first in front; PCA is always among them. "auto" is
        t-SNE, from 100,000 items on UMAP, and PCA alone where the extra `maps` is missing.
    similarity
        What makes neighbours: "cosine", or "dot", which counts length (fame) too.
    min_events
        Items that fewer people used are left out, as their vectors are mostly noise.
    most_items
        Draw only so many, the most used.
    perplexity
        How many neighbours count in t-SNE, softly; 30 by default, fewer where there are few items.
    iterations, learning_rate
        Of t-SNE.
    sample
        t-SNE of more items is fitted on so many, evenly drawn along popularity; the others are
        then placed among them.
    k
        True neighbours an item.
    colours
        Further colours by name: a value for each item of the map, or of the log.
    start
        An older map: layouts begin where its items stood and are turned onto it, so that this
        week's map looks like last week's.
    title
        What the map is of.
    seed
        Seed of every draw.

    Raises
    ------
    UsageError
        A method, perplexity or sample that cannot be.
    InputError
        Too few items; vectors that are not finite or do not fit the log.
    MissingExtra
        t-SNE or UMAP by name without the extra `maps`.

    Examples
    --------
    >>> from tastemap import ALS, synthetic
    >>> model = ALS(factors=8).fit(synthetic.taste_groups())
    >>> found = item_map(model, method="pca")
    >>> len(found), found.layouts[0].name, found.colours[0].name
    (120, 'PCA', 'users')
    """
    of = subject(given, train, min_events=min_events, most_items=most_items)
    require_k(k)
    require_similarity(similarity)
    n, notes = len(of.kept), list(of.notes)
    asked = _methods(method, n)
    _require_sample(sample, n, iterations, asked)
    settings = Settings(_perplexity(perplexity, n, asked, notes), iterations, learning_rate, sample)
    if "t-SNE" in asked:
        require_tsne(min(n, sample), settings.perplexity, iterations, learning_rate)
    width = max([min(k, n - 1), *(neighbours_for(name, n, settings) for name in asked)])
    near = nearest(of.vectors, width, similarity=similarity)
    drawing = Drawing(of, near, min(k, n - 1), similarity, seed, settings, start)
    layouts = []
    for name in asked:
        try:
            layouts.append(make(name, drawing, notes))
        except MissingExtra as missing:
            if method != "auto":
                raise
            notes.append(f"{name} is left out: {missing.remedy}")
    groups = clusters(of.vectors, labels=of.labels, titles=of.titles, users=of.users, seed=seed)
    extra = of.extra | dict(colours or {})
    return ItemMap(
        title=of.title if title is None else title,
        ids=of.ids,
        titles=of.titles,
        users=of.users,
        vectors=of.vectors,
        similarity=similarity,
        near=drawing.lists[0],
        likeness=drawing.lists[1],
        layouts=tuple(layouts),
        colours=colours_of(of.train, of.vectors, of.kept, groups=groups, extra=extra),
        seed=seed,
        notes=tuple(notes),
    )


def _methods(method: str | Sequence[str], n: int) -> list[str]:
    """Names of the layouts to make; PCA is always among them."""
    given = [method] if isinstance(method, str) else list(method)
    asked = [one.lower().replace("-", "") for one in given]  # "t-SNE" is what the layout is called
    unknown = [one for one in asked if one not in (*NAMES, "auto")]
    if unknown or not asked:
        raise UsageError(
            f"method={given[asked.index(unknown[0])]!r}" if unknown else "no method",
            "'auto', 'pca', 'tsne', 'umap', or a list of these",
            "leave it out: 'auto'",
        )
    names = []
    for one in asked:
        if one != "auto":
            names.append(NAMES[one])
        elif n >= UMAP_FROM:
            names.append("UMAP")
        elif most_perplexity(n) >= 1:
            names.append("t-SNE")
    return list(dict.fromkeys([*names, "PCA"]))


def _perplexity(given: float | None, n: int, asked: Sequence[str], notes: list[str]) -> float:
    """The perplexity asked for, or 30, or the highest whole number that the items allow."""
    if given is not None or "t-SNE" not in asked:
        return PERPLEXITY if given is None else given
    most = max(float(int(most_perplexity(n))), 1.0)
    if most < PERPLEXITY:
        notes.append(f"perplexity {most:g} instead of {PERPLEXITY:g}, as there are {n} items")
    return min(PERPLEXITY, most)


def _require_sample(sample: int, n: int, iterations: int, asked: Sequence[str]) -> None:
    if "t-SNE" not in asked:
        return
    if sample < 100 and sample < n:
        raise UsageError(f"sample={sample}", "100 items or more", f"pass sample={min(n, SAMPLE)}")
    fitted = min(sample, n)
    if fitted >= UMAP_FROM:
        minutes = fitted * iterations * TSNE_SECONDS / 60
        raise UsageError(
            f"t-SNE of {fitted:,} items, which takes about {minutes:,.0f} minutes",
            f"a sample of fewer than {UMAP_FROM:,} items",
            f"pass sample={SAMPLE} (the other items are placed among these), or method='umap'",
        )
