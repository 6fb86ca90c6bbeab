"""Have rows and ids moved against each other by one place?"""

import numpy as np
from scipy.sparse import csr_array

from tastemap.maps.lift import lift, strata_of, unit_csr
from tastemap.shapes import Int32, Int64

SHIFTS = (-1, 1)
ASKED = 2_000
"""At most so many items are asked; others stay their neighbours."""


def id_shift(
    used: csr_array,
    chosen: Int64[np.ndarray, " n"],
    places: Int32[np.ndarray, "n k"],
    rng: np.random.Generator,
) -> tuple[int, float] | None:
    """Which move of the ids by one place fits the neighbours best, and its lift over that of none.

    A shifted table keeps its shape: every measure of the vectors alone is as before, and where
    ids follow time or fame, neighbours still share a little. But moved back it fits much better.

    Parameters
    ----------
    used
        Shape (items, users): every stored entry is a pair of item and user; all items.
    chosen
        The items whose vectors were compared, and `places` their neighbours among these.

    Returns
    -------
    (shift, gain)
        If gain is well above 1, row i of the table is the vector of item i - shift; None where
        neighbours share nothing.
    """
    rows = np.sort(rng.permutation(len(chosen))[:ASKED])
    lifts = {}
    for shift in (0, *SHIFTS):
        moved = unit_csr(used[(chosen - shift) % used.shape[0]])
        strata = strata_of(np.diff(moved.indptr).astype(np.int64), 1, 1)
        lifts[shift] = lift(moved, places[rows], strata, rows=rows, rng=rng).ratio()
    if lifts[0] is None:
        return None
    best = max(SHIFTS, key=lambda shift: lifts[shift] or 0)
    gain = (lifts[best] or 0) / max(lifts[0], 1e-9)
    return best, gain
