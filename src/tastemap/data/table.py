"""A small table of columns: what recommendations and comparisons come back as."""

import html
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from tastemap.errors import UsageError


class Table(Mapping[str, np.ndarray]):
    """Named columns of equal length.

    It is a mapping from column name to array, so `pandas.DataFrame(dict(table))` and
    `polars.DataFrame(dict(table))` take it as it is.

    Examples
    --------
    >>> table = Table({"item": ["tea", "milk"], "score": [0.5, 0.25]})
    >>> print(table)
    item  score
    tea   0.5000
    milk  0.2500
    >>> table.rows()[0]
    {'item': 'tea', 'score': 0.5}
    """

    def __init__(self, columns: Mapping[str, Sequence[Any] | np.ndarray]) -> None:
        self._columns = {name: _column(values) for name, values in columns.items()}
        lengths = {name: len(values) for name, values in self._columns.items()}
        if len(set(lengths.values())) > 1:
            raise UsageError(
                f"columns of different lengths: {lengths}",
                "columns that all have the same number of rows",
                "cut or fill the columns",
            )

    def __getitem__(self, name: str) -> np.ndarray:
        return self._columns[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        """Number of columns, as for every mapping; `n_rows` counts the rows."""
        return len(self._columns)

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return len(next(iter(self._columns.values()), ()))

    def rows(self) -> list[dict[str, Any]]:
        """The rows as dictionaries of plain Python values (JSON-able)."""
        lists = [values.tolist() for values in self._columns.values()]
        return [dict(zip(self._columns, row, strict=True)) for row in zip(*lists, strict=True)]

    def write(self, path: str | Path) -> Path:
        """Write to a `.parquet`, `.csv` or `.json` (lines) file and return its path."""
        import duckdb

        path = Path(path)
        formats = {
            ".parquet": "format parquet",
            ".csv": "format csv, header",
            ".json": "format json",
        }
        if path.suffix not in formats:
            raise UsageError(
                f"a file name that ends in '{path.suffix}'",
                ", ".join(formats),
                f"write to {path.with_suffix('.parquet').name}",
            )
        if not self._columns:
            raise UsageError("a table without columns", "one column or more", "add columns first")
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(path.name + ".part")
        with duckdb.connect() as connection:
            columns = self._columns  # noqa: F841 - DuckDB finds the variable by its name
            connection.execute(
                f"copy (select * from columns) to '{_quoted(part)}' ({formats[path.suffix]})"
            )
        part.replace(path)
        return path

    def __str__(self) -> str:
        cells = [[name, *(_cell(value) for value in values)] for name, values in self.items()]
        widths = [max(map(len, column)) for column in cells]
        lines = zip(*cells, strict=True)
        return "\n".join(
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
            for line in lines
        )

    __repr__ = __str__

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{html.escape(name)}</th>" for name in self)
        body = "".join(
            "<tr>" + "".join(f"<td>{html.escape(_cell(v))}</td>" for v in row.values()) + "</tr>"
            for row in self.rows()
        )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def iso_time(seconds: int) -> str:
    """Seconds since 1970 as a readable UTC time.

    >>> iso_time(874724710)
    '1997-09-20 03:05:10'
    """
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")
    except (OverflowError, OSError, ValueError):  # a year that calendars do not reach
        return str(seconds)


def _column(values: Sequence[Any] | np.ndarray) -> np.ndarray:
    array = np.asarray(values)
    return array.astype(object) if array.dtype.kind == "U" else array


def _cell(value: Any) -> str:
    return f"{value:.4f}" if isinstance(value, float | np.floating) else str(value)


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
