"""Where a network is trained: the device, its threads, its randomness, and what to do when memory
ends.

Each call into torch runs on one thread; several threads share a batch by parts (see `loop`). How
torch would cut a sum among threads of its own changes the last bits; and a step is made of hundreds
of short calls, for which its threads wait longer than they work.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from threading import RLock
from zlib import crc32

import torch

from tastemap.errors import InputError, UsageError
from tastemap.kernels.workers import hold, one_blas_thread

DEVICES = ("auto", "cpu", "cuda", "mps")


def device_of(asked: str) -> torch.device:
    """The device of this name; "auto" is a CUDA GPU where there is one, else the CPU.

    Errors
    ------
    UsageError
        A GPU was asked for and none is there.
    """
    there = {
        "cpu": True,
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
    }
    if asked == "auto":
        return torch.device("cuda" if there["cuda"] else "cpu")
    if not there.get(asked, False):
        found = ", ".join(name for name, able in there.items() if able)
        raise UsageError(
            f"device={asked!r}",
            f"one of: auto, {found} (what torch {torch.__version__} finds here)",
            "pass device='auto', or install a build of torch for this GPU",
        )
    return torch.device(asked)


class _Torch:
    """What `workers.hold` wants to know: torch's threads are one setting with those of BLAS.

    torch has a number for the process and one for each Python thread that has called it. Setting
    them empties caches, so nothing is set that is so already.
    """

    filepath = "torch"

    def __init__(self) -> None:
        self.of_process = torch.get_num_threads()

    @property
    def num_threads(self) -> int:
        return torch.get_num_threads()

    def set_num_threads(self, n: int) -> None:
        if n != self.of_process or n != torch.get_num_threads():
            torch.set_num_threads(n)
            self.of_process = n


hold(_Torch())
_SEEDING = RLock()


@contextmanager
def quietly_seeded(seed: int, *names: str | int) -> Iterator[None]:
    """Seed torch from a seed and names within the block; its own state comes back afterwards.

    There is one state a process, so one Python thread at a time may be in here.
    """
    devices = list(range(torch.cuda.device_count()))
    with _SEEDING, torch.random.fork_rng(devices=devices), one_blas_thread():
        torch.manual_seed(_mixed(seed, names))
        yield


_DRAWS: ContextVar[torch.Generator | None] = ContextVar("draws", default=None)


@contextmanager
def drawing(seed: int, *names: str | int) -> Iterator[None]:
    """Let `draws` give a generator of a seed and names, in this Python thread alone."""
    before = _DRAWS.set(torch.Generator().manual_seed(_mixed(seed, names)))
    try:
        yield
    finally:
        _DRAWS.reset(before)


def draws() -> torch.Generator | None:
    """What dropout and negatives are drawn from on a CPU; None: from torch's own state."""
    return _DRAWS.get()


def _mixed(seed: int, names: tuple[str | int, ...]) -> int:
    return (crc32(repr((seed, *names)).encode()) ^ (seed << 32)) % 2**63


@contextmanager
def telling_of_memory(remedy: str) -> Iterator[None]:
    """Turn torch's messages of memory that ran out into an error that names the knob."""
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
        said = str(error) or type(error).__name__  # Python's own MemoryError says nothing
        ran_out = isinstance(error, torch.OutOfMemoryError | MemoryError)
        if not ran_out and "not enough memory" not in said and "alloc" not in said:
            raise
        raise InputError(
            f"a step that needs more memory than there is ({said.splitlines()[0][:120]})",
            "batches that fit",
            remedy,
        ) from error
