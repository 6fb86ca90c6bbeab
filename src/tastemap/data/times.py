"""Times in whatever form a log has them, as whole seconds since 1970 in UTC."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tastemap.data.engine import quoted
from tastemap.data.ids import BIG_INTEGERS, FLOATS, INTEGERS
from tastemap.data.rejects import places
from tastemap.data.relation import Relation
from tastemap.data.sniff import is_number
from tastemap.errors import InputError

UNITS: Mapping[str, tuple[int, float, float]] = {
    "seconds": (1, 0, 1e11),
    "milliseconds": (10**3, 1e11, 1e14),
    "microseconds": (10**6, 1e14, 1e17),
    "nanoseconds": (10**9, 1e17, float(2**63)),
}
"""Unit: how many make a second, and the magnitudes (from, below) that it is known by.

1e11 seconds are the year 5138, 1e11 milliseconds the year 1973. A 0 fits every unit.
"""

_CLOCKS = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p", ", %H:%M:%S")


def _strptime(*days: str) -> str:
    formats = ", ".join(f"'{day}{clock}'" for day in days for clock in _CLOCKS)
    return f"try_strptime(trim({{x}}), [{formats}])"


ISO, NUMBER = "ISO 8601", "number"

FORMS: Mapping[str, str] = {
    ISO: "try_cast(trim({x}) as timestamptz)",
    "day.month.year": _strptime("%d.%m.%Y"),
    "day/month/year": _strptime("%d/%m/%Y"),
    "month/day/year": _strptime("%m/%d/%Y"),
    "day/month/2-digit year": _strptime("%d/%m/%y"),
    "month/day/2-digit year": _strptime("%m/%d/%y"),
    "day-month-year": _strptime("%d-%m-%Y"),
    "month-day-year": _strptime("%m-%d-%Y"),
    "day month-name year": _strptime("%d-%b-%Y", "%d %b %Y", "%d %B %Y"),
    "month-name day, year": _strptime("%b %d, %Y", "%B %d, %Y"),
    "month day, year": _strptime("%m %d, %Y"),
    "weekday month day time zone year": (
        "try_strptime(trim({x}), '%a %b %d %H:%M:%S %z %Y')::timestamptz"
    ),
}
"""Ways to write a time, and SQL that reads it (NULL where it is written another way)."""

ZONED = ("weekday month day time zone year",)
"""Forms that always name their zone."""

COMPACT: Mapping[str, tuple[str, str]] = {
    "yyyymmdd": ("(19|20)[0-9]{6}", "%Y%m%d"),
    "yyyymmddhhmmss": ("(19|20)[0-9]{12}", "%Y%m%d%H%M%S"),
}
"""Dates that look like numbers: taken as dates only if every number in the column is one."""

RIVALS = (
    ("day/month/year", "month/day/year"),
    ("day/month/2-digit year", "month/day/2-digit year"),
    ("day-month-year", "month-day-year"),
)


@dataclass(frozen=True)
class TimeForms:
    """The forms that the first values of a column have; one scan then tells which it is.

    Parameters
    ----------
    column
        The column.
    facts
        Aggregates that `time_rule` decides by: name and SQL.
    valid
        SQL that is true (never NULL) where the likeliest form reads a value.
    """

    column: int
    facts: Mapping[str, str]
    valid: str


@dataclass(frozen=True)
class TimeRule:
    """How a column becomes seconds.

    Parameters
    ----------
    sql
        An expression over `raw`: BIGINT seconds, NULL where the value is no time.
    valid
        SQL that is true (never NULL) where it is one.
    said
        The form in words, for the line that tells what was read.
    note
        What was assumed, in words; "" where nothing was.
    """

    sql: str
    valid: str
    said: str
    note: str = ""


class TimeTrouble(InputError):
    """A column of times cannot be read safely; `rule` reads what can be read all the same.

    Parameters
    ----------
    given, allowed, remedy
        The three parts of the message.
    rule
        Reads each value as it is most likely meant; None where there is no time at all.
    """

    def __init__(self, given: str, allowed: str, remedy: str, rule: TimeRule | None) -> None:
        super().__init__(given, allowed, remedy)
        self.rule = rule


def looks_like_time(relation: Relation, column: int, share: float) -> bool:
    """Whether more than this share of a column's first values read as times (numbers count)."""
    filled = sum(bool(value) for value in relation.sample[column])
    if _is_moment(relation.types[column]):
        return filled > 0
    if sum(map(is_number, filter(None, relation.sample[column]))) > share * filled:
        return True  # spares the dozen forms of dates
    return max(_in_sample(relation, column).values()) > share * filled


