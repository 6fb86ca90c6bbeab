"""Users on a map: whose items they stand among, and that reasons are the model's own."""

import numpy as np
import pytest

import tastemap as tm
from tastemap import synthetic
from tastemap.maps.draw import item_map
from tastemap.maps.travel import with_users

LOG = synthetic.taste_groups(users=300, items=120, groups=4)
ALS = tm.ALS(factors=6).fit(LOG)
EASE = tm.EASE().fit(LOG)
USERS = ["user 000", "user 001", "user 002", "user 003"]


@pytest.fixture(scope="module")
def drawn():
    return item_map(ALS, method="tsne", iterations=250, min_events=1)


@pytest.fixture(scope="module", params=[ALS, EASE], ids=["vectors", "no vectors"])
def travelled(request, drawn):
    return request.param, with_users(drawn, request.param, USERS, k=5)


def test_a_user_stands_among_the_items_of_her_group(travelled, drawn):
    _, found = travelled
    for user, who in enumerate(found.travellers):
        for layout, here in zip(drawn.layouts, who.xy, strict=True):
            beside = ((layout.xy - here) ** 2).sum(axis=1).argmin()
            assert beside % 4 == user, layout.name


def test_history_and_recommendations_are_those_of_the_model(travelled, drawn):
    model, found = travelled
    table = model.recommend(USERS, k=5)
    for name, who in zip(USERS, found.travellers, strict=True):
        assert who.name == name
        assert drawn.ids[who.recommended].tolist() == table["item"][table["user"] == name].tolist()
        past = LOG.histories(LOG.users.encode([name])).row(0)
        assert drawn.ids[who.history].tolist() == LOG.items.decode(past).tolist()


def test_the_reason_is_the_one_that_explain_names_first(travelled, drawn):
    model, found = travelled
    for name, who in zip(USERS, found.travellers, strict=True):
        for item, because in zip(who.recommended, who.because, strict=True):
            said = model.explain(name, drawn.ids[item])["item"]
            assert (drawn.ids[because] if because >= 0 else None) == (
                said[0] if len(said) else None
            )


def test_items_that_are_not_on_the_map_are_left_out(drawn):
    fewer = item_map(ALS, method="pca", min_events=1, most_items=60)
    whole, part = with_users(drawn, ALS, USERS), with_users(fewer, ALS, USERS)
    for all_of_it, some in zip(whole.travellers, part.travellers, strict=True):
        expected = [i for i in drawn.ids[all_of_it.recommended] if i in fewer.ids]
        assert fewer.ids[some.recommended].tolist() == expected
        assert len(some.history) < len(all_of_it.history)
        assert len(some.because) == len(some.recommended)


def test_the_map_stays_and_users_add_up(drawn):
    found = with_users(with_users(drawn, ALS, USERS[:1]), ALS, USERS[1:])
    assert [who.name for who in found.travellers] == USERS
    assert drawn.travellers == ()
    assert found.layouts is drawn.layouts


def test_unknown_users_are_refused(drawn):
    with pytest.raises(
        tm.UsageError, match=r"user 'nobody' is not among the model's 300 users\n.*'user 000'"
    ):
        with_users(drawn, ALS, ["user 001", "nobody"])
    with pytest.raises(tm.UsageError, match="no users"):
        with_users(drawn, ALS, [])


def test_a_single_id_is_refused(drawn):
    with pytest.raises(tm.UsageError, match=r"users='user 001'\n.*a list of ids"):
        with_users(drawn, ALS, "user 001")


def test_a_model_of_other_items_is_refused(drawn):
    other = tm.ALS(factors=6).fit(tm.Interactions.of([("u", f"x{i}") for i in range(30)]))
    with pytest.raises(tm.InputError, match="a model and a map that share ids"):
        with_users(drawn, other, ["u"])


def test_a_user_without_a_recommendation_on_the_map_is_refused():
    few = item_map(ALS, method="pca", min_events=1, most_items=4)
    with pytest.raises(tm.InputError, match=r"none is on the map\n.*\n.*min_events=1"):
        with_users(few, EASE, LOG.users.ids[:40].tolist(), k=1)


def test_users_stand_apart_by_taste(drawn):
    found = with_users(drawn, ALS, LOG.users.ids[:40].tolist())
    places = np.array([who.xy[0] for who in found.travellers])
    groups = np.arange(40) % 4
    same = groups[:, None] == groups
    apart = np.linalg.norm(places[:, None] - places[None], axis=2)
    assert apart[same].mean() < 0.5 * apart[~same].mean()
