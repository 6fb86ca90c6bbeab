"""Threads: how many there are, and work dealt out to them.

Kernels let go of Python's lock while they run, so plain Python threads run them side by side.
numba's own loops over threads (`prange`) are not used: they take about as long to compile as the
loop itself, one of their layers ends the process when two Python threads meet in it, another when
the process was forked, and the threads of a third go on spinning on cores that BLAS needs. Dealing
costs a tenth of a millisecond.

The number of threads belongs to the Python thread that sets it, not to the process. BLAS knows
only one number for the whole process: the lowest that anybody asks for at the moment.
"""

import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from functools import cache
from typing import Any, TypeVar

import numba
from threadpoolctl import ThreadpoolController

from tastemap.errors import UsageError

Part = TypeVar("Part")
Result = TypeVar("Result")

_CHOSEN: ContextVar[int | None] = ContextVar("threads", default=None)


def n_threads() -> int:
    """How many threads kernels use when they are called from here; 1 within dealt-out work."""
    most = int(numba.config.NUMBA_NUM_THREADS)  # the cores that this process may use
    chosen = _CHOSEN.get()
    return most if chosen is None else min(chosen, most)


@contextmanager
def threads(n: int) -> Iterator[None]:
    """Use at most `n` threads in kernels and in BLAS alike, within the `with` block.

    More threads than the machine has cores are cut to that number. Results do not depend on it.
    It holds for the Python thread that enters the block (and for tasks started from it); other
    Python threads keep their number. Only BLAS has one number for the whole process: the lowest
    of all blocks that are open, and again its own once they are left, in whatever order.

    >>> with threads(1):
    ...     n_threads()
    1
    """
    if n < 1:
        raise UsageError(f"threads({n})", "a whole number from 1 on", "write threads(1), say")
    import scipy.linalg  # noqa: F401 - so that its BLAS, too, is held from here on

    before = _CHOSEN.set(int(n))
    try:
        with _blas_at_most(int(n)):
            yield
    finally:
        _CHOSEN.reset(before)


def hold(library: Any) -> None:
    """Let a library with threads of its own be held like BLAS from here on.

    It needs `filepath` (any name), `num_threads` and `set_num_threads`.
    """
    _HELD[library.filepath] = library


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Run BLAS on one thread.

    How it cuts a product among threads changes the last bits; and its threads go on spinning for
    a while after a product, on cores that the kernels need (ALS: twice as slow).
    """
    with _blas_at_most(1):
        yield


def deal(work: Callable[[Part], Result], parts: Sequence[Part]) -> list[Result]:
    """Call `work` for each part, shared out among the threads; results in the order of the parts.

    Parts are given out in their order, to whoever is free. `work` runs with BLAS on one thread
    and, if several threads share the work, with `n_threads()` 1. An error ends the work, and of
    several errors the one of the first part is raised, as in a plain loop.

    >>> deal(lambda part: part + 1, [10, 20, 30])
    [11, 21, 31]
    """
    crew = min(n_threads(), len(parts))
    done: list[Any] = [None] * len(parts)
    failed: dict[int, BaseException] = {}
    numbers = iter(range(len(parts)))
    lock = threading.Lock()

    def run() -> None:
        while not failed:
            with lock:
                i = next(numbers, None)
            if i is None:
                return
            try:
                done[i] = work(parts[i])
            except BaseException as error:
                failed[i] = error

    def run_alone() -> None:
        _CHOSEN.set(1)
        run()

    with one_blas_thread():
        if crew < 2:
            run()
        else:
            _together(run_alone, crew)
    if failed:
        raise failed[min(failed)]
    return done


def shares(n: int, cost: int, most: int = 64) -> list[slice]:
    """Cut `n` rows into parts for `deal`: one if it all costs less than waking another thread.

    `cost` is the number of array elements that will be looked at.

    >>> shares(10, 100), len(shares(1000, 10**8))
    ([slice(0, 10, None)], 64)
    """
    parts = min(n, most, 1 + cost // 500_000)
    return [slice(i * n // parts, (i + 1) * n // parts) for i in range(parts)]


def _together(run: Callable[[], None], crew: int) -> None:
    """Call `run` in this thread and in `crew - 1` others, and wait for all."""
    others = [
        threading.Thread(target=copy_context().run, args=(run,), name="tastemap", daemon=True)
        for _ in range(crew - 1)
    ]
    for one in others:
        one.start()
    try:
        copy_context().run(run)
    finally:
        for one in others:
            one.join()


_LOCK = threading.Lock()
_HELD: dict[str, Any] = {}
"""Other libraries, by name; torch puts itself here when it is loaded."""
_LIMITS: dict[object, int] = {}
"""The limits of all blocks that are open, in any thread."""
_USUAL: list[tuple[Any, int]] = []
"""BLAS libraries, and the number of threads that each had before the first limit."""


@contextmanager
def _blas_at_most(n: int) -> Iterator[None]:
    mine = object()
    with _LOCK:
        if not _LIMITS:
            _USUAL.clear()
        held = [library.filepath for library, _ in _USUAL]
        found = [*_blas("scipy.linalg" in sys.modules), *_HELD.values()]
        _USUAL.extend((one, one.num_threads) for one in found if one.filepath not in held)
        _LIMITS[mine] = n
        _apply_limits()
    try:
        yield
    finally:
        with _LOCK:
            del _LIMITS[mine]
            _apply_limits()


def _apply_limits() -> None:
    for library, usual in _USUAL:
        free = getattr(library, "clear_controlling_thread", None)
        if free is not None:  # threadpoolctl lets one Python thread set it; here all share a count
            free(force=True)
        library.set_num_threads(min([usual, *_LIMITS.values()]))


@cache
def _blas(with_scipy: bool) -> list[Any]:
    """The BLAS libraries of NumPy and, once it is loaded, of SciPy; a look takes a millisecond.

    `with_scipy` says when to look again.
    """
    return list(ThreadpoolController().select(user_api="blas").lib_controllers)
