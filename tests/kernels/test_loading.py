"""numba imported beside other work, each case in a process that has not loaded it yet."""

import json
import subprocess
import sys

JOB = """
import gc, json, sys, threading
from tastemap.kernels.loading import numba_loaded
{before}
with numba_loaded():
    beside = threading.active_count()
{after}
found = {{
    "beside": beside, "threads": threading.active_count(), "there": "numba" in sys.modules,
    "collects": gc.isenabled(), "aside": gc.get_freeze_count(),
}}
print(json.dumps(found))
"""


def loaded(before="", after=""):
    code = JOB.format(before=before, after=after)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert done.stderr == b""
    return json.loads(done.stdout)


def test_numba_comes_on_a_thread_that_ends_with_the_block():
    found = loaded()
    assert found["beside"] == 2
    assert found["threads"] == 1
    assert found["there"]


def test_its_objects_are_out_of_the_collectors_sight():
    found = loaded()
    assert found["aside"] > 20_000
    assert found["collects"]


def test_nothing_is_set_aside_where_a_user_has_much():
    assert loaded("mine = [[] for _ in range(60_000)]")["aside"] == 0


def test_nor_where_numba_was_there_before():
    found = loaded("import numba")
    assert found["there"]
    assert found["collects"]
    assert found["aside"] == 0


def test_a_collector_that_was_off_stays_off():
    assert not loaded("gc.disable()")["collects"]


def test_garbage_from_before_is_freed_not_kept():
    before = """
import weakref
class Node: pass
gc.disable()
node = Node()
node.me = node
gone = weakref.ref(node)
del node"""
    loaded(before, after="assert gone() is None")


def test_a_numba_that_cannot_be_imported_is_left_to_whoever_needs_it():
    found = loaded("sys.modules['llvmlite'] = None")
    assert not found["there"]
    assert found["collects"]
