"""Scores of factor models: inner products of users and items, each a function of its two vectors.

BLAS adds in another order when it is asked for other rows beside these, or has more threads, so
a user's scores would depend on who else is asked about. Here every product is summed factor by
factor, whoever computes it. It is no slower: items are laid out once a model, not once a call.
On two cores of an AMD EPYC with 64 factors and 26,744 items, GFLOP/s: 175 to 180 for blocks of 24
to 240 users; OpenBLAS 139 (32 users), 156 (128), 123 (512).
"""

import numpy as np

from tastemap.kernels.jit import exact
from tastemap.kernels.tile import COLUMNS, ROWS, tile
from tastemap.kernels.workers import deal, n_threads
from tastemap.shapes import Float32

CHUNK = 48
"""So many panels are used for all rows in turn: at 64 factors they fit the second cache."""

ALONE = 20_000_000
"""A product of fewer multiplications is not worth waking another thread."""


def panels(
    items: Float32[np.ndarray, "items d"], bias: Float32[np.ndarray, " items"] | None = None
) -> Float32[np.ndarray, "panels d+1 16"]:
    """Item vectors laid out for `product`, 16 items side by side; the first row is their bias."""
    n, d = items.shape
    laid = np.zeros((-(-n // COLUMNS), COLUMNS, d + 1), dtype=np.float32)
    laid.reshape(-1, d + 1)[:n, 1:] = items
    if bias is not None:
        laid.reshape(-1, d + 1)[:n, 0] = bias
    return np.ascontiguousarray(laid.transpose(0, 2, 1))


def product(
    users: Float32[np.ndarray, "rows d"], laid: Float32[np.ndarray, "panels d+1 16"], n_items: int
) -> Float32[np.ndarray, "rows items"]:
    """Score of every item for every user: bias + x · y, summed in the order of the factors.

    >>> users, items = np.float32([[1, 2]]), np.float32([[3, 4], [5, 6], [7, 8]])
    >>> product(users, panels(items, bias=np.float32([0, 0, 100])), 3)
    array([[ 11.,  17., 123.]], dtype=float32)
    """
    users = np.require(users, np.float32, ["C", "W"])
    out = np.empty((len(users), n_items), dtype=np.float32)
    if users.size * n_items < ALONE or n_threads() == 1:
        _fill(users, laid, out, 0, len(laid))
    else:
        parts = range(0, len(laid), CHUNK)
        deal(lambda first: _fill(users, laid, out, first, min(first + CHUNK, len(laid))), parts)
    return out


@exact
def _fill(users, laid, out, first, last):  # type: ignore[no-untyped-def]
    """The columns of `out` (rows, items) that belong to the panels from `first` to `last`."""
    n, n_items = out.shape
    d = users.shape[1]
    groups = (n + ROWS - 1) // ROWS
    x = np.zeros((groups, d, ROWS), dtype=np.float32)  # the users of a tile side by side
    for r in range(n):
        for f in range(d):
            x[r // ROWS, f, r % ROWS] = users[r, f]
    flat = out.reshape(-1)
    rim = np.empty(ROWS * COLUMNS, dtype=np.float32)
    for start in range(first, last, CHUNK):
        for g in range(groups):
            for p in range(start, min(start + CHUNK, last)):
                y = laid[p]  # the bias, then a row a factor
                rows = min(ROWS, n - g * ROWS)
                columns = min(COLUMNS, n_items - p * COLUMNS)
                if rows == ROWS and columns == COLUMNS:
                    at = g * ROWS * n_items + p * COLUMNS
                    tile(x[g], 0, ROWS, 1, y, COLUMNS, COLUMNS, d, y, 0, flat, at, n_items)
                    continue
                tile(x[g], 0, ROWS, 1, y, COLUMNS, COLUMNS, d, y, 0, rim, 0, COLUMNS)
                for r in range(rows):
                    for c in range(columns):
                        out[g * ROWS + r, p * COLUMNS + c] = rim[r * COLUMNS + c]
