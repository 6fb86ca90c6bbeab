"""Randomness as an argument: one seed, independent named streams, and one call that seeds all."""

import operator
import os
import random
from importlib.util import find_spec
from typing import SupportsIndex
from zlib import crc32

import numpy as np

from tastemap.errors import UsageError


def require_seed(seed: SupportsIndex) -> int:
    """Return `seed` as a Python int if it can be a seed, else raise.

    >>> require_seed(np.int64(3))
    3
    """
    try:
        found = operator.index(seed)
    except TypeError:
        found = -1
    if found < 0:
        raise UsageError(f"seed {seed}", "a whole number from 0 on", "pass seed=42, say")
    return int(found)


def stream(seed: int, *names: str | int) -> np.random.Generator:
    """A generator that depends on the seed and these names alone, not on what was drawn before.

    >>> bool(stream(1, "split").integers(100) == stream(1, "split").integers(100))
    True
    >>> bool(stream(1, "split").integers(2**60) == stream(1, "init").integers(2**60))
    False
    """
    seed = require_seed(seed)
    words = [name if isinstance(name, int) else crc32(name.encode()) for name in names]
    return np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, *words])))


def seed_everything(seed: int, deterministic: bool = True) -> tuple[str, ...]:
    """Seed Python, NumPy's legacy generator and, if it is installed, torch.

    tastemap itself never draws from these: every `fit` takes its own seed. This is for the code
    around it. With `deterministic`, torch is told to use repeatable algorithms only (cuDNN
    without benchmarking, cuBLAS with a fixed workspace). Returns the names of what was seeded.

    >>> seed_everything(7)[:2]
    ('python', 'numpy')
    """
    seed = require_seed(seed)
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002 - the legacy generator is what other code draws from
    seeded = ("python", "numpy")
    if find_spec("torch") is None:
        return seeded
    import torch

    torch.manual_seed(seed)  # seeds every CUDA device as well
    if deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.deterministic = deterministic
    torch.backends.cudnn.benchmark = not deterministic
    return (*seeded, "torch")
