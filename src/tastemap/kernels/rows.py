"""Work on single ragged rows."""

from tastemap.kernels.jit import serial


@serial
def contains(values, start, stop, wanted):  # type: ignore[no-untyped-def]
    """Whether `wanted` is in `values[start:stop]`, which is sorted (binary search)."""
    while start < stop:
        middle = (start + stop) >> 1
        if values[middle] < wanted:
            start = middle + 1
        elif values[middle] > wanted:
            stop = middle
        else:
            return True
    return False


@serial
def last_at_most(values, wanted):  # type: ignore[no-untyped-def]
    """The last place in `values`, sorted and not empty, whose value is <= `wanted`; 0 if none is.

    NumPy's searchsorted does the same and takes numba half a second longer to compile.
    """
    first, last = 0, len(values) - 1
    while first < last:
        middle = (first + last + 1) >> 1
        if values[middle] <= wanted:
            first = middle
        else:
            last = middle - 1
    return first
