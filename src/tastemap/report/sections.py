"""The page's sections in their order: a name, a word for the index, and what draws the pictures.

A new section is a module with its data, a field in `page.Report`, a template of its name in
`templates/`, and a row here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tastemap.report import (
    at_k,
    beyond,
    comparison,
    contents,
    findings,
    item_map_part,
    learning,
    roc,
    served,
    split_picture,
    vectors,
)
from tastemap.report.page import Report

Styles = Mapping[str, str]
"""A model's name -> its class of colour."""
Drawn = dict[str, Any] | None
"""What a template is given beside the report; None leaves the section out."""


@dataclass(frozen=True)
class Section:
    """One section of the page.

    Parameters
    ----------
    name
        Its anchor, and the name of its template.
    label
        Its word in the index.
    drawn
        Makes its pictures.
    """

    name: str
    label: str
    drawn: Callable[[Report, Styles], Drawn]

    @property
    def template(self) -> str:
        """The file of its template."""
        return f"{self.name}.html.j2"


SECTIONS = (
    Section("verdict", "Verdict", lambda report, styles: {}),
    Section("findings", "Findings", lambda report, styles: findings.pictures(report.findings)),
    Section("data", "Data", lambda report, styles: contents.pictures(report.data)),
    Section("split", "Split", lambda report, styles: split_picture.pictures(report.split_parts)),
    Section(
        "comparison",
        "Comparison",
        lambda report, styles: comparison.pictures(
            report.rows, report.metric, report.ceilings, styles
        ),
    ),
    Section("at-k", "Against k", lambda report, styles: at_k.pictures(report.at_k, styles)),
    Section("roc", "ROC", lambda report, styles: roc.pictures(report.roc, styles)),
    Section(
        "training", "Training", lambda report, styles: learning.pictures(report.training, styles)
    ),
    Section(
        "served", "Who is served", lambda report, styles: served.pictures(report.served, styles)
    ),
    Section("beyond", "Beyond", lambda report, styles: beyond.pictures(report.beyond)),
    Section("health", "Embeddings", lambda report, styles: vectors.pictures(report.health)),
    Section("map", "Map", lambda report, styles: item_map_part.pictures(report.item_map)),
    Section("people", "People", lambda report, styles: {} if report.people else None),
    Section("reproduce", "Reproduce", lambda report, styles: {}),
)
"""From the verdict to how to repeat it."""
