"""From a file or a table to `Interactions`."""

import sys
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from tastemap.data.columns import Column, by_name
from tastemap.data.encode import Rules, encoded
from tastemap.data.engine import connect
from tastemap.data.interactions import Interactions
from tastemap.data.rejects import find_rejects, refusal, with_records
from tastemap.data.relation import Relation, relation_of, shown_columns
from tastemap.data.repeats import Rule, dedupe, positives
from tastemap.data.roles import Chosen, choose
from tastemap.data.survey import forms_of, plan, survey
from tastemap.data.table import iso_time
from tastemap.data.times import TimeRule
from tastemap.data.titles import read_titles, titles_in_log
from tastemap.errors import InputError, UsageError
from tastemap.kernels.loading import numba_loaded

REPEATS = ("sum", "last", "max", "keep")
"""What can become of repeated (user, item) pairs."""


def read(
    source: Any,
    user: Column = None,
    item: Column = None,
    time: Column = None,
    weight: Column = None,
    items: Any = None,
    threshold: float | None = None,
    repeats: str | None = None,
    skip_bad: bool = False,
    quiet: bool = False,
) -> Interactions:
    """Read a log of who used what, when, from a file or a table.

    Every guess is printed on stderr, and every sentence printed is in `notes` of the result.

    Parameters
    ----------
    source
        A path to text separated by commas, tabs, ';', '|' or '::', to JSON lines (.gz and .zst
        too) or to Parquet; or a table of pandas, Polars, Arrow or DuckDB.
    user, item, time, weight
        Column names, or column numbers from 0 where there is no header. None: guessed from
        names, in files without a header from the values. Without a time column `time` is None,
        without a weight column every event weighs 1.
    items
        A path or table with a column of item ids, one of titles and perhaps one of labels
        (separated by '|' or ','). None: a title column of the log itself, if there is one.
    threshold
        Keep only events of this weight or more, and let each count 1: ratings become likes. It
        looks at the weights after repeats became one. None: the rating is the weight.
    repeats
        A (user, item) pair that occurs again becomes one event, which stands where the last one
        stood: with the "sum" of the weights, that of the "last" event or the "max"imum; "keep"
        leaves all. None: "last" if there is a weight column (people change their ratings), else
        "sum" (people come back).
    skip_bad
        Leave out rows that cannot be read, and say how many, instead of refusing the source.
    quiet
        Print nothing.

    Returns
    -------
    Interactions
        Rows in the order of the source; ids as they came, integers or text; weights finite and
        0 or more; times in whole seconds since 1970 (UTC).

    Raises
    ------
    UsageError
        Where the path or a column does not exist, or a needed column cannot be guessed.
    InputError
        Where the source cannot be read as a log; bad rows are shown with their lines.

    Examples
    --------
    >>> import pandas
    >>> table = pandas.DataFrame({"user": ["ann", "bob"], "item": [7, 3], "stars": [4, 5]})
    >>> log = read(table, quiet=True)
    >>> log
    Interactions(2 events, 2 users, 2 items, no times)
    >>> log.items.decode(log.item).tolist(), log.weight.tolist()
    ([7, 3], [4.0, 5.0])
    """
    if repeats is not None and repeats not in REPEATS:
        raise UsageError(f"repeats={repeats!r}", ", ".join(REPEATS), 'pass repeats="last", say')
    say = _Notes(quiet)
    given = {"user": user, "item": item, "weight": weight, "time": time}
    wanted = [name for name in given.values() if isinstance(name, str)]
    with (
        numba_loaded(),
        tempfile.TemporaryDirectory(prefix="tastemap-") as folder,
        connect() as connection,
    ):
        relation = relation_of(connection, source, Path(folder), wanted)
        relation, records = with_records(relation)
        columns, not_taken = choose(relation, given)
        relation = replace(relation, notes=relation.notes + not_taken)
        log, rules = _log(relation, columns, given, records, skip_bad, say)
        if items is None:
            log = _titled(relation, columns, rules, log, say)
    if items is not None:
        table, notes = read_titles(items, log.items, skip_bad)
        log = replace(log, table=table)
        say.all(*notes)
    return _prepared(log, columns["weight"] is not None, threshold, repeats, say)


class _Notes:
    """Sentences, printed as they come (unless quiet) and kept."""

    def __init__(self, quiet: bool) -> None:
        self.quiet = quiet
        self.kept: list[str] = []

    def all(self, *sentences: str) -> None:
        for sentence in sentences:
            if not self.quiet:
                indent = "  " if self.kept else ""
                print(f"{indent}{sentence}", file=sys.stderr)  # noqa: T201 - guesses are printed
            self.kept.append(sentence)


