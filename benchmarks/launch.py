"""Run a command and print its seconds, its highest memory and its exit code, as JSON.

A program of its own because a child's highest memory counts what its parent held when it was
started: this one holds next to nothing.
"""

import json
import os
import sys
import time

start = time.perf_counter()
child = os.spawnvpe(os.P_NOWAIT, sys.argv[1], sys.argv[1:], os.environ)
_, status, usage = os.wait4(child, 0)
seconds = time.perf_counter() - start
unit = 1 if sys.platform == "darwin" else 1024
found = {"seconds": seconds, "peak": usage.ru_maxrss * unit, "code": status}
with open(os.environ["LAUNCHED"], "w", encoding="utf-8") as file:
    json.dump(found, file)
