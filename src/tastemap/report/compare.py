"""Two reports side by side: what changed, and whether it matters.

Where both hold each user's value of the main metric for the same users, models are compared user
by user (paired). Otherwise two means are compared as if they came from different users: that
interval is wider than it would have to be, so a difference may go unseen, but none is invented.
"""

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from tastemap.metrics.significance import detectable
from tastemap.report.figures import rounded
from tastemap.report.measured import TWO_SIDED_95
from tastemap.report.plain import plain
from tastemap.report.reread import Flaw, Judged, Results, reread
from tastemap.report.wording import wording

SLOWER, SECONDS = 1.5, 1.0
"""Times are said to differ from this factor and so many seconds on: less is the machine's mood."""
MORE_MEMORY = 1.25

Outcome = Literal["same", "better", "worse", "open", "changed"]
"""Of b against a: the same number; better or worse beyond chance; not to be told apart; a number
that differs where higher is not better, or that has no interval."""


@dataclass(frozen=True)
class Shift:
    """How a metric of a model differs between two reports.

    Parameters
    ----------
    model_a, model_b
        Which models: the same name in both, or the one chosen in either.
    metric
        Its name.
    a, b, mean
        Both means, and b - a.
    low, high
        The 95 % interval of b - a; None where there is none.
    users
        Users behind it.
    paired
        Whether it is of the same users, one by one.
    outcome
        What the interval allows to say of b.
    """

    model_a: str
    model_b: str
    metric: str
    a: float | None
    b: float | None
    mean: float | None
    low: float | None
    high: float | None
    users: int
    paired: bool
    outcome: Outcome

    @property
    def visible(self) -> float | None:
        """The least true difference that would have been seen with a power of 80 %."""
        if self.low is None or self.high is None:
            return None
        return detectable((self.high - self.low) / (2 * TWO_SIDED_95))


@dataclass(frozen=True)
class Comparison:
    """What changed from one report to another.

    Parameters
    ----------
    a, b
        What was read.
    comparable
        Whether both judge on the same data and the same held-out events.
    why
        Why not, or on what they agree; one sentence each.
    main
        The main metric of the chosen models.
    shifts
        Every metric of every model that is in both; the main metric first.
    new, gone
        Models in b only and in a only.
    changes
        Other things that differ, in words: recipes, seeds, versions, time, memory, counts.
    found, mended
        Findings in b only and in a only; None where a report was written without them.
    notes
        What has to be known to read this.
    """

    a: Results
    b: Results
    comparable: bool
    why: tuple[str, ...]
    main: Shift | None
    shifts: tuple[Shift, ...]
    new: tuple[str, ...]
    gone: tuple[str, ...]
    changes: tuple[str, ...]
    found: tuple[Flaw, ...] | None
    mended: tuple[Flaw, ...] | None
    notes: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """The verdict, in one sentence."""
        from tastemap.report.compare_text import verdict

        return verdict(self)

    @property
    def exit_code(self) -> int:
        """0: b may stand beside a; 1: it is worse, or an error was found; 3: not comparable."""
        if not self.comparable:
            return 3
        worse = self.main is not None and self.main.outcome == "worse"
        return int(worse or any(one.severity == "error" for one in self.found or ()))

    def to_json(self) -> dict[str, Any]:
        """The comparison as plain values."""
        sides = {
            side: {
                "path": one.path,
                "title": one.title,
                "date": one.date,
                "split": one.how,
                "fingerprint": one.fingerprint,
                "metric": one.metric,
                "chosen": one.best,
            }
            for side, one in (("a", self.a), ("b", self.b))
        }
        names = ("comparable", "why", "main", "shifts", "new", "gone", "changes")
        last = ("found", "mended", "notes")
        return {
            "verdict": self.sentence,
            "exit_code": self.exit_code,
            **sides,
            **{name: plain(getattr(self, name)) for name in (*names, *last)},
        }

    def __str__(self) -> str:
        from tastemap.report.compare_text import written

        return written(self)


def compare_reports(a: str | Path, b: str | Path) -> Comparison:
    """Say what changed from report a to report b, and whether it matters.

    Parameters
    ----------
    a, b
        Reports (report.html), folders that hold one, or folders of saved runs.

    Errors
    ------
    UsageError
        For a path where no report is.
    InputError
        For files that are no reports, are cut or of a later version; for reports without a
        metric in common.
    """
    return compare_results(reread(a), reread(b))


