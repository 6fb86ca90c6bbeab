"""Where compiled kernels are kept, in a small package of two kernels and the real `jit`."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tastemap.kernels import jit

INNER = """
from tastemap.kernels.jit import exact

@exact
def inner(x):
    return x + 1
"""

OUTER = """
from tastemap.kernels.inner import inner
from tastemap.kernels.jit import exact

@exact
def outer(x):
    return 2 * inner(x)
"""

CALL = """
import sys
from tastemap.kernels.jit import kept_in
from tastemap.kernels.outer import outer
print("ready", flush=True)
sys.stdin.readline()
value = [outer(kind(3)) for kind in map({"i": int, "f": float}.get, sys.argv[1])]
hits, misses = outer.stats.cache_hits, outer.stats.cache_misses
print(value, sum(hits.values()), sum(misses.values()), kept_in())
"""


class Package:
    """A copy of what `jit` needs with two kernels of its own, and where it may write."""

    def __init__(self, folder):
        self.kernels = folder / "site" / "tastemap" / "kernels"
        self.beside = self.kernels / "__pycache__"
        self.user, self.chosen = folder / "user", folder / "chosen"
        self.env = os.environ | {
            "PYTHONPATH": str(folder / "site"),
            "PYTHONDONTWRITEBYTECODE": "1",
            "XDG_CACHE_HOME": str(self.user),
            "LOCALAPPDATA": str(self.user),
            "NUMBA_CACHE_DIR": "",
        }

    def build(self):
        self.kernels.mkdir(parents=True)
        real = Path(jit.__file__).parent
        for name in ("jit.py", "workers.py"):
            shutil.copy(real / name, self.kernels)
        shutil.copy(real.parent / "errors.py", self.kernels.parent)
        (self.kernels.parent / "__init__.py").touch()
        (self.kernels / "__init__.py").touch()
        self.write("inner", INNER)
        self.write("outer", OUTER)
        return self

    def write(self, name, source):
        (self.kernels / f"{name}.py").write_text(source)

    def start(self, kinds, script=CALL):
        """A process that waits, once all is imported, until `finish`."""
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        command = [sys.executable, "-c", script, kinds]
        return subprocess.Popen(command, env=self.env, text=True, **pipes)

    def call(self, kinds="i", script=CALL):
        return finish(self.start(kinds, script))


def finish(process):
    """(values, loaded, compiled, folder) and what stood on stderr."""
    out, said = process.communicate("go\n", timeout=60)
    assert process.returncode == 0, said
    values, numbers = out.removeprefix("ready\n").strip().split("] ")
    loaded, compiled, folder = numbers.split(" ", 2)
    return f"{values}]", int(loaded), int(compiled), folder, said


@pytest.fixture
def package(tmp_path):
    return Package(tmp_path).build()


@pytest.fixture(scope="module")
def first_use(tmp_path_factory):
    """A package of which everything was called once, and what that gave."""
    package = Package(tmp_path_factory.mktemp("first-use")).build()
    return package, package.call()


@pytest.fixture
def used(first_use, tmp_path):
    """A copy of the package that was used, with what it has kept."""
    shutil.copytree(first_use[0].kernels.parents[1], tmp_path / "site")
    return Package(tmp_path)


def test_processes_that_compile_into_one_empty_folder_at_once_leave_all_their_work(package):
    package.env["NUMBA_CACHE_DIR"] = str(package.chosen)
    both = [package.start(kinds) for kinds in ("i", "f")]
    for process in both:
        assert process.stdout.readline() == "ready\n"
    for process in both:
        process.stdin.write("go\n")
        process.stdin.flush()  # to both before either is waited for
    for process, value in zip(both, ("[8]", "[8.0]"), strict=True):
        out, said = process.communicate(timeout=60)
        assert (process.returncode, said) == (0, "")
        assert out.startswith(f"{value} 0 1 {package.chosen}")
    values, loaded, compiled, _, said = package.call("if")
    assert (values, loaded, compiled, said) == ("[8, 8.0]", 2, 0, "")
    (folder,) = package.chosen.iterdir()
    assert all(file.suffix == ".nbc" for file in folder.iterdir())  # nothing half-written is left


def test_where_nothing_can_be_written_kernels_are_compiled_and_it_is_said_once(package):
    package.env["NUMBA_CACHE_DIR"] = str(package.chosen)
    for place in (package.chosen, package.user, package.beside):
        place.touch()  # a file: not even root can make a folder of it
    values, loaded, compiled, folder, said = package.call()
    assert (values, loaded, compiled, folder) == ("[8]", 0, 1, "None")
    assert said.count("\n") == 1
    assert said.startswith("tastemap: no folder for compiled kernels can be written; kernels")
    assert "set NUMBA_CACHE_DIR to a folder that you may write to" in said


def test_kernels_are_kept_beside_the_source(first_use):
    package, found = first_use
    assert found == ("[8]", 0, 1, str(package.beside), "")
    assert len(kept_files(package)) == 2


def test_kernels_are_kept_in_the_folder_of_the_user_if_it_cannot_be_beside_the_source(package):
    package.beside.touch()
    _, loaded, compiled, folder, said = package.call()
    assert (loaded, compiled, said) == (0, 1, "")
    assert Path(folder).parent == package.user / "tastemap"
    assert len(list(Path(folder).glob("*.nbc"))) == 2


def kept_files(package):
    return {file.name: file.stat().st_size for file in package.beside.iterdir()}


def test_a_kernel_is_compiled_anew_if_one_that_it_calls_has_changed(used):
    before = kept_files(used)
    used.write("inner", INNER.replace("x + 1", "x + 10"))
    assert used.call()[:3] == ("[26]", 0, 1)
    after = kept_files(used)
    assert len(after) == 2
    assert not after.keys() & before.keys()  # what was made of the older source is gone


def test_a_damaged_file_is_compiled_over(used):
    before = kept_files(used)
    (damaged,) = used.beside.glob("outer*.nbc")
    damaged.write_bytes(damaged.read_bytes()[:100])
    assert used.call()[:3] == ("[8]", 0, 1)
    after = kept_files(used)
    assert after.keys() == before.keys()
    assert min(after.values()) > 1000


def test_a_folder_that_is_gone_by_the_time_of_writing_is_said_once_and_does_no_harm(package):
    gone = "import shutil; shutil.rmtree(kept_in()); kept_in().touch()\nvalue ="
    *found, said = package.call("if", script=CALL.replace("value =", gone))
    assert found[:3] == ["[8, 8.0]", 0, 2]
    assert said.count("\n") == 1
    assert said.startswith(f"tastemap: {package.beside}: ")


ROOM = """
import numpy as np
from tastemap.kernels.jit import exact

