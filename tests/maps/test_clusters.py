"""k-means on unit vectors against scikit-learn and planted groups, and the names of groups."""

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

from tastemap.errors import InputError, UsageError
from tastemap.maps import clusters as module
from tastemap.maps.cluster_names import names_of
from tastemap.maps.clusters import clusters, default_groups
from tastemap.maps.neighbours import unit_rows
from tastemap.seeding import stream


def planted(n=600, d=16, groups=6, noise=0.15, seed=0):
    """Vectors of any length round random directions, groups of unequal size, and their truth."""
    rng = stream(seed, "planted")
    truth = rng.choice(groups, n, p=np.arange(1, groups + 1) / np.arange(1, groups + 1).sum())
    centres = np.linalg.qr(rng.standard_normal((d, groups)))[0].T
    vectors = centres[truth] + noise * rng.standard_normal((n, d))
    return vectors * rng.lognormal(0, 1, (n, 1)), truth


@pytest.mark.parametrize("seed", range(5))
def test_planted_groups_are_found_whatever_the_length_of_vectors(seed):
    vectors, truth = planted(seed=seed)
    found = clusters(vectors, groups=6, seed=seed)
    assert adjusted_rand_score(truth, found.of) > 0.97
    assert found.sizes.tolist() == sorted(found.sizes, reverse=True)
    assert found.of.dtype == np.int32


@pytest.mark.parametrize("noise", [0.3, 2.0])
def test_it_is_as_tight_as_k_means_of_scikit_learn(noise):
    vectors, _ = planted(n=700, noise=noise, groups=12)
    found = clusters(vectors, groups=12)
    truth = KMeans(12, n_init=3, algorithm="lloyd", random_state=0).fit(
        unit_rows(vectors)
    ).inertia_ / len(vectors)
    assert found.tightness < 1.02 * truth
    rows = unit_rows(vectors)
    own = ((rows - found.centres[found.of]) ** 2).sum(axis=1).mean()
    assert found.tightness == pytest.approx(own, rel=1e-4)


def test_every_item_is_in_the_group_of_the_nearest_centre():
    vectors, _ = planted(noise=1.0)
    found = clusters(vectors, seed=3)
    gaps = ((unit_rows(vectors)[:, None] - found.centres) ** 2).sum(axis=2)
    near = gaps[np.arange(len(gaps)), found.of]
    assert (near <= gaps.min(axis=1) + 1e-5).all()


def test_equal_seeds_give_equal_groups_and_nothing_given_is_changed():
    vectors, _ = planted(noise=1.0)
    before = vectors.copy()
    first, second, other = (clusters(vectors, seed=s) for s in (1, 1, 2))
    assert first.of.tolist() == second.of.tolist()
    assert first.centres.tobytes() == second.centres.tobytes()
    assert first.of.tolist() != other.of.tolist()
    assert (vectors == before).all()


def test_the_number_of_groups_follows_the_number_of_items():
    assert [default_groups(n) for n in (1, 2, 8, 50, 288, 10**6)] == [1, 2, 2, 5, 12, 12]
    vectors, _ = planted(n=50, noise=1.0)
    assert len(clusters(vectors).names) == 5


def test_fewer_directions_than_groups_make_fewer_groups():
    vectors = np.array([[1.0, 0.0], [2.0, 0.0], [0.0, 3.0], [0.0, 0.1]] * 5)
    found = clusters(vectors, groups=4)
    assert len(found.names) == 2
    assert found.tightness == pytest.approx(0, abs=1e-6)
    alike = clusters(np.ones((40, 3)))
    assert (alike.of == 0).all()
    assert alike.names == ("group 1",)


def test_rows_of_zeros_stay_together():
    vectors, _ = planted(n=200, noise=0.05, groups=4)
    vectors[:20] = 0
    found = clusters(vectors, groups=5)
    assert len(set(found.of[:20].tolist())) == 1
    assert set(found.of[:20].tolist()).isdisjoint(found.of[20:].tolist())


def test_a_sample_finds_the_groups_of_many_items(monkeypatch):
    monkeypatch.setattr(module, "FITTED", 300)
    vectors, truth = planted(n=3000)
    found = clusters(vectors, groups=6)
    assert len(found.of) == 3000
    assert adjusted_rand_score(truth, found.of) > 0.97


