"""A sparse matrix by rows: SciPy's CSR without SciPy, which takes .15 s to load."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tastemap.shapes import Float32, Int32, Int64

if TYPE_CHECKING:
    import scipy.sparse


class Compressed(NamedTuple):
    """Row r holds `values[starts[r]:starts[r + 1]]` in the columns that stand at the same places.

    >>> rows, columns, values = np.int32([1, 0, 1]), np.int32([0, 1, 1]), np.float32([2, 1, 3])
    >>> matrix = Compressed.of(rows, columns, values, (2, 2))
    >>> matrix.scipy().toarray().tolist(), matrix.transposed().scipy().toarray().tolist()
    ([[0.0, 1.0], [2.0, 3.0]], [[0.0, 2.0], [1.0, 3.0]])
    """

    starts: Int64[np.ndarray, " rows+1"]
    columns: Int32[np.ndarray, " n"]
    values: Float32[np.ndarray, " n"]
    shape: tuple[int, int]

    @classmethod
    def of(
        cls,
        row: Int32[np.ndarray, " n"],
        column: Int32[np.ndarray, " n"],
        values: Float32[np.ndarray, " n"],
        shape: tuple[int, int],
    ) -> "Compressed":
        """The matrix of some entries, in each row as they came."""
        from tastemap.kernels.rows import grouped  # here: reading a log needs no compiler

        starts, columns, values = grouped(row, shape[0], column, values)
        return cls(starts, columns, values, shape)

    def transposed(self) -> "Compressed":
        """Rows become columns; the columns of each row are in order."""
        row = np.repeat(np.arange(self.shape[0], dtype=np.int32), np.diff(self.starts))
        return Compressed.of(self.columns, row, self.values, self.shape[::-1])

    def summed(self) -> "Compressed":
        """Entries of one place added up, of a matrix whose columns are in order.

        >>> twice = Compressed(np.int64([0, 3]), np.int32([0, 0, 1]), np.float32([1, 2, 4]), (1, 2))
        >>> twice.summed().values.tolist()
        [3.0, 4.0]
        """
        first = np.ones(len(self.columns), dtype=bool)
        first[1:] = self.columns[1:] != self.columns[:-1]
        first[self.starts[:-1][np.diff(self.starts) > 0]] = True
        if first.all():
            return self
        places = np.flatnonzero(first)
        starts = np.concatenate([[0], np.cumsum(first)])[self.starts]
        values = np.add.reduceat(self.values, places)
        return Compressed(starts.astype(np.int64), self.columns[places], values, self.shape)

    def scipy(self) -> "scipy.sparse.csr_array":
        """The same as SciPy's."""
        from scipy.sparse import csr_array

        fits = max(len(self.values), *self.shape) < 1 << 31  # all indices get the starts' type
        starts = self.starts.astype(np.int32 if fits else np.int64)
        return csr_array((self.values, self.columns, starts), shape=self.shape)
