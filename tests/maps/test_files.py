"""Saving a map: the name says what is written."""

import sys
import types

import pytest

from item_maps import hand_map
from tastemap import UsageError
from tastemap.maps.files import FORMS, save_map

STARTS = {".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF", ".parquet": b"PAR1"}


@pytest.mark.parametrize("suffix", [*STARTS, ".PNG"])
def test_the_suffix_chooses_the_form(tmp_path, suffix):
    path = save_map(hand_map(20), tmp_path / "deep" / f"map{suffix}")
    assert path.read_bytes().startswith(STARTS[suffix.lower()])
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_html_is_the_page_of_the_viewer(tmp_path, monkeypatch):
    viewer = types.ModuleType("tastemap.maps.viewer")
    viewer.page = lambda item_map: f"<p>{item_map.title} é"
    monkeypatch.setitem(sys.modules, "tastemap.maps.viewer", viewer)
    path = hand_map(20).save(tmp_path / "map.html")
    assert path.read_text(encoding="utf-8") == "<p>A map by hand é"


def test_folders_and_tsv_are_for_the_projector(tmp_path):
    assert save_map(hand_map(20), f"{tmp_path}/one/") == tmp_path / "one"
    assert save_map(hand_map(20), tmp_path / "two.tsv") == tmp_path / "two"
    for name in ("one", "two"):
        assert (tmp_path / name / "vectors.tsv").is_file()


def test_options_reach_the_picture(tmp_path):
    made = hand_map()
    made.save(tmp_path / "a.svg", layout="PCA", colour="genre", labels=0, size=(6, 5))
    said = (tmp_path / "a.svg").read_text(encoding="utf-8")
    assert "PCA of 60 items" in said
    assert "Comedy" in said
    assert "Film" not in said


@pytest.mark.parametrize("name", ["map.jpg", "map", "map.html.gz"])
def test_unknown_names_are_refused_with_the_list(tmp_path, name):
    with pytest.raises(UsageError) as caught:
        save_map(hand_map(20), tmp_path / name)
    assert name in caught.value.given
    assert all(form in caught.value.allowed for form in FORMS)
    assert not list(tmp_path.iterdir())


def test_options_of_another_form_are_refused(tmp_path):
    with pytest.raises(UsageError, match="option 'layout'"):
        save_map(hand_map(20), tmp_path / "map.parquet", layout="PCA")
    with pytest.raises(UsageError, match="option 'seed'"):
        save_map(hand_map(20), tmp_path / "map.png", seed=1)


def test_a_folder_of_that_name_is_refused(tmp_path):
    (tmp_path / "map.png").mkdir()
    with pytest.raises(UsageError, match="is a folder"):
        save_map(hand_map(20), tmp_path / "map.png")
