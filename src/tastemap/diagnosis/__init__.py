"""Why a run looks wrong: rules that say what was seen, what it means and what to try."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

# This module's name is taken by the function below, so it must be loaded before that is defined.
from tastemap.diagnosis.diagnose import Diagnosis as Diagnosis
from tastemap.diagnosis.diagnose import run_rules
from tastemap.diagnosis.finding import Finding as Finding
from tastemap.diagnosis.log import LOG_RULES as LOG_RULES
from tastemap.diagnosis.log import Checkup as Checkup
from tastemap.diagnosis.log import check as check

if TYPE_CHECKING:
    from tastemap.diagnosis.evidence import Evidence
    from tastemap.runs import Run


def diagnose(
    what: "Run | Evidence | str | Path | Mapping[str, Any]",
    against: "Sequence[Run | Evidence | str | Path | Mapping[str, Any]]" = (),
    ignore: Sequence[str] = (),
    slow: bool = True,
) -> Diagnosis:
    """Look for everything that can be wrong with a run, whoever made it.

    Parameters
    ----------
    what
        A run, the folder of a saved one, or what other software wrote: a JSON file or the mapping
        in it, in the form of docs/diagnose-format.md.
    against
        Runs of the same model, or of others, on the same test part.
    ignore
        Codes of rules to leave out, such as "E308".
    slow
        Whether rules that take more than a second on large runs are applied too.

    Returns
    -------
    Diagnosis
        Iterating gives the findings, worst first; `print` shows five of them.

    Errors
    ------
    UsageError, InputError
        For what is no run, and for a code that is none.

    Examples
    --------
    >>> lists = {"ann": ["tea", "rum"], "bob": ["rum", "rum"]}
    >>> truth = {"ann": ["rum"], "bob": ["milk"]}
    >>> found = diagnose({"lists": lists, "truth": truth})
    >>> [(finding.code, finding.title) for finding in found if finding.severity == "error"]
    [('E307', 'A list repeats an item, or ends early')]
    """
    # Imported here, so that looking at a log does not load models and kernels.
    from tastemap.diagnosis.rules import RULES
    from tastemap.diagnosis.sources import evidence_of_anything

    evidence = evidence_of_anything(what, against)
    return run_rules(evidence.name, evidence, RULES, ignore=ignore, slow=slow)
