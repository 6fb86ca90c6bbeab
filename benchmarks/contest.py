"""What all tables share: competitors' environments, a process a side, taking turns, the spread.

A side is a process that reads a job a line (JSON) and answers a line. Two sides take turns, so
that a slow spell of the machine meets both; what counts is the ratio within a pair.
"""

import json
import os
import subprocess
import sys
import tempfile
import venv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
RIVALS = HERE / ".rivals"
THREADS = 2

PINS = {
    "implicit": ["implicit==0.7.3", "pandas==3.1.1", "pyarrow==26.0.1"],
    "rectools": ["rectools==0.19.0"],
    "rectools-torch": ["torch==2.13.0", "rectools[torch]==0.19.0"],
    "ranx": ["ranx==0.3.21"],
    "scikit-learn": ["scikit-learn==1.9.1"],
}
"""Competitors and their versions; each gets an environment of its own."""


def hold_cores() -> None:
    """Keep this process and its children on two cores, whatever the machine has."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:THREADS])


def rival(name: str) -> Path:
    """The Python of a competitor's environment, which is installed once."""
    folder = RIVALS / name
    python, stamp = folder / "bin" / "python", folder / "installed"
    if stamp.exists() and stamp.read_text() == " ".join(PINS[name]):
        return python
    sys.stderr.write(f"installing {' '.join(PINS[name])}\n")
    venv.create(folder, with_pip=True, clear=True)
    install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([str(part) for part in [*install, *PINS[name]]], check=True)
    stamp.write_text(" ".join(PINS[name]))
    return python


def environment_of(side: str) -> dict[str, str]:
    """What a side's process sees: two threads everywhere; implicit asks for one in BLAS.

    Python may keep its own compiled files, as it does unless told otherwise: pip has written those
    of the competitors, and a checkout would be compiled anew in each process.
    """
    n = str(THREADS)
    blas = "1" if side == "implicit" else n
    usual = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    return usual | {
        "OPENBLAS_NUM_THREADS": blas,
        "MKL_NUM_THREADS": blas,
        "OMP_NUM_THREADS": n,
        "NUMBA_NUM_THREADS": n,
        "PYTHONWARNINGS": "ignore",
    }


class Side:
    """A worker process and its answers."""

    def __init__(self, worker: str, name: str, *arguments: Path | str) -> None:
        python = rival(name) if name in PINS else Path(sys.executable)
        self.name = name
        self.process = subprocess.Popen(
            [str(part) for part in (python, HERE / worker, name, *arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment_of(name),
        )
        self.version = self._answer()["version"]

    def do(self, job: dict) -> dict:
        """Send a job, wait, return what it measured."""
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()
        return self._answer()

    def close(self) -> None:
        """End the process."""
        self.process.stdin.close()
        self.process.wait()

    def _answer(self) -> dict:
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"the worker of {self.name} ended before it answered")
        return json.loads(line)


@dataclass(frozen=True)
class Spread:
    """The middle of several numbers, their ends, and how many they are."""

    median: float
    lowest: float
    highest: float
    n: int

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Of one number or more."""
        return cls(float(np.median(values)), float(min(values)), float(max(values)), len(values))

    def ratio(self) -> str:
        """As the page shows it."""
        ends = f"{self.lowest:.2f} to {self.highest:.2f}, " if self.n > 1 else ""
        return f"**{self.median:.2f}** ({ends}{self.n} pair{'s' if self.n > 1 else ''})"


def take_turns(runs: Sequence[Callable[[int], dict]], pairs: int) -> list[list[dict]]:
    """Call all sides' runs, interleaved; the answers pair by pair, in the order of the sides.

    They also take turns at who is first.
    """
    found = []
    for pair in range(pairs):
        order = list(range(len(runs)))[:: 1 if pair % 2 == 0 else -1]
        answers = {which: runs[which](pair) for which in order}
        found.append([answers[which] for which in range(len(runs))])
    return found


def ratios(answers: list[list[dict]], what: str = "seconds") -> Spread:
    """How many times more the second side takes than the first, pair by pair."""
    return Spread.of([theirs[what] / ours[what] for ours, theirs in answers])


def middle(answers: list[list[dict]], side: int, what: str = "seconds") -> float:
    """The median of what one side measured."""
    return float(np.median([pair[side][what] for pair in answers]))


def run_fresh(command: Sequence[Path | str], side: str, **extra: str) -> dict:
    """Run a whole process: its seconds from start to end and its highest memory in bytes."""
    with tempfile.NamedTemporaryFile(suffix=".json") as report:
        launcher = [sys.executable, "-I", "-S", HERE / "launch.py", *command]
        subprocess.run(
            [str(part) for part in launcher],
            env=environment_of(side) | extra | {"LAUNCHED": report.name},
            check=True,
        )
        found = json.loads(Path(report.name).read_text())
    if found["code"]:
        raise SystemExit(f"{' '.join(map(str, command))} failed")
    return found


def seconds(value: float) -> str:
    """A duration with three figures.

    >>> seconds(0.0123), seconds(2.345), seconds(61.4)
    ('12.3 ms', '2.35 s', '61.4 s')
    """
    if value < 1:
        return f"{1000 * value:.3g} ms"
    return f"{value:.3g} s"


def serve(contestant: object, version: str) -> None:
    """The worker's loop: a job names a method and its arguments; the answer is what it returns."""
    print(json.dumps({"version": version}), flush=True)
    for line in sys.stdin:
        job = json.loads(line)
        print(json.dumps(getattr(contestant, job.pop("what"))(**job)), flush=True)
