"""Agreement of two tables against SciPy, rotations, and chance."""

import json

import numpy as np
import pytest
from scipy.spatial import procrustes

import tastemap as tm
from tastemap import synthetic
from tastemap.maps.stability import (
    chance_jaccard,
    mean_jaccard,
    split_half,
    stability,
)
from tastemap.seeding import stream

ONE = stream(0, "stability").standard_normal((300, 8))
OTHER = ONE + 0.5 * stream(1, "stability").standard_normal((300, 8))
NOISE = stream(2, "stability").standard_normal((300, 8))


def test_jaccard_is_the_mean_overlap_of_sets():
    rng = stream(3, "stability")
    a, b = (np.array([rng.choice(30, 6, replace=False) for _ in range(40)]) for _ in range(2))
    truth = [len({*x} & {*y}) / len({*x} | {*y}) for x, y in zip(a, b, strict=True)]
    assert mean_jaccard(a.astype(np.int32), b.astype(np.int32)) == pytest.approx(np.mean(truth))


def test_chance_is_what_random_lists_give():
    rng = stream(4, "stability")
    lists = rng.random((2, 4000, 20)).argsort(axis=2)[:, :, :5].astype(np.int32)
    assert chance_jaccard(21, 5) == pytest.approx(mean_jaccard(*lists), abs=0.01)
    assert chance_jaccard(10_000, 10) == pytest.approx(10 / 2 / 10_000, rel=0.1)
    assert chance_jaccard(6, 5) == 1  # all five others in both lists


def test_the_disparity_is_that_of_scipy_and_cka_that_of_gram_matrices():
    found = stability(ONE, OTHER)
    assert found.disparity == pytest.approx(procrustes(ONE, OTHER)[2])
    centre = np.eye(300) - 1 / 300
    grams = [centre @ side @ side.T @ centre for side in (ONE, OTHER)]
    sizes = np.linalg.norm(grams[0]) * np.linalg.norm(grams[1])
    assert found.cka == pytest.approx((grams[0] * grams[1]).sum() / sizes)


def test_a_rotated_scaled_and_padded_table_is_the_same_table():
    turn, _ = np.linalg.qr(stream(5, "stability").standard_normal((11, 11)))
    moved = np.hstack([ONE, np.zeros((300, 3))]) @ turn * 7
    found = stability(ONE, moved)
    assert (found.jaccard, found.agreement, found.light) == (1, 1, "good")
    assert found.cka == pytest.approx(1)
    assert found.disparity == pytest.approx(0, abs=1e-9)
    assert found.verdict.startswith("Both tables agree")


def test_unrelated_tables_agree_as_much_as_chance():
    found = stability(ONE, NOISE)
    assert found.jaccard == pytest.approx(found.jaccard_chance, abs=0.01)
    assert found.light == "fail"
    assert "disagree" in found.verdict


def test_tables_of_equal_vectors_have_no_cka():
    found = stability(ONE, np.ones((300, 8)))
    assert (found.cka, found.disparity) == (None, None)
    assert "linear CKA            -" in str(found)


def test_two_seeds_of_a_trained_model_agree_and_of_an_untrained_one_do_not():
    log = synthetic.taste_groups(users=400, items=200, groups=8)
    trained = [tm.ALS(factors=16, epochs=8).fit(log, seed=seed) for seed in (1, 2)]
    assert stability(*trained).light == "good"
    barely = [tm.BPR(factors=32, epochs=1).fit(log, seed=seed) for seed in (1, 2)]
    assert stability(*barely).light in ("warn", "fail")


def test_models_are_matched_by_item_ids():
    log = synthetic.taste_groups(users=300)
    model = tm.SVD(factors=8).fit(log)
    fewer = log[log.item % 3 > 0].compact()
    kept = fewer.items.ids
    codes = log.items.encode(kept.tolist())
    other = tm.SVD(factors=8).fit(fewer)
    found = stability(model, other)
    assert found.items == len(kept)
    by_hand = stability(model.item_vectors[codes], other.item_vectors)
    assert (found.jaccard, found.cka) == (by_hand.jaccard, by_hand.cka)


def test_rare_items_are_left_out():
    log = synthetic.demo_world()
    model = tm.SVD(factors=8).fit(log)
    assert stability(model, model).items == int((log.item_counts() >= 5).sum())
    assert stability(model, model.item_vectors, min_events=30).items == int(
        (log.item_counts() >= 30).sum()
    )


def test_a_sample_says_how_large_it_is():
    found = stability(ONE, ONE, sample=100)
    assert (found.items, found.compared, found.jaccard) == (300, 100, 1)
    assert "100 of 300 items" in str(found)


def test_halves_of_users_agree_where_there_is_taste_and_not_on_noise():
    groups = synthetic.taste_groups(users=800)
    assert split_half(tm.ALS(factors=4), groups).light == "good"
    noise = synthetic.noise(users=800)
    assert split_half(tm.ALS(factors=4), noise).agreement < 0.1
    assert len(groups.users) == 800


def test_the_page_fits_and_the_json_is_plain():
    found = stability(ONE, OTHER)
    assert max(map(len, str(found).splitlines())) < 80
    written = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert written["light"] == found.light
    assert written["jaccard"] == found.jaccard


def test_tables_of_different_items_are_refused():
    with pytest.raises(tm.InputError, match=r"tables of 300 and 299 rows\n.*two models, or"):
        stability(ONE, ONE[:299])


def test_too_few_items_are_refused():
    with pytest.raises(tm.InputError, match="9 items in both tables for k=10"):
        stability(ONE[:9], ONE[:9])


def test_a_sample_without_room_is_refused():
    with pytest.raises(tm.UsageError, match="sample=10 items for k=10 neighbours"):
        stability(ONE, ONE, sample=10)


def test_a_recipe_without_vectors_is_refused():
    with pytest.raises(tm.UsageError, match=r"Popularity has no item vectors\n.*factor model"):
        split_half(tm.Popularity(), synthetic.taste_groups())
