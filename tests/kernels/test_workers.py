"""Work dealt out to threads, and who may use how many of them."""

import os
import subprocess
import sys
import threading
import time
from contextvars import copy_context

import numba
import pytest
import scipy.linalg  # noqa: F401 - so that its BLAS is loaded, too
from threadpoolctl import threadpool_info, threadpool_limits

from tastemap.errors import UsageError
from tastemap.kernels.workers import deal, n_threads, one_blas_thread, shares, threads

LONG = 20
"""Seconds after which a test that waits for another thread gives up."""


@pytest.fixture(autouse=True)
def eight_cores(monkeypatch):
    """What is dealt out here waits more than it works: the cores of the machine do not matter."""
    monkeypatch.setattr(numba.config, "NUMBA_NUM_THREADS", 8)


@pytest.fixture
def five_blas_threads():
    with threadpool_limits(5, user_api="blas"):
        yield


def blas_threads():
    """The number of threads of each BLAS library; they all have the same."""
    (number,) = {one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"}
    return number


def in_thread(work, context=None):
    """The result of `work()` in a new Python thread."""
    found = []
    run = threading.Thread(target=lambda: found.append(context.run(work) if context else work()))
    run.start()
    run.join(LONG)
    return found[0]


def test_results_stand_in_the_order_of_the_parts_whoever_is_done_first():
    second_done = threading.Event()

    def work(part):
        if part == 0:
            assert second_done.wait(LONG)  # so the first part is done last
        if part == 9:
            second_done.set()
        return 10 * part

    with threads(2):
        assert deal(work, range(10)) == [10 * part for part in range(10)]


def test_as_many_parts_are_worked_on_at_once_as_there_are_threads():
    meeting = threading.Barrier(4)
    with threads(4):
        deal(lambda part: meeting.wait(LONG), range(8))  # breaks unless four come together
    inside, most, lock = 0, 0, threading.Lock()

    def work(part):
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
        time.sleep(0.01)
        with lock:
            inside -= 1

    with threads(3):
        deal(work, range(12))
    assert most == 3


def test_nothing_is_made_of_no_parts():
    assert deal(lambda part: part, []) == []


@pytest.mark.parametrize("n", [1, 2])
def test_of_several_errors_that_of_the_first_part_is_raised(n):
    later_failed, begun = threading.Event(), []

    def work(part):
        begun.append(part)
        if part == 1 and n == 2:
            assert later_failed.wait(LONG)
        if part == 2:
            later_failed.set()
        if part >= 1:
            raise ValueError(f"part {part}")

    with threads(n), pytest.raises(ValueError, match="part 1"):
        deal(work, range(1000))
    assert len(begun) < 10  # an error ends the work
    assert n_threads() == 8


def test_work_that_is_dealt_out_within_work_runs_in_the_thread_that_deals_it():
    def inner(part):
        return part, n_threads(), threading.get_ident()

    def outer(part):
        return threading.get_ident(), deal(inner, range(5))

    with threads(4):
        for thread, within in deal(outer, range(6)):
            assert within == [(part, 1, thread) for part in range(5)]
        assert n_threads() == 4  # also after the dealing thread has taken part


def test_a_single_part_may_use_all_threads():
    with threads(4):
        assert deal(lambda part: n_threads(), ["all of it"]) == [4]


def test_blas_runs_on_one_thread_within_work_and_as_before_after_it(five_blas_threads):
    for n in (1, 3):
        with threads(n):
            assert deal(lambda part: blas_threads(), range(4)) == [1] * 4
    assert blas_threads() == 5

    def fail(part):
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        deal(fail, range(4))
    assert blas_threads() == 5


def test_threads_are_all_cores_unless_fewer_are_asked_for():
    assert n_threads() == 8
    with threads(99):
        assert n_threads() == 8
    with threads(3):
        assert n_threads() == 3
        with threads(2):
            assert n_threads() == 2
        assert n_threads() == 3
    assert n_threads() == 8


@pytest.mark.parametrize("n", [0, -2])
def test_less_than_one_thread_is_refused(n):
    said = rf"(?s)threads\({n}\).*a whole number from 1 on.*write threads\(1\)"
    with pytest.raises(UsageError, match=said), threads(n):
        pass
    assert n_threads() == 8


def test_the_number_of_threads_belongs_to_the_python_thread_that_sets_it():
    with threads(2):
        assert in_thread(n_threads) == 8
        assert in_thread(n_threads, copy_context()) == 2
        entered, leave = threading.Event(), threading.Event()

        def another():
            with threads(3):
                entered.set()
                leave.wait(LONG)
                return n_threads()

        found = []
        other = threading.Thread(target=lambda: found.append(another()))
        other.start()
        assert entered.wait(LONG)
        assert n_threads() == 2
        leave.set()
        other.join(LONG)
        assert found == [3]


def test_blas_runs_on_one_thread_within_work_of_any_python_thread(five_blas_threads):
    def work():
        return deal(lambda part: blas_threads(), range(4))

    with threads(3):
        assert in_thread(work) == [1] * 4
    assert in_thread(work) == [1] * 4
    assert blas_threads() == 5


def test_blas_has_the_lowest_number_that_is_asked_for_in_any_thread(five_blas_threads):
    first_in, second_in, first_out = (threading.Event() for _ in range(3))
    seen = {}

    def first():
        with threads(2):
            seen["first in"] = blas_threads()
            first_in.set()
            second_in.wait(LONG)
        seen["first out"] = blas_threads()
        first_out.set()

    other = threading.Thread(target=first)
    other.start()
    assert first_in.wait(LONG)
    with threads(3):  # entered second, and left second
        seen["both in"] = blas_threads()
        second_in.set()
        assert first_out.wait(LONG)
    other.join(LONG)
    assert seen == {"first in": 2, "both in": 2, "first out": 3}
    assert blas_threads() == 5


def test_blas_has_its_own_number_again_if_the_block_entered_first_is_left_first(
    five_blas_threads,
):
    entered, leave = threading.Event(), threading.Event()

    def second():
        with threads(3):
            entered.set()
            leave.wait(LONG)

    other = threading.Thread(target=second)
    with threads(2):
        other.start()
        assert entered.wait(LONG)
    held = blas_threads()
    leave.set()
    other.join(LONG)
    assert (held, blas_threads()) == (3, 5)


def test_blas_is_never_given_more_threads_than_it_had(five_blas_threads):
    with threads(7):
        assert blas_threads() == 5
        with one_blas_thread():
            assert blas_threads() == 1
        assert blas_threads() == 5


@pytest.mark.parametrize(("n", "most"), [(0, 64), (1, 64), (10, 64), (1000, 64), (1000, 8)])
@pytest.mark.parametrize("cost", [0, 499_999, 500_000, 3_000_000, 10**9])
def test_shares_are_all_rows_in_order_cut_into_as_many_parts_as_they_cost(n, cost, most):
    parts = shares(n, cost, most)
    assert [row for part in parts for row in range(n)[part]] == list(range(n))
    sizes = [part.stop - part.start for part in parts]
    assert len(sizes) == min(n, most, 1 + cost // 500_000)
    assert max(sizes, default=0) - min(sizes, default=0) <= 1


FOUR_AT_ONCE = """
import threading
from tastemap import BPR
from worlds import noise

log, _ = noise(users=600, items=4000)

def learn_and_recommend():
    model = BPR(factors=9, epochs=2).fit(log, seed=1)
    listed = model.recommend(k=10)
    return model.item_vectors.tobytes(), listed["item"].tolist(), listed["score"].tobytes()

alone = learn_and_recommend()
together, start = [], threading.Barrier(4)

def run():
    start.wait()
    for _ in range(3):
        together.append(learn_and_recommend())

crew = [threading.Thread(target=run) for _ in range(4)]
for one in crew:
    one.start()
for one in crew:
    one.join()
print(len(alone[1]), len(together), sum(each == alone for each in together))
"""


def test_four_python_threads_at_once_find_what_one_finds():
    tests = os.path.dirname(os.path.dirname(__file__))
    path = os.pathsep.join([tests, *filter(None, [os.environ.get("PYTHONPATH")])])
    run = subprocess.run(
        [sys.executable, "-c", FOUR_AT_ONCE],
        env=os.environ | {"NUMBA_NUM_THREADS": "4", "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.split() == ["6000", "12", "12"]
