"""Results, row by row in benchmarks/results.json, and the page that is made of them.

    python benchmarks/page.py        write docs/benchmarks.md anew from the results

Every table's command adds its rows as they are measured and then writes the page, so that one
table, or one row, can be measured again. Numbers reach the page in no other way.
"""

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import contest

from tastemap.environment import environment

HERE = Path(__file__).parent
RESULTS = HERE / "results.json"
PAGE = HERE.parent / "docs" / "benchmarks.md"

ORDER = (
    "speed-S",
    "speed-L",
    "ials-S",
    "ials-L",
    "end-to-end",
    "sequences",
    "lists",
    "auc",
    "evaluation",
    "memory",
    "growth",
    "maps",
    "viewer",
    "start-up",
)
"""The page's tables, in this order."""

HOW = """\
Both sides run in processes of their own on the same two cores with two threads, in float32. They
are warmed up (compilation is left out and reported apart), then take turns. Times are medians; a
ratio is that of a pair, and its median is printed with the lowest, the highest and the number of
pairs. nDCG@10 is
measured by tastemap on the held-out fifth of each user's events (on L of a sample of 10,000 users),
from the vectors that each side learned; ± is the standard deviation over seeds. *Size S* is the log
as given, *size L* its seeded expansion to 138,493 users and 26,744 items: synthetic."""


@dataclass(frozen=True)
class Target:
    """What was asked for and what was measured.

    Parameters
    ----------
    at_least, at_most
        One of them: the bound.
    stretch
        A further bound of the same kind, or None.
    equal
        Whether the quality beside the figure is equal too (True where there is none).
    """

    work: str
    size: str
    value: float
    at_least: float | None = None
    at_most: float | None = None
    stretch: float | None = None
    unit: str = "×"
    equal: bool = True

    def verdict(self) -> str:
        """In words."""
        if not self.equal:
            return "**missed**: quality differs"
        if self._within(self.stretch):
            return "reached, and the stretch"
        return "reached" if self._within(self.at_least or self.at_most) else "**missed**"

    def row(self) -> list[str]:
        """Its line in the table of targets."""
        sign = "≥" if self.at_most is None else "≤"
        bound = f"{sign} {self.at_least or self.at_most:g} {self.unit}"
        stretch = "" if self.stretch is None else f"{self.stretch:g} {self.unit}"
        return [
            self.work,
            self.size,
            bound,
            stretch,
            f"{self.value:.3g} {self.unit}",
            self.verdict(),
        ]

    def _within(self, bound: float | None) -> bool:
        if bound is None:
            return False
        return self.value >= bound if self.at_most is None else self.value <= bound


class Report:
    """One table being measured: rows are printed as they come, kept, and put on the page."""

    def __init__(
        self, key: str, heading: str, about: str, columns: Sequence[str], keep: bool = True
    ) -> None:
        self.key, self.keep = key, keep
        self.head = {"heading": heading, "about": about, "columns": list(columns)}
        self.printed = False
        self.since = time.perf_counter()

    def add(
        self, key: str, cells: Sequence[str], targets: Sequence[Target] = (), **facts: object
    ) -> None:
        """A finished row: its cells, what it says of targets, and raw figures worth keeping.

        It replaces an older row of the same key; rows stand in the order of their keys.
        """
        if not self.printed:
            sys.stdout.write(f"\n## {self.head['heading']}\n\n{self.head['about']}\n\n")
            sys.stdout.write(grid(self.head["columns"], []))
            self.printed = True
        marks = "; ".join(f"{target.verdict()}" for target in targets)
        sys.stdout.write(f"| {' | '.join(cells)} |" + (f"  <- {marks}" if marks else "") + "\n")
        sys.stdout.flush()
        now = time.perf_counter()
        row = {
            "cells": list(cells),
            "targets": [asdict(target) for target in targets],
            "where": where(),
            "took": now - self.since,
            **facts,
        }
        self.since = now
        if self.keep:
            results = load()
            section = results.setdefault(self.key, {})
            if section.get("columns", self.head["columns"]) != self.head["columns"]:
                section["rows"] = {}  # measured by another version of the table
            section.update(self.head)
            section.setdefault("rows", {})[key] = row
            RESULTS.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
            render()


