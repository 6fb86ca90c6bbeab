"""Titles and labels of items, from a table of items or from the log itself."""

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tastemap.data.columns import NAMES, by_name, normalised
from tastemap.data.engine import connect
from tastemap.data.ids import id_facts, id_rule
from tastemap.data.interactions import ItemTable, Vocabulary
from tastemap.data.rejects import find_rejects, line_checks, refusal, with_records
from tastemap.data.relation import Relation, relation_of, shown_columns
from tastemap.data.sniff import is_number
from tastemap.errors import InputError, UsageError

NO_LABELS = ("(no genres listed)", "\\N")
"""What MovieLens and IMDb write where an item has no label."""


@dataclass(frozen=True)
class Catalogue:
    """A table of items as it was read, before it is aligned with a log.

    Parameters
    ----------
    shown
        Its name in messages.
    rows
        For each id, as text, its title ("" where unknown) and its labels.
    said
        Which column is what, in words.
    notes
        What reading it took, in words.
    """

    shown: str
    rows: Mapping[str, tuple[str, tuple[str, ...]]]
    said: str
    notes: tuple[str, ...]


def read_titles(
    source: Any, items: Vocabulary, skip_bad: bool = False
) -> tuple[ItemTable, tuple[str, ...]]:
    """Titles and labels for these items, and what was read in words.

    Parameters
    ----------
    source
        A path or a table with a column of item ids, one of titles and perhaps one of labels.
    items
        The ids that the table is aligned with; items without a title get "".
    skip_bad
        Leave out rows that cannot be read, instead of refusing the table.

    Raises
    ------
    UsageError
        Where the columns cannot be told.
    InputError
        Where the table cannot be read, or knows none of the items.
    """
    catalogue = read_catalogue(source, skip_bad)
    known = catalogue.rows
    found = [known.get(str(one), ("", ())) for one in items.ids.tolist()]
    n_found = sum(str(one) in known for one in items.ids.tolist())
    if n_found == 0:
        raise InputError(
            f"{catalogue.shown} holds none of the log's items: its ids are like "
            f"{next(iter(known), '')!r}, those of the log like {str(items.ids[0])!r}",
            "a table with the same item ids as the log",
            "check which column holds the ids: it should be called item_id, title beside it",
        )
    titles = np.array([name for name, _ in found], dtype=object)
    note = f"{catalogue.shown}: {catalogue.said}; it names {n_found:,} of {len(items):,} items"
    return ItemTable(titles, tuple(labels for _, labels in found)), (*catalogue.notes, note)


def read_catalogue(source: Any, skip_bad: bool = False) -> Catalogue:
    """Read a table of items: a column of ids, one of titles and perhaps one of labels.

    Parameters
    ----------
    source, skip_bad
        As in `read_titles`.
    """
    with tempfile.TemporaryDirectory() as folder, connect() as connection:
        relation = relation_of(connection, source, Path(folder))
        relation, records = with_records(relation)
        rejects = find_rejects(relation, line_checks(relation), records)
        notes = relation.notes
        if rejects.count:
            if not skip_bad:
                raise refusal(relation, rejects, f"{len(relation.names)} fields each")
            notes += (rejects.left_out(relation),)
        ids, title, labels = _item_columns(relation)
        asked = id_facts(relation, ids)
        facts = relation.query(f"select {', '.join(['1', *asked.values()])} from raw")[0]
        rule = id_rule(relation, ids, "item", dict(zip(asked, facts[1:], strict=True)))
        marks = "null" if labels is None else _labels_text(relation, labels)
        rows = relation.query(
            f"select cast({rule.sql} as varchar), cast(c{title} as varchar), {marks} "
            f"from raw where {rule.valid} order by n desc"
        )
    separator = "|" if any("|" in (text or "") for _, _, text in rows) else ","
    # The rows come last to first, so that the first row of an item wins.
    known = {one: ((name or "").strip(), _split(text, separator)) for one, name, text in rows}
    used = [("item", ids), ("title", title), ("labels", labels)]
    said = ", ".join(f"{role} = {relation.title_of(i)}" for role, i in used if i is not None)
    return Catalogue(relation.shown, known, said, notes)


def titles_in_log(
    relation: Relation, column: int, item_sql: str, where: str, items: Vocabulary
) -> tuple[ItemTable | None, str]:
    """Titles from a column of the log: of each item the most frequent one.

    A column in which items have many values each (the name of the user, say) is none of titles:
    then there is no table, and a note says so.
    """
    name = relation.names[column]
    rows = relation.query(
        f"select id, title from (select cast({item_sql} as varchar) as id, "
        f"cast(c{column} as varchar) as title, count(*) as times "
        f"from raw where {where} and c{column} is not null group by all) order by times, title desc"
    )
    titles = dict(rows)  # the most frequent comes last and wins
    if not titles or len(rows) > 2 * len(titles):
        return None, f"column {name} is no title: it differs among the events of an item"
    found = np.array([titles.get(str(one), "").strip() for one in items.ids.tolist()], dtype=object)
    return ItemTable(found, ((),) * len(items)), f"titles come from column {name}"


def _item_columns(relation: Relation) -> tuple[int, int, int | None]:
    """The columns of ids, titles and, where there are any, labels."""
    if relation.header:
        ids = by_name("item", relation.names)
        if ids is None:
            names = [normalised(name) for name in relation.names]
            ids = next((names.index(one) for one in ("id", "code", "key") if one in names), None)
        title = by_name("title", relation.names, () if ids is None else (ids,))
        labels = by_name("labels", relation.names)
    else:
        ids, title, labels = _by_contents(relation)
    if ids is None or title is None:
        what = "item ids" if ids is None else "titles"
        raise UsageError(
            f"which column of {relation.shown} holds the {what}? It has: {shown_columns(relation)}",
            f"a column of ids, called {', '.join(NAMES['item'][:3])}, ..., and one of titles, "
            f"called {', '.join(NAMES['title'][:3])}, ...",
            "rename the columns",
        )
    return ids, title, labels


def _by_contents(relation: Relation) -> tuple[int | None, int | None, int | None]:
    """Ids first, then the first column of texts; labels are texts with '|' between them."""
    texts = [i for i, sample in enumerate(relation.sample) if i and _is_text(sample)]
    if not texts:
        return 0, None, None
    piped = [i for i in texts[1:] if any("|" in (value or "") for value in relation.sample[i])]
    return 0, texts[0], next(iter(piped), None)


def _is_text(sample: tuple[str | None, ...]) -> bool:
    filled = [value for value in sample if value]
    return sum(not is_number(value) for value in filled) > 0.5 * len(filled)


def _labels_text(relation: Relation, column: int) -> str:
    """SQL for the labels as one text; lists become JSON."""
    is_list = relation.types[column].endswith("]")
    return f"cast({'to_json' if is_list else ''}(c{column}) as varchar)"


def _split(text: str | None, separator: str) -> tuple[str, ...]:
    """Labels in a text: a JSON list, or words with a separator."""
    if not text or text in NO_LABELS:
        return ()
    if text.startswith("["):
        try:
            parts = [str(part) for part in json.loads(text) if part is not None]
        except ValueError:
            parts = text.strip("[]").split(separator)
    else:
        parts = text.split(separator)
    cleaned = (part.strip() for part in parts)
    return tuple(dict.fromkeys(part for part in cleaned if part and part not in NO_LABELS))
