"""Named streams are independent; one call seeds everything else."""

import os
import random
import subprocess
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tastemap.errors import UsageError
from tastemap.seeding import seed_everything, stream

NAMES = st.one_of(st.text(max_size=6), st.integers(0, 2**32 - 1))


def first(seed, *names):
    """The first numbers of a stream."""
    return stream(seed, *names).integers(2**63, size=4).tolist()


@given(st.integers(0, 2**64), st.lists(NAMES, max_size=3))
def test_a_stream_depends_on_its_seed_and_names_alone(seed, names):
    before = first(seed, *names)
    stream(seed, "another").random(100)
    np.random.default_rng(1).random(5)
    assert first(seed, *names) == before


def test_streams_of_other_seeds_or_names_differ():
    asked = [(1,), (2,), (1, "a"), (1, "b"), (1, "a", "b"), (1, "b", "a"), (1, "a", 1), (1, "a", 2)]
    assert len({tuple(first(*one)) for one in asked}) == len(asked)


def test_streams_are_not_shifted_copies_of_each_other():
    long = [stream(7, "walk", n).random(2000) for n in range(2)]
    assert abs(np.corrcoef(long)[0, 1]) < 0.08  # 3.6 standard errors of an independent pair
    assert not set(long[0]) & set(long[1])


def test_a_stream_is_the_same_in_another_process():
    code = "from tastemap.seeding import stream; print(stream(3, 'x', 4).integers(2**63))"
    runs = [
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": hash_seed},
        ).stdout
        for hash_seed in ("1", "2")
    ]
    assert runs == [f"{stream(3, 'x', 4).integers(2**63)}\n"] * 2


def test_a_stream_is_a_counter_based_generator():
    assert type(stream(1).bit_generator).__name__ == "Philox"


def test_a_negative_seed_is_refused():
    with pytest.raises(UsageError) as caught:
        stream(-1, "x")
    assert str(caught.value) == (
        "seed -1\n  allowed: a whole number from 0 on\n  to do:   pass seed=42, say"
    )


@pytest.fixture
def restored():
    """Python's and NumPy's own generators are put back afterwards."""
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002
    yield
    random.setstate(python)
    np.random.set_state(numpy)  # noqa: NPY002


@pytest.fixture
def no_torch(monkeypatch):
    monkeypatch.setattr("tastemap.seeding.find_spec", lambda name: None)


@pytest.fixture
def torch(monkeypatch):
    """A stand-in for torch that notes what it is told."""
    told = {}
    fake = ModuleType("torch")
    fake.__spec__ = ModuleSpec("torch", None)
    fake.manual_seed = lambda seed: told.update(seed=seed)
    fake.use_deterministic_algorithms = lambda on: told.update(deterministic=on)
    fake.backends = SimpleNamespace(cudnn=SimpleNamespace(deterministic=None, benchmark=None))
    fake.told = told
    monkeypatch.setitem(sys.modules, "torch", fake)
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", "unset by the test")
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG")
    return fake


DRAWN = """
import random, sys
import numpy as np
from tastemap import seeding
seeding.find_spec = lambda name: None
said = seeding.seed_everything(int(sys.argv[1]))
print(*said, random.random(), np.random.random())
"""


@pytest.mark.parametrize("seed", [0, 7, 2**32 - 1, 2**40 + 3])
def test_python_and_numpy_are_seeded(seed):
    # In a process of its own: the type checks of this one draw from Python's generator as well.
    done = subprocess.run(
        [sys.executable, "-c", DRAWN, str(seed)], capture_output=True, text=True, check=True
    )
    python, numpy = random.Random(seed).random(), np.random.RandomState(seed % 2**32).random()
    assert done.stdout == f"python numpy {python} {numpy}\n"


def test_torch_is_seeded_and_made_repeatable(restored, torch):
    assert seed_everything(7) == ("python", "numpy", "torch")
    assert torch.told == {"seed": 7, "deterministic": True}
    assert torch.backends.cudnn.deterministic is True
    assert torch.backends.cudnn.benchmark is False
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"


def test_torch_may_stay_fast(restored, torch):
    seed_everything(7, deterministic=False)
    assert torch.told == {"seed": 7}
    assert torch.backends.cudnn.deterministic is False
    assert torch.backends.cudnn.benchmark is True
    assert "CUBLAS_WORKSPACE_CONFIG" not in os.environ


def test_torch_is_not_imported_where_it_is_not_installed(restored, no_torch, monkeypatch):
    real = __import__

    def guarded(name, *given, **options):
        assert name.split(".")[0] != "torch"
        return real(name, *given, **options)

    monkeypatch.setattr("builtins.__import__", guarded)
    assert "torch" not in seed_everything(1)
