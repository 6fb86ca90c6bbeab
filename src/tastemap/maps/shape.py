"""What a map looks like, judged by numbers: is there anything to see on it, and is it real?"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from tastemap.errors import InputError
from tastemap.maps.item_map import Form, Shape
from tastemap.maps.plane import centred, groups, lattice, outline, packed
from tastemap.maps.standing import company, incline
from tastemap.seeding import stream
from tastemap.shapes import Float64, Int64

Numbers = Mapping[str, float]

FEWEST = 30
"""Fewer items are not judged."""
MOST = 10_000
"""Beyond, a sample is judged (a grid by the neighbours of the sample among all)."""

LINES: Numbers = {
    # Collapsed tables had 0.91 or more, healthy maps up to 0.68 (12 groups, two of them far off).
    "packed": 0.85,
    # Grids with jitter of 5 % had up to 0.14, rounded normal clouds 0.41; all else 0.9 or more.
    "uneven": 0.5,
    # Grids had 0.74 or more, all else up to 0.3.
    "order": 0.7,
    # Healthy maps by t-SNE had 0.23 or more; chance is 0.
    "label_share": 0.2,
    "label_clear": 5.0,
    # Chance goes up to 0.4 at 100 items; PCA of factor models often has 0.9.
    "popularity": 0.6,
    # Even and normal clouds went up to 6; two normal groups 6 deviations apart have 8 or more.
    "gap": 7.0,
}
"""Where each number turns into a verdict, and between what it was measured to lie."""


def shape(
    xy: np.ndarray,
    *,
    users: np.ndarray | None = None,
    labels: Sequence[Sequence[str]] | None = None,
    seed: int = 0,
) -> Shape:
    """Judge a map by numbers; moved, turned, mirrored or scaled it gets the same verdict.

    The first that holds: "collapsed", "grid", "clusters" that labels confirm, "gradient" of
    popularity, "clusters" with gaps between them, "scatter" (a round cloud that knows nothing of
    labels and users), else "cloud".

    Parameters
    ----------
    xy
        Shape (n, 2): where the items stand.
    users
        Shape (n,): how many users used each item, where known.
    labels
        The labels of each item, where known.
    seed
        Seed of the sample of large maps and of the shuffled labels.

    Raises
    ------
    InputError
        Places that are not finite, or users or labels of another number of items.

    Examples
    --------
    >>> rng = stream(0, "example")
    >>> shape(rng.standard_normal((500, 2))).form
    'scatter'
    >>> shape(np.stack(np.meshgrid(np.arange(20.0), np.arange(20.0)), axis=-1).reshape(-1, 2)).form
    'grid'
    """
    points = _points(xy, users=users, labels=labels)
    n = len(points)
    if n < FEWEST:
        return Shape("cloud", f"{n} items are too few to judge the map ({FEWEST} or more).", {})
    rng = stream(seed, "shape")
    kept = np.sort(rng.choice(n, MOST, replace=False)) if n > MOST else np.arange(n)
    numbers = _measured(points, kept, rng)
    if labels is not None:
        found = company(points[kept], [labels[place] for place in kept.tolist()], rng)
        if found is not None:
            numbers |= {
                "label_lift": found.lift,
                "label_share": found.share,
                "label_clear": found.clear,
            }
    if users is not None and (slope := incline(points[kept], np.asarray(users)[kept])) is not None:
        numbers |= {"popularity": slope.across, "popularity_outward": slope.outward}
    form = next(name for name, holds in VERDICTS if holds(numbers))
    return Shape(form, SENTENCES[form](numbers), numbers)


def _points(xy: np.ndarray, **known: Sequence[object] | np.ndarray | None) -> np.ndarray:
    """The places, checked, centred and scaled."""
    given = np.asarray(xy)
    if given.ndim != 2 or given.shape[1] != 2 or given.dtype.kind not in "fiu":
        raise InputError(
            f"places of shape {given.shape} and type {given.dtype}",
            "numbers of shape (items, 2)",
            "pass the xy of a layout",
        )
    finite = np.isfinite(given).all(axis=1)
    if not finite.all():
        raise InputError(
            f"places that are not finite, first in row {int(np.argmin(finite))}",
            "finite numbers only (no NaN, no infinity)",
            "lay the items out anew; a smaller learning_rate keeps a layout from exploding",
        )
    for name, values in known.items():
        if values is not None and len(values) != len(given):
            raise InputError(
                f"{len(values):,} {name} for {len(given):,} places",
                "one for each place, in the same order",
                f"pass {name} of the items that the map shows",
            )
    return centred(given.astype(np.float64))


def _measured(
    points: Float64[np.ndarray, "n 2"], kept: Int64[np.ndarray, " rows"], rng: np.random.Generator
) -> dict[str, float]:
    """What the places alone say."""
    some = points[kept]
    form, even = outline(some), lattice(points, kept)
    islands = groups(some, rng)
    return {
        "packed": packed(some),
        "uneven": even.uneven,
        "order": even.order,
        "skew": form.skew,
        "kurtosis": form.kurtosis,
        "round": form.round,
        "groups": 1.0 + sum(clear >= LINES["gap"] for clear in islands),
        "gap": islands[0] if islands else 0.0,
        "judged": float(len(some)),
    }


def _confirmed(n: Numbers) -> bool:
    """Labels are together by more than chance."""
    return n.get("label_clear", 0.0) >= LINES["label_clear"]


def _scattered(n: Numbers) -> bool:
    """A round cloud without groups that knows nothing of the items.

    Lines move with the number of points as chance does. Of 200 normal clouds each of 100 to 3,000
    points the lines let 99 in 100 through, of even squares and disks nearly all.
    """
    root = n["judged"] ** 0.5
    even = n["skew"] <= 0.02 + 100 / root**2 and 4.8 <= n["kurtosis"] <= 8.2 + 25 / root
    known = max(abs(n.get("popularity", 0.0)), abs(n.get("popularity_outward", 0.0)))
    is_round = n["round"] >= min(0.88, 1 - 7 / root)
    return even and is_round and not _confirmed(n) and known < 4.5 / root


VERDICTS: tuple[tuple[Form, Callable[[Numbers], bool]], ...] = (
    ("collapsed", lambda n: n["packed"] >= LINES["packed"]),
    ("grid", lambda n: n["uneven"] <= LINES["uneven"] and n["order"] >= LINES["order"]),
    (
        "clusters",
        lambda n: _confirmed(n) and n["label_share"] >= LINES["label_share"],
    ),
    ("gradient", lambda n: n.get("popularity", 0.0) >= LINES["popularity"]),
    ("clusters", lambda n: n["gap"] >= LINES["gap"]),
    ("scatter", _scattered),
    ("cloud", lambda n: True),
)
"""The forms in the order in which they are asked; the first that holds is the verdict."""


def _of_collapsed(n: Numbers) -> str:
    return (
        f"Collapsed: {100 * n['packed']:.0f} % of the items stand in 1/400 of the map. The vectors "
        "hardly differ, or a few lie far from all others; look at their health."
    )


def _of_grid(n: Numbers) -> str:
    return (
        f"Grid: items stand in rows and columns (order {n['order']:.2f} of 1, nearest neighbours "
        f"equally far to {100 * n['uneven']:.0f} %). No model learns a grid: the places were "
        "rounded, or made from row numbers."
    )


def _of_clusters(n: Numbers) -> str:
    if _confirmed(n) and n["label_share"] >= LINES["label_share"]:
        said = (
            f"Clusters: neighbours share labels {n['label_lift']:.1f}x as much as chance"
            f"{_and_gaps(n)}. The groups are real."
        )
    elif "label_lift" not in n or _confirmed(n):
        said = f"Clusters: {n['groups']:.0f} groups with gaps between them{_labels(n)}."
    else:
        said = (
            f"Clusters: {n['groups']:.0f} groups with gaps between them, but neighbours share no "
            f"more labels than chance ({n['label_lift']:.1f}x). The groups may be chance, or ids "
            "and vectors have moved against each other."
        )
    if n.get("popularity", 0.0) >= LINES["popularity"]:
        said += f" Popularity runs across, too (rank correlation {n['popularity']:.2f})."
    return said


def _of_gradient(n: Numbers) -> str:
    return (
        "Gradient of popularity: the number of users grows along one direction (rank correlation "
        f"{n['popularity']:.2f}){_labels(n)}. That direction tells popular items from rare ones; "
        "taste is found across it."
    )


def _of_scatter(n: Numbers) -> str:
    known = [name for name, key in (("labels", "label_lift"), ("users", "popularity")) if key in n]
    unknown = "" if known else " Labels and users were not given: without them a map may hide much."
    return (
        f"Random scatter: items lie evenly round the middle (skewness {n['skew']:.2f}, kurtosis "
        f"{n['kurtosis']:.1f} where chance gives 0 and 5 to 8){_labels(n)}. This is what untrained "
        f"vectors look like.{unknown}"
    )


def _of_cloud(n: Numbers) -> str:
    slope = (
        f", popularity hardly orders it (rank correlation {n['popularity']:.2f})"
        if "popularity" in n
        else ""
    )
    return (
        f"Cloud: no groups with gaps between them{slope}{_labels(n)}. Usual for vectors of many "
        "directions, of which a plane shows few."
    )


def _labels(n: Numbers) -> str:
    """What labels say, as part of a sentence."""
    if "label_lift" not in n:
        return ""
    if not _confirmed(n):
        return f", neighbours share no more labels than chance ({n['label_lift']:.1f}x)"
    return f", neighbours share labels {n['label_lift']:.1f}x as much as chance"


def _and_gaps(n: Numbers) -> str:
    return f", in {n['groups']:.0f} groups with gaps between them" if n["groups"] > 1 else ""


SENTENCES: Mapping[Form, Callable[[Numbers], str]] = {
    "collapsed": _of_collapsed,
    "grid": _of_grid,
    "clusters": _of_clusters,
    "gradient": _of_gradient,
    "scatter": _of_scatter,
    "cloud": _of_cloud,
}
