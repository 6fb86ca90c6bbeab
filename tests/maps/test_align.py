"""Maps turned onto each other: hand-made turns are undone, planted moves are named."""

from dataclasses import replace

import numpy as np
import pytest

import tastemap as tm
from tastemap import synthetic
from tastemap.maps.align import aligned, compare_maps, turn_onto
from tastemap.maps.draw import item_map
from tastemap.maps.fidelity import fidelity
from tastemap.maps.item_map import Traveller
from tastemap.maps.travel import with_users
from tastemap.seeding import stream

MODEL = tm.ALS(factors=6).fit(synthetic.taste_groups(users=300, items=120, groups=4))


@pytest.fixture(scope="module")
def old():
    return item_map(MODEL, method="tsne", iterations=250, min_events=1)


def spun(one, angle=1.0, scale=3.0, mirrored=True):
    """The map turned, scaled, shifted and mirrored."""
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    turn = turn @ np.diag([1, -1 if mirrored else 1]) * scale

    def moved(xy):
        return (xy @ turn + 7).astype(np.float32)

    layouts = tuple(replace(each, xy=moved(each.xy)) for each in one.layouts)
    who = tuple(replace(each, xy=moved(each.xy)) for each in one.travellers)
    return replace(one, layouts=layouts, travellers=who)


@pytest.mark.parametrize("mirrored", [True, False])
def test_a_turned_map_is_turned_back(old, mirrored):
    back = aligned(spun(old, mirrored=mirrored), to=old)
    for was, now in zip(old.layouts, back.layouts, strict=True):
        np.testing.assert_allclose(now.xy, was.xy, atol=1e-4 * np.abs(was.xy).max())


def test_users_on_the_map_turn_with_it(old):
    people = with_users(old, MODEL, ["user 003"])
    back = aligned(spun(people), to=people)
    expected = people.travellers[0]
    assert isinstance(back.travellers[0], Traveller)
    for was, now in zip(expected.xy, back.travellers[0].xy, strict=True):
        np.testing.assert_allclose(now, was, rtol=1e-3, atol=1e-3)


def test_turning_changes_no_neighbours(old):
    turned = spun(old).layouts[0]
    again = fidelity(old.near, turned.xy, vectors=old.vectors)
    assert again.kept == pytest.approx(old.layouts[0].fidelity.kept, abs=0.005)


def test_a_layout_that_the_other_lacks_stays(old):
    alone = replace(old, layouts=old.layouts[1:])
    back = aligned(spun(old), to=alone)
    assert np.array_equal(back.layouts[0].xy, spun(old).layouts[0].xy)
    assert not np.array_equal(back.layouts[1].xy, spun(old).layouts[1].xy)


def test_the_items_that_both_have_decide(old):
    part = np.arange(0, 120, 2)
    some = replace(
        old,
        ids=old.ids[part],
        layouts=tuple(replace(one, xy=one.xy[part]) for one in old.layouts),
    )
    back = aligned(spun(old), to=some)
    np.testing.assert_allclose(back.layouts[0].xy, old.layouts[0].xy, atol=1e-3)


def test_the_turn_is_the_best_of_many():
    rng = stream(0, "test", "turn")
    one, other = rng.standard_normal((2, 30, 2))
    found = turn_onto(one, other)
    best = ((found.of(one) - other) ** 2).sum()
    for angle in np.linspace(0, 2 * np.pi, 40):
        for flip in (1, -1):
            turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
            tried = found._replace(turn=turn @ np.diag([1, flip]))
            assert ((tried.of(one) - other) ** 2).sum() >= best - 1e-4


def test_places_in_one_point_do_not_divide_by_nothing():
    found = turn_onto(np.zeros((5, 2)), np.ones((5, 2)))
    assert found.of(np.zeros((5, 2))).tolist() == [[1, 1]] * 5


def test_a_planted_move_is_named_first(old):
    xy = old.layouts[0].xy.copy()
    far = int(np.argmax(xy[:, 0]))
    xy[far] = xy[int(np.argmin(xy[:, 0]))] - 1
    new = replace(old, layouts=(replace(old.layouts[0], xy=xy), *old.layouts[1:]))
    found = compare_maps(old, spun(new))
    assert found.moved_most[0].title == old.titles[far]
    assert found.moved_most[0].moved > 5 * found.moved_typically
    assert (found.jaccard, found.common, found.common_share) == (1, 120, 1)


def test_planted_other_neighbours_are_named(old):
    vectors = old.vectors.copy()
    vectors[8] = vectors[9]  # of another group
    found = compare_maps(old, replace(old, vectors=vectors))
    first = found.changed_most[0]
    assert first.title == old.titles[8]
    assert first.shared < 0.1
    assert old.titles[9] in first.gained
    assert len(first.gained) == len(first.lost)
    assert 0.5 < found.jaccard < 1


def test_items_of_one_map_alone_are_counted_and_are_no_change_of_taste(old):
    part = np.arange(100)
    some = replace(
        old,
        ids=old.ids[part],
        titles=old.titles[part],
        users=old.users[part],
        vectors=old.vectors[part],
        near=old.near[part],
        likeness=old.likeness[part],
        layouts=tuple(replace(one, xy=one.xy[part]) for one in old.layouts),
    )
    found = compare_maps(old, some)
    assert (found.common, found.before_only, found.after_only) == (100, 20, 0)
    assert found.common_share == 100 / 120
    assert found.jaccard == 1


def test_the_comparison_reads_well(old):
    other = tm.ALS(factors=6).fit(MODEL.train, seed=5)
    text = str(compare_maps(old, item_map(other, method="tsne", iterations=100, min_events=1)))
    assert text.startswith("100 % of items are on both maps; they keep ")
    assert "120 items on both, 0 gone, 0 new" in text
    assert "neighbours in the model changed most\n  Item " in text
    assert "moved farthest on the t-SNE map\n  Item " in text


def test_maps_of_other_catalogues_are_refused(old):
    other = replace(old, ids=np.array([f"x{i}" for i in range(120)], dtype=object))
    with pytest.raises(tm.InputError, match=r"maps that share 0 items\n.*three items or more"):
        aligned(old, to=other)


def test_maps_without_a_common_layout_are_refused(old):
    alone = [replace(old, layouts=(one,)) for one in old.layouts]
    with pytest.raises(tm.InputError, match=r"t-SNE against PCA\n.*one common layout"):
        compare_maps(*alone)
