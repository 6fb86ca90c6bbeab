"""What the doctor found in the chosen run and in the log, with what to try."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from tastemap.data.interactions import Interactions
from tastemap.data.shown import shown
from tastemap.diagnosis import check, diagnose
from tastemap.diagnosis.diagnose import ORDER, SHOWN, Diagnosis
from tastemap.diagnosis.finding import Finding, Severity
from tastemap.report.figures import counted, figure
from tastemap.runs import Run

LONGEST = 600
"""Words of a rule are cut to so many characters: they may quote the data."""
MOST_VALUES = 5
CALLED = {"error": "Error", "warning": "Warning", "tip": "Tip"}

About = Literal["run", "log"]


@dataclass(frozen=True)
class Noted:
    """One finding.

    Parameters
    ----------
    code, severity, title, means
        As the rule says.
    about
        What was judged: the chosen run or the log.
    seen
        The numbers seen, in words.
    allowed
        What would have been accepted.
    causes, remedies
        Most likely first.
    also
        Codes of findings that this one accounts for.
    """

    code: str
    severity: Severity
    title: str
    means: str
    about: About
    seen: str
    allowed: str
    causes: tuple[str, ...]
    remedies: tuple[str, ...]
    also: tuple[str, ...] = ()


@dataclass(frozen=True)
class Looked:
    """How many rules could judge something, of how many there are."""

    about: About
    judged: int
    rules: int
    crashed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Findings:
    """Everything found, worst first, and how much was looked at."""

    model: str
    noted: tuple[Noted, ...]
    looked: tuple[Looked, ...]

    @property
    def sentence(self) -> str:
        """What was found, in one line."""
        counts = {name: sum(one.severity == name for one in self.noted) for name in ORDER}
        said = [counted(n, name) for name, n in counts.items() if n]
        if not said:
            return "The doctor found nothing"
        first, last = ", ".join(said[:-1]), said[-1]
        return "The doctor found " + (f"{first} and {last}" if first else last)

    @property
    def basis(self) -> str:
        """What was looked at, in words."""
        parts = [
            f"{one.judged} of {one.rules} rules could judge "
            + (f"the run of {self.model}" if one.about == "run" else "the log")
            for one in self.looked
        ]
        return ", ".join(parts)


def findings_of(run: Run, name: str, log: Interactions, checkup: Diagnosis | None) -> Findings:
    """Apply every rule to the run, and to the log unless that was done before."""
    of_log = check(log).diagnosis if checkup is None else checkup
    diagnoses: tuple[tuple[About, Diagnosis], ...] = (("run", diagnose(run)), ("log", of_log))
    noted = [_noted(one, about) for about, found in diagnoses for one in found]
    return Findings(
        model=name,
        noted=tuple(sorted(noted, key=lambda one: ORDER[one.severity])),
        looked=tuple(_looked(about, found) for about, found in diagnoses),
    )


def pictures(findings: Findings | None) -> dict[str, Any] | None:
    """The findings that are shown at once, and those that are folded."""
    if findings is None:
        return None
    noted = findings.noted
    return {"first": noted[:SHOWN], "folded": noted[SHOWN:], "called": CALLED}


def _looked(about: About, found: Diagnosis) -> Looked:
    states = [outcome.state for outcome in found.outcomes]
    crashed = tuple(
        shown(f"{one.code}: {one.reason}", 200) for one in found.outcomes if one.state == "crashed"
    )
    return Looked(about, states.count("ok") + states.count("found"), len(states), crashed)


def _noted(finding: Finding, about: About) -> Noted:
    return Noted(
        code=finding.code,
        severity=finding.severity,
        title=shown(finding.title, LONGEST),
        means=shown(finding.means, LONGEST),
        about=about,
        seen=shown(_seen(finding.numbers), LONGEST),
        allowed=shown(finding.threshold, LONGEST),
        causes=tuple(shown(one, LONGEST) for one in finding.causes),
        remedies=tuple(shown(one, LONGEST) for one in finding.remedies),
        also=finding.also,
    )


def _seen(numbers: Mapping[str, Any]) -> str:
    """The numbers in a line.

    >>> _seen({"users": 1200, "share": 0.25, "ids": ["a", "b"]})
    'users 1,200, share 0.2500, ids a; b'
    """
    return ", ".join(f"{name} {_short(value)}" for name, value in numbers.items())


def _short(value: Any) -> str:
    value = value.item() if hasattr(value, "item") and getattr(value, "ndim", 0) == 0 else value
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return figure(value)
    if isinstance(value, tuple | list):
        said = "; ".join(_short(one) for one in value[:MOST_VALUES])
        return said + ("; …" if len(value) > MOST_VALUES else "")
    return f"{value:,}" if isinstance(value, int) else str(value)
