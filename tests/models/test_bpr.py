"""BPR learns what was planted; its two figures against chance and against the exact AUC."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from reference import random_word as word_by_hand
from tastemap import Convergence, InputError, UsageError
from tastemap.kernels.counter import below, random_word, stream_key, unit
from tastemap.models import BPR, Popularity
from tastemap.models.bpr import Blocks, n_blocks
from worlds import log_of, noise, withheld


@pytest.mark.parametrize(
    ("users", "items", "events", "factors", "expected"),
    [
        (0, 0, 0, 8, 1),
        (1, 1, 1, 8, 1),
        (100, 15, 900, 8, 1),
        (100, 40, 900, 8, 2),
        (3, 500, 60, 8, 3),
        (943, 1682, 100_000, 64, 8),
        (138_000, 27_000, 16_000_000, 64, 16),
        (138_000, 27_000, 1_000_000, 64, 8),
        (1_000_000, 1_000_000, 100_000_000, 64, 96),
    ],
)
def test_the_number_of_blocks_follows_from_the_size_alone(users, items, events, factors, expected):
    assert n_blocks(users, items, events, factors) == expected


def test_blocks_hold_all_users_and_all_items():
    blocks = Blocks.of(csr_array((943, 1682), dtype=np.float32), 64)
    assert len(blocks.bounds) - 1 == len(blocks.item_bounds) - 1 == 8
    assert blocks.bounds[[0, -1]].tolist() == [0, 943]
    assert blocks.item_bounds[[0, -1]].tolist() == [0, 1682]


def test_skipped_is_the_chance_of_drawing_an_item_of_the_history():
    log, _ = noise(users=200, items=40, each=10)
    model = BPR(factors=2, epochs=20).fit(log, seed=1)
    draws = 20 * len(log)
    chance = 9 / 39  # of the other 39 items, 9 are in the history
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


def top_places(model, log, missing):
    """Mean 1 / rank of each user's withheld item among the items she does not have."""
    scores = model.score(log.histories())
    scores[log.matrix().toarray() > 0] = -np.inf
    own = scores[np.arange(len(missing)), missing]
    return (1 / (1 + (scores > own[:, None]).sum(axis=1))).mean()


def test_hard_negatives_put_the_withheld_item_higher_after_as_many_epochs():
    log, missing = withheld(groups=12, users=10, items=20)
    plain, hard = (
        top_places(BPR(factors=8, epochs=10, hardest_of=n).fit(log, seed=1), log, missing)
        for n in (1, 4)
    )
    assert hard > plain + 0.2


def test_hard_negatives_leave_skipped_as_it_is_and_train_auc_near_the_exact_auc():
    log, _ = withheld()
    fitted = [BPR(factors=8, epochs=40, hardest_of=n).fit(log, seed=1) for n in (1, 5)]
    chance = 10 / 47  # of the other 47 items, 10 are in the history
    used = log.matrix().toarray() > 0
    for model in fitted:
        assert np.mean(model.log.curve("skipped")) == pytest.approx(chance, abs=0.01)
        scores = model.score(log.histories())
        exact = np.mean(
            [(s[u][:, None] > s[~u][None, :]).mean() for s, u in zip(scores, used, strict=True)]
        )
        assert model.log.last("train_auc") == pytest.approx(exact, abs=0.03)


def test_hard_negatives_find_nothing_in_noise():
    log, missing = noise(users=200, items=60, each=10)
    found = top_places(BPR(factors=8, epochs=30, hardest_of=5).fit(log, seed=1), log, missing)
    chance = np.mean(1 / np.arange(1, 51))  # the mean of 1 / rank among 50 items
    assert found == pytest.approx(chance, abs=0.06)


def test_fewer_than_one_draw_is_refused():
    with pytest.raises(UsageError, match=r"BPR\(hardest_of=0\)\n.*a whole number from 1 on\n"):
        BPR(hardest_of=0)


def test_drawing_others_by_popularity_lowers_train_auc():
    popular = np.random.default_rng(0).zipf(1.6, size=4000) % 60
    pairs = np.unique(np.stack([np.arange(4000) % 200, popular], axis=1), axis=0)
    log = log_of(pairs[:, 0], pairs[:, 1])
    uniform = BPR(factors=4, epochs=20).fit(log, seed=1).log.last("train_auc")
    by_count = (
        BPR(factors=4, epochs=20, popularity_power=1.0).fit(log, seed=1).log.last("train_auc")
    )
    assert by_count < uniform - 0.1


@pytest.mark.parametrize("power", [0.5, 1.0, 400.0])
def test_skipped_is_the_chance_of_a_draw_by_count_to_a_power(power):
    log, _ = noise(users=300, items=24, each=8)
    log = log[(log.item < 6) | (log.user % 2 == 0)]
    model = BPR(factors=2, epochs=40, popularity_power=power).fit(log, seed=1)
    weights = (log.item_counts() / log.item_counts().max()) ** power
    used = log.matrix().toarray() > 0
    chances = []
    for row in used:
        for liked in np.flatnonzero(row):
            others = np.delete(weights, liked)
            if others.sum() > 0:
                chances.append((others * np.delete(row, liked)).sum() / others.sum())
    error = 0.5 / np.sqrt(40 * len(log))
    assert abs(np.mean(model.log.curve("skipped")) - np.mean(chances)) < 4 * error


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
