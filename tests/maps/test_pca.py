"""Principal components against scikit-learn, SciPy, hand arithmetic and planted axes."""

import json
import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import rankdata, spearmanr
from sklearn import decomposition
from sklearn.metrics import roc_auc_score

from tastemap import ALS, synthetic
from tastemap.data.interactions import Interactions, ItemTable, Vocabulary
from tastemap.errors import InputError, UsageError
from tastemap.maps import axes
from tastemap.maps import pca as module
from tastemap.maps.axes import Axis, mean_ranks
from tastemap.maps.pca import pca
from tastemap.maps.reading import usual
from tastemap.maps.years import years_of
from tastemap.seeding import stream


def log_with(counts, titles=None, labels=None):
    """A log in which item i is used by the first counts[i] users."""
    counts = np.asarray(counts)
    user = np.concatenate([np.arange(c) for c in counts]).astype(np.int32)
    n = len(counts)
    table = None
    if titles is not None or labels is not None:
        titles = np.full(n, "", dtype=object) if titles is None else np.array(titles, dtype=object)
        table = ItemTable(titles, ((),) * n if labels is None else tuple(labels))
    return Interactions(
        user=user,
        item=np.repeat(np.arange(n), counts).astype(np.int32),
        weight=np.ones(len(user), dtype=np.float32),
        time=None,
        users=Vocabulary.of(range(int(counts.max()))),
        items=Vocabulary.of(range(100, 100 + n)),
        table=table,
    )


def test_scores_directions_and_shares_are_those_of_scikit_learn_up_to_sign():
    vectors = stream(0, "pca").standard_normal((300, 12)) * np.linspace(1, 3, 12) + 5
    found = pca(vectors.astype(np.float32), components=4)
    truth = decomposition.PCA(4, svd_solver="full").fit(vectors.astype(np.float32))
    signs = np.sign((found.directions * truth.components_.T).sum(axis=0))
    np.testing.assert_allclose(found.directions * signs, truth.components_.T, atol=1e-5)
    np.testing.assert_allclose(found.scores * signs, truth.transform(vectors), atol=2e-4)
    np.testing.assert_allclose(found.shares[:4], truth.explained_variance_ratio_, rtol=1e-5)
    assert len(found.shares) == 12
    assert found.xy.tolist() == found.scores[:, :2].tolist()


def test_a_tilted_line_of_points_worked_out_by_hand():
    # Along (3, 4) / 5 at -5, 0, 5; across at -1, 0, 1: variances 50/3 and 2/3.
    along, across = np.array([0.6, 0.8]), np.array([-0.8, 0.6])
    vectors = np.array([7.0, 7.0]) + np.outer([-5, 0, 5, 0, 0], along)
    vectors = vectors + np.outer([0, -1, 0, 0, 1], across)
    found = pca(vectors)
    assert found.mean == pytest.approx([7, 7])
    assert found.directions[:, 0] == pytest.approx(along)
    assert found.directions[:, 1] == pytest.approx([0.8, -0.6])  # 0.8 is larger than 0.6
    assert found.scores[:, 0] == pytest.approx([-5, 0, 5, 0, 0], abs=1e-6)
    assert found.scores[:, 1] == pytest.approx([0, 1, 0, 0, -1], abs=1e-6)
    assert found.shares == pytest.approx((50 / 52, 2 / 52))


def test_the_entry_of_largest_size_is_positive_whatever_the_order_and_sign_of_the_items():
    vectors = stream(1, "signs").standard_normal((200, 9)) * np.linspace(2, 1, 9)
    found = pca(vectors)
    largest = np.abs(found.directions).argmax(axis=0)
    assert (found.directions[largest, np.arange(9)] > 0).all()
    turned = pca(-vectors[::-1])
    np.testing.assert_allclose(turned.directions, found.directions, atol=1e-9)
    np.testing.assert_allclose(turned.scores[::-1], -found.scores, atol=1e-5)


def test_equal_vectors_give_equal_components_bit_for_bit_and_stay_as_they_were():
    vectors = stream(2, "twice").standard_normal((500, 20)).astype(np.float32)
    before = vectors.copy()
    first, second = pca(vectors), pca(vectors)
    assert first.scores.tobytes() == second.scores.tobytes()
    assert (vectors == before).all()


