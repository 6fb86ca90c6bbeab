"""The second process that compiles from the other end: what it compiles, and when it ends."""

import os
import subprocess
import sys

import pytest

import forms
from tastemap.kernels import ahead
from tastemap.kernels.workers import threads


def helper(code, **options):
    """A process like the second one, with something in it replaced by `code`."""
    code = f"import time; from tastemap.kernels import ahead; {code}; ahead.compile_backwards()"
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    return subprocess.Popen([sys.executable, "-c", code], text=True, **pipes, **options)


@pytest.fixture
def started(monkeypatch):
    """The second processes, of an installation in which nothing is compiled yet."""
    found = []
    start = ahead._started
    monkeypatch.setattr(ahead, "absent", lambda kernels: kernels)
    monkeypatch.setattr(ahead, "n_threads", lambda: 2)
    monkeypatch.setattr(ahead, "_started", lambda: found.append(start()) or found[-1])
    return found


def test_the_table_holds_what_a_run_calls_and_nothing_else(tmp_path):
    env = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
    with helper("ahead._end_with_input = lambda: None", env=env) as process:
        assert process.wait(timeout=200) == 0
    asked = forms.watched_run(env)
    table = ahead.FORMS.read_text(encoding="utf-8").splitlines()
    assert {form for form, _ in asked} == set(table), "run: python tests/forms.py"
    assert all(kept for _, kept in asked)  # under the very types that a run asks for


def test_a_line_that_fits_no_kernel_does_not_stop_the_others(tmp_path):
    lines = [("sums._term", "(float64, float64, bool)"), ("sums._term", "()"), ("sums.gone", "()")]
    env = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
    with helper(f"ahead._end_with_input = lambda: None; ahead.forms = lambda: {lines}", env=env):
        pass
    (kept,) = tmp_path.rglob("*.nbc")
    assert kept.name.startswith("sums._term-")
    code = "from tastemap.kernels.jit import absent; print(absent(['sums._term', 'sums._cut']))"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("{'sums._cut'}\n", "")


def test_the_second_process_ends_when_its_input_does():
    with helper("ahead.forms = lambda: print('ready', flush=True) or time.sleep(600)") as process:
        assert process.stdout.readline() == "ready\n"
        process.stdin.close()
        assert process.wait(timeout=60) == 0


def test_the_second_process_ends_with_the_block(started):
    with ahead.compiled_ahead():
        assert started[0].returncode is None
    assert started[0].returncode is not None


def test_the_second_process_ends_with_a_block_that_fails(started):
    with pytest.raises(KeyboardInterrupt), ahead.compiled_ahead():
        raise KeyboardInterrupt
    assert started[0].returncode is not None


def test_none_is_started_on_one_thread_or_where_nothing_can_be_kept_or_much_is(
    started, monkeypatch
):
    for name, value in (
        ("n_threads", lambda: 1),
        ("kept_in", lambda: None),
        ("absent", lambda kernels: sorted(kernels)[: len(kernels) // 2]),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(ahead, name, value)
            with ahead.compiled_ahead():
                assert started == []


def test_threads_of_the_caller_count():
    with threads(1):
        assert not ahead._pays()


def test_a_program_that_is_not_python_is_not_started_anew(started, monkeypatch):
    for program in ("/usr/bin/studio", "", None):
        monkeypatch.setattr(sys, "executable", program)
        with ahead.compiled_ahead():
            pass
    assert started == [None, None, None]


def test_where_no_process_may_be_started_the_block_runs_alone(started, monkeypatch):
    def refused(*_, **__):
        raise PermissionError(1, "not here")

    monkeypatch.setattr(subprocess, "Popen", refused)
    with ahead.compiled_ahead():
        pass
    assert started == [None]
