"""What is in a log and what is wrong with it, before any model: the passport and the findings."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tastemap.data.columns import Column
from tastemap.data.passport import Passport, describe
from tastemap.diagnosis.diagnose import Diagnosis, run_rules
from tastemap.diagnosis.finding import Rule
from tastemap.diagnosis.log_ids import ID_RULES
from tastemap.diagnosis.log_names import NAME_RULES
from tastemap.diagnosis.log_read import facts_of
from tastemap.diagnosis.log_rows import ROW_RULES
from tastemap.diagnosis.log_times import TIME_RULES
from tastemap.diagnosis.log_weights import WEIGHT_RULES

_RULES = (*ROW_RULES, *ID_RULES, *NAME_RULES, *TIME_RULES, *WEIGHT_RULES)
LOG_RULES: tuple[Rule, ...] = tuple(sorted(_RULES, key=lambda rule: rule.code))
"""Every rule about logs, in the order of the codes."""


@dataclass(frozen=True)
class Checkup:
    """What `check` found: iterate over `diagnosis` for the findings.

    Parameters
    ----------
    name
        The source's.
    notes
        What was read, and what was guessed, in words.
    passport
        The log in numbers, repeats and all; None where no row could be read.
    diagnosis
        What became of every rule.
    """

    name: str
    notes: tuple[str, ...]
    passport: Passport | None
    diagnosis: Diagnosis

    def exit_code(self, strict: bool = False) -> int:
        """1 if there is an error (strict: or a warning), else 0."""
        return self.diagnosis.exit_code(strict)

    def to_json(self) -> dict[str, Any]:
        """Everything as plain values."""
        return {
            "name": self.name,
            "notes": list(self.notes),
            "passport": None if self.passport is None else self.passport.to_json(),
            **self.diagnosis.to_json(),
        }

    def __str__(self) -> str:
        summary, *findings = str(self.diagnosis).split("\n")
        notes = [line for note in self.notes for line in _wrapped(note)]
        passport = "no row could be read" if self.passport is None else str(self.passport)
        blocks = [*notes, *([""] if notes else []), passport, "", *_wrapped(summary), *findings]
        return "\n".join(blocks)


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, 79, subsequent_indent="  ")


def check(
    source: Any,
    user: Column = None,
    item: Column = None,
    time: Column = None,
    weight: Column = None,
    items: Any = None,
    *,
    ignore: Sequence[str] = (),
) -> Checkup:
    """Look at a log before any model: what is in it, and what is wrong with it.

    Bad rows are reported and never a reason to stop. About a second for a million rows.

    Parameters
    ----------
    source
        What `tm.read` takes, or a log that was read already.
    user, item, time, weight
        Column names or numbers, as in `tm.read`; None: guessed.
    items
        A path or table with a column of item ids and one of titles, to see whether it fits.
    ignore
        Codes of rules to leave out.

    Raises
    ------
    UsageError
        Where the path or a column does not exist, a column cannot be guessed, or `ignore` names
        no rule.
    InputError
        Where the source cannot be read at all.

    Examples
    --------
    >>> import pandas
    >>> rows = [("ann", "tea", 5), ("bob", "tea", 4), ("bob", "rum", 5), ("eve", "rum", -1)]
    >>> found = check(pandas.DataFrame(rows, columns=["user", "item", "stars"]))
    >>> found.passport.events, found.diagnosis.codes
    (3, ('D105', 'D106'))
    """
    given = {"user": user, "item": item, "weight": weight, "time": time}
    with facts_of(source, given, items) as (facts, notes):
        passport = describe(facts.log) if len(facts.log) else None
        diagnosis = run_rules(facts.name, facts, LOG_RULES, ignore=ignore)
    return Checkup(facts.name, notes, passport, diagnosis)