def with_variances(variances, n=400):
    """Centred vectors whose principal variances are exactly these."""
    rng = stream(3, "variances")
    raw = rng.standard_normal((n, len(variances)))
    left, _ = np.linalg.qr(raw - raw.mean(axis=0))
    right, _ = np.linalg.qr(rng.standard_normal((len(variances),) * 2))
    return left * np.sqrt(variances) @ right.T


def test_how_many_components_reach_half_four_fifths_and_nine_tenths():
    found = pca(with_variances([4, 3, 1, 1, 1]))
    assert found.shares == pytest.approx([0.4, 0.3, 0.1, 0.1, 0.1])
    assert found.cumulative == pytest.approx([0.4, 0.7, 0.8, 0.9, 1.0])
    assert found.reach == {0.5: 2, 0.8: 3, 0.9: 4}
    assert found.plane_share == pytest.approx(0.7)
    assert [axis.so_far for axis in found.axes] == pytest.approx([0.4, 0.7, 0.8, 0.9, 1.0])


@pytest.mark.parametrize(("n", "d"), [(5000, 64), (400, 64), (60, 128), (300, 8)])
def test_the_share_of_random_vectors_is_foretold(n, d):
    found = pca(stream(4, "noise").standard_normal((n, d)))
    assert found.plane_share == pytest.approx(found.random_share, rel=0.15)
    assert "No more than random vectors" in found.verdict


def test_with_many_items_random_vectors_hold_two_over_d():
    found = pca(stream(4, "many").standard_normal((100_000, 16)))
    assert found.random_share == pytest.approx(2 / 16, rel=0.03)


@pytest.mark.parametrize(
    ("share", "said"),
    [
        (0.034, "No more than random vectors"),
        (0.06, "Less than usual"),
        (0.12, "hold 12 % of the variance. That is normal"),
        (0.40, "More than usual for learned embeddings"),
        (0.70, "As much as images have"),
    ],
)
def test_a_reader_is_told_what_is_usual(share, said):
    text = usual(share, 2 / 64, 64)
    assert said in text
    assert "learned embeddings have 10-25 %, images 60-80 %, random vectors" in text
    assert "3.1 %" in text


def test_a_planted_popularity_axis_is_named_and_a_weak_one_is_not():
    rng = stream(5, "planted")
    counts = rng.permutation(np.arange(5, 305))
    fame = (rankdata(counts) - 150.5) / 86.6
    for strength, named in ((0.9, True), (0.5, False)):
        # A first score whose correlation with the ranks of popularity is about `strength`.
        first = strength * fame + np.sqrt(1 - strength**2) * rng.standard_normal(300)
        vectors = np.column_stack([6 * first, rng.standard_normal((300, 15))])
        found = pca(vectors, log_with(counts))
        truth = spearmanr(found.scores[:, 0], counts).statistic
        assert found.axes[0].popularity == pytest.approx(truth)
        assert abs(truth) == pytest.approx(strength, abs=0.08)
        assert found.popularity_axis == (1 if named else None)
        assert ("PC1 is a popularity axis" in str(found)) == named


def test_a_component_is_named_beyond_a_correlation_of_six_tenths_only():
    assert Axis(1, 0.5, 0.5, popularity=-0.61).name == "popularity"
    assert Axis(1, 0.5, 0.5, popularity=0.6).name is None
    assert Axis(1, 0.5, 0.5, popularity=0.2, year=-0.7).name == "year"
    assert Axis(1, 0.5, 0.5, labels={"a": 0.3, "b": -0.8}).name == "b"
    assert Axis(1, 0.5, 0.5, labels={"a": 0.3}).name is None


def labelled_log(n=240):
    rng = stream(6, "labels")
    counts = rng.integers(5, 60, n)
    years = np.where(np.arange(n) % 3 == 0, 0, 1950 + np.arange(n) % 60)
    titles = [f"Film {i}" + (f" ({y})" if y else "") for i, y in enumerate(years)]
    kinds = [
        tuple(
            name
            for name, has in (("even", i % 2 == 0), ("rare", i < 19), ("tenth", i % 10 == 0))
            if has
        )
        for i in range(n)
    ]
    return log_with(counts, titles, kinds), rng


