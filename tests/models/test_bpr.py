"""BPR against an interpreted twin, and its two figures against counts made by hand."""

import numpy as np
import pytest

from reference import bpr_epoch_by_hand
from reference import random_word as word_by_hand
from tastemap import Convergence, InputError
from tastemap.kernels.bpr import bpr_epoch
from tastemap.kernels.counter import below, random_word, stream_key, unit
from tastemap.models import BPR, Popularity
from worlds import log_of, noise, withheld


def arrays(log, d=4, seed=0):
    matrix = log.matrix()
    starts = matrix.indptr.astype(np.int64)
    users = np.repeat(np.arange(matrix.shape[0], dtype=np.int32), np.diff(starts))
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(matrix.shape[0], d)).astype(np.float32)
    y = rng.normal(size=(matrix.shape[1], d)).astype(np.float32)
    return users, starts, matrix.indices, x, y, np.zeros(matrix.shape[1], np.float32)


@pytest.mark.parametrize("power", [0.0, 1.0])
def test_an_epoch_equals_the_interpreted_twin(power):
    log, _ = noise(users=20, items=15, each=5)
    users, starts, items, x, y, b = arrays(log)
    counts = np.bincount(items, minlength=15).astype(np.float64)
    steps = np.cumsum(counts) / counts.sum() if power else np.empty(0)
    twin = [a.copy() for a in (x, y, b)]
    rates = [np.float32(value) for value in (0.1, 0.01, 0.02, 0.03)]
    counted = bpr_epoch(users, starts, items, x, y, b, steps, *rates, 9, 2)
    expected = bpr_epoch_by_hand(users, starts, items, *twin, steps, *rates, seed=9, epoch=2)
    assert counted == expected
    for fast, slow in zip((x, y, b), twin, strict=True):
        np.testing.assert_allclose(fast, slow, atol=1e-5)


def test_skipped_is_the_chance_of_drawing_an_item_of_the_history():
    log, _ = noise(users=200, items=40, each=10)
    model = BPR(factors=2, epochs=20).fit(log, seed=1)
    draws = 20 * len(log)
    chance = 10 / 40
    error = np.sqrt(chance * (1 - chance) / draws)
    assert abs(np.mean(model.log.curve("skipped")) - chance) < 4 * error


def test_train_auc_starts_at_a_half_and_rises_where_there_is_structure():
    log, _ = withheld()
    curve = BPR(factors=8, epochs=40).fit(log, seed=1).log.curve("train_auc")
    assert curve[0] < 0.65
    assert curve[-1] > 0.95


def test_train_auc_of_the_last_epoch_is_near_the_exact_auc_of_the_fitted_model():
    log, _ = withheld()
    model = BPR(factors=8, epochs=40).fit(log, seed=1)
    scores = model.score(log.histories())
    used = log.matrix().toarray() > 0
    exact = np.mean(
        [(s[u][:, None] > s[~u][None, :]).mean() for s, u in zip(scores, used, strict=True)]
    )
    assert model.log.last("train_auc") == pytest.approx(exact, abs=0.03)


def test_drawing_others_by_popularity_lowers_train_auc():
    popular = np.random.default_rng(0).zipf(1.6, size=4000) % 60
    pairs = np.unique(np.stack([np.arange(4000) % 200, popular], axis=1), axis=0)
    log = log_of(pairs[:, 0], pairs[:, 1])
    uniform = BPR(factors=4, epochs=20).fit(log, seed=1).log.last("train_auc")
    by_count = (
        BPR(factors=4, epochs=20, popularity_power=1.0).fit(log, seed=1).log.last("train_auc")
    )
    assert by_count < uniform - 0.1


def test_a_diverging_rate_is_stopped_with_a_remedy():
    log, _ = noise()
    with pytest.raises(InputError, match=r"no longer finite in epoch \d+ .*\n.*\n.*try learning"):
        BPR(learning_rate=1e4, reg_user=1.0, reg_liked=1.0, reg_other=1.0).fit(log, seed=1)


def test_convergence_stops_and_says_so():
    log, _ = withheld()
    model = BPR(factors=8, epochs=500).fit(log, seed=1, monitor=Convergence(patience=5))
    assert len(model.log.epochs) < 500
    assert "converged: train_auc gained less than 0.005 in 5 checks" in model.log.notes[0]


def test_bias_alone_ranks_like_popularity():
    log, _ = noise(users=300, items=20, each=4)
    log = log[(log.item < 5) | (log.user % 3 == 0)]
    bias = (
        BPR(
            factors=1,
            epochs=50,
            reg_user=50.0,
            reg_liked=0.001,
            reg_other=0.001,
            learning_rate=0.01,
        )
        .fit(log, seed=1)
        .item_bias
    )
    counts = Popularity().fit(log).item_scores
    assert np.corrcoef(bias, counts)[0, 1] > 0.9


def test_counter_draws_are_uniform_and_pure():
    key = np.uint64(stream_key(3, 4))
    words = [np.uint64(random_word(key, np.uint64(n))) for n in range(20_000)]
    assert [int(word) for word in words[:50]] == [word_by_hand(3, 4, n) for n in range(50)]
    assert len(set(words)) == len(words)
    counts = np.bincount([below(word, 10) for word in words], minlength=10)
    chi_square = ((counts - 2000) ** 2 / 2000).sum()
    assert chi_square < 33.7  # 99.99 % of chi-square with 9 degrees of freedom
    drawn = np.array([unit(word) for word in words])
    assert (drawn >= 0).all()
    assert (drawn < 1).all()
    assert drawn.mean() == pytest.approx(0.5, abs=0.01)