def time_forms(relation: Relation, column: int) -> TimeForms:
    """See which forms the first values have, and what must be counted to decide."""
    kind = relation.types[column]
    if _is_moment(kind):
        return TimeForms(column, {}, f"(epoch(c{column}) is not null)")
    x = f"c{column}" if _is_numeric(kind) else f"cast(c{column} as varchar)"
    counts = {form: n for form, n in _in_sample(relation, column).items() if n}
    facts: dict[str, str] = {}
    if NUMBER in counts:
        v = _number(x)
        facts[NUMBER] = f"count({v})"
        facts["low"] = f"min(case when {v} <> 0 then abs({v}) end)"
        facts["high"] = f"max(abs({v}))"
        sample = [value for value in relation.sample[column] if value]
        for form, (pattern, _) in COMPACT.items():
            if all(re.fullmatch(pattern, value) for value in sample):
                facts[form] = f"count({_compact(form, x)})"
    for form in (form for form in FORMS if form in counts):
        facts[form] = f"count({_seconds(FORMS[form], x)})"
    if ISO in counts:
        zone = f"regexp_matches({x}, '([A-Za-z]|:[0-9.]+ ?[+-][0-9]{{2}}(:?[0-9]{{2}})?) *$')"
        facts["zoned"] = f"count({_seconds(FORMS[ISO], x)}) filter ({zone})"
    likeliest = max(counts, key=lambda form: counts[form], default=NUMBER)
    return TimeForms(column, facts, _valid(likeliest, x))


def time_rule(relation: Relation, forms: TimeForms, facts: Mapping[str, Any]) -> TimeRule:
    """Decide how the times of a column are written, from facts about the whole column.

    Raises
    ------
    TimeTrouble
        Where the values are no times, in several units, or dates that can be read in two ways.
    """
    column, kind = forms.column, relation.types[forms.column]
    if _is_moment(kind):
        said = "dates" if kind == "DATE" else "datetimes"
        zoned = kind == "TIMESTAMP WITH TIME ZONE"
        note = "" if zoned else f"the {said} name no zone and are taken as UTC"
        seconds = f"cast(floor(epoch(c{column})) as bigint)"
        return TimeRule(seconds, forms.valid, f"{said} with a zone" if zoned else said, note)
    x = f"c{column}" if _is_numeric(kind) else f"cast(c{column} as varchar)"
    counts = {form: facts[form] for form in (NUMBER, *FORMS) if facts.get(form)}
    if not counts:
        raise _no_times(relation, column)
    best = max(counts, key=lambda form: counts[form])
    if best == NUMBER:
        return _of_numbers(relation, column, x, facts)
    naive = counts[best] - facts.get("zoned", 0) if best == ISO else counts[best]
    note = f"{naive:,} times name no zone and are taken as UTC" if naive else ""
    if best in ZONED:
        note = ""
    said = ISO if best == ISO else f"written {best}"
    rule = TimeRule(_seconds(FORMS[best], x), _valid(best, x), said, note)
    _require_one_reading(relation, column, best, counts, rule)
    return rule


def _is_moment(kind: str) -> bool:
    return kind.startswith(("TIMESTAMP", "DATE"))


def _is_numeric(kind: str) -> bool:
    return kind.split("(")[0] in (*INTEGERS, *BIG_INTEGERS, *FLOATS)


def _seconds(sql: str, x: str) -> str:
    moment = sql.format(x=x)
    # %Y would read "10" as the year 10; no log is that old.
    return f"(case when year({moment}) >= 1000 then cast(floor(epoch({moment})) as bigint) end)"


def _number(x: str) -> str:
    """SQL for a text as a finite number of magnitude below 2^63, else NULL."""
    value = f"try_cast({x} as double)"
    return f"(case when abs({value}) < 9.2e18 then {value} end)"


def _valid(form: str, x: str) -> str:
    """SQL that is true (never NULL) where this form reads the value."""
    return f"({_number(x) if form == NUMBER else _seconds(FORMS[form], x)} is not null)"


