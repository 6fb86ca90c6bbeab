"""Verdicts on maps made to be of each form, and the numbers behind them against slow truth."""

import numpy as np
import pytest
from openTSNE import TSNE
from scipy.stats import rankdata, spearmanr
from sklearn.linear_model import LinearRegression

from tastemap import ALS, BPR, synthetic
from tastemap.errors import InputError
from tastemap.maps import shape as module
from tastemap.maps.agreement import users_of_items
from tastemap.maps.neighbours import unit_rows
from tastemap.maps.pca import pca
from tastemap.maps.plane import centred, groups, lattice, nearest_points, outline, packed
from tastemap.maps.shape import SENTENCES, VERDICTS, shape
from tastemap.maps.standing import company, incline
from tastemap.seeding import stream

SIZES = (100, 1000, 10_000)


def square(n, rng):
    return rng.random((n, 2))


def disk(n, rng):
    angle, away = rng.random(n) * 2 * np.pi, np.sqrt(rng.random(n))
    return np.column_stack([away * np.cos(angle), away * np.sin(angle)])


def normal(n, rng):
    return rng.standard_normal((n, 2))


def untrained(n, rng):
    return pca(rng.standard_normal((n, 32)), components=2).xy


def collapsed(n, rng):
    """A speck in a corner of a square with one item in twenty."""
    xy = 0.01 * rng.standard_normal((n, 2))
    xy[: n // 20] = rng.random((n // 20, 2))
    return xy


def far_items(n, rng):
    """All in a speck but two, far away on different sides."""
    xy = rng.standard_normal((n, 2))
    xy[:2] = [[400, 0], [0, -300]]
    return xy


def rows_and_columns(n, rng):
    wide = int(np.ceil(np.sqrt(n)))
    return np.column_stack([np.arange(n) % wide, np.arange(n) // wide]).astype(float)


def shaken_grid(n, rng):
    return rows_and_columns(n, rng) * [1, 1.5] + 0.04 * rng.standard_normal((n, 2))


def honeycomb(n, rng):
    xy = rows_and_columns(n, rng)
    return np.column_stack([xy[:, 0] + 0.5 * (xy[:, 1] % 2), xy[:, 1] * np.sqrt(3) / 2])


def rounded(n, rng):
    return np.round(rng.standard_normal((n, 2)) * np.sqrt(n) / 5)


def islands(n, rng):
    corners = np.array([[0, 0], [9, 0], [0, 9], [9, 9.5]])
    return corners[np.arange(n) % 4] + rng.standard_normal((n, 2))


def heavy(n, rng):
    return rng.standard_t(3, (n, 2))


def lopsided(n, rng):
    return np.column_stack([rng.exponential(size=n), rng.standard_normal(n)])


def long(n, rng):
    return rng.standard_normal((n, 2)) * [4, 1]


def banana(n, rng):
    x = rng.standard_normal(n)
    return np.column_stack([2 * x, x**2 + 0.5 * rng.standard_normal(n)])


MADE = [
    *((one, "scatter") for one in (square, disk, normal, untrained)),
    *((one, "collapsed") for one in (collapsed, far_items)),
    *((one, "grid") for one in (rows_and_columns, shaken_grid, honeycomb, rounded)),
    (islands, "clusters"),
    *((one, "cloud") for one in (heavy, lopsided, long, banana)),
]


def moved(xy, rng):
    """The map turned, perhaps mirrored, scaled and moved."""
    angle = rng.random() * 2 * np.pi
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    turn = turn * [1, rng.choice([-1, 1])]
    return (xy @ turn + rng.normal(0, 3, 2)) * 10 ** rng.uniform(-4, 4)


@pytest.mark.parametrize(("make", "form"), MADE, ids=[one.__name__ for one, _ in MADE])
def test_a_map_of_each_form_is_called_by_its_name_turned_mirrored_and_scaled(make, form):
    for n in SIZES:
        for seed in range(2 if n < 10_000 else 1):
            rng = stream(seed, "made", make.__name__, n)
            xy = make(n, rng)
            found, again = shape(xy), shape(moved(xy, rng).astype(np.float32))
            assert (n, seed, found.form, again.form) == (n, seed, form, form)
            for name in ("packed", "uneven", "order", "skew", "kurtosis", "round"):
                assert again.numbers[name] == pytest.approx(found.numbers[name], abs=0.02)


@pytest.mark.parametrize("n", [100, 1000])
def test_popularity_across_a_map_is_a_gradient_from_six_tenths_on(n):
    for seed in range(3):
        rng = stream(seed, "gradient", n)
        xy = moved(normal(n, rng), rng)
        across = centred(xy) @ np.array([0.6, -0.8])
        noise = rng.standard_normal(n)
        for strength, named in ((0.9, True), (0.45, False)):
            fame = strength * across * np.sqrt(2) + np.sqrt(1 - strength**2) * noise
            found = shape(xy, users=(rankdata(fame) ** 2).astype(np.int64))
            assert (found.form == "gradient") == named
            assert found.numbers["popularity"] == pytest.approx(strength, abs=0.15)
        assert shape(xy, users=rng.permutation(n)).form == "scatter"


def test_labels_that_are_together_are_clusters_even_without_gaps():
    rng = stream(0, "labels")
    xy = disk(1000, rng)
    sectors = (np.arctan2(xy[:, 1], xy[:, 0]) // (np.pi / 3)).astype(int)
    labels = [(f"sector {one}",) for one in sectors]
    found = shape(xy, labels=labels)
    assert found.form == "clusters"
    assert found.numbers["label_lift"] > 4
    assert f"labels {found.numbers['label_lift']:.1f}x as much as chance" in found.sentence
    shuffled = [labels[place] for place in rng.permutation(1000)]
    told = shape(xy, labels=shuffled)
    assert told.form == "scatter"
    assert "neighbours share no more labels than chance (1.0x)" in told.sentence


def test_groups_that_labels_deny_are_said_to_be_doubtful():
    rng = stream(1, "denied")
    xy = islands(800, rng)
    found = shape(xy, labels=[(str(one),) for one in rng.integers(0, 4, 800)])
    assert found.form == "clusters"
    assert "4 groups with gaps" in found.sentence
    assert "ids and vectors have moved against each other" in found.sentence


def healthy_maps():
    """Maps of trained vectors by PCA and t-SNE: name, places, users, labels."""
    worlds = {
        "groups": synthetic.taste_groups(users=1200, items=240, groups=6, seed=1),
        "films": synthetic.demo_world(seed=2),
    }
    for world, log in worlds.items():
        kept = np.flatnonzero(np.diff(users_of_items(log).indptr) >= 5)
        users = np.diff(users_of_items(log).indptr)[kept]
        labels = [log.table.labels[code] for code in kept]
        recipes = (ALS(factors=16, epochs=8), BPR(factors=16, epochs=15))
        for recipe in recipes if world == "groups" else recipes[:1]:
            vectors = recipe.fit(log, seed=3).item_vectors[kept]
            name = f"{world} {type(recipe).__name__}"
            yield f"{name} PCA", pca(vectors, components=2).xy, users, labels
            yield f"{name} unit PCA", pca(unit_rows(vectors), components=2).xy, users, labels
            if name == "groups ALS":
                yield f"{name} t-SNE", laid_out(unit_rows(vectors)), users, labels


def laid_out(vectors):
    """A quick map by t-SNE."""
    layout = TSNE(n_iter=200, early_exaggeration_iter=80, random_state=0, n_jobs=1)
    return np.asarray(layout.fit(vectors))


def test_healthy_maps_are_not_called_random_collapsed_or_grids():
    found = {
        name: shape(xy, users=users, labels=labels).form
        for name, xy, users, labels in healthy_maps()
    }
    assert set(found.values()) <= {"clusters", "gradient", "cloud"}
    assert {form for name, form in found.items() if "groups" in name} == {"clusters"}
    assert found["films ALS PCA"] == "gradient"  # its first component is popularity


def test_t_sne_of_untrained_vectors_is_random_scatter():
    vectors = stream(5, "untrained").standard_normal((300, 16))
    assert shape(laid_out(vectors)).form == "scatter"


def test_a_large_map_is_judged_by_a_sample(monkeypatch):
    monkeypatch.setattr(module, "MOST", 400)
    for make, form in MADE:
        if make is not rounded:
            found = shape(make(4000, stream(6, make.__name__)), users=np.arange(4000) % 7)
            assert (make.__name__, found.form) == (make.__name__, form)
            assert found.numbers["judged"] == 400


def test_equal_seeds_give_equal_verdicts_and_nothing_given_is_changed():
    rng = stream(7, "equal")
    xy, users = islands(12_000, rng), rng.integers(1, 99, 12_000)
    before = xy.copy(), users.copy()
    first, second = (shape(xy, users=users, seed=4) for _ in range(2))
    assert first == second
    assert (xy == before[0]).all()
    assert (users == before[1]).all()


def test_few_items_are_not_judged():
    found = shape(np.zeros((29, 2)))
    assert (found.form, found.numbers) == ("cloud", {})
    assert "29 items are too few to judge the map (30 or more)" in found.sentence


@pytest.mark.parametrize("place", [0.0, 0.1, 1e6])
def test_items_all_at_one_place_are_collapsed(place):
    found = shape(np.full((50, 2), place), users=np.arange(50), labels=[("a",)] * 50)
    assert found.form == "collapsed"
    assert "100 % of the items" in found.sentence


def test_items_on_a_line_are_judged():
    line = np.outer(stream(8, "line").standard_normal(200), [1.0, 2.0])
    assert shape(line).form == "cloud"
    assert shape(line, users=rankdata(line[:, 0]).astype(int)).form == "gradient"


def test_every_form_has_a_sentence_of_its_own():
    assert {form for form, _ in VERDICTS} == set(SENTENCES)
    starts = {shape(make(500, stream(9, make.__name__))).sentence.split(":")[0] for make, _ in MADE}
    assert starts == {"Random scatter", "Collapsed", "Grid", "Clusters", "Cloud"}
    gradient = shape(
        normal(500, stream(9, "g")), users=normal(500, stream(9, "g"))[:, 0].argsort().argsort()
    )
    assert gradient.sentence.startswith("Gradient of popularity: the number of users grows")


def test_places_that_cannot_be_used_are_refused():
    with pytest.raises(InputError, match=r"shape \(5, 3\)[\s\S]*\(items, 2\)[\s\S]*xy of a layout"):
        shape(np.ones((5, 3)))
    broken = np.ones((40, 2))
    broken[7, 1] = np.nan
    with pytest.raises(InputError, match=r"not finite, first in row 7[\s\S]*learning_rate"):
        shape(broken)
    with pytest.raises(
        InputError, match=r"3 users for 40 places[\s\S]*one for each[\s\S]*users of"
    ):
        shape(np.ones((40, 2)), users=np.ones(3))
    with pytest.raises(InputError, match="2 labels for 40 places"):
        shape(np.ones((40, 2)), labels=[("a",), ("b",)])


# The numbers themselves.


def test_the_outline_is_that_of_mardia():
    points = centred(lopsided(80, stream(10, "mardia")) @ np.array([[2, 1], [0.3, 1]]))
    products = points @ np.linalg.inv(points.T @ points / 80) @ points.T
    found = outline(points)
    assert found.skew == pytest.approx((products**3).mean())
    assert found.kurtosis == pytest.approx((np.diag(products) ** 2).mean())
    values = np.linalg.eigvalsh(np.cov(points.T))
    assert found.round == pytest.approx(values[0] / values[1])


def test_the_fullest_disk_counts_as_by_hand():
    rng = stream(11, "packed")
    points = centred(np.concatenate([0.001 * normal(60, rng), disk(40, rng) + 0.5]))
    radius = np.linalg.norm(points, axis=1).max() / 20
    gaps = np.linalg.norm(points[:, None] - points, axis=2)
    assert packed(points) == (gaps <= radius).sum(axis=1).max() / 100


def test_nearest_points_are_those_of_all_distances():
    points = normal(60, stream(12, "near"))
    gaps = np.linalg.norm(points[:, None] - points, axis=2)
    np.fill_diagonal(gaps, np.inf)
    distances, near = nearest_points(points, 5)
    assert near.tolist() == np.argsort(gaps, axis=1)[:, :5].tolist()
    np.testing.assert_allclose(distances, np.sort(gaps, axis=1)[:, :5])


def test_no_point_is_its_own_neighbour_where_many_share_a_place():
    points = np.repeat(np.array([[0.0, 0.0], [1.0, 0.0]]), 30, axis=0)
    distances, near = nearest_points(points, 4)
    assert near.shape == (60, 4)
    assert (near != np.arange(60)[:, None]).all()
    assert (distances == 0).all()


def test_islands_are_counted_and_even_clouds_have_none():
    for seed in range(5):
        rng = stream(seed, "count")
        assert sum(clear >= 7 for clear in groups(centred(islands(400, rng)), rng)) == 3
        assert sum(clear >= 7 for clear in groups(centred(square(400, rng)), rng)) == 0
    rng = stream(0, "twelve")
    angle = np.arange(1200) % 12 * np.pi / 6
    ring = 12 * np.column_stack([np.cos(angle), np.sin(angle)]) + normal(1200, rng)
    assert sum(clear >= 7 for clear in groups(centred(ring), rng)) == 11


def test_a_grid_has_even_steps_in_four_or_six_directions():
    for make in (rows_and_columns, honeycomb):
        found = lattice(centred(moved(make(400, None), stream(13, "lattice"))))
        assert (found.uneven, found.order) == (
            pytest.approx(0, abs=2e-3),
            pytest.approx(1, abs=2e-3),
        )
    assert lattice(centred(square(400, stream(14, "lattice")))).order < 0.3


def test_the_lift_of_labels_is_that_of_a_slow_count():
    rng = stream(15, "company")
    points = normal(90, rng)
    labels = [
        tuple(name for name, has in (("left", x < 0), ("high", y > 0.5), ("odd", i % 2)) if has)
        for i, (x, y) in enumerate(points)
    ]
    found = company(points, labels, rng)
    own = [place for place, one in enumerate(labels) if one]
    likeness = np.array(
        [
            [
                len(set(labels[a]) & set(labels[b])) / np.sqrt(len(labels[a]) * len(labels[b]))
                for b in own
            ]
            for a in own
        ]
    )
    gaps = np.linalg.norm(points[own][:, None] - points[own], axis=2)
    np.fill_diagonal(gaps, np.inf)
    near = np.argsort(gaps, axis=1)[:, :10]
    seen = np.take_along_axis(likeness, near, axis=1).mean()
    m = len(own)
    chance = (likeness.sum() - m) / (m * (m - 1))
    assert found.lift == pytest.approx(seen / chance)
    assert found.share == pytest.approx((seen - chance) / (1 - chance))
    assert found.clear > 5


def test_labels_that_tell_nothing_are_not_judged():
    points, rng = normal(50, stream(16, "nothing")), stream(16, "rng")
    assert company(points, [("a",)] * 50, rng) is None
    assert company(points, [()] * 50, rng) is None
    assert company(points, [("a",)] * 10 + [("b",)] * 9 + [()] * 31, rng) is None


def test_popularity_across_is_the_rank_correlation_with_the_best_line():
    rng = stream(17, "incline")
    points = centred(normal(120, rng))
    users = (100 * np.exp(points @ [1.0, 0.5] + 0.5 * rng.standard_normal(120))).astype(np.int64)
    ranks = rankdata(users)
    line = LinearRegression().fit(points, ranks).predict(points)
    found = incline(points, users)
    assert found.across == pytest.approx(spearmanr(line, users).statistic)
    away = np.linalg.norm(points, axis=1)
    assert found.outward == pytest.approx(spearmanr(away, users).statistic)
    assert incline(points, np.full(120, 9)) is None
