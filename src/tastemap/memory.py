"""Refuse a job that cannot fit before it starts, with the number of bytes and what to do."""

import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tastemap.errors import InputError

MACHINE = Path("/")
NO_LIMIT = 1 << 62


def free_bytes(root: Path = MACHINE) -> int:
    """Bytes of memory that can still be used without swapping (2^62 where it cannot be told).

    The least of what the machine has and what the limits of containers and services leave.
    `root` is where `proc` and `sys` stand.
    """
    return min([_left_on_the_machine(root), *_left_to_groups(root)])


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


def _left_on_the_machine(root: Path) -> int:
    for line in _lines(root / "proc/meminfo"):
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    if "SC_AVPHYS_PAGES" in os.sysconf_names:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return NO_LIMIT


_VERSIONS = {  # of Linux' control groups: where they stand, limit, usage, what of it can be freed
    "": ("sys/fs/cgroup", "memory.max", "memory.current", "inactive_file"),
    "memory": (
        "sys/fs/cgroup/memory",
        "memory.limit_in_bytes",
        "memory.usage_in_bytes",
        "total_inactive_file",
    ),
}
"""By the controller that /proc/self/cgroup names: version 2 names none."""


def _left_to_groups(root: Path) -> Iterator[int]:
    """What each limit leaves; files that only the page cache holds give way."""
    for group, most, usage, freeable in _limits(root):
        used = _lines(group / usage)
        if used:
            counts = dict(line.split() for line in _lines(group / "memory.stat"))
            yield max(0, most - int(used[0]) + int(counts.get(freeable, 0)))


@cache
def _limits(root: Path) -> list[tuple[Path, int, str, str]]:
    """The groups with a limit, our own and those around it: folder, bytes, names of files.

    Looked for once: it takes half a millisecond, and each call of `recommend` asks.
    """
    own: dict[str, Path] = {}
    for line in _lines(root / "proc/self/cgroup"):
        _, controllers, path = line.split(":", 2)
        own |= dict.fromkeys(controllers.split(","), Path(path.strip("/")))
    found = []
    for controller, (top, limit, usage, freeable) in _VERSIONS.items():
        # Within a container the path may be the one outside; the top is then the container itself.
        ours = own.get(controller, Path())
        for group in [root / top / path for path in (ours, *ours.parents)]:
            most = _lines(group / limit)
            if most and most[0].isdigit() and int(most[0]) < NO_LIMIT:  # or "max"
                found.append((group, int(most[0]), usage, freeable))
    return found


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text().splitlines()
    except OSError:
        return []
