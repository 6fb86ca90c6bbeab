import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reference import auc_of_pairs, roc_corners
from tastemap.data.interactions import Histories
from tastemap.errors import InputError
from tastemap.metrics.auc import auc_global, auc_per_user, pool, roc_curve

A_B_X_Y_Z = np.array([0.9, 0.7, 0.6, 0.4, 0.8])
LIKED = np.array([True, True, False, False, False])


def test_the_known_answer_is_five_sixths():
    assert auc_per_user(A_B_X_Y_Z, LIKED).tolist() == [5 / 6]
    assert auc_global(A_B_X_Y_Z, LIKED) == 5 / 6
    ragged = Histories.of_items([[0, 1]])
    assert auc_per_user(A_B_X_Y_Z.astype(np.float32)[None], ragged).tolist() == [5 / 6]


def test_a_constant_scorer_gets_one_half(make_world):
    world = make_world()
    same = np.full_like(world.scores, 3)
    values = auc_per_user(same, world.truth, world.histories)
    assert set(values.tolist()) == {0.5}
    assert auc_global(same, world.truth, world.histories) == 0.5
    curve = roc_curve(same, world.truth, world.histories)
    assert curve.fpr.tolist() == curve.tpr.tolist() == [0, 1]


def test_a_random_scorer_is_near_one_half(make_world):
    world = make_world(seed=5, users=400, items=60)
    values = auc_per_user(world.scores, world.truth, world.histories)
    assert values.mean() == pytest.approx(0.5, abs=4 * values.std() / 20)
    assert auc_global(world.scores, world.truth, world.histories) == pytest.approx(0.5, abs=0.03)


def test_a_perfect_scorer_gets_1_and_its_reverse_0(make_world):
    world = make_world()
    scores = world.scores / world.scores.max() / 2
    rows = np.repeat(np.arange(len(world.truth)), world.truth.lengths)
    scores[rows, world.truth.items] += 1
    for sign, expected in ((1, 1), (-1, 0)):
        values = auc_per_user(sign * scores, world.truth, world.histories)
        assert set(values.tolist()) == {expected}
        assert auc_global(sign * scores, world.truth, world.histories) == expected


@pytest.mark.parametrize("levels", [1, 2, 4, None])
def test_auc_equals_the_share_of_pairs(make_world, levels):
    world = make_world(seed=7, levels=levels)
    values = auc_per_user(world.scores, world.truth, world.histories)
    every_liked, every_other = [], []
    for row, scores in enumerate(world.scores):
        taken = {*world.histories.row(row), *world.truth.row(row)}
        liked = scores[world.truth.row(row)].tolist()
        others = [s for item, s in enumerate(scores.tolist()) if item not in taken]
        assert values[row] == float(auc_of_pairs(liked, others))
        every_liked += liked
        every_other += others
    pooled = auc_global(world.scores, world.truth, world.histories)
    assert pooled == float(auc_of_pairs(every_liked, every_other))


small = st.lists(st.sampled_from(np.linspace(-0.5, 0.5, 9).tolist()), min_size=1, max_size=8)


@settings(max_examples=50)
@given(positives=small, negatives=small)
def test_the_curve_has_the_corners_of_all_thresholds_and_the_auc_as_area(positives, negatives):
    scores = np.array(positives + negatives, dtype=np.float32)
    liked = np.arange(len(scores)) < len(positives)
    curve = roc_curve(scores, liked)
    corners = roc_corners(positives, negatives)
    assert list(zip(curve.fpr, curve.tpr, strict=True)) == [
        (float(x), float(y)) for x, y in corners
    ]
    assert curve.thresholds[0] == np.inf
    assert (np.diff(curve.thresholds) < 0).all()
    for fpr, tpr, threshold in zip(*curve, strict=True):
        assert (np.array(negatives) >= threshold).mean() == fpr
        assert (np.array(positives) >= threshold).mean() == tpr
    area = np.trapezoid(curve.tpr, curve.fpr)
    assert area == pytest.approx(float(auc_of_pairs(positives, negatives)))


def test_negating_the_scores_turns_the_auc_round(make_world):
    world = make_world(levels=6)
    there = auc_per_user(world.scores, world.truth, world.histories)
    back = auc_per_user(-world.scores, world.truth, world.histories)
    np.testing.assert_allclose(there + back, 1, rtol=0, atol=1e-15)


