"""The only place that names numba's options, and the one setting for threads.

Two decorators compile the kernels. Both cache the machine code, so that it is compiled once an
installation. Sums may be re-associated and fused (`reassoc`, `contract`): without that, a dot
product cannot use vector registers and the ALS kernels run several times slower. The order that
the compiler picks is fixed in the machine code, so results stay the same from run to run.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import numba
from numba import njit
from threadpoolctl import ThreadpoolController, threadpool_limits

_FLAGS = {"reassoc", "contract", "nsz", "arcp"}

serial = njit(cache=True, nogil=True, error_model="numpy", fastmath=_FLAGS)
"""Compile a loop that runs on one thread."""

parallel = njit(cache=True, nogil=True, error_model="numpy", fastmath=_FLAGS, parallel=True)
"""Compile a loop whose `prange` rows run on several threads; rows must not depend on each other."""

prange = numba.prange


@contextmanager
def threads(n: int) -> Iterator[None]:
    """Use at most `n` threads in kernels and in BLAS alike, within the `with` block.

    More threads than the machine has cores are cut to that number. Results do not depend on it.

    >>> with threads(1):
    ...     numba.get_num_threads()
    1
    """
    before = numba.get_num_threads()
    numba.set_num_threads(max(1, min(n, numba.config.NUMBA_NUM_THREADS)))
    try:
        with threadpool_limits(limits=n):
            yield
    finally:
        numba.set_num_threads(before)


@cache
def _blas() -> ThreadpoolController:
    """The BLAS libraries of NumPy and SciPy; looking for them takes a millisecond."""
    import scipy.linalg  # noqa: F401 - so that both are loaded when they are looked for

    return ThreadpoolController().select(user_api="blas")


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Run BLAS on one thread.

    How it cuts a product among threads changes the last bits; and its threads go on spinning for
    a while after a product, on cores that the kernels need (ALS: twice as slow).
    """
    with _blas().limit(limits=1):
        yield


def n_threads() -> int:
    """How many threads the kernels use now."""
    return int(numba.get_num_threads())


def layer() -> str:
    """Name of numba's threading layer ("omp", "tbb", "workqueue"), starting it if need be."""
    _start_threads(1)
    return str(numba.threading_layer())


@parallel
def _start_threads(n):  # type: ignore[no-untyped-def]
    total = 0
    for i in prange(n):
        total += i
    return total
