"""Read a log whatever is wrong with it, and keep what was wrong for the rules."""

import sys
import tempfile
import time as clock
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from tastemap.data.columns import Column, by_name
from tastemap.data.encode import encoded
from tastemap.data.engine import connect, quoted
from tastemap.data.interactions import Interactions
from tastemap.data.read import no_rows, opening
from tastemap.data.rejects import (
    Check,
    Kept,
    Rejects,
    find_rejects,
    is_unbalanced,
    keep,
    lines_in,
    places,
    rows_in,
)
from tastemap.data.relation import Relation, relation_of
from tastemap.data.roles import Chosen, choose
from tastemap.data.survey import NEGATIVE, Plan, forms_of, plan, survey, weight_of
from tastemap.data.titles import Catalogue, read_catalogue, titles_in_log
from tastemap.diagnosis.log_facts import ROLES, SHOWN, LogFacts


@contextmanager
def facts_of(
    source: Any, given: Mapping[str, Column], items: Any = None
) -> Iterator[tuple[LogFacts, tuple[str, ...]]]:
    """What the rules look at, and what was read in words; lines can be asked for inside.

    Parameters
    ----------
    source, items
        As in `tm.check`.
    given
        The columns that were named, by role.
    """
    catalogue = None if items is None else read_catalogue(items, skip_bad=True)
    now = int(clock.time())
    if isinstance(source, Interactions):
        yield _of_log(source, catalogue, now), source.notes
        return
    wanted = [name for name in given.values() if isinstance(name, str)]
    with tempfile.TemporaryDirectory(prefix="tastemap-") as folder, connect() as connection:
        relation = relation_of(connection, source, Path(folder), wanted)
        columns, not_taken = choose(relation, given)
        chosen = [column for column in columns.values() if column is not None]
        title = by_name("title", relation.names, chosen) if relation.header else None
        title = None if items is not None else title
        kept = keep(relation, chosen if title is None else [*chosen, title])
        facts, said = _of_source(kept, columns, given, title)
        kinds = {str(role): _kinds(source, relation, columns[role]) for role in ROLES}
        facts = replace(facts, catalogue=catalogue, now=now, kinds=kinds)
        yield facts, (said, *kept.notes, *not_taken)


def _of_source(
    kept: Kept, columns: Chosen, given: Mapping[str, Column], title: int | None
) -> tuple[LogFacts, str]:
    forms = forms_of(kept, columns)
    found = survey(kept, columns, forms)
    if found.rows + len(kept.records) == 0:
        raise no_rows(kept)
    planned = plan(kept, columns, found, forms, lenient=True)
    rules = planned.rules
    log = encoded(kept, rules)
    titles = None
    if title is not None and len(log):
        titles, _ = titles_in_log(kept, title, rules.item.sql, rules.good, log.items)
    negative, negative_at = _negative(kept, columns, planned)
    checks = [check for check in planned.checks if check.said != NEGATIVE]
    rejects, reasons = _rejects(kept, checks) if planned.bad or kept.records else (None, {})
    facts = LogFacts(
        name=kept.shown,
        log=log,
        now=0,
        rows=found.rows + len(kept.records),
        names={
            role: kept.names[column]
            for role, column in columns.items()
            if column is not None and kept.header
        },
        rejects=rejects or Rejects(0, ()),
        reasons=reasons,
        lost=_lost(kept),
        negative=negative,
        negative_at=negative_at,
        weighted=columns["weight"] is not None,
        traits={"user": rules.user.trait, "item": rules.item.trait},
        trouble=planned.trouble,
        titles=() if titles is None else tuple(titles.titles.tolist()),
        source=kept,
        numbers=_numbers(kept, planned),
    )
    return facts, opening(kept, columns, given, rules.time)


def _of_log(log: Interactions, catalogue: Catalogue | None, now: int) -> LogFacts:
    return LogFacts(
        name="the log",
        log=log.compact(),
        now=now,
        rows=len(log),
        weighted=bool(len(log) and (log.weight != log.weight[0]).any()),
        catalogue=catalogue,
        titles=() if log.table is None else tuple(log.table.titles.tolist()),
    )


def _rejects(kept: Kept, checks: Sequence[Check]) -> tuple[Rejects, dict[str, int]]:
    """The rows that cannot be read, and how many of them for which reason."""
    cases = " ".join(
        f"when coalesce({check.sql}, false) then {quoted(check.role)} || case "
        f"when coalesce(cast(c{check.column} as varchar), '') = '' then ' is missing' "
        f"else {quoted(' ' + check.said)} end"
        for check in checks
    )
    rows = kept.query(
        f"select why, count(*) from (select case {cases} end as why from raw) "
        "where why is not null group by why order by count(*) desc, why"
    )
    reasons = {"wrong number of fields, or a quote": len(kept.records)} if kept.records else {}
    return find_rejects(kept, checks, dict(kept.records)), reasons | dict(rows)


def _numbers(kept: Kept, planned: Plan) -> np.ndarray:
    """The number of each row that is read."""
    if not planned.bad and kept.form is not None:
        return np.arange(1, rows_in(kept) + 1, dtype=np.int64)
    found = kept.connection.execute(f"select n from raw where {planned.rules.good}").fetchnumpy()
    return np.asarray(found["n"], dtype=np.int64)


def _negative(kept: Kept, columns: Chosen, planned: Plan) -> tuple[int, tuple[str, ...]]:
    """How many weights are negative, and where the first of them stand."""
    if columns["weight"] is None or not planned.bad:
        return 0, ()
    wrong = f"{weight_of(columns['weight'])} < 0 and not isinf({weight_of(columns['weight'])})"
    rows = kept.query(f"select n from raw where {wrong} order by n limit {SHOWN}")
    count = int(kept.query(f"select count(*) from raw where {wrong}")[0][0])
    found = places(kept, [n for (n,) in rows])
    return count, tuple(found[n] for (n,) in rows)


def _lost(kept: Kept) -> int:
    """Lines that became part of a rejected record, behind a quote that is never closed."""
    if kept.form is None or not any(is_unbalanced(wrong) for wrong in kept.records.values()):
        return 0
    records = kept.form.skip + kept.form.header + rows_in(kept) + len(kept.records)
    return max(lines_in(kept) - records, 0)


def _kinds(source: Any, relation: Relation, column: int | None) -> tuple[str, ...]:
    """Types of the ids in a pandas column of objects, where there are several."""
    pandas = sys.modules.get("pandas")
    if pandas is None or column is None or not isinstance(source, pandas.DataFrame):
        return ()
    values = source[relation.names[column]] if relation.names[column] in source else None
    if values is None or values.dtype != object:
        return ()
    kinds = sorted({type(value).__name__ for value in values.dropna()})
    return tuple(kinds) if len(kinds) > 1 else ()
