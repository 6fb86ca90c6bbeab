"""From the data object to one file: templates, a style sheet, pictures and the data itself."""

import json
import os
import re
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from pathlib import Path
from uuid import uuid4

from jinja2 import Environment, FileSystemBytecodeCache, PackageLoader, StrictUndefined, Template
from jinja2.bccache import Bucket
from markupsafe import Markup

from tastemap.errors import UsageError
from tastemap.kernels.jit import kept_in
from tastemap.report import figures, wording
from tastemap.report.material import YARDSTICK
from tastemap.report.page import Report
from tastemap.report.sections import SECTIONS
from tastemap.report.verdict import plus_minus

COLOURS = 6
"""How many classes s0, s1, ... of colours the style sheet has; later models get dashes."""
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
"""The page loads nothing and runs nothing; with a map, the viewer's own scripts alone."""


def render(report: Report) -> str:
    """The report as one HTML page that needs neither network nor scripts (the map aside).

    Everything that came from outside is escaped. The data object stands in the page as JSON, in
    `<script type="application/json" id="data-json">`.
    """
    styles = model_styles(report)
    drawn = {one: one.drawn(report, styles) for one in SECTIONS}
    sections = [(one, found) for one, found in drawn.items() if found is not None]
    hashes = [one for _, found in sections for one in found.get("hashes", ())]
    allowed = f"; script-src {' '.join(hashes)}" if hashes else ""
    return _template().render(
        report=report,
        sections=sections,
        policy=POLICY + allowed,
        styles=styles,
        metrics=metrics_of(report),
        best=best_of_columns(report),
        decimals=_column_decimals(report),
        data=embedded(report),
    )


def save_report(report: Report, path: str | Path) -> Path:
    """Write the page to a file, whole or not at all; returns the path.

    Errors
    ------
    UsageError
        Where the path is a folder.
    """
    path = Path(path)
    if path.is_dir():
        raise UsageError(
            f"{path} is a folder", "the name of a file", f"write to {path / 'report.html'}"
        )
    page = render(report)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{uuid4().hex[:8]}.part")
    try:
        part.write_text(page, encoding="utf-8", newline="\n")
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
    return path


def embedded(report: Report) -> Markup:
    """The data as JSON that cannot end its own script element."""
    written = json.dumps(
        report.to_json(), ensure_ascii=False, allow_nan=False, separators=(",", ":")
    )
    return Markup(written.replace("<", "\\u003c"))


def model_styles(report: Report) -> dict[str, str]:
    """A class of colour for each row: the same in all pictures, the chosen model first."""
    chosen = [row.name for row in report.rows if row.role == "chosen"]
    others = [row.name for row in report.rows if row.role == "model"]
    styles = {}
    for place, name in enumerate(chosen + others):
        dashes = f" dash{min(place // COLOURS, 2)}" if place >= COLOURS else ""
        strong = " strong" if name in chosen else ""
        styles[name] = f"s{place % COLOURS}{dashes}{strong}"
    yardsticks = [row.name for row in report.rows if row.role == "yardstick"]
    return styles | {name: f"y{0 if name == YARDSTICK else 1}" for name in yardsticks}


def metrics_of(report: Report) -> list[str]:
    """Every metric that some row has, the main one first."""
    return list(dict.fromkeys([report.metric, *(name for row in report.rows for name in row.test)]))


def best_of_columns(report: Report) -> dict[str, str]:
    """Who has the highest value of each metric whose higher values are better; chance aside."""
    best = {}
    for metric in metrics_of(report):
        if not wording.wording(metric).ranked:
            continue
        means = {
            row.name: row.test[metric].mean
            for row in report.rows
            if metric in row.test and not (row.role == "yardstick" and row.name != YARDSTICK)
        }
        known = {name: mean for name, mean in means.items() if mean is not None}
        if known:
            best[metric] = max(known, key=lambda name: known[name])
    return best


def tied(text: str) -> str:
    """Keep numbers on one line: no break inside brackets, around ±, or before %.

    >>> tied("by 41 % [33, 49]") == "by 41\\u00a0%\\u00a0[33,\\u00a049]"
    True
    """
    return re.sub(r" (?=[%±\[])|(?<=±) |(?<=\d,) (?=[+−\d.,]+\])", "\u00a0", text)


class _Compiled(FileSystemBytecodeCache):
    """Compiled templates beside compiled kernels: once an installation, and not .16 s a process."""

    def __init__(self, folder: Path) -> None:
        super().__init__(str(folder), f"template-{version('jinja2')}-%s.cache")

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep one, if the folder takes it."""
        with suppress(OSError):
            super().dump_bytecode(bucket)


@cache
def _template() -> Template:
    folder = kept_in()
    environment = Environment(
        loader=PackageLoader("tastemap.report"),
        bytecode_cache=_Compiled(folder) if folder else None,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {
        name: getattr(figures, name)
        for name in ("figure", "interval", "duration", "compact", "counted", "size")
    }
    environment.globals["percent"] = lambda *given: tied(figures.percent(*given))
    environment.filters["tied"] = tied
    environment.globals |= {"plus_minus": plus_minus, "YARDSTICK": YARDSTICK}
    environment.globals |= {"wording": wording.wording, "labelled": wording.labelled}
    environment.globals["training_wording"] = wording.TRAINING
    return environment.get_template("report.html.j2")


def _column_decimals(report: Report) -> dict[str, int]:
    """Decimals of each metric's column: what its largest mean deserves."""
    found: dict[str, int] = {}
    for row in report.rows:
        for metric, one in row.test.items():
            if one.mean is not None:
                places = figures.decimals_of(one.mean)
                found[metric] = min(places, found.get(metric, 4))
    return found