@pytest.mark.parametrize("change", [lambda s: 3 * s - 7, lambda s: s**3, lambda s: s - 1e6])
def test_only_the_order_of_the_scores_matters(make_world, change):
    world = make_world(levels=6)
    scores = world.scores.astype(np.float64) - 2
    np.testing.assert_array_equal(
        auc_per_user(change(scores), world.truth, world.histories),
        auc_per_user(scores, world.truth, world.histories),
    )


def test_neighbouring_doubles_are_no_tie():
    scores = np.array([np.nextafter(1.0, 2.0), 1.0])
    assert auc_per_user(scores, np.array([True, False])).tolist() == [1]


def test_masks_and_ragged_rows_mean_the_same(make_world):
    world = make_world(levels=5)
    masks = []
    for one in (world.truth, world.histories):
        mask = np.zeros(world.scores.shape, dtype=bool)
        for row in range(len(one)):
            mask[row, one.row(row)] = True
        masks.append(mask)
    for function in (auc_per_user, auc_global):
        ragged = function(world.scores, world.truth, world.histories)
        np.testing.assert_array_equal(function(world.scores, *masks), ragged)


def test_users_without_positives_or_negatives_have_no_auc():
    scores = np.array([[1.0, 2.0], [1.0, 2.0], [1.0, 2.0]])
    relevant = Histories.of_items([[], [0, 1], [1]])
    values = auc_per_user(scores, relevant)
    assert np.isnan(values[:2]).all()
    assert values[2] == 1


def test_streaming_gives_the_numbers_of_one_big_array(make_world, monkeypatch):
    world = make_world(levels=9)
    for size in (1, 10**3, 10**9):
        monkeypatch.setattr("tastemap.recommend.BLOCK_BYTES", size)
        pooled = pool(world.score, world.histories, world.truth, world.n_items)
        assert pooled.auc() == auc_global(world.scores, world.truth, world.histories)
        whole = roc_curve(world.scores, world.truth, world.histories)
        for one, other in zip(pooled.roc(), whole, strict=True):
            np.testing.assert_array_equal(one, other)
        assert len(pooled.negatives) == 2 * len(np.unique(pooled.edges)) + 1


def test_what_is_passed_in_stays_as_it_was(make_world):
    world = make_world()
    before = world.scores.copy()
    auc_per_user(world.scores, world.truth, world.histories)
    roc_curve(world.scores, world.truth, world.histories)
    np.testing.assert_array_equal(world.scores, before)


@pytest.mark.parametrize(
    ("scores", "relevant", "seen", "said"),
    [
        ([1.0, np.nan], [True, False], None, r"shape \(2,\) that are not all finite\n.*finite"),
        ([1.0, -np.inf], [True, False], None, r"not all finite\n.*\n.*through seen"),
        ([[[1.0]]], [True], None, r"scores of shape \(1, 1, 1\)\n.*\(rows, items\) or"),
        ([1.0, 2.0], [True], None, r"relevant: an array of bool, shape \(1, 1\), for .*\(1, 2\)"),
        ([1.0, 2.0], [1, 0], None, r"relevant: an array of int64"),
        ([1.0, 2.0], [True, False], [True, False], r"row 0: item 0 is both relevant and seen"),
        ([1.0, 2.0], [True, False], [True], r"seen: an array of bool, shape \(1, 1\)"),
    ],
)
@pytest.mark.parametrize("function", [auc_per_user, auc_global, roc_curve])
def test_unusable_arrays_are_refused(function, scores, relevant, seen, said):
    with pytest.raises(InputError, match=said):
        function(np.array(scores), np.array(relevant), None if seen is None else np.array(seen))


def test_ragged_codes_outside_the_scores_are_refused():
    with pytest.raises(InputError, match=r"relevant: 1 rows of codes up to 2, for .*\(1, 2\)"):
        auc_per_user(np.array([1.0, 2.0]), Histories.of_items([[2]]))
    with pytest.raises(InputError, match=r"relevant: 2 rows"):
        auc_per_user(np.array([1.0, 2.0]), Histories.of_items([[1], [0]]))


@pytest.mark.parametrize("function", [auc_global, roc_curve])
@pytest.mark.parametrize(
    ("relevant", "said"), [(False, "0 positives and 2 negatives"), (True, "2 positives and 0")]
)
def test_a_pool_of_one_kind_is_refused(function, relevant, said):
    with pytest.raises(InputError, match=rf"{said}.*\n.*at least one of each\n"):
        function(np.array([1.0, 2.0]), np.array([relevant, relevant]))
