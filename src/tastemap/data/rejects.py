"""Rows that cannot be read: found, counted, shown with their line in the file.

DuckDB counts records, people count lines: blank lines and line ends inside quotes make the
difference. So the file is read once more, with the csv module, but only as far as the last
line that is shown.
"""

import csv
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tastemap.data.plain import BLOCK
from tastemap.data.relation import Relation, forget_rejects, quoted_by
from tastemap.data.sniff import Form
from tastemap.errors import InputError

SHOWN = 5
"""How many bad rows are shown."""


@dataclass(frozen=True)
class Check:
    """One way in which a row can be bad.

    Parameters
    ----------
    role, column
        What the value is, and which column holds it.
    sql
        True where the row is bad.
    said
        What is wrong with the value, in words that follow it.
    """

    role: str
    column: int
    sql: str
    said: str


@dataclass(frozen=True)
class Rejects:
    """The bad rows of a source: how many, and the first ones in words."""

    count: int
    shown: tuple[str, ...]

    def listed(self) -> str:
        """The first bad rows on lines of their own."""
        return "\n".join(f"  {line}" for line in self._lines())

    def left_out(self, relation: Relation) -> str:
        """The note that says what `skip_bad` left out."""
        rows = "row" if self.count == 1 else "rows"
        return (
            f"{relation.shown}: {self.count:,} {rows} could not be read and are left out: "
            f"{'; '.join(self._lines())}"
        )

    def _lines(self) -> list[str]:
        more = self.count - len(self.shown)
        return [*self.shown, *([f"and {more:,} more"] if more else [])]


@dataclass(frozen=True, eq=False)
class Kept(Relation):
    """A source whose chosen columns lie in memory: `raw` is a table, not a reading of the file.

    Parameters
    ----------
    records
        The records that are no rows, as `rejected_records` gives them.
    """

    records: Mapping[int, str] = field(default_factory=dict)


def keep(relation: Relation, columns: Collection[int]) -> Kept:
    """Read these columns once, for many questions; records that are no rows are kept apart.

    Where a quote breaks a record, quotes are read as plain characters if more lines survive so.
    """
    kept = _kept(relation, columns)
    if not any(map(is_unbalanced, kept.records.values())):
        return kept
    survive = rows_in(kept)
    note = f"{relation.shown}: quotes are not balanced and are read as plain characters"
    plain = _kept(quoted_by(relation, "", note), columns)
    return plain if rows_in(plain) > survive else _kept(quoted_by(relation, '"'), columns)


def _kept(relation: Relation, columns: Collection[int]) -> Kept:
    names = ["n", *(f"c{i}" for i in columns)]
    if relation.is_json:
        names += [*(f"k{i}" for i in columns), "broken"]
    forget_rejects(relation.connection)
    relation.query(f"create or replace temp table kept_rows as select {', '.join(names)} from raw")
    records = {} if relation.form is None else _recorded(relation)
    relation.query("create or replace temp view raw as select * from kept_rows")
    return Kept(**vars(relation), records=records)


def rows_in(relation: Relation) -> int:
    """Rows of a source, those with bad values included."""
    return int(relation.query("select count(*) from raw")[0][0])


def line_checks(relation: Relation) -> list[Check]:
    """What must hold for a row whatever its columns are: a JSON line holds an object."""
    return [Check("line", 0, "broken", "is no JSON object")] if relation.is_json else []


def with_records(relation: Relation) -> tuple[Relation, dict[int, str]]:
    """The relation and its rejected records.

    Tab and '|' separated files often hold quotes that are plain characters. Where a quote breaks
    a record of such a file, it is read anew without quoting.

    Raises
    ------
    InputError
        Where a quote is never closed: what follows it would vanish in one field.
    """
    records = rejected_records(relation)
    if not any(map(is_unbalanced, records.values())):
        return relation, records
    assert relation.form is not None
    if relation.form.separator in ("\t", "|"):
        note = f"{relation.shown}: quotes are not balanced and are read as plain characters"
        plain = quoted_by(relation, "", note)
        fewer = rejected_records(plain)
        if len(fewer) < len(records):
            return plain, fewer
        relation = quoted_by(relation, '"')
        records = rejected_records(relation)
    _require_closed_quotes(relation, records)
    return relation, records