def test_label_correlations_are_twice_the_auc_less_one_and_rare_labels_are_left_out():
    log, rng = labelled_log()
    vectors = rng.integers(0, 4, (240, 6)).astype(np.float64)  # many equal scores
    vectors[:, 0] += 3 * (np.arange(240) % 2)
    found = pca(vectors, log)
    for axis, column in zip(found.axes, found.scores.T, strict=True):
        assert list(axis.labels) == ["even", "tenth"]
        for name, r in axis.labels.items():
            has = np.array([name in own for own in log.table.labels])
            assert r == pytest.approx(2 * roc_auc_score(has, column) - 1, abs=1e-9)
    assert abs(found.axes[0].labels["even"]) > 0.9
    assert found.axes[0].name == "even"
    assert "PC1 goes along with even" in str(found)


def test_years_are_read_from_titles_and_correlated_over_the_items_that_have_one():
    log, rng = labelled_log()
    years = years_of(log.table.titles)
    known = np.isfinite(years)
    vectors = rng.standard_normal((240, 5))
    vectors[known, 0] += (years[known] - 1980) / 3
    found = pca(vectors, log)
    truth = spearmanr(found.scores[known, 0], years[known]).statistic
    assert found.axes[0].year == pytest.approx(truth)
    assert "PC1 runs along release years" in str(found)


def test_years_in_titles():
    titles = ["Toy Story (1995)", "2001: A Space Odyssey (1968)", "Blade (1998) (TV)", "1984",
              "Heat (95)", "", "Metropolis (1927) (restored 2010) (2001)"]  # fmt: skip
    found = years_of(np.array(titles, dtype=object))
    assert found.tolist()[:3] == [1995, 1968, 1998]
    assert np.isnan(found[3:6]).all()
    assert found[6] == 2001


def test_too_few_years_and_equal_counts_give_no_correlation():
    log = log_with([7] * 40, [f"Film ({1990 + i})" if i < 19 else "Film" for i in range(40)])
    found = pca(stream(7, "few").standard_normal((40, 4)), log)
    assert all(axis.year is None and axis.popularity is None for axis in found.axes)
    assert all(axis.labels == {} for axis in found.axes)


def test_ends_are_the_outermost_items_by_title_and_equal_ones_stand_in_order():
    scores = np.array([0, 9, -9, 3, 3, 3, -4, 1, 2, -5, 0, 8], dtype=np.float64)
    titles = [f"t{i}" for i in range(12)]
    titles[1] = ""
    found = pca(scores[:, None], log_with([5] * 12, titles))
    assert found.axes[0].top == ("101", "t11", "t3", "t4", "t5")  # the id where there is no title
    assert found.axes[0].bottom == ("t2", "t9", "t6", "t0", "t10")
    few = pca(np.array([[1.0], [5.0], [2.0]]))
    assert (few.axes[0].top, few.axes[0].bottom) == (("row 1",), ("row 0",))


def test_new_items_are_projected_without_moving_the_old_ones():
    rng = stream(8, "project")
    vectors, new = rng.standard_normal((100, 7)) + 4, rng.standard_normal((5, 7))
    found = pca(vectors, components=3)
    np.testing.assert_allclose(found.project(vectors), found.scores, atol=1e-6)
    np.testing.assert_allclose(found.project(new), (new - found.mean) @ found.directions, atol=1e-5)
    with pytest.raises(
        InputError, match=r"shape \(7,\)[\s\S]*shape \(rows, 7\)[\s\S]*vector\[None\]"
    ):
        found.project(new[0])
    with pytest.raises(InputError, match=r"shape \(5, 6\)"):
        found.project(new[:, :6])


def test_items_that_few_people_used_are_left_out():
    log = log_with([9, 1, 8, 2, 7, 6])
    vectors = stream(9, "few").standard_normal((6, 3))
    vectors[1] = 1000
    found = pca(vectors, log)
    assert found.kept.tolist() == [0, 2, 4, 5]
    assert found.notes == ("2 of 6 items left out: fewer than 5 users",)
    np.testing.assert_allclose(found.scores, pca(vectors[[0, 2, 4, 5]]).scores)
    assert len(pca(vectors, log, min_events=1)) == 6
    with pytest.raises(InputError, match=r"0 of 6 items with 10 users or more[\s\S]*min_events"):
        pca(vectors, log, min_events=10)
    with pytest.raises(InputError, match=r"1 of 1 items\n[\s\S]*two items[\s\S]*more vectors"):
        pca(vectors[:1])


