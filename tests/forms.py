"""The forms of kernels that a run calls, found by watching one. Writes them where `ahead` reads.

python tests/forms.py
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from tastemap.kernels.ahead import FORMS

WATCHED_RUN = """
import sys
import tastemap as tm
from tastemap.kernels import jit
from tastemap.story import tell

def load_overload(self, types, target):
    found = loaded(self, types, target)
    print(self._impl.filename_base.partition("-")[0], types, found is not None)
    return found

loaded, jit._Kept.load_overload = jit._Kept.load_overload, load_overload
log = tm.synthetic.taste_groups(users=120, items=60, per_user=14)
tell(log, sys.argv[1])
"""


def watched_run(env):
    """Every form that a run asks for, as (line of the table, was it kept already?)."""
    with tempfile.TemporaryDirectory() as out:
        command = [sys.executable, "-W", "error", "-c", WATCHED_RUN, out]
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    rows = [line.rpartition(" ") for line in done.stdout.splitlines()]
    return [(short(form), kept == "True") for form, _, kept in rows]


def short(form):
    """numba's way of writing types, with arrays as numba's own strings of types have them.

    >>> short("als.f (Array(int32, 2, 'C', False, aligned=True), int64)")
    'als.f (int32[:, ::1], int64)'
    """
    array = r"Array\((\w+), (\d), 'C', False, aligned=True\)"
    return re.sub(array, lambda found: f"{found[1]}[{':, ' * (int(found[2]) - 1)}::1]", form)


def main():
    """A run that finds all kept asks only for what is called from Python, in its order."""
    with tempfile.TemporaryDirectory() as kept:
        env = os.environ | {"NUMBA_CACHE_DIR": kept}
        watched_run(env)
        asked = [form for form, _ in watched_run(env)]
    Path(FORMS).write_text("\n".join(dict.fromkeys(asked)) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
