"""Health as a whole: healthy models pass, every disease is named, and all input is checked."""

import json
from functools import cache

import numpy as np
import pytest

import tastemap as tm
from tastemap import synthetic
from tastemap.maps.health import health
from tastemap.seeding import stream


@cache
def world():
    """Eight groups: 600 users, 400 items, labels that name the group."""
    return synthetic.taste_groups(users=600, items=400, groups=8, per_user=20)


@cache
def fitted(recipe=None):
    return (recipe or tm.SVD(factors=16)).fit(world(), seed=1)


def noise(seed=0, d=16):
    return stream(seed, "health").standard_normal((400, d)).astype(np.float32)


def rank_three(vectors):
    left, sizes, right = np.linalg.svd(vectors, full_matrices=False)
    blurred = (left[:, :3] * sizes[:3]) @ right[:3]
    return blurred + 0.01 * vectors.std() * noise(1, vectors.shape[1])


def by_fame(model):
    return np.outer(np.log1p(model.train.item_counts()), noise(2)[0]) + 0.05 * noise(3)


def hubs_planted(vectors):
    """Noise around a common direction, and three items that are that direction."""
    common = np.eye(vectors.shape[1])[0]
    spread = 0.2 * noise(4)[:, : vectors.shape[1]] + 4 * common
    spread[[5, 70, 300]] = 4 * common
    return spread


def tail_of(model, share):
    counts = model.train.item_counts()
    return np.argsort(counts, kind="stable")[: int(share * len(counts))]


def random_tail(model, share):
    vectors = model.item_vectors.copy()
    tail = tail_of(model, share)
    vectors[tail] = noise(5)[tail] * vectors.std()
    return vectors


DISEASES = {
    "random": (lambda m: noise(), {"co_lift_matched", "alignment_gap"}),
    "rows shuffled": (
        lambda m: m.item_vectors[stream(0, "rows").permutation(400)],
        {"co_lift_matched", "alignment_gap"},
    ),
    "full collapse": (lambda m: 1 + 0.25 * noise(), {"mean_cosine", "co_lift_matched"}),
    "all equal": (lambda m: np.ones((400, 16)), {"mean_cosine", "antihub_share"}),
    "popularity-dominated": (by_fame, {"mean_cosine", "popularity_share", "evr1"}),
    "hubs": (lambda m: hubs_planted(m.item_vectors), {"hub_skew"}),
    "random tail, half": (lambda m: random_tail(m, 0.5), {"tail_lift", "rare_lift"}),
    "random tail, a third": (lambda m: random_tail(m, 0.3), {"rare_lift"}),
    "a fifth of zeros": (lambda m: m.item_vectors * (noise(6)[:, :1] > -0.84), {"zero_share"}),
    "rank three": (lambda m: rank_three(m.item_vectors), {"directions_used"}),
}
RECIPES = [
    tm.SVD(factors=16),
    tm.SVD(factors=64),
    tm.ALS(factors=12, epochs=8),  # of 8, a group becomes one point: no item is near another
    tm.ALS(factors=64, epochs=8),
    tm.ALS(factors=64, epochs=8, alpha0=None, reg_power=0.0, reg=20.0, alpha=4.0),
    tm.BPR(factors=32, epochs=40),
]


@pytest.mark.parametrize("recipe", RECIPES, ids=str)
def test_a_healthy_model_gets_no_light_but_good(recipe):
    found = health(fitted(recipe))
    assert found.light == "good", str(found)
    assert found.verdict.startswith("Item vectors are trained and use ")
    assert "x more users than chance; popularity explains " in found.verdict


@pytest.mark.parametrize("name", DISEASES)
def test_every_disease_is_seen_by_its_measures(name):
    broken, measures = DISEASES[name]
    model = fitted()
    found = health(broken(model), model.train, user_vectors=model.user_vectors)
    seen = {name for name, light in found.lights.items() if light in ("warn", "fail")}
    assert measures <= seen, str(found)
    assert found.light in ("warn", "fail")
    assert not found.verdict.startswith("Item vectors are trained")


