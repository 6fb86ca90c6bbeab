import numpy as np
import pytest

from tastemap import Interactions, UsageError
from tastemap.models import Popularity, Random

DAY = 86_400


def aged() -> Interactions:
    old = [(f"u{n}", "classic", 1, 0) for n in range(5)]
    new = [(f"u{n}", "novelty", 1, 100 * DAY) for n in range(2)]
    return Interactions.of([*old, *new, ("u9", "dusty", 1, 0), ("u8", "classic", 1, 99.5 * DAY)])


def test_counts_all_of_the_log_or_its_last_days():
    log = aged()
    everything = Popularity().fit(log)
    assert dict(zip(log.items.ids, everything.item_scores, strict=True)) == {
        "classic": 6,
        "dusty": 1,
        "novelty": 2,
    }
    recent = Popularity(days=1).fit(log).recommend(["new"], k=3)
    assert recent["item"].tolist() == ["novelty", "classic", "dusty"]


def test_items_that_the_window_ties_are_ordered_by_all_time_counts():
    listed = Popularity(days=0.1).fit(aged()).recommend(["new"], k=3)["item"].tolist()
    assert listed == ["novelty", "classic", "dusty"]


def test_recent_popularity_needs_times():
    log = Interactions.of([("a", "x"), ("b", "y")])
    with pytest.raises(UsageError, match=r"Popularity\(days=7\) and a log without times"):
        Popularity(days=7).fit(log)


def test_random_scores_are_uniform():
    log = Interactions.of([(u, i) for u in range(40) for i in range(250)])
    scores = Random().fit(log, seed=1).score(log.histories())
    counts = np.histogram(scores, bins=10, range=(0, 1))[0]
    assert ((counts - 1000) ** 2 / 1000).sum() < 33.7  # 99.99 % of chi-square, 9 degrees
    assert np.corrcoef(scores[0], scores[1])[0, 1] == pytest.approx(0, abs=0.25)
