"""Runs on small planted worlds, made once."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

import tastemap as tm
from tastemap.data.interactions import ItemTable
from tastemap.report import build_report, render

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</script><b>bold</b>",
    "<!-- & &amp; -->",
    "{{ 7 * 7 }} {% raw %}",
    "👩‍👩‍👧‍👦 family",
    "مرحبا بالعالم \u202e turned",
    "x" * 10_000,
    "several\nlines\x00\x1b[31m",
    "\ud800 half",
    "",
)


def with_titles(log, titles=HOSTILE):
    """The log with these titles, over and over."""
    named = np.array([titles[i % len(titles)] for i in range(len(log.items))], dtype=object)
    return replace(log, table=ItemTable(named, ((),) * len(named)))


def run_all(recipes, split, metrics=("ndcg@10", "recall@10", "hit_rate@10", "auc", "coverage@10")):
    """One run a recipe, yardsticks shared."""
    runs = []
    for recipe in recipes:
        shared = runs[0].yardsticks if runs else None
        runs.append(tm.execute(recipe, split, seed=1, metrics=metrics, yardsticks=shared))
    return runs


@cache
def hostile_world():
    """Runs, split and log of a world of groups whose titles are hostile."""
    log = with_titles(tm.synthetic.taste_groups(users=120, items=80, seed=1))
    log = log.noted("<b>a note</b>", "k_core(5): 0 rounds")
    split = tm.leave_last_out(log)
    recipes = [tm.Popularity(), tm.EASE(), tm.ALS(factors=4, epochs=4, show_loss=True)]
    return run_all([*recipes, tm.BPR(factors=4, epochs=6)], split), split, log


@pytest.fixture
def world():
    return hostile_world()


@cache
def _report():
    runs, split, log = hostile_world()
    return build_report(
        runs, split, log, title="<i>title</i>", command='tastemap run "a&b.csv"', date="2026-01-02"
    )


@pytest.fixture
def report():
    return _report()


@cache
def _page():
    return render(_report())


@pytest.fixture
def page():
    return _page()


@pytest.fixture
def titled():
    return with_titles


@pytest.fixture
def executed():
    return run_all
