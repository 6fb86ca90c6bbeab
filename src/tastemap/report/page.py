"""Everything that a report says, as plain data: the templates add words and pictures, no numbers.

All numbers carry six significant digits at most; None stands where one is undefined. Each section
has its own module with its data and its builder; here they come together.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tastemap.maps.item_map import ItemMap
from tastemap.report.at_k import AtK as AtK
from tastemap.report.beyond import Beyond as Beyond
from tastemap.report.comparison import Row as Row
from tastemap.report.contents import Data as Data
from tastemap.report.findings import Findings as Findings
from tastemap.report.item_map_part import MapPart as MapPart
from tastemap.report.learning import Learning as Learning
from tastemap.report.measured import Gap as Gap
from tastemap.report.measured import Measured as Measured
from tastemap.report.people import Person
from tastemap.report.per_user import PerUser as PerUser
from tastemap.report.plain import KEPT_OUT, plain
from tastemap.report.reproduce import Origin as Origin
from tastemap.report.roc import RocCurve as RocCurve
from tastemap.report.served import Served as Served
from tastemap.report.split_picture import SplitParts as SplitParts
from tastemap.report.vectors import Vectors as Vectors
from tastemap.report.verdict import Headline as Headline
from tastemap.report.verdict import Verdict as Verdict

FORMAT = 2
"""Version of the data in the file; 1 had the first eleven fields alone."""


@dataclass(frozen=True)
class Report:
    """A whole report; `render` turns it into a page. What was left out is None or empty.

    Parameters
    ----------
    title, date
        The heading and the day it was made (UTC).
    metric
        The main metric, by which models are chosen and compared.
    rows
        Models and yardsticks, best first.
    ceilings
        What perfect lists would reach, by metric.
    health
        Of the item vectors.
    per_user
        The main metric of each user, so that two reports can be compared user by user.
    map, item_map
        What is said of the map, and the map itself, which is no part of the data.
    """

    title: str
    date: str
    metric: str
    verdict: Verdict
    data: Data
    rows: tuple[Row, ...]
    at_k: tuple[AtK, ...]
    training: tuple[Learning, ...]
    people: tuple[Person, ...]
    origin: Origin
    format: int = FORMAT
    ceilings: Mapping[str, float | None] = field(default_factory=dict)
    findings: Findings | None = None
    split_parts: SplitParts | None = None
    roc: tuple[RocCurve, ...] = ()
    served: Served | None = None
    beyond: Beyond | None = None
    health: Vectors | None = None
    per_user: PerUser | None = None
    map: MapPart | None = None
    item_map: ItemMap | None = field(default=None, compare=False, repr=False, metadata=KEPT_OUT)

    def to_json(self) -> dict[str, Any]:
        """The report as dictionaries, lists, texts and numbers."""
        written: dict[str, Any] = plain(self)
        return written

    def row(self, name: str) -> Row:
        """The row of a model by its name."""
        return next(row for row in self.rows if row.name == name)
