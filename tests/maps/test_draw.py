"""Drawing: planted groups are found, what is left out is said, everything chosen by size."""

import sys
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

import tastemap as tm
from tastemap import synthetic
from tastemap.maps import draw as module
from tastemap.maps import layouts
from tastemap.maps.align import turn_onto
from tastemap.maps.draw import item_map
from tastemap.maps.item_map import Colour
from tastemap.maps.layouts import evenly
from tastemap.maps.neighbours import nearest
from tastemap.maps.pca import pca
from tastemap.maps.subject import missed_in_test
from tastemap.seeding import stream

LOG = synthetic.taste_groups(users=300, items=120, groups=4)
MODEL = tm.ALS(factors=6).fit(LOG)
QUICK = {"iterations": 150, "min_events": 1}


@pytest.fixture(scope="module")
def drawn():
    return item_map(MODEL, **QUICK)


def test_a_model_is_drawn_by_tsne_and_pca(drawn):
    assert [one.name for one in drawn.layouts] == ["t-SNE", "PCA"]
    assert len(drawn) == 120
    assert drawn.ids.tolist() == LOG.items.ids.tolist()
    assert drawn.titles[5] == "Item 5 (group 1)"
    assert drawn.users.tolist() == LOG.item_counts().tolist()
    assert [one.name for one in drawn.colours] == ["users", "label", "cluster"]
    assert drawn.title == "Items as ALS sees them"
    assert drawn.notes == ()


def test_planted_groups_are_found_on_the_map(drawn):
    xy = drawn.layouts[0].xy
    apart = ((xy[:, None] - xy[None]) ** 2).sum(axis=2)
    np.fill_diagonal(apart, np.inf)
    assert (apart.argmin(axis=1) % 4 == np.arange(120) % 4).mean() > 0.95
    assert drawn.layouts[0].shape.form == "clusters"


def test_its_neighbours_are_those_of_the_model(drawn):
    near, likeness = nearest(MODEL.item_vectors, 10)
    assert np.array_equal(drawn.near, near)
    np.testing.assert_allclose(drawn.likeness, likeness, rtol=1e-6)
    shares = [one.fidelity.kept for one in drawn.layouts]
    assert shares[0] > shares[1]


def test_pca_is_that_of_the_vectors(drawn):
    expected = pca(MODEL.item_vectors.astype(np.float32), LOG, min_events=1)
    np.testing.assert_allclose(drawn.layouts[1].xy, expected.xy, atol=1e-5)


def test_a_layout_says_how_it_was_made(drawn):
    assert drawn.layouts[0].settings == {
        "method": "t-SNE",
        "similarity": "cosine",
        "seed": 0,
        "perplexity": 30.0,
        "iterations": 150,
        "learning_rate": "auto",
        "start": "PCA",
        "fitted": 120,
    }
    assert drawn.layouts[0].seconds > 0


def test_equal_arguments_give_equal_bits_whatever_the_threads(drawn):
    with tm.threads(1):
        again = item_map(MODEL, **QUICK)
    for one, other in zip(drawn.layouts, again.layouts, strict=True):
        assert np.array_equal(one.xy, other.xy)
        assert one.fidelity == other.fidelity
    for one, other in zip(drawn.colours, again.colours, strict=True):
        assert np.array_equal(one.values, other.values)


def test_bare_vectors_are_drawn_by_their_rows():
    vectors = stream(0, "test", "draw").standard_normal((40, 5))
    before = vectors.copy()
    found = item_map(vectors, method="pca")
    assert (found.users, found.title, found.ids.tolist()) == (None, "Items", list(range(40)))
    assert found.titles[3] == "row 3"
    assert [one.name for one in found.colours] == ["cluster"]
    assert np.array_equal(vectors, before)


def test_rare_items_are_left_out_and_it_is_said():
    found = item_map(MODEL, method="pca", min_events=20)
    assert found.ids.tolist() == LOG.items.ids[LOG.item_counts() >= 20].tolist()
    left = (LOG.item_counts() < 20).sum()
    assert found.notes[0].startswith(f"{left} of 120 items left out: fewer than 20 users")


