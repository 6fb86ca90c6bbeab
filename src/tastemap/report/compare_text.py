"""Two reports in words: the verdict first, then numbers, then everything else that changed."""

import re
from collections.abc import Sequence
from textwrap import fill

from tastemap.data.shown import shown
from tastemap.report.compare import Comparison, Shift
from tastemap.report.figures import MINUS, counted, figure, interval
from tastemap.report.wording import labelled

WIDTH = 80
BETWEEN = "b − a [95 %]"
LEAST = 1e-9
"""Of smaller means no percentages are taken."""
MOST_LINES = 20
"""Longer lists are cut; `to_json` has all."""


def verdict(found: Comparison) -> str:
    """What changed and whether it matters, in one sentence."""
    if not found.comparable:
        return f"The two cannot be compared: {found.why[0]}."
    main = found.main
    if main is None or main.mean is None:
        return f"The two cannot be told apart: {labelled(found.a.metric)} is not known in both."
    a, b = (shown(name, 40) for name in (main.model_a, main.model_b))
    who = (f"{b} in b", f"{a} in a") if a == b else (f"{b}, chosen in b,", f"{a}, chosen in a")
    metric = labelled(main.metric)
    if main.outcome == "same":
        both = f"{metric} of {b} is {figure(main.b)} in both"
        return f"Nothing that matters changed: {both}{_also(found)}."
    numbers = f"{metric} {figure(main.a)} → {figure(main.b)}, {_gap(main)}"
    ways = {
        "better": f"{who[0]} is better than {who[1]}",
        "worse": f"{who[0]} is worse than {who[1]}",
        "open": f"{who[0]} cannot be told apart from {who[1]}",
        "changed": f"{who[0]} differs from {who[1]}",
    }
    return f"{ways[main.outcome]}: {numbers}{_also(found)}."


def written(found: Comparison) -> str:
    """The whole comparison for a terminal, 80 columns wide."""
    blocks = [_filled(found.sentence), _sides(found)]
    if found.shifts:
        blocks += [_main_table(found), *_other_table(found)]
    for head, names in (("Only in b", found.new), ("Only in a", found.gone)):
        if names:
            blocks.append(fill(f"{head}: {', '.join(shown(n, 40) for n in names)}.", WIDTH))
    blocks.append(_list("Changed", found.changes) if found.changes else "Nothing else changed.")
    if found.found is not None and found.mended is not None:
        lines = [f"{one.code} ({one.severity}): {one.title}" for one in found.found]
        if lines:
            blocks.append(_list("Found by the doctor in b only", lines))
        lines = [f"{one.code} ({one.severity}): {one.title}" for one in found.mended]
        if lines:
            blocks.append(_list("Found by the doctor in a only", lines))
    blocks += [fill(note, WIDTH) for note in found.notes]
    return "\n\n".join(blocks)


def _also(found: Comparison) -> str:
    errors = [one.code for one in found.found or () if one.severity == "error"]
    return f"; the doctor found a new error: {', '.join(errors)}" if errors else ""


def _gap(one: Shift) -> str:
    """The difference with its interval, relative to a where that is possible."""
    if one.low is None or one.high is None or one.mean is None:
        return f"{_signed(one.mean)}, without an interval"
    scale, unit = (100 / one.a, " %") if one.a and abs(one.a) > LEAST else (1.0, "")
    mean, low, high = scale * one.mean, scale * one.low, scale * one.high
    said = interval(mean, low, high, unit, signed=True)
    users = counted(one.users, "user")
    said += f" over the same {users}" if one.paired else f" over {users}, not paired"
    if one.outcome == "open" and one.visible is not None:
        said += f"; less than {figure(one.visible)} would not be seen"
    return said


def _signed(value: float | None) -> str:
    if value is None:
        return "undefined"
    said = figure(abs(value))
    return said if not value else f"{'+' if value > 0 else MINUS}{said}"


def _sides(found: Comparison) -> str:
    lines = []
    for side, one in (("a", found.a), ("b", found.b)):
        said = [shown(one.path, 60), one.title, one.date, f"chosen: {shown(one.best, 40)}"]
        lines.append(_hung(f"{side}: ", ", ".join(filter(None, said))))
    if found.comparable:
        lines.append(_hung("   ", found.why[0]))
    return "\n".join(lines)


def _main_table(found: Comparison) -> str:
    """The main metric of the chosen models, where they differ, and of every model in both."""
    metric = found.a.metric
    among = [one for one in found.shifts if one.metric == metric]
    among.sort(key=lambda one: -(one.b or 0.0))
    if found.main is not None and found.main.model_a != found.main.model_b:
        among.insert(0, found.main)
    rows = [(_who(one), figure(one.a), figure(one.b), _between(one), _said(one)) for one in among]
    return _table((labelled(metric), "a", "b", BETWEEN, ""), rows)


def _who(one: Shift) -> str:
    return one.model_b if one.model_a == one.model_b else f"{one.model_a} → {one.model_b}"


def _said(one: Shift) -> str:
    """The outcome in a word or two; what is not paired may hide a difference."""
    if one.outcome == "open":
        return "within noise" if one.paired else "cannot tell"
    return "differs" if one.outcome == "changed" else one.outcome


def _other_table(found: Comparison) -> list[str]:
    """The other metrics of the model chosen in b, where a has it too."""
    name = found.b.best
    rows = [
        (labelled(one.metric), figure(one.a), figure(one.b), _between(one), _said(one))
        for one in found.shifts
        if one.metric != found.a.metric and one.model_b == name
    ]
    return (
        [_table((f"{shown(name, 20)}, other metrics", "a", "b", "b − a [95 %]", ""), rows)]
        if rows
        else []
    )


def _between(one: Shift) -> str:
    if one.mean is None or one.outcome == "same":
        return ""
    if one.low is None or one.high is None:
        return _signed(one.mean)
    return interval(one.mean, one.low, one.high, signed=True)


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """Aligned columns; names are cut so that a line fits."""
    cells = [head, *rows]
    wide = [max(len(row[column]) for row in cells) for column in range(5)]
    room = max(10, WIDTH - sum(wide[1:]) - 8)
    first = min(room, wide[0])
    lines = [
        f"{shown(name, first):{first}}  {a:>{wide[1]}}  {b:>{wide[2]}}  {gap:{wide[3]}}  {said}"
        for name, a, b, gap, said in cells
    ]
    return "\n".join(line.rstrip() for line in lines)


def _list(head: str, lines: Sequence[str]) -> str:
    said = [_hung("  ", shown(line, 400)) for line in lines[:MOST_LINES]]
    if len(lines) > MOST_LINES:
        said.append(f"  and {len(lines) - MOST_LINES} more")
    return "\n".join([f"{head}:", *said])


def _filled(text: str) -> str:
    """Lines of at most `WIDTH`, none of which ends within brackets or before a percent sign."""
    tied = re.sub(r" (?=[%\[])|(?<=,) (?=[+−\d.]+\])", "\u00a0", text)
    return fill(tied, WIDTH, break_on_hyphens=False).replace("\u00a0", " ")


def _hung(first: str, text: str) -> str:
    return fill(text, WIDTH, initial_indent=first, subsequent_indent=" " * (len(first) + 2))
