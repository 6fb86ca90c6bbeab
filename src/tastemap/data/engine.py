"""The DuckDB connection that reading and preparing work on."""

import atexit
import os
import sys
import tempfile
from contextlib import suppress

import duckdb

_UNSOUND = "type_pushdown"


def connect() -> duckdb.DuckDBPyConnection:
    """A private in-memory database: rows keep their order, times are UTC, nothing is printed.

    It never loads an extension from the network, and it spills to the system's temporary folder
    when memory runs out.

    Examples
    --------
    >>> with connect() as connection:
    ...     connection.execute("select unnest([3, 1, 2]) as x").fetchnumpy()["x"].tolist()
    [3, 1, 2]
    """
    spill = os.path.join(tempfile.gettempdir(), f"tastemap-{os.getpid()}")
    connection = duckdb.connect(
        config={
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "preserve_insertion_order": True,
            "temp_directory": spill,
        }
    )
    connection.execute("set enable_progress_bar = false")
    # DuckDB 2.0 moves try_cast into its CSV reader, which then drops the rows whose cast fails
    # instead of giving NULL (its issue 23818). Older versions do not have this optimiser.
    if connection.execute(
        f"select 1 from duckdb_optimizers() where name = '{_UNSOUND}'"
    ).fetchall():
        connection.execute(f"set disabled_optimizers = '{_UNSOUND}'")
    connection.execute("set TimeZone = 'UTC'")
    return connection


def quoted(text: str) -> str:
    """`text` as an SQL string.

    >>> quoted("Ann's file")
    "'Ann''s file'"
    """
    return "'" + text.replace("'", "''") + "'"


def _forget_duckdb_types() -> None:
    """Empty narwhals' caches at exit.

    They hold DuckDB's type objects beyond DuckDB's own end, and DuckDB 2.0 then prints
    "nanobind: leaked 27 instances!" on stderr.
    """
    for name, module in list(sys.modules.items()):
        if name.split(".")[0] != "narwhals":
            continue
        for value in list(getattr(module, "__dict__", {}).values()):
            clear = getattr(value, "cache_clear", None)
            if callable(clear):
                with suppress(Exception):  # a cleanup must not end in a traceback
                    clear()


atexit.register(_forget_duckdb_types)
