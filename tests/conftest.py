"""What every test gets: checked shapes and types, honest skips, Hypothesis without a stopwatch."""

import os
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import settings
from jaxtyping import install_import_hook

# Several test processes share the cores. Threads of OpenMP that wait by spinning take them from
# whoever has work: a small network then trains up to 60 times slower. Before torch is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("GOMP_SPINCOUNT", "0")

# Reason texts of skips that may happen. Any other skip is a failure.
ALLOWED_SKIPS = ("no Chromium on this machine: apt-get install chromium",)

# The first example of a property may have to compile a kernel.
settings.register_profile("tastemap", deadline=None)
settings.load_profile("tastemap")


def checked_modules():
    """Every module of tastemap whose calls are checked: all but the kernels, which are compiled."""
    package = Path(find_spec("tastemap").origin).parent  # the checkout, or an installed wheel
    names = {path.stem for path in package.iterdir() if path.suffix in ("", ".py")}
    return sorted(f"tastemap.{name}" for name in names - {"kernels", "__init__", "__pycache__"})


# Arguments and results of every call are compared with their annotations, array shapes included.
# The hook must stand before the first module is imported. An int will do where a float is asked.
assert not any(name.startswith("tastemap.") for name in sys.modules)
install_import_hook(
    checked_modules(), "beartype.beartype(conf=beartype.BeartypeConf(is_pep484_tower=True))"
)


def refuse_skip(report):
    """The report itself, or a failure where it is a skip that nobody allowed."""
    # pytest reports an expected failure as skipped too; `xfail_strict` watches over those.
    if report.skipped and not hasattr(report, "wasxfail"):
        said = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        reason = said.removeprefix("Skipped: ")
        if reason not in ALLOWED_SKIPS:
            report.outcome = "failed"
            report.longrepr = f"skipped, and ALLOWED_SKIPS does not list the reason: {reason}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport():
    return refuse_skip((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report():
    return refuse_skip((yield))


@pytest.fixture(autouse=True)
def own_data_folder(monkeypatch, tmp_path_factory):
    """No test reads or writes the user's own cache of data sets."""
    monkeypatch.setenv("TASTEMAP_DATA", str(tmp_path_factory.getbasetemp() / "data-sets"))
