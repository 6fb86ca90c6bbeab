"""Layouts, items and neighbours found by name on a map."""

from dataclasses import replace

import numpy as np
import pytest

from drawn import FAMOUS, drawn_map
from tastemap.errors import UsageError
from tastemap.maps.lookup import layout_of, neighbours, place_of

FILMS = drawn_map(60, k=5)


def renamed(*titles):
    return replace(FILMS, titles=np.array([*titles, *FILMS.titles[len(titles) :]], dtype=object))


@pytest.mark.parametrize("name", ["t-SNE", "tsne", "TSNE", "T-sne", "t_sne"])
def test_a_layout_is_found_whatever_its_case_and_hyphens(name):
    assert layout_of(FILMS, name) is FILMS.layouts[0]
    assert FILMS[name] is FILMS.layouts[0]


def test_an_unknown_layout_is_refused_with_those_there_are():
    with pytest.raises(UsageError, match=r"no layout 'UMAP' on this map\n.*'t-SNE' or 'PCA'\n"):
        layout_of(FILMS, "UMAP")


def test_an_item_is_found_by_id_title_or_title_of_other_case():
    assert place_of(FILMS, 1002) == place_of(FILMS, "1002") == 2
    assert place_of(FILMS, "Toy Story (1995)") == 0
    assert place_of(FILMS, "AMÉLIE (2001)") == 1


def test_an_id_goes_before_a_title_and_an_exact_title_before_another_case():
    assert place_of(renamed("1003"), "1003") == 3
    assert place_of(renamed("alien", "Alien"), "Alien") == 1
    assert place_of(renamed("alien", "Alien"), "alien") == 0


def test_a_title_of_two_items_is_refused_with_their_ids():
    with pytest.raises(UsageError, match=r"2 items are called 'ALIEN'\n.*: 1000, 1001\n.*'1000'"):
        place_of(renamed("alien", "Alien"), "ALIEN")


def test_an_unknown_title_is_refused_with_similar_ones():
    with pytest.raises(UsageError, match=r"title 'Toy Storey \(1995\)'\n.*'Toy Story \(1995\)'"):
        place_of(FILMS, "Toy Storey (1995)")
    with pytest.raises(UsageError, match=r"title 'toy'\n.*similar: 'Toy Story \(1995\)'"):
        place_of(FILMS, "toy")
    with pytest.raises(UsageError, match=r"of this map\n.*look into item_map.titles"):
        place_of(replace(FILMS, users=None), "zzzzzzzzzzzzzzzzzz")


def test_neighbours_on_the_map_stand_beside_those_in_the_model():
    found = neighbours(FILMS, "Toy Story (1995)", k=5)
    apart = ((FILMS.layouts[0].xy.astype(float) - FILMS.layouts[0].xy[0].astype(float)) ** 2).sum(1)
    on_map = [one for one in np.argsort(apart) if one != 0][:5]
    unit = FILMS.vectors / np.linalg.norm(FILMS.vectors, axis=1, keepdims=True)
    cosines = unit @ unit[0]
    in_model = [one for one in np.argsort(-cosines) if one != 0][:5]
    assert found["rank"].tolist() == [1, 2, 3, 4, 5]
    assert found["on_map"].tolist() == FILMS.titles[on_map].tolist()
    assert found["in_model"].tolist() == FILMS.titles[in_model].tolist()
    np.testing.assert_allclose(found["likeness"], cosines[in_model], rtol=1e-5)
    assert found["true"].tolist() == [one in in_model for one in on_map]
    assert found["kept"].tolist() == [one in on_map for one in in_model]
    assert 0 < found["kept"].sum() < 5


def test_another_layout_has_other_neighbours_of_the_same_truth():
    first, second = (neighbours(FILMS, 1000, k=5, layout=name) for name in ("t-SNE", "pca"))
    assert first["on_map"].tolist() != second["on_map"].tolist()
    assert first["in_model"].tolist() == second["in_model"].tolist()
    assert FILMS.neighbours(1000, 5, "pca").rows() == second.rows()


@pytest.mark.parametrize("similarity", ["cosine", "dot"])
def test_more_neighbours_than_are_noted_come_from_the_vectors(similarity):
    vectors = FILMS.vectors.astype(np.float64)
    if similarity == "cosine":
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    scores = vectors @ vectors[7]
    scores[7] = -np.inf
    found = neighbours(replace(FILMS, similarity=similarity), 1007, k=20)
    assert found["in_model"].tolist() == FILMS.titles[np.argsort(-scores)[:20]].tolist()
    np.testing.assert_allclose(found["likeness"], np.sort(scores)[::-1][:20], rtol=1e-4)


def test_the_table_prints_and_long_titles_are_cut():
    found = neighbours(renamed("x" * 500, *FAMOUS[1:]), 1006, k=5)
    assert max(map(len, str(found).splitlines())) < 250
    assert str(found).startswith("rank  on_map")


@pytest.mark.parametrize(("k", "said"), [(0, "k is 0"), (60, "k=60 neighbours on a map of 60")])
def test_a_k_that_cannot_be_is_refused(k, said):
    with pytest.raises(UsageError, match=said):
        neighbours(FILMS, 1000, k=k)