@exact
def outer(n):
    return np.empty(n).size
"""

CALL_ROOM = CALL.replace(
    "value =",
    """
try:
    outer(1 << 50)
except MemoryError as error:
    refused = str(error)
print(refused, "numba.np.arrayobj" in sys.modules, flush=True)
value =""",
)


def test_a_kernel_that_takes_memory_is_loaded_without_the_module_that_numba_takes_it_with(package):
    package.write("outer", ROOM)
    for compiled in (True, False):
        process = package.start("i", CALL_ROOM)
        out, said = process.communicate("go\n", timeout=60)
        assert said == ""
        refused, found = out.splitlines()[1:]
        assert refused == f"Allocation failed (probably too large). {compiled}"
        assert found.startswith("[3] 0 1" if compiled else "[3] 1 0")


FITS = """
import hashlib, sys
import tastemap as tm
log = tm.synthetic.taste_groups(users=600, items=300, per_user=25)
small = {"factors": 24, "epochs": 2}
recipes = {
    "cg": tm.ALS(**small), "exact": tm.ALS(**small, solver="cholesky"), "bpr": tm.BPR(**small)
}
for name in sys.argv[1].split(","):
    model = recipes[name].fit(log, seed=1)
    both = model.user_vectors.tobytes() + model.item_vectors.tobytes()
    print(name, hashlib.sha256(both).hexdigest())
"""


def test_compiling_and_loading_in_any_order_give_the_same_bits(tmp_path):
    env = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}

    def bits(order):
        command = [sys.executable, "-c", FITS, order]
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
        return set(done.stdout.splitlines())

    compiled = bits("cg,exact,bpr")
    assert len(compiled) == 3
    assert bits("cg,exact,bpr") == compiled
    assert bits("bpr,exact,cg") == compiled