def test_no_components_are_refused():
    with pytest.raises(UsageError, match=r"components=0[\s\S]*from 1 on[\s\S]*pass 10"):
        pca(np.eye(3), components=0)


def test_equal_vectors_have_no_components():
    found = pca(np.full((30, 4), 0.1, dtype=np.float32))
    assert (found.shares, found.axes, found.plane_share) == ((), (), None)
    assert found.reach == {0.5: None, 0.8: None, 0.9: None}
    assert found.xy.tolist() == [[0, 0]] * 30
    assert "All vectors are equal" in str(found)
    assert found.project(np.ones((2, 4))).shape == (2, 0)


def test_one_number_a_vector_makes_a_map_with_one_axis():
    found = pca(np.array([[1.0], [2.0], [6.0]]))
    assert found.xy.tolist() == [[-2, 0], [-1, 0], [3, 0]]
    assert found.plane_share == 1
    assert "only 1 number:" in found.verdict


def test_fewer_items_than_numbers_have_fewer_components():
    vectors = stream(10, "wide").standard_normal((4, 50))
    found = pca(vectors)
    assert found.scores.shape == (4, 3)  # 4 points span 3 directions
    assert sum(found.shares) == pytest.approx(1)
    gaps = np.linalg.norm(vectors[:, None] - vectors, axis=2)
    np.testing.assert_allclose(
        np.linalg.norm(found.scores[:, None] - found.scores, axis=2), gaps, rtol=1e-5
    )


def test_a_small_pattern_on_a_large_offset_is_found():
    vectors = stream(11, "offset").standard_normal((200, 6)) * [3, 2, 1, 1, 1, 1]
    np.testing.assert_allclose(pca(vectors + 1e4).scores, pca(vectors).scores, atol=1e-5)


def test_blocks_of_rows_change_nothing(monkeypatch):
    vectors = stream(12, "blocks").standard_normal((100, 5))
    whole = pca(vectors)
    monkeypatch.setattr(module, "BLOCK_ROWS", 7)
    np.testing.assert_allclose(pca(vectors).scores, whole.scores, atol=1e-6)


def test_the_page_fits_80_columns_whatever_the_titles_are():
    hostile = [
        "x" * 10_000,
        "\x1b[31m" + "red" * 9,
        "a\nb\tc\r",
        "\u202ertl",
        "👩‍🚀" * 30,
        "字" * 60,
    ]
    labels = [("l" * 500 if i % 2 else "even\n",) for i in range(60)]
    log = log_with([5 + i for i in range(60)], [hostile[i % 6] for i in range(60)], labels)
    page = str(pca(stream(13, "page").standard_normal((60, 8)), log))
    assert max(map(len, page.splitlines())) <= 80
    assert not any(unicodedata.category(c) == "Cc" for c in page if c != "\n")
    assert "Components needed: 50 % in" in page
    assert all(not line.startswith("%") for line in page.splitlines())


def test_a_model_brings_its_log_and_its_labels():
    log = synthetic.taste_groups(users=400, items=160, groups=4)
    found = pca(ALS(factors=8).fit(log, seed=1))
    truth = decomposition.PCA().fit(ALS(factors=8).fit(log, seed=1).item_vectors[found.kept])
    np.testing.assert_allclose(found.shares, truth.explained_variance_ratio_, rtol=1e-4)
    assert set(found.axes[0].labels) == {"group 0", "group 1", "group 2", "group 3"}


def test_the_numbers_are_plain_values():
    log, rng = labelled_log()
    found = pca(rng.standard_normal((240, 6)), log)
    told = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert told["reach"].keys() == {"50%", "80%", "90%"}
    assert told["components"][0]["share"] == found.shares[0]
    assert told["components"][0]["top"] == list(found.axes[0].top)
    assert told["verdict"] == found.verdict


@given(st.lists(st.integers(-5, 5) | st.floats(-5, 5), min_size=1, max_size=50))
def test_mean_ranks_are_those_of_scipy(values):
    given_values = np.array(values, dtype=np.float64)
    assert mean_ranks(given_values).tolist() == rankdata(given_values).tolist()


def test_labels_need_twenty_items_with_and_without():
    assert axes.LABELLED == 20
    log = log_with([5] * 60, labels=[("most",) if i < 41 else ("rest",) for i in range(60)])
    found = pca(stream(14, "need").standard_normal((60, 3)), log)
    assert found.axes[0].labels == {}
