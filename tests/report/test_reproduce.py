import sys
from types import SimpleNamespace

import pytest

from tastemap.report import reproduce
from tastemap.report.material import gather
from tastemap.report.reproduce import origin_of, peak_memory


def test_time_is_that_of_all_runs_together(world):
    runs, split, log = world
    told = origin_of(gather(runs, split, log, "ndcg@10"), "a command")
    assert told.seconds == pytest.approx(sum(sum(run.seconds.values()) for run in runs), rel=1e-3)
    assert (told.command, told.split) == ("a command", split.how)
    assert told.fingerprint == log.fingerprint()


@pytest.mark.parametrize(("platform", "unit"), [("linux", 1024), ("darwin", 1)])
def test_memory_is_in_bytes_on_every_platform(monkeypatch, platform, unit):
    fake = SimpleNamespace(RUSAGE_SELF=0, getrusage=lambda who: SimpleNamespace(ru_maxrss=5_000))
    monkeypatch.setitem(sys.modules, "resource", fake)
    monkeypatch.setattr(reproduce.sys, "platform", platform)
    assert peak_memory() == 5_000 * unit


def test_where_the_platform_does_not_say_nothing_is_invented(monkeypatch):
    monkeypatch.setitem(sys.modules, "resource", None)
    assert peak_memory() is None


def test_two_reports_that_differ_in_memory_alone_are_equal(world):
    runs, split, log = world
    told = origin_of(gather(runs, split, log, "ndcg@10"), None)
    assert told == origin_of(gather(runs, split, log, "ndcg@10"), None)
    assert told.peak_memory > 10_000_000
