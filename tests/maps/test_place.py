"""New items on an old map: nobody moves, neighbours stay true, groups are joined."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import special_ortho_group

import tastemap as tm
from tastemap import synthetic
from tastemap.maps.draw import item_map
from tastemap.maps.fidelity import fidelity
from tastemap.maps.neighbours import nearest
from tastemap.maps.pca import pca
from tastemap.maps.place import place
from tastemap.seeding import stream

NEW = np.arange(0, 200, 10)
OLD = np.setdiff1d(np.arange(200), NEW)


@pytest.fixture(scope="module")
def vectors():
    rng = stream(0, "test", "place")
    centres = 2 * rng.standard_normal((5, 8))
    return (centres[np.arange(200) // 5 % 5] + rng.standard_normal((200, 8))).astype(np.float32)


@pytest.fixture(scope="module", params=["cosine", "dot"])
def old(request, vectors):
    return item_map(
        vectors[OLD], method="tsne", perplexity=15, iterations=250, similarity=request.param
    )


@pytest.fixture(scope="module")
def placed(old, vectors):
    return place(old, vectors[NEW], ids=NEW + 1000, titles=[f"new {i}" for i in NEW])


def test_old_items_do_not_move_by_a_bit(old, placed):
    assert len(placed) == 200
    for before, after in zip(old.layouts, placed.layouts, strict=True):
        assert before.name == after.name
        assert np.array_equal(before.xy, after.xy[:180])
    assert np.array_equal(placed.vectors[:180], old.vectors)
    assert placed.ids.tolist() == [*range(180), *(NEW + 1000)]
    assert placed.titles[180] == "new 0"


def test_neighbours_are_those_of_all_items_found_anew(placed):
    near, likeness = nearest(placed.vectors, 10, similarity=placed.similarity)
    np.testing.assert_array_equal(placed.near, near)
    np.testing.assert_allclose(placed.likeness, likeness, rtol=1e-5)


def test_newcomers_join_their_group(placed, vectors):
    xy = placed.layouts[0].xy
    apart = ((xy[180:, None] - xy[None, :180]) ** 2).sum(axis=2)
    beside = OLD[apart.argmin(axis=1)]
    assert (beside // 5 % 5 == NEW // 5 % 5).mean() >= 0.85


def test_on_pca_they_stand_where_the_projection_puts_them(placed, vectors):
    expected = pca(vectors[OLD]).project(vectors[NEW])[:, :2]
    np.testing.assert_allclose(placed.layouts[1].xy[180:], expected, atol=1e-4)


def test_what_the_map_keeps_is_measured_again(placed):
    for one in placed.layouts:
        again = fidelity(placed.near, one.xy, vectors=placed.vectors, similarity=placed.similarity)
        assert one.fidelity == again


def test_colours_do_not_invent_anything(placed):
    for colour in placed.colours:
        assert len(colour.values) == 200
        assert (colour.values[180:] == -1).all()  # clusters: the map of bare vectors has no others


def test_what_was_passed_in_is_as_it_was(old, vectors):
    before = [one.xy.copy() for one in old.layouts], old.near.copy(), vectors.copy()
    place(old, vectors[NEW], ids=NEW + 1000)
    assert all(np.array_equal(a, b.xy) for a, b in zip(before[0], old.layouts, strict=True))
    assert np.array_equal(before[1], old.near)
    assert np.array_equal(before[2], vectors)


def test_placing_in_two_steps_is_placing_at_once(old, vectors, placed):
    twice = place(
        place(old, vectors[NEW[:7]], ids=NEW[:7] + 1000), vectors[NEW[7:]], NEW[7:] + 1000
    )
    assert np.array_equal(twice.near, placed.near)
    np.testing.assert_allclose(twice.layouts[1].xy, placed.layouts[1].xy, atol=1e-4)


@pytest.fixture(scope="module")
def weeks():
    """Last week's model, which misses every tenth item, and this week's."""
    log = synthetic.taste_groups(users=300, items=120, groups=4, per_user=14)
    model = tm.ALS(factors=6).fit(log[log.item % 10 != 3].compact())
    return model, tm.ALS(factors=6).fit(log, seed=1)


def test_a_model_trained_anew_brings_its_new_items(weeks):
    last, this = weeks
    old = item_map(last, method="tsne", iterations=250, min_events=1)
    now = place(old, this)
    assert len(now) == 120
    assert np.array_equal(now.layouts[0].xy[:108], old.layouts[0].xy)
    assert "turned onto the map's (mean cosine 0." in now.notes[-1]
    counts = this.train.item_counts()[3::10]
    assert now.users[108:].tolist() == counts.tolist()
    assert now.colours[0].values[108:].tolist() == counts.tolist()
    assert now.titles[108] == "Item 3 (group 3)"
    xy = now.layouts[0].xy
    apart = ((xy[108:, None] - xy[None, :108]) ** 2).sum(axis=2)
    group = np.array([int(title[-2]) for title in now.titles])
    assert (group[apart.argmin(axis=1)] == group[108:]).mean() > 0.8


def test_a_turned_copy_of_the_model_is_turned_back(weeks):
    last, _ = weeks
    old = item_map(last, method="pca", min_events=1)
    turn = special_ortho_group.rvs(6, random_state=0).astype(np.float32)
    part = replace(
        old,
        ids=old.ids[:-9],
        titles=old.titles[:-9],
        users=old.users[:-9],
        vectors=old.vectors[:-9],
        near=nearest(old.vectors[:-9], 10)[0],
        likeness=nearest(old.vectors[:-9], 10)[1],
        layouts=tuple(replace(one, xy=one.xy[:-9]) for one in old.layouts),
        colours=(),
    )
    now = place(part, replace(last, item_vectors=last.item_vectors @ turn))
    np.testing.assert_allclose(now.vectors, old.vectors, atol=1e-4)
    assert "(mean cosine 1.00)" in now.notes[-1]


def test_ids_that_are_there_are_refused(old, vectors):
    with pytest.raises(tm.UsageError, match=r"1 of 2 ids are on the map already, such as 7\n"):
        place(old, vectors[:2], ids=[7, 500])


@pytest.mark.parametrize(
    ("ids", "said"),
    [
        (None, "no ids for 2 vectors\n.*an id for each new item"),
        ([500], "1 ids for 2 vectors"),
        ([500, 500], "an id that is given twice"),
    ],
)
def test_every_newcomer_needs_an_id_of_its_own(old, vectors, ids, said):
    with pytest.raises(tm.UsageError, match=said):
        place(old, vectors[:2], ids=ids)


def test_titles_of_another_number_are_refused(old, vectors):
    with pytest.raises(tm.UsageError, match=r"1 titles for 2 new items\n.*one for each"):
        place(old, vectors[:2], ids=[500, 501], titles=["a"])


def test_vectors_of_another_length_are_refused(old, vectors):
    with pytest.raises(tm.InputError, match="vectors of 7 numbers for a map of vectors of 8"):
        place(old, vectors[:2, :7], ids=[500, 501])


def test_a_model_without_new_items_is_refused(weeks):
    last, _ = weeks
    with pytest.raises(tm.UsageError, match="no new item: the map has them all"):
        place(item_map(last, method="pca", min_events=1), last)


def test_a_model_of_other_items_is_refused(weeks):
    last, _ = weeks
    other = tm.ALS(factors=6).fit(tm.Interactions.of([("u", f"x{i}") for i in range(30)]))
    with pytest.raises(tm.InputError, match=r"shares 0 items with the map\n.*6 items or more"):
        place(item_map(last, method="pca", min_events=1), other)
