"""How a text file is cut into fields: separator, quotes, header."""

import csv
import json
import re
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from tastemap.data.columns import is_known_name
from tastemap.errors import InputError

SEPARATORS = {"::": "'::'", "\t": "tab", ";": "';'", "|": "'|'", ",": "comma"}
"""What may stand between fields; earlier ones win where two fit equally well."""

SAMPLE = 1 << 18
"""Characters at the start of a file that the form is judged by."""


@dataclass(frozen=True)
class Form:
    """The form of a text file.

    Parameters
    ----------
    names
        Column names: from the header, or "0", "1", ... where there is none.
    header
        Whether the first line names the columns.
    separator
        What stands between two fields.
    quote
        The character around fields that hold separators or line ends; "" for none.
    skip
        Blank lines before the first record.
    """

    names: tuple[str, ...]
    header: bool
    separator: str
    quote: str = '"'
    skip: int = 0


def sniff(path: Path, shown: str, wanted: Collection[str] = ()) -> Form:
    """The form of a separated text file.

    Parameters
    ----------
    path
        A plain UTF-8 file.
    shown
        Its name in messages.
    wanted
        Column names that the user gave: a first line that holds one is a header.
    """
    with path.open(encoding="utf-8-sig", newline="") as file:
        head = file.read(SAMPLE)
        lines = head.splitlines(keepends=True)[: None if len(head) < SAMPLE else -1] or [head]
    skip = next((i for i, line in enumerate(lines) if line.strip()), 0)
    lines = lines[skip:]
    found = max(
        (_fit(separator, lines) for separator in SEPARATORS),
        # max() keeps the first of equals, and the table above is in order of preference.
        key=lambda fit: (fit.named, fit.heads, fit.share >= 0.8, fit.width),
    )
    if found.width < 2 or (found.share < 0.5 and not found.named):
        first = lines[0].strip()[:60] if lines else ""
        raise InputError(
            f"{shown} has no separator that cuts its lines into equally many fields; "
            f"it begins: {first!r}",
            f"two columns or more, separated by {', '.join(SEPARATORS.values())}",
            "save the table as CSV with a user and an item column",
        )
    quote = "" if found.separator == "::" else '"'
    first_row, *rows = found.rows
    if not _is_header(first_row, rows, wanted):
        return Form(tuple(map(str, range(found.width))), False, found.separator, quote, skip)
    return Form(_unique_names(first_row), True, found.separator, quote, skip)


def is_json_lines(path: Path, shown: str) -> bool:
    """Whether a plain text file holds one JSON object a line; refuses one big JSON value."""
    with path.open(encoding="utf-8-sig") as file:
        start = file.read(4096).lstrip()
    if start[:1] == "[" and _is_json_array(start):
        raise InputError(
            f"{shown} is one JSON array",
            "JSON lines: one object {...} on each line",
            f"turn it into lines: jq -c '.[]' {shown}",
        )
    return start[:1] == "{"


def json_names(path: Path) -> tuple[str, ...]:
    """The keys of the objects at the start of a JSON-lines file, in order of appearance."""
    names: dict[str, None] = {}
    with path.open(encoding="utf-8-sig") as file:
        for line in file.read(SAMPLE).splitlines():
            try:
                read = json.loads(line)
            except ValueError:
                continue
            if isinstance(read, dict):
                names |= dict.fromkeys(read)
    return tuple(name for name in names if name)  # DuckDB has no path to the key ""


@dataclass(frozen=True)
class _Fit:
    """How well a separator cuts the sample."""

    separator: str
    width: int
    share: float
    named: bool  # the first record holds a known column name: it is a header
    heads: bool  # the first record is as wide as most
    rows: tuple[tuple[str, ...], ...]


def _fit(separator: str, lines: list[str]) -> _Fit:
    rows = [row for row in split_records(lines, separator) if row]
    if not rows:
        return _Fit(separator, 0, 0.0, False, False, ())
    widths = Counter(map(len, rows))
    named = len(rows[0]) > 1 and any(map(is_known_name, rows[0]))
    width = len(rows[0]) if named else max(widths, key=lambda width: (widths[width], width))
    heads = width > 1 and len(rows[0]) == width
    return _Fit(separator, width, widths[width] / len(rows), named, heads, tuple(map(tuple, rows)))


def split_records(lines: list[str], separator: str) -> list[list[str]]:
    """The records of these lines as lists of fields; blank lines give empty lists."""
    if len(separator) > 1:
        ends = "\r\n"
        return [line.rstrip(ends).split(separator) if line.strip() else [] for line in lines]
    try:
        return list(csv.reader(lines, delimiter=separator))
    except csv.Error:  # a field of more than 128 KB
        return [line.split(separator) for line in lines]


def _is_header(
    first: tuple[str, ...], rows: list[tuple[str, ...]], wanted: Collection[str]
) -> bool:
    """A header names a column that is wanted or known, or is text above numbers or dates."""
    if any(name.strip() in wanted or is_known_name(name) for name in first):
        return True
    if any(map(_is_measured, first)) or not any(name.strip() for name in first):
        return False
    whole = [row for row in rows if len(row) == len(first)]
    columns = [[row[i] for row in whole if row[i].strip()] for i in range(len(first))]
    return any(
        column and sum(map(_is_measured, column)) >= 0.9 * len(column) and name.strip()
        for name, column in zip(first, columns, strict=True)
    )


_MEASURED = re.compile(r"[+-]?\d+(,\d+)?|\d{1,4}[-./]\d{1,2}[-./]\d{1,4}\b.*", re.ASCII)
"""A number with a decimal comma, or what begins like a date: no name of a column."""


def _is_measured(text: str) -> bool:
    return is_number(text) or _MEASURED.fullmatch(text.strip()) is not None


def is_number(text: str) -> bool:
    """Whether a text is a finite number.

    >>> is_number("3.5"), is_number("nan"), is_number("")
    (True, False, False)
    """
    try:
        return abs(float(text)) < float("inf")
    except ValueError:
        return False


def _unique_names(first: tuple[str, ...]) -> tuple[str, ...]:
    """Header cells as names: blanks around them dropped, repeats and empty ones numbered."""
    names: list[str] = []
    for i, cell in enumerate(first):
        name = cell.strip() or f"column {i}"
        repeats = sum(earlier == name for earlier in names)
        names.append(f"{name} ({i})" if repeats else name)
    return tuple(names)


def _is_json_array(start: str) -> bool:
    return start[1:].lstrip()[:1] in ("{", "[", "]")