def test_groups_are_named_after_the_labels_that_they_alone_have():
    vectors, truth = planted(groups=3, noise=0.05)
    kinds = np.array(["Horror", "Comedy", "Western"], dtype=object)
    rng = stream(0, "labels")
    labels = [(kinds[g], "Drama") if rng.random() < 0.9 else ("Drama",) for g in truth]
    found = clusters(vectors, groups=3, labels=labels)
    of = {name: truth[found.of == place] for place, name in enumerate(found.names)}
    assert set(of) == set(kinds)
    assert all((kinds[groups] == name).all() for name, groups in of.items())


OF = np.array([0, 0, 0, 0, 1, 1, 1, 1], dtype=np.int32)
TITLES = np.array(list("ABCDEFGH"), dtype=object)
USERS = np.array([1, 9, 3, 4, 5, 6, 8, 7])


def test_without_telling_labels_groups_are_named_after_their_most_used_items():
    assert names_of(OF, None, TITLES, -USERS) == ("B, D", "G, H")
    assert names_of(OF, [("x",)] * 8, TITLES, -USERS) == ("B, D", "G, H")
    assert names_of(OF, None, None, -USERS) == ("group 1", "group 2")
    assert names_of(OF, None, np.full(8, "", dtype=object), -USERS) == ("group 1", "group 2")


def test_two_labels_name_a_group_together_where_both_are_its_own():
    labels = [("a", "b")] * 4 + [("c",)] * 4
    assert names_of(OF, labels, TITLES, -USERS) == ("a, b", "c")


def test_groups_with_the_same_label_are_told_apart_by_an_item():
    of = np.repeat(np.arange(3, dtype=np.int32), 20)
    labels = [("Drama",)] * 40 + [("Comedy",)] * 20
    titles = np.array([f"t{i}" for i in range(60)], dtype=object)
    names = names_of(of, labels, titles, np.arange(60))
    assert names == ("Drama: t0", "Drama: t20", "Comedy")
    assert names_of(of, labels, None, np.arange(60)) == ("Drama", "Drama (2)", "Comedy")


def test_a_label_no_more_frequent_than_elsewhere_names_nothing():
    labels = [("a",), ("a",), ("b",), ("b",)] * 2
    assert names_of(OF, labels, TITLES, -USERS) == ("B, D", "G, H")


def test_a_label_must_be_half_as_frequent_again_to_name_a_group():
    of = np.repeat(np.arange(2, dtype=np.int32), 1000)
    titles = np.array([f"t{i}" for i in range(2000)], dtype=object)
    for elsewhere, name in ((400, "t0, t1"), (300, "a")):  # 500 of 1,000 inside
        labels = [
            ("a",) if i % 1000 < (500 if i < 1000 else elsewhere) else () for i in range(2000)
        ]
        assert names_of(of, labels, titles, np.arange(2000))[0] == name


def test_a_title_of_any_length_makes_a_short_name():
    names = names_of(OF, None, np.array(["x\n" * 5000] * 8, dtype=object), -USERS)
    assert len(set(names)) == 2
    assert all(len(name) < 80 and "\n" not in name for name in names)


def test_titles_nearest_to_the_centre_name_a_group_where_no_users_are_known():
    vectors = np.array([[1.0, 0.3], [1.0, 0.0], [1.0, -0.3], [0.0, 1.0], [-0.3, 1.0], [0.3, 1.0]])
    found = clusters(vectors, groups=2, titles=TITLES[:6])
    assert {name.split(", ")[0] for name in found.names} == {"B", "D"}


def test_a_number_of_groups_out_of_range_is_refused():
    with pytest.raises(UsageError, match=r"groups=7 of 6 items[\s\S]*1 to 6[\s\S]*leave it out"):
        clusters(np.eye(6), groups=7)
    with pytest.raises(UsageError, match="groups=0"):
        clusters(np.eye(6), groups=0)


def test_facts_about_other_items_are_refused():
    facts = {"labels": [("x",)] * 5, "titles": TITLES[:5], "users": USERS[:5]}
    for name, given in facts.items():
        with pytest.raises(InputError, match=rf"5 {name} for 6 vectors[\s\S]*one for each vector"):
            clusters(np.eye(6), **{name: given})
