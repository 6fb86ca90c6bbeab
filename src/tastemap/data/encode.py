"""From the view `raw` to arrays: DuckDB converts, sorts and encodes; no Python loop sees a row."""

from dataclasses import dataclass

import numpy as np

from tastemap.data.ids import IdRule
from tastemap.data.interactions import Interactions, Vocabulary
from tastemap.data.relation import Relation, reading
from tastemap.data.times import TimeRule


@dataclass(frozen=True)
class Rules:
    """SQL that turns a row of the source into an event.

    Parameters
    ----------
    user, item, time
        How these columns are read; `time` is None where the log has none.
    weight
        An expression over `raw`: FLOAT.
    good
        True (never NULL) for the rows that become events.
    """

    user: IdRule
    item: IdRule
    time: TimeRule | None
    weight: str
    good: str

    @property
    def notes(self) -> tuple[str, ...]:
        """What was assumed or changed, in words."""
        return tuple(rule.note for rule in (self.user, self.item, self.time) if rule and rule.note)


def encoded(relation: Relation, rules: Rules) -> Interactions:
    """The events that the rules keep, in the order of the source."""
    time = "null" if rules.time is None else rules.time.sql
    run = relation.connection.execute
    with reading(relation.shown):
        # A table keeps the order of its rows, and numbers them in `rowid`.
        run(
            f"create or replace temp table typed as select {rules.user.sql} as u, "
            f"{rules.item.sql} as i, cast({rules.weight} as float) as w, "
            f"cast({time} as bigint) as t from raw where {rules.good}"
        )
        users = _vocabulary(relation, "u", rules.user.is_text)
        items = _vocabulary(relation, "i", rules.item.is_text)
        columns = run(
            f"select us.code as u, it.code as i, w{', t' if rules.time else ''} from typed "
            "join ids_u as us on typed.u = us.id join ids_i as it on typed.i = it.id "
            "order by typed.rowid"
        ).fetchnumpy()
    return Interactions(
        user=np.asarray(columns["u"], dtype=np.int32),
        item=np.asarray(columns["i"], dtype=np.int32),
        weight=np.asarray(columns["w"], dtype=np.float32),
        time=np.asarray(columns["t"], dtype=np.int64) if rules.time else None,
        users=users,
        items=items,
    )


def _vocabulary(relation: Relation, side: str, is_text: bool) -> Vocabulary:
    """The distinct ids, sorted: integers by value, text by code point (as DuckDB sorts it)."""
    run = relation.connection.execute
    run(
        f"create or replace temp table ids_{side} as select cast(row_number() over (order by id) "
        f"- 1 as integer) as code, id from (select distinct {side} as id from typed)"
    )
    ids = run(f"select id from ids_{side} order by code").fetchnumpy()["id"]
    return Vocabulary(np.asarray(ids, dtype=object if is_text else np.int64))
