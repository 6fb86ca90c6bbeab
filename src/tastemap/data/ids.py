"""Ids as they came: integers as integers, text as text.

Text files do not say which is which. A column of theirs becomes integers only if every value is
the way in which an integer is written ("7", not "007"), so that nothing changes on the way back.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from tastemap.data.relation import JSON, UNTYPED, Relation

NULLS = ("\\n", "null", "nan", "none", "na", "n/a", "<na>")
"""Texts (in any case) that mean "no value" in a column whose other values are all integers."""

INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER")
SHORT_INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "UTINYINT", "USMALLINT")
"""What an INTEGER holds: such ids are taken over with half the bytes."""

BIG_INTEGERS = ("UBIGINT", "HUGEINT", "UHUGEINT")
FLOATS = ("FLOAT", "DOUBLE", "DECIMAL")
WHOLE = "whole fractions"


@dataclass(frozen=True)
class IdRule:
    """How a column becomes ids.

    Parameters
    ----------
    sql
        An expression over `raw`: INTEGER, BIGINT or VARCHAR, NULL where there is no id.
    valid
        SQL that is true (never NULL) where there is one.
    is_text
        Whether ids are text.
    note
        What was changed, in words; "" where nothing was.
    trait
        "whole fractions" where ids are written like 123.0, "fractions" where they are numbers
        with decimals, "mixed types" where JSON has them as numbers and as text; else "".
    """

    sql: str
    valid: str
    is_text: bool
    note: str = ""
    trait: str = ""


def present(relation: Relation, column: int) -> str:
    """SQL that is true where the column holds an id, whatever its ids are."""
    x = f"c{column}"
    family = _family(relation.types[column])
    if family == "float":
        return f"coalesce(isfinite(cast({x} as double)), false)"
    if family in ("integer", "big"):
        return f"({x} is not null)"
    nested = f" and k{column} not in ('OBJECT', 'ARRAY')" if relation.is_json else ""
    return f"coalesce(cast({x} as varchar) <> ''{nested}, false)"


def id_facts(relation: Relation, column: int) -> dict[str, str]:
    """Aggregates that `id_rule` decides by: name and SQL."""
    x = f"c{column}"
    family = _family(relation.types[column])
    if family == "untyped":
        facts = {
            "filled": f"count(*) filter ({x} <> '')",
            "integers": f"count(*) filter (cast(try_cast({x} as bigint) as varchar) = {x})",
        }
        if relation.is_json:
            facts["strings"] = f"count(*) filter (k{column} = 'VARCHAR')"
        if _may_be_numbers(relation, column):
            nulls = ", ".join(f"'{text}'" for text in NULLS)
            point_zero = f"regexp_full_match({x}, '-?(0|[1-9][0-9]{{0,17}})[.]0+')"
            facts["point_zeros"] = f"count(*) filter ({point_zero})"
            facts["null_words"] = f"count(*) filter (lower({x}) in ({nulls}))"
        return facts
    if family == "big":
        return {"large": f"count(*) filter ({x} is not null and try_cast({x} as bigint) is null)"}
    if family == "float":
        # Beyond 2^53 neighbouring integers are the same float.
        whole = f"{x} = floor({x}) and abs({x}) <= 9007199254740992"
        return {"fractions": f"count(*) filter ({present(relation, column)} and not ({whole}))"}
    return {}


def id_rule(relation: Relation, column: int, role: str, facts: Mapping[str, int]) -> IdRule:
    """Decide what the ids of a column are from its facts."""
    x, there = f"c{column}", present(relation, column)
    family = _family(relation.types[column])
    said = f"{role} ids ({relation.title_of(column)})"
    whole = f"{said} are whole numbers written as fractions and become integers"
    if family == "integer" or (family == "big" and facts["large"] == 0):
        kind = "integer" if relation.types[column] in SHORT_INTEGERS else "bigint"
        return IdRule(f"cast({x} as {kind})", there, is_text=False)
    if family == "big":
        note = f"{said} are larger than 64-bit integers and become text"
        return IdRule(f"cast({x} as varchar)", there, True, note)
    if family == "float":
        kind = "varchar" if facts["fractions"] else "bigint"
        note = f"{said} are fractions and become text" if facts["fractions"] else whole
        sql = f"case when {there} then cast({x} as {kind}) end"
        trait = "fractions" if facts["fractions"] else WHOLE
        return IdRule(sql, there, bool(facts["fractions"]), note, trait)
    if family == "untyped" and facts["filled"] and not facts.get("strings"):
        integer = f"try_cast({x} as bigint)"
        # Only among integers may "nan" be no id: it would be the one text there.
        valid = f"({integer} is not null)" if facts.get("null_words") else there
        integers = facts["integers"] + facts.get("null_words", 0)
        if facts["integers"] and integers == facts["filled"]:
            return IdRule(integer, valid, is_text=False)
        if facts.get("point_zeros") and integers + facts["point_zeros"] == facts["filled"]:
            return IdRule(integer, valid, False, whole, WHOLE)
    strings = facts.get("strings", 0)
    trait = "mixed types" if 0 < strings < facts.get("filled", 0) else ""
    kind = relation.types[column].lower()
    note = f"{said} are of type {kind} and become text" if family == "other" else ""
    return IdRule(f"cast({x} as varchar)", there, True, note, trait)


def _family(kind: str) -> str:
    stem = kind.split("(")[0]
    if kind in (UNTYPED, JSON):
        return "untyped"
    if stem in INTEGERS:
        return "integer"
    if stem in BIG_INTEGERS:
        return "big"
    if stem in FLOATS:
        return "float"
    return "text" if stem in ("VARCHAR", "ENUM") else "other"


def _may_be_numbers(relation: Relation, column: int) -> bool:
    """Whether half of the first values are integers, whole fractions or words for "no value"."""
    number = re.compile(r"-?(0|[1-9][0-9]*)([.]0+)?")
    filled = [value for value in relation.sample[column] if value]
    fitting = (number.fullmatch(value) or value.lower() in NULLS for value in filled)
    return sum(map(bool, fitting)) >= 0.5 * len(filled)
