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
        """The matrix of some entries, in each row as they came.

        Values that are all alike need no order: they are shared, not copied (14 million events,
        both ways: 120 MB less).
        """
        from tastemap.kernels.rows import grouped  # here: numba comes while a log is read

        if len(values) and (values == values[0]).all():
            starts, columns = grouped(row, shape[0], column)
            return cls(starts, columns, np.require(values, np.float32, ["C", "W"]), shape)
        starts, columns, values = grouped(row, shape[0], column, values)
        return cls(starts, columns, values, shape)

    def transposed(self) -> "Compressed":
        """Rows become columns; the columns of each row are in order."""
        row = np.repeat(np.arange(self.shape[0], dtype=np.int32), np.diff(self.starts))
        return Compressed.of(self.columns, row, self.values, self.shape[::-1])

    def repeats(self) -> bool:
        """Whether a place is named twice, in a matrix whose columns are in order.

        >>> Compressed(np.int64([0, 2]), np.int32([4, 4]), np.float32([1, 2]), (1, 5)).repeats()
        True
        """
        new = np.ones(len(self.columns), dtype=bool)
        new[1:] = self.columns[1:] != self.columns[:-1]
        new[self.starts[:-1][np.diff(self.starts) > 0]] = True
        return not new.all()

    @classmethod
    def of_scipy(cls, matrix: "scipy.sparse.csr_array") -> "Compressed":
        """SciPy's matrix, whatever type its indices have."""
        starts, columns = matrix.indptr.astype(np.int64), matrix.indices.astype(np.int32)
        return cls(starts, columns, matrix.data, matrix.shape)

    def scipy(self) -> "scipy.sparse.csr_array":
        """The same as SciPy's."""
        from scipy.sparse import csr_array

        fits = max(len(self.values), *self.shape) < 1 << 31  # all indices get the starts' type
        starts = self.starts.astype(np.int32 if fits else np.int64)
        return csr_array((self.values, self.columns, starts), shape=self.shape)
