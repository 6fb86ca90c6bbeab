"""Refuse a job that cannot fit before it starts, with the number of bytes and what to do."""

import os
from pathlib import Path

from tastemap.errors import InputError


def free_bytes() -> int:
    """Bytes of memory that can still be used without swapping (2^62 where it cannot be told)."""
    meminfo = Path("/proc/meminfo")
    if meminfo.exists():
        for line in meminfo.read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    if "SC_AVPHYS_PAGES" in os.sysconf_names:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return 1 << 62


def require_memory(needed: int, what: str, remedy: str) -> None:
    """Raise unless `needed` bytes are free.

    >>> require_memory(1 << 61, "an imaginary matrix", "use a smaller one")
    Traceback (most recent call last):
    ...
    tastemap.errors.InputError: an imaginary matrix needs 2,147,483,648.0 GB of memory...
    """
    free = free_bytes()
    if needed > free:
        raise InputError(
            f"{what} needs {needed / 2**30:,.1f} GB of memory",
            f"the {free / 2**30:,.1f} GB that are free",
            remedy,
        )