_DIGITS = re.compile("-?[0-9]+")


def _in_sample(relation: Relation, column: int) -> dict[str, int]:
    """How many of the first values each form reads."""
    tried = {NUMBER: _number("x")}
    if not all(_DIGITS.fullmatch(value) for value in relation.sample[column] if value):
        # No date is written in digits alone, and to try all forms takes longer than to read on.
        tried |= {form: _seconds(sql, "x") for form, sql in FORMS.items()}
    values = ", ".join(quoted(value) for value in relation.sample[column] if value)
    counted = ", ".join(f"count({sql})" for sql in tried.values())
    found = relation.query(f"select {counted} from (select unnest([{values}]::varchar[]) as x)")
    return dict(zip(tried, found[0], strict=True))


def _of_numbers(relation: Relation, column: int, x: str, facts: Mapping[str, Any]) -> TimeRule:
    v, valid = _number(x), _valid(NUMBER, x)
    for form in COMPACT:
        if facts.get(form) == facts[NUMBER]:
            note = f"{facts[form]:,} times name no zone and are taken as UTC"
            return TimeRule(_compact(form, x), valid, f"written {form}", note)
    units = [
        unit
        for unit, (_, low, high) in UNITS.items()
        if facts["low"] is not None and facts["low"] < high and facts["high"] >= low
    ]
    if len(units) > 1:
        raise _mixed(relation, column, v)
    unit = next(iter(units), "seconds")
    each = UNITS[unit][0]
    sql = f"cast(floor({v} / {each}) as bigint)"
    if each >= 10**6:  # more digits than a double has
        n = f"try_cast({x} as bigint)"
        sql = f"(({n} - (({n} % {each}) + {each}) % {each}) // {each})"
    return TimeRule(sql, valid, f"unix {unit}")


def _compact(form: str, x: str) -> str:
    """SQL for the seconds of a date written as one number, NULL where it is none."""
    pattern, written = COMPACT[form]
    text = f"cast({x} as varchar)"
    seconds = f"cast(epoch(try_strptime({text}, '{written}')) as bigint)"
    return f"(case when regexp_full_match({text}, '{pattern}') then {seconds} end)"


def _require_one_reading(
    relation: Relation, column: int, best: str, counts: Mapping[str, int], rule: TimeRule
) -> None:
    for pair in RIVALS:
        if best in pair and counts.get(pair[0]) == counts.get(pair[1]):
            example = next((v for v in relation.sample[column] if v), "")
            raise TimeTrouble(
                f"time ({relation.title_of(column)}) in {relation.shown}: {example!r} and all "
                f"other dates can be read as {pair[0]} and as {pair[1]}",
                "dates that have one reading, best ISO 8601: 2024-12-31 23:59:59",
                "write the dates as year-month-day",
                rule,
            )


def _no_times(relation: Relation, column: int) -> TimeTrouble:
    example = next((v for v in relation.sample[column] if v), "")
    return TimeTrouble(
        f"time ({relation.title_of(column)}) in {relation.shown} holds no times: {example!r}",
        f"unix {', '.join(UNITS)}, ISO 8601 text, datetimes, or dates written {', '.join(FORMS)}",
        "name another column as time= (--time)",
        None,
    )


def _mixed(relation: Relation, column: int, v: str) -> TimeTrouble:
    firsts, cases = [], []
    for unit, (each, low, high) in UNITS.items():
        cases.append(f"when abs({v}) < {high} then cast(floor({v} / {each}) as bigint)")
        count, n, value = relation.query(
            f"select count(*), min(n), arg_min(cast(c{column} as varchar), n) from raw "
            f"where abs({v}) >= {low} and abs({v}) < {high} and {v} <> 0"
        )[0]
        if count:
            firsts.append((n, f"{value} ({unit}, {count:,} value{'s'[: count != 1]})"))
    where = places(relation, [n for n, _ in firsts])
    said = ", ".join(f"{where[n]}: {words}" for n, words in firsts)
    by_size = f"(case {' '.join(cases)} end)"
    return TimeTrouble(
        f"time ({relation.title_of(column)}) in {relation.shown} mixes units: {said}",
        "one unit in the whole column",
        "bring all times into one unit, seconds say",
        TimeRule(by_size, _valid(NUMBER, f"c{column}"), "numbers of several units"),
    )