def load() -> dict:
    """All results so far."""
    return json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}


def where() -> str:
    """Date, processor and versions, in one line."""
    facts = environment()
    libraries = ", ".join(f"{name} {number}" for name, number in facts["libraries"].items())
    return (
        f"{date.today()}, {processor()}, {contest.THREADS} of {os.cpu_count()} cores, "
        f"Python {facts['python']}, {libraries}"
    )


def processor() -> str:
    """The name of the CPU, and its widest vector instructions where they are known."""
    file = Path("/proc/cpuinfo")
    if not file.exists():
        return platform.processor() or platform.machine()
    lines = file.read_text().splitlines()
    fields = dict(line.split(":", 1) for line in lines if ":" in line)
    fields = {name.strip(): value.strip() for name, value in fields.items()}
    name = fields.get("model name", platform.machine())
    widest = [flag for flag in ("avx512f", "avx2") if flag in fields.get("flags", "").split()]
    numbers = f"family {fields['cpu family']}, model {fields['model']}" if "model" in fields else ""
    return ", ".join(part for part in (name, numbers, *widest[:1]) if part)


def grid(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def render() -> str:
    """Write the page from the results."""
    results = load()
    parts = [
        "# Speed\n\nGenerated by `make bench` from `benchmarks/results.json`; do not edit by hand."
        f"\n\n{HOW}\n"
    ]
    targets = [
        Target(**target)
        for key in ORDER
        for row in _rows(results.get(key, {}))
        for target in row["targets"]
    ]
    if targets:
        reached = sum(target.verdict().startswith("reached") for target in targets)
        columns = ["work", "size", "target", "stretch", "measured", ""]
        parts.append(
            f"## Targets\n\n{reached} of {len(targets)} reached.\n\n"
            + grid(columns, [target.row() for target in targets])
        )
    for key in ORDER:
        if key in results:
            parts.append(_section(results[key]))
    page = "\n".join(parts)
    PAGE.write_text(page, encoding="utf-8")
    return page


def _section(found: dict) -> str:
    rows = _rows(found)
    places = list(dict.fromkeys(row["where"] for row in rows))
    took = sum(row["took"] for row in rows) / 60
    return (
        f"## {found['heading']}\n\n{found['about']}\n\n"
        + grid(found["columns"], [row["cells"] for row in rows])
        + f"\n{'; '.join(places)}. Took {took:.1f} minutes.\n"
    )


def _rows(found: dict) -> list[dict]:
    return [row for _, row in sorted(found.get("rows", {}).items())]


def options(doc: str, *, sizes: str = "SL", pairs: int = 5) -> argparse.ArgumentParser:
    """The options that the tables share."""
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    parser.add_argument("--log", type=Path, help="users and items; an invented world if left out")
    parser.add_argument("--name", help="what to call the log on the page")
    parser.add_argument("--pairs", type=int, default=pairs)
    parser.add_argument("--sizes", default=sizes, help="S (the log), L (its expansion), or SL")
    parser.add_argument("--rows", type=int, nargs="*", help="numbers of the rows, from 0")
    parser.add_argument("--quick", action="store_true", help="less of it; the page is left alone")
    contest.hold_cores()
    return parser


def chosen(table: Sequence, rows: Sequence[int] | None) -> list[tuple[str, Any]]:
    """The rows asked for, or all, each with its key: its number, so written that keys sort."""
    numbers = range(len(table)) if rows is None else rows
    return [(f"{number:02}", table[number]) for number in numbers]


if __name__ == "__main__":
    sys.stdout.write(render())
