"""Every source as one DuckDB view: `raw`, with the columns n, c0, c1, ...

`n` numbers the rows from 1 in their order. Columns are numbered because DuckDB's names ignore
case while a header may tell `User` from `user`. Reading goes over the view twice, once to learn
what the columns hold and once to convert them, so that a file never lies in memory as text.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb

from tastemap.data.columns import listed
from tastemap.data.engine import quoted
from tastemap.data.plain import MAX_LINE, first_line, lines_of, pattern, plain_file
from tastemap.data.sniff import Form, is_json_lines, json_names, sniff
from tastemap.errors import InputError, UsageError

UNTYPED, JSON = "untyped", "json"
"""Types of columns whose values are text until they are looked at; all others are DuckDB's."""

SAMPLE_ROWS = 1000


@dataclass(frozen=True, eq=False)
class Relation:
    """A source that can be queried.

    Parameters
    ----------
    connection
        Holds the view `raw`. For JSON it also has k0, k1, ... (the JSON type of each value) and
        `broken` (the line is no object).
    shown
        The source's name in messages.
    names, types
        The outside names and the types of c0, c1, ...
    header
        Whether the names come from the source (else they are "0", "1", ...).
    sample
        The first values of each column as text.
    path
        The plain file behind the view, None for tables in memory.
    form
        How separated text is cut, None for everything else.
    notes
        What had to be done to get here, in words.
    """

    connection: Any
    shown: str
    names: tuple[str, ...]
    types: tuple[str, ...]
    header: bool
    sample: tuple[tuple[str | None, ...], ...]
    path: Path | None = None
    form: Form | None = None
    notes: tuple[str, ...] = ()

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a query; what DuckDB cannot read is reported as an `InputError`."""
        with reading(self.shown):
            return list(self.connection.execute(sql).fetchall())

    def title_of(self, column: int) -> str:
        """The name of a column for people: "rating", or "column 2" where there is no header."""
        return self.names[column] if self.header else f"column {column}"

    @property
    def is_json(self) -> bool:
        """Whether the source is a JSON-lines file."""
        return JSON in self.types


@contextmanager
def reading(shown: str) -> Iterator[None]:
    """Turn DuckDB's errors into three parts that name the source."""
    try:
        yield
    except duckdb.Error as error:
        raise InputError(
            f"{shown} cannot be read: {first_line(error)}",
            "CSV, TSV, ';', '|' or '::' separated text, JSON lines, Parquet, or a table",
            "open it and compare it with its format; export it again as CSV or Parquet",
        ) from error


def relation_of(
    connection: Any, source: Any, folder: Path, wanted: Collection[str] = ()
) -> Relation:
    """Make the view `raw` of a path or a table.

    Parameters
    ----------
    source
        A path, or a table that narwhals knows: pandas, Polars, Arrow, a DuckDB relation.
    folder
        Where unpacked copies go; it must outlive the connection.
    wanted
        Column names that the user gave.
    """
    if not isinstance(source, str | Path):
        return _of_table(connection, source)
    path = Path(source)
    plain = plain_file(path, folder)
    with reading(path.name):
        if plain.parquet:
            return _of_relation(connection, path.name, f"read_parquet({pattern(path)})", path)
        if is_json_lines(plain.path, path.name):
            return _of_json(connection, path.name, plain.path, plain.notes)
        form = sniff(plain.path, path.name, wanted)
        return _of_text(connection, path.name, plain.path, form, plain.notes)


def _of_text(
    connection: Any, shown: str, path: Path, form: Form, notes: tuple[str, ...]
) -> Relation:
    columns = ", ".join(f"'c{i}': 'VARCHAR'" for i in range(len(form.names)))
    _view(
        connection,
        f"read_csv({pattern(path)}, auto_detect = false, header = {str(form.header).lower()}, "
        f"skip = {form.skip}, delim = {quoted(form.separator)}, quote = {quoted(form.quote)}, "
        f"escape = {quoted(form.quote)}, max_line_size = {MAX_LINE}, store_rejects = true, "
        f"columns = {{{columns}}})",
    )
    return Relation(
        connection,
        shown,
        names=form.names,
        types=(UNTYPED,) * len(form.names),
        header=form.header,
        sample=_sample(connection, shown, len(form.names)),
        path=path,
        form=form,
        notes=notes,
    )


def quoted_by(relation: Relation, quote: str, *notes: str) -> Relation:
    """The same text file, its view made anew with another quote character ("" for none)."""
    assert relation.form is not None
    assert relation.path is not None
    form = replace(relation.form, quote=quote)
    notes = (*relation.notes, *notes)
    return _of_text(relation.connection, relation.shown, relation.path, form, notes)


