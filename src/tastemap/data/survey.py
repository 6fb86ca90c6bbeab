"""One look at the whole source: how many rows, how many bad, and what the columns hold.

Each scan of a file costs seconds for every ten million rows, so whatever the rules want to know
is asked in a single query.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tastemap.data.encode import Rules
from tastemap.data.ids import id_facts, id_rule, present
from tastemap.data.rejects import Check, line_checks
from tastemap.data.relation import Relation
from tastemap.data.roles import Chosen, position
from tastemap.data.times import TimeForms, TimeRule, TimeTrouble, time_forms, time_rule

NEGATIVE = "is negative"
"""What is said of a weight below 0."""


@dataclass(frozen=True)
class Survey:
    """What one scan found.

    Parameters
    ----------
    rows
        Rows of `raw`; records that are no rows do not count.
    bad
        Rows with a value that cannot be used.
    facts
        For user, item and time what their rules asked for, by name.
    """

    rows: int
    bad: int
    facts: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Plan:
    """How the source will be read, and how many of its rows are bad under these rules.

    Parameters
    ----------
    rules, checks, bad
        The rules, what makes a row bad under them, and how many rows are.
    trouble
        What is wrong with the times as a whole, where that is no reason to stop.
    """

    rules: Rules
    checks: tuple[Check, ...]
    bad: int
    trouble: TimeTrouble | None = None


def plan(
    relation: Relation,
    columns: Chosen,
    found: Survey,
    forms: TimeForms | None,
    lenient: bool = False,
) -> Plan:
    """Turn what the survey found into rules; `lenient` goes on where times are in trouble.

    Where rows are bad, the ids are judged once more without them: a line of totals at the end of
    a file must not turn integers into text.
    """
    time, trouble = None, None
    try:
        time = None if forms is None else time_rule(relation, forms, found.facts["time"])
    except TimeTrouble as error:
        if not lenient:
            raise
        time, trouble = error.rule, error
    rules = _rules(relation, columns, found, time)
    bad = found.bad
    if rules.good != _assumed(relation, columns, forms):
        bad = count_bad(relation, rules)
    if bad:
        again = _rules(relation, columns, survey(relation, columns, None, rules.good), time)
        if again != rules:
            rules = again
            bad = count_bad(relation, rules)
    return Plan(rules, tuple(_checks(relation, columns, rules)), bad, trouble)


def survey(
    relation: Relation, columns: Chosen, forms: TimeForms | None, where: str = "true"
) -> Survey:
    """Scan the source once; `where` leaves rows out of it."""
    asked: dict[str, Mapping[str, str]] = {
        role: id_facts(relation, position(columns, role)) for role in ("user", "item")
    }
    asked["time"] = {} if forms is None else forms.facts
    good = _assumed(relation, columns, forms)
    selected = ["count(*)", f"count(*) filter (not {good})"]
    selected += [sql for facts in asked.values() for sql in facts.values()]
    rows, bad, *values = relation.query(f"select {', '.join(selected)} from raw where {where}")[0]
    found = iter(values)
    return Survey(
        rows, bad, {role: {name: next(found) for name in facts} for role, facts in asked.items()}
    )


def forms_of(relation: Relation, columns: Chosen) -> TimeForms | None:
    """What the time column, if there is one, may be written in."""
    return None if columns["time"] is None else time_forms(relation, columns["time"])


def count_bad(relation: Relation, rules: Rules) -> int:
    """Rows of `raw` that the rules leave out."""
    return int(relation.query(f"select count(*) from raw where not {rules.good}")[0][0])


def _assumed(relation: Relation, columns: Chosen, forms: TimeForms | None) -> str:
    """What good rows are while the rules are still to be made."""
    user, item = (present(relation, position(columns, role)) for role in ("user", "item"))
    return _good(columns, user, item, None if forms is None else forms.valid)


def _good(columns: Chosen, user: str, item: str, time: str | None) -> str:
    conditions = [user, item]
    if columns["weight"] is not None:
        w = weight_of(columns["weight"])
        conditions.append(f"{w} >= 0 and {w} < 'infinity'::float")  # NaN is above infinity
    if time is not None:
        conditions.append(time)
    return f"coalesce({' and '.join(conditions)}, false)"


def _rules(relation: Relation, columns: Chosen, found: Survey, time: TimeRule | None) -> Rules:
    user, item = (
        id_rule(relation, position(columns, role), role, found.facts[role])
        for role in ("user", "item")
    )
    weight = columns["weight"]
    return Rules(
        user=user,
        item=item,
        time=time,
        weight="1" if weight is None else f"{weight_of(weight)} + 0",  # -0 becomes 0
        good=_good(columns, user.valid, item.valid, time.valid if time else None),
    )


def _checks(relation: Relation, columns: Chosen, rules: Rules) -> list[Check]:
    """What makes a row bad, one by one, in the order in which it is reported."""
    checks = line_checks(relation)
    for role, rule in (("user", rules.user), ("item", rules.item)):
        checks.append(Check(role, position(columns, role), f"not {rule.valid}", "is no id"))
    x = columns["weight"]
    if x is not None:
        w = weight_of(x)
        checks += [
            Check("weight", x, f"coalesce(isnan({w}), true)", "is not a number"),
            Check("weight", x, f"isinf({w})", "is infinite or too large"),
            Check("weight", x, f"{w} < 0", NEGATIVE),
        ]
    if rules.time is not None:
        wrong = f"not {rules.time.valid}"
        checks.append(Check("time", position(columns, "time"), wrong, f"is not {rules.time.said}"))
    return checks


def weight_of(column: int) -> str:
    """SQL for a weight: FLOAT, NULL where the value is no number."""
    return f"try_cast(c{column} as float)"
