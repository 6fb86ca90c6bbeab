"""From the data object to one file: a template, a style sheet, pictures and the data itself."""

import json
import os
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from uuid import uuid4

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from tastemap.errors import UsageError
from tastemap.report import figures, wording
from tastemap.report.charts import Dot, Line, bar_chart, dot_chart, line_chart
from tastemap.report.figures import counted
from tastemap.report.page import AtK, Data, Learning, Report
from tastemap.report.verdict import YARDSTICK, plus_minus
from tastemap.training import PERCENTAGES

COLOURS = 6
"""How many classes s0, s1, ... of colours the style sheet has; later models get dashes."""
TWO_SIDED_95 = 1.96
FROM_ZERO = ("skipped",)
"""Training values whose axis starts at 0: level ones, whose noise would fill the picture."""


def render(report: Report) -> str:
    """The report as one HTML page that needs neither network nor scripts.

    Everything that came from outside is escaped. The data object stands in the page as JSON, in
    `<script type="application/json" id="data-json">`.
    """
    styles = model_styles(report)
    return _template().render(
        report=report,
        styles=styles,
        metrics=metrics_of(report),
        best=best_of_columns(report),
        decimals=_column_decimals(report),
        comparison_chart=_comparison_chart(report, styles),
        at_k_charts=[(one, _at_k_chart(one, styles)) for one in report.at_k if len(one.k) > 1],
        rank_chart=_rank_chart(report.data),
        time_chart=_time_chart(report.data),
        training_charts=[(one, _training_charts(one, styles)) for one in report.training],
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


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("tastemap.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {
        name: getattr(figures, name)
        for name in ("figure", "percent", "interval", "duration", "compact", "counted")
    }
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


def _comparison_chart(report: Report, styles: Mapping[str, str]) -> Markup | None:
    metric = report.metric
    dots = []
    for row in report.rows:
        one = row.test[metric]
        if one.mean is not None:
            reach = TWO_SIDED_95 * (one.stderr or 0.0)
            said = figures.figure(one.mean)
            dots.append(
                Dot(row.name, one.mean, one.mean - reach, one.mean + reach, said, styles[row.name])
            )
    if not dots:
        return None
    return dot_chart(
        dots,
        title=f"{wording.labelled(metric)} of each model with its 95 % interval",
        x_label=f"{wording.labelled(metric)} on the test part",
        reference=next(
            (row.test[metric].mean for row in report.rows if row.name == YARDSTICK), 0.0
        ),
    )


def _at_k_chart(at_k: AtK, styles: Mapping[str, str]) -> Markup:
    label = wording.wording(at_k.metric).label
    lines = [
        Line(name, [(k, v) for k, v in zip(at_k.k, values, strict=True) if v is not None], style)
        for name, values in at_k.values.items()
        for style in [styles[name]]
    ]
    return line_chart(
        [line for line in lines if line.points],
        title=f"{label} against the length of the list",
        x_label="k, length of the list",
        y_label=f"{label}@k",
    )


def _rank_chart(data: Data) -> Markup:
    head = data.passport["head_items"]
    rank = max(1, round(head * data.passport["items"]))
    return line_chart(
        [Line("", data.by_rank, "s0 strong")],
        title="Events of each item, most used item first, both axes logarithmic",
        x_label="rank of the item (log)",
        y_label="events (log)",
        log=True,
        mark=(rank, f"80 % of events: {counted(rank, 'item')}"),
    )


def _time_chart(data: Data) -> Markup | None:
    if data.over_time is None:
        return None
    return bar_chart(
        data.over_time,
        title="Events over time",
        x_label=f"start of the {data.period} (UTC)",
        y_label="events",
    )


def _training_charts(one: Learning, styles: Mapping[str, str]) -> list[tuple[str, str, Markup]]:
    """(value, its last figure in words, chart) for everything that was measured by epoch."""
    charts = []
    for value, curve in one.values.items():
        points = [(e, v) for e, v in zip(one.epochs, curve, strict=True) if v is not None]
        if not points:
            continue
        percentage = value in PERCENTAGES
        last = figures.percent(points[-1][1]) if percentage else figures.figure(points[-1][1])
        chart = line_chart(
            [Line("", points, styles[one.name])],
            title=f"{value} of {one.name} by epoch",
            x_label="epoch",
            y_label=value,
            percent=percentage,
            from_zero=value in FROM_ZERO,
        )
        charts.append((value, f"{last} in epoch {points[-1][0]}", chart))
    return charts