def test_only_the_most_used_are_drawn_if_so_asked():
    found = item_map(MODEL, method="pca", most_items=50, min_events=1)
    assert len(found) == 50
    rest = np.setdiff1d(LOG.items.ids, found.ids)
    counts = dict(zip(LOG.items.ids, LOG.item_counts(), strict=True))
    assert found.users.min() >= max(counts[one] for one in rest)
    assert found.notes == ("50 of 120 items, the most used",)


def test_a_run_brings_the_share_of_users_whose_list_misses_an_item():
    split = tm.leave_last_out(LOG)
    run = tm.execute(tm.ALS(factors=6), split, metrics=["recall@10"], yardsticks={})
    found = item_map(run, method="pca", min_events=1)
    colour = found.colours[-1]
    assert isinstance(colour, Colour)
    assert (colour.name, colour.kind) == ("missed in test", "number")
    _, truth = split.queries("test")
    for item in range(0, 120, 17):
        rows = [r for r in range(len(truth)) if item in truth.row(r)]
        missed = [item not in run.evaluation.ranking.items[r] for r in rows]
        expected = np.mean(missed) if rows else np.nan
        np.testing.assert_allclose(missed_in_test(run)[item], expected)
        np.testing.assert_allclose(colour.values[found.ids.tolist().index(LOG.items.ids[item])],
                                   expected)  # fmt: skip
    weights = np.bincount(truth.items, minlength=120)
    misses = np.nansum(missed_in_test(run) * weights) / weights.sum()
    assert 1 - misses == pytest.approx(run["recall@10"].mean)  # one item held out a user


def test_lists_of_another_split_say_nothing():
    other = SimpleNamespace(ranking=SimpleNamespace(items=np.zeros((3, 2), np.int32)))
    run = SimpleNamespace(model=MODEL, split=tm.leave_last_out(LOG), evaluation=other)
    assert missed_in_test(run) is None


def test_further_colours_are_added():
    found = item_map(MODEL, method="pca", min_events=1, colours={"price": np.arange(120) / 7})
    assert found.colours[-1].name == "price"


def test_methods_by_name_come_in_their_order_with_pca_among_them(monkeypatch):
    asked = []
    places = np.zeros((120, 2), np.float32) + np.arange(120, dtype=np.float32)[:, None]

    def fake(vectors, **options):
        asked.append(options)
        return places

    monkeypatch.setattr(layouts, "umap", fake)
    found = item_map(MODEL, method=["umap", "tsne"], **QUICK)
    assert [one.name for one in found.layouts] == ["UMAP", "t-SNE", "PCA"]
    assert asked[0]["neighbours"] == 15
    monkeypatch.setattr(module, "UMAP_FROM", 120)
    chosen = item_map(MODEL, min_events=1)
    assert [one.name for one in chosen.layouts] == ["UMAP", "PCA"]


def test_tsne_of_many_items_is_fitted_on_a_sample_and_the_others_are_placed():
    found = item_map(MODEL, method="tsne", sample=100, perplexity=10, **QUICK)
    assert found.notes == (
        "t-SNE is fitted on 100 of 120 items, evenly drawn along popularity; the others are "
        "placed among them",
    )
    assert found.layouts[0].settings["fitted"] == 100
    xy = found.layouts[0].xy
    apart = ((xy[:, None] - xy[None]) ** 2).sum(axis=2)
    np.fill_diagonal(apart, np.inf)
    assert (apart.argmin(axis=1) % 4 == np.arange(120) % 4).mean() > 0.9