def compare_results(a: Results, b: Results) -> Comparison:
    """The same, of results read already."""
    comparable, why = _same_test(a, b)
    paired = comparable and None not in (a.key, b.key)
    both = [name for name in a.models if name in b.models]
    main = _shift(a, b, a.best, b.best, a.metric, paired)
    shifts = [
        shift
        for metric in _metrics(a)
        for name in both
        if (shift := _shift(a, b, name, name, metric, paired)) is not None
    ]
    known = a.flaws is not None and b.flaws is not None
    before, after = a.flaws or (), b.flaws or ()
    return Comparison(
        a=a,
        b=b,
        comparable=comparable,
        why=why,
        main=main,
        shifts=tuple(shifts),
        new=tuple(name for name in b.models if name not in a.models),
        gone=tuple(name for name in a.models if name not in b.models),
        changes=(*_changed_models(a, b, both), *_changed_rest(a, b)),
        found=_without(after, before) if known else None,
        mended=_without(before, after) if known else None,
        notes=_notes(a, b, comparable, paired, main),
    )


def _same_test(a: Results, b: Results) -> tuple[bool, tuple[str, ...]]:
    """Whether numbers may be held against each other, and on what ground."""
    if None not in (a.fingerprint, b.fingerprint) and a.fingerprint != b.fingerprint:
        return False, (f"other data: fingerprint {a.fingerprint} in a, {b.fingerprint} in b",)
    if a.how != b.how:
        return False, (f"another split: {a.how} in a, {b.how} in b",)
    if None not in (a.key, b.key) and a.key != b.key:
        return False, (
            "other test users or held-out events, although the split is called the same",
        )
    if None not in (a.key, b.key):
        return True, (f"same split ({a.how}), same users, same held-out events",)
    if a.fingerprint is None or b.fingerprint is None:
        return False, ("nothing tells whether both judge on the same data",)
    return True, (f"same data (fingerprint {a.fingerprint}), same split ({a.how})",)


def _metrics(a: Results) -> list[str]:
    every = dict.fromkeys(name for one in a.models.values() for name in one.test)
    return [a.metric, *(name for name in every if name != a.metric)]


def _shift(
    a: Results, b: Results, model_a: str, model_b: str, metric: str, paired: bool
) -> Shift | None:
    """The difference of one metric; None where a report lacks it."""
    before, after = a.models[model_a].test.get(metric), b.models[model_b].test.get(metric)
    if before is None or after is None:
        return None
    nothing: Outcome = "same" if before == after else "changed"
    if before.mean is None or after.mean is None:
        means = before.mean, after.mean
        return Shift(model_a, model_b, metric, *means, None, None, None, 0, False, nothing)
    mean = after.mean - before.mean
    error = None
    users = min(before.n, after.n)
    values = a.values.get(model_a), b.values.get(model_b)
    same = paired and metric == a.metric == b.metric
    if same and values[0] is not None and values[1] is not None:
        shared = min(len(values[0]), len(values[1]))
        gaps = values[1][:shared].astype(np.float64) - values[0][:shared]
        gaps = gaps[~np.isnan(gaps)]
        if len(gaps) > 1:  # of a sample of the users: the mean is of all of them
            error = float(gaps.std(ddof=1)) / math.sqrt(max(users, len(gaps)))
    one_by_one = error is not None
    if error is None and before.stderr is not None and after.stderr is not None:
        error = math.hypot(before.stderr, after.stderr)
    equal = before == after and not (one_by_one and error)
    outcome = _outcome(mean, error, metric, equal)
    low, high = (
        (None, None)
        if error is None
        else (mean - TWO_SIDED_95 * error, mean + TWO_SIDED_95 * error)
    )
    return Shift(
        model_a,
        model_b,
        metric,
        before.mean,
        after.mean,
        rounded(mean),
        rounded(low),
        rounded(high),
        users,
        one_by_one,
        outcome,
    )