def _of_json(connection: Any, shown: str, path: Path, notes: tuple[str, ...]) -> Relation:
    names = json_names(path)
    if not names:
        raise InputError(
            f"{shown} begins with '{{' and none of its first lines is a JSON object with names",
            "JSON lines: one object {...} on each line",
            f"turn it into lines: jq -c . {shown}",
        )
    keys = [name.replace("\\", "\\\\").replace('"', '\\"').replace("'", "''") for name in names]
    paths = ", ".join(f"'$.\"{key}\"'" for key in keys)
    columns = ", ".join(f"v[{i + 1}] as c{i}, k[{i + 1}] as k{i}" for i in range(len(names)))
    # Two steps, because DuckDB may well look at the type of what is not valid.
    is_object = "(case when json_valid(line) then json_type(line) = 'OBJECT' else false end)"
    inner = (
        f"select n, not {is_object} as broken, "
        f"case when {is_object} then json_extract_string(line, [{paths}]) end as v, "
        f"case when {is_object} then json_type(line, [{paths}]) end as k "
        "from (select row_number() over () as n, line "
        f"from {lines_of(path, 'store_rejects = true')}) where trim(line) <> ''"
    )
    connection.execute(
        f"create or replace temp view raw as select n, {columns}, broken from ({inner})"
    )
    return Relation(
        connection,
        shown,
        names=names,
        types=(JSON,) * len(names),
        header=True,
        sample=_sample(connection, shown, len(names)),
        path=path,
        notes=notes,
    )


def _of_table(connection: Any, source: Any) -> Relation:
    import narwhals as nw  # here: files need no narwhals, which takes 30 ms

    shown = f"the {type(source).__module__.split('.')[0]} {type(source).__name__}"
    try:
        frame: Any = nw.from_native(source)
    except TypeError as error:
        raise UsageError(
            f"a {type(source).__name__} to read",
            "a path, or a table of pandas, Polars, Arrow or DuckDB",
            "make a DataFrame of it, or type small logs in: Interactions.of([(user, item), ...])",
        ) from error
    except Exception as error:  # narwhals refuses some tables, each in its own way
        raise InputError(
            f"{shown} cannot be read: {first_line(error)}",
            "a table with columns of different names",
            "rename its columns",
        ) from error
    if isinstance(frame, nw.LazyFrame) and not frame.implementation.is_duckdb():
        frame = frame.collect()
    # Pandas has types that DuckDB does not know, such as periods, and Arrow has no Python objects:
    # the other columns can still be used.
    is_pandas = frame.implementation.is_pandas()
    barred = nw.Unknown if is_pandas else nw.Object
    fine = [name for name, kind in frame.collect_schema().items() if kind != barred]
    if not fine:
        raise InputError(
            f"{shown} has no column that can be read", "a table with columns", "pass another table"
        )
    if frame.implementation.is_polars():  # DuckDB has no column of nulls alone without a type
        empty = [name for name, kind in frame.schema.items() if kind == nw.Unknown]
        frame = frame.with_columns(nw.col(*empty).cast(nw.String)) if empty else frame
    native = nw.to_native(frame.select(nw.col(*fine)))
    connection.register("given", native if is_pandas else _ArrowStream(native))
    with reading(shown):
        if frame.implementation.is_duckdb():  # a query that may give other rows when it runs again
            connection.execute("create temp table kept as select * from given")
            return _of_relation(connection, shown, "kept", None)
        names = tuple(map(str, fine))
        return _of_relation(connection, shown, "given", None, names)


class _ArrowStream:
    """A table behind the Arrow stream protocol, which DuckDB reads without pyarrow."""

    def __init__(self, native: Any) -> None:
        self._native = native

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        return self._native.__arrow_c_stream__(requested_schema)


def _of_relation(
    connection: Any, shown: str, table: str, path: Path | None, names: tuple[str, ...] = ()
) -> Relation:
    described = connection.execute(f"describe select * from {table}").fetchall()
    _view(connection, f"{table} as t({', '.join(f'c{i}' for i in range(len(described)))})")
    return Relation(
        connection,
        shown,
        names=names or tuple(row[0] for row in described),
        types=tuple(row[1] for row in described),
        header=True,
        sample=_sample(connection, shown, len(described)),
        path=path,
    )


def _view(connection: Any, table: str) -> None:
    sql = f"create or replace temp view raw as select row_number() over () as n, * from {table}"
    connection.execute(sql)


def _sample(connection: Any, shown: str, width: int) -> tuple[tuple[str | None, ...], ...]:
    columns = ", ".join(f"cast(c{i} as varchar)" for i in range(width))
    with reading(shown):
        rows = connection.execute(f"select {columns} from raw limit {SAMPLE_ROWS}").fetchall()
    forget_rejects(connection)
    return tuple(zip(*rows, strict=True)) if rows else ((),) * width


def forget_rejects(connection: Any) -> None:
    """Drop DuckDB's list of rejected records, which every reading of the view adds to."""
    connection.execute("drop table if exists reject_errors")
    connection.execute("drop table if exists reject_scans")


def shown_columns(relation: Relation) -> str:
    """The columns of a source for a message."""
    kind = "" if relation.header else " (it has no header)"
    return f"{listed(relation.names)}{kind}"