def test_the_sample_has_its_share_of_every_popularity():
    users = stream(0, "test", "evenly").permutation(1000)
    rows = evenly(users, 1000, 100)
    assert len(np.unique(rows)) == 100
    assert np.bincount(users[rows] // 100, minlength=10).tolist() == [10] * 10


def test_tsne_of_too_many_is_refused_with_its_time(monkeypatch):
    monkeypatch.setattr(module, "UMAP_FROM", 110)
    monkeypatch.setattr(module, "TSNE_SECONDS", 1e-3)
    with pytest.raises(
        tm.UsageError,
        match=r"t-SNE of 120 items, which takes about 2 minutes\n.*fewer than 110.*\n.*sample=",
    ):
        item_map(MODEL, method="tsne", min_events=1, sample=1000)


def test_few_items_get_a_lower_perplexity_and_it_is_said():
    found = item_map(MODEL, most_items=40, **QUICK)
    assert found.layouts[0].settings["perplexity"] == 13
    assert "perplexity 13 instead of 30, as there are 40 items" in found.notes


def test_a_perplexity_by_name_is_not_lowered():
    with pytest.raises(tm.UsageError, match="perplexity=30 for 40 items"):
        item_map(MODEL, most_items=40, perplexity=30, **QUICK)


def test_three_items_are_drawn_by_pca_alone():
    found = item_map(np.eye(3))
    assert [one.name for one in found.layouts] == ["PCA"]
    assert found.near.shape == (3, 2)


def test_without_the_extra_pca_is_drawn_alone_and_it_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "openTSNE", None)
    found = item_map(MODEL, **QUICK)
    assert [one.name for one in found.layouts] == ["PCA"]
    assert found.notes == ("t-SNE is left out: pip install 'tastemap[maps]'",)
    with pytest.raises(tm.MissingExtra):
        item_map(MODEL, method="tsne", **QUICK)


def spun(one):
    """The map mirrored and turned by a quarter."""
    turned = tuple(replace(each, xy=each.xy[:, ::-1].copy()) for each in one.layouts)
    return replace(one, layouts=turned)


def test_a_map_that_starts_at_an_older_one_does_not_spin(drawn):
    last = spun(item_map(tm.ALS(factors=6).fit(LOG[LOG.item % 15 != 4].compact()), **QUICK))
    now = item_map(MODEL, start=last, **QUICK)
    there = [now.ids.tolist().index(one) for one in last.ids]
    for axis in (0, 1):
        ours, theirs = now.layouts[0].xy[there, axis], last.layouts[0].xy[:, axis]
        assert np.corrcoef(ours, theirs)[0, 1] > 0.9
    left = turn_onto(now.layouts[0].xy[there], last.layouts[0].xy)  # nothing is left to turn
    np.testing.assert_allclose(left.turn, np.eye(2), atol=1e-3)
    assert left.scale == pytest.approx(1, abs=1e-3)
    assert now.layouts[0].settings["start"] == "an older map"
    for axis in (0, 1):  # components keep their meaning; only their signs may be turned
        ours, theirs = now.layouts[1].xy[:, axis], drawn.layouts[1].xy[:, axis]
        assert np.array_equal(np.abs(ours), np.abs(theirs))


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"method": []}, "no method\n.*'auto', 'pca', 'tsne', 'umap'"),
        ({"k": 0}, "k is 0"),
        ({"perplexity": float("nan")}, "perplexity=nan for 120 items"),
        ({"most_items": 2}, "most_items=2\n.*3 or more"),
        ({"method": "tsne", "sample": 50}, "sample=50\n.*100 items or more"),
    ],
)
def test_impossible_arguments_are_refused(asked, said):
    with pytest.raises(tm.UsageError, match=said):
        item_map(MODEL, **QUICK, **asked)


def test_methods_may_be_written_like_the_names_of_layouts():
    assert module._methods(["t-SNE", "PCA"], 100) == ["t-SNE", "PCA"]


def test_an_unknown_method_is_refused():
    with pytest.raises(tm.UsageError, match=r"method='isomap'\n.*'auto', 'pca', 'tsne', 'umap'"):
        module._methods(["isomap"], 100)


def test_too_few_items_are_refused():
    with pytest.raises(tm.InputError, match=r"2 of 2 items\n.*3 items or more\n.*more vectors"):
        item_map(np.eye(2))
    with pytest.raises(tm.InputError, match="0 of 120 items with 9999 users or more"):
        item_map(MODEL, min_events=9999)


def test_a_model_without_vectors_is_refused():
    with pytest.raises(tm.UsageError, match="has no item vectors"):
        item_map(tm.Popularity().fit(LOG))
