"""From runs to the report's data object."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from tastemap.data.interactions import Interactions
from tastemap.data.shown import shown
from tastemap.data.split import Split
from tastemap.diagnosis.diagnose import Diagnosis
from tastemap.errors import UsageError
from tastemap.maps.item_map import ItemMap
from tastemap.report.at_k import at_k_of
from tastemap.report.beyond import beyond_of
from tastemap.report.comparison import ceilings_of, rows_of
from tastemap.report.contents import contents
from tastemap.report.findings import findings_of
from tastemap.report.item_map_part import map_part
from tastemap.report.learning import learning_of
from tastemap.report.material import Material, gather
from tastemap.report.measured import gap_of
from tastemap.report.page import Report
from tastemap.report.people import choose_people, person
from tastemap.report.per_user import per_user
from tastemap.report.reproduce import origin_of
from tastemap.report.roc import roc_of
from tastemap.report.served import served_by
from tastemap.report.split_picture import split_parts
from tastemap.report.vectors import vectors_of
from tastemap.report.verdict import judge
from tastemap.runs import Run

OPTIONAL: dict[str, Callable[[Material], Any]] = {
    "split_parts": lambda material: split_parts(material.split, material.log),
    "roc": roc_of,
    "served": served_by,
    "beyond": beyond_of,
    "health": vectors_of,
}
"""Sections that can be left out, by the report's field, and what makes each."""


def build_report(
    runs: Sequence[Run],
    split: Split,
    log: Interactions,
    *,
    metric: str = "ndcg@10",
    title: str | None = None,
    command: str | None = None,
    prepared_notes: Sequence[str] | None = None,
    people: int = 10,
    date: str | None = None,
    item_map: ItemMap | None = None,
    diagnose: bool = True,
    checkup: Diagnosis | None = None,
    leave_out: Sequence[str] = (),
) -> Report:
    """Collect what a report says, from runs on one split.

    Parameters
    ----------
    runs
        All on `split`. A run of the recipe Random() or Popularity() is a yardstick; where there
        is none, the runs' own yardsticks are shown.
    log
        What the split was cut from.
    metric
        The main metric; one with a value a user, measured by all runs.
    title, command
        The heading, and the command that made the runs.
    prepared_notes
        What preparing did, in words; the log's notes where left out.
    people
        How many users are shown as people.
    date
        The day to print; today (UTC) where left out.
    item_map
        A map to stand in the report.
    diagnose
        Whether the doctor looks at the chosen run and at the log.
    checkup
        What the doctor found in the log where that was asked before: `check(...).diagnosis`.
    leave_out
        Sections that need not be made, for speed: "split_parts", "roc", "served", "beyond",
        "health". On a laptop all of them take about two seconds for 100,000 events; the health of
        100,000 items takes half a minute.

    Errors
    ------
    UsageError
        For no runs, a metric that was not measured or has no value a user, an unknown section.
    InputError
        For runs on another split.

    Examples
    --------
    >>> import tastemap as tm
    >>> log = tm.synthetic.taste_groups(seed=1)
    >>> split = tm.leave_last_out(log)
    >>> report = build_report([tm.execute(tm.EASE(), split, seed=1)], split, log)
    >>> report.verdict.outcome, [row.name for row in report.rows]
    ('better', ['EASE', 'Popularity (5 days)', 'Popularity', 'Random'])
    """
    unknown = [name for name in leave_out if name not in OPTIONAL]
    if unknown:
        raise UsageError(
            f"leave_out={unknown[0]!r}", ", ".join(OPTIONAL), "for the doctor: diagnose=False"
        )
    material = gather(runs, split, log, metric)
    subject = material.subject
    rows = rows_of(material)
    return Report(
        title=shown(title or "Run report", 160),
        date=date or datetime.now(UTC).strftime("%Y-%m-%d"),
        metric=metric,
        verdict=judge(rows, metric, subject.evaluation.how, _next_best(material)),
        data=contents(log, prepared_notes),
        rows=rows,
        at_k=at_k_of(material, [row.name for row in rows]),
        training=learning_of(material),
        people=tuple(
            person(subject.model, split, code)
            for code in choose_people(subject.evaluation, split, people)
        ),
        ceilings=ceilings_of(material),
        findings=findings_of(subject, material.chosen, log, checkup) if diagnose else None,
        per_user=per_user(material.evaluations, metric, split.test),
        map=None if item_map is None else map_part(item_map),
        item_map=item_map,
        **{name: make(material) for name, make in OPTIONAL.items() if name not in leave_out},
        # Last, so that the memory it tells of is that of all the others.
        origin=origin_of(material, command),
    )


def _next_best(material: Material) -> tuple[str, Any] | None:
    """The next best model, and the chosen one's difference to it."""
    if material.runner_up is None:
        return None
    other = material.judged[material.runner_up].evaluation
    gap = gap_of(material.subject.evaluation, other, material.metric)
    return material.runner_up, gap
