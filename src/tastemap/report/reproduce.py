"""What is needed to get the same numbers again, and what they cost."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tastemap.data.shown import shown
from tastemap.report.figures import rounded
from tastemap.report.material import Material

ENVIRONMENT = (
    "python",
    "platform",
    "libraries",
    "cores",
    "blas",
    "threads",
)
"""What of a run's environment belongs in a file that is handed on: no paths, no names."""


@dataclass(frozen=True)
class Origin:
    """What is needed to get the same numbers again.

    Parameters
    ----------
    seconds
        What fitting and judging all runs took together.
    peak_memory
        The most bytes that the process has held up to the report; None where it cannot be told.
    """

    command: str | None
    split: str
    fingerprint: str
    environment: Mapping[str, Any]
    seconds: float | None = None
    peak_memory: int | None = field(default=None, compare=False)


def origin_of(material: Material, command: str | None) -> Origin:
    """Command, split, fingerprint and environment of the chosen run; time and memory of all."""
    subject = material.subject
    spent = (sum(run.seconds.values()) for run in material.judged.values())
    return Origin(
        command=None if command is None else shown(command, 1000),
        split=material.split.how,
        fingerprint=material.log.fingerprint(),
        environment={
            name: subject.environment[name] for name in ENVIRONMENT if name in subject.environment
        },
        seconds=rounded(sum(spent), 4),
        peak_memory=peak_memory(),
    )


def peak_memory() -> int | None:
    """The most bytes that this process has held so far; None where the platform does not say.

    >>> (peak_memory() or 2**25) > 2**24
    True
    """
    try:
        from resource import RUSAGE_SELF, getrusage
    except ImportError:  # Windows
        return None
    # Kilobytes everywhere but on macOS, which counts bytes.
    return getrusage(RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
