"""What a rule says: a finding, or why there is none."""

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Severity = Literal["error", "warning", "tip"]
"""error: the numbers cannot be trusted or the run is broken. warning: very likely something is
wrong. tip: worth knowing, nothing is wrong."""

State = Literal["ok", "found", "not applicable", "skipped", "crashed"]

SECTIONS = ("Symptom", "Usual cause", "How to confirm", "Remedy")
"""The sections of every rule's docstring; the catalogue page and each finding are made of them."""


class NotApplicable(Exception):
    """Raised by a rule that cannot judge this run; the message says why."""


@dataclass(frozen=True)
class Seen:
    """What a rule noticed in one run.

    Parameters
    ----------
    numbers
        The numbers seen, by a short name, and the ids or lines concerned.
    threshold
        What the rule would have accepted, in words with the number.
    means
        What it means for this run, one or two sentences with the numbers in them.
    severity
        Where it differs from the rule's own.
    causes, remedies
        Most likely first, where the run's numbers tell more than the rule's docstring does.
    """

    numbers: Mapping[str, Any]
    threshold: str
    means: str
    severity: Severity | None = None
    causes: tuple[str, ...] = ()
    remedies: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rule:
    """One thing that can be wrong, and the function that looks for it.

    Parameters
    ----------
    code
        Stable: "E301". D data, S split, E evaluation, M model, V vectors, Q sequences.
    severity
        Of its findings, unless the function says otherwise.
    check
        Evidence -> Seen, or None where all is well; raises NotApplicable with the reason where it
        cannot judge. Its docstring's first line is the rule's title, and its sections are
        Symptom, Usual cause, How to confirm and Remedy.
    needs
        Fields of the evidence that must be there, each with what to pass where it is not.
    explains
        Codes of symptoms that this finding accounts for: they are shown below it.
    slow
        Whether it needs more than a second on a large run.
    """

    code: str
    severity: Severity
    check: Callable[[Any], Seen | None]
    needs: tuple[str, ...] = ()
    explains: tuple[str, ...] = ()
    slow: bool = False

    @property
    def title(self) -> str:
        """The first line of the docstring, without its full stop."""
        return (inspect.getdoc(self.check) or self.check.__name__).split("\n")[0].rstrip(".")

    def section(self, name: str) -> tuple[str, ...]:
        """The paragraphs or numbered points of one section of the docstring."""
        return _sections(inspect.getdoc(self.check) or "").get(name, ())

    def finding(self, seen: Seen) -> "Finding":
        """The finding for what was seen."""
        return Finding(
            code=self.code,
            severity=seen.severity or self.severity,
            title=self.title,
            numbers=dict(seen.numbers),
            threshold=seen.threshold,
            means=seen.means,
            causes=seen.causes or self.section("Usual cause"),
            remedies=seen.remedies or self.section("Remedy"),
        )


@dataclass(frozen=True)
class Finding:
    """Something wrong with a run: what was seen, what it means, what to try.

    Parameters
    ----------
    code, severity, title
        The rule's.
    numbers, threshold
        What was seen and what would have been accepted.
    means
        What it means.
    causes
        In order of likelihood.
    remedies
        Commands or lines to try, in this order.
    also
        Codes of findings that this one accounts for.
    """

    code: str
    severity: Severity
    title: str
    numbers: Mapping[str, Any]
    threshold: str
    means: str
    causes: tuple[str, ...]
    remedies: tuple[str, ...]
    also: tuple[str, ...] = field(default=())

    def to_json(self) -> dict[str, Any]:
        """The finding as plain values."""
        return {name: _plain(value) for name, value in vars(self).items()}


@dataclass(frozen=True)
class Outcome:
    """What became of one rule: its state, and the finding or the reason."""

    code: str
    title: str
    state: State
    finding: Finding | None = None
    reason: str = ""

    def to_json(self) -> dict[str, Any]:
        """The outcome as plain values."""
        finding = None if self.finding is None else self.finding.to_json()
        return {**vars(self), "finding": finding}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(one) for one in value]
    return value.item() if hasattr(value, "item") else value


def _sections(doc: str) -> dict[str, tuple[str, ...]]:
    """The indented text below each section's name, cut at "1.", "2.", ... or blank lines."""
    found: dict[str, tuple[str, ...]] = {}
    heads = "|".join(SECTIONS)
    parts = re.split(rf"^({heads})\n", doc, flags=re.MULTILINE)
    for name, text in zip(parts[1::2], parts[2::2], strict=True):
        points = re.split(r"^\s*\d+\.\s+|\n\s*\n", text, flags=re.MULTILINE)
        found[name] = tuple(" ".join(p.split()) for p in points if p.strip())
    return found
