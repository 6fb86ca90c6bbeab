"""Which column plays which role: as the user said, else by name, else by what it holds."""

from collections.abc import Mapping

from tastemap.data.columns import (
    NAMES,
    ROLES,
    Column,
    by_name,
    given_column,
    listed,
    require_distinct,
)
from tastemap.data.relation import Relation
from tastemap.data.sniff import is_number
from tastemap.data.times import looks_like_time
from tastemap.errors import UsageError

Chosen = dict[str, int | None]
"""The position of each role's column; None where there is none."""


def position(columns: Chosen, role: str) -> int:
    """The column of a role that is known to be there."""
    column = columns[role]
    assert column is not None
    return column


def choose(relation: Relation, given: Mapping[str, Column]) -> tuple[Chosen, tuple[str, ...]]:
    """The columns that were named and guesses for the others, and what was not taken, in words."""
    names = relation.names
    shown = relation.shown + ("" if relation.header else " (which has no header)")
    chosen: Chosen = {
        role: None if column is None else given_column(role, column, names, shown)
        for role, column in given.items()
    }
    require_distinct(chosen, names)
    if not relation.header:
        _guess_by_contents(relation, chosen)
    notes = []
    for role in ROLES if relation.header else ():
        taken = [i for i in chosen.values() if i is not None]
        while chosen[role] is None and (guess := by_name(role, names, taken)) is not None:
            if _fits(relation, role, guess):
                chosen[role] = guess
            else:
                taken.append(guess)
                example = next((value for value in relation.sample[guess] if value), None)
                holds = "begins empty" if example is None else f"holds {example[:40]!r}"
                notes.append(f"column {names[guess]} is no {role}: it {holds}")
    for role in ("user", "item"):
        if chosen[role] is None:
            raise UsageError(
                f"which column of {shown} holds the {role}? It has: {listed(names)}",
                f"a column named like {', '.join(NAMES[role][:3])}, or one that you name",
                f"pass {role}= (--{role}) with one of these columns",
            )
    return chosen, tuple(notes)


def _fits(relation: Relation, role: str, column: int) -> bool:
    """Whether a guessed column holds, at least once, what its name promises."""
    filled = [value for value in relation.sample[column] if value]
    if role == "time":
        return looks_like_time(relation, column, share=0)
    if role == "weight":  # "nan" and "inf" are numbers that the checks will refuse by name
        return any(map(_is_float, filled))
    return True


def _is_float(text: str) -> bool:
    try:
        float(text.replace(",", "."))
    except ValueError:
        return False
    return True


def _guess_by_contents(relation: Relation, chosen: Chosen) -> None:
    """Without a header: the first two columns are user and item, then come weight and time."""
    free = [i for i in range(len(relation.names)) if i not in chosen.values()]
    times = [i for i in free if _is_moment(relation, i)]
    for role in ("user", "item"):
        if chosen[role] is None:
            chosen[role] = next((i for i in free if i not in times), None)
            free = [i for i in free if i != chosen[role]]
    if chosen["time"] is None:
        chosen["time"] = next((i for i in times if i in free), None)
    if chosen["weight"] is None:
        numbers = [i for i in free if i not in times and _is_weight(relation, i)]
        chosen["weight"] = next(iter(numbers), None)


def _is_moment(relation: Relation, column: int) -> bool:
    """Whether values are dates, or numbers as large as unix times since 1973."""
    filled = [value for value in relation.sample[column] if value]
    if any(map(is_number, filled)):
        return all(is_number(value) and 1e8 <= abs(float(value)) for value in filled)
    return looks_like_time(relation, column, share=0.5)


def _is_weight(relation: Relation, column: int) -> bool:
    filled = [value for value in relation.sample[column] if value]
    return bool(filled) and sum(map(is_number, filled)) >= 0.9 * len(filled)