def _require_closed_quotes(relation: Relation, records: dict[int, str]) -> None:
    text = "trim(csv_line, chr(10) || chr(13))"
    swallowed = relation.query(
        "select min(line) from reject_errors "
        f"where error_type = 'UNQUOTED VALUE' and contains({text}, chr(10))"
    )[0][0]
    if swallowed is None:
        return
    place = _lines(relation, {}, {swallowed: records[swallowed]}, records)[0]
    raise InputError(
        f"{relation.shown}: {place}; the lines after it would be lost",
        "fields whose quotes are closed, and a quote inside a field written twice",
        "close or double the quote on this line",
    )


def rejected_records(relation: Relation) -> dict[int, str]:
    """Records that are no rows: number of the record (the first is 1) and what is wrong with it.

    Only separated text has them. The header is a record and so is a blank line.
    """
    if isinstance(relation, Kept):
        return dict(relation.records)
    if relation.form is None:
        return {}
    forget_rejects(relation.connection)
    relation.query("select count(*) from raw")
    return _recorded(relation)


def _recorded(relation: Relation) -> dict[int, str]:
    """The records that the last scan of the file rejected."""
    rows = relation.query(
        "select line, arg_min(error_type, byte_position), arg_min(error_message, error_message), "
        "arg_min(csv_line, byte_position) from reject_errors group by line order by line"
    )
    return {line: _wrong(kind, message, text) for line, kind, message, text in rows}


def _wrong(kind: str, message: str, text: str | None) -> str:
    start = (text or "").strip("\r\n")
    start = start if len(start) <= 60 else f"{start[:60]}..."
    if "Expected Number of Columns" in message:
        expected, found = (int(word) for word in message.split() if word.isdigit())
        return f"{found} {'field' if found == 1 else 'fields'} instead of {expected}: {start!r}"
    if kind == "UNQUOTED VALUE":
        return f"{UNBALANCED}: {start!r}"
    return f"{message.rstrip('.')}: {start!r}"


UNBALANCED = "a quote that is not closed, or text after it"


def is_unbalanced(wrong: str) -> bool:
    """Whether this is said of a record that a quote broke."""
    return wrong.startswith(UNBALANCED)


def find_rejects(relation: Relation, checks: Sequence[Check], records: dict[int, str]) -> Rejects:
    """The bad rows of a source, counted, and the first ones in words."""
    bad = " or ".join(f"coalesce({check.sql}, false)" for check in checks) or "false"
    count = relation.query(f"select count(*) from raw where {bad}")[0][0]
    texts = [f"substr(cast(c{check.column} as varchar), 1, 80)" for check in checks]
    flags = [f"coalesce({check.sql}, false)" for check in checks]
    rows = relation.query(
        f"select {', '.join(['n', *flags, *texts])} from raw where {bad} order by n limit {SHOWN}"
    )
    said: dict[int, str] = {}
    for n, *found in rows:
        values = found[len(checks) :]
        wrong = next(i for i, flag in enumerate(found[: len(checks)]) if flag)
        said[n] = _said(relation, checks[wrong], values[wrong])
    first = dict(list(records.items())[:SHOWN])
    lines = _lines(relation, said, first, records)
    return Rejects(count + len(records), tuple(lines[:SHOWN]))


def _said(relation: Relation, check: Check, value: str | None) -> str:
    if check.role == "line":
        return check.said
    name = relation.title_of(check.column)
    named = check.role if name == check.role else f"{check.role} ({name})"
    if value is None or value == "":
        return f"{named} is missing"
    return f"{named} = {value!r} {check.said}"


def places(relation: Relation, rows: Sequence[int]) -> dict[int, str]:
    """Where these rows of `raw` stand, in words: their line in a file, or their row in a table."""
    if relation.form is None:
        return {n: _place(relation, n) for n in rows}
    found = _physical_lines(relation, set(rows), set(), rejected_records(relation))
    return {n: f"line {line:,}" for (_, n), line in found.items()}


