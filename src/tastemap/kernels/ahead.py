"""At first use, a second process that compiles the kernels of a run from the other end.

numba holds one lock while it compiles, so a process compiles on one core however many it has; and
no kernel stands out that could be made cheaper. While a run compiles its kernels as it meets them,
from the first to the last, a process of its own compiles them from the last to the first. Both
look into the folder of compiled kernels before each one, so they meet in the middle.
"""

import importlib
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from numba.core.sigutils import normalize_signature

from tastemap.kernels.jit import absent, kept_in
from tastemap.kernels.workers import n_threads

FORMS = Path(__file__).with_name("forms.txt")
"""What a run calls: in each line a kernel and the types of its arguments, in the order of a run.

Written by `python tests/forms.py`.
"""


@contextmanager
def compiled_ahead() -> Iterator[None]:
    """Let a second process help to compile, within the block, if most kernels are still missing.

    It says nothing, never stops or delays the block, and ends with it. None is started on one
    thread, or where compiled kernels cannot be kept.
    """
    helper = _started() if _pays() else None
    try:
        yield
    finally:
        if helper is not None:
            helper.kill()
            helper.communicate()


def forms() -> list[tuple[str, str]]:
    """The lines of `FORMS`, as (module.kernel, types)."""
    lines = FORMS.read_text(encoding="utf-8").splitlines()
    return [(kernel, types) for kernel, _, types in (line.partition(" ") for line in lines)]


def compile_backwards() -> None:
    """Compile all forms that are not kept yet, the last one first; the second process runs this.

    It ends when its standard input does, which is when whoever started it ends, however that is.
    """
    threading.Thread(target=_end_with_input, daemon=True).start()
    for kernel, types in reversed(forms()):
        module, _, name = kernel.partition(".")
        with suppress(Exception):  # a line of another source than this: the rest may still do
            compiled = getattr(importlib.import_module(f"tastemap.kernels.{module}"), name)
            compiled.compile(normalize_signature(types)[0])


def _end_with_input() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


def _pays() -> bool:
    if n_threads() == 1 or kept_in() is None:
        return False
    kernels = {kernel for kernel, _ in forms()}
    return 2 * len(absent(kernels)) > len(kernels)


def _started() -> "subprocess.Popen[bytes] | None":
    if not Path(sys.executable or "").stem.startswith("python"):  # a program with Python inside it
        return None
    code = f"import sys; sys.path[:] = {sys.path}; import {__name__} as a; a.compile_backwards()"
    try:
        return subprocess.Popen(
            [sys.executable, "-P", "-c", code],  # -P: no module is taken from the current folder
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),  # Windows: no black window
        )
    except OSError:  # a place where no process may be started
        return None
