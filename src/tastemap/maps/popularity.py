"""How much of the layout of a table of vectors is popularity alone."""

import numpy as np
from scipy.stats import rankdata

from tastemap.maps.spectrum import principal
from tastemap.shapes import Float, Int32, Int64


def spearman(a: np.ndarray, b: np.ndarray) -> float | None:
    """Rank correlation, -1 to 1, ties sharing their mean rank; None where one side is constant.

    >>> spearman(np.array([1, 2, 3]), np.array([10, 20, 15]))
    0.5
    """
    ranks = [rankdata(side) for side in (a, b)]
    off = [rank - rank.mean() for rank in ranks]
    size = float(np.sqrt((off[0] @ off[0]) * (off[1] @ off[1])))
    return float(off[0] @ off[1]) / size if size > 0 else None


def popularity_share(
    vectors: Float[np.ndarray, "n d"], counts: Int64[np.ndarray, " n"]
) -> float | None:
    """Share of the vectors' variance that lies along log(1 + count), 0 to 1; exact.

    The R^2 of one straight line for all dimensions; None where vectors or counts are all equal.

    >>> line = np.array([[1.0, 0.0], [2.0, 0.0], [3.0, 0.0]])
    >>> round(popularity_share(line, np.array([1, 3, 7])), 6)
    1.0
    """
    fame = np.log1p(counts) - np.log1p(counts).mean()
    off = vectors.astype(np.float64) - vectors.mean(axis=0, dtype=np.float64)
    total, spread = float((off**2).sum()), float(fame @ fame)
    if total <= 0 or counts.min() == counts.max():
        return None
    along = fame @ off
    return min(float(along @ along) / (spread * total), 1.0)


def pc1_popularity(
    vectors: Float[np.ndarray, "n d"], counts: Int64[np.ndarray, " n"]
) -> float | None:
    """|Spearman| between the first principal component and the items' counts, 0 to 1."""
    _, directions = principal(vectors)
    found = spearman(vectors @ directions[:, 0], counts)
    return None if found is None else abs(found)


def popularity_pull(
    places: Int32[np.ndarray, "n k"], counts: Int64[np.ndarray, " n"]
) -> float | None:
    """Spearman between an item's count and the mean count of its neighbours, -1 to 1."""
    return spearman(counts, counts[places].mean(axis=1))