def _place(relation: Relation, n: int) -> str:
    return f"line {n:,}" if relation.is_json else f"row {n - 1:,} (from 0)"


def _lines(
    relation: Relation, rows: dict[int, str], records: dict[int, str], rejected: Collection[int]
) -> list[str]:
    """What is wrong with each of these rows and records, in the order of the file."""
    if relation.form is None:
        return [f"{_place(relation, n)}: {said}" for n, said in rows.items()]
    found = _physical_lines(relation, set(rows), set(records), rejected)
    said = {(True, n): text for n, text in rows.items()}
    said |= {(False, record): text for record, text in records.items()}
    return [
        f"line {line:,}: {said[key]}" for key, line in sorted(found.items(), key=lambda kv: kv[1])
    ]


def _physical_lines(
    relation: Relation, rows: set[int], records: set[int], rejected: Collection[int]
) -> dict[tuple[bool, int], int]:
    """The line on which each row (True, n) and each rejected record (False, number) begins."""
    assert relation.form is not None
    if _is_one_line_each(relation, len(rejected)):
        return _counted_lines(relation.form, rows, records, rejected)
    found: dict[tuple[bool, int], int] = {}
    wanted = len(rows) + len(records)
    n = -1 if relation.form.header else 0
    for record, (line, blank) in enumerate(_records(relation), start=1):
        if record <= relation.form.skip:
            continue
        if len(found) == wanted:
            break
        if record in rejected:
            if record in records:
                found[False, record] = line
        elif not blank:
            n += 1
            if n in rows:
                found[True, n] = line
    return found


def _is_one_line_each(relation: Relation, rejected: int) -> bool:
    """Whether the file has as many lines as records: then none is blank, none spans two lines."""
    assert relation.form is not None
    records = relation.form.skip + relation.form.header + rows_in(relation) + rejected
    return lines_in(relation) == records


def lines_in(relation: Relation) -> int:
    """Lines of a text file, a last one without a line end included."""
    assert relation.path is not None
    count, last = 0, b"\n"
    with relation.path.open("rb") as file:
        while block := file.read(BLOCK):
            count += block.count(b"\n")
            last = block[-1:]
    return count + (last != b"\n")


def _counted_lines(
    form: Form, rows: set[int], records: set[int], rejected: Collection[int]
) -> dict[tuple[bool, int], int]:
    """`_physical_lines` where record and line are one: no need to read the file."""
    found = {(False, record): record for record in records}
    between = sorted(rejected)
    for n in rows:
        line = form.skip + form.header + n
        for record in between:
            if record > line:
                break
            line += 1
        found[True, n] = line
    return found


def _records(relation: Relation) -> Iterator[tuple[int, bool]]:
    """The line on which each record of the file begins, and whether it is a blank line."""
    assert relation.form is not None
    assert relation.path is not None
    with relation.path.open(encoding="utf-8-sig", newline="") as file:
        if not relation.form.quote:
            for line, text in enumerate(file, start=1):
                yield line, not text.strip("\r\n")
            return
        before = csv.field_size_limit(2**31 - 1)
        try:
            reader = csv.reader(file, delimiter=relation.form.separator)
            line = 1
            for fields in reader:
                yield line, not fields
                line = reader.line_num + 1
        finally:
            csv.field_size_limit(before)


def refusal(
    relation: Relation, rejects: Rejects, fields: str, *, skippable: bool = True
) -> InputError:
    """The error that shows the bad rows and says how to go on without them."""
    rows = "row" if rejects.count == 1 else "rows"
    commas = any(re.search(r"weight.* = '-?\d+,\d+'", line) for line in rejects.shown)
    hint = "write decimals with a point (3.5, not 3,5); " if commas else ""
    skip = ", or leave them out: skip_bad=True (--skip-bad)" if skippable else ""
    return InputError(
        f"{relation.shown}: {rejects.count:,} {rows} cannot be read\n{rejects.listed()}",
        f"rows with {fields}",
        f"{hint}correct the rows{skip}",
    )