def test_shifted_ids_are_named_where_neighbouring_ids_are_no_kin():
    log = synthetic.demo_world()
    vectors = tm.SVD(factors=16).fit(log).item_vectors
    found = health(np.roll(vectors, 1, axis=0), log)
    assert found.lights["id_shift_gain"] == "fail"
    assert found.verdict.startswith("Rows and item ids have moved against each other: row i")
    assert "item i - 1" in found.verdict
    back = health(np.roll(vectors, -1, axis=0), log)
    assert "item i + 1" in back.verdict


def test_an_untrained_model_is_caught():
    model = tm.BPR(factors=32, epochs=1, learning_rate=0.001).fit(world())
    assert health(model).lights["co_lift_matched"] == "fail"
    assert "do not fit the log" in health(model).verdict


@pytest.mark.parametrize(
    "log", [synthetic.noise(users=400), synthetic.popularity_only(users=400)], ids=["noise", "fame"]
)
@pytest.mark.parametrize("recipe", [tm.ALS(factors=16, epochs=5), tm.SVD(factors=16)], ids=str)
def test_where_nothing_is_to_be_learned_nothing_is_alarming(log, recipe):
    found = health(recipe.fit(log))
    assert found.light in ("good", None), str(found)
    assert found.lights["co_lift_matched"] is None
    assert "confirms no neighbours" in found.verdict


def test_few_factors_are_judged_gently():
    for factors in (1, 2, 4):
        assert health(tm.ALS(factors=factors).fit(world())).light in ("good", None)


def test_random_vectors_have_every_lift_at_chance():
    found = health(noise(), world())
    for value in (found.co_lift, found.co_lift_matched, found.label_lift, found.tail_lift):
        assert value == pytest.approx(1, abs=0.15)
    assert np.mean(list(found.label_lifts.values())) == pytest.approx(1, abs=0.15)
    assert found.popularity_share < 0.05


def test_labels_of_perfect_groups_are_lifted_to_their_number():
    centres = np.eye(8)[np.arange(400) % 8]
    found = health(centres + 0.01 * noise(0, 8), world())
    # 49 others of 399 have the group's label.
    assert found.label_lift == pytest.approx(399 / 49)
    assert found.label_lifts == pytest.approx({f"group {g}": 399 / 49 for g in range(8)})


def test_a_decile_shows_what_the_mean_hides():
    model = fitted()
    found = health(random_tail(model, 0.3), model.train)
    by_number = {one.number: one for one in found.deciles}
    assert found.lights["co_lift_matched"] == "good"
    assert by_number[1].co_lift < 1.5 < 4 < by_number[10].co_lift
    assert by_number[1].most <= by_number[10].least
    assert sum(one.items for one in found.deciles) == found.items


def test_without_a_log_only_the_vectors_speak():
    found = health(fitted().item_vectors)
    assert (found.items, found.co_lift, found.alignment_gap) == (400, None, None)
    assert found.reasons["co_lift"] == "no log was given"
    assert found.lights["evr1"] == "good"
    assert found.verdict.endswith("without a log nothing can tell whether they are trained.")


def test_without_users_or_labels_the_reason_is_given():
    log = tm.Interactions(
        *(getattr(world(), n) for n in "user item weight time users items".split())
    )
    found = health(fitted().item_vectors, log)
    assert found.reasons["alignment_gap"] == "no user vectors were given"
    assert found.reasons["label_lift"] == "the log's items have no labels"
    assert found.co_lift > 3


def test_every_missing_number_has_a_reason():
    for found in (health(noise()), health(np.zeros((400, 16)), world())):
        missing = {n for n, v in vars(found).items() if v is None}
        assert missing
        assert missing == set(found.reasons)


def test_rare_items_are_left_out_and_the_page_says_so():
    log = synthetic.demo_world()
    found = health(tm.SVD(factors=16).fit(log))
    enough = int((log.item_counts() >= 5).sum())
    assert found.items == enough < len(log.items)
    assert f"{len(log.items) - enough} of 1,200 items left out" in found.notes[0]