def _log(
    relation: Relation,
    columns: Chosen,
    given: Mapping[str, Column],
    records: dict[int, str],
    skip_bad: bool,
    say: _Notes,
) -> tuple[Interactions, Rules]:
    """The events of the source, and the rules that made them."""
    forms = forms_of(relation, columns)
    found = survey(relation, columns, forms)
    total = found.rows + len(records)
    if total == 0:
        raise no_rows(relation)
    planned = plan(relation, columns, found, forms)
    rules = planned.rules
    say.all(opening(relation, columns, given, rules.time), *relation.notes)
    if planned.bad or records:
        rejects = find_rejects(relation, planned.checks, records)
        if not skip_bad or rejects.count == total:
            raise refusal(relation, rejects, _fields(columns), skippable=rejects.count < total)
        say.all(rejects.left_out(relation))
    say.all(*rules.notes)
    log = encoded(relation, rules)
    assert len(log) == found.rows - planned.bad  # no row may vanish on the way
    say.all(f"{log!r}"[len("Interactions(") : -1] + _span(log))
    _require_two(log, relation.shown)
    return log, rules


def no_rows(relation: Relation) -> InputError:
    """The error for a source that has columns and nothing in them."""
    return InputError(
        f"{relation.shown} has columns ({shown_columns(relation)}) and no rows",
        "at least one event",
        "check how it was written",
    )


def _require_two(log: Interactions, shown: str) -> None:
    for many, role in ((log.users, "user"), (log.items, "item")):
        if len(many) < 2:
            raise InputError(
                f"{shown} has only one {role}: {many.ids.tolist()[0]!r}",
                "at least two users and two items, or there is nothing to recommend",
                f"read more events, and check that the {role} column is the right one",
            )


def _fields(columns: Chosen) -> str:
    weight = "" if columns["weight"] is None else ", a weight that is a number from 0 on"
    return f"a user, an item{weight}{'' if columns['time'] is None else ', a time'}"


def _span(log: Interactions) -> str:
    if log.time is None:
        return ""
    first, last = (iso_time(int(log.time[at])) for at in (log.time.argmin(), log.time.argmax()))
    return f" from {first} to {last} UTC"


def opening(
    relation: Relation, columns: Chosen, given: Mapping[str, Column], time: TimeRule | None
) -> str:
    """The line that tells which column became what."""
    said = []
    for role, column in columns.items():
        if column is not None:
            name = relation.title_of(column)
            said.append(f"{role} = {name}" + (f" ({time.said})" if time and role == "time" else ""))
    header = "" if relation.header else " (no header)"
    options = ", ".join(f"--{role}" for role, column in given.items() if column is None)
    change = f"; change with {options}" if options else ""
    return f"reading {relation.shown}{header}: {', '.join(said)}{change}"


def _titled(
    relation: Relation, columns: Chosen, rules: Rules, log: Interactions, say: _Notes
) -> Interactions:
    """The log with titles from a column of its own, if it has one."""
    taken = [column for column in columns.values() if column is not None]
    column = by_name("title", relation.names, taken) if relation.header else None
    if column is None:
        return log
    table, note = titles_in_log(relation, column, rules.item.sql, rules.good, log.items)
    say.all(note)
    return replace(log, table=table)


def _prepared(
    log: Interactions,
    has_weight: bool,
    threshold: float | None,
    repeats: str | None,
    say: _Notes,
) -> Interactions:
    """Repeats become one event, then ratings become likes; each step is told."""
    if threshold is not None and not has_weight:
        raise UsageError(
            f"threshold={threshold:g} for a log without a weight column",
            "a threshold only where events have weights",
            "name the weight column, or leave the threshold out",
        )
    rule = repeats or ("last" if has_weight else "sum")
    if rule == "keep":
        repeated = len(log) - len(log.pairs()[0])
        say.all(f"{repeated:,} events repeat an earlier (user, item) pair and are kept")
    else:
        log = _told(dedupe(log, cast(Rule, rule)), log, say, "no (user, item) pair occurs twice")
    if threshold is not None:
        log = _told(positives(log, threshold), log, say, "")
        _require_two(log, f"after threshold={threshold:g} the log")
    return replace(log, notes=tuple(say.kept))


def _told(now: Interactions, before: Interactions, say: _Notes, otherwise: str) -> Interactions:
    """Tell the notes that a step added, or what is to be said where it added none."""
    added = now.notes[len(before.notes) :]
    say.all(*(added or (otherwise,)))
    return now
