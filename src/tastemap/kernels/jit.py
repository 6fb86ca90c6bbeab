"""The only place that names numba's options: how kernels are compiled and where that is kept.

Two decorators compile the kernels. The machine code is kept in files, so that each kernel is
compiled once an installation (see `_Files`). Sums of `serial` kernels may be
re-associated and fused (`reassoc`, `contract`): without that, a dot product cannot use vector
registers and the ALS kernels run several times slower. The order that the compiler picks is fixed
in the machine code, so results stay the same from run to run. `exact` kernels compare and count;
their sums are taken in the order that is written.
"""

import glob
import hashlib
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any

import numba
from numba import njit
from numba.core import config
from numba.core.caching import (
    CompileResultCacheImpl,
    FunctionCache,
    IndexDataCacheFile,
    _CacheLocator,
)
from numba.core.environment import Environment
from numba.core.runtime import rtsys

from tastemap.kernels.workers import n_threads as n_threads
from tastemap.kernels.workers import one_blas_thread as one_blas_thread
from tastemap.kernels.workers import threads as threads

_OPTIONS = {"nogil": True, "error_model": "numpy"}
_FLAGS = {"reassoc", "contract", "nsz", "arcp"}


def serial(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a loop that runs on one thread.

    Its callers get a copy of their own. Without that, the copy that was loaded first serves all:
    compiled beside another caller it may round otherwise, so that the bits differed between the
    process that compiled (a fifth of ALS's rows, in the last bit) and those that loaded.
    """
    return _kept(njit(**_OPTIONS, fastmath=_FLAGS, forceinline=True)(function))


def exact(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a loop that runs on one thread and does its arithmetic in the order written."""
    return _kept(njit(**_OPTIONS)(function))


@cache
def kept_in() -> Path | None:
    """The folder that compiled kernels are kept in, or None where none can be written.

    The first of: the folder of `NUMBA_CACHE_DIR`, if it is set; `__pycache__` beside the kernels;
    the user's cache folder (`XDG_CACHE_HOME`, `~/.cache`, on Windows `LOCALAPPDATA`). The last is
    for installations that the user may not write to.
    """
    own = Path(__file__).parent
    cached = Path(os.environ.get("LOCALAPPDATA" if os.name == "nt" else "XDG_CACHE_HOME") or "")
    if not cached.is_absolute():
        cached = Path(os.path.expanduser("~")) / ".cache"
    place = hashlib.sha256(str(own).encode()).hexdigest()[:12]  # one a package installed
    choices = [own / "__pycache__", cached / "tastemap" / f"kernels-{place}"]
    if config.CACHE_DIR:
        choices.insert(0, Path(config.CACHE_DIR) / f"tastemap-{place}")
    return next(filter(_writable, choices), None)


def absent(kernels: Iterable[str]) -> set[str]:
    """Those of some kernels, each written module.kernel, of which no form is kept."""
    own, folder = Path(__file__).parent, kept_in()
    found = set() if folder is None else {name.partition(".py")[0] for name in os.listdir(folder)}
    stamped = {kernel: _stamp(own / f"{kernel.partition('.')[0]}.py") for kernel in kernels}
    return {kernel for kernel, stamp in stamped.items() if f"{kernel}-{stamp}" not in found}


def _writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError:
        return False
    return folder.is_absolute()


@cache
def _stamp(file: Path) -> str:
    """Changes with the source that a kernel is made of and with numba: nothing stale is loaded.

    numba looks at the kernel's own file alone, although kernels that it calls from other files
    and the options above end up in the same machine code.
    """
    digest = hashlib.sha256(f"{numba.__version__} {sys.version}".encode())
    found, new = set(), {file.name, Path(__file__).name}
    while new:
        found |= new
        texts = "".join((file.parent / name).read_text(encoding="utf-8") for name in sorted(new))
        digest.update(texts.encode())
        new = {f"{name}.py" for name in re.findall(r"^from tastemap\.kernels\.(\w+)", texts, re.M)}
        new -= found
    return digest.hexdigest()[:12]


class _Locator(_CacheLocator):  # type: ignore[misc]
    """Tells numba where the files of a kernel are."""

    def __init__(self, function: Callable[..., Any], file: str) -> None:
        self._py_file = file

    def get_cache_path(self) -> str:
        return str(kept_in())

    def get_source_stamp(self) -> str:
        return _stamp(Path(self._py_file))

    def get_disambiguator(self) -> str:
        return self.get_source_stamp()

    @classmethod
    def from_function(cls, function: Callable[..., Any], file: str) -> "_Locator":
        return cls(function, file)


class _Where(CompileResultCacheImpl):  # type: ignore[misc]
    """What is kept of a compiled kernel.

    Functions of numba's own that it calls (`np.empty`) have a module each that their names are
    looked up in. Machine code looks nothing up, but to load it would import these: .045 s.
    """

    _locator_classes = (_Locator,)

    def reduce(self, compiled: Any) -> tuple[Any, ...]:
        *rest, environments = super().reduce(compiled)
        return (*rest, tuple(map(self._without_module, environments)))

    @staticmethod
    def _without_module(found: Environment) -> Environment:
        if not found.globals["__name__"].startswith("numba."):
            return found
        kept = Environment({"__name__": "numba"})
        kept.consts[:] = found.consts
        kept.env_name = found.env_name
        return kept


class _Files(IndexDataCacheFile):  # type: ignore[misc]
    """A file for each kernel, source, types of arguments and processor, and no index.

    numba numbers the files of a kernel and keeps an index of them. Of two processes that compile
    at the same time both may take number 1 for different types, and a third may find a new index
    beside an old file. Here the name says all, a file is whole or absent, and the last one wins.
    """

    def save(self, key: object, data: object) -> None:
        self._save_data(self._file(key), data)
        kernel = self._index_name.partition("-")[0]
        for file in Path(self._cache_path).glob(f"{glob.escape(kernel)}-*.nbc"):
            if self._source_stamp not in file.name:  # made of an older source
                file.unlink(missing_ok=True)

    def load(self, key: object) -> object:
        return self._load_data(self._file(key))

    def _file(self, key: object) -> str:
        digest = hashlib.sha256(repr(key).encode()).digest()
        return str(self._data_name(int.from_bytes(digest[:8], "big")))


class _Kept(FunctionCache):  # type: ignore[misc]
    """The compiled forms of one kernel on disk; whatever is wrong with them, it is compiled."""

    _impl_class = _Where

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)
        self._cache_file = _Files(
            self._cache_path, self._impl.filename_base, self._impl.locator.get_source_stamp()
        )

    def load_overload(self, signature: object, target: Any) -> Any:
        # Not numba's own method: it first tells the compiler all that numba can compile, which
        # takes .3 s and machine code that is ready does not need. The runtime it does need.
        try:
            rtsys.initialize(target)
            return self._load_overload(signature, target)
        except Exception:  # absent, cut short, of another build: compiling mends all of these
            return None

    def save_overload(self, signature: object, compiled: Any) -> None:
        try:
            super().save_overload(signature, compiled)
        except OSError as error:  # a full disk, a folder that is gone
            _say_once(f"{self._cache_path}: {error.strerror}")


def _kept(compiled: Any) -> Any:
    """Let a compiled function keep its machine code, if there is a place for it."""
    if kept_in() is not None:
        compiled._cache = _Kept(compiled.py_func)
    else:
        _say_once("no folder for compiled kernels can be written")
    return compiled


@cache
def _say_once(reason: str) -> None:
    sys.stderr.write(
        f"tastemap: {reason}; kernels are compiled anew in each process, which takes seconds "
        "(set NUMBA_CACHE_DIR to a folder that you may write to)\n"
    )
