"""A run keeps what it was judged on, and what it is measured against."""

import json
from dataclasses import replace

import numpy as np
import pytest

import tastemap as tm
from tastemap.data.split import Split
from tastemap.errors import InputError
from tastemap.runs import yardsticks_of
from tastemap.storage import read_folder, write_folder
from worlds import log_of

DAY = 86_400


def log_over(days, events=40, timed=True):
    """A log whose first and last event are so many days apart."""
    time = np.linspace(0, days * DAY, events).astype(np.int64) if timed else None
    return log_of(np.arange(events) % 5, np.arange(events) // 5, time=time)


@pytest.mark.parametrize(
    ("days", "name", "window"),
    [
        (400, "Popularity (30 days)", 30),
        (120, "Popularity (30 days)", 30),
        (100, "Popularity (25 days)", 25),
        (4, "Popularity (1 day)", 1),
        (2, "Popularity (12 hours)", 0.5),
        (1 / 24, "Popularity (15 minutes)", 1 / 96),
    ],
)
def test_recent_popularity_looks_back_30_days_or_a_quarter_of_the_log(days, name, window):
    found = yardsticks_of(log_over(days))
    assert list(found) == ["Random", "Popularity", name]
    assert found[name].days == pytest.approx(window)


@pytest.mark.parametrize("log", [log_over(0), log_over(9, timed=False), log_over(9)[:0]])
def test_without_a_span_of_time_there_is_no_recent_popularity(log):
    assert list(yardsticks_of(log)) == ["Random", "Popularity"]


SPLITS = {
    "leave_last_out": tm.leave_last_out,
    "without validation": lambda log: tm.leave_last_out(log, validation=False),
    "random": lambda log: tm.random_split(log, test=0.2, validation=0.2, seed=3),
    "fold in": lambda log: tm.holdout_users(log, test_users=4, validation_users=4, seed=3),
}


@pytest.mark.parametrize("timed", [True, False])
@pytest.mark.parametrize("split", SPLITS.values(), ids=SPLITS)
def test_a_saved_run_comes_back_with_its_split(tmp_path, split, timed):
    world = tm.synthetic.taste_groups(users=30, items=24, groups=3, seed=2)
    cut = split(world if timed else replace(world, time=None))
    run = tm.execute(tm.Popularity(), cut, metrics=["ndcg@5"])
    assert run.split is cut
    again = tm.Run.load(run.save(tmp_path / "run"))
    assert again.how == cut.how
    assert list(again.split.parts()) == list(cut.parts())
    for name, part in cut.parts().items():
        assert again.split.parts()[name].fingerprint() == part.fingerprint()
    for ours, theirs in zip(again.split.queries(), cut.queries(), strict=True):
        for column in ("user", "starts", "items", "weight"):
            np.testing.assert_array_equal(getattr(ours, column), getattr(theirs, column))


def test_a_run_whose_model_was_fitted_on_more_keeps_the_training_part_too(tmp_path):
    world = tm.synthetic.taste_groups(users=30, items=24, groups=3, seed=2)
    cut = tm.leave_last_out(world)
    run = replace(tm.execute(tm.Popularity(), cut), model=tm.Popularity().fit(world))
    again = tm.Run.load(run.save(tmp_path / "run"))
    assert again.split.train.fingerprint() == cut.train.fingerprint()
    assert again.model.train.fingerprint() == world.fingerprint()


def test_the_training_part_is_kept_once_where_the_model_has_it(tmp_path):
    cut = tm.leave_last_out(tm.synthetic.taste_groups(users=30, items=24, groups=3, seed=2))
    _, arrays = read_folder(tm.execute(tm.Popularity(), cut).save(tmp_path / "run"))
    assert "split.train.user" not in arrays
    assert arrays["split.test.user"].tolist() == cut.test.user.tolist()


def test_a_run_saved_without_its_split_is_refused_and_its_model_still_loads(tmp_path):
    cut = tm.leave_last_out(tm.synthetic.taste_groups(users=30, items=24, groups=3, seed=2))
    path = tm.execute(tm.Popularity(), cut).save(tmp_path / "run")
    manifest, arrays = read_folder(path)
    old = {name: array for name, array in arrays.items() if not name.startswith("split.")}
    write_folder(path, manifest, old)
    with pytest.raises(InputError, match=r"without its split.*\n.*judged on\n.*tm\.load\("):
        tm.Run.load(path)
    assert tm.load(path).recipe == tm.Popularity()


def test_a_run_names_its_yardsticks_and_their_numbers():
    cut = tm.leave_last_out(log_over(40, events=60))
    run = tm.execute(tm.ItemKNN(), cut, metrics=["ndcg@3"])
    assert list(run.yardsticks) == ["Random", "Popularity", "Popularity (8 days)"]
    assert "yardstick Popularity (8 days): ndcg@3 " in str(run)
    assert json.dumps(run.evaluation.to_json())


def test_what_is_known_keeps_the_order_of_the_log(tmp_path):
    log = log_of([0, 0, 0, 0, 1, 1, 1], [3, 0, 2, 1, 1, 2, 0])
    train, validation, test = (log[np.array(rows)] for rows in ([0, 2, 4], [1, 5], [3, 6]))
    cut = Split(train, validation, test, "by hand", known=log[np.array([0, 1, 2, 4, 5])])
    again = tm.Run.load(tm.execute(tm.Popularity(), cut).save(tmp_path / "run"))
    assert again.split.known.item.tolist() == [3, 0, 2, 1, 2]
