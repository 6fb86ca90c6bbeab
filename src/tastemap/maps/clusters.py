"""Groups of items whose vectors point the same way, and names for them: k-means on unit vectors."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tastemap.errors import InputError, UsageError
from tastemap.kernels.workers import one_blas_thread
from tastemap.maps.cluster_names import names_of
from tastemap.maps.neighbours import unit_rows
from tastemap.seeding import stream
from tastemap.shapes import Float, Float32, Int32, Int64

MOST = 12
"""Groups that are told apart at a glance, and as many as there are colours for."""
STARTS, ROUNDS = 3, 25
SETTLED = 0.002
"""Rounds end when no larger share of items changes its group."""
FITTED = 20_000
"""Beyond so many items centres are found among a sample; all items then go to the nearest."""


@dataclass(frozen=True, eq=False)
class Clusters:
    """Items in groups, the largest group first.

    Parameters
    ----------
    of
        Shape (n,): the group of each item.
    names
        What the items of each group have in common; all different.
    centres
        Shape (groups, d): mean of the unit vectors of each group.
    tightness
        Mean squared distance of a unit vector from its centre, 0 (all equal) to 1; random vectors
        have nearly 1.
    """

    of: Int32[np.ndarray, " n"]
    names: tuple[str, ...]
    centres: Float32[np.ndarray, "groups d"]
    tightness: float

    @property
    def sizes(self) -> Int64[np.ndarray, " groups"]:
        """Items in each group."""
        return np.bincount(self.of, minlength=len(self.names)).astype(np.int64)


def clusters(
    vectors: Float[np.ndarray, "n d"],
    *,
    groups: int | None = None,
    labels: Sequence[Sequence[str]] | None = None,
    titles: np.ndarray | None = None,
    users: np.ndarray | None = None,
    seed: int = 0,
) -> Clusters:
    """Cut items into groups by the direction of their vectors, so that fame (length) is no matter.

    k-means: start from distant items (k-means++), then give every item to the nearest centre and
    move every centre to the middle of its items, until hardly an item changes its group; the best
    of three starts by the sum of squared distances. Of centres equally near the first one counts.

    Parameters
    ----------
    vectors
        Vectors of the items; a row of zeros has no direction, such rows end up together.
    groups
        How many; by default sqrt(n / 2), from 2 to 12: the rule of thumb of Mardia, Kent & Bibby
        (1979), cut where colours run out. Fewer where vectors point in fewer directions.
    labels
        The labels of each item. A group is named after labels that are much more frequent in it.
    titles
        The titles of the items: else a group is named after the two items that most people used.
    users
        How many users used each item; by default titles nearest to the centre make the name.
    seed
        Seed of the starts.

    Raises
    ------
    UsageError
        `groups` is not from 1 to n.

    Examples
    --------
    >>> two = np.array([[1.0, 0.0], [2.0, 0.1], [0.0, 1.0], [3.0, 0.0]])
    >>> found = clusters(two, groups=2, labels=[["tea"], ["tea"], ["beer"], ["tea"]])
    >>> found.of.tolist(), found.names
    ([0, 0, 1, 0], ('tea', 'beer'))
    """
    n = len(vectors)
    wanted = default_groups(n) if groups is None else groups
    if not 1 <= wanted <= n:
        raise UsageError(f"groups={wanted} of {n:,} items", f"1 to {n}", "leave it out")
    for name, given in (("labels", labels), ("titles", titles), ("users", users)):
        if given is not None and len(given) != n:
            raise InputError(
                f"{len(given):,} {name} for {n:,} vectors",
                "one for each vector, in the same order",
                f"pass {name} of the items that the vectors are of",
            )
    rows = np.ascontiguousarray(unit_rows(vectors), dtype=np.float32)
    rng = stream(seed, "clusters")
    with one_blas_thread():  # so that the last bits do not depend on the number of threads
        sample = rows if n <= FITTED else rows[np.sort(rng.choice(n, FITTED, replace=False))]
        found = [_k_means(sample, _spread_start(sample, wanted, rng)) for _ in range(STARTS)]
        centres = min(found, key=lambda one: one[1])[0]
        of, near = _nearest_centre(rows, centres)
    of, centres = _by_size(of, centres)
    order = -_likeness(rows, centres, of) if users is None else -np.asarray(users)
    names = names_of(of, labels, titles, order)
    return Clusters(of, names, centres, float(near.mean()))


def default_groups(n: int) -> int:
    """How many groups n items are cut into: sqrt(n / 2), from 2 to 12.

    >>> [default_groups(n) for n in (1, 3, 50, 100, 10_000)]
    [1, 2, 5, 7, 12]
    """
    return min(n, MOST, max(2, round((n / 2) ** 0.5)))


def _spread_start(
    rows: Float32[np.ndarray, "n d"], groups: int, rng: np.random.Generator
) -> Float32[np.ndarray, "groups d"]:
    """k-means++ (Arthur & Vassilvitskii 2007): the next centre by chance, far ones more likely."""
    chosen = [int(rng.integers(len(rows)))]
    near = np.full(len(rows), np.inf, dtype=np.float32)
    while len(chosen) < groups:
        near = np.minimum(near, _nearest_centre(rows, rows[chosen[-1:]])[1])
        near[chosen] = 0
        sums = np.cumsum(near, dtype=np.float64)
        if sums[-1] <= 1e-6 * len(rows):  # fewer directions than groups
            break
        place = int(np.searchsorted(sums, rng.random() * sums[-1], side="right"))
        chosen.append(min(place, len(rows) - 1))
    return rows[chosen]


def _k_means(
    rows: Float32[np.ndarray, "n d"], centres: Float32[np.ndarray, "groups d"]
) -> tuple[Float32[np.ndarray, "groups d"], float]:
    """Centres that hardly move any more, and the mean squared distance of items from theirs."""
    of = np.full(len(rows), -1, dtype=np.int32)
    for _ in range(ROUNDS):
        before, (of, near) = of, _nearest_centre(rows, centres)
        if (of != before).mean() <= SETTLED:
            break
        member = (of == np.arange(len(centres))[:, None]).astype(np.float32)
        sizes = member.sum(axis=1)
        sums = member @ rows
        centres = np.where(sizes[:, None] > 0, sums / np.maximum(sizes, 1)[:, None], centres)
    return centres, float(near.mean(dtype=np.float64))


def _nearest_centre(
    rows: Float32[np.ndarray, "n d"], centres: Float32[np.ndarray, "groups d"]
) -> tuple[Int32[np.ndarray, " n"], Float32[np.ndarray, " n"]]:
    """The nearest centre of each row, the first of equals, and the squared distance to it."""
    # |x - c|^2 = |x|^2 - 2 x.c + |c|^2, and |x| is 1, or 0; a row of the table a centre is faster.
    part = (centres * centres).sum(axis=1)[:, None] - 2 * (centres @ rows.T)
    of = part.argmin(axis=0).astype(np.int32)
    lengths = np.einsum("nd,nd->n", rows, rows)
    return of, np.maximum(part[of, np.arange(len(rows))] + lengths, 0)


def _likeness(
    rows: Float32[np.ndarray, "n d"],
    centres: Float32[np.ndarray, "groups d"],
    of: Int32[np.ndarray, " n"],
) -> Float32[np.ndarray, " n"]:
    """Inner product of each row and its own centre."""
    return np.einsum("nd,nd->n", rows, centres[of])


def _by_size(
    of: Int32[np.ndarray, " n"], centres: Float32[np.ndarray, "groups d"]
) -> tuple[Int32[np.ndarray, " n"], Float32[np.ndarray, "groups d"]]:
    """Groups numbered from the largest on; empty ones dropped."""
    sizes = np.bincount(of, minlength=len(centres))
    order = np.argsort(-sizes, kind="stable")
    order = order[sizes[order] > 0]
    number = np.zeros(len(centres), dtype=np.int32)
    number[order] = np.arange(len(order))
    return number[of], centres[order]
