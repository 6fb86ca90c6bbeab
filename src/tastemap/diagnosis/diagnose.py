"""Run every rule over a run; say what was found, worst first, one root cause once."""

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tastemap.diagnosis.finding import Finding, NotApplicable, Outcome, Rule
from tastemap.errors import UsageError

SHOWN = 5
"""How many findings are shown first."""

ORDER = {"error": 0, "warning": 1, "tip": 2}


@dataclass(frozen=True)
class Diagnosis:
    """What became of every rule on one run; iterating gives the findings, worst first.

    Parameters
    ----------
    name
        The run's.
    outcomes
        One a rule, in the order of the catalogue.
    """

    name: str
    outcomes: tuple[Outcome, ...]
    explains: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Root causes, worst first; what a finding accounts for stands in its `also`."""
        found = {o.code: o.finding for o in self.outcomes if o.finding is not None}
        hidden: dict[str, str] = {}
        for code, symptoms in self.explains:
            if code in found and found[code].severity != "tip" and code not in hidden:
                hidden |= {s: code for s in symptoms if s in found and s not in hidden}
        shown = [
            replace(finding, also=tuple(s for s, by in hidden.items() if by == code))
            for code, finding in found.items()
            if code not in hidden
        ]
        return tuple(sorted(shown, key=lambda finding: ORDER[finding.severity]))

    @property
    def codes(self) -> tuple[str, ...]:
        """Codes of everything found, symptoms included."""
        return tuple(o.code for o in self.outcomes if o.state == "found")

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    def __len__(self) -> int:
        return len(self.findings)

    def exit_code(self, strict: bool = False) -> int:
        """1 if there is an error (strict: or a warning), else 0."""
        bad = ("error", "warning") if strict else ("error",)
        return int(any(o.finding is not None and o.finding.severity in bad for o in self.outcomes))

    def to_json(self) -> dict[str, Any]:
        """Everything as plain values."""
        return {
            "name": self.name,
            "findings": [finding.to_json() for finding in self.findings],
            "outcomes": [outcome.to_json() for outcome in self.outcomes],
        }

    def __str__(self) -> str:
        findings = self.findings
        lines = [self._summary()]
        for finding in findings[:SHOWN]:
            lines += ["", str_of(finding)]
        if len(findings) > SHOWN:
            more = ", ".join(f.code for f in findings[SHOWN:])
            lines += ["", f"and {len(findings) - SHOWN} more: {more}"]
        crashed = [o for o in self.outcomes if o.state == "crashed"]
        lines += [f"rule {o.code} crashed and judged nothing: {o.reason}" for o in crashed]
        return "\n".join(lines)

    def _summary(self) -> str:
        counts = {
            severity: sum(finding.severity == severity for finding in self.findings)
            for severity in ORDER
        }
        said = [f"{n} {severity}{'s' if n > 1 else ''}" for severity, n in counts.items() if n]
        states = [outcome.state for outcome in self.outcomes]
        checked = states.count("ok") + states.count("found")
        asked = f"{checked} of {len(states)} rules could judge this run"
        return f"{self.name}: {', '.join(said) if said else 'nothing found'} ({asked})"


def run_rules(
    name: str,
    evidence: Any,
    rules: Sequence[Rule],
    *,
    ignore: Sequence[str] = (),
    slow: bool = True,
) -> Diagnosis:
    """Apply rules to evidence; one that crashes never stops the others.

    Parameters
    ----------
    ignore
        Codes of rules to leave out.
    slow
        Whether slow rules are run too.
    """
    unknown = sorted(set(ignore) - {rule.code for rule in rules})
    if unknown:
        raise UsageError(
            f"ignore={unknown[0]!r}",
            f"codes of rules: {', '.join(rule.code for rule in rules)}",
            "check the code's spelling",
        )
    outcomes = tuple(_outcome(rule, evidence, ignore, slow) for rule in rules)
    explains = tuple((rule.code, rule.explains) for rule in rules if rule.explains)
    return Diagnosis(name, outcomes, explains)


def _outcome(rule: Rule, evidence: Any, ignore: Sequence[str], slow: bool) -> Outcome:
    if rule.code in ignore:
        return Outcome(rule.code, rule.title, "skipped", reason="ignored")
    if rule.slow and not slow:
        return Outcome(rule.code, rule.title, "skipped", reason="slow")
    missing = [need for need in rule.needs if _absent(getattr(evidence, need))]
    if missing:
        reason = f"the run does not say: {', '.join(missing)}"
        return Outcome(rule.code, rule.title, "not applicable", reason=reason)
    try:
        seen = rule.check(evidence)
    except NotApplicable as why:
        return Outcome(rule.code, rule.title, "not applicable", reason=str(why))
    except Exception as error:  # a broken run may break a rule; the others go on
        reason = f"{type(error).__name__}: {error}"
        return Outcome(rule.code, rule.title, "crashed", reason=reason)
    if seen is None:
        return Outcome(rule.code, rule.title, "ok")
    return Outcome(rule.code, rule.title, "found", finding=rule.finding(seen))


def _absent(value: Any) -> bool:
    return value is None or (isinstance(value, dict | tuple) and len(value) == 0)


def str_of(finding: Finding) -> str:
    """A finding as text under 80 columns."""
    numbers = ", ".join(f"{name} {_short(value)}" for name, value in finding.numbers.items())
    blocks = [("seen", numbers), ("allowed", finding.threshold)]
    blocks += [("cause" if n == 0 else "or", cause) for n, cause in enumerate(finding.causes[:3])]
    blocks += [("try" if n == 0 else "then", remedy) for n, remedy in enumerate(finding.remedies)]
    if finding.also:
        blocks.append(("explains", ", ".join(finding.also)))
    head = f"{finding.code} {finding.severity}: {finding.title}"
    lines = textwrap.wrap(head, 79, subsequent_indent="  ")
    lines += textwrap.wrap(finding.means, 79, initial_indent="  ", subsequent_indent="  ")
    for name, text in blocks:
        lines += textwrap.wrap(
            text,
            79,
            initial_indent=f"  {name + ':':10}",
            subsequent_indent=" " * 12,
            break_long_words=False,
        )
    return "\n".join(lines)


def _short(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, tuple | list):
        return ", ".join(_short(one) for one in value[:5]) + (", ..." if len(value) > 5 else "")
    return f"{value:,}" if isinstance(value, int) else str(value)
