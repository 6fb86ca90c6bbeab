"""numba is imported beside other work, and the collector of cycles does not look at it.

Importing numba takes .2 s on one core. While DuckDB reads a log, Python's lock is free for most of
the time, so then it costs little. The collector would look at numba's thirty thousand objects
again and again, none of which ever becomes garbage: while they are made (.04 s), in each full
collection after that, and at the end of the process (.06 s). So it is off during the import, and
what is there afterwards is set aside for good (`gc.freeze`).
"""

import gc
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

YOUNG = 50_000
"""Only in a process with fewer objects than this anything is set aside: NumPy and DuckDB have
30,000, torch 160,000. It could hold what a user drops later: in a cycle it would never be freed."""


@contextmanager
def numba_loaded() -> Iterator[None]:
    """Import numba on a thread of its own within the block; it is there when the block ends.

    >>> with numba_loaded():
    ...     pass
    >>> "numba" in sys.modules
    True
    """
    loader = threading.Thread(target=_load, name="tastemap")
    loader.start()
    try:
        yield
    finally:  # not later: a process forked meanwhile would wait for the import for ever
        loader.join()


def _load() -> None:
    if "numba" in sys.modules:
        return
    collects = gc.isenabled()
    gc.collect()
    young = len(gc.get_objects()) < YOUNG
    gc.disable()
    with suppress(Exception):  # whoever needs numba imports it again, and is told what is wrong
        import numba  # noqa: F401
    if young:
        gc.freeze()
    if collects:
        gc.enable()
