"""What `diagnose` was given, as evidence: a run, a saved one, or what other software wrote."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from tastemap.diagnosis.evidence import Evidence
from tastemap.diagnosis.from_files import evidence_from
from tastemap.diagnosis.from_run import evidence_of
from tastemap.errors import UsageError
from tastemap.runs import Run


def evidence_of_anything(what: Any, against: Any = ()) -> Evidence:
    """The evidence of a run, of a saved run's folder, of a JSON file or of the mapping in it."""
    if isinstance(against, str | Path | Mapping | Run | Evidence):
        raise UsageError(
            f"against={type(against).__name__}", "a list of runs", "write against=[run]"
        )
    evidence = _one(what)
    references = tuple(_one(other) for other in against)
    return replace(evidence, references=evidence.references + references)


def _one(what: Any) -> Evidence:
    if isinstance(what, Evidence):
        return what
    if isinstance(what, Run):
        return evidence_of(what)
    if isinstance(what, str | Path) and Path(what).is_dir():
        return evidence_of(Run.load(what))
    if isinstance(what, str | Path | Mapping):
        return evidence_from(what)
    raise UsageError(
        f"a run of type {type(what).__name__}",
        "a Run, the folder of a saved one, a JSON file, or a mapping such as "
        '{"lists": ..., "truth": ...}',
        "see docs/diagnose-format.md for a complete example",
    )
