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
