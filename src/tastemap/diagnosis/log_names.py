"""Rules about names: tables that do not join, columns that are swapped, text that is damaged."""

import re
from collections.abc import Container, Iterable

import numpy as np

from tastemap.data.columns import NAMES, normalised
from tastemap.diagnosis.finding import NotApplicable, Rule, Seen, Severity
from tastemap.diagnosis.log_facts import (
    ROLES,
    Aspect,
    LogFacts,
    joined,
    percent,
    require_events,
    some,
    texts,
)
from tastemap.diagnosis.log_ids import bare

JOINED = 0.95
"""Share of the log's items that a table of items should know."""


def table_joins(f: LogFacts) -> Seen | None:
    """The table of items does not know the log's items.

    Symptom
        Less than 95 % of the log's items stand in the table of items.

    Usual cause
        1. Ids are written differently on the two sides: white space, zeros in front, ".0".
        2. The table is older than the log, or of another catalogue.
        3. Another column of the table holds the log's ids.

    How to confirm
        Look at the ids named of both sides.

    Remedy
        1. Write the ids alike on both sides before reading.
        2. Export the table of items anew, from the same day as the log.
    """
    require_events(f)
    if f.catalogue is None:
        raise NotApplicable("no table of items was given: items= (--items)")
    known, ids = f.catalogue.rows, list(texts(f.log.items.ids))
    there = np.array([one in known for one in ids], dtype=bool)
    share = float(there.mean())
    if share >= JOINED:
        return None
    rows = float(f.counts["item"][there].sum() / len(f.log))
    alike = {bare(one) for one in known}
    would = float(np.mean([bare(one) in alike for one in ids]))
    missing = [one for one, found in zip(ids, there, strict=True) if not found]
    means = f"{percent(share)} of the log's items ({percent(rows)} of its rows) have a name."
    causes: tuple[str, ...] = ()
    if would >= share + 0.05:
        means += f" Without white space, zeros in front and '.0', {percent(would)} would."
        causes = ("The ids are written differently on the two sides.",)
    return Seen(
        {
            "items with a name": percent(share),
            "rows with a name": percent(rows),
            "log has": some(missing),
            "table has": some(sorted(known)[:5]),
        },
        f"{percent(JOINED)} of the log's items",
        means,
        severity="error" if share == 0 else "warning",
        causes=causes,
    )


def swapped_columns(f: LogFacts) -> Seen | None:
    """The user and the item column are swapped.

    Symptom
        The column read as user is named like an item and the other way round, or the table of
        items knows the users of the log and not its items.

    Usual cause
        1. user= and item= (--user, --item) name each other's column.
        2. A file without a header has the item first.

    How to confirm
        Look at a few ids of each column.

    Remedy
        1. Swap the two names: user= and item=, or --user and --item.
    """
    require_events(f)
    user, item = (normalised(f.names.get(role, "")) for role in ROLES)
    by_name = user in NAMES["item"][:-1] and item in NAMES["user"][:-1]
    numbers: dict[str, object] = {
        f"column of the {role}": f.names[role] for role in ROLES if role in f.names
    }
    by_table = False
    if f.catalogue is not None:
        known = f.catalogue.rows
        users, items = (_share(texts(f.ids(role)), known) for role in ROLES)
        by_table = users >= JOINED and items < 0.5
        numbers |= {"users in the table of items": percent(users), "items": percent(items)}
    if not (by_name or by_table):
        return None
    return Seen(
        numbers,
        "a user column that holds users",
        "Users are read as items: recommendations would name people.",
    )


def _share(ids: Iterable[str], known: Container[str]) -> float:
    return float(np.mean([one in known for one in ids]))


def damaged_text(f: LogFacts) -> Seen | None:
    """Titles or ids whose letters were damaged by a wrong encoding.

    Symptom
        Texts hold the replacement character U+FFFD, or pairs such as Ã© where é should stand.

    Usual cause
        1. UTF-8 was read as Latin-1 somewhere, or Latin-1 as UTF-8.

    How to confirm
        Open the file in an editor that shows its encoding.

    Remedy
        1. Export again as UTF-8.
        2. In Python, pairs like Ã© can be mended: text.encode("cp1252").decode("utf-8").
    """
    require_events(f)
    titles = f.titles
    if f.catalogue is not None:
        titles = tuple(title for title, _ in f.catalogue.rows.values())
    aspects = _damaged("titles", titles, "tip", "they are shown so, and nothing else suffers")
    for role in ROLES:
        if f.vocabularies[role].is_text:
            said = f"different {role}s may have become one"
            aspects += _damaged(f"{role} ids", f.ids(role).tolist(), "warning", said)
    return joined(aspects, "text that reads as it was written")


LOST = "\ufffd"
_MANGLED = re.compile(
    "Ã[\u0080-\u00bf‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]|Â[\u00a0-\u00bf]|â€[\u0080-\u009f™œžšŸ“”˜¦¢]"
)


def _damaged(what: str, values: Iterable[str], severity: Severity, said: str) -> list[Aspect]:
    everything = "\n".join(values)
    if LOST not in everything and not _MANGLED.search(everything):
        return []
    lines = everything.split("\n")
    lost = [one for one in lines if LOST in one]
    mangled = [one for one in lines if _MANGLED.search(one)]
    numbers: dict[str, object] = {}
    if lost:
        numbers[f"{what} with lost letters"] = len(lost)
        numbers[f"such {what}"] = some(lost)
    if mangled:
        numbers[f"{what} with mangled letters"] = len(mangled)
        numbers[f"mangled {what}"] = some([f"{one} = {_mended(one)}" for one in mangled])
    means = f"{len(lost) + len(mangled):,} {what} are damaged: {said}."
    # Mangled letters still tell ids apart; lost ones do not.
    return [Aspect(severity if lost else "tip", numbers, means)]


def _mended(text: str) -> str:
    try:
        return text.encode("cp1252").decode("utf-8")
    except UnicodeError:
        return "?"


NAME_RULES: tuple[Rule, ...] = (
    Rule("D108", "warning", table_joins),
    Rule("D113", "warning", swapped_columns, explains=("D108",)),
    Rule("D114", "tip", damaged_text),
)
