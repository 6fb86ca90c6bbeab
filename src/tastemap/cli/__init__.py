"""The command line: thin, every verb is a call that a Python user could make.

Results go to stdout, progress and remarks to stderr. Exit codes: 0 all well, 1 a failure or a
finding of the doctor, 2 wrong usage. Heavy modules are imported inside the verbs, so that --help
answers at once. A verb joins by `@app.command()` in a module that is named here.
"""

from tastemap.cli import findings as findings
from tastemap.cli import job as job
from tastemap.cli import models as models
from tastemap.cli.app import app as app
from tastemap.cli.app import main as main

ORDER = (
    *("demo", "check", "run", "diagnose", "compare"),
    *("recommend", "similar", "map", "doctor"),
)
"""Verbs as --help lists them: in the order in which they are needed."""

app.registered_commands.sort(
    key=lambda verb: ORDER.index(verb.name or getattr(verb.callback, "__name__", ""))
)