def test_a_sample_says_that_it_is_one_and_finds_the_same():
    whole, part = health(fitted()), health(fitted(), sample=200)
    assert (part.items, part.compared) == (400, 200)
    assert "neighbours among 200 of 400 items" in part.notes[0]
    assert part.light == "good"
    assert part.effective_rank == whole.effective_rank


def test_equal_calls_give_equal_numbers_on_any_number_of_threads():
    whole = health(fitted(), sample=300, seed=3)
    with tm.threads(1):
        assert health(fitted(), sample=300, seed=3).to_json() == whole.to_json()


def test_items_and_scale_may_be_relabelled():
    model, order = fitted(), stream(0, "order").permutation(400)
    log = world()
    place = np.argsort(order).astype(np.int32)
    moved = tm.Interactions(log.user, place[log.item], log.weight, log.time, log.users, log.items)
    one, other = health(model.item_vectors, log), health(model.item_vectors[order] * 5, moved)
    for name in (
        "evr1",
        "effective_rank",
        "mean_cosine",
        "hub_skew",
        "popularity_share",
    ):
        assert getattr(other, name) == pytest.approx(getattr(one, name), rel=1e-3), name
    assert other.co_lift == pytest.approx(one.co_lift, rel=0.02)  # chance is drawn by code


def test_dot_neighbours_are_not_called_hubs():
    found = health(fitted(), similarity="dot")
    assert found.lights["hub_skew"] is None
    assert found.hub_skew is not None


def test_what_is_passed_in_stays_as_it_is():
    vectors, log = noise(), world()
    copies = vectors.copy(), log.fingerprint()
    health(vectors, log)
    assert (vectors == copies[0]).all()
    assert log.fingerprint() == copies[1]


def test_the_page_fits_and_the_json_is_plain():
    for found in (health(fitted()), health(noise(), world()), health(noise())):
        assert max(map(len, str(found).splitlines())) < 80
        written = json.loads(json.dumps(found.to_json(), allow_nan=False))
        assert written["verdict"] == found.verdict
        assert written["readings"][0]["name"] == "zero_share"
        assert written["per_dimension"]["rankme"] == pytest.approx(found.rankme / 16)


@pytest.mark.parametrize(
    ("vectors", "said"),
    [
        (np.where(noise() > 3, np.nan, noise()), "item vectors that are not finite in"),
        (noise()[:, 0], r"item vectors of shape \(400,\)"),
        (noise().astype(str), "item vectors of shape .* and type <U"),
        (np.empty((0, 4)), r"item vectors of shape \(0, 4\)"),
        (noise()[:399], "399 item vectors for a log of 400 items"),
        (noise()[:9], "9 item vectors for a log of 400 items"),
    ],
)
def test_vectors_that_cannot_be_read_are_refused(vectors, said):
    with pytest.raises(tm.InputError, match=f"{said}[^\n]*\n  allowed: .*\n  to do: "):
        health(vectors, world())


def test_user_vectors_must_fit():
    with pytest.raises(tm.InputError, match="5 user vectors for a log of 600 users"):
        health(noise(), world(), user_vectors=noise()[:5])
    with pytest.raises(tm.InputError, match="user vectors of 8 numbers, item vectors of 16"):
        health(noise(), user_vectors=noise(0, 8))


def test_too_few_items_are_refused():
    with pytest.raises(tm.InputError, match=r"10 items for k=10 neighbours\n.*11 items or more"):
        health(noise()[:10])
    with pytest.raises(tm.InputError, match="0 items with 1000 users or more for k=10"):
        health(fitted(), min_events=1000)


def test_a_model_without_vectors_is_refused():
    model = tm.Popularity().fit(world())
    with pytest.raises(tm.UsageError, match="PopularityModel of Popularity has no item vectors"):
        health(model)


def test_numbers_that_make_no_sense_are_refused():
    with pytest.raises(tm.UsageError, match="k is 0"):
        health(noise(), k=0)
    with pytest.raises(tm.UsageError, match="sample=10 items for k=10 neighbours"):
        health(noise(), sample=10)
    with pytest.raises(tm.UsageError, match="similarity='l2'"):
        health(noise(), similarity="l2")
