"""Names for groups of items: labels that are frequent in a group alone, else its best titles."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from tastemap.data.shown import shown
from tastemap.shapes import Int32, Shaped

SHARE, LIFT, CLEAR = 0.3, 1.5, 2.0
"""A label names a group if so many of the group's items have it, at least so many times the share
of the other items, and by so many standard errors more."""


def names_of(
    of: Int32[np.ndarray, " n"],
    labels: Sequence[Sequence[str]] | None,
    titles: np.ndarray | None,
    order: Shaped[np.ndarray, " n"],
) -> tuple[str, ...]:
    """A name for each of the groups 0, 1, ...; all different.

    Parameters
    ----------
    of
        The group of each item.
    labels, titles
        Of each item, or None.
    order
        Items with the lowest values stand for their group.

    Examples
    --------
    >>> of = np.array([0, 0, 0, 1, 1], dtype=np.int32)
    >>> names_of(of, None, np.array(["A", "B", "C", "D", "E"], dtype=object), -np.arange(5))
    ('C, B', 'E, D')
    """
    groups = [np.flatnonzero(of == g) for g in range(int(of.max()) + 1)]
    firsts = [_first_titles(members, titles, order) for members in groups]
    found = [", ".join(one) for one in _labels(groups, labels)]
    shared = Counter(found)
    names: list[str] = []
    for g, (name, first) in enumerate(zip(found, firsts, strict=True)):
        if not name:
            name = ", ".join(first) or f"group {g + 1}"
        elif shared[name] > 1 and first:
            name = f"{name}: {first[0]}"
        names.append(name if name not in names else f"{name} ({g + 1})")
    return tuple(names)


def _labels(
    groups: Sequence[np.ndarray], labels: Sequence[Sequence[str]] | None
) -> list[list[str]]:
    """Up to two labels for each group, the clearest first."""
    if labels is None:
        return [[] for _ in groups]
    own = [Counter(name for item in g.tolist() for name in set(labels[item])) for g in groups]
    whole: Counter[str] = Counter()
    for counts in own:
        whole.update(counts)
    n = sum(map(len, groups))
    found = []
    for members, counts in zip(groups, own, strict=True):
        clear = {}
        for name, count in counts.items():
            inside = count / len(members)
            outside = (whole[name] - count) / max(n - len(members), 1)
            p = whole[name] / n
            error = (p * (1 - p) * (1 / len(members) + 1 / max(n - len(members), 1))) ** 0.5
            distance = (inside - outside) / error if error > 0 else 0.0
            if inside >= SHARE and inside >= LIFT * outside and distance >= CLEAR - 1e-9:
                clear[name] = distance
        best = sorted(clear, key=lambda name: (-clear[name], name))[:2]
        found.append([shown(name, 30) for name in best if clear[name] >= clear[best[0]] / 2])
    return found


def _first_titles(
    members: np.ndarray, titles: np.ndarray | None, order: Shaped[np.ndarray, " n"]
) -> list[str]:
    """Titles of the two items that stand for a group."""
    if titles is None:
        return []
    first = members[np.argsort(order[members], kind="stable")[:2]]
    return [shown(title, 30) for title in titles[first].tolist() if title]