def _outcome(mean: float, error: float | None, metric: str, equal: bool) -> Outcome:
    if equal:
        return "same"
    if error is None:
        return "changed"
    if abs(mean) <= TWO_SIDED_95 * error:
        return "open"
    if not wording(metric).ranked:
        return "changed"
    return "better" if mean > 0 else "worse"


def _changed_models(a: Results, b: Results, both: list[str]) -> list[str]:
    """Recipes, seeds, roles and times of models that are in both."""
    said = []
    for name in both:
        before, after = a.models[name], b.models[name]
        if before.recipe != after.recipe:
            said.append(f"recipe of {name}: {_differing(before.recipe, after.recipe)}")
        if before.seed != after.seed:
            said.append(f"seed of {name}: {before.seed} → {after.seed}")
        said += _changed_times(name, before, after)
    if a.best != b.best:
        said.insert(0, f"chosen model: {a.best} → {b.best}")
    return said


def _differing(before: str, after: str) -> str:
    """Two recipes as calls, by the arguments that differ; both whole where they are other calls.

    >>> _differing("ALS(factors=8, reg=0.1)", "ALS(factors=16, reg=0.1)")
    'factors=8 → factors=16'
    """
    calls = [re.fullmatch(r"(\w+)\((.*)\)", one) for one in (before, after)]
    if calls[0] is None or calls[1] is None or calls[0][1] != calls[1][1]:
        return f"{before} → {after}"
    # Commas within brackets part no arguments.
    given = [re.split(r", (?=\w+=)", call[2]) for call in calls if call is not None]
    sides = [
        ", ".join(one for one in own if one not in other) or "nothing"
        for own, other in (given, given[::-1])
    ]
    return " → ".join(sides)


def _changed_times(name: str, before: Judged, after: Judged) -> list[str]:
    said = []
    words = {"fit_seconds": "fitting", "judge_seconds": "judging"}
    for field in before.seconds.keys() & after.seconds.keys():
        low, high = sorted((before.seconds[field], after.seconds[field]))
        if high >= SLOWER * low and high - low >= SECONDS:
            pair = f"{before.seconds[field]:.3g} s → {after.seconds[field]:.3g} s"
            said.append(f"time of {words.get(field, field)} {name}: {pair}")
    return sorted(said)


def _changed_rest(a: Results, b: Results) -> list[str]:
    said = []
    if a.metric != b.metric:
        said.append(f"main metric: {a.metric} → {b.metric} (compared by {a.metric})")
    for name in a.counts.keys() & b.counts.keys():
        if a.counts[name] != b.counts[name]:
            said.append(f"{name} of the data: {a.counts[name]:,.6g} → {b.counts[name]:,.6g}")
    for name in a.environment.keys() | b.environment.keys():
        before, after = (one.environment.get(name, "not told") for one in (a, b))
        if before != after:
            said.append(f"{name}: {before} → {after}")
    said.sort()
    if a.memory and b.memory and max(a.memory, b.memory) >= MORE_MEMORY * min(a.memory, b.memory):
        said.append(f"peak memory: {a.memory / 2**20:,.0f} MB → {b.memory / 2**20:,.0f} MB")
    return said


def _without(flaws: tuple[Flaw, ...], others: tuple[Flaw, ...]) -> tuple[Flaw, ...]:
    codes = {one.code for one in others}
    return tuple(one for one in flaws if one.code not in codes)


def _notes(
    a: Results, b: Results, comparable: bool, paired: bool, main: Shift | None
) -> tuple[str, ...]:
    notes = []
    if a.lacks == b.lacks and a.lacks:
        notes.append(f"Neither holds {' or '.join(a.lacks)}.")
    else:
        for one in (a, b):
            if one.lacks:
                notes.append(f"{one.path} does not hold {' or '.join(one.lacks)}.")
    if not comparable:
        notes.append(
            "Numbers measured on different data or splits cannot be held against each other; "
            "compare each with its own Popularity, or run both on one split."
        )
    elif main is not None and not main.paired:
        notes.append(
            "Without each user's values the interval is that of two independent means: wider than "
            "it need be, so a difference may go unseen. Reports written anew hold them."
        )
    elif paired:
        notes.append(
            f"{a.metric} is compared user by user (paired); other metrics by two independent "
            "means, whose interval is wider than it need be."
        )
    return tuple(notes)
