"""What a result depends on besides data and seed: versions, threads, cores, extras."""

import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from threadpoolctl import threadpool_info

from tastemap.kernels.workers import n_threads
from tastemap.memory import free_bytes

LIBRARIES = ("tastemap", "numpy", "scipy", "numba", "duckdb", "narwhals")
EXTRAS = {
    "torch": "neural models",
    "openTSNE": "maps",
    "umap-learn": "maps",
    "matplotlib": "pictures",
    "lightgbm": "second-stage ranking",
    "pyspark": "more than one machine",
    "pandas": "pandas tables",
    "polars": "Polars tables",
    "pyarrow": "Arrow tables",
}
"""Packages that tastemap can work with but does not need, and what each is for."""


def versions(names: tuple[str, ...] = LIBRARIES) -> dict[str, str | None]:
    """The installed version of each package, or None."""
    return {name: _version(name) for name in names}


def environment() -> dict[str, Any]:
    """Versions, processor, threads and optional packages, as plain values.

    >>> environment()["cores"] >= 1
    True
    """
    blas = [pool for pool in threadpool_info() if pool.get("user_api") == "blas"]
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "libraries": versions(),
        "cores": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        "free_memory_gb": round(free_bytes() / 2**30, 1),
        "blas": sorted({f"{pool['internal_api']} {pool.get('version')}" for pool in blas}),
        "threads": n_threads(),
        "extras": {name: _version(name) for name in EXTRAS},
        "executable": sys.executable,
    }


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
